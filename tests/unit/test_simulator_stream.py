"""The simulated amplifier as a device: chunks, units, labels, noise, speed."""

import time
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import find_peaks, welch

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StreamError
from veridical.domain.event import Marker
from veridical.domain.simulation import (
    PROFILES,
    EffectSizes,
    GroundTruth,
    SimulationPlan,
    disposition_of,
    effects_of,
    feelings_of,
    ground_truth,
)
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import suggest_roles
from veridical.simulator.amplifier import Amplifier
from veridical.simulator.course import REACTION_S
from veridical.simulator.head import EYES, LABELS, positions, spread
from veridical.simulator.noise import ChanceEvents, ColouredNoise, SlowDrifts, one_over_f

_STIMULI = tuple(
    Stimulus(f"p{k}", f"p{k}.jpg", valence_mean=(1.8, 4.0, 6.2)[k % 3], arousal_mean=2.5 + (k % 4)) for k in range(12)
)
_SECONDS = 4.0
_MARKERS = (
    (0.3, Marker("practice/picture/positive", {"id": "p2"})),
    (0.9, Marker("practice/picture/off", {"id": "p2"})),
    (1.7, Marker("picture/negative", {"id": "p0"})),
    (2.9, Marker("picture/off", {"id": "p0"})),
    (3.2, Marker("picture/neutral", {"id": "unknown"})),
)


def _play(plan: SimulationPlan, stops_s: list[float], delay_s: float) -> list[FloatArray]:
    """Take chunks that end at the given times, hearing each marker ``delay_s`` late."""
    amplifier = Amplifier(plan, _STIMULI)
    waiting = list(_MARKERS)[::-1]
    parts: list[list[FloatArray]] = [[] for _ in amplifier.streams]
    sent = [0] * len(parts)
    for stop_s in [*sorted(stops_s), _SECONDS]:
        while waiting and waiting[-1][0] + delay_s <= stop_s:
            amplifier.hear(*waiting.pop())
        for k, stream in enumerate(amplifier.streams):
            chunk = stream.samples.take(stream.n_until(stop_s) - sent[k])
            sent[k] += chunk.shape[1]
            parts[k].append(chunk)
    return [np.concatenate(p, axis=1) for p in parts]


@pytest.fixture(scope="module")
def uncut() -> dict[str, list[FloatArray]]:
    """What comes out in steps of 20 ms, per layout."""
    steps = [0.02 * k for k in range(1, 200)]
    return {
        layout: _play(SimulationPlan("laughing", seed=4, layout=layout, eeg_channels=6), steps, 0.0)
        for layout in ("separate", "aux")
    }


@settings(max_examples=12, deadline=None)
@given(
    stops_s=st.lists(st.floats(0.0, _SECONDS), max_size=30),
    lateness=st.floats(0.0, 1.0),
    layout=st.sampled_from(["separate", "aux"]),
)
def test_output_does_not_depend_on_how_time_is_cut(
    uncut: dict[str, list[FloatArray]], stops_s: list[float], lateness: float, layout: str
) -> None:
    plan = SimulationPlan("laughing", seed=4, layout="aux" if layout == "aux" else "separate", eeg_channels=6)
    # Cuts at every 20 ms let a marker be late; else a long chunk must have heard what happens in it.
    grid = [0.02 * k for k in range(1, 200)] if lateness > 0.5 else []
    delay_s = (REACTION_S - 0.02) * lateness if grid else -_SECONDS
    for mine, other in zip(_play(plan, [*stops_s, *grid], delay_s), uncut[layout], strict=True):
        np.testing.assert_array_equal(mine, other)


def test_the_same_seed_gives_the_same_samples_and_another_seed_others() -> None:
    def first(seed: int) -> FloatArray:
        return Amplifier(SimulationPlan(seed=seed, eeg_channels=4), _STIMULI).streams[0].samples.take(500)

    np.testing.assert_array_equal(first(1), first(1))
    assert np.abs(first(1) - first(2)).max() > 1.0


def test_separate_streams_are_announced_with_labels_types_and_units() -> None:
    eeg, eda, ecg = (s.description for s in Amplifier(SimulationPlan(), ()).streams)
    assert (eeg.name, eeg.type, eeg.n_channels, eeg.nominal_hz) == ("SimEEG", "EEG", 32, 500.0)
    assert (eda.name, eda.type, eda.nominal_hz, eda.units) == ("SimEDA", "EDA", 128.0, ("microsiemens",))
    assert (ecg.name, ecg.type, ecg.nominal_hz, ecg.units) == ("SimECG", "ECG", 512.0, ("millivolts",))
    assert eeg.labels == LABELS
    assert set(eeg.units) == {"microvolts"}
    assert len({eeg.source_id, eda.source_id, ecg.source_id}) == 3


