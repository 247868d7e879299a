"""Renders channels of any rate into one image; runs in any thread and knows no widget."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QImage

from veridical.domain.arrays import FloatArray
from veridical.gui.common.lanes import Lane
from veridical.gui.common.raster import Pixels, column_extremes, draw_columns

# How far a trace may go from its lane's middle, in lane heights: blinks and drift are seen, and a loose electrode
# does not hide the rest.
_OVERSHOOT = 2.5


@dataclass(frozen=True, eq=False)
class Run:
    """Samples without a gap.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        SI units.
    start_s, period_s : float
        Time of the first sample, and from one sample to the next.
    """

    samples: FloatArray
    start_s: float
    period_s: float


@dataclass(frozen=True, eq=False)
class Group:
    """The channels of one role.

    Parameters
    ----------
    runs : sequence of Run
        Gapless stretches in time order.
    offsets : ndarray, shape (n_channels,)
        Value that is drawn in the middle of the lane.
    span : float
        Value range of one lane's height.
    colour : int
        ARGB.
    """

    runs: tuple[Run, ...]
    offsets: FloatArray
    span: float
    colour: int


@dataclass(frozen=True, eq=False)
class Scene:
    """What to draw."""

    groups: tuple[Group, ...]
    lanes: tuple[Lane, ...]
    start_s: float
    stop_s: float
    width_px: int
    height_px: int
    ratio: float = 1.0


class TracePainter:
    """Owns the pixel buffer; one painter belongs to one thread."""

    def __init__(self) -> None:
        self._pixels: Pixels = np.zeros((0, 0), dtype=np.uint32)

    def paint(self, scene: Scene) -> QImage:
        """Draw the whole scene and return an image of its own memory, transparent where no trace is."""
        self._fit(scene)
        self._pixels[:] = 0
        self._paint_columns(scene, 0, self._pixels.shape[1])
        return self._image(scene)

    def scroll(self, scene: Scene, n_columns: int, n_redrawn: int) -> QImage:
        """Move the picture left by whole columns and draw only the newest ones.

        Parameters
        ----------
        scene : Scene
            As painted last, but for its samples and its time, which moved by exactly ``n_columns`` columns.
        n_redrawn : int
            Columns drawn again at the right edge, because their samples arrived late.
        """
        width = self._pixels.shape[1]
        if n_columns >= width:
            return self.paint(scene)
        if n_columns > 0:
            # All rows at once, without a copy in between: what a row hands to the one above lies in columns that are
            # drawn anew.
            start, n_bytes = self._pixels.ctypes.data, self._pixels.nbytes
            ctypes.memmove(start, start + 4 * n_columns, n_bytes - 4 * n_columns)
        first = max(0, width - n_columns - n_redrawn)
        self._pixels[:, first:] = 0
        self._paint_columns(scene, first, width)
        return self._image(scene)

    def _fit(self, scene: Scene) -> None:
        shape = (max(1, round(scene.height_px * scene.ratio)), max(1, round(scene.width_px * scene.ratio)))
        if self._pixels.shape != shape:
            self._pixels = np.zeros(shape, dtype=np.uint32)

    def _paint_columns(self, scene: Scene, first: int, last: int) -> None:
        height, width = self._pixels.shape
        seconds_per_column = (scene.stop_s - scene.start_s) / width
        for g, group in enumerate(scene.groups):
            lanes = [lane for lane in scene.lanes if lane.group == g]
            if not lanes:
                continue
            geometry = _geometry(lanes, group, scene.ratio, height)
            for run in group.runs:
                self._paint_run(run, geometry, scene.start_s, seconds_per_column, first, last)

    def _paint_run(
        self, run: Run, geometry: "_Geometry", start_s: float, seconds_per_column: float, first: int, last: int
    ) -> None:
        run_stop_s = run.start_s + run.samples.shape[1] * run.period_s
        begin = max(first, int(np.floor((run.start_s - start_s) / seconds_per_column)))
        end = min(last, int(np.ceil((run_stop_s - start_s) / seconds_per_column)) + 1)
        if end <= begin:
            return
        n = end - begin
        low = np.empty((len(geometry.indices), n), dtype=np.float32)
        high = np.empty_like(low)
        step = seconds_per_column / run.period_s
        position = (start_s + begin * seconds_per_column - run.start_s) / run.period_s
        # Only the samples under these columns leave the memory map.
        k0 = max(0, int(np.floor(position)) - 1)
        k1 = min(run.samples.shape[1], int(np.ceil(position + n * step)) + 2)
        if k1 <= k0:
            return
        # One type, so that the kernels are compiled once; a pixel needs no more digits.
        part = np.ascontiguousarray(run.samples[geometry.indices, k0:k1], dtype=np.float32)
        column_extremes(part, position - k0, step, n, low, high)
        draw_columns(self._pixels, low, high, geometry.rows, geometry.gains, geometry.bounds, geometry.colours, begin)

    def _image(self, scene: Scene) -> QImage:
        height, width = self._pixels.shape
        view = QImage(self._pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
        image = view.copy()
        image.setDevicePixelRatio(scene.ratio)
        return image


@dataclass(frozen=True, eq=False)
class _Geometry:
    indices: list[int]
    rows: FloatArray
    gains: FloatArray
    bounds: "np.ndarray[tuple[int, int], np.dtype[np.int64]]"
    colours: "np.ndarray[tuple[int], np.dtype[np.uint32]]"


def _geometry(lanes: Sequence[Lane], group: Group, ratio: float, height: int) -> _Geometry:
    indices = [lane.index for lane in lanes]
    gains = np.array([lane.height_px * ratio / group.span for lane in lanes])
    middles = np.array([lane.middle_px * ratio for lane in lanes])
    rows = middles + np.asarray(group.offsets, dtype=np.float64)[indices] * gains
    reach = [lane.height_px * ratio * (_OVERSHOOT if len(lanes) > 1 else 0.5) for lane in lanes]
    bounds = np.array(
        [[max(0, int(m - r)), min(height, int(m + r) + 1)] for m, r in zip(middles, reach, strict=True)], dtype=np.int64
    )
    colours = np.full(len(lanes), group.colour, dtype=np.uint32)
    return _Geometry(indices, rows, gains, bounds, colours)
