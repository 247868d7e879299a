"""Validations that checks share: what may fail for want of data fails in words."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from veridical.audit.context import AuditContext
from veridical.domain.arrays import IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Fold, Validation
from veridical.domain.progress import Work
from veridical.learning.problem import Problem
from veridical.learning.splits import near
from veridical.learning.validation import validate_problem

# Scores of blocked cross-validation scatter 1.45 times as much as independent ones (METHODS 5.5).
_WIDENING = 1.45
ONE_SIDED_95 = 1.645


def try_validation(
    problem: Problem, folds: Sequence[Fold], seed: int, n_permutations: int = 0
) -> Work[tuple[Validation | None, str]]:
    """Validate on these folds; None and the reason in words where that cannot be done.

    Without permutations only the score is made, and the p values are NaN.
    """
    used = [f for f in folds if len(f.test) and len(f.train)]
    if not used:
        return None, "no trial is left to test on"
    try:
        validation = yield from validate_problem(
            problem, max(1, n_permutations), seed, used, draws_null=n_permutations > 0
        )
    except AnalysisError as error:
        return None, str(error)
    return validation, ""


def apart(problem: Problem, train: IntArray, test: IntArray) -> Fold:
    """Make a fold of two sets of rows, leaving out of training what is too near a test trial or shows its picture."""
    too_near = near(problem, problem.embargo_s)[np.ix_(train, test)]
    same_picture = problem.groups[train][:, None] == problem.groups[test]
    leaks = (too_near | same_picture).any(axis=1)
    return Fold(train[~leaks], test)


def kept_rows(context: AuditContext) -> IntArray:
    """Rows of the trials that the model may use."""
    return np.flatnonzero(np.asarray(context.problem.kept, dtype=bool))


def without_drift_correction(problem: Problem) -> Problem:
    """Leave drift and the recordings' levels in: where these are what is asked about."""
    return replace(problem, detrends=False, nuisance=None)


def auc_spread(n: int) -> float:
    """Standard deviation of a chance-level AUC of two halves of ``n`` trials (Mann & Whitney 1947), widened."""
    half = max(n / 2, 1.0)
    return _WIDENING * float(np.sqrt((2 * half + 1) / (12 * half * half)))
