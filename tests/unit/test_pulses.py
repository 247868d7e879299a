"""Pulses that the amplifier recorded: found to a fraction of a sample, matched, and taken as the clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.event import Event, Marker
from veridical.domain.recording import Signal
from veridical.domain.stream import Role
from veridical.domain.timeline import Segment, Timeline
from veridical.signals.pulses import find_edges, match_pulses, measured_onsets

_HZ = 500.0


def _events(onsets_s: np.ndarray) -> tuple[Event, ...]:
    shown = [
        Event(float(t), Marker("picture/positive", {"id": f"p{k}", "trial": str(k + 1)}))
        for k, t in enumerate(onsets_s)
    ]
    off = [Event(float(t) + 1.0, Marker("picture/off", {"trial": str(k + 1)})) for k, t in enumerate(onsets_s)]
    return tuple(sorted((*shown, *off), key=lambda e: e.onset_s))


def _channel(onsets_s: np.ndarray, width_s: float, noise: float = 0.0, level: float = 1.0, seed: int = 0) -> Signal:
    n = round((onsets_s[-1] + 5) * _HZ)
    times_s = np.arange(n) / _HZ
    values = np.zeros(n)
    for onset_s in onsets_s:
        # What an amplifier with a soft edge of one sample records.
        values += np.clip((times_s - onset_s) * _HZ + 0.5, 0, 1) - np.clip(
            (times_s - onset_s - width_s) * _HZ + 0.5, 0, 1
        )
    values = level * values + noise * abs(level) * np.random.default_rng(seed).standard_normal(n)
    return _signal("TTL", values)


def _signal(role: Role, values: np.ndarray) -> Signal:
    timeline = Timeline((Segment(0, len(values), 0.0, 1 / _HZ),))
    return Signal(role, "amp", ("x",), values[None].astype(np.float32), timeline)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000), width_s=st.sampled_from([0.01, 0.1, 1.0]), noise=st.sampled_from([0.0, 0.02, 0.05]),
    level=st.sampled_from([1.0, -1.0, 5.0, 2e-6, 255.0]), offset_s=st.floats(-0.05, 0.12),
)  # fmt: skip
def test_onsets_move_to_the_pulses_to_a_sample(
    seed: int, width_s: float, noise: float, level: float, offset_s: float
) -> None:
    rng = np.random.default_rng(seed)
    markers_s = 2.0 + np.cumsum(rng.uniform(1.5, 3.0, 20))
    true_s = markers_s + offset_s + rng.normal(0, 0.003, 20)
    moved, timing = measured_onsets(_events(markers_s), (_channel(true_s, width_s, noise, level, seed),))
    found_s = np.array([e.onset_s for e in moved if e.marker.name == "picture/positive"])
    assert np.max(np.abs(found_s - true_s)) < 1 / _HZ
    assert (timing.source, timing.n_matched) == ("TTL", 20)
    assert timing.offset_s == pytest.approx(np.median(true_s - markers_s), abs=1 / _HZ)
    assert timing.jitter_s == pytest.approx(np.std(true_s - markers_s), abs=1 / _HZ)
    assert [e.marker.details["trial"] for e in moved if e.marker.name == "picture/positive"] == [
        str(k + 1) for k in range(20)
    ]


def test_a_pulse_too_many_and_a_pulse_too_few_confuse_nobody() -> None:
    markers_s = np.arange(10) * 2.0 + 3
    true_s = markers_s + 0.02
    pulses_s = np.sort(np.concatenate((np.delete(true_s, 4), [4.1, 9.9, 12.2])))
    found = match_pulses(markers_s, pulses_s)
    assert found[4] == -1
    np.testing.assert_allclose(np.delete(pulses_s[found], 4), np.delete(true_s, 4))
    assert len(set(found.tolist())) == len(found)


def test_a_picture_without_a_pulse_keeps_its_marker_and_the_report_says_so() -> None:
    markers_s = np.arange(10) * 2.0 + 3
    moved, timing = measured_onsets(_events(markers_s), (_channel(np.delete(markers_s + 0.03, 2), 0.05),))
    assert (timing.n_matched, timing.n_pictures) == (9, 10)
    assert "1 without one keep their marker" in timing.words
    assert any(e.onset_s == markers_s[2] and e.marker.name == "picture/positive" for e in moved)


@pytest.mark.parametrize("kind", ["noise", "flat", "sine", "other pulses"])
def test_a_channel_without_the_pictures_pulses_is_left_alone(kind: str) -> None:
    rng = np.random.default_rng(1)
    markers_s = np.cumsum(rng.uniform(2.0, 4.0, 30))
    n = round((markers_s[-1] + 5) * _HZ)
    values = {
        "noise": rng.standard_normal(n),
        "flat": np.ones(n),
        "sine": np.sin(np.arange(n) / 50),
        "other pulses": (np.arange(n) // 37 % 211 == 0) * 1.0,
    }[kind]
    events = _events(markers_s)
    moved, timing = measured_onsets(events, (_signal("TTL", values),))
    assert moved == events
    assert timing.words.startswith("software timing only")


def test_a_photodiode_serves_where_there_is_no_pulse_and_the_pulse_comes_first() -> None:
    markers_s = np.arange(10) * 2.0 + 3
    light = _channel(markers_s + 0.04, 1.0)
    light = _signal("photodiode", light.samples[0])
    assert measured_onsets(_events(markers_s), (light,))[1].source == "photodiode"
    pulses = _channel(markers_s + 0.001, 0.01)
    assert measured_onsets(_events(markers_s), (light, pulses))[1].source == "TTL"


def test_edges_of_a_square_wave_are_where_they_were_drawn() -> None:
    times_s = np.arange(1000) / _HZ
    rising, falling = find_edges(np.where((times_s % 0.5) < 0.25, 0.0, 3.0), times_s)
    np.testing.assert_allclose(rising, [0.249, 0.749, 1.249, 1.749])
    np.testing.assert_allclose(falling, [0.499, 0.999, 1.499])


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_codes_of_a_port_are_pulses_whatever_they_say(noise: float) -> None:
    markers_s = np.arange(40) * 2.0 + 3
    times_s = np.arange(round(90 * _HZ)) / _HZ
    values = noise * np.random.default_rng(0).standard_normal(len(times_s))
    for k, t in enumerate(markers_s):
        values[(times_s >= t + 0.004) & (times_s < t + 0.014)] += 2 * k + 1
    moved, timing = measured_onsets(_events(markers_s), (_signal("TTL", values),))
    assert (timing.source, timing.n_matched) == ("TTL", 40)
    found_s = np.array([e.onset_s for e in moved if e.marker.name == "picture/positive"])
    assert np.max(np.abs(found_s - markers_s - 0.004)) <= 1 / _HZ


@pytest.mark.parametrize("noise", [0.0, 0.002, 0.01])
@pytest.mark.parametrize("cutoff_hz", [5.0, 20.0])
def test_a_photodiode_on_a_sound_card_that_passes_no_steady_level_is_read(noise: float, cutoff_hz: float) -> None:
    rng, hz = np.random.default_rng(3), 44_100.0
    markers_s = np.cumsum(rng.uniform(0.4, 0.6, 12))
    times_s = np.arange(round((markers_s[-1] + 1) * hz)) / hz
    # A first-order high-pass of a step is a jump that decays: summed over every step of the light.
    wave = np.zeros(len(times_s))
    for onset_s in markers_s + 0.021:
        for step_s, sign in ((onset_s, 1), (onset_s + 0.2, -1)):
            since_s = times_s - step_s
            wave += np.where(since_s >= 0, sign * 0.4 * np.exp(-2 * np.pi * cutoff_hz * np.maximum(since_s, 0)), 0)
    rising, _ = find_edges(wave + noise * rng.standard_normal(len(wave)), times_s)
    found = match_pulses(markers_s, rising)
    assert np.all(found >= 0)
    assert rising[found] - markers_s == pytest.approx(np.full(12, 0.021), abs=2 / hz)
