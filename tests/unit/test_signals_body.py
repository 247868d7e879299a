"""Beats and skin responses: real recordings against simple independent checks, synthetic ones against the truth."""

from pathlib import Path

import numpy as np
import pytest
from scipy import signal as scipy_signal

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Segment, Timeline
from veridical.signals.heart import Beats, correct_beats, find_beats, find_r_peaks
from veridical.signals.skin import find_responses


def _timeline(n: int, hz: float) -> Timeline:
    return Timeline((Segment(0, n, 0.0, 1 / hz),))


def _bio(folder: Path) -> dict[str, FloatArray]:
    table = np.genfromtxt(folder / "neurokit" / "bio_eventrelated_100hz.csv.gz", delimiter=",", names=True)
    return {name: np.asarray(table[name]) for name in ("ECG", "EDA", "Photosensor")}


def _good_ecg(folder: Path) -> FloatArray:
    return np.asarray(np.loadtxt(folder / "neurokit" / "ecg_good_4000.csv.gz", delimiter=",")[:, 1])


def test_peaks_of_a_clean_ecg_are_its_tall_local_maxima(shared_data: Path) -> None:
    ecg = _good_ecg(shared_data)
    peaks = find_r_peaks(ecg, 4000.0) / 4000
    # Independent and simple: the tallest maxima at least 0.4 s apart.
    height = 0.5 * (np.percentile(ecg, 99.9) + np.median(ecg))
    simple = scipy_signal.find_peaks(ecg, height=height, distance=1600)[0] / 4000
    assert len(peaks) == len(simple) == 17
    np.testing.assert_allclose(peaks, simple, atol=0.004)
    intervals = np.diff(peaks)
    assert 0.6 < intervals.min() < intervals.max() < 0.9


def test_inverted_leads_and_low_rates_give_the_same_beats(shared_data: Path) -> None:
    ecg = _good_ecg(shared_data)
    upright = find_r_peaks(ecg, 4000.0) / 4000
    np.testing.assert_allclose(find_r_peaks(-ecg, 4000.0) / 4000, upright, atol=0.004)
    slow = scipy_signal.decimate(ecg, 16, ftype="fir", zero_phase=True)
    np.testing.assert_allclose(find_r_peaks(slow, 250.0) / 250, upright, atol=0.006)


def test_beats_of_a_noisy_ecg_are_all_found(shared_data: Path) -> None:
    ecg = _bio(shared_data)["ECG"]
    beats = find_beats(ecg, _timeline(len(ecg), 100))
    assert len(beats.times_s) == 152
    assert beats.is_plausible[1:].all()
    assert not beats.is_inserted.any()
    noise = np.random.default_rng(0).standard_normal(len(ecg)) * 0.1 * np.ptp(ecg)
    noisy = find_beats(ecg + noise, _timeline(len(ecg), 100))
    assert np.abs(len(noisy.times_s) - 152) <= 1


def test_a_missed_beat_is_put_in_and_an_extra_one_taken_out() -> None:
    times = np.cumsum(0.8 + 0.03 * np.sin(np.arange(60)))
    missed = correct_beats(np.delete(times, 20))
    np.testing.assert_allclose(missed.times_s, times, atol=0.05)
    assert missed.is_inserted.sum() == 1
    extra = correct_beats(np.sort(np.append(times, times[30] + 0.3)))
    np.testing.assert_allclose(extra.times_s, times)
    assert len(extra.removed_s) == 1


def test_a_pause_that_no_rule_explains_is_not_trusted() -> None:
    times = np.concatenate([np.arange(0, 20, 0.8), np.arange(27, 40, 0.8)])
    beats = correct_beats(times)
    assert (~beats.is_plausible).sum() == 2  # the first beat and the one after the pause
    rates = beats.rate_in(np.array([5.0, 22.0]), np.array([8.0, 25.0]))
    assert rates[0] == pytest.approx(75)
    assert np.isnan(rates[1])


