"""What the participant sees, as a value that any screen can draw and the operator's mirror can redraw."""

from dataclasses import dataclass
from typing import Literal

ViewKind = Literal["blank", "text", "fixation", "picture", "rating"]


@dataclass(frozen=True)
class View:
    """One screenful.

    Parameters
    ----------
    text : str
        For ``text``: the words.
    stimulus_id : str
        For ``picture``.
    scale_id : str
        For ``rating``.
    selected : int or None
        For ``rating``: the step chosen so far.
    corner : bool
        Whether the photodiode square is bright; toggles with every picture flip.
    """

    kind: ViewKind
    text: str = ""
    stimulus_id: str = ""
    scale_id: str = ""
    selected: int | None = None
    corner: bool = False
