"""Traces as pixels equal a naive reference, compiled, with numpy, and scrolled."""

import math
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from veridical.gui.common import raster
from veridical.gui.common.lanes import lane_at, lay_out
from veridical.gui.common.scaling import fitting_span, nice_at_least, step_span, time_ticks, value_ticks
from veridical.gui.common.trace_painter import Group, Run, Scene, TracePainter


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Without this the public functions would be the numpy ones."""
    raster.warm_up()


def _by_rows(samples: Any, *rest: Any) -> None:
    raster.row_extremes(np.ascontiguousarray(samples.T), *rest)


def naive_extremes(samples: Any, position: float, step: float, n_columns: int) -> tuple[Any, Any]:
    """Extremes of the polyline in each column, by sampling its corners and edges one by one."""
    last = samples.shape[1] - 1
    low = np.full((len(samples), n_columns), np.nan)
    high = low.copy()
    for row, values in enumerate(samples):
        for column in range(n_columns):
            start, stop = position + column * step, position + (column + 1) * step
            if stop < 0 or start > last:
                continue
            start, stop = min(max(start, 0.0), last), min(max(stop, 0.0), last)
            inside = [values[k] for k in range(math.ceil(start), math.floor(stop) + 1)]
            seen = [*inside, *(np.interp(edge, np.arange(last + 1), values) for edge in (start, stop))]
            low[row, column], high[row, column] = min(seen), max(seen)
    return low, high


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.floats(-20, 40),
    st.floats(0.05, 7),
    st.integers(1, 24),
    st.integers(0, 2**32 - 1),
)
def test_column_extremes_equal_the_naive_polyline(
    n: int, position: float, step: float, n_columns: int, seed: int
) -> None:
    samples = np.random.default_rng(seed).standard_normal((2, n)).astype(np.float32)
    want_low, want_high = naive_extremes(samples.astype(np.float64), position, step, n_columns)
    for extremes in (raster.column_extremes, _by_rows, raster.column_extremes_numpy):
        low, high = np.empty((2, n_columns), np.float32), np.empty((2, n_columns), np.float32)
        extremes(samples, position, step, n_columns, low, high)
        np.testing.assert_allclose(low, want_low, atol=2e-6)
        np.testing.assert_allclose(high, want_high, atol=2e-6)


def test_missing_samples_leave_their_columns_empty() -> None:
    samples = np.arange(20, dtype=np.float32)[None]
    samples[0, 8:12] = np.nan
    for extremes in (raster.column_extremes, _by_rows, raster.column_extremes_numpy):
        low, high = np.empty((1, 20), np.float32), np.empty((1, 20), np.float32)
        extremes(samples, 0.0, 1.0, 20, low, high)
        assert np.isnan(low[0, 9:11]).all()
        assert low[0, 3] == 3
        assert high[0, 3] == 4


def test_strokes_equal_the_naive_fill_and_stay_in_bounds() -> None:
    rng = np.random.default_rng(0)
    low = rng.standard_normal((3, 30)).astype(np.float32)
    high = low + rng.random((3, 30)).astype(np.float32)
    low[1, 5] = high[1, 5] = np.nan
    rows, gains = np.array([10.0, 30.0, 50.0]), np.array([9.0, 6.0, 12.0])
    bounds = np.array([[2, 20], [20, 42], [38, 60]])
    colours = np.array([1, 2, 3], dtype=np.uint32)
    want = np.zeros((60, 40), dtype=np.uint32)
    for c in range(3):
        for x in range(30):
            if not np.isnan(low[c, x]):
                top = math.floor(rows[c] - float(high[c, x]) * gains[c] + 0.5)
                bottom = math.floor(rows[c] - float(low[c, x]) * gains[c] + 0.5)
                for y in range(max(top, bounds[c, 0]), min(bottom, bounds[c, 1] - 1) + 1):
                    want[y, x + 4] = colours[c]
    for draw in (raster.draw_columns, raster.draw_columns_numpy):
        pixels = np.zeros((60, 40), dtype=np.uint32)
        draw(pixels, low, high, rows, gains, bounds, colours, 4)
        np.testing.assert_array_equal(pixels, want)


def test_tinted_boxes_mix_colours_in_proportion() -> None:
    rng = np.random.default_rng(4)
    ground = (rng.integers(0, 1 << 24, (30, 40)) | 0xFF000000).astype(np.uint32)
    boxes = np.array([[2, 20, 3, 30], [10, 30, 20, 40], [5, 5, 0, 40]])
    colours, alphas = np.array([0xFF204060, 0xFFFF0080, 0xFFFFFFFF], dtype=np.uint32), np.array([64, 128, 256])
    channels = np.stack([(ground >> s) & 0xFF for s in (16, 8, 0)]).astype(float)
    for (top, bottom, left, right), colour, alpha in zip(boxes, colours, alphas, strict=True):
        for k, shift in enumerate((16, 8, 0)):
            part = channels[k, top:bottom, left:right]
            part[:] = np.floor((part * (256 - alpha) + ((int(colour) >> shift) & 0xFF) * alpha) / 256)
    for plain in (False, True):
        pixels = ground.copy()
        (raster._tint_numpy if plain else raster.tint_boxes)(pixels, boxes, colours, alphas)
        for k, shift in enumerate((16, 8, 0)):
            np.testing.assert_array_equal((pixels >> shift) & 0xFF, channels[k])
        assert (pixels >> 24 == 0xFF).all()


def test_numpy_draws_until_the_compiler_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "_is_compiled", threading.Event())
    monkeypatch.setattr(raster, "_compile", lambda: pytest.fail("a frame waited for the compiler"))
    low, high = np.empty((1, 3), np.float32), np.empty((1, 3), np.float32)
    raster.column_extremes(np.arange(4, dtype=np.float32)[None], 0.0, 1.0, 3, low, high)
    assert low[0].tolist() == [0, 1, 2]


def _pixels(image: QImage) -> Any:
    return np.frombuffer(image.constBits(), dtype=np.uint32).reshape(image.height(), image.width()).copy()


def _scene(samples: Any, column: int, width: int = 200) -> Scene:
    """A window of 2 s that ends at a whole column of 10 ms."""
    stop_s = 3.0 + column * 0.01
    lanes = lay_out([("EEG", ("a", "b"))], 80)
    group = Group((Run(samples, 0.0, 0.002),), np.zeros(2), 6.0, 0xFF112233)
    return Scene((group,), lanes, stop_s - 2.0, stop_s, width, 80)


def test_scrolling_gives_the_same_picture_as_painting_anew() -> None:
    samples = np.random.default_rng(2).standard_normal((2, 3000)).astype(np.float32)
    scrolled, fresh = TracePainter(), TracePainter()
    scrolled.paint(_scene(samples, 0))
    at = 0
    for column in (1, 4, 4, 9, 30):
        image = scrolled.scroll(_scene(samples, column), column - at, 5)
        at = column
        np.testing.assert_array_equal(_pixels(image), _pixels(fresh.paint(_scene(samples, column))))


def test_a_gap_is_drawn_as_a_gap() -> None:
    samples = np.zeros((1, 500), dtype=np.float32)
    lanes = lay_out([("EEG", ("a",))], 40)
    runs = (Run(samples[:, :250], 0.0, 0.002), Run(samples[:, 250:], 1.0, 0.002))
    pixels = _pixels(
        TracePainter().paint(Scene((Group(runs, np.zeros(1), 1.0, 0xFFFFFFFF),), lanes, 0.0, 1.5, 150, 40))
    )
    drawn = pixels.any(axis=0)
    assert drawn[:49].all()
    assert not drawn[53:99].any()
    assert drawn[101:149].all()


def test_lanes_fill_the_height_without_overlap() -> None:
    lanes = lay_out([("EEG", tuple("abcdefgh")), ("EDA", ("EDA",)), ("ECG", ("ECG",))], 700)
    for one, following in pairwise(lanes):
        assert following.top_px >= one.top_px + one.height_px - 1e-9
    assert lanes[-1].top_px + lanes[-1].height_px == pytest.approx(700)
    assert lanes[-1].height_px >= 700 / 10
    found = lane_at(lanes, lanes[3].middle_px)
    assert found is not None
    assert found.label == "d"
    assert lane_at(lanes, -5) is None


def test_scales_are_round_and_do_not_flicker() -> None:
    assert [nice_at_least(v) for v in (1.0, 1.1, 3e-5, 6e-5)] == pytest.approx([1, 2, 5e-5, 1e-4])
    assert step_span(step_span(1e-4, 1), -1) == pytest.approx(1e-4)
    rng = np.random.default_rng(1)
    eda = 1e-6 * rng.standard_normal((1, 4000))
    span = fitting_span(eda, "EDA")
    assert fitting_span(eda * 0.7, "EDA", held=span) == span
    assert fitting_span(np.full((1, 100), np.nan), "EEG") == 100e-6


def test_ticks_lie_on_round_times() -> None:
    ticks = time_ticks(3.2, 13.2, 1100)
    assert [t.text for t in ticks][:2] == ["4 s", "5 s"]
    assert all(3.2 <= t.value <= 13.2 for t in ticks)
    assert [t.text for t in time_ticks(0, 600, 700)][:2] == ["0:00", "2:00"]
    assert value_ticks(0.0, 1.0) == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1.0))
