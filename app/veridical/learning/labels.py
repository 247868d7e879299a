"""From ratings to classes: 1 for high, -1 for low, 0 for left out."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.label_rule import SplitRule


def split_labels(
    ratings: FloatArray, train: IntArray, rule: SplitRule, midpoint: float = 0.0, dead_zone: float = 0.0
) -> FloatArray:
    """Split ratings by a rule.

    Parameters
    ----------
    ratings : ndarray, shape (n_trials, n_labelings)
        NaN where unanswered.
    train : ndarray of int
        Rows that the rule may look at.

    Returns
    -------
    ndarray, shape (n_trials, n_labelings)
        1, -1, or 0 = left out.
    """
    if rule == "median":
        return median_labels(ratings, train)
    if rule == "tertiles":
        return tertile_labels(ratings, train)
    return midpoint_labels(ratings, midpoint, dead_zone)


def midpoint_labels(ratings: FloatArray, midpoint: float, dead_zone: float = 0.0) -> FloatArray:
    """Split ratings of any shape at the scale's midpoint; NaN and ratings in the dead zone, at least the midpoint
    itself, are left out (0).
    """
    beyond = ratings - midpoint
    labels: FloatArray = np.nan_to_num(np.sign(beyond) * (np.abs(beyond) > dead_zone), nan=0.0)
    return labels


def tertile_labels(ratings: FloatArray, train: IntArray) -> FloatArray:
    """Keep the lower and the upper third of the training trials, and leave the middle out; shapes as ``median_labels``.

    Ratings equal to a tertile belong to the outer third, unless both tertiles are the same value.
    """
    seen = ratings[train]
    answered = np.isfinite(seen).any(axis=0)
    low, high = np.nanquantile(np.where(answered, seen, 0.0), [1 / 3, 2 / 3], axis=0)
    is_low, is_high = (ratings <= low) & (ratings < high), (ratings >= high) & (ratings > low)
    labels: FloatArray = is_high.astype(float) - is_low.astype(float)
    return labels


def median_labels(ratings: FloatArray, train: IntArray) -> FloatArray:
    """Split ratings at the median of the training trials.

    Ratings equal to the median join the smaller side, decided on the training trials: leaving them out would lose
    a quarter of the trials of a 7-point scale.

    Parameters
    ----------
    ratings : ndarray, shape (n_trials, n_labelings)
        NaN where unanswered.
    train : ndarray of int
        Rows that the median may see.

    Returns
    -------
    ndarray, shape (n_trials, n_labelings)
        1, -1, or 0 where unanswered.
    """
    seen = ratings[train]
    answered = np.isfinite(seen)
    # nanmedian warns on a column without an answer; such a column has only zeros anyway.
    median = np.nanmedian(np.where(answered.any(axis=0), seen, 0.0), axis=0)
    ties_are_high = (seen > median).sum(axis=0) <= (seen < median).sum(axis=0)
    side = np.where(ties_are_high, 1.0, -1.0)
    labels = np.sign(ratings - median)
    labels = np.where(labels == 0, side, labels)
    split: FloatArray = np.nan_to_num(labels, nan=0.0)
    return split


def ratings_from_labels(labels: ArrayLike) -> tuple[FloatArray, tuple[str, str], SplitRule]:
    """Turn labels from outside into ratings, class names and label rule.

    Two values of any type become -1 and 1 (split at 0); more than two numbers stay as they are (median rule).

    Raises
    ------
    AnalysisError
        One class only, or more than two that are no numbers.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        raise AnalysisError(f"Labels must be one value per trial; these have the shape {values.shape}.")
    numbers = _as_numbers(values)
    known = np.ones(len(values), dtype=bool) if numbers is None else np.isfinite(numbers)
    found = np.unique(values[known]).tolist() if numbers is None else np.unique(numbers[known]).tolist()
    if len(found) > 2 and numbers is not None:
        return numbers, ("low", "high"), "median"
    if len(found) != 2:
        few = f"one class only ({found[0]!r})" if len(found) == 1 else f"{len(found)} classes"
        raise AnalysisError(f"The labels hold {few}; give two classes, or ratings as numbers.")
    low, high = found
    ratings = np.full(len(values), np.nan)
    source = values if numbers is None else numbers
    ratings[source == low], ratings[source == high] = -1.0, 1.0
    return ratings, (_name(low), _name(high)), "midpoint"


def _as_numbers(values: NDArray[Any]) -> FloatArray | None:
    if values.dtype.kind in "US":
        return None
    try:
        return values.astype(float)
    except (TypeError, ValueError):
        return None


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def group_numbers(groups: ArrayLike) -> IntArray:
    """Number groups of any type from 0."""
    values = np.asarray(groups)
    if values.ndim != 1:
        raise AnalysisError(f"Groups must be one value per trial; these have the shape {values.shape}.")
    numbers: IntArray = np.unique(values, return_inverse=True)[1]
    return numbers
