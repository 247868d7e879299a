"""What is shown, and what norms say about it."""

from dataclasses import dataclass
from typing import Literal

from veridical.domain.errors import StimulusError

StimulusKind = Literal["image", "video", "audio"]
Condition = Literal["negative", "neutral", "positive"]
CONDITIONS: tuple[Condition, ...] = ("negative", "neutral", "positive")

# A norm within a sixth of the scale's half-range around its midpoint counts as neutral:
# 3.5 to 4.5 on OASIS' 1-7 scale (Kurdi, Lozano & Banaji 2017 use the same middle band).
NEUTRAL_HALF_WIDTH = 1 / 6


@dataclass(frozen=True)
class Stimulus:
    """One row of stimuli.tsv.

    Parameters
    ----------
    id : str
        Unique in its set; demo pictures are ``demo01``...
    file : str
        Path relative to the set's folder.
    category : str
        Theme or category as its source names it ("Animal").
    valence_mean, valence_sd, arousal_mean, arousal_sd : float or None
        Norms on the scale ``scale_min`` to ``scale_max``.
    sha256 : str
        Of the file's bytes; empty if not yet hashed.
    """

    id: str
    file: str
    kind: StimulusKind = "image"
    category: str = ""
    sha256: str = ""
    valence_mean: float | None = None
    valence_sd: float | None = None
    arousal_mean: float | None = None
    arousal_sd: float | None = None
    scale_min: float = 1.0
    scale_max: float = 7.0
    source: str = ""
    sensitive: bool = False

    def _unit(self, norm: float | None) -> float:
        if norm is None:
            return 0.0
        middle = (self.scale_min + self.scale_max) / 2
        return (norm - middle) / ((self.scale_max - self.scale_min) / 2)

    @property
    def valence_unit(self) -> float:
        """Normative valence from -1 (most negative) to 1; 0 without a norm."""
        return self._unit(self.valence_mean)

    @property
    def arousal_unit(self) -> float:
        """Normative arousal from -1 (lowest) to 1; 0 without a norm."""
        return self._unit(self.arousal_mean)

    @property
    def condition(self) -> Condition:
        """Class by normative valence; neutral within a sixth of the half-range."""
        if self.valence_unit > NEUTRAL_HALF_WIDTH:
            return "positive"
        if self.valence_unit < -NEUTRAL_HALF_WIDTH:
            return "negative"
        return "neutral"


@dataclass(frozen=True)
class StimulusSet:
    """A set of stimuli in the order of its table."""

    stimuli: tuple[Stimulus, ...]

    def __post_init__(self) -> None:
        ids = [s.id for s in self.stimuli]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise StimulusError(f"The stimulus id {twice[0]!r} stands twice in stimuli.tsv; make ids unique.")

    def get(self, stimulus_id: str) -> Stimulus:
        """Return the stimulus with this id; StimulusError if there is none."""
        for stimulus in self.stimuli:
            if stimulus.id == stimulus_id:
                return stimulus
        raise StimulusError(f"No stimulus has the id {stimulus_id!r}; look it up in stimuli.tsv.")

    def of_condition(self, condition: Condition) -> tuple[Stimulus, ...]:
        """Stimuli of one normative class, in table order."""
        return tuple(s for s in self.stimuli if s.condition == condition)
