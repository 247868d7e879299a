"""What the participant sees, as a value that any screen can draw and the operator's mirror can redraw."""

from dataclasses import dataclass, replace
from typing import Literal

ViewKind = Literal["blank", "text", "fixation", "picture", "video", "sound", "rating", "sliders"]


@dataclass(frozen=True)
class SliderView:
    """One slider on the screen.

    Parameters
    ----------
    step : int or None
        Where the thumb is, from 0 at the left; None: in the middle and not touched yet.
    """

    scale_id: str
    step: int | None = None


@dataclass(frozen=True)
class View:
    """One screenful.

    Parameters
    ----------
    text : str
        For ``text``: the words. For ``rating`` on a scale of free text: what was typed so far.
    stimulus_id : str
        For ``picture``, ``video`` and ``sound`` (heard while the cross is seen); for ``rating``: the picture above the
        question (familiarity pass).
    scale_id : str
        For ``rating``.
    selected : int or None
        For ``rating``: the value chosen so far; of a choice, the option counted from 1.
    corner : bool
        Whether the photodiode square is bright; toggles with every picture flip.
    sliders : tuple of SliderView
        For ``sliders``: from top to bottom.
    focus : int
        For ``sliders``: which one the keys move.
    is_ready : bool
        For ``sliders``: whether all were touched, so that the answers can be confirmed.
    """

    kind: ViewKind
    text: str = ""
    stimulus_id: str = ""
    scale_id: str = ""
    selected: int | None = None
    corner: bool = False
    sliders: tuple[SliderView, ...] = ()
    focus: int = 0
    is_ready: bool = False

    @property
    def is_clip(self) -> bool:
        """Whether something moves or sounds as long as the view stays."""
        return self.kind in ("video", "sound")

    @property
    def is_rating(self) -> bool:
        """Whether the participant is asked something."""
        return self.kind in ("rating", "sliders")

    def without_answer(self) -> "View":
        """Return the view as it was before anything was answered."""
        if not self.is_rating:
            return self
        untouched = tuple(SliderView(s.scale_id) for s in self.sliders)
        return replace(self, text="", selected=None, sliders=untouched, focus=0, is_ready=False)
