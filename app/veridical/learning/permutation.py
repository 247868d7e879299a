"""Labelings that the null hypothesis makes as likely as the one seen."""

import math
from collections.abc import Sequence

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray

# Scores that differ by rounding only count as equal.
_TIE = 1e-9


def free_permutations(runs: IntArray, n_permutations: int, rng: np.random.Generator) -> IntArray:
    """Permute trials freely within each recording.

    Returns
    -------
    ndarray of int, shape (n_permutations, n_presented)
        ``ratings[row]`` is a labeling.
    """
    index = np.tile(np.arange(len(runs)), (n_permutations, 1))
    for run in np.unique(runs):
        members = np.flatnonzero(runs == run)
        index[:, members] = rng.permuted(index[:, members], axis=1)
    return index


def circular_shifts(runs: IntArray, n_most: int, rng: np.random.Generator) -> IntArray:
    """Return all circular shifts of one recording; of several, shifts within each.

    The combinations of several recordings' shifts are countless: where there are more than ``n_most``, that many are
    drawn. The identity is left out.

    Returns
    -------
    ndarray of int, shape (n_shifts, n_presented)
    """
    members = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    lengths = [len(m) for m in members]
    if len(members) == 1 or math.prod(lengths) - 1 <= n_most:
        shifts = np.stack([g.ravel() for g in np.meshgrid(*(np.arange(n) for n in lengths), indexing="ij")], axis=1)
    else:
        shifts = rng.integers(0, lengths, size=(n_most, len(lengths)))
    shifts = shifts[shifts.any(axis=1)]
    index = np.empty((len(shifts), len(runs)), dtype=int)
    for m, n, s in zip(members, lengths, shifts.T, strict=True):
        index[:, m] = m[(np.arange(n) - s[:, None]) % n]
    return index


def familywise_p(models: Sequence[tuple[float, FloatArray, FloatArray]]) -> tuple[float, ...]:
    """P values of several models or targets that hold for all of them together: the maximum statistic.

    Parameters
    ----------
    models : sequence of (float, ndarray, ndarray)
        Observed score, and null scores of free permutations and of circular shifts, on common labelings; where one
        sequence ended early, the labelings that all have serve.

    Returns
    -------
    tuple of float
        One for each model, the larger of both sequences (Westfall & Young 1993; Nichols & Holmes 2002).
    """
    adjusted = [0.0] * len(models)
    for nulls in ([free for _, free, _ in models], [shifts for _, _, shifts in models]):
        n = min(len(null) for null in nulls)
        largest = np.max([null[:n] for null in nulls], axis=0) if n else np.empty(0)
        adjusted = [max(p, p_value(score, largest)) for p, (score, _, _) in zip(adjusted, models, strict=True)]
    return tuple(adjusted)


def p_value(observed: float, null: FloatArray) -> float:
    """Return (b + 1) / (m + 1), b of m null scores reaching the observed one (Phipson & Smyth 2010)."""
    return float(((null >= observed - _TIE).sum() + 1) / (len(null) + 1))
