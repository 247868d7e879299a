"""What a study decided before its first recording: the contents of study.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from veridical.domain.annotation import SHIPPED_LABELS, ArtifactLabel
from veridical.domain.intake import DEFAULT_INTAKE, IntakeField
from veridical.domain.label_rule import LabelRule
from veridical.domain.pipeline import PipelineName
from veridical.domain.preprocessing import Preprocessing
from veridical.domain.protocol import Protocol
from veridical.domain.stream import Role, RoleAssignment
from veridical.domain.trigger import TriggerChoice

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class AnalysisChoices:
    """Primary analysis, fixed before recording (METHODS 5.9).

    Parameters
    ----------
    target : str
        Rating scale that is learned.
    label_rule : str
        How answers become classes (``domain.label_rule``).
    dead_zone : float
        Under ``midpoint``: answers this near to the midpoint are left out, in units of the scale.
    pipeline : str
        What is learned from, and how (``domain.pipeline``).
    embargo_s : float
        Trials nearer than this to a test block (and the 2 nearest at least) are left out of training.
    smallest_effect : float
        Balanced accuracy below which an effect is of no interest.
    line_noise_hz : float
        50 or 60; 0 takes what the recording carries.
    looks : tuple of int
        Blocks after which a look at the data is planned before the last one; the session rests there until the
        operator has decided. Planned looks share the error probability (``learning.looks``).
    """

    target: str = "valence"
    label_rule: LabelRule = "midpoint"
    dead_zone: float = 0.0
    pipeline: PipelineName = "evoked"
    embargo_s: float = 20.0
    n_permutations: int = 1000
    smallest_effect: float = 0.60
    line_noise_hz: float = 0.0
    looks: tuple[int, ...] = ()


@dataclass(frozen=True)
class RecordingChoices:
    """How recordings are made and kept safe.

    Parameters
    ----------
    fallback : str
        Folder in which a recording goes on when its disk fails, best on another disk; relative to the study or
        absolute, ``~`` is the home; empty for none.
    pauses_when_lost : bool
        Whether a device that drops out pauses the session before its next trial.
    markers : tuple of str
        Markers of the study's own that the operator writes with the keys 1 to 9.
    required : tuple of str
        Roles without which no session begins, unless the operator gives a reason; ``features`` stands for those that
        the primary analysis computes its features from (``services.required_roles``). Empty requires none.
    """

    fallback: str = ""
    pauses_when_lost: bool = False
    markers: tuple[str, ...] = ()
    required: tuple[Role | Literal["features"], ...] = ("features",)


@dataclass(frozen=True)
class StudySettings:
    """Contents of study.toml.

    Parameters
    ----------
    is_shortened : bool
        Durations were shortened for a demonstration; every report says so.
    are_stimuli_validated : bool
        False for the demo pictures, whose norms are made up.
    shows_ratings : bool
        Whether the operator may see rating values during the session.
    has_touch_screen : bool
        The participant answers by touch: pointing is stored as such and nothing depends on hovering.
    texts : mapping
        The study's own words in place of the shipped ones, by key (``instructions``, ``break``, ...).
    intake : tuple of IntakeField
        What is asked and agreed before a session; empty asks for nothing.
    trigger : TriggerChoice
        Hardware pulses at every picture, beside the LSL markers.
    labels : tuple of ArtifactLabel
        What marks may say; empty takes the shipped ones (``artifact_labels``).
    """

    title: str = "Affective pictures"
    seed: int = 1
    language: str = "en"
    protocol: Protocol = Protocol()
    analysis: AnalysisChoices = AnalysisChoices()
    preprocessing: Preprocessing = Preprocessing()
    recording: RecordingChoices = RecordingChoices()
    roles: tuple[RoleAssignment, ...] = ()
    is_shortened: bool = False
    are_stimuli_validated: bool = False
    shows_ratings: bool = False
    has_touch_screen: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    intake: tuple[IntakeField, ...] = DEFAULT_INTAKE
    trigger: TriggerChoice = TriggerChoice()
    labels: tuple[ArtifactLabel, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def artifact_labels(self) -> tuple[ArtifactLabel, ...]:
        """What marks may say in this study."""
        return self.labels or SHIPPED_LABELS
