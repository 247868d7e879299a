"""A timeline recovers true sample times from what receivers stamp: checked against times known by construction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Timeline
from veridical.signals.epochs import cut_epochs, sample_at_offsets
from veridical.signals.filters import decimate_segments
from veridical.signals.timeline import clock_resets, find_gaps, fit_timeline, synchronise, synchronise_stretches


def _error_s(true_s: FloatArray, stamps_s: FloatArray, nominal_hz: float) -> tuple[int, float]:
    """Number of segments, and the largest error after a common delay is taken off."""
    timeline = fit_timeline(stamps_s, nominal_hz)
    error_s = timeline.times() - true_s
    return len(timeline.segments), float(np.max(np.abs(error_s - np.median(error_s))))


def test_regular_stamps_are_one_segment_at_the_true_rate() -> None:
    stamps_s = 1e6 + np.arange(5000) / 500.3
    timeline = fit_timeline(stamps_s, 500.0)
    assert len(timeline.segments) == 1
    assert timeline.sampling_hz == pytest.approx(500.3, rel=1e-9)
    np.testing.assert_allclose(timeline.times(), stamps_s, atol=1e-9)


@pytest.mark.parametrize("n_lost", [1, 10, 500])
def test_a_dropped_packet_starts_a_segment_and_shifts_nothing(n_lost: int) -> None:
    true_s = 10.0 + np.delete(np.arange(20000), slice(9000, 9000 + n_lost)) / 500
    timeline = fit_timeline(true_s, 500.0)
    assert [segment.first for segment in timeline.segments] == [0, 9000]
    np.testing.assert_allclose(timeline.times(), true_s, atol=1e-9)
    (gap,) = find_gaps(timeline)
    assert gap.n_missing == n_lost
    assert (gap.start_s, gap.stop_s) == pytest.approx((10 + 9000 / 500, 10 + (9000 + n_lost) / 500))


def test_a_stall_made_up_by_a_burst_starts_no_segment() -> None:
    true_s = np.arange(20000) / 500
    stamps_s = true_s.copy()
    # For 2 s nothing arrived; then everything at once.
    stamps_s[5000:6000] = true_s[5999] + np.arange(1000) * 1e-5
    n_segments, error_s = _error_s(true_s, stamps_s, 500.0)
    assert n_segments == 1
    assert error_s < 1e-6


def test_a_stall_does_not_hide_the_gap_after_it() -> None:
    kept = np.r_[0:20000, 26000:40000]
    true_s = kept / 500
    stamps_s = true_s.copy()
    stamps_s[10000:11000] = true_s[10999]
    timeline = fit_timeline(stamps_s, 500.0)
    assert [segment.first for segment in timeline.segments] == [0, 20000]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("stamping", ["gaussian", "late", "per packet", "spread over packet"])
def test_wireless_losses_of_forty_percent_keep_rate_and_times(seed: int, stamping: str) -> None:
    rng = np.random.default_rng(seed)
    hz, n_packet = 128 * 1.0003, 12
    is_kept: list[bool] = []
    while len(is_kept) < 128 * 300:
        is_kept += [True] * (n_packet * (5 + int(rng.exponential(45)))) + [False] * (
            n_packet * (1 + int(rng.exponential(30)))
        )
    true_s = 1e5 + np.flatnonzero(is_kept) / hz
    packet = np.arange(len(true_s)) // n_packet
    jitter_s = 0.005
    if stamping == "gaussian":
        stamps_s = true_s + rng.normal(0, jitter_s, len(true_s))
    elif stamping == "late":
        stamps_s = true_s + rng.exponential(jitter_s, len(true_s))
    else:
        arrival_s = true_s[n_packet - 1 :: n_packet] + rng.exponential(jitter_s, packet[-1] + 1)
        within = np.arange(len(true_s)) % n_packet
        spread_s = (n_packet - 1 - within) / 128 if stamping == "spread over packet" else 0.0
        stamps_s = arrival_s[packet] - spread_s
    timeline = fit_timeline(stamps_s, 128.0)
    n_true = 1 + int(np.sum(np.diff(true_s) > 1.5 / hz))
    assert len(timeline.segments) == n_true
    assert timeline.sampling_hz == pytest.approx(hz, rel=1e-3)
    error_s = timeline.times() - true_s
    assert np.max(np.abs(error_s - np.median(error_s))) < 3 * jitter_s


@pytest.mark.parametrize("seed", range(5))
def test_jitter_alone_makes_no_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true_s = np.arange(120_000) / 1000.01
    for stamps_s in (
        true_s + rng.normal(0, 0.002, len(true_s)),
        true_s + rng.exponential(0.01, len(true_s)),
        true_s[np.minimum((np.arange(len(true_s)) // 32 + 1) * 32 - 1, len(true_s) - 1)],
    ):
        n_segments, error_s = _error_s(true_s, stamps_s, 1000.0)
        assert n_segments == 1
        assert error_s < 1e-3


def test_a_gap_smaller_than_the_jitter_is_found_in_the_level() -> None:
    rng = np.random.default_rng(3)
    true_s = np.r_[0:30000, 30010:60000] / 500
    n_segments, error_s = _error_s(true_s, true_s + rng.normal(0, 0.005, len(true_s)), 500.0)
    assert n_segments == 2
    assert error_s < 1e-3


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=40),
    st.floats(min_value=0, max_value=1e5),
)
def test_any_stamps_give_segments_that_cover_all_samples(stamps_s: list[float], nominal_hz: float) -> None:
    timeline = fit_timeline(np.array(stamps_s), nominal_hz)
    if nominal_hz > 1e-6:
        assert timeline.n_samples == len(stamps_s)


def test_irregular_streams_have_no_segments() -> None:
    assert fit_timeline(np.arange(5.0), 0.0).segments == ()


def test_clock_offsets_are_fitted_through_outliers() -> None:
    rng = np.random.default_rng(0)
    collected_s = np.arange(0, 600, 5.0)
    true_offset_s = 12.5 + 30e-6 * collected_s
    offsets_s = true_offset_s + rng.normal(0, 5e-5, len(collected_s))
    offsets_s[::9] += rng.exponential(0.05, len(offsets_s[::9]))
    stamps_s = np.linspace(0, 600, 1000)
    found_s = synchronise(stamps_s, np.column_stack((collected_s, offsets_s))) - stamps_s
    np.testing.assert_allclose(found_s, 12.5 + 30e-6 * stamps_s, atol=1e-4)


def test_a_clock_reset_is_two_stretches() -> None:
    first_s, second_s = np.arange(1000, 1060, 0.01), np.arange(5, 65, 0.01)
    collected_s = np.r_[1000:1060:5, 5:65:5].astype(float)
    offsets = np.column_stack((collected_s, np.r_[np.full(12, -900.0), np.full(12, 165.0)]))
    assert clock_resets(offsets).tolist() == [12]
    times_s = synchronise(np.r_[first_s, second_s], offsets)
    np.testing.assert_allclose(times_s, np.r_[first_s - 900, second_s + 165], atol=1e-9)


def test_one_wild_measurement_is_no_clock_reset() -> None:
    offsets = np.column_stack((np.arange(20.0), np.zeros(20)))
    offsets[7, 1] = 30.0
    assert len(clock_resets(offsets)) == 0


def test_without_measurements_stamps_stay_as_they_are() -> None:
    stamps_s = np.arange(5.0)
    found_s = synchronise(stamps_s, np.empty((0, 2)))
    assert np.array_equal(found_s, stamps_s)
    assert not np.shares_memory(found_s, stamps_s)


# Clocks that change their pace ----------------------------------------------------------------------------------


def _bent() -> tuple[Timeline, FloatArray]:
    """200 s at 250 Hz; after a third the clock runs 0.5 % slower."""
    steps_s = np.where(np.arange(50_000) < 17_000, 1 / 250, 1.005 / 250)
    true_s = 100.0 + np.concatenate(([0.0], np.cumsum(steps_s[:-1])))
    return fit_timeline(true_s, 250.0), true_s


def test_a_change_of_pace_bends_a_segment_and_places_and_times_are_inverse() -> None:
    timeline, true_s = _bent()
    (segment,) = timeline.segments
    assert segment.bends
    np.testing.assert_allclose(timeline.times(), true_s, atol=2e-3)
    places = np.linspace(0.0, segment.n - 1.0, 997)
    np.testing.assert_allclose(segment.place_at(segment.time_at(places)), places, atol=1e-6)
    found, at = timeline.locate(true_s[::501])
    assert set(found.tolist()) == {0}
    np.testing.assert_allclose(at, np.arange(50_000)[::501], atol=0.5)
    np.testing.assert_array_equal(timeline.sample_at(timeline.times()[::333]), np.arange(50_000)[::333])
    pieces = segment.straight_pieces()
    assert sum(p.n for p in pieces) == segment.n
    rebuilt_s = np.concatenate([p.time_at(np.arange(float(p.n))) for p in pieces])
    np.testing.assert_allclose(rebuilt_s, timeline.times(), atol=1e-4)


def test_epochs_beats_and_decimation_follow_a_clock_that_changes_its_pace() -> None:
    timeline, true_s = _bent()
    samples = (true_s - 100.0)[None, :]
    onsets_s = np.array([110.0, 150.0, 199.0, 280.0])
    exact = sample_at_offsets(samples, timeline, onsets_s, np.array([0.0, 0.5]))
    np.testing.assert_allclose(exact[:, 0, 0], onsets_s - 100.0, atol=2e-3)
    cut = cut_epochs(samples, timeline, onsets_s, 0.0, 50)
    np.testing.assert_allclose(cut[:, 0, 0], onsets_s - 100.0, atol=4e-3)
    kept, slower = decimate_segments(samples, timeline, 5)
    assert slower.n_samples == kept.shape[1]
    np.testing.assert_allclose(slower.times(), timeline.times()[::5], atol=1e-6)


def test_a_sender_that_sleeps_between_samples_wanders_without_gaps() -> None:
    """Every interval has its own error, which nothing makes up for: lateness is a random walk, and nothing is lost."""
    rng = np.random.default_rng(1)
    levels_s = np.repeat(rng.choice([0.0104, 0.0107, 0.0109], 60), 500)
    stamps_s = np.cumsum(levels_s + rng.uniform(-3e-4, 5e-4, len(levels_s)))
    timeline = fit_timeline(stamps_s, 100.0)
    assert len(timeline.segments) == 1
    assert np.abs(timeline.times() - stamps_s).max() < 0.02
    with_gap_s = stamps_s + 3.0 * (np.arange(len(stamps_s)) >= 12_000)
    assert [s.first for s in fit_timeline(with_gap_s, 100.0).segments] == [0, 12_000]


def test_a_device_at_half_its_announced_rate_is_no_device_that_loses_every_other_sample() -> None:
    rng = np.random.default_rng(2)
    stamps_s = np.arange(20_000) / 64 + np.abs(rng.normal(0, 0.002, 20_000))
    timeline = fit_timeline(stamps_s, 128.0)
    assert len(timeline.segments) == 1
    assert timeline.sampling_hz == pytest.approx(64.0, rel=1e-4)


def test_losses_are_found_up_to_the_end_of_a_recording_that_has_many() -> None:
    rng = np.random.default_rng(3)
    kept = np.flatnonzero(rng.random(40_000) > 0.3)
    true_s = kept / 250
    timeline = fit_timeline(true_s + rng.uniform(0, 4e-4, len(kept)), 250.0)
    assert np.abs(timeline.times() - true_s - np.median(timeline.times() - true_s)).max() < 1e-3


def test_a_clock_set_anew_at_any_moment_moves_no_stamp_on_its_wrong_side() -> None:
    measured_at = np.arange(2.5, 600, 5.0)
    for seed in range(40):
        generator = np.random.default_rng(seed)
        markers = np.sort(generator.uniform(0, 600, 200))
        truth = markers if seed % 2 else np.arange(0, 600, 0.01)
        at, jump = generator.uniform(10, 590), generator.choice([-1, 1]) * 10 ** generator.uniform(2, 5)
        stamps = truth + np.where(truth < at, 1e5, 1e5 + jump) + 2e-5 * truth
        device = measured_at + np.where(measured_at < at, 1e5, 1e5 + jump) + 2e-5 * measured_at
        offsets = np.column_stack([device, measured_at - device])

        error = np.abs(synchronise(stamps, offsets) - truth)

        assert error.max() < 0.01, f"seed {seed}"


def test_a_damaged_clock_measurement_tilts_nothing() -> None:
    stamps = 1000 + (1 + 1e-4) * np.arange(0, 600, 0.1)
    at = 1000 + (1 + 1e-4) * np.arange(2.5, 600, 5.0)
    offsets = np.column_stack([at, (at - 1000) / (1 + 1e-4) - at])
    offsets[[5, 40]] = [[1e9, -1e9], [1e300, 1e300]]

    assert np.abs(synchronise(stamps, offsets) - np.arange(0, 600, 0.1)).max() < 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_several_clock_resets_are_as_many_segments_and_move_no_sample(seed: int) -> None:
    """The stamps jump by seconds at one reset, by days at the next, and at the third there is a gap besides."""
    rng = np.random.default_rng(seed)
    true_s = np.arange(60_000) / 250
    resets_s = np.sort(rng.choice(np.arange(20, 220, 15), 3, replace=False) + rng.uniform(0, 5, 3))
    gap_s = rng.uniform(2, 9)
    true_s = true_s[(true_s < resets_s[2]) | (true_s > resets_s[2] + gap_s)]
    # The device's clock behind the recorder's, by stretch.
    behind_s = 12_345 + np.cumsum([0.0, rng.uniform(2, 9), -3e5, gap_s + 3])

    def behind(at_s: FloatArray) -> FloatArray:
        levels: FloatArray = behind_s[np.searchsorted(resets_s, at_s, side="right")]
        return levels - 30e-6 * at_s

    delay_s = rng.exponential(0.002, len(true_s))
    measured_s = np.arange(0.5, 240, 5.0)
    offsets = np.stack(
        [measured_s - behind(measured_s), behind(measured_s) + rng.normal(0, 1e-4, len(measured_s))], axis=1
    )
    times_s, resets = synchronise_stretches(true_s - behind(true_s) + delay_s, offsets)
    assert np.max(np.abs(times_s - true_s - delay_s)) < 1e-3
    timeline = fit_timeline(times_s, 250.0, resets)
    assert [s.first for s in timeline.segments] == [0, *np.searchsorted(true_s, resets_s).tolist()]
    assert np.max(np.abs(timeline.times() - true_s - np.median(delay_s))) < 2e-3
    assert timeline.sampling_hz == pytest.approx(250, rel=1e-4)


def test_where_packets_get_lost_one_by_one_only_whole_ones_are_missed() -> None:
    rng = np.random.default_rng(5)
    packet = np.flatnonzero(rng.random(4000) > 0.5)
    index = (packet[:, None] * 12 + np.arange(12)).ravel()
    arrival_s = np.maximum.accumulate(packet * 12 / 128 + rng.exponential(0.005, len(packet)))
    stamps_s = np.repeat(arrival_s, 12) - np.tile(np.arange(11, -1, -1), len(packet)) / 128
    timeline = fit_timeline(stamps_s, 128.0)
    lost = np.flatnonzero(np.diff(index) > 1) + 1
    found = [s.first for s in timeline.segments[1:]]
    assert len(set(found) - set(lost.tolist())) == 0
    assert len(found) >= 0.99 * len(lost)
    assert timeline.sampling_hz == pytest.approx(128, rel=1e-3)


def test_a_short_stretch_at_a_pace_of_its_own_follows_its_stamps() -> None:
    """A program that sleeps between samples runs slower for a while, between two hiccups."""
    rng = np.random.default_rng(2)
    period_s = np.full(6000, 0.0107)
    period_s[3000:3150] = 0.0112
    period_s[[3000, 3150]] = 0.04
    stamps_s = np.cumsum(period_s + rng.normal(0, 2e-4, 6000))
    timeline = fit_timeline(stamps_s, 100.0)
    assert {3000, 3150} <= {s.first for s in timeline.segments}
    moved_s = np.abs(timeline.times() - stamps_s)
    assert np.max(moved_s[3000:3150]) < 0.004
