"""Smallest and largest sample under each pixel column, for drawing long signals without losing a spike."""

from collections.abc import Callable
from functools import cache

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray

_Kernel = Callable[[FloatArray, IntArray, IntArray, FloatArray, FloatArray], None]


def minmax(samples: FloatArray, first: int, last: int, n_columns: int) -> tuple[FloatArray, FloatArray]:
    """Return the smallest and the largest sample of each column.

    Column ``k`` covers samples ``first + k * n // n_columns`` up to ``first + (k + 1) * n // n_columns`` with
    ``n = last - first``, and at least one sample, so fewer samples than columns are repeated.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        Any float type, memory-mapped or not. Not modified.
    first, last : int
        Half-open range of samples; cut to what there is.
    n_columns : int
        Pixel columns, at least 1.

    Returns
    -------
    smallest, largest : ndarray, shape (n_channels, n_columns)
        Of the samples' type. NaN samples do not count; a column of nothing else is NaN.

    Raises
    ------
    ValueError
        If ``n_columns`` is below 1.
    """
    if n_columns < 1:
        raise ValueError(f"n_columns is {n_columns}; at least 1 column is needed.")
    samples = np.asarray(samples)  # the compiled kernel takes plain arrays, not memmap objects
    first, last = max(0, first), min(samples.shape[1], last)
    n_samples = last - first
    smallest = np.full((samples.shape[0], n_columns), np.nan, dtype=samples.dtype)
    largest = smallest.copy()
    if n_samples <= 0:
        return smallest, largest
    edges = first + np.arange(n_columns + 1, dtype=np.int64) * n_samples // n_columns
    starts = np.minimum(edges[:-1], last - 1)
    stops = np.maximum(edges[1:], starts + 1)
    _kernel()(samples, starts, stops, smallest, largest)
    return smallest, largest


def _reduce(samples: FloatArray, starts: IntArray, stops: IntArray, smallest: FloatArray, largest: FloatArray) -> None:
    """Fill ``smallest`` and ``largest`` column by column; written for the compiler."""
    for channel in range(samples.shape[0]):
        for column in range(starts.shape[0]):
            low = np.inf
            high = -np.inf
            for k in range(starts[column], stops[column]):
                value = samples[channel, k]
                # Comparisons with NaN are false, so NaN is passed over.
                if value < low:
                    low = value
                if value > high:
                    high = value
            if low <= high:
                smallest[channel, column] = low
                largest[channel, column] = high


def _reduce_with_numpy(
    samples: FloatArray, starts: IntArray, stops: IntArray, smallest: FloatArray, largest: FloatArray
) -> None:
    """Do the same where no compiler is at hand."""
    if starts.shape[0] == 0:
        return
    first = int(starts[0])
    block = samples[:, first : int(stops[-1])]
    if np.all(stops - starts == 1):
        smallest[:] = largest[:] = samples[:, starts]
        return
    # Columns tile the range without overlap here, because no column had to be stretched to one sample.
    np.fmin.reduceat(block, starts - first, axis=1, out=smallest)
    np.fmax.reduceat(block, starts - first, axis=1, out=largest)


@cache
def _kernel() -> _Kernel:
    # numba takes half a second to import, so only those who draw pay for it.
    try:
        import numba
    except ImportError:
        return _reduce_with_numpy
    compiled: _Kernel = numba.njit(cache=True, nogil=True, fastmath=False)(_reduce)
    return compiled
