"""Pyramids equal direct smallest and largest values, keep gaps, and come back from disk."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.progress import finish
from veridical.domain.timeline import Bend, Segment, Timeline
from veridical.domain.viewing import HeldSamples
from veridical.signals.pyramid import BIN_SIZES, Pyramid, PyramidLayout, build_pyramid_work, column_envelope
from veridical.storage.pyramid_cache import PyramidFile, RecordingStamp, find_pyramids


def _build(samples: np.ndarray, counts: tuple[int, ...]) -> Pyramid:
    layout = PyramidLayout(len(samples), counts)
    pyramid = Pyramid(layout, np.full(layout.shape, np.nan, dtype=np.float32))
    return finish(build_pyramid_work(pyramid, HeldSamples(samples)))


def _direct(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest of each channel; NaN where nothing else is."""
    some = np.isfinite(samples).any(axis=1)
    low, high = np.full(len(samples), np.nan), np.full(len(samples), np.nan)
    low[some], high[some] = np.nanmin(samples[some], axis=1), np.nanmax(samples[some], axis=1)
    return low, high


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=4),
    st.floats(0, 0.3),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_every_bin_equals_direct_extremes(counts: list[int], missing: float, is_transposed: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = sum(counts)
    samples = rng.standard_normal((n, 2)).astype(np.float32).T if is_transposed else rng.standard_normal((2, n))
    samples = samples.astype(np.float32)
    # Whole stretches too, so that bins are NaN all over.
    samples[0, rng.random(n) < missing] = np.nan
    samples[1, n // 3 : n // 2] = np.nan
    pyramid = _build(samples, tuple(counts))
    first = 0
    for segment, count in enumerate(counts):
        part = samples[:, first : first + count]
        for level, size in enumerate(BIN_SIZES):
            low, high = pyramid.bins(segment, level, 0, -(-count // size))
            assert low.shape[1] == -(-count // size)
            for k in range(low.shape[1]):
                want_low, want_high = _direct(part[:, k * size : (k + 1) * size])
                np.testing.assert_array_equal(low[:, k], want_low)
                np.testing.assert_array_equal(high[:, k], want_high)
        first += count


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 20000), st.floats(-2000, 20000), st.floats(32, 4000), st.integers(1, 40), st.integers(0, 2**32 - 1)
)
def test_columns_hold_all_of_theirs_and_little_more(
    n: int, position: float, step: float, n_columns: int, seed: int
) -> None:
    samples = np.random.default_rng(seed).standard_normal((2, n)).astype(np.float32)
    low, high = column_envelope(_build(samples, (n,)), 0, n, position, step, n_columns)
    for column in range(n_columns):
        start, stop = position + column * step, position + (column + 1) * step
        inner = samples[:, max(0, int(np.ceil(start))) : max(0, int(np.ceil(stop)))]
        wide = samples[:, max(0, int(start - step / 2)) : max(0, int(np.ceil(stop + step / 2)) + 1)]
        if inner.shape[1]:
            assert (low[:, column] <= inner.min(axis=1)).all()
            assert (high[:, column] >= inner.max(axis=1)).all()
        if np.isfinite(low[0, column]):
            assert (low[:, column] >= wide.min(axis=1)).all()
            assert (high[:, column] <= wide.max(axis=1)).all()
        else:
            assert not inner.shape[1]


def test_what_is_not_built_yet_is_empty() -> None:
    n = BIN_SIZES[-1] + 5000
    samples = np.ones((1, n), dtype=np.float32)
    layout = PyramidLayout(1, (n,))
    pyramid = Pyramid(layout, np.zeros(layout.shape, dtype=np.float32))
    work = build_pyramid_work(pyramid, HeldSamples(samples))
    next(work)
    low, _ = pyramid.bins(0, 2, 0, -(-n // BIN_SIZES[2]))
    n_ready = BIN_SIZES[-1] // BIN_SIZES[2]
    assert (low[:, :n_ready] == 1).all()
    assert np.isnan(low[:, n_ready:]).all()
    work.close()


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Path, RecordingStamp]:
    """A recording's stamp and where its pyramid should lie."""
    recording = tmp_path / "recording.xdf"
    recording.write_bytes(b"XDF:")
    return tmp_path / "derivatives" / "pyramid.bin", RecordingStamp.of(recording)


TIMELINE = Timeline((Segment(0, 700, 0.25, 0.001), Segment(700, 300, 5.0, 0.001, (Bend(100.0, 0.002),))))


def _fill(place: Path, stamp: RecordingStamp) -> PyramidFile:
    file = PyramidFile(place, stamp, 12.5, [("EEG", TIMELINE, 2)])
    samples = np.arange(2000, dtype=np.float32).reshape(2, 1000)
    finish(build_pyramid_work(file.pyramids[0], HeldSamples(samples)))
    return file


def test_a_kept_pyramid_comes_back_with_its_times(kept: tuple[Path, RecordingStamp]) -> None:
    place, stamp = kept
    assert find_pyramids(place, stamp, ["EEG"]) is None
    file = _fill(place, stamp)
    # Half-built, it is not found.
    assert find_pyramids(place, stamp, ["EEG"]) is None
    file.finish("a" * 64)
    assert file.is_kept
    found = find_pyramids(place, stamp, ["EEG"])
    assert found is not None
    assert (found.sha256, found.origin_s) == ("a" * 64, 12.5)
    assert found.signals[0].timeline == TIMELINE
    np.testing.assert_array_equal(found.signals[0].pyramid.values, file.pyramids[0].values)
    assert sorted(p.name for p in place.parent.iterdir()) == ["pyramid.bin"]


def test_another_state_of_the_recording_or_other_roles_find_nothing(kept: tuple[Path, RecordingStamp]) -> None:
    place, stamp = kept
    _fill(place, stamp).finish("a" * 64)
    assert find_pyramids(place, dataclasses.replace(stamp, n_bytes=5), ["EEG"]) is None
    assert find_pyramids(place, stamp, ["ECG"]) is None
    place.write_bytes(place.read_bytes()[:60])
    assert find_pyramids(place, stamp, ["EEG"]) is None


def test_where_nothing_can_be_written_the_pyramid_lasts_as_long_as_the_program(
    kept: tuple[Path, RecordingStamp], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stamp = kept[1]
    # A file stands where the folders should be: root may write into read-only ones.
    (tmp_path / "blocked").write_text("")
    monkeypatch.setattr("veridical.storage.pyramid_cache.user_cache", lambda: tmp_path / "blocked")
    file = _fill(tmp_path / "blocked" / "pyramid.bin", stamp)
    file.finish("a" * 64)
    assert not file.is_kept
    assert file.pyramids[0].bins(0, 0, 0, 1)[1][0, 0] == 15
