"""Leaving trials out of least squares without refitting.

Leaving a trial out is the same as giving it the target that the model predicts for it: then its residual, and with it
its weight in the dual solution, is 0. Those targets solve a linear system as small as the number of trials left out,
so one factorisation serves every labeling, exactly.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.signals.compiling import compiled

_Kernel = Callable[[FloatArray, BoolArray, FloatArray, IntArray, FloatArray, FloatArray], None]


def complete(dual: FloatArray, targets: FloatArray, is_out: BoolArray) -> FloatArray:
    """Give trials that are left out the target that the model predicts for them.

    Parameters
    ----------
    dual : ndarray, shape (n_train, n_train)
        Of ``RidgeFold.dual``.
    targets : ndarray, shape (n_train, n_labelings)
        Not modified; what stands in rows left out does not matter.
    is_out : ndarray of bool, shape (n_train, n_labelings)
        Every column needs a trial that stays.

    Returns
    -------
    ndarray, shape (n_train, n_labelings)
    """
    if not is_out.any():
        return targets
    out = np.ascontiguousarray(is_out.T)
    completed = np.where(out, 0.0, targets.T)
    most = int(out.sum(axis=1).max())
    _kernel()(np.ascontiguousarray(dual), out, completed, np.empty(most, int), np.empty((most, most)), np.empty(most))
    return completed.T


@lru_cache(maxsize=1)
def _kernel() -> _Kernel:
    return compiled(_complete)


def _complete(
    dual: FloatArray, is_out: BoolArray, completed: FloatArray, rows: IntArray, factor: FloatArray, wanted: FloatArray
) -> None:
    """Solve ``dual[out, out] @ x = -dual[out] @ targets`` for every labeling, by Cholesky, into ``completed``.

    Parameters
    ----------
    is_out, completed : ndarray, shape (n_labelings, n_train)
        Targets, with 0 in rows left out.
    rows, factor, wanted : ndarray, shapes (n_most,), (n_most, n_most), (n_most,)
        Room to work in.
    """
    n_labelings, n = completed.shape
    for labeling in range(n_labelings):
        m = 0
        for i in range(n):
            if is_out[labeling, i]:
                rows[m] = i
                m += 1
        for a in range(m):
            total = 0.0
            for i in range(n):
                total -= dual[rows[a], i] * completed[labeling, i]
            wanted[a] = total
        for a in range(m):
            for b in range(a + 1):
                rest = dual[rows[a], rows[b]]
                for c in range(b):
                    rest -= factor[a, c] * factor[b, c]
                factor[a, b] = np.sqrt(rest) if a == b else rest / factor[b, b]
            rest = wanted[a]
            for c in range(a):
                rest -= factor[a, c] * wanted[c]
            wanted[a] = rest / factor[a, a]
        for a in range(m - 1, -1, -1):
            rest = wanted[a]
            for c in range(a + 1, m):
                rest -= factor[c, a] * wanted[c]
            wanted[a] = rest / factor[a, a]
        for a in range(m):
            completed[labeling, rows[a]] = wanted[a]
