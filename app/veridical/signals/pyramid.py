"""Smallest and largest values of ever longer bins: an hour on a thousand pixels without reading the hour.

A pyramid of an hour of 64 channels at 1 kHz is 153 MB, a sixth of its samples. Bins are counted within each segment
of the timeline, so that none lies across a gap.
"""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.progress import Progress, Work
from veridical.domain.timeline import Timeline
from veridical.domain.viewing import Envelope, SampleSource

# Below 16 samples a bin would save little reading; each level has a quarter of the bins of the one before.
FIRST_BIN, _FACTOR, _N_LEVELS = 16, 4, 7
BIN_SIZES: tuple[int, ...] = tuple(FIRST_BIN * _FACTOR**k for k in range(_N_LEVELS))
# One bin of the last level; every block but a segment's last fills whole bins of every level.
_BLOCK = BIN_SIZES[-1]


@dataclass(frozen=True)
class PyramidLayout:
    """Where each segment's bins lie in the two rows of numbers that a pyramid is.

    Parameters
    ----------
    counts : tuple of int
        Samples of each segment, in the order of the timeline.
    """

    n_channels: int
    counts: tuple[int, ...]

    @classmethod
    def of(cls, timeline: Timeline, n_channels: int) -> "PyramidLayout":
        """Layout for a signal."""
        return cls(n_channels, tuple(s.n for s in timeline.segments))

    @property
    def n_bins(self) -> tuple[int, ...]:
        """Bins of all segments together, by level."""
        return tuple(sum(-(-n // size) for n in self.counts) for size in BIN_SIZES)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the array that holds the pyramid: smallest and largest, channels, bins of all levels."""
        return 2, self.n_channels, sum(self.n_bins)


class Pyramid:
    """Bins of one signal; may be read while it is being built.

    Parameters
    ----------
    layout : PyramidLayout
    values : ndarray of float32, shape ``layout.shape``
        Possibly memory-mapped. Not copied; ``build_pyramid_work`` writes it.
    n_done : int
        Samples whose bins are in ``values`` already.
    """

    def __init__(self, layout: PyramidLayout, values: FloatArray, n_done: int = 0) -> None:
        self.layout, self.values, self.n_done = layout, values, n_done
        counts = np.array(layout.counts, dtype=np.int64).reshape(-1)
        self._n_bins = [-(-counts // size) for size in BIN_SIZES]
        levels = np.concatenate([[0], np.cumsum(layout.n_bins)])
        # First bin of each segment, by level.
        self._firsts = [levels[k] + np.cumsum(n) - n for k, n in enumerate(self._n_bins)]
        self._starts = np.cumsum(counts) - counts

    @property
    def bin_sizes(self) -> tuple[int, ...]:
        """Samples per bin, level by level, ascending."""
        return BIN_SIZES

    @property
    def is_done(self) -> bool:
        """Whether all bins are there."""
        return self.n_done >= sum(self.layout.counts)

    def bins(self, segment: int, level: int, first: int, stop: int) -> tuple[FloatArray, FloatArray]:
        """View the smallest and largest values of a segment's bins, each of shape (n_channels, stop - first).

        Bins that are not there yet are NaN.
        """
        low, high = self._place(segment, level, first, stop)
        done = -(-(self.n_done - int(self._starts[segment])) // BIN_SIZES[level])
        if done >= stop or self.is_done:
            return low, high
        low, high = np.array(low), np.array(high)
        low[:, max(0, done - first) :] = high[:, max(0, done - first) :] = np.nan
        return low, high

    def write(self, segment: int, first: int, samples: FloatArray) -> None:
        """Fill the bins of a block.

        Parameters
        ----------
        first : int
            Sample within the segment, a multiple of the largest bin.
        samples : ndarray, shape (n_channels, n)
            At most one largest bin of them; fewer only at the segment's end.
        """
        low, high = _reduced(samples, FIRST_BIN, samples)
        for level in range(_N_LEVELS):
            if level:
                low, high = _reduced(low, _FACTOR, high)
            at = first // BIN_SIZES[level]
            to_low, to_high = self._place(segment, level, at, at + low.shape[1])
            to_low[:], to_high[:] = low, high
        self.n_done = int(self._starts[segment]) + first + samples.shape[1]

    def _place(self, segment: int, level: int, first: int, stop: int) -> tuple[FloatArray, FloatArray]:
        at = int(self._firsts[level][segment])
        stop = min(stop, int(self._n_bins[level][segment]))
        part = self.values[:, :, at + first : at + max(first, stop)]
        return part[0], part[1]


def build_pyramid_work(pyramid: Pyramid, source: SampleSource, text: str = "") -> Work[Pyramid]:
    """Read all samples once, a block at a time, and fill the pyramid."""
    first, total = 0, sum(pyramid.layout.counts)
    for segment, n in enumerate(pyramid.layout.counts):
        for at in range(0, n, _BLOCK):
            stop = min(at + _BLOCK, n)
            pyramid.write(segment, at, source.read(first + at, first + stop))
            yield Progress(first + stop, total, text)
        first += n
    return pyramid


def column_envelope(
    envelope: Envelope, segment: int, n_samples: int, position: float, step: float, n_columns: int
) -> tuple[FloatArray, FloatArray]:
    """Find each pixel column's smallest and largest value in a segment from its bins.

    A column takes every bin that it touches, so neighbouring columns touch too; with ``step`` at least twice the
    smallest bin, what it shows begins and ends less than half a column outside it.

    Parameters
    ----------
    n_samples : int
        Of the segment.
    position : float
        Sample within the segment (may be fractional or negative) of the first column's left edge.
    step : float
        Samples per column; at least ``2 * envelope.bin_sizes[0]``.

    Returns
    -------
    low, high : ndarray of float32, shape (n_channels, n_columns)
        NaN beyond the segment, where bins are not there yet, and where all samples are NaN.
    """
    level = max(k for k, size in enumerate(envelope.bin_sizes) if 2 * size <= step)
    size = envelope.bin_sizes[level]
    n_bins = -(-n_samples // size)
    edges = (position + step * np.arange(n_columns + 1)) / size
    starts = np.clip(np.floor(edges[:-1]), 0, n_bins).astype(np.int64)
    stops = np.clip(np.ceil(edges[1:]), 0, n_bins).astype(np.int64)
    inside = np.flatnonzero(stops > starts)
    if not len(inside):
        nothing = np.full((envelope.bins(segment, level, 0, 0)[0].shape[0], n_columns), np.nan, dtype=np.float32)
        return nothing, nothing.copy()
    first, stop = int(starts[inside[0]]), int(stops[inside[-1]])
    found = []
    for values, reduce in zip(envelope.bins(segment, level, first, stop), (np.fmin, np.fmax), strict=True):
        # A range for reduceat ends where the next begins; the odd ones are not used. The last may end at the end.
        ranges = np.stack([starts[inside], stops[inside]], axis=1).reshape(-1) - first
        padded = np.concatenate([values, values[:, -1:]], axis=1)
        columns = np.full((len(values), n_columns), np.nan, dtype=np.float32)
        columns[:, inside] = reduce.reduceat(padded, ranges, axis=1)[:, ::2]
        found.append(columns)
    return found[0], found[1]


def _reduced(low: FloatArray, factor: int, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Smallest of ``low`` and largest of ``high`` in runs of ``factor``; NaN counts only where nothing else is."""
    n = low.shape[1]
    whole = n - n % factor
    least, most = _whole(low[:, :whole], factor, np.minimum), _whole(high[:, :whole], factor, np.maximum)
    if whole < n:
        least = np.concatenate([least, np.minimum.reduce(low[:, whole:], axis=1, keepdims=True)], axis=1)
        most = np.concatenate([most, np.maximum.reduce(high[:, whole:], axis=1, keepdims=True)], axis=1)
    # The sum is NaN wherever one is; what has NaN in it is done again, without.
    if np.isnan(least.sum()) or np.isnan(most.sum()):
        for k in np.flatnonzero((np.isnan(least) | np.isnan(most)).any(axis=0)).tolist():
            run = slice(k * factor, (k + 1) * factor)
            least[:, k] = np.fmin.reduce(low[:, run], axis=1)
            most[:, k] = np.fmax.reduce(high[:, run], axis=1)
    return least, most


def _whole(values: FloatArray, factor: int, reduce: np.ufunc) -> FloatArray:
    """Reduce whole runs along the memory's own order, several times as fast as across it."""
    n_channels, n = values.shape
    if values.T.flags.c_contiguous and not values.flags.c_contiguous:
        reduced: FloatArray = reduce.reduce(values.T.reshape(n // factor, factor, n_channels), axis=1)
        return reduced.T
    return np.asarray(reduce.reduce(values.reshape(n_channels, n // factor, factor), axis=2))


@dataclass(frozen=True, eq=False)
class Swings:
    """How unusual each channel's swings are, second by second.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_channels, n_bins)
        Robust z of the peak-to-peak range: (range - median) / (1.4826 x median absolute deviation) over the whole
        recording, channel by channel (Leys et al. 2013). NaN where nothing was recorded or is known yet.
    starts_s, stops_s : ndarray, shape (n_bins,)
        When each bin begins and ends.
    """

    scores: FloatArray
    starts_s: FloatArray
    stops_s: FloatArray

    def columns(self, start_s: float, per_column_s: float, n_columns: int) -> FloatArray:
        """Largest score in each pixel column, shape (n_channels, n_columns); NaN where there is none."""
        columns = np.full((len(self.scores), n_columns), np.nan, dtype=np.float32)
        begin = np.floor((self.starts_s - start_s) / per_column_s)
        end = np.ceil((self.stops_s - start_s) / per_column_s)
        seen = np.flatnonzero((end > 0) & (begin < n_columns) & (end > begin))
        first, last = np.maximum(begin[seen], 0).astype(int), np.minimum(end[seen], n_columns).astype(int) - 1
        # Bins may be wider than columns or the other way round: each is spread over its columns, step by step.
        for offset in range(int((last - first).max(initial=-1)) + 1):
            some = first + offset <= last
            at = first[some] + offset
            order = np.argsort(at, kind="stable")
            heads = np.flatnonzero(np.diff(at[order], prepend=-1))
            found = np.fmax.reduceat(self.scores[:, seen[some][order]], heads, axis=1)
            columns[:, at[order][heads]] = np.fmax(columns[:, at[order][heads]], found)
        return columns


def find_swings(envelope: Envelope, timeline: Timeline) -> Swings:
    """Score the bins that are nearest to a second.

    Parameters
    ----------
    timeline : Timeline
        Of the envelope's signal.
    """
    period_s = 1 / timeline.sampling_hz if timeline.sampling_hz > 0 else 1.0
    level = int(np.argmin([abs(np.log(size * period_s)) for size in envelope.bin_sizes]))
    size = envelope.bin_sizes[level]
    ranges, starts_s, stops_s = [], [], []
    for k, segment in enumerate(timeline.segments):
        n_bins = -(-segment.n // size)
        low, high = envelope.bins(k, level, 0, n_bins)
        ranges.append(high - low)
        places = np.arange(n_bins, dtype=np.float64)
        starts_s.append(segment.time_at(places * size))
        stops_s.append(segment.time_at(np.minimum((places + 1) * size, segment.n)))
    return Swings(_robust_scores(np.concatenate(ranges, axis=1)), np.concatenate(starts_s), np.concatenate(stops_s))


def _robust_scores(values: FloatArray) -> FloatArray:
    """Robust z of each row; 0 where nothing varies."""
    scores = np.full(values.shape, np.nan, dtype=np.float32)
    if not values.size:
        return scores
    # Rows that miss the same bins, as they do at the end of what is built, are done together.
    known = np.isfinite(values)
    patterns, which = np.unique(known, axis=0, return_inverse=True) if not known.all() else (known[:1], None)
    for k, pattern in enumerate(patterns):
        rows = slice(None) if which is None else np.flatnonzero(which.reshape(-1) == k)
        own = values[rows][:, pattern]
        if not own.shape[1]:
            continue
        middle = np.median(own, axis=1, keepdims=True)
        spread = 1.4826 * np.median(np.abs(own - middle), axis=1, keepdims=True)
        part = np.full((len(own), values.shape[1]), np.nan, dtype=np.float32)
        part[:, pattern] = np.where(spread > 0, (own - middle) / np.where(spread > 0, spread, 1), 0.0)
        scores[rows] = part
    return scores
