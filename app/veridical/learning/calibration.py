"""Probabilities from decision values."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from veridical.domain.arrays import FloatArray

_MAX_STEPS = 100


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
    """Fit Platt's sigmoid to decision values of trials that the model had not seen.

    Targets are Platt's (1999) smoothed ones, so that separable classes get no infinite slope. Isotonic regression
    hurt at n = 100 (METHODS 5.8). Decision values that say nothing, or the contrary, give the class share.

    Parameters
    ----------
    decisions, labels : ndarray, shape (n_trials,)
        Labels are 1, -1, or 0 = left out.
    """
    used = labels != 0
    x, high = decisions[used], labels[used] > 0
    n_high, n_low = int(high.sum()), int((~high).sum())
    targets = np.where(high, (n_high + 1) / (n_high + 2), 1 / (n_low + 2))
    share = (n_high + 1) / (n_high + n_low + 2)
    flat = Sigmoid(0.0, float(np.log(share / (1 - share))))
    size = float(x.std()) if len(x) else 0.0
    if size == 0.0:
        return flat
    columns = np.column_stack([x / size, np.ones(len(x))])
    coefficients = np.array([0.0, flat.offset])
    for _ in range(_MAX_STEPS):
        probability = expit(columns @ coefficients)
        spread = np.maximum(probability * (1 - probability), 1e-12)
        step = np.linalg.solve(
            columns.T @ (columns * spread[:, None]) + 1e-9 * np.eye(2), columns.T @ (targets - probability)
        )
        coefficients = coefficients + np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-10:
            break
    slope = float(coefficients[0]) / size
    return Sigmoid(slope, float(coefficients[1])) if slope > 0 else flat
