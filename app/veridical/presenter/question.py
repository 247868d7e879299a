"""One screen of questions while the participant answers it."""

import math
from collections.abc import Sequence

from veridical.domain.event import Marker
from veridical.domain.rating import Rating, RatingStatus, Scale
from veridical.presenter.rating_panel import RatingPanel
from veridical.presenter.stage import Stage


class Question:
    """Shows its scales, listens, and keeps what was answered, also when something interrupts it.

    Parameters
    ----------
    first_order : int
        Place of its first scale among those of the trial, from 0.
    stimulus_id : str
        Picture shown above; empty without one.
    """

    def __init__(self, stage: Stage, scales: Sequence[Scale], first_order: int = 0, stimulus_id: str = "") -> None:
        self._stage = stage
        # Until it is shown, nothing counts as an answer.
        self._panel = RatingPanel.start(scales, math.inf, first_order, stimulus_id)
        self._scales = scales

    def show(self, *markers: Marker) -> float:
        """Show it and return the LSL time of its first flip, in seconds."""
        onset_s = self._stage.show(self._panel.view(), *markers)
        first = self._panel.entries[0].order
        self._panel = RatingPanel.start(self._scales, onset_s, first, self._panel.stimulus_id)
        return onset_s

    def wait(self, timeout_s: float) -> None:
        """Take inputs until all is confirmed or the time is up; ``timeout_s`` 0 waits without limit."""
        until_s = self._panel.entries[0].onset_s + timeout_s if timeout_s > 0 else math.inf
        while not self._panel.is_submitted:
            inputs = self._stage.wait_input(until_s)
            if not inputs:
                return
            before = self._panel.view()
            for one in inputs:
                self._panel = self._panel.take(one)
            if self._panel.view() != before and not self._panel.is_submitted:
                self._stage.show(self._panel.view())

    def answers(self, unanswered: RatingStatus | None = None) -> tuple[tuple[Rating, float | None], ...]:
        """Return every rating with the LSL time at which it was confirmed (None if it was not).

        ``unanswered`` is the status of those not confirmed; without it their time was up.
        """
        ratings = self._panel.ratings(unanswered)
        return tuple(
            (r, None if r.submit_s is None else e.onset_s + r.submit_s)
            for r, e in zip(ratings, self._panel.entries, strict=True)
        )