def test_aux_channels_of_one_amplifier_play_eda_and_ecg() -> None:
    (stream,) = Amplifier(SimulationPlan(layout="aux"), ()).streams
    assert stream.description.n_channels == 34
    roles = {r.role: r for r in suggest_roles([stream.description])}
    assert roles["EEG"].labels == LABELS
    assert roles["EDA"].channels == (32,)
    assert roles["ECG"].channels == (33,)
    samples = stream.samples.take(5000)
    assert samples.dtype == np.float32
    assert samples.shape == (34, 5000)
    eda_s, ecg_v = samples[32] * roles["EDA"].gain, samples[33] * roles["ECG"].gain
    assert 1e-6 < eda_s.mean() < 20e-6
    assert 0.7e-3 < ecg_v.max() - np.median(ecg_v) < 1.6e-3


def test_a_cap_with_too_many_channels_is_refused() -> None:
    with pytest.raises(StreamError, match="1 to 32 EEG channels, not 64"):
        Amplifier(SimulationPlan(eeg_channels=64), ())


def test_electrodes_lie_on_the_sphere_and_mirror_each_other() -> None:
    where = dict(zip(LABELS, positions(), strict=True))
    assert len(LABELS) == 32
    np.testing.assert_allclose([np.linalg.norm(p) for p in where.values()], 1.0)
    for left, right in (("Fp1", "Fp2"), ("F7", "F8"), ("C3", "C4"), ("P7", "P8"), ("O1", "O2")):
        np.testing.assert_allclose(where[left] * [-1, 1, 1], where[right], atol=1e-12)
    np.testing.assert_allclose(where["Cz"], [0, 0, 1], atol=1e-12)
    assert where["Fp1"][1] > 0.9
    assert where["Oz"][1] < -0.9
    assert where["T7"][0] < -0.9


def test_coloured_noise_falls_as_asked_and_has_variance_one() -> None:
    noise = ColouredNoise(one_over_f(1.3), 4, 500.0, np.random.default_rng(0)).take(100_000)
    assert noise.var() == pytest.approx(1.0, rel=0.1)
    # Nor does the variance swell where blocks of 4 s overlap.
    by_place = noise.reshape(-1, 1000, 4).var(axis=(0, 2))
    assert by_place.max() < 1.5 * by_place.min()
    hz, power = welch(noise, 500.0, nperseg=2000, axis=0)
    inside = (hz >= 1.0) & (hz <= 60.0)
    slope = np.polyfit(np.log(hz[inside]), np.log(power[inside].mean(1)), 1)[0]
    assert slope == pytest.approx(-1.3, abs=0.05)


def test_slow_drifts_have_variance_one_and_no_steps() -> None:
    drifts = SlowDrifts([(0.01, 0.1)] * 200, 100.0, np.random.default_rng(1))
    course = np.concatenate([drifts.at((16 * k + np.arange(16)) / 100) for k in range(400)])
    assert course.var() == pytest.approx(1.0, rel=0.15)
    # The steepest slope of 16 waves of at most 0.1 Hz is 16 * 2 pi * 0.1 * sqrt(2 / 16).
    assert np.abs(np.diff(course, axis=0)).max() * 100 < 16 * 2 * np.pi * 0.1 * np.sqrt(2 / 16)


def test_chance_events_come_at_their_rate_and_keep_their_distance() -> None:
    events = ChanceEvents(15.0, refractory_s=0.7, kept_s=1e9, rng=np.random.default_rng(3))
    times_s = np.array([at_s for at_s, _ in events.until(0.0, 3600.0)])
    # 900 expected; waiting times with a refractory part vary less than a Poisson process.
    assert abs(len(times_s) - 900) < 3 * np.sqrt(900)
    assert np.diff(times_s).min() >= 0.7


@pytest.fixture(scope="module")
def resting() -> tuple[FloatArray, FloatArray]:
    """Two minutes of EEG with eyes open and one with eyes closed, microvolts, without blinks."""
    effects = replace(EffectSizes(), blinks_per_min=0.0, bursts_per_min=0.0)
    amplifier = Amplifier(SimulationPlan("null", seed=11, effects=effects), ())
    eeg = amplifier.streams[0].samples
    is_open = eeg.take(60_000)
    amplifier.hear(120.0, Marker("baseline/eyes-closed/start"))
    eeg.take(1000)
    return is_open, eeg.take(30_000)


def _at(samples: FloatArray, label: str) -> FloatArray:
    return np.asarray(samples[LABELS.index(label)], dtype=float)


def test_background_power_falls_as_one_over_f(resting: tuple[FloatArray, FloatArray]) -> None:
    hz, power = welch(_at(resting[0], "Cz"), 500.0, nperseg=2000)
    inside = ((hz >= 2) & (hz < 7)) | ((hz > 27) & (hz <= 45))
    slope = np.polyfit(np.log(hz[inside]), np.log(power[inside]), 1)[0]
    assert -1.7 < slope < -0.9


