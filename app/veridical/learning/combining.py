"""Several views of a trial, each with a model of its own, put together to one decision."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.learning.calibration import fit_sigmoids
from veridical.learning.problem import Problem
from veridical.learning.scores import round_ties


@dataclass(frozen=True)
class ViewSummary:
    """What the inner folds of some training rows say of one view; columns are labelings.

    Parameters
    ----------
    errors : ndarray, shape (n_labelings,)
        Squared error of the chosen penalty.
    decisions, labels : ndarray, shape (n_inner_test, n_calibrated)
        Of rows that the inner model had not seen; labels are 1, -1, or 0 = left out.
    """

    errors: FloatArray
    decisions: FloatArray
    labels: FloatArray


def shares_of(views: Sequence[ViewSummary], problem: Problem) -> FloatArray:
    """Return how much each view's decision counts, by the inner folds alone.

    ``fused``: the slope of its sigmoid, so that calibrated log odds add up (late fusion: independent views of one
    class, Kittler et al. 1998, "On combining classifiers", product rule); 0 for a view that says nothing. ``chosen``:
    1 for the view with the least squared error, 0 for the others.

    Returns
    -------
    ndarray, shape (n_views, n_labelings)
    """
    if not problem.views:
        return np.ones((1, len(views[0].errors)))
    if problem.combines == "fused":
        return np.stack([fit_sigmoids(view.decisions, view.labels)[0] for view in views])
    best = np.argmin([view.errors for view in views], axis=0)
    shares: FloatArray = (np.arange(len(views))[:, None] == best).astype(float)
    return shares


def contributions(decisions: Sequence[FloatArray], shares: FloatArray) -> FloatArray:
    """Return what part of the combined decision's spread comes from each view, shape (n_views,).

    Parameters
    ----------
    decisions : sequence of ndarray, shape (n_trials,)
        Of one labeling, a view each.
    shares : ndarray, shape (n_views,)

    Returns
    -------
    ndarray, shape (n_views,)
        Sums to 1; all 0 if no view says anything.
    """
    spread = np.array([values.std() if len(values) else 0.0 for values in decisions]) * shares
    part: FloatArray = spread / max(float(spread.sum()), np.finfo(float).tiny)
    return part


def combine(decisions: Sequence[FloatArray], shares: FloatArray) -> FloatArray:
    """Add up the views' decisions, each (n_trials, n_labelings), by their shares (n_views, n_labelings)."""
    total = sum(part * share for part, share in zip(decisions, shares, strict=True))
    return round_ties(np.asarray(total, dtype=float))
