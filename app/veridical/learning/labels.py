"""From ratings to classes: 1 for high, -1 for low, 0 for left out."""

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray


def midpoint_labels(ratings: FloatArray, midpoint: float) -> FloatArray:
    """Split ratings of any shape at the scale's midpoint; ratings on it and NaN are left out (0)."""
    labels: FloatArray = np.nan_to_num(np.sign(ratings - midpoint), nan=0.0)
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