def test_rate_in_a_window_counts_fractions_of_beats() -> None:
    times = np.concatenate([np.arange(0, 10, 1.0), np.arange(10, 20, 0.5)])
    beats = Beats(times, np.zeros(len(times), bool), np.ones(len(times), bool), np.empty(0))
    rates = beats.rate_in(np.array([2.25, 12.1, 9.0]), np.array([2.75, 12.9, 11.0]))
    # 9 to 11 s: one beat at 60 a minute and two at 120 make three beats in two seconds.
    np.testing.assert_allclose(rates, [60, 120, 90])
    assert np.isnan(beats.rate_in(np.array([-1.0]), np.array([1.0]))).all()


def test_no_interval_spans_a_gap(shared_data: Path) -> None:
    ecg = _good_ecg(shared_data)
    half = len(ecg) // 2
    timeline = Timeline((Segment(0, half, 0.0, 1 / 4000), Segment(half, len(ecg) - half, 30.0, 1 / 4000)))
    beats = find_beats(ecg, timeline)
    first_after = int(np.searchsorted(beats.times_s, 29))
    assert not beats.is_plausible[first_after]
    assert beats.is_plausible[first_after + 1]


def test_silence_has_no_beats() -> None:
    assert len(find_beats(np.zeros(5000), _timeline(5000, 500)).times_s) == 0
    assert len(find_beats(np.zeros(3), _timeline(3, 500)).times_s) == 0


def _bateman(times: FloatArray, onset_s: float, amplitude: float) -> FloatArray:
    """A response with time constants of 0.75 and 2 s (Benedek & Kaernbach 2010), peak at ``amplitude``."""
    after = np.clip(times - onset_s, 0, None)
    shape = np.exp(-after / 2.0) - np.exp(-after / 0.75)
    peak_s = np.log(2.0 / 0.75) / (1 / 0.75 - 1 / 2.0)
    return np.asarray(amplitude * shape / (np.exp(-peak_s / 2.0) - np.exp(-peak_s / 0.75)))


@pytest.mark.parametrize("tonic_slope", [-1e-8, 0.0, 1e-8])
def test_synthetic_responses_are_recovered(tonic_slope: float) -> None:
    hz = 128.0
    times = np.arange(0, 120, 1 / hz)
    onsets, sizes = np.array([10.0, 35.0, 60.0, 90.0]), np.array([0.1, 0.5, 1.2, 0.2]) * 1e-6
    noise = 5e-10 * np.random.default_rng(0).standard_normal(len(times))
    trace = 5e-6 + tonic_slope * times + noise
    for onset, size in zip(onsets, sizes, strict=True):
        trace = trace + _bateman(times, onset, size)
    found = find_responses(trace, _timeline(len(times), hz))
    for onset, size in zip(onsets, sizes, strict=True):
        response = found.first_in(onset, (-0.3, 0.7), 4.0)
        assert response is not None
        assert response[0] == pytest.approx(0.1, abs=0.3)
        # Trough to peak holds the tonic drift during the rise of 1.2 s.
        assert response[1] - 1.2 * tonic_slope == pytest.approx(size, rel=0.15, abs=1e-8)
    assert len(found.onsets_s) == 4


def test_small_ripples_are_no_responses() -> None:
    times = np.arange(0, 60, 1 / 128)
    trace = 5e-6 + 2e-9 * np.sin(2 * np.pi * 0.3 * times)
    assert len(find_responses(trace, _timeline(len(times), 128)).onsets_s) == 0


def test_real_skin_responses_follow_the_first_and_the_last_picture(shared_data: Path) -> None:
    bio = _bio(shared_data)
    light = bio["Photosensor"]
    onsets = np.flatnonzero((light[1:] < 2.5) & (light[:-1] >= 2.5)) / 100
    assert len(onsets) == 4
    found = find_responses(bio["EDA"] * 1e-6, _timeline(len(light), 100))
    sizes = [found.first_in(float(t), (1.0, 4.0), 8.0) for t in onsets]
    # The negative pictures, first and last, are followed by a response and the neutral ones are not; the raw rise
    # from the value at 1 s to the highest until 8 s says the same.
    assert [s is not None for s in sizes] == [True, False, False, True]
    for onset, size in zip(onsets, sizes, strict=True):
        if size is not None:
            raw = bio["EDA"][int(100 * (onset + size[0])) : int(100 * (onset + 8))]
            assert size[1] == pytest.approx(1e-6 * (raw.max() - raw[0]), rel=0.1)
