"""One trial: fixation, picture, ratings, pause."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from veridical.domain.errors import StimulusError
from veridical.domain.event import Marker
from veridical.domain.protocol import Trial
from veridical.domain.rating import Rating, Scale
from veridical.domain.trial_table import rating_details
from veridical.domain.view import View
from veridical.presenter.rating_entry import RatingEntry
from veridical.presenter.stage import BLANK, PartInterruptedError, Stage
from veridical.presenter.timing import PictureTiming


@dataclass(frozen=True)
class TrialResult:
    """What came of a trial.

    Parameters
    ----------
    picture : PictureTiming or None
        None if the picture could not be shown.
    """

    trial: Trial
    ratings: tuple[Rating, ...]
    picture: PictureTiming | None


class TrialRun:
    """One trial while it runs; whatever interrupts it, its markers end up complete.

    Once the picture was on screen, every scale gets its rating marker; before that, the trial can be
    run again from its fixation.
    """

    def __init__(self, stage: Stage, trial: Trial, scales: Mapping[str, Scale], timeout_s: float) -> None:
        self._stage = stage
        self._trial = trial
        self._scales = [scales[s] for s in trial.scales]
        self._timeout_s = timeout_s
        self._onset_s: float | None = None
        self._off_s: float | None = None
        self._entry: RatingEntry | None = None
        self._ratings: list[Rating] = []
        self._is_skipped = False

    @property
    def was_presented(self) -> bool:
        """Whether the picture was shown or given up, so that the trial must not be repeated."""
        return self._onset_s is not None or self._is_skipped

    @property
    def result(self) -> TrialResult:
        """What came of it so far."""
        picture = None
        if self._onset_s is not None and self._off_s is not None:
            picture = PictureTiming(
                trial=self._trial.number,
                is_practice=self._trial.is_practice,
                onset_lsl_s=self._onset_s,
                asked_s=self._trial.picture_s,
                true_s=self._off_s - self._onset_s,
            )
        return TrialResult(self._trial, tuple(self._ratings), picture)

    def run(self) -> None:
        """Present and rate; does nothing if the picture was presented already."""
        if self.was_presented:
            return
        try:
            self._present()
            if not self._is_skipped:
                self._rate()
        except PartInterruptedError:
            self._tidy()
            raise

    def _present(self) -> None:
        trial = self._trial
        fixation_s = self._stage.show(View("fixation"), self._marker("fixation"))
        self._stage.hold(fixation_s + trial.fixation_s)
        details = {"id": trial.stimulus_id, "trial": str(trial.number)}
        if not trial.is_practice:
            details["block"] = str(trial.block)
        if trial.repeat_of is not None:
            details["repeat_of"] = str(trial.repeat_of)
        view = View("picture", stimulus_id=trial.stimulus_id, corner=True)
        try:
            self._onset_s = self._stage.show(view, self._named(f"picture/{trial.condition}", details))
        except StimulusError:
            # No "id": only pictures that were seen carry one.
            skipped = {"stimulus": trial.stimulus_id, "trial": str(trial.number)}
            self._stage.mark(self._named("picture/skipped", skipped))
            self._is_skipped = True
            return
        self._stage.hold(self._onset_s + trial.picture_s)

    def _rate(self) -> None:
        for order, scale in enumerate(self._scales):
            first = View("rating", scale_id=scale.id)
            if order == 0:
                onset_s = self._off_s = self._stage.show(first, self._marker("picture/off"))
            else:
                onset_s = self._stage.show(first)
            self._entry = RatingEntry(scale, onset_s, order)
            self._answer(onset_s + self._timeout_s if self._timeout_s > 0 else math.inf)
        if not self._scales:
            self._off_s = self._stage.show(BLANK, self._marker("picture/off"))
        else:
            self._stage.show(BLANK)

    def _answer(self, until_s: float) -> None:
        """Take inputs until the scale is confirmed or its time is up, and mark the rating."""
        assert self._entry is not None
        while not self._entry.is_submitted:
            inputs = self._stage.wait_input(until_s)
            if not inputs:
                break
            before = self._entry.selected
            for one in inputs:
                self._entry = self._entry.take(one)
            if self._entry.selected != before and not self._entry.is_submitted:
                self._stage.show(View("rating", scale_id=self._entry.scale.id, selected=self._entry.selected))
        entry, self._entry = self._entry, None
        submitted_s = None if entry.submit_s is None else entry.onset_s + entry.submit_s
        self._mark_rating(entry.timed_out(), submitted_s)

    def _tidy(self) -> None:
        """End a picture that is on screen and give every scale that is left its marker."""
        if self._onset_s is None:
            return
        if self._off_s is None:
            self._off_s = self._stage.show(BLANK, self._marker("picture/off"))
        for order, scale in enumerate(self._scales[len(self._ratings) :], start=len(self._ratings)):
            entry = self._entry or RatingEntry(scale, self._off_s, order)
            self._entry = None
            self._mark_rating(entry.rating("skipped"), None)

    def _mark_rating(self, rating: Rating, lsl_s: float | None) -> None:
        self._ratings.append(rating)
        details = rating_details(rating, self._trial.number)
        self._stage.mark(self._named(f"rating/{rating.scale}", details), lsl_s)

    def _marker(self, name: str) -> Marker:
        return self._named(name, {"trial": str(self._trial.number)})

    def _named(self, name: str, details: dict[str, str]) -> Marker:
        return Marker(f"practice/{name}" if self._trial.is_practice else name, details)
