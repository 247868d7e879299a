"""All that a report says, as values; services collect them, ``write_report`` only words and draws."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from veridical.domain.evaluation import Finding, RatingValidation, Validation, Verdict
from veridical.domain.label_rule import LabelRule
from veridical.domain.participant import RunKey
from veridical.domain.pattern import ModelPattern
from veridical.domain.pipeline import PipelineName
from veridical.domain.simulation import SimulationPlan
from veridical.domain.study import StudySettings
from veridical.domain.trial_table import TrialRow


@dataclass(frozen=True)
class StreamFacts:
    """One recorded stream.

    Parameters
    ----------
    role : str
        ``EEG``, ``EDA``, ``ECG``, ``markers``.
    effective_hz : float
        (n - 1) / (last - first); 0 for an irregular stream.
    words : str
        Quality in words ("2 channels look loose: F7, TP10"); empty if nothing stands out.
    poor : tuple of str
        Channels whose quality is not good.
    """

    role: str
    name: str
    n_channels: int
    nominal_hz: float
    effective_hz: float
    n_samples: int
    words: str = ""
    poor: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordingFacts:
    """One run.

    Parameters
    ----------
    file : str
        Name of the raw file, without folders.
    is_verified : bool or None
        Read back after closing and its counts agreed; None if the session file does not say.
    screen : str
        As the presenter says: ``psychopy 1920x1080, 60.0 Hz`` or ``headless (no display)``.
    n_dropped_frames : int or None
        Late flips; None if unknown.
    timing, timing_problem : str
        What the onsets of pictures rest on, in words; what was bad about the screen's timing, empty if nothing was.
    ended : str
        ``completed``, ``aborted``, ``stopped``, with its detail; empty if unknown.
    defects : tuple of str
        Named defects found on reading.
    overrides : tuple of str
        Failing items of the pre-flight gate that were passed over, with the reason.
    was : tuple of str
        Ids that the run went under before a wrong one was mended.
    simulation : SimulationPlan or None
        The simulated amplifier and body; None for a real participant.
    has_simulated_participant : bool
        Whether a simulated participant answered the scales.
    """

    key: RunKey
    file: str
    sha256: str
    seconds: float
    streams: tuple[StreamFacts, ...] = ()
    is_verified: bool | None = None
    screen: str = ""
    n_dropped_frames: int | None = None
    timing: str = ""
    timing_problem: str = ""
    ended: str = ""
    defects: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    was: tuple[str, ...] = ()
    simulation: SimulationPlan | None = None
    has_simulated_participant: bool = False

    @property
    def is_simulated(self) -> bool:
        """Whether anything in this run was simulated."""
        return self.simulation is not None or self.has_simulated_participant

    @property
    def is_headless(self) -> bool:
        """Whether no picture was on a real screen."""
        return self.screen.lower().startswith("headless")


@dataclass(frozen=True)
class AnnotationSummary:
    """How the recordings were marked.

    Parameters
    ----------
    by_label : mapping
        Number of marks per label id.
    marked_share, reviewed_share : float
        Shares of the recorded time, 0 to 1: under a mark; looked at by a rater.
    n_suggestions : int
        Suggested stretches, whether or not a rater decided on them.
    n_undecided : int
        Suggestions that no rater accepted or rejected.
    """

    raters: tuple[str, ...] = ()
    by_label: Mapping[str, int] = field(default_factory=dict)
    marked_share: float = 0.0
    reviewed_share: float = 0.0
    n_suggestions: int = 0
    n_undecided: int = 0

    @property
    def n_marks(self) -> int:
        """Marks in all."""
        return sum(self.by_label.values())


@dataclass(frozen=True)
class RuleCount:
    """How many kept trials a label rule gives each class; None where the rule cannot be used."""

    rule: LabelRule
    n_low: int | None
    n_high: int | None


@dataclass(frozen=True)
class Refinement:
    """The evoked covariance, validated on the folds and labelings of the headline.

    Parameters
    ----------
    familywise_p : float
        Of the refinement, corrected for having looked at two models (maximum statistic on common labelings).
    """

    validation: Validation
    familywise_p: float


@dataclass(frozen=True)
class ReportContent:
    """A validated model, with everything that led to it.

    Parameters
    ----------
    study : str
        The study's folder name; stands in the printed commands.
    created : str
        ISO 8601 time.
    kept : tuple of bool
        Per trial: whether the model could use it (before the label rule).
    reasons : tuple of str
        Per trial: empty, or why it was dropped.
    features : tuple of str
        Names of what the model used.
    left_out : tuple of str
        Features whose window did not fit and missing modalities, in words.
    preparation : tuple of str
        How the signals were prepared, in words.
    pattern : ModelPattern
        What the model reads.
    analysis : int
        Number of this analysis in the participant's ledger, from 1; ``n_analyses`` are in it by now.
    rule_counts : tuple of RuleCount
        Class counts under every label rule, this one included.
    ratings : RatingValidation or None
        How well the ratings themselves are predicted; None where they are too few.
    versions : mapping
        Package name to version.
    """

    participant: str
    study: str
    settings: StudySettings
    target: str
    label_rule: LabelRule
    pipeline: PipelineName
    trials: tuple[TrialRow, ...]
    kept: tuple[bool, ...]
    reasons: tuple[str, ...]
    validation: Validation
    verdict: Verdict
    findings: tuple[Finding, ...]
    recordings: tuple[RecordingFacts, ...]
    annotations: AnnotationSummary
    features: tuple[str, ...]
    left_out: tuple[str, ...]
    preparation: tuple[str, ...] = ()
    pattern: ModelPattern = field(default_factory=ModelPattern)
    is_primary: bool = True
    analysis: int = 1
    n_analyses: int = 1
    n_permutations: int = 1000
    rule_counts: tuple[RuleCount, ...] = ()
    refined: Refinement | None = None
    ratings: RatingValidation | None = None
    seed: int = 0
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_simulated(self) -> bool:
        """Whether anything was simulated."""
        return any(r.is_simulated for r in self.recordings)

    @property
    def is_headless(self) -> bool:
        """Whether any run had no real screen."""
        return any(r.is_headless for r in self.recordings)
