"""Paints one band of signals, marks and grid into pixels; runs in any thread and knows no widget."""

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.landmarks import Landmarks
from veridical.gui.annotate.column_reader import ColumnReader
from veridical.gui.annotate.mark_table import MarkTable
from veridical.gui.annotate.view_settings import Strip
from veridical.gui.common.lanes import Lane
from veridical.gui.common.raster import Columns, Pixels, blend, draw_columns, tint_boxes
from veridical.gui.common.scaling import nice_at_least, time_ticks
from veridical.gui.common.tokens import Theme, argb, rgb
from veridical.signals.pyramid import Swings, find_swings

# How far a trace may go from its lane's middle, in lane heights: blinks and drift are seen, and a loose electrode
# does not hide the rest.
_OVERSHOOT = 2.5
# A butterfly's one lane holds this many times a lane's range: blinks stay on it.
_BUTTERFLY_SPAN = 4.0
_TINT_ALPHA, _EDGE_ALPHA = 56, 200
# A second that swings six robust deviations more than the channel's usual one is as striking as colour can be.
HEAT_FULL_Z = 6.0
_N_SHADES = 64
# From this many seconds on the ECG is shown as heart rate: single beats are thinner than a pixel.
RATE_FROM_S = 120.0


@dataclass(frozen=True, eq=False)
class Band:
    """What to paint: strips that share a window.

    Parameters
    ----------
    lanes : tuple of Lane
        ``group`` is the strip's place in ``strips``, ``index`` the channel's place in the strip.
    width_px, height_px : int
        Logical pixels; ``ratio`` device pixels each.
    """

    strips: tuple[Strip, ...]
    lanes: tuple[Lane, ...]
    start_s: float
    seconds: float
    width_px: int
    height_px: int
    ratio: float
    theme: Theme
    marks: MarkTable
    landmarks: Landmarks = Landmarks()
    is_butterfly: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in device pixels."""
        return max(1, round(self.height_px * self.ratio)), max(1, round(self.width_px * self.ratio))

    @property
    def per_column_s(self) -> float:
        """Seconds of a pixel column."""
        return self.seconds / self.shape[1]

    @property
    def first(self) -> int:
        """Number of the first pixel column, counted from the beginning of the recording."""
        return round(self.start_s / self.per_column_s)

    def channels_of(self, lane: Lane) -> tuple[str, ...]:
        """Recorded channels that a lane shows: two of a bipolar pair, else one."""
        strip = self.strips[lane.group]
        return strip.recorded_of(strip.shown[lane.index])

    def is_rate(self, strip: Strip) -> bool:
        """Whether a strip shows heart rate instead of the ECG."""
        return strip.role == "ECG" and self.seconds > RATE_FROM_S and len(self.landmarks.beats_s) > 2

    def kind(self, strip: Strip) -> str:
        """How a strip is shown: ``heat``, ``rate`` or ``traces``."""
        if strip.is_heat(self.seconds) and not self.is_butterfly:
            return "heat"
        return "rate" if self.is_rate(strip) else "traces"


@dataclass(frozen=True, eq=False)
class BandPicture:
    """A finished picture and what it shows.

    Parameters
    ----------
    spans : tuple of float
        Value range of one lane by strip; beats per minute where heart rate is shown.
    """

    image: QImage
    band: Band
    spans: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Geometry:
    """Where a strip's channels are drawn, in device pixels; rows still without offsets."""

    indices: tuple[int, ...]
    middles: FloatArray
    gains: FloatArray
    bounds: NDArray[np.int64]
    colours: NDArray[np.uint32]


