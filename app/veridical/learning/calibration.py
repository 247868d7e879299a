"""Probabilities from decision values."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from veridical.domain.arrays import FloatArray

_MAX_STEPS = 100
_CLOSE = 1e-10


@dataclass(frozen=True)
class Sigmoid:
    """Probability of the high class: ``1 / (1 + exp(-(slope * decision + offset)))``; the slope is never negative."""

    slope: float
    offset: float

    def probabilities(self, decisions: FloatArray) -> FloatArray:
        """Map decision values of any shape to probabilities."""
        mapped: FloatArray = expit(self.slope * decisions + self.offset)
        return mapped


def fit_sigmoid(decisions: FloatArray, labels: FloatArray) -> Sigmoid:
    """Fit one sigmoid to decision values of trials that the model had not seen; see ``fit_sigmoids``.

    Parameters
    ----------
    decisions, labels : ndarray, shape (n_trials,)
        Labels are 1, -1, or 0 = left out.
    """
    slopes, offsets = fit_sigmoids(decisions[:, None], labels[:, None])
    return Sigmoid(float(slopes[0]), float(offsets[0]))


def fit_sigmoids(decisions: FloatArray, labels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit Platt's sigmoid for many labelings at once, by Newton steps.

    Targets are Platt's (1999) smoothed ones, so that separable classes get no infinite slope. Isotonic regression
    hurt at n = 100 (METHODS 5.8). Decision values that say nothing, or the contrary, give the class share.

    Parameters
    ----------
    decisions, labels : ndarray, shape (n_trials, n_labelings)
        Labels are 1, -1, or 0 = left out.

    Returns
    -------
    slopes, offsets : ndarray, shape (n_labelings,)
        Slopes are never negative.
    """
    used, high = labels != 0, labels > 0
    n_used, n_high = used.sum(axis=0), high.sum(axis=0)
    n_low = n_used - n_high
    targets = np.where(high, (n_high + 1) / (n_high + 2), 1 / (n_low + 2))
    share = (n_high + 1) / (n_used + 2)
    flat = np.log(share / (1 - share))
    mean = np.where(used, decisions, 0.0).sum(axis=0) / np.maximum(n_used, 1)
    size = np.sqrt(np.where(used, (decisions - mean) ** 2, 0.0).sum(axis=0) / np.maximum(n_used, 1))
    slopes, offsets = np.zeros(len(flat)), flat.copy()
    open_ones = np.flatnonzero(size > 0)
    values = decisions / np.where(size > 0, size, 1.0)
    for _ in range(_MAX_STEPS):
        if not len(open_ones):
            break
        x, is_used = values[:, open_ones], used[:, open_ones]
        chance = expit(slopes[open_ones] * x + offsets[open_ones])
        spread = np.where(is_used, np.maximum(chance * (1 - chance), 1e-12), 0.0)
        missed = np.where(is_used, targets[:, open_ones] - chance, 0.0)
        # Newton's step solves two equations for slope and offset.
        xx, x1, one = (x * x * spread).sum(axis=0) + 1e-9, (x * spread).sum(axis=0), spread.sum(axis=0) + 1e-9
        of_slope, of_offset = (x * missed).sum(axis=0), missed.sum(axis=0)
        determinant = xx * one - x1 * x1
        step = np.stack([one * of_slope - x1 * of_offset, xx * of_offset - x1 * of_slope]) / determinant
        slopes[open_ones] += np.clip(step[0], -5.0, 5.0)
        offsets[open_ones] += np.clip(step[1], -5.0, 5.0)
        open_ones = open_ones[np.abs(step).max(axis=0) >= _CLOSE]
    is_rising = slopes > 0
    return np.where(is_rising, slopes / np.where(size > 0, size, 1.0), 0.0), np.where(is_rising, offsets, flat)
