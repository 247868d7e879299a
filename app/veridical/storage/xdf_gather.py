"""Samples and stamps of a numeric stream, gathered from all over a mapped file without a loop over chunks."""

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray, IntArray
from veridical.storage.xdf_chunks import DEDUCED, EXPLICIT, LED, Buffer, NumericLayout, Runs

# What is gathered at a time: fits a processor's cache, and bounds the copies that numpy makes on the way.
_BLOCK_BYTES = 1 << 22
_BLOCK_SAMPLES = 1 << 16
_SHORT = 3


@dataclass(frozen=True)
class _Part:
    """The runs that a range of samples touches, cut to it.

    Parameters
    ----------
    starts, counts, kinds : ndarray, shape (n_runs,)
        First byte, number of samples and kind. A run led by a stamp has lost it where its beginning is cut off.
    """

    starts: IntArray
    counts: IntArray
    kinds: NDArray[np.int8]


class NumericSamples:
    """The samples of one stream.

    Parameters
    ----------
    buffer : mmap or bytes
        The whole file.
    runs : Runs
        All samples of the stream, in order.
    """

    def __init__(self, buffer: Buffer, layout: NumericLayout, runs: Runs) -> None:
        self._buffer = buffer
        self._layout = layout
        self._runs = runs

    @cached_property
    def _firsts(self) -> IntArray:
        """Number of the first sample of each run; the number of samples at the end."""
        firsts = np.zeros(len(self._runs.counts) + 1, dtype=np.int64)
        np.cumsum(np.asarray(self._runs.counts, dtype=np.int64), out=firsts[1:])
        return firsts

    @cached_property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self._firsts[-1])

    def values(self, first: int, last: int) -> NDArray[Any]:
        """Copy samples ``first`` to ``last`` (excluded), shape (last - first, n_channels)."""
        layout, size = self._layout, self._layout.n_bytes_values
        copied = np.empty((last - first, layout.n_channels), layout.dtype)
        if copied.size == 0:
            return copied
        # A sample's values are moved as one lump of bytes, wherever in the file they stand.
        rows = copied.reshape(-1).view(f"V{size}")
        source = self._lumps(size)
        step = max(1, min(_BLOCK_SAMPLES, _BLOCK_BYTES // size))
        for low in range(first, last, step):
            high = min(low + step, last)
            part = self._cut(low, high)
            starts = part.starts + np.where(part.kinds == DEDUCED, 1, 9)
            strides = np.where(part.kinds == EXPLICIT, layout.n_bytes_explicit, layout.n_bytes_deduced)
            if len(part.starts) == 1:
                run = np.ndarray((high - low,), rows.dtype, self._buffer, int(starts[0]), (int(strides[0]),))
                rows[low - first : high - first] = run
            else:
                rows[low - first : high - first] = source[_positions(starts, strides, part.counts)]
        if sys.byteorder == "big":
            copied.byteswap(inplace=True)
        return copied

    def stamps(self, period_s: float, first: int = 0, last: int | None = None) -> FloatArray:
        """Stamps of samples in seconds, shape (last - first,); where there is none, the one before plus a period.

        From elsewhere than the beginning, those before the first written stamp count from 0.
        """
        last = self.n_samples if last is None else last
        stamps_s = np.empty(last - first)
        last_s = 0.0
        for low in range(first, last, _BLOCK_SAMPLES):
            high = min(low + _BLOCK_SAMPLES, last)
            block = stamps_s[low - first : high - first]
            self._fill_stamps(block, self._cut(low, high), last_s, period_s)
            last_s = float(block[-1])
        return stamps_s

    def _fill_stamps(self, block: FloatArray, part: _Part, last_s: float, period_s: float) -> None:
        n_explicit = np.where(part.kinds == EXPLICIT, part.counts, (part.kinds == LED).astype(np.int64))
        strides = np.full(len(part.starts), self._layout.n_bytes_explicit)
        explicit_s = self._lumps(8)[_positions(part.starts + 1, strides, n_explicit)].view("<f8")
        if len(explicit_s) == len(block):
            block[:] = explicit_s
            return
        heads = _positions(np.cumsum(part.counts) - part.counts, np.ones_like(part.counts), n_explicit)
        block[heads] = explicit_s
        n_before = int(heads[0]) if len(heads) else len(block)
        if n_before:
            block[:n_before] = _deduce(np.array([last_s]), period_s, n_before + 1)[1:, 0]
        lengths = np.diff(np.append(heads, len(block)))
        # Most are short in files that mix samples with and without a stamp: step by step, side by side.
        for k in range(1, _SHORT):
            is_longer = lengths > k
            heads, lengths = heads[is_longer], lengths[is_longer]
            block[heads + k] = block[heads + (k - 1)] + period_s
        # All stretches of one length at once; a block has no more different lengths than the root of twice its size.
        for length in np.unique(lengths[lengths > _SHORT]).tolist():
            alike = heads[lengths == length]
            block[alike + np.arange(length)[:, None]] = _deduce(block[alike], period_s, length)

    def _lumps(self, size: int) -> NDArray[Any]:
        """View the file as overlapping lumps of ``size`` bytes, one at every byte."""
        return np.ndarray((len(self._buffer) - size + 1,), f"V{size}", self._buffer, strides=(1,))

    def _cut(self, first: int, last: int) -> _Part:
        begin = int(np.searchsorted(self._firsts, first, side="right")) - 1
        end = int(np.searchsorted(self._firsts, last, side="left"))
        starts = np.array(self._runs.starts[begin:end], dtype=np.int64)
        counts = np.array(self._runs.counts[begin:end], dtype=np.int64)
        kinds = np.array(self._runs.kinds[begin:end], dtype=np.int8)
        counts[-1] -= int(self._firsts[end]) - last
        n_cut = first - int(self._firsts[begin])
        if n_cut:
            counts[0] -= n_cut
            stride = self._layout.n_bytes_explicit if kinds[0] == EXPLICIT else self._layout.n_bytes_deduced
            starts[0] += n_cut * stride
            if kinds[0] == LED:
                starts[0] += 8
                kinds[0] = DEDUCED
        return _Part(starts, counts, kinds)


def _positions(starts: IntArray, strides: IntArray, counts: IntArray) -> IntArray:
    """``counts[k]`` numbers from ``starts[k]`` on in steps of ``strides[k]``, for one k after the other."""
    firsts = np.cumsum(counts) - counts
    positions = np.arange(int(counts.sum()))
    positions *= np.repeat(strides, counts)
    positions += np.repeat(starts - strides * firsts, counts)
    return positions


def _deduce(first_s: FloatArray, period_s: float, n: int) -> FloatArray:
    """Continue from stamps, shape (n, n_first): the period is added over and over, as every reader does."""
    steps = np.full((n, len(first_s)), period_s)
    steps[0] = first_s
    with np.errstate(over="ignore", invalid="ignore"):
        np.add.accumulate(steps, axis=0, out=steps)
    return steps
