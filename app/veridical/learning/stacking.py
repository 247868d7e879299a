"""Weights of several predictions of one number."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from veridical.domain.arrays import FloatArray


def stack(predictions: Sequence[FloatArray], truth: FloatArray) -> FloatArray:
    """Weigh predictions, none below 0, so that their sum has the least squared error.

    After Breiman 1996, "Stacked regressions".

    The least-squares solution of every subset is tried, and the best without a negative weight is the optimum: for a
    handful of predictions that is exact, and one matrix operation for all labelings.

    Parameters
    ----------
    predictions : sequence of ndarray, shape (n_trials, n_labelings)
    truth : ndarray, shape (n_trials, n_labelings)
        NaN where unknown.

    Returns
    -------
    ndarray, shape (n_predictions, n_labelings)
        All 0 where nothing is better than 0 itself.
    """
    n_labelings = truth.shape[1]
    is_known = ~np.isnan(truth)
    known = np.where(is_known, truth, 0.0)
    inputs = np.where(is_known, np.stack(predictions), 0.0)
    gram = np.einsum("atl,btl->lab", inputs, inputs)
    moment = np.einsum("atl,tl->la", inputs, known)
    weights, gained = np.zeros((n_labelings, len(inputs))), np.zeros(n_labelings)
    for size in range(1, len(inputs) + 1):
        for members in map(list, combinations(range(len(inputs)), size)):
            part, wanted = gram[:, members][:, :, members], moment[:, members]
            trace = np.trace(part, axis1=1, axis2=2)[:, None, None]
            # A hair of ridge keeps equal predictions solvable.
            found = np.linalg.solve(part + (1e-10 * trace + 1e-300) * np.eye(size), wanted[:, :, None])[:, :, 0]
            gain = np.einsum("la,la->l", found, wanted)
            is_better = (found >= 0).all(axis=1) & (gain > gained)
            weights[is_better] = 0.0
            weights[np.ix_(is_better, members)] = found[is_better]
            gained[is_better] = gain[is_better]
    return weights.T
