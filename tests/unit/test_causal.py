"""Filters for the eye: causal, piece by piece the same as at once, and silent after a gap."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import signal as scipy_signal

from veridical.signals.causal import CausalFilter
from veridical.signals.filters import FilterChoice

HZ = 250.0
EYE = FilterChoice(high_pass_hz=0.5, low_pass_hz=40.0, notch_hz=(50.0,))


def _eye(n_channels: int = 2, choice: FilterChoice = EYE, hz: float = HZ) -> CausalFilter:
    return CausalFilter(choice, hz, n_channels)


def test_pieces_give_what_the_whole_gives() -> None:
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((3, 2000)).cumsum(axis=1)
    whole = _eye(3).filter(samples)
    live = _eye(3)
    edges = [0, 1, 2, 40, 41, 700, 1999, 2000]
    pieces = [live.filter(samples[:, a:b]) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)


def test_frequencies_pass_as_the_design_says() -> None:
    n = round(60 * HZ)
    t = np.arange(n) / HZ
    sections = np.concatenate(
        [
            scipy_signal.butter(2, 0.5, "highpass", fs=HZ, output="sos"),
            scipy_signal.butter(2, 40.0, "lowpass", fs=HZ, output="sos"),
            scipy_signal.tf2sos(*scipy_signal.iirnotch(50.0, 30.0, fs=HZ)),
        ]
    )
    for hz in (0.1, 2.0, 10.0, 40.0, 50.0):
        got = _eye(1).filter(np.sin(2 * np.pi * hz * t)[None])[0, n // 2 :]
        expected = abs(scipy_signal.sosfreqz(sections, [2 * np.pi * hz / HZ])[1][0])
        assert np.sqrt(2) * got.std() == pytest.approx(expected, abs=0.01)


def test_an_electrodes_offset_does_not_ring_at_the_start() -> None:
    steady = np.full((2, 500), 0.15)
    assert np.abs(_eye().filter(steady)).max() < 1e-9


def test_a_gap_stays_a_gap_and_nothing_rings_out_of_it() -> None:
    live = _eye()
    samples = np.full((2, 600), 0.1)
    samples[:, 200:300] = np.nan
    samples[:, 300:] = -0.2
    shown = np.concatenate([live.filter(samples[:, k : k + 50]) for k in range(0, 600, 50)], axis=1)
    assert np.isnan(shown[:, 200:300]).all()
    assert np.abs(np.delete(shown, np.arange(200, 300), axis=1)).max() < 1e-9


def test_single_missing_samples_cost_nothing_else() -> None:
    rng = np.random.default_rng(2)
    samples = rng.standard_normal((2, 400))
    holed = samples.copy()
    holed[0, 100:103] = np.nan
    shown, whole = _eye().filter(holed), _eye().filter(samples)
    assert np.isnan(shown[0, 100:103]).all()
    assert np.array_equal(shown[1], whole[1])
    assert np.isfinite(shown[0, 103:]).all()


def test_edges_that_a_slow_signal_cannot_have_are_left_out() -> None:
    samples = np.random.default_rng(3).standard_normal((1, 200))
    assert np.array_equal(_eye(1, FilterChoice(low_pass_hz=40.0, notch_hz=(50.0,)), 64.0).filter(samples), samples)
