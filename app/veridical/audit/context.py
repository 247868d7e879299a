"""All that a check may look at."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Validation
from veridical.domain.study import AnalysisChoices
from veridical.domain.trial_table import TrialRow
from veridical.learning.problem import Problem


@dataclass(frozen=True)
class FamilyResult:
    """What one family of confounds says about the model.

    Parameters
    ----------
    name : str
        The threat it belongs to: ``artifact bias``, ``other rating``, ``time on task``.
    words : str
        How the verdict names it: "muscle, eye and movement artifacts".
    alone : Validation or None
        A model of this family only, on the same outer folds; None if it could not be measured.
    after : Validation or None
        The model after in-fold regression of this family; None if that was not needed or not possible.
    n_columns : int
        Numbers per trial in the family.
    problem : str
        Why something could not be measured, in words; empty otherwise.
    """

    name: str
    words: str
    alone: Validation | None
    after: Validation | None
    n_columns: int = 0
    problem: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether a model of this family could be validated."""
        return self.alone is not None


@dataclass(frozen=True)
class PictureFacts:
    """What is known of the pictures, one row per presented trial.

    Parameters
    ----------
    statistics : ndarray, shape (n_presented, n_statistics)
        Low-level statistics (METHODS 4); NaN where unknown, as of videos and sounds.
    themes : tuple of str
        Category of each picture; empty where it has none.
    kinds : tuple of str
        ``image``, ``video`` or ``audio``.
    norm_arousal : ndarray, shape (n_presented,)
        -1 to 1; NaN without a norm.
    norm_valence : ndarray, shape (n_presented,)
        Likewise.
    """

    statistics: FloatArray
    statistic_names: tuple[str, ...]
    themes: tuple[str, ...]
    kinds: tuple[str, ...]
    norm_arousal: FloatArray
    norm_valence: FloatArray


@dataclass(frozen=True)
class Variant:
    """The same analysis with one preprocessing step changed; shown, never chosen from (METHODS 5.9)."""

    words: str
    auc: float
    p_value: float
    n_trials: int


@dataclass(frozen=True)
class History:
    """How this analysis came about.

    Parameters
    ----------
    analysis : int
        Its number in the participant's ledger, from 1.
    is_primary : bool
        Whether study.toml fixed it before recording, on these recordings.
    n_looks : int
        Different sets of recordings that the participant's analyses have looked at, this one included.
    """

    analysis: int = 1
    is_primary: bool = True
    n_looks: int = 1
    sensitivity: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class Peer:
    """Another participant of the study, with the columns of the model at hand.

    Parameters
    ----------
    features : ndarray, shape (n_trials, n_features)
        Kept trials only.
    ratings : ndarray, shape (n_trials,)
        On the target scale; NaN where unanswered.
    midpoint : float
        Of that scale.
    """

    participant: str
    features: FloatArray
    ratings: FloatArray
    midpoint: float


@dataclass(frozen=True)
class AcrossKinds:
    """Pictures and clips together, where a transfer block was presented.

    Parameters
    ----------
    problem : Problem
        Of all presented trials; the model at hand knows only the pictures among them.
    is_clip : ndarray of bool, shape (n_presented,)
        Videos and sounds.
    """

    problem: Problem
    is_clip: BoolArray


@dataclass(frozen=True)
class Transfer:
    """The model on trials unlike those it was trained on.

    Parameters
    ----------
    kind : str
        ``theme``, ``time``, ``session`` or ``kind`` (of stimulus).
    words : str
        "themes it was not trained on".
    validation : Validation or None
        None if it could not be measured; ``problem`` says why.
    n_train : float
        Trials that its folds train on, on average: usually fewer than the headline's.
    """

    kind: str
    words: str
    validation: Validation | None
    problem: str = ""
    n_train: float = float("nan")


@dataclass(frozen=True)
class CurvePoint:
    """Validated score with so many training trials."""

    n_train: float
    auc: float
    balanced_accuracy: float


@dataclass(frozen=True)
class Pooled:
    """A model of the other participants, tested on this one."""

    n_people: int
    validation: Validation | None
    problem: str = ""


@dataclass(frozen=True)
class StateShift:
    """How far a later session is from the calibration, beside how far the calibration's own halves are apart.

    Parameters
    ----------
    within_auc, between_auc : float
        AUC of telling the halves of the calibration, or the calibration's second half and the later session, apart by
        the model's features; NaN if not measured.
    within_n, between_n : int
        Trials of these comparisons.
    within_smd, between_smd : float
        Median over features of the absolute standardised mean difference, likewise.
    output_within, output_between : float
        Standardised mean difference of the model's output, likewise.
    """

    within_auc: float = float("nan")
    between_auc: float = float("nan")
    within_n: int = 0
    between_n: int = 0
    within_smd: float = float("nan")
    between_smd: float = float("nan")
    output_within: float = float("nan")
    output_between: float = float("nan")
    problem: str = ""


