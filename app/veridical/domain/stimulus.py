"""What is shown, and what norms say about it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal

from veridical.domain.errors import StimulusError
from veridical.domain.image_statistics import ImageStatistics

StimulusKind = Literal["image", "video", "audio"]
Condition = Literal["negative", "neutral", "positive"]
CONDITIONS: tuple[Condition, ...] = ("negative", "neutral", "positive")

# A norm within a sixth of the scale's half-range around its midpoint counts as neutral:
# 3.5 to 4.5 on OASIS' 1-7 scale (Kurdi, Lozano & Banaji 2017 use the same middle band).
NEUTRAL_HALF_WIDTH = 1 / 6


def is_absolute(file: str) -> bool:
    """Whether a path is absolute on any system: tables travel between Windows and the others."""
    return PurePosixPath(file).is_absolute() or bool(PureWindowsPath(file).drive or PureWindowsPath(file).root)


@dataclass(frozen=True)
class Stimulus:
    """One row of stimuli.tsv.

    Parameters
    ----------
    id : str
        Unique in its set; demo pictures are ``demo01``...
    file : str
        Path relative to the set's folder; absolute if the file is only referenced and stays where it is.
    category : str
        Theme or category as its source names it ("Animal").
    valence_mean, valence_sd, arousal_mean, arousal_sd : float or None
        Norms on the scale ``scale_min`` to ``scale_max``.
    sha256 : str
        Of the file's bytes; empty if not yet hashed.
    sensitive : bool
        Nudity, injury, death and the like: shown only where the protocol includes it.
    excluded : str
        Why the study does not use it ("by hand", "not in the matched subset"); empty if it does.
    theme : str
        What several pictures have in common ("Acorns"), finer than ``category``.
    norm_scale : str
        Scale on which the norms were collected, if they were converted ("1 to 9"); empty if they stand as published.
    duration_s : float or None
        Length of a video or sound, seconds.
    width_px, height_px : int or None
        Of a picture or video as it is shown, upright.
    statistics : ImageStatistics or None
        Of a picture; None if not measured.
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
    excluded: str = ""
    theme: str = ""
    norm_scale: str = ""
    duration_s: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    statistics: ImageStatistics | None = None

    @property
    def is_excluded(self) -> bool:
        """Whether the study leaves this stimulus out."""
        return bool(self.excluded)

    @property
    def is_referenced(self) -> bool:
        """Whether the file lies outside the study and is only pointed at."""
        return is_absolute(self.file)

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
        twice = sorted(i for i, n in Counter(s.id for s in self.stimuli).items() if n > 1)
        if twice:
            raise StimulusError(f"The stimulus id {twice[0]!r} stands twice in stimuli.tsv; make ids unique.")

    def get(self, stimulus_id: str) -> Stimulus:
        """Return the stimulus with this id; StimulusError if there is none."""
        for stimulus in self.stimuli:
            if stimulus.id == stimulus_id:
                return stimulus
        raise StimulusError(f"No stimulus has the id {stimulus_id!r}; look it up in stimuli.tsv.")

    @property
    def in_use(self) -> tuple[Stimulus, ...]:
        """Stimuli that are not excluded, in table order; sensitive ones are the protocol's choice."""
        return tuple(s for s in self.stimuli if not s.is_excluded)

    def of_condition(self, condition: Condition) -> tuple[Stimulus, ...]:
        """Stimuli of one normative class, in table order."""
        return tuple(s for s in self.stimuli if s.condition == condition)
