"""All that a check may look at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    families : tuple of FamilyResult
        Filled by ``run_checks`` before any check looks.
    shuffled : Validation or None
        The same model on shuffled instead of blocked folds: what a naive validation would have said. Likewise.
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
    families: tuple[FamilyResult, ...] = ()
    shuffled: Validation | None = None

    def __post_init__(self) -> None:
        n = len(self.problem.ratings)
        lengths = {len(self.trials), len(self.reasons), len(self.is_marked), len(self.artifacts)}
        if lengths != {n}:
            raise AnalysisError(
                f"The audit got tables of {sorted(lengths)} trials for a model of {n}; extract the features anew."
            )

    def measured(self, families: Sequence[FamilyResult], shuffled: Validation | None) -> "AuditContext":
        """Return the same context with what the checks need measured."""
        return replace(self, families=tuple(families), shuffled=shuffled)

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

        For the median rule the split is the median of all answers; the model itself uses the median of each
        training fold, so this serves for counting only.
        """
        ratings = np.asarray(self.problem.ratings, dtype=float)
        answered = ratings[np.isfinite(ratings)]
        is_median = self.problem.label_rule == "median" and len(answered) > 0
        split = float(np.median(answered)) if is_median else self.problem.midpoint
        signs = np.sign(ratings - split)
        signs[signs == 0] = np.nan
        return signs