@dataclass(frozen=True)
class Quality:
    """Channels of a modality over all recordings, and how many of them look poor."""

    modality: str
    n_channels: int
    n_poor: int


@dataclass(frozen=True)
class AuditContext:
    """One model, the trials behind it and what was measured about them.

    Every array has one row per presented trial, as ``problem`` has.

    Parameters
    ----------
    trials : tuple of TrialRow
        The presented trials, in presentation order.
    reasons : tuple of str
        Per trial: empty, or why it was dropped ("marked: Muscle").
    is_marked : ndarray of bool
        Whether a rater's mark touches the trial's analysis window.
    artifacts : ndarray, shape (n_presented, n_artifacts)
        The artifact family (METHODS 4); rows of dropped trials may be NaN.
    target : str
        Scale that the model learns.
    pictures : PictureFacts or None
        None if the stimulus table could not be read.
    sessions : tuple of str
        Session of each presented trial, in presentation order; empty means one session.
    history : History
        How many analyses came before.
    peers : tuple of Peer
        Other participants with the same features.
    quality : tuple of Quality
        Per modality; empty if it was not assessed.
    families : tuple of FamilyResult
        Filled by ``run_checks`` before any check looks, as all that follows.
    shuffled : Validation or None
        The same model on shuffled instead of blocked folds: what a naive validation would have said.
    curve : tuple of CurvePoint
        The model with fewer training trials.
    transfers : tuple of Transfer
    pooled : Pooled or None
    shift : StateShift or None
    across_kinds : AcrossKinds or None
        None if only one kind of stimulus was presented.
    everything : Validation or None
        The model with the trials that a rater marked; None where there are none.
    """

    problem: Problem
    validation: Validation
    trials: tuple[TrialRow, ...]
    reasons: tuple[str, ...]
    is_marked: BoolArray
    artifacts: FloatArray
    artifact_names: tuple[str, ...]
    target: str
    analysis: AnalysisChoices
    seed: int = 0
    pictures: PictureFacts | None = None
    sessions: tuple[str, ...] = ()
    history: History = History()
    peers: tuple[Peer, ...] = ()
    quality: tuple[Quality, ...] = ()
    families: tuple[FamilyResult, ...] = ()
    shuffled: Validation | None = None
    curve: tuple[CurvePoint, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    pooled: Pooled | None = None
    shift: StateShift | None = None
    everything: Validation | None = None
    across_kinds: AcrossKinds | None = None

    def __post_init__(self) -> None:
        n = len(self.problem.ratings)
        lengths = {len(self.trials), len(self.reasons), len(self.is_marked), len(self.artifacts)}
        if self.pictures is not None:
            lengths.add(len(self.pictures.statistics))
        if self.sessions:
            lengths.add(len(self.sessions))
        if lengths != {n}:
            raise AnalysisError(
                f"The audit got tables of {sorted(lengths)} trials for a model of {n}; extract the features anew."
            )

    def family(self, name: str) -> FamilyResult | None:
        """Return a family's result, None if it was not run."""
        return next((f for f in self.families if f.name == name), None)

    @property
    def other_scales(self) -> tuple[str, ...]:
        """Scales that were asked beside the target, sorted."""
        return tuple(sorted({scale for t in self.trials for scale in t.ratings} - {self.target}))

    def ratings_on(self, scale: str) -> FloatArray:
        """Answers on a scale, one per presented trial; NaN where there is none."""
        values = [t.value(scale) for t in self.trials]
        return np.array([np.nan if v is None else v for v in values], dtype=float)

    @property
    def classes(self) -> FloatArray:
        """-1, 1 or NaN (midpoint, unanswered) per presented trial: the own rating against the split point.

        For medians and tertiles the split is the median of all answers; the model itself looks at each training
        fold, so this serves for counting only.
        """
        ratings = np.asarray(self.problem.ratings, dtype=float)
        answered = ratings[np.isfinite(ratings)]
        is_own = self.problem.label_rule != "midpoint" and len(answered) > 0
        split = float(np.median(answered)) if is_own else self.problem.midpoint
        signs = np.sign(ratings - split)
        signs[signs == 0] = np.nan
        return signs
