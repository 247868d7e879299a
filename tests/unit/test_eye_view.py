"""What the eye sees filtered and re-referenced equals the analysis filters and the arithmetic of references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.signals.eye_filter import filter_window, padding_samples
from veridical.signals.filters import FilterChoice, filter_zero_phase
from veridical.signals.reference import Reference, derive

EDGES = st.sampled_from([None, 0.5, 1.0, 2.0]), st.sampled_from([None, 20.0, 40.0]), st.sampled_from([(), (50.0,)])


@settings(max_examples=25, deadline=None)
@given(*EDGES, st.integers(0, 7000), st.integers(50, 2000), st.integers(0, 2**32 - 1))
def test_a_window_is_filtered_as_the_whole_recording(
    high_pass: float | None, low_pass: float | None, notch: tuple[float, ...], first: int, n: int, seed: int
) -> None:
    hz = 250.0
    rng = np.random.default_rng(seed)
    whole = 0.15 + 2e-5 * rng.standard_normal((2, 7000)) + 1e-5 * np.sin(2 * np.pi * 10 * np.arange(7000) / hz)
    choice = FilterChoice(high_pass, low_pass, notch)
    stop = min(7000, first + n)
    reach = padding_samples(choice, hz)
    start, end = max(0, first - reach), min(7000, stop + reach)
    seen = filter_window(whole[:, start:end], hz, choice, first - start, stop - start)
    want = filter_zero_phase(whole, hz, choice)[:, first:stop]
    assert seen.shape == want.shape
    if seen.size:
        # Both start from other means, so what differs is the offset's ringing below 1e-3 of what is left of it.
        assert np.abs(seen - want).max() < 4e-7


def test_missing_samples_stay_missing_and_alone() -> None:
    samples = np.random.default_rng(0).standard_normal((2, 1000))
    samples[0, 300:320] = np.nan
    seen = filter_window(samples, 250.0, FilterChoice(1.0, 40.0), 250, 400)
    assert np.isnan(seen[0, 50:70]).all()
    assert np.isfinite(seen[0, :50]).all()
    assert np.isfinite(seen[1]).all()


LABELS = ("EEG Fp1-REF", "F7", "T3", "P7", "O1", "M1", "M2")


def test_references_are_plain_arithmetic() -> None:
    x = np.random.default_rng(1).standard_normal((len(LABELS), 50))
    assert derive(LABELS, Reference()).apply(x) == pytest.approx(x)
    average = derive(LABELS, Reference("average"), bad=("F7",))
    assert average.apply(x) == pytest.approx(x - x[[0, 2, 3, 4, 5, 6]].mean(axis=0))
    assert derive(LABELS, Reference("linked")).apply(x) == pytest.approx(x - (x[5] + x[6]) / 2)
    assert derive(LABELS, Reference("single", "O1")).apply(x) == pytest.approx(x - x[4])
    chain = derive(LABELS, Reference("bipolar"))
    assert chain.labels == ("EEG Fp1-REF–F7", "F7–T3", "T3–P7", "P7–O1")
    assert chain.apply(x) == pytest.approx(x[:4] - x[1:5])


def test_one_missing_channel_spares_the_average() -> None:
    x = np.ones((3, 4))
    x[1, 2] = np.nan
    seen = derive(("a", "b", "c"), Reference("average")).apply(x)
    assert np.isnan(seen[1, 2])
    assert seen[[0, 2]] == pytest.approx(np.zeros((2, 4)))


def test_a_reference_that_was_not_recorded_is_named() -> None:
    with pytest.raises(ValueError, match="M1 and M2"):
        derive(("Cz", "Pz"), Reference("linked"))
    with pytest.raises(ValueError, match="'Oz'"):
        derive(("Cz", "Pz"), Reference("single", "Oz"))