def test_alpha_peaks_over_the_back_of_the_head_and_grows_with_closed_eyes(
    resting: tuple[FloatArray, FloatArray],
) -> None:
    hz, open_oz = welch(_at(resting[0], "Oz"), 500.0, nperseg=1000)
    _, open_fz = welch(_at(resting[0], "Fz"), 500.0, nperseg=1000)
    _, closed_oz = welch(_at(resting[1], "Oz"), 500.0, nperseg=1000)
    band = (hz >= 8) & (hz <= 12)
    beyond = (hz >= 5) & (hz <= 20)
    assert 8.5 <= hz[beyond][np.argmax(open_oz[beyond])] <= 11.5
    assert open_oz[band].sum() > 4 * open_fz[band].sum()
    assert closed_oz[band].sum() > 2.5 * open_oz[band].sum()


def test_alpha_waxes_and_wanes(resting: tuple[FloatArray, FloatArray]) -> None:
    seconds = _at(resting[0], "O1")[:60_000].reshape(-1, 500)
    hz, power = welch(seconds, 500.0, nperseg=500, axis=1)
    alpha = power[:, (hz >= 8) & (hz <= 12)].mean(1)
    # A steady rhythm would vary by chance of the estimate alone.
    assert np.percentile(alpha, 90) > 5 * np.percentile(alpha, 10)


def test_mains_stand_out_at_50_hz(resting: tuple[FloatArray, FloatArray]) -> None:
    hz, power = welch(np.asarray(resting[0], dtype=float), 500.0, nperseg=2000, axis=1)
    ratio = power[:, np.argmin(abs(hz - 50))] / power[:, (hz > 44) & (hz < 48)].mean(1)
    assert np.median(ratio) > 3


def test_neighbouring_channels_share_their_background(resting: tuple[FloatArray, FloatArray]) -> None:
    samples = np.asarray(resting[0][:, ::5], dtype=float)
    shared = np.corrcoef(samples - samples.mean(1, keepdims=True))
    distance = np.linalg.norm(positions()[:, None] - positions()[None], axis=2)
    off = ~np.eye(32, dtype=bool)
    assert shared[off & (distance < 0.6)].mean() > shared[off & (distance > 1.5)].mean() + 0.15


def test_blinks_fade_with_the_distance_from_the_eyes() -> None:
    effects = replace(EffectSizes(), background_v=1e-9, alpha_v=1e-9, bursts_per_min=0.0)
    eeg = Amplifier(SimulationPlan("null", seed=2, effects=effects), ()).streams[0].samples.take(60_000)
    frontal = _at(eeg, "Fp1")
    frontal = frontal - np.median(frontal.reshape(-1, 1000), axis=1).repeat(1000)
    tops, _ = find_peaks(frontal, height=50.0, distance=200)
    assert abs(len(tops) - 30) < 3 * np.sqrt(30)
    inside = tops[(tops > 250) & (tops < 59_750)]
    sizes = [np.mean([_at(eeg, label)[t] - _at(eeg, label)[t - 200] for t in inside]) for label in LABELS]
    distance = [min(np.linalg.norm(p - e) for e in EYES) for p in positions()]
    order = np.argsort(distance)
    by_distance = np.array(sizes)[order]
    assert 60 < by_distance[0] < 250
    midline = [sizes[LABELS.index(label)] for label in ("Fp1", "F3", "C3", "P3")]
    assert midline == sorted(midline, reverse=True)
    assert abs(sizes[LABELS.index("Oz")]) < 0.1 * by_distance[0]
    np.testing.assert_allclose(spread(positions(), *EYES, length=0.42).max(), 1.0)


def test_a_minute_costs_less_than_a_twentieth_of_a_minute() -> None:
    amplifier = Amplifier(SimulationPlan(seed=1), _STIMULI)
    cost_s: list[float] = []
    for second in range(20):
        start_s = time.process_time()
        amplifier.hear(float(second), Marker("picture/positive", {"id": f"p{second % 12}"}))
        amplifier.hear(second + 0.6, Marker("picture/off"))
        for stream in amplifier.streams:
            stream.samples.take(round(stream.description.nominal_hz))
        cost_s.append(time.process_time() - start_s)
    # The median: other processes on the machine slow single seconds down.
    assert np.median(cost_s) < 1 / 20


def test_ground_truth_is_plain_json_and_holds_every_feeling() -> None:
    for profile in PROFILES:
        truth = ground_truth(SimulationPlan(profile, seed=3), _STIMULI)
        assert msgspec.json.decode(msgspec.json.encode(truth), type=GroundTruth) == truth
        assert truth.effects == effects_of(profile)
        assert truth.feelings == feelings_of(3, _STIMULI, disposition_of(profile))
        assert len(truth.feelings) == len(_STIMULI)
