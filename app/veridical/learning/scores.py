"""Scores of decision values, for many labelings at once."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray

# Predictions of targets of 1 and -1 are good to about 1e-14; closer ones (equal features, one class) are ties.
_DIGITS = 11


@dataclass(frozen=True)
class Concordance:
    """Ordered pairs of a positive and a negative trial; the AUC is ``wins / pairs``.

    Parameters
    ----------
    wins, pairs : ndarray, shape (n_labelings,)
        A tie is half a win.
    """

    wins: FloatArray
    pairs: FloatArray


def round_ties(decisions: FloatArray) -> FloatArray:
    """Round decision values so that those that differ by floating-point error only are ties."""
    rounded: FloatArray = np.round(decisions, _DIGITS)
    return rounded


def concordance(decisions: FloatArray, labels: FloatArray) -> Concordance:
    """Count how often a positive trial's decision value exceeds a negative trial's, per labeling.

    Parameters
    ----------
    decisions, labels : ndarray, shape (n_trials, n_labelings)
        Labels are 1, -1, or 0 = left out.
    """
    negative = labels < 0
    wins = np.zeros(labels.shape[1])
    for value, label in zip(decisions, labels, strict=True):
        gains = (negative & (value > decisions)).sum(axis=0) + 0.5 * (negative & (value == decisions)).sum(axis=0)
        wins += np.where(label > 0, gains, 0.0)
    pairs = (labels > 0).sum(axis=0) * negative.sum(axis=0)
    return Concordance(wins, pairs.astype(float))


def auc(wins: FloatArray, pairs: FloatArray) -> FloatArray:
    """Return wins per pair; 0.5 where there is no pair."""
    share: FloatArray = np.where(pairs > 0, wins / np.maximum(pairs, 1.0), 0.5)
    return share


@dataclass(frozen=True)
class Recalls:
    """Right and all trials per class; right may be half (a decision value of exactly 0).

    Parameters
    ----------
    high_right, n_high, low_right, n_low : ndarray, shape (n_labelings,)
    """

    high_right: FloatArray
    n_high: FloatArray
    low_right: FloatArray
    n_low: FloatArray

    def __add__(self, other: "Recalls") -> "Recalls":
        return Recalls(
            self.high_right + other.high_right,
            self.n_high + other.n_high,
            self.low_right + other.low_right,
            self.n_low + other.n_low,
        )

    @property
    def balanced_accuracy(self) -> FloatArray:
        """Mean of the class recalls; a class without trials counts as guessed (0.5)."""
        high = np.where(self.n_high > 0, self.high_right / np.maximum(self.n_high, 1), 0.5)
        low = np.where(self.n_low > 0, self.low_right / np.maximum(self.n_low, 1), 0.5)
        mean: FloatArray = (high + low) / 2
        return mean


def count_recalls(decisions: FloatArray, labels: FloatArray) -> Recalls:
    """Count trials on the right side of 0, per class and labeling (shapes as in ``concordance``)."""
    side = np.sign(decisions)
    right = 0.5 + 0.5 * side * labels
    high, low = labels > 0, labels < 0
    return Recalls(
        np.where(high, right, 0.0).sum(axis=0),
        high.sum(axis=0).astype(float),
        np.where(low, right, 0.0).sum(axis=0),
        low.sum(axis=0).astype(float),
    )


def class_centre(decisions: FloatArray, labels: FloatArray) -> FloatArray:
    """Return the middle between the class means of training decision values, per labeling.

    The threshold of linear discriminant analysis with equal priors: a class that is rarer is not predicted less.
    """
    high, low = labels > 0, labels < 0
    mean_high = np.where(high, decisions, 0.0).sum(axis=0) / np.maximum(high.sum(axis=0), 1)
    mean_low = np.where(low, decisions, 0.0).sum(axis=0) / np.maximum(low.sum(axis=0), 1)
    centre: FloatArray = (mean_high + mean_low) / 2
    return centre


def brier_score(probabilities: FloatArray, labels: FloatArray) -> float:
    """Return the mean squared difference between probability of the high class and truth; left-out trials aside."""
    used = labels != 0
    truth = (labels[used] > 0).astype(float)
    return float(np.mean((probabilities[used] - truth) ** 2))
