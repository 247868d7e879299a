"""What the participant says about a picture."""

from dataclasses import dataclass
from typing import Literal

RatingStatus = Literal["answered", "timed_out", "skipped", "untouched"]


@dataclass(frozen=True)
class Scale:
    """A rating scale with ``n_points`` steps from ``minimum`` to ``maximum``.

    Parameters
    ----------
    id : str
        ``valence``, ``arousal``, ...: the name in markers and tables.
    question, low, middle, high : str
        The participant's words (not the operator's), in the study's language.
    """

    id: str
    question: str
    low: str
    middle: str
    high: str
    minimum: int = 1
    maximum: int = 7

    @property
    def n_points(self) -> int:
        """Number of steps."""
        return self.maximum - self.minimum + 1

    @property
    def midpoint(self) -> float:
        """Middle of the range; the default label rule leaves ratings on it out."""
        return (self.minimum + self.maximum) / 2


# Anchors as OASIS words them (Kurdi, Lozano & Banaji 2017).
VALENCE = Scale("valence", "How did this picture make you feel?", "very negative", "neutral", "very positive")
AROUSAL = Scale("arousal", "How strongly did you feel it?", "very low", "medium", "very high")


@dataclass(frozen=True)
class Rating:
    """One answer, with everything METHODS asks to be stored.

    Parameters
    ----------
    scale : str
        Id of the scale.
    value : float or None
        None unless ``status`` is ``answered``.
    minimum, maximum : float
        The scale's range, so that the value can be read without the protocol.
    first_touch_s, submit_s : float or None
        Seconds from the scale's first flip.
    n_changes : int
        How often the value was changed before it was submitted.
    device : str
        ``keyboard``, ``mouse``, ``touch`` or ``none``.
    order : int
        0 for the first scale after the picture.
    """

    scale: str
    value: float | None
    minimum: float
    maximum: float
    first_touch_s: float | None
    submit_s: float | None
    n_changes: int
    device: str
    status: RatingStatus
    order: int