class BandPainter:
    """Paints bands; scrolls where it can and remembers offsets, so that nothing jumps. Belongs to one thread."""

    def __init__(self) -> None:
        self._reader = ColumnReader()
        # Three in turn: one on screen, one about to be, one that is written.
        self._buffers: list[Pixels] = []
        self._newest = 0
        self._layout: tuple[object, ...] = ()
        self._first = 0
        self._offsets: dict[object, FloatArray] = {}
        self._swings: dict[object, Swings] = {}
        self._geometries: dict[object, _Geometry | None] = {}
        # Columns that have come in since the offsets were looked at.
        self._unseen = 0

    def paint(self, band: Band) -> BandPicture:
        """Read what is new in the window and paint it."""
        height, width = band.shape
        first = band.first
        traced = tuple(s for s in band.strips if band.kind(s) == "traces")
        columns = dict(zip(map(id, traced), self._reader.read(traced, first, width, band.per_column_s), strict=True))
        rates = {id(s): _rate_columns(band, first, width) for s in band.strips if band.kind(s) == "rate"}
        spans = tuple(
            _rate_span(rates[id(s)])
            if id(s) in rates
            else _level_span(columns[id(s)], s.span)
            if s.role == "EDA" and band.seconds > RATE_FROM_S
            else s.span * (_BUTTERFLY_SPAN if band.is_butterfly and s.role == "EEG" else 1.0)
            for s in band.strips
        )
        layout, shift = self._layout_of(band), first - self._first
        # A step looks at the offsets only now and then: they hold over a quarter of a lane anyway.
        self._unseen += abs(shift)
        is_step = layout == self._layout and self._unseen < width // 4
        is_moved = not is_step and self._hold_offsets(band, {**columns, **rates}, spans)
        if not is_step:
            self._unseen = 0
        old = self._buffers[self._newest] if self._buffers else None
        scrolls = (
            old is not None and old.shape == (height, width) and layout == self._layout
            and not is_moved and not rates and abs(shift) < width
        )  # fmt: skip
        pixels = self._next_buffer((height, width))
        begin, end = 0, width
        if scrolls and old is not None:
            begin, end = (width - shift, width) if shift >= 0 else (0, -shift)
            _move(old, pixels, shift)
        if end > begin:
            self._compose(pixels, band, {**columns, **rates}, spans, begin, end)
        self._layout, self._first = layout, first
        image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(band.ratio)
        return BandPicture(image, band, spans)

    # Inside -----------------------------------------------------------------------------------------
    def _next_buffer(self, shape: tuple[int, int]) -> Pixels:
        if not self._buffers or self._buffers[0].shape != shape:
            # Those that are on screen still live as long as their pictures do.
            self._buffers = [np.zeros(shape, dtype=np.uint32) for _ in range(3)]
        self._newest = (self._newest + 1) % 3
        return self._buffers[self._newest]

    def _layout_of(self, band: Band) -> tuple[object, ...]:
        strips = tuple(
            (s.data_key, s.shown, s.factors, s.span, band.kind(s), getattr(s.signal.envelope, "n_done", 0))
            for s in band.strips
        )
        return band.lanes, strips, band.seconds, band.ratio, band.theme, id(band.marks), id(band.landmarks)

    def _hold_offsets(self, band: Band, columns: dict[int, tuple[Columns, Columns]], spans: tuple[float, ...]) -> bool:
        """Value in the middle of each lane: held while the signal stays near it."""
        moved = False
        offsets: dict[object, FloatArray] = {}
        for strip, span in zip(band.strips, spans, strict=True):
            if id(strip) not in columns:
                continue
            key = (strip.data_key, band.kind(strip))
            fresh = _offsets(*columns[id(strip)], strip.role)
            held = self._offsets.get(key)
            known = np.isfinite(fresh)
            far = np.abs(fresh - held) > 0.25 * span if held is not None and held.shape == fresh.shape else known
            if held is None or held.shape != fresh.shape or far.any():
                # All of them: what was held for one window may lie a little off in all lanes of the next.
                held, moved = (
                    np.where(known, fresh, held if held is not None and len(held) == len(fresh) else 0.0),
                    True,
                )
            offsets[key] = held
        self._offsets = offsets
        return moved

    def _compose(
        self,
        pixels: Pixels,
        band: Band,
        columns: dict[int, tuple[Columns, Columns]],
        spans: tuple[float, ...],
        begin: int,
        end: int,
    ) -> None:
        """Paint some columns anew: ground, grid and marks, then signals."""
        part = pixels[:, begin:end]
        first = band.first + begin
        per_column_s = band.per_column_s
        part[:] = _ground(band, first, end - begin)
        grid = np.uint32(argb(band.theme.grid))
        for lane in band.lanes:
            if lane.role != "EEG":
                part[min(len(part) - 1, round(lane.middle_px * band.ratio))] = grid
        for group, strip in enumerate(band.strips):
            if band.kind(strip) == "heat":
                scores = self._swings_of(strip).columns(first * per_column_s, per_column_s, end - begin)
                _paint_heat(part, band, [lane for lane in band.lanes if lane.group == group], strip, scores)
        _tint_channels(part, band, first)
        for group, (strip, span) in enumerate(zip(band.strips, spans, strict=True)):
            geometry = self._geometry_of(band, group, strip, span, len(pixels))
            if geometry is None or band.kind(strip) == "heat":
                continue
            low, high = columns[id(strip)]
            rows = (
                geometry.middles
                + self._offsets[strip.data_key, band.kind(strip)][list(geometry.indices)] * geometry.gains
            )
            if geometry.indices == tuple(range(len(low))):
                low, high = low[:, begin:end], high[:, begin:end]
            else:
                low, high = low[list(geometry.indices), begin:end], high[list(geometry.indices), begin:end]
            draw_columns(
                pixels, np.ascontiguousarray(low), np.ascontiguousarray(high), rows, geometry.gains, geometry.bounds,
                geometry.colours, begin,
            )  # fmt: skip

    def _geometry_of(self, band: Band, group: int, strip: Strip, span: float, height: int) -> _Geometry | None:
        key = (band.lanes, band.ratio, band.theme, band.is_butterfly, group, strip.shown, strip.factors, span, height)
        if key not in self._geometries:
            if len(self._geometries) > 16:
                self._geometries.clear()
            self._geometries[key] = _geometry(band, group, strip, span, height)
        return self._geometries[key]

    def _swings_of(self, strip: Strip) -> Swings:
        envelope = strip.signal.envelope
        assert envelope is not None
        key = (id(envelope), id(strip.signal.timeline), envelope.n_done)
        if key not in self._swings:
            self._swings = {key: find_swings(envelope, strip.signal.timeline)}
        return self._swings[key]


