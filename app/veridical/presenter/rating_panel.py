"""The questions that share a screen: one scale, or affective sliders that are confirmed together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from veridical.domain.rating import Rating, RatingStatus, Scale
from veridical.domain.view import SliderView, View
from veridical.presenter.rating_entry import RatingEntry
from veridical.presenter.screen import Input


@dataclass(frozen=True)
class RatingPanel:
    """What the participant has done on one screen of questions so far.

    Parameters
    ----------
    focus : int
        The slider that the arrow keys move.
    stimulus_id : str
        Picture shown above the question; empty without one.
    """

    entries: tuple[RatingEntry, ...]
    focus: int = 0
    stimulus_id: str = ""

    @classmethod
    def start(cls, scales: Sequence[Scale], onset_s: float, first_order: int, stimulus_id: str = "") -> "RatingPanel":
        """Return the untouched panel of scales that appeared at ``onset_s``."""
        entries = (RatingEntry(s, onset_s, first_order + k) for k, s in enumerate(scales))
        return cls(tuple(entries), stimulus_id=stimulus_id)

    @property
    def is_submitted(self) -> bool:
        """Whether everything was confirmed."""
        return all(e.is_submitted for e in self.entries)

    @property
    def is_ready(self) -> bool:
        """Whether confirming would be accepted: every slider was touched."""
        return all(e.can_submit for e in self.entries)

    def take(self, entry: Input) -> "RatingPanel":
        """Return the panel after an input."""
        if len(self.entries) == 1:
            return replace(self, entries=(self.entries[0].take(entry),))
        if self.is_submitted or entry.lsl_s < self.entries[0].onset_s:
            return self
        if self.entries[0].is_confirm(entry):
            if not self.is_ready:
                return self
            return replace(self, entries=tuple(e.submit(entry.lsl_s) for e in self.entries))
        if entry.kind == "press" and entry.key in ("up", "down", "tab"):
            step = -1 if entry.key == "up" else 1
            return replace(self, focus=(self.focus + step) % len(self.entries))
        aimed = self.focus
        if entry.scale_id:
            aimed = next((k for k, e in enumerate(self.entries) if e.scale.id == entry.scale_id), aimed)
        entries = list(self.entries)
        entries[aimed] = entries[aimed].take(entry)
        return replace(self, entries=tuple(entries), focus=aimed)

    def view(self) -> View:
        """Return what the participant sees of it."""
        if self.entries[0].scale.is_slider:
            sliders = tuple(SliderView(e.scale.id, e.selected) for e in self.entries)
            return View("sliders", sliders=sliders, focus=self.focus, is_ready=self.is_ready)
        entry = self.entries[0]
        return View(
            "rating",
            text=entry.typed,
            stimulus_id=self.stimulus_id,
            scale_id=entry.scale.id,
            selected=entry.selected,
        )

    def ratings(self, unanswered: RatingStatus | None = None) -> tuple[Rating, ...]:
        """Return all ratings; without a status for those not confirmed, their time was up."""
        return tuple(e.timed_out() if unanswered is None else e.rating(unanswered) for e in self.entries)
