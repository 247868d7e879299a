"""Traces as pixels: column extremes and their rasterisation into a 32-bit image buffer.

A nogil compiled kernel into a QImage took 3.3 ms for 64 channels where 64 plot curves took 16 ms; scrolled
incrementally it took 0.5 ms (measured for this project). Without numba the same numbers come from numpy.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.signals.compiling import compiled

Pixels: TypeAlias = NDArray[np.uint32]
Columns: TypeAlias = NDArray[np.float32]
_Kernel: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class _Kernels:
    extremes: _Kernel
    row_extremes: _Kernel
    draw: _Kernel
    tint: _Kernel


# Set once the compiled kernels may be used.
_is_compiled = threading.Event()


@lru_cache(maxsize=1)
def _compile() -> _Kernels:
    """Compile the kernels, or load them from the cache: seconds the first time, half a second for the import."""
    try:
        return _Kernels(compiled(_extremes), compiled(_row_extremes), compiled(_draw), compiled(_tint))
    except ImportError:  # no wheel for this interpreter: slower, but nothing is missing
        return _plain()


@lru_cache(maxsize=1)
def _plain() -> _Kernels:
    return _Kernels(column_extremes_numpy, row_extremes_numpy, draw_columns_numpy, _tint_numpy)


def _kernels() -> _Kernels:
    """The compiled kernels as soon as they are ready: no frame waits for the compiler."""
    return _compile() if _is_compiled.is_set() else _plain()


def warm_up() -> None:
    """Compile, and draw a little with every kernel; meanwhile numpy draws."""
    kernels = _compile()
    samples = np.zeros((1, 4), dtype=np.float32)
    low, high = np.empty((1, 2), dtype=np.float32), np.empty((1, 2), dtype=np.float32)
    pixels = np.zeros((2, 2), dtype=np.uint32)
    kernels.extremes(samples, 0.0, 1.0, 2, low, high)
    kernels.row_extremes(np.ascontiguousarray(samples.T), 0.0, 1.0, 2, low, high)
    kernels.draw(pixels, low, high, np.zeros(1), np.ones(1), np.array([[0, 2]]), np.zeros(1, dtype=np.uint32), 0)
    kernels.tint(pixels, np.array([[0, 1, 0, 1]]), np.zeros(1, dtype=np.uint32), np.zeros(1, dtype=np.int64))
    _is_compiled.set()


def column_extremes(
    samples: FloatArray, position: float, step: float, n_columns: int, low: Columns, high: Columns
) -> None:
    """Find each pixel column's smallest and largest value of a polyline through the samples.

    The line is interpolated at the column's edges, so that neighbouring columns always touch, whatever the
    number of samples in a column. Columns beyond the samples, and those that touch NaN only, become NaN.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        Any floating type; not modified.
    position : float
        Sample position (may be fractional or negative) of the first column's left edge.
    step : float
        Samples per column; above 0.
    low, high : ndarray of float32, shape (n_channels, n_columns)
        Written.
    """
    _kernels().extremes(samples, float(position), float(step), n_columns, low, high)


def row_extremes(
    samples: FloatArray, position: float, step: float, n_columns: int, low: Columns, high: Columns
) -> None:
    """Do what ``column_extremes`` does for samples that lie in memory as files hold them.

    Parameters
    ----------
    samples : ndarray of float32, shape (n_times, n_channels)
        Contiguous: the channels of a sample are neighbours, so that many are compared at once.
    low, high : ndarray of float32, shape (n_channels, n_columns)
        Written.
    """
    _kernels().row_extremes(samples, float(position), float(step), n_columns, low, high)


def _extremes(samples: Any, position: float, step: float, n_columns: int, low: Any, high: Any) -> None:
    n_channels, n_times = samples.shape
    last = n_times - 1
    for channel in range(n_channels):
        for column in range(n_columns):
            start = position + column * step
            stop = start + step
            least = np.inf
            most = -np.inf
            if stop >= 0 and start <= last:
                left = start if start > 0 else 0.0
                right = stop if stop < last else float(last)
                for edge in (left, right):
                    k = int(edge)
                    value = samples[channel, k]
                    if k < last:
                        rest = edge - k
                        if rest > 0:
                            value = value + (samples[channel, k + 1] - value) * rest
                    if value < least:
                        least = value
                    if value > most:
                        most = value
                for k in range(int(np.ceil(left)), int(np.floor(right)) + 1):
                    value = samples[channel, k]
                    if value < least:
                        least = value
                    if value > most:
                        most = value
            if least <= most:
                low[channel, column] = least
                high[channel, column] = most
            else:
                low[channel, column] = np.nan
                high[channel, column] = np.nan


def _row_extremes(samples: Any, position: float, step: float, n_columns: int, low: Any, high: Any) -> None:
    n_times, n_channels = samples.shape
    last = n_times - 1
    least = np.empty(n_channels, dtype=np.float32)
    most = np.empty(n_channels, dtype=np.float32)
    between = np.empty(n_channels, dtype=np.float32)
    for column in range(n_columns):
        start = position + column * step
        stop = start + step
        least[:] = np.inf
        most[:] = -np.inf
        if stop >= 0 and start <= last:
            left = start if start > 0 else 0.0
            right = stop if stop < last else float(last)
            # The left edge, the samples in the column, the right edge; simple inner loops, which become vectors.
            first = int(np.ceil(left))
            for at in range(first - 1, int(np.floor(right)) + 2):
                edge = left if at < first else right
                is_edge = at < first or at > right
                k = int(edge) if is_edge else at
                rest = np.float32(edge - k) if is_edge else np.float32(0)
                if rest > 0 and k < last:
                    for channel in range(n_channels):
                        value = samples[k, channel]
                        between[channel] = value + (samples[k + 1, channel] - value) * rest
                else:
                    for channel in range(n_channels):
                        between[channel] = samples[k, channel]
                for channel in range(n_channels):
                    value = between[channel]
                    lowest = least[channel]
                    highest = most[channel]
                    least[channel] = value if value < lowest else lowest
                    most[channel] = value if value > highest else highest
        for channel in range(n_channels):
            is_known = least[channel] <= most[channel]
            low[channel, column] = least[channel] if is_known else np.nan
            high[channel, column] = most[channel] if is_known else np.nan


def column_extremes_numpy(
    samples: FloatArray, position: float, step: float, n_columns: int, low: Columns, high: Columns
) -> None:
    """Do what ``column_extremes`` does without a compiler."""
    row_extremes_numpy(np.ascontiguousarray(samples.T), position, step, n_columns, low, high)


def row_extremes_numpy(
    samples: FloatArray, position: float, step: float, n_columns: int, low: Columns, high: Columns
) -> None:
    """Do what ``row_extremes`` does without a compiler."""
    n_times = samples.shape[0]
    last = n_times - 1
    edges = position + step * np.arange(n_columns + 1)
    inside = np.flatnonzero((edges[1:] >= 0) & (edges[:-1] <= last)) if n_times else np.empty(0, dtype=np.int64)
    low[:], high[:] = np.nan, np.nan
    if not len(inside):
        return
    held = np.clip(edges[inside[0] : inside[-1] + 2], 0, last)
    whole = np.floor(held).astype(np.int64)
    rest = (held - whole).astype(samples.dtype)[:, None]
    following = np.where(rest[:, 0] > 0, np.minimum(whole + 1, last), whole)
    at_edges = samples[whole] + (samples[following] - samples[whole]) * rest
    # Ranges for reduceat, every second one used; without a sample between the edges, the left edge's own stands in.
    first, stop = np.ceil(held[:-1]).astype(np.int64), np.floor(held[1:]).astype(np.int64) + 1
    is_filled = stop > first
    ranges = np.stack([np.minimum(first, last), np.minimum(stop, n_times)], axis=1).reshape(-1)
    padded = np.concatenate([samples, samples[-1:]])
    for out, reduce in ((low, np.fmin), (high, np.fmax)):
        found = reduce(at_edges[:-1], at_edges[1:])
        found[is_filled] = reduce(found, reduce.reduceat(padded, ranges, axis=0)[::2])[is_filled]
        out[:, inside] = found.T


def draw_columns(
    pixels: Pixels,
    low: Columns,
    high: Columns,
    rows: FloatArray,
    gains: FloatArray,
    bounds: NDArray[np.int64],
    colours: NDArray[np.uint32],
    first: int,
) -> None:
    """Draw channels as vertical strokes from their low to their high, one pixel column each.

    Parameters
    ----------
    pixels : ndarray of uint32, shape (height, width)
        Premultiplied ARGB; modified.
    low, high : ndarray of float32, shape (n_channels, n_columns)
        NaN columns are left empty.
    rows, gains : ndarray of float64, shape (n_channels,)
        Pixel row of value 0, and pixels per unit (upwards).
    bounds : ndarray of int64, shape (n_channels, 2)
        First row and row after the last that a channel may touch.
    colours : ndarray of uint32, shape (n_channels,)
    first : int
        Pixel column of the first column.
    """
    _kernels().draw(pixels, low, high, rows, gains, bounds, colours, first)


def _draw(pixels: Any, low: Any, high: Any, rows: Any, gains: Any, bounds: Any, colours: Any, first: int) -> None:
    n_channels, n_columns = low.shape
    for channel in range(n_channels):
        for column in range(n_columns):
            if np.isnan(low[channel, column]):
                continue
            top = int(np.floor(rows[channel] - high[channel, column] * gains[channel] + 0.5))
            bottom = int(np.floor(rows[channel] - low[channel, column] * gains[channel] + 0.5))
            if bottom < bounds[channel, 0] or top >= bounds[channel, 1]:
                continue
            top = max(top, bounds[channel, 0])
            bottom = min(bottom, bounds[channel, 1] - 1)
            for y in range(top, bottom + 1):
                pixels[y, first + column] = colours[channel]


def draw_columns_numpy(
    pixels: Pixels,
    low: Columns,
    high: Columns,
    rows: FloatArray,
    gains: FloatArray,
    bounds: NDArray[np.int64],
    colours: NDArray[np.uint32],
    first: int,
) -> None:
    """Do what ``draw_columns`` does without a compiler."""
    n_columns = low.shape[1]
    for channel in range(low.shape[0]):
        begin, end = int(bounds[channel, 0]), int(bounds[channel, 1])
        rows_here = np.arange(begin, end)[:, None]
        with np.errstate(invalid="ignore"):
            top = np.floor(rows[channel] - high[channel].astype(np.float64) * gains[channel] + 0.5)
            bottom = np.floor(rows[channel] - low[channel].astype(np.float64) * gains[channel] + 0.5)
            # NaN compares as False, so its columns stay empty.
            is_drawn = (rows_here >= top) & (rows_here <= bottom)
        np.copyto(pixels[begin:end, first : first + n_columns], colours[channel], where=is_drawn)


def tint_boxes(
    pixels: Pixels, boxes: NDArray[np.int64], colours: NDArray[np.uint32], alphas: NDArray[np.int64]
) -> None:
    """Lay translucent boxes over opaque pixels.

    Parameters
    ----------
    pixels : ndarray of uint32, shape (height, width)
        Opaque; modified.
    boxes : ndarray of int64, shape (n, 4)
        First row, row after the last, first column, column after the last; within the pixels.
    colours : ndarray of uint32, shape (n,)
    alphas : ndarray of int64, shape (n,)
        0 leaves what is there, 256 covers it.
    """
    _kernels().tint(pixels, boxes, colours, alphas)


def blend(below: Pixels, colour: int, alpha: int) -> Pixels:
    """Mix one colour over opaque ones, as ``tint_boxes`` does."""
    mixed = np.full_like(below, 0xFF000000)
    for shift in (0, 8, 16):
        old = (below >> np.uint32(shift)) & np.uint32(0xFF)
        new = (colour >> shift) & 0xFF
        mixed |= ((old * np.uint32(256 - alpha) + np.uint32(new * alpha)) >> np.uint32(8)) << np.uint32(shift)
    return mixed


def _tint(pixels: Any, boxes: Any, colours: Any, alphas: Any) -> None:
    for box in range(boxes.shape[0]):
        alpha = alphas[box]
        red = np.int64((colours[box] >> 16) & 0xFF) * alpha
        green = np.int64((colours[box] >> 8) & 0xFF) * alpha
        blue = np.int64(colours[box] & 0xFF) * alpha
        rest = 256 - alpha
        for y in range(boxes[box, 0], boxes[box, 1]):
            for x in range(boxes[box, 2], boxes[box, 3]):
                old = np.int64(pixels[y, x])
                r = (((old >> 16) & 0xFF) * rest + red) >> 8
                g = (((old >> 8) & 0xFF) * rest + green) >> 8
                b = ((old & 0xFF) * rest + blue) >> 8
                pixels[y, x] = 0xFF000000 | (r << 16) | (g << 8) | b


def _tint_numpy(pixels: Any, boxes: Any, colours: Any, alphas: Any) -> None:
    for (top, bottom, left, right), colour, alpha in zip(
        boxes.tolist(), colours.tolist(), alphas.tolist(), strict=True
    ):
        part = pixels[top:bottom, left:right]
        part[:] = blend(part, colour, alpha)