def _move(old: Pixels, new: Pixels, shift: int) -> None:
    """Copy a picture ``shift`` columns to the left, all rows at once; what enters is drawn anew."""
    n_bytes = old.nbytes - 4 * abs(shift)
    source, target = old.ctypes.data, new.ctypes.data
    if shift >= 0:
        ctypes.memmove(target, source + 4 * shift, n_bytes)
    else:
        ctypes.memmove(target - 4 * shift, source, n_bytes)


def _offsets(low: Columns, high: Columns, role: str) -> FloatArray:
    """The middle of each channel's columns: the median for most, of the range for skin conductance."""
    if role == "EDA":
        known = np.isfinite(low).any(axis=1)
        middles = np.full(len(low), np.nan)
        middles[known] = (np.nanmin(low[known], axis=1) + np.nanmax(high[known], axis=1)) / 2
        return middles
    thin = slice(None, None, max(1, low.shape[1] // 96))
    centres = (low[:, thin].astype(np.float64) + high[:, thin]) / 2
    if not np.isnan(centres.sum()):
        return np.asarray(np.median(centres, axis=1), dtype=np.float64)
    middles = np.full(len(low), np.nan)
    some = np.isfinite(centres).any(axis=1)
    middles[some] = np.nanmedian(centres[some], axis=1)
    return middles


def _ground(band: Band, first: int, n: int) -> Pixels:
    """One row of pixels that all rows begin with: ground, time grid, and the marks that are on all channels."""
    row = np.full(n, argb(band.theme.sunken), dtype=np.uint32)
    start_s, stop_s = first * band.per_column_s, (first + n) * band.per_column_s
    for tick in time_ticks(band.start_s, band.start_s + band.seconds, band.width_px):
        at = round(tick.value / band.per_column_s) - first
        if 0 <= at < n:
            row[at] = argb(band.theme.grid)
    marks = band.marks
    seen = marks.between(start_s, stop_s)
    seen = seen[marks.is_everywhere[seen]]
    left, right = _edges(marks, seen, band, first)
    for a, b, colour in zip(left.tolist(), right.tolist(), marks.colours[seen].tolist(), strict=True):
        # Down to a pixel's width a mark stays visible.
        inner = slice(max(0, a), max(0, min(n, b)))
        row[inner] = blend(row[inner], colour, _TINT_ALPHA)
        for edge in {a, b - 1}:
            if 0 <= edge < n:
                row[edge : edge + 1] = blend(row[edge : edge + 1], colour, _EDGE_ALPHA)
    return row


def _edges(marks: MarkTable, seen: IntArray, band: Band, first: int) -> tuple[IntArray, IntArray]:
    left = np.floor(marks.starts_s[seen] / band.per_column_s).astype(np.int64) - first
    right = np.ceil(marks.stops_s[seen] / band.per_column_s).astype(np.int64) - first
    return left, np.maximum(right, left + 1)


def _tint_channels(part: Pixels, band: Band, first: int) -> None:
    """Lay the marks that are on some channels only under those."""
    n = part.shape[1]
    marks = band.marks
    seen = marks.between(first * band.per_column_s, (first + n) * band.per_column_s)
    seen = seen[~marks.is_everywhere[seen]]
    if not len(seen):
        return
    rows: dict[str, list[tuple[int, int]]] = {}
    for lane in band.lanes:
        top = round(lane.top_px * band.ratio)
        bottom = max(top + 1, round((lane.top_px + lane.height_px) * band.ratio))
        for channel in band.channels_of(lane):
            rows.setdefault(channel, []).append((top, bottom))
    left, right = _edges(marks, seen, band, first)
    boxes: list[tuple[int, int, int, int]] = []
    colours: list[int] = []
    alphas: list[int] = []
    for k, a, b in zip(seen.tolist(), left.tolist(), right.tolist(), strict=True):
        for channel in marks.marks[k].channels:
            for top, bottom in rows.get(channel, ()):
                inner = (top, min(len(part), bottom), max(0, a), min(n, b))
                boxes.append(inner)
                alphas.append(_TINT_ALPHA + 24)
                for edge in {a, b - 1}:
                    if 0 <= edge < n:
                        boxes.append((inner[0], inner[1], edge, edge + 1))
                        alphas.append(_EDGE_ALPHA)
                colours += [int(marks.colours[k])] * (len(boxes) - len(colours))
    if boxes:
        tint_boxes(
            part, np.array(boxes, dtype=np.int64), np.array(colours, dtype=np.uint32), np.array(alphas, dtype=np.int64)
        )


def _geometry(band: Band, group: int, strip: Strip, span: float, height: int) -> _Geometry | None:
    lanes = [lane for lane in band.lanes if lane.group == group]
    if not lanes:
        return None
    indices = tuple(strip.shown[lane.index] for lane in lanes)
    factors = np.array([strip.factors[lane.index] for lane in lanes])
    gains = np.array([lane.height_px * band.ratio / span for lane in lanes]) * factors
    middles = np.array([lane.middle_px * band.ratio for lane in lanes])
    is_alone = len(lanes) == 1 or band.is_butterfly
    reach = [lane.height_px * band.ratio * (0.5 if is_alone else _OVERSHOOT) for lane in lanes]
    bounds = np.array(
        [[max(0, int(m - r)), min(height, int(m + r) + 1)] for m, r in zip(middles, reach, strict=True)], dtype=np.int64
    )
    colour = argb(band.theme.role(strip.role))
    colours = np.full(len(lanes), colour, dtype=np.uint32)
    if band.is_butterfly and strip.role == "EEG" and len(lanes) > 1:
        colours = _ramp(band.theme, len(lanes))
    return _Geometry(indices, middles, gains, bounds, colours)


def _ramp(theme: Theme, n: int) -> NDArray[np.uint32]:
    """From the EEG's colour to the ECG's, so that neighbours in the list are neighbours in colour."""
    return _mix((theme.eeg, theme.ecg), (0.0, 1.0), n)


def heat_shades(theme: Theme) -> NDArray[np.uint32]:
    """Colours from usual (0) to six robust deviations: the ground, then amber, then vermilion."""
    return _mix(
        (theme.hover, theme.hover, theme.ratings, theme.fail, theme.text), (0.0, 0.3, 0.6, 0.85, 1.0), _N_SHADES
    )


def _mix(colours: tuple[str, ...], places: tuple[float, ...], n: int) -> NDArray[np.uint32]:
    stops = np.array([rgb(c) for c in colours], dtype=np.float64)
    at = np.linspace(0, 1, n)
    red, green, blue = (np.rint(np.interp(at, places, stops[:, k])).astype(np.uint32) for k in range(3))
    return np.asarray((0xFF << 24) | (red << 16) | (green << 8) | blue, dtype=np.uint32)


def _paint_heat(part: Pixels, band: Band, lanes: list[Lane], strip: Strip, scores: FloatArray) -> None:
    """Fill lanes with the colours of their scores; what is usual lets marks and grid show through."""
    shades = heat_shades(band.theme)
    own = scores[[strip.shown[lane.index] for lane in lanes]]
    known = np.isfinite(own)
    places = np.clip(np.where(known, own, 0) / HEAT_FULL_Z * (_N_SHADES - 1), 0, _N_SHADES - 1).astype(np.int64)
    below = part[0]
    usual = np.where(known, blend(below, argb(band.theme.hover), 96), below)
    colours = np.where(known & (places > _N_SHADES // 3), shades[places], usual)
    for lane, line in zip(lanes, colours, strict=True):
        top, bottom = round(lane.top_px * band.ratio), round((lane.top_px + lane.height_px) * band.ratio)
        # A hair of ground between lanes as soon as there is room.
        part[top : max(top + 1, bottom - (1 if bottom - top > 4 else 0))] = line


def _rate_columns(band: Band, first: int, n: int) -> tuple[Columns, Columns]:
    """Smallest and largest heart rate in each column, in beats per minute; beats apart are joined by a line."""
    marks = band.landmarks
    low = np.full((1, n), np.nan, dtype=np.float32)
    high = low.copy()
    known = np.isfinite(marks.intervals_s)
    if not known.any():
        return low, high
    at_s, rates = marks.beats_s[known], 60 / marks.intervals_s[known]
    edges_s = (first + np.arange(n + 1)) * band.per_column_s
    line = np.interp(edges_s, at_s, rates, left=np.nan, right=np.nan)
    # No line over more than the longest interval: there was a gap, or beats that cannot be trusted.
    after = np.clip(np.searchsorted(at_s, edges_s), 1, len(at_s) - 1)
    line[(at_s[after] - at_s[after - 1] > 4.0)] = np.nan
    low[0] = np.fmin(line[:-1], line[1:])
    high[0] = np.fmax(line[:-1], line[1:])
    places = np.floor(at_s / band.per_column_s).astype(np.int64) - first
    seen = (places >= 0) & (places < n)
    np.fmin.at(low[0], places[seen], rates[seen].astype(np.float32))
    np.fmax.at(high[0], places[seen], rates[seen].astype(np.float32))
    return low, high


def _level_span(columns: tuple[Columns, Columns], span: float) -> float:
    """Span of a long window of skin conductance: its level moves far more than its responses do."""
    low, high = columns
    if not np.isfinite(low).any():
        return span
    return max(span, nice_at_least(1.05 * float(np.nanmax(high) - np.nanmin(low)) or span))


def _rate_span(columns: tuple[Columns, Columns]) -> float:
    low, high = columns
    if not np.isfinite(low).any():
        return 20.0
    return nice_at_least(max(10.0, 1.1 * float(np.nanpercentile(high, 99.5) - np.nanpercentile(low, 0.5))))
