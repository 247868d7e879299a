"""One participant's learning problem, on the grid of presented trials."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.label_rule import SplitRule

MIN_USABLE_TRIALS = 20
MIN_PER_CLASS = 2
EMBARGO_TRIALS = 2


Combination = Literal["fused", "chosen"]


@dataclass(frozen=True)
class View:
    """Columns of the features that get a model of their own, such as one modality.

    Parameters
    ----------
    columns : ndarray of int, shape (n_columns,)
    """

    name: str
    columns: IntArray


@dataclass(frozen=True)
class Problem:
    """Features and ratings of every presented trial, in presentation order.

    Permutations act on the ratings of the whole grid, so trials that were dropped or not answered stay in it.

    Parameters
    ----------
    features : ndarray, shape (n_presented, n_features)
        Any unit. Rows of dropped trials may be NaN.
    ratings : ndarray, shape (n_presented,)
        NaN where unanswered.
    kept : ndarray of bool, shape (n_presented,)
        False where artifacts dropped the trial.
    midpoint : float
        Splits the ratings under the ``midpoint`` rule; ratings equal to it are left out.
    label_rule : str
        ``midpoint``, or ``median`` or ``tertiles`` of the training trials, found anew in every fold.
    groups : ndarray of int, shape (n_presented,)
        Repeats of a picture share a group; a group never stands on both sides of a fold.
    onsets_s : ndarray, shape (n_presented,)
        Picture onsets in seconds, per run; rising within a run. All NaN if unknown.
    runs : ndarray of int, shape (n_presented,)
        Recording index; trials of a recording are consecutive. Test blocks never straddle two.
    embargo_s : float
        Trials with an onset nearer than this to a test trial (and the 2 nearest at least) are not trained on.
    nuisance : ndarray, shape (n_presented, n_columns), or None
        Regressed out of the features inside the folds. Rows of dropped trials may be NaN.
    detrends : bool
        Whether the linear and quadratic trial index (and the recording's level) are regressed out inside the folds.
    dead_zone : float
        Under ``midpoint``: ratings this near to the midpoint are left out.
    class_names : tuple of str
        Names of the lower and the upper class.
    views : tuple of View
        Empty: one model learns from all features together. Else every view has a model of its own.
    combines : str
        What becomes of the views' decisions: ``fused`` adds them up, each calibrated on the inner folds; ``chosen``
        takes the view that the inner folds favour.
    """

    features: FloatArray
    ratings: FloatArray
    kept: BoolArray
    midpoint: float
    label_rule: SplitRule
    groups: IntArray
    onsets_s: FloatArray
    runs: IntArray
    embargo_s: float = 20.0
    nuisance: FloatArray | None = None
    detrends: bool = True
    class_names: tuple[str, str] = ("low", "high")
    dead_zone: float = 0.0
    views: tuple[View, ...] = ()
    combines: Combination = "fused"

    @property
    def n_presented(self) -> int:
        """Number of presented trials."""
        return len(self.ratings)


def check_problem(problem: Problem) -> None:
    """Refuse arrays that do not fit together or hold no answer.

    Raises
    ------
    AnalysisError
        With what was found and what to do.
    """
    _check_shapes(problem)
    for what, array in (("features", problem.features), ("confounds", problem.nuisance)):
        if array is None:
            continue
        bad = int((~np.isfinite(array[problem.kept])).any(axis=1).sum())
        if bad:
            raise AnalysisError(
                f"The {what} of {bad} kept trials hold NaN or infinite numbers; drop these trials or mend the columns."
            )
    if np.isinf(problem.ratings).any():
        raise AnalysisError("A rating is infinite; leave unanswered ratings as NaN.")
    if (np.diff(problem.runs) != 0).sum() + 1 != len(np.unique(problem.runs)):
        raise AnalysisError("The trials of the recordings are mixed; hand them over one recording after the other.")
    finite = np.isfinite(problem.onsets_s)
    if finite.any() and not finite.all():
        raise AnalysisError(f"{int((~finite).sum())} trials have no onset; give the onset of every trial or of none.")
    if finite.all() and (np.diff(problem.onsets_s)[np.diff(problem.runs) == 0] < 0).any():
        raise AnalysisError("The onsets do not rise within a recording; hand the trials over in presentation order.")


def _check_shapes(problem: Problem) -> None:
    n = problem.n_presented
    if problem.features.ndim != 2 or problem.features.shape[1] == 0:
        raise AnalysisError(
            f"Features must have the shape (n_trials, n_features) with at least one column; "
            f"these have {problem.features.shape}."
        )
    for view in problem.views:
        if not len(view.columns) or view.columns.min() < 0 or view.columns.max() >= problem.features.shape[1]:
            raise AnalysisError(f"The view {view.name} names columns that the features do not have; name others.")
    rows = {
        "features": problem.features,
        "kept": problem.kept,
        "groups": problem.groups,
        "onsets": problem.onsets_s,
        "recordings": problem.runs,
    }
    if problem.nuisance is not None:
        rows["confounds"] = problem.nuisance
    for name, array in rows.items():
        if len(array) != n:
            raise AnalysisError(f"There are {n} ratings and {len(array)} rows of {name}; give one row per trial.")
    if problem.nuisance is not None and problem.nuisance.ndim != 2:
        raise AnalysisError(
            f"Confounds must have the shape (n_trials, n_columns); these have {problem.nuisance.shape}."
        )


def check_classes(problem: Problem, labels: FloatArray) -> None:
    """Refuse labels (1, -1, 0 = left out) from which nothing can be learned.

    Raises
    ------
    AnalysisError
        One class only, or too few usable trials.
    """
    low, high = int((labels < 0).sum()), int((labels > 0).sum())
    if low + high < MIN_USABLE_TRIALS:
        n_dropped, n_open = int((~problem.kept).sum()), int(np.isnan(problem.ratings).sum())
        raise AnalysisError(
            f"Only {low + high} of {problem.n_presented} trials can be used ({n_dropped} dropped for artifacts, "
            f"{n_open} without an answer, the rest at the midpoint) and at least {MIN_USABLE_TRIALS} are needed; "
            "record more trials."
        )
    low_name, high_name = problem.class_names
    for count, own, other in ((low, low_name, high_name), (high, high_name, low_name)):
        if count < MIN_PER_CLASS:
            n_own = "no trial is" if count == 0 else "1 trial is"
            raise AnalysisError(
                f"All answers fall into one class: {n_own} '{own}' and {low + high - count} are '{other}'; "
                "choose another target or the median rule."
            )


def with_filled_rows(problem: Problem) -> Problem:
    """Replace the unknown features of dropped rows by 0; no fold looks at them."""
    nuisance = None if problem.nuisance is None else _filled(problem.nuisance, problem.kept)
    return replace(problem, features=_filled(problem.features, problem.kept), nuisance=nuisance)


def problem_of_view(problem: Problem, view: View) -> Problem:
    """Return the problem of learning from one view alone."""
    return replace(problem, features=problem.features[:, view.columns], views=())


def with_other_features(problem: Problem, features: FloatArray) -> Problem:
    """Return the same question asked of other features, all of them together."""
    return replace(problem, features=features, views=())


def _filled(array: FloatArray, kept: BoolArray) -> FloatArray:
    filled: FloatArray = np.where(kept[:, None], np.asarray(array, dtype=float), 0.0)
    return filled
