"""What the participant says about a picture."""

from dataclasses import dataclass
from typing import Literal

RatingStatus = Literal["answered", "timed_out", "skipped", "untouched"]
ScaleKind = Literal["likert", "visual-analogue", "affective-slider", "choice", "text"]
SLIDERS: tuple[ScaleKind, ...] = ("visual-analogue", "affective-slider")

# Betella & Verschure 2016: a slider with fewer steps than this is a Likert scale in disguise.
MIN_SLIDER_STEPS = 100


@dataclass(frozen=True)
class Scale:
    """A question and how it is answered.

    Parameters
    ----------
    id : str
        ``valence``, ``arousal``, ...: the name in markers and tables.
    question, low, middle, high : str
        The participant's words (not the operator's), in the study's language.
    minimum, maximum : int
        Range of the values: steps of 1 on a Likert scale, ``n_steps`` equal steps on a slider. A choice counts its
        options from 1; free text has no value.
    kind : str
        ``likert``: discs with numbers. ``visual-analogue``: a line with a thumb. ``affective-slider``: the same by the
        rules of Betella & Verschure (2016); neighbours of this kind stand together on one screen. ``choice``: one of
        ``options``. ``text``: the participant's own words.
    n_steps : int
        Steps of a slider, at least 100.
    options : tuple of str
        Of a choice, as they are stored.
    option_words : tuple of str
        Of a choice, as they are shown; empty shows ``options``.
    is_optional : bool
        May be confirmed without an answer, which counts as skipped.
    """

    id: str
    question: str
    low: str = ""
    middle: str = ""
    high: str = ""
    minimum: int = 1
    maximum: int = 7
    kind: ScaleKind = "likert"
    n_steps: int = MIN_SLIDER_STEPS
    options: tuple[str, ...] = ()
    option_words: tuple[str, ...] = ()
    is_optional: bool = False

    @property
    def is_slider(self) -> bool:
        """Whether a thumb is moved along a line."""
        return self.kind in SLIDERS

    @property
    def last_step(self) -> int:
        """Number of the last step; the first is 0."""
        if self.kind == "text":
            return 0
        if self.kind == "choice":
            return max(0, len(self.options) - 1)
        return self.n_steps if self.is_slider else self.maximum - self.minimum

    @property
    def n_points(self) -> int:
        """Number of steps that can be chosen; 0 for free text."""
        return 0 if self.kind == "text" else self.last_step + 1

    @property
    def middle_step(self) -> int:
        """The step in the middle, where a slider's thumb waits."""
        return self.last_step // 2

    @property
    def low_value(self) -> float:
        """Smallest value of an answer."""
        return 1.0 if self.kind == "choice" else float(self.minimum)

    @property
    def high_value(self) -> float:
        """Largest value of an answer."""
        return float(len(self.options)) if self.kind == "choice" else float(self.maximum)

    @property
    def midpoint(self) -> float:
        """Middle of the range; the default label rule leaves ratings on it out."""
        return (self.low_value + self.high_value) / 2

    @property
    def shown_options(self) -> tuple[str, ...]:
        """Options in the participant's words."""
        return self.option_words if len(self.option_words) == len(self.options) else self.options

    def value_at(self, step: int) -> float:
        """Value of a step (from 0), on the scale's own range."""
        if not self.is_slider:
            return self.low_value + step
        return self.minimum + step * (self.maximum - self.minimum) / self.n_steps

    def step_at(self, value: float) -> int:
        """Step (from 0) nearest to a value of the scale's range."""
        share = (value - self.low_value) / (self.high_value - self.low_value) if self.last_step else 0.0
        return min(self.last_step, max(0, round(share * self.last_step)))


# Anchors as OASIS words them (Kurdi, Lozano & Banaji 2017).
VALENCE = Scale("valence", "How did this make you feel?", "very negative", "neutral", "very positive")
AROUSAL = Scale("arousal", "How strongly did you feel it?", "very low", "medium", "very high")


@dataclass(frozen=True)
class Rating:
    """One answer, with everything METHODS asks to be stored.

    Parameters
    ----------
    scale : str
        Id of the scale.
    value : float or None
        None unless ``status`` is ``answered``, and for free text.
    minimum, maximum : float
        The scale's range, so that the value can be read without the protocol.
    first_touch_s, submit_s : float or None
        Seconds from the scale's first flip.
    n_changes : int
        How often the value was changed before it was submitted; one movement of a slider counts once.
    device : str
        ``keyboard``, ``mouse``, ``touch`` or ``none``.
    order : int
        0 for the first scale after the picture.
    text : str
        The option's name of a choice, the words of free text; empty otherwise.
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
    text: str = ""
