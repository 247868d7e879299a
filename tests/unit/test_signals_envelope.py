"""The drawing envelope keeps every extreme."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.signals import envelope
from veridical.signals.envelope import minmax


def test_columns_hold_the_extremes_of_their_samples() -> None:
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((3, 1003)).astype(np.float32)
    smallest, largest = minmax(samples, 100, 1000, 37)
    for k in range(37):
        part = samples[:, 100 + k * 900 // 37 : 100 + (k + 1) * 900 // 37]
        np.testing.assert_array_equal(smallest[:, k], part.min(axis=1))
        np.testing.assert_array_equal(largest[:, k], part.max(axis=1))
    assert smallest.dtype == np.float32


def test_fewer_samples_than_columns_are_repeated() -> None:
    smallest, largest = minmax(np.array([[1.0, 2.0, 3.0]]), 0, 3, 6)
    np.testing.assert_array_equal(smallest, [[1, 1, 2, 2, 3, 3]])
    np.testing.assert_array_equal(largest, smallest)


def test_missing_samples_do_not_count() -> None:
    samples = np.array([[np.nan, 5.0, np.nan, np.nan]])
    smallest, largest = minmax(samples, 0, 4, 2)
    assert smallest[0, 0] == largest[0, 0] == 5.0
    assert np.isnan(smallest[0, 1])
    assert np.isnan(largest[0, 1])


def test_a_range_outside_the_recording_is_empty() -> None:
    smallest, _ = minmax(np.zeros((2, 10)), 20, 30, 4)
    assert smallest.shape == (2, 4)
    assert np.isnan(smallest).all()


def test_no_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="n_columns"):
        minmax(np.zeros((1, 10)), 0, 10, 0)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 200), columns=st.integers(1, 90), seed=st.integers(0, 5))
def test_compiled_and_plain_kernels_agree(n: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal((2, n + 10))
    samples[rng.random(samples.shape) < 0.1] = np.nan
    first = int(rng.integers(0, 10))
    smallest, largest = minmax(samples, first, first + n, columns)
    edges = first + np.arange(columns + 1) * n // columns
    starts = np.minimum(edges[:-1], first + n - 1)
    stops = np.maximum(edges[1:], starts + 1)
    low, high = np.full((2, 2, columns), np.nan)
    envelope._reduce_with_numpy(samples, starts, stops, low, high)
    np.testing.assert_array_equal(low, smallest)
    np.testing.assert_array_equal(high, largest)
