"""Filters keep phase, ends and offsets; windows keep gaps; power agrees with scipy."""

import numpy as np
import pytest
from scipy import signal as scipy_signal

from veridical.domain.timeline import Segment, Timeline
from veridical.signals.epochs import cut_epochs, sample_at_offsets
from veridical.signals.filters import (
    FilterChoice,
    decimate,
    decimate_segments,
    decimation_factor,
    filter_segments,
    filter_zero_phase,
)
from veridical.signals.power import band_power

HZ = 500.0
TIMES = np.arange(0, 20, 1 / HZ)


def _gain(choice: FilterChoice, frequency_hz: float) -> float:
    wave = np.sin(2 * np.pi * frequency_hz * TIMES)
    middle = slice(len(TIMES) // 4, 3 * len(TIMES) // 4)
    filtered = filter_zero_phase(wave, HZ, choice)
    # Projected on the input: a phase shift would show as a loss.
    return float(np.dot(filtered[middle], wave[middle]) / np.dot(wave[middle], wave[middle]))


def test_edges_are_minus_six_decibels_without_a_phase_shift() -> None:
    assert _gain(FilterChoice(low_pass_hz=40), 40) == pytest.approx(0.5, abs=0.01)
    assert _gain(FilterChoice(high_pass_hz=2), 2) == pytest.approx(0.5, abs=0.01)
    assert _gain(FilterChoice(high_pass_hz=0.1, low_pass_hz=100), 10) == pytest.approx(1, abs=0.01)


def test_notch_takes_out_its_frequency_only() -> None:
    choice = FilterChoice(notch_hz=(50,))
    assert abs(_gain(choice, 50)) < 0.01
    assert _gain(choice, 45) > 0.97


def test_a_huge_offset_with_drift_leaves_no_trace_at_the_ends() -> None:
    wave = 10e-6 * np.sin(2 * np.pi * 10 * TIMES)
    raw = wave + 0.15 + 20e-6 * TIMES
    filtered = filter_zero_phase(raw, HZ, FilterChoice(high_pass_hz=0.1))
    assert np.abs(filtered - wave).max() < 5e-6


def test_low_pass_keeps_the_mean() -> None:
    filtered = filter_zero_phase(5.0 + np.sin(2 * np.pi * TIMES), HZ, FilterChoice(low_pass_hz=30))
    assert filtered.mean() == pytest.approx(5.0, abs=1e-3)


def test_missing_samples_stay_missing_and_harm_no_others() -> None:
    wave = np.sin(2 * np.pi * 3 * TIMES)
    raw = wave.copy()
    raw[4000:4005] = np.nan
    filtered = filter_zero_phase(raw, HZ, FilterChoice(low_pass_hz=40))
    assert np.isnan(filtered[4000:4005]).all()
    assert np.nanmax(np.abs(filtered - wave)) < 0.05


def test_segments_do_not_ring_into_each_other() -> None:
    samples = np.concatenate([np.zeros(2000), np.full(2000, 1.0)])[None, :]
    timeline = Timeline((Segment(0, 2000, 0.0, 1 / HZ), Segment(2000, 2000, 60.0, 1 / HZ)))
    filtered = filter_segments(samples, timeline, FilterChoice(high_pass_hz=0.5))
    assert np.abs(filtered).max() < 1e-12


@pytest.mark.parametrize(("factor", "n"), [(2, 5000), (4, 5001), (8, 4999)])
def test_decimation_keeps_time_and_what_lies_below_the_new_band(factor: int, n: int) -> None:
    times = np.arange(n) / HZ
    kept_hz, folded_hz = 0.3 * HZ / factor, 0.7 * HZ / factor
    wave = 0.15 + np.sin(2 * np.pi * kept_hz * times)
    reduced = decimate((wave + np.sin(2 * np.pi * folded_hz * times)).astype(np.float64)[None, :], factor)[0]
    assert len(reduced) == len(wave[::factor])
    inner = slice(40, -40)
    np.testing.assert_allclose(reduced[inner], wave[::factor][inner], atol=2e-3)


def test_decimated_segments_keep_their_start_and_gap() -> None:
    timeline = Timeline((Segment(0, 1001, 5.0, 1 / HZ), Segment(1001, 999, 9.0, 1 / HZ)))
    samples, reduced = decimate_segments(np.ones((2, 2000), dtype=np.float32), timeline, 4)
    assert samples.shape == (2, 251 + 250)
    assert [s.start_s for s in reduced.segments] == [5.0, 9.0]
    assert reduced.sampling_hz == pytest.approx(125)
    np.testing.assert_allclose(samples, 1.0)


def test_factor_keeps_at_least_the_wanted_rate() -> None:
    assert [decimation_factor(hz, 120) for hz in (100, 128, 256, 500, 512, 1000)] == [1, 1, 2, 4, 4, 8]


def test_epochs_are_cut_at_the_nearest_sample_and_not_across_a_gap() -> None:
    timeline = Timeline((Segment(0, 100, 0.0, 0.01), Segment(100, 100, 2.0, 0.01)))
    samples = np.arange(200.0)[None, :]
    epochs = cut_epochs(samples, timeline, np.array([0.5, 0.95, 2.1]), -0.1, 20)
    np.testing.assert_array_equal(epochs[0, 0], np.arange(40, 60))
    assert np.isnan(epochs[1]).all()
    np.testing.assert_array_equal(epochs[2, 0], np.arange(100, 120))


def test_samples_at_exact_times_carry_no_jitter() -> None:
    hz = 125.0
    times = np.arange(0, 10, 1 / hz)
    timeline = Timeline((Segment(0, len(times), 0.0, 1 / hz),))
    onsets = np.array([2.0013, 3.3377, 7.0001])
    offsets = np.arange(16) / 64
    values = sample_at_offsets(np.sin(2 * np.pi * 5 * times)[None, :], timeline, onsets, offsets)[:, 0]
    np.testing.assert_allclose(values, np.sin(2 * np.pi * 5 * (onsets[:, None] + offsets)), atol=0.01)
    assert np.isnan(sample_at_offsets(np.ones((1, 10)), timeline, np.array([9.9]), offsets)).all()


def test_band_power_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    epochs = rng.standard_normal((4, 2, 1000)) + 5
    frequencies, density = scipy_signal.welch(epochs, 250, window="hann", nperseg=250, noverlap=125)
    bands = [(4.0, 8.0), (8.0, 13.0), (20.0, 45.0)]
    expected = [density[..., (frequencies >= a) & (frequencies < b)].mean(axis=-1) for a, b in bands]
    np.testing.assert_allclose(band_power(epochs, 250, bands), np.stack(expected, axis=-1), rtol=1e-9)


def test_power_of_a_sine_is_half_its_squared_amplitude() -> None:
    times = np.arange(0, 4, 1 / 250)
    power = band_power(3 * np.sin(2 * np.pi * 10 * times), 250, [(7.0, 13.01)])[0]
    # Seven bins of 1 Hz hold the whole line.
    assert power * 7 == pytest.approx(4.5, rel=0.01)
