"""Every pixel column's smallest and largest value of every channel, read as they come into the window."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.timeline import Segment, Timeline
from veridical.gui.annotate.view_settings import Strip
from veridical.gui.common.raster import Columns, column_extremes, row_extremes
from veridical.signals.eye_filter import filter_window, padding_samples
from veridical.signals.pyramid import column_envelope

# Samples of all channels together that are held at a time: 16 MB.
_MOST_VALUES = 1 << 22


@dataclass(eq=False)
class _Kept:
    key: tuple[object, ...]
    first: int
    low: Columns
    high: Columns


class ColumnReader:
    """Reads columns of strips and keeps the last ones, so that only new ones are read; belongs to one thread."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], _Kept] = {}
        self._firsts: tuple[Timeline, IntArray] | None = None

    def read(self, strips: tuple[Strip, ...], first: int, n: int, per_column_s: float) -> list[tuple[Columns, Columns]]:
        """Columns ``first`` to ``first + n`` (excluded) of the time axis.

        Returns
        -------
        list of (low, high), each of shape (n_channels, n)
            Of all (derived) channels of each strip, shown or not. NaN where nothing was recorded. Not to be written.
        """
        found: dict[tuple[object, ...], _Kept] = {}
        columns: list[tuple[Columns, Columns]] = []
        for strip in strips:
            envelope = strip.signal.envelope
            key = (strip.data_key, per_column_s, n, 0 if envelope is None else envelope.n_done)
            kept = self._moved(self._kept.get(strip.data_key), key, strip, first, n, per_column_s)
            found[strip.data_key] = kept
            columns.append((kept.low, kept.high))
        self._kept = found
        return columns

    def _moved(
        self, kept: _Kept | None, key: tuple[object, ...], strip: Strip, first: int, n: int, per_column_s: float
    ) -> _Kept:
        shift = first - kept.first if kept is not None else n
        if kept is None or kept.key != key or abs(shift) >= n:
            return _Kept(key, first, *self._compute(strip, first, n, per_column_s))
        if shift > 0:
            low, high = self._compute(strip, first + n - shift, shift, per_column_s)
            return _Kept(key, first, _join(kept.low[:, shift:], low), _join(kept.high[:, shift:], high))
        if shift < 0:
            low, high = self._compute(strip, first, -shift, per_column_s)
            return _Kept(key, first, _join(low, kept.low[:, :shift]), _join(high, kept.high[:, :shift]))
        return kept

    def _compute(self, strip: Strip, first: int, n: int, per_column_s: float) -> tuple[Columns, Columns]:
        low = np.full((len(strip.labels), n), np.nan, dtype=np.float32)
        high = low.copy()
        timeline = strip.signal.timeline
        start_s = first * per_column_s
        for segment in timeline.segments_between(start_s - per_column_s, start_s + (n + 1) * per_column_s):
            for piece in segment.straight_pieces():
                begin = max(0, int(np.floor((piece.start_s - start_s) / per_column_s)))
                end = min(n, int(np.ceil((piece.stop_s - start_s) / per_column_s)) + 1)
                if end > begin:
                    self._add(strip, segment, piece, (start_s + begin * per_column_s, per_column_s), low[:, begin:end],
                              high[:, begin:end])  # fmt: skip
        return low, high

    def _add(
        self, strip: Strip, segment: Segment, piece: Segment, axis: tuple[float, float], low: Columns, high: Columns
    ) -> None:
        """Widen columns by one straight stretch; ``axis`` is the time of the first column and of one column."""
        start_s, per_column_s = axis
        step = per_column_s / piece.period_s
        position = (start_s - piece.start_s) / piece.period_s
        envelope = strip.signal.envelope
        is_plain = strip.derivation is None and strip.filters is None
        if is_plain and envelope is not None and step >= 2 * envelope.bin_sizes[0]:
            place = self._place(strip.signal.timeline, segment)
            inner = position + piece.first - segment.first
            found = column_envelope(envelope, place, segment.n, inner, step, low.shape[1])
            _widen(low, high, *found)
            return
        per_block = max(1, int(_MOST_VALUES / max(1, strip.signal.source.shape[0]) / step))
        for at in range(0, low.shape[1], per_block):
            to = min(at + per_block, low.shape[1])
            self._add_samples(strip, piece, position + at * step, step, low[:, at:to], high[:, at:to])

    def _add_samples(
        self, strip: Strip, piece: Segment, position: float, step: float, low: Columns, high: Columns
    ) -> None:
        first = max(0, int(np.floor(position)) - 1)
        stop = min(piece.n, int(np.ceil(position + low.shape[1] * step)) + 2)
        if stop <= first:
            return
        samples = _read(strip, piece, first, stop)
        least, most = np.empty(low.shape, dtype=np.float32), np.empty(low.shape, dtype=np.float32)
        # As they lie in memory: files hold the channels of a sample side by side.
        if samples.T.flags.c_contiguous:
            row_extremes(samples.T, position - first, step, low.shape[1], least, most)
        else:
            column_extremes(np.ascontiguousarray(samples), position - first, step, low.shape[1], least, most)
        _widen(low, high, least, most)

    def _place(self, timeline: Timeline, segment: Segment) -> int:
        """Number of a segment in its timeline."""
        if self._firsts is None or self._firsts[0] is not timeline:
            self._firsts = timeline, np.array([s.first for s in timeline.segments], dtype=np.int64)
        return int(np.searchsorted(self._firsts[1], segment.first))


def read_stretch(strip: Strip, start_s: float, stop_s: float) -> tuple[FloatArray, float]:
    """Samples of a strip, derived and filtered as drawn, of the longest gapless part between two times.

    Returns
    -------
    samples : ndarray of float32, shape (n_channels, n)
    sampling_hz : float
    """
    best: tuple[Segment, int, int] | None = None
    for segment in strip.signal.timeline.segments_between(start_s, stop_s):
        places = segment.place_at(np.array([start_s, stop_s]))
        first, stop = max(0, int(np.ceil(places[0]))), min(segment.n, int(np.ceil(places[1])))
        if best is None or stop - first > best[2] - best[1]:
            best = segment, first, stop
    if best is None or best[2] <= best[1]:
        return np.empty((len(strip.labels), 0), dtype=np.float32), strip.signal.sampling_hz
    return _read(strip, best[0], best[1], best[2]), 1 / best[0].period_s


def _read(strip: Strip, piece: Segment, first: int, stop: int) -> FloatArray:
    """Samples of a stretch as they are drawn: float32."""
    if strip.filters is None:
        samples = strip.signal.source.read(piece.first + first, piece.first + stop)
        return samples if strip.derivation is None else strip.derivation.apply(samples)
    hz = 1 / piece.period_s
    reach = padding_samples(strip.filters, hz)
    start, end = max(0, first - reach), min(piece.n, stop + reach)
    samples = strip.signal.source.read(piece.first + start, piece.first + end)
    if strip.derivation is not None:
        samples = strip.derivation.apply(samples)
    return filter_window(samples, hz, strip.filters, first - start, stop - start).astype(np.float32)


def _join(left: Columns, right: Columns) -> Columns:
    return np.concatenate([left, right], axis=1)


def _widen(low: Columns, high: Columns, least: FloatArray, most: FloatArray) -> None:
    np.fmin(low, least, out=low)
    np.fmax(high, most, out=high)
