"""What validation and audit say, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.chart import Chart

FindingVerdict = Literal["pass", "caution", "fail", "not enough data"]
OverallVerdict = Literal["above chance", "explained", "not above chance", "not enough data", "damaged"]


@dataclass(frozen=True)
class Fold:
    """Row indices of one outer fold; embargoed and leaking rows stand in neither."""

    train: IntArray
    test: IntArray


@dataclass(frozen=True)
class Interval:
    """A confidence interval and its level."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True)
class Validation:
    """The result of one validation; field names are those of ``train --json``.

    Parameters
    ----------
    classes : mapping
        Number of trials per class.
    chance95 : float
        Balanced accuracy that a guessing model stays below in 95 % of the permutations.
    p_value : float
        The larger of ``p_free`` and ``p_circular``.
    fold_scores : ndarray, shape (n_folds,)
        AUC in each outer fold; NaN where a fold's test block holds one class.
    null : ndarray, shape (n_labelings,)
        Fold-wise AUC of the free permutations and circular shifts.
    predictions : ndarray, shape (n_presented,)
        Out-of-fold decision values, above 0 for the upper class; NaN for rows never tested (dropped trials).
    labels : ndarray of int, shape (n_presented,)
        1 for the upper class, -1 for the lower, 0 for trials left out.
    probabilities : ndarray, shape (n_presented,)
        Of the upper class, out of fold, by a sigmoid fitted inside the fold; NaN for rows never tested.
    n_free : int
        How many of ``null`` are free permutations; they come first.
    fold_of : ndarray of int, shape (n_presented,)
        The outer fold that tested a trial; -1 for rows never tested.
    views : tuple of str
        Models that were put together, such as one of each modality; empty if there is one model only.
    shares : ndarray, shape (n_folds, n_views)
        What part of the decision's spread came from each in each outer fold, by its inner folds.
    """

    n_trials: int
    classes: Mapping[str, int]
    balanced_accuracy: float
    interval95: tuple[float, float]
    chance95: float
    p_value: float
    p_free: float
    p_circular: float
    auc: float
    train_balanced_accuracy: float
    folds: int
    embargo_trials: int
    brier: float
    fold_scores: FloatArray
    null: FloatArray
    predictions: FloatArray
    labels: IntArray
    probabilities: FloatArray = field(default_factory=lambda: np.empty(0))
    n_free: int = 0
    fold_of: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    views: tuple[str, ...] = ()
    shares: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def confusion(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Trials by class and answer: (lower told as lower, as upper), (upper told as lower, as upper)."""
        tested = np.isfinite(self.predictions)
        lower, upper = (self.predictions[tested & (self.labels == side)] > 0 for side in (-1, 1))
        return (int((~lower).sum()), int(lower.sum())), (int((~upper).sum()), int(upper.sum()))

    def roc(self, n_points: int = 101) -> tuple[FloatArray, FloatArray]:
        """Return the ROC curve, averaged over folds at equal false positive rates (Fawcett 2006, vertical averaging).

        Folds weigh as many pairs of classes as they hold, so that the area under the curve is the headline's AUC:
        decision values of different folds have different origins, and pooling them would bias it.

        Returns
        -------
        false_positive, true_positive : ndarray, shape (n_points,)
            Shares from 0 to 1; empty without a fold that tested both classes.
        """
        grid = np.linspace(0, 1, n_points)
        total, weight = np.zeros(n_points), 0.0
        for fold in range(self.folds if len(self.fold_of) else 0):
            mine = self.fold_of == fold
            upper = np.sort(self.predictions[mine & (self.labels == 1)])
            lower = np.sort(self.predictions[mine & (self.labels == -1)])
            if not len(upper) or not len(lower):
                continue
            cuts = np.unique(np.concatenate([lower, upper]))[::-1]
            above_lower = 1 - np.searchsorted(lower, cuts, side="left") / len(lower)
            above_upper = 1 - np.searchsorted(upper, cuts, side="left") / len(upper)
            n_pairs = len(upper) * len(lower)
            # Between two places interp starts from the last, the top of a step.
            total += n_pairs * np.interp(grid, np.append(0.0, above_lower), np.append(0.0, above_upper))
            weight += n_pairs
        return (grid, total / weight) if weight else (np.empty(0), np.empty(0))


@dataclass(frozen=True)
class RatingValidation:
    """How well the ratings themselves are predicted, on the folds and labelings of the classification.

    Parameters
    ----------
    n_trials : int
        Tested trials with an answer.
    correlation : float
        Of rating and prediction within the test blocks: both are counted from their block's mean first, because
        predictions of different folds have different origins.
    interval95 : tuple of float
        Of the correlation.
    p_value : float
        Of the correlation: the larger of ``p_free`` and ``p_circular``.
    explained : float
        R squared: 1 minus squared error over that of the training trials' mean; below 0 if the mean does better.
    mean_error, mean_error_guessing : float
        Mean absolute error, and that of the training trials' median, in units of the scale.
    null : ndarray, shape (n_labelings,)
        Correlations of the free permutations and circular shifts.
    predictions : ndarray, shape (n_presented,)
        Out of fold, in units of the scale; NaN for rows never tested (dropped trials).
    """

    n_trials: int
    correlation: float
    interval95: tuple[float, float]
    p_value: float
    p_free: float
    p_circular: float
    explained: float
    mean_error: float
    mean_error_guessing: float
    null: FloatArray
    predictions: FloatArray


@dataclass(frozen=True)
class Finding:
    """The answer of one audit check.

    Parameters
    ----------
    threat : str
        ``chance``, ``artifact bias``, ...
    evidence : mapping
        Numbers by name.
    summary : str
        One sentence a research assistant understands.
    remedy : str
        What to do in this program; empty if nothing is needed.
    chart : Chart or None
        The evidence as a figure; None where nothing could be measured.
    """

    threat: str
    verdict: FindingVerdict
    evidence: Mapping[str, float] = field(default_factory=dict)
    summary: str = ""
    remedy: str = ""
    chart: Chart | None = None


@dataclass(frozen=True)
class Verdict:
    """The overall verdict with its published wording."""

    kind: OverallVerdict
    headline: str
    explained_by: tuple[str, ...] = ()
