"""One scale while it is being answered: a frozen value that every input replaces."""

from dataclasses import dataclass, replace

from veridical.domain.rating import Rating, RatingStatus, Scale
from veridical.presenter.screen import Device, Input

CONFIRM_KEYS = ("return", "space")


@dataclass(frozen=True)
class RatingEntry:
    """What the participant has done on one scale so far.

    Parameters
    ----------
    onset_s : float
        LSL time of the scale's first flip.
    order : int
        0 for the first scale after the picture.
    selected : int or None
        Step chosen so far.
    n_changes : int
        How often a chosen step was replaced by another.
    """

    scale: Scale
    onset_s: float
    order: int
    selected: int | None = None
    first_touch_s: float | None = None
    submit_s: float | None = None
    n_changes: int = 0
    device: Device = "none"

    @property
    def is_submitted(self) -> bool:
        """Whether the answer was confirmed."""
        return self.submit_s is not None

    def take(self, entry: Input) -> "RatingEntry":
        """Return the entry after an input; one that means nothing here changes nothing."""
        # A key pressed at the picture and dispatched by the flip is no answer to a scale not yet seen.
        if self.is_submitted or entry.lsl_s < self.onset_s:
            return self
        if entry.kind == "confirm" or (entry.kind == "press" and entry.key in CONFIRM_KEYS):
            if self.selected is None:
                return self
            return replace(self, submit_s=entry.lsl_s - self.onset_s)
        step = self._step(entry)
        return self if step is None else self._select(step, entry)

    def rating(self, unanswered: RatingStatus) -> Rating:
        """Return the rating; ``unanswered`` is its status unless it was confirmed."""
        return Rating(
            scale=self.scale.id,
            value=float(self.selected) if self.is_submitted and self.selected is not None else None,
            minimum=self.scale.minimum,
            maximum=self.scale.maximum,
            first_touch_s=self.first_touch_s,
            submit_s=self.submit_s,
            n_changes=self.n_changes,
            device=self.device,
            status="answered" if self.is_submitted else unanswered,
            order=self.order,
        )

    def timed_out(self) -> Rating:
        """Return the rating of a scale whose time is up: untouched, or touched and never confirmed."""
        return self.rating("untouched" if self.first_touch_s is None else "timed_out")

    def _step(self, entry: Input) -> int | None:
        if entry.kind == "step":
            step = entry.step
        elif entry.kind != "press":
            return None
        elif entry.key.isdigit():
            step = int(entry.key)
        elif entry.key in ("left", "right"):
            # The first arrow lands on the middle, so that neither arrow favours an end.
            move = -1 if entry.key == "left" else 1
            step = int(self.scale.midpoint) if self.selected is None else self.selected + move
        else:
            return None
        is_step = step is not None and self.scale.minimum <= step <= self.scale.maximum
        return step if is_step else None

    def _select(self, step: int, entry: Input) -> "RatingEntry":
        if self.selected is None:
            touched_s = entry.lsl_s - self.onset_s
            return replace(self, selected=step, first_touch_s=touched_s, device=entry.device)
        if step == self.selected:
            return self
        return replace(self, selected=step, n_changes=self.n_changes + 1, device=entry.device)
