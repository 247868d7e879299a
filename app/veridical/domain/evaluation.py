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
