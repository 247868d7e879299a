"""What is wrong with a stream is told within 2 s of being knowable, ends when it ends, and nobody cries wolf."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.stream import RoleAssignment, SampleFormat, StreamDescription
from veridical.ipc.messages import HealthEvent, HealthFinding, HealthKind, RecordedStream
from veridical.recorder.stream_watch import StreamWatch
from veridical.recorder.watchdog import Watchdog

_T0 = 5000.0
_POLL_S = 0.06
_LOOK_S = 0.2
_PROBE_S = 2.6


def _describe(
    hz: float, n_channels: int = 4, type_: str = "EEG", labels: tuple[str, ...] = (), format_: SampleFormat = "float32"
) -> StreamDescription:
    return StreamDescription("amp", type_, "id", "u", "h", n_channels, hz, format_, labels)


@dataclass
class _Played:
    """What a watch said while a stream was played to it: (time, findings) of every look."""

    watch: StreamWatch
    looks: list[tuple[float, tuple[HealthFinding, ...]]] = field(default_factory=list)

    def kinds(self, since_s: float = 0.0, until_s: float = 1e9) -> set[HealthKind]:
        """All kinds that were told in a span."""
        return {f.kind for at_s, findings in self.looks if since_s <= at_s < until_s for f in findings}

    def told_s(self, kind: HealthKind) -> float:
        """When a kind was told first."""
        return next(at_s for at_s, findings in self.looks if any(f.kind == kind for f in findings))

    def finding(self, kind: HealthKind, at_s: float = 1e9) -> HealthFinding:
        """The last finding of a kind before a time."""
        found = [f for when_s, findings in self.looks if when_s <= at_s for f in findings if f.kind == kind]
        return found[-1]

    def ends_well(self) -> bool:
        """Whether nothing is wrong at the end."""
        return self.looks[-1][1] == ()


def _play(
    description: StreamDescription,
    stamps_s: FloatArray,
    arrivals_s: FloatArray,
    seconds: float,
    samples: FloatArray | IntArray | None = None,
    offset: Callable[[float], float | None] = lambda _: 0.0,
    polls: Callable[[float], bool] = lambda _: True,
    roles: tuple[RoleAssignment, ...] = (),
) -> _Played:
    """Poll, probe and look as the recorder does; times count from 0, ``offset`` None is a lost probe."""
    rng = np.random.default_rng(7)
    if samples is None:
        samples = rng.standard_normal((description.n_channels, len(stamps_s))).astype(np.float32)
    played = _Played(StreamWatch(description, _T0, roles))
    watch, now_s, k, look_s, probe_s = played.watch, 0.0, 0, 0.0, 0.6
    while now_s < seconds:
        now_s += _POLL_S * rng.uniform(0.9, 1.3)
        if not polls(now_s):
            continue
        j = int(np.searchsorted(arrivals_s, now_s, side="right"))
        if j > k:
            watch.count(samples[:, k:j], stamps_s[k:j] + _T0, _T0 + now_s)
            k = j
        if now_s >= probe_s:
            probe_s = now_s + _PROBE_S
            measured_s = offset(now_s)
            if measured_s is not None:
                watch.clock(_T0 + now_s, measured_s + rng.normal(0, 1e-5), 1e-4, _T0 + now_s)
        if now_s >= look_s:
            look_s = now_s + _LOOK_S
            played.looks.append((now_s, watch.findings(_T0 + now_s)))
    return played


def _in_chunks(times_s: FloatArray, n: int) -> FloatArray:
    """Arrivals of samples that are sent ``n`` at a time, when the last is there."""
    last = np.minimum(np.arange(len(times_s)) // n * n + n, len(times_s)) - 1
    arrivals_s: FloatArray = times_s[last]
    return arrivals_s


def _deduced(times_s: FloatArray, n: int, hz: float) -> FloatArray:
    """Stamps as the library makes them for a chunk with one stamp: counted back from its end by the nominal rate."""
    k = np.arange(len(times_s))
    last = np.minimum(k // n * n + n, len(times_s)) - 1
    stamps_s: FloatArray = times_s[last] - (last - k) / hz
    return stamps_s


def _ticks(hz: float, seconds: float) -> FloatArray:
    return np.arange(int(hz * seconds)) / hz


# No false alarms --------------------------------------------------------------------------------------
@given(
    hz=st.sampled_from([1.0, 4.0, 10.0, 32.0, 64.0, 128.0, 250.0, 256.0, 500.0, 1000.0, 2000.0]),
    chunk_s=st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.2, 0.5]),
    lateness_s=st.sampled_from([0.0, 0.001, 0.005, 0.02]),
    true_rate=st.sampled_from([1.0, 1.0001, 0.999, 0.97, 1.03]),
    stamping=st.sampled_from(["device", "arrival"]),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_a_healthy_stream_never_alarms(
    hz: float, chunk_s: float, lateness_s: float, true_rate: float, stamping: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n_chunk = max(1, round(chunk_s * hz))
    times_s = _ticks(hz * true_rate, 25.0)
    late_s = np.abs(rng.normal(0, lateness_s, len(times_s)))[np.arange(len(times_s)) // n_chunk * n_chunk]
    arrivals_s = np.maximum.accumulate(_in_chunks(times_s, n_chunk) + late_s)
    stamps_s = times_s if stamping == "device" else _deduced(arrivals_s, n_chunk, hz)
    played = _play(_describe(hz), stamps_s, arrivals_s, 24.5)
    assert played.kinds() == set()
    assert played.watch.judge(_T0 + 24.6).light == "good"


def test_a_wireless_stream_that_loses_packets_is_said_to_have_gaps_and_not_a_wrong_rate() -> None:
    # 12 samples a packet as a Muse sends them, 40 % lost in stretches of some seconds and singly.
    rng = np.random.default_rng(3)
    times_s = _ticks(256.0, 240.0)
    packet = np.arange(len(times_s)) // 12
    arrives = rng.random(packet[-1] + 1) > 0.1
    for first in rng.integers(0, packet[-1] - 100, 30):
        arrives[first : first + rng.integers(20, 90)] = False
    late_s = np.maximum.accumulate(_in_chunks(times_s, 12) + rng.exponential(0.01, packet[-1] + 1)[packet])
    kept = arrives[packet]
    played = _play(_describe(256.0), times_s[kept], late_s[kept], 239.0)
    assert played.kinds() - {"no-data"} == {"gap"}
    n_lost = sum(round(f.n_missing) for f in _episodes(played, "gap"))
    assert n_lost == pytest.approx(np.sum(~kept), rel=0.05)


def _episodes(played: _Played, kind: HealthKind) -> list[HealthFinding]:
    """The last state of every story of a kind."""
    last = {f.since_s: f for _, findings in played.looks for f in findings if f.kind == kind}
    return list(last.values())


def test_a_stall_that_is_made_up_is_no_gap() -> None:
    times_s = _ticks(250.0, 40.0)
    arrivals_s = _in_chunks(times_s, 10)
    for begin_s, stall_s in ((10.0, 1.2), (20.0, 0.4), (30.0, 0.8)):
        arrivals_s[(arrivals_s > begin_s) & (arrivals_s < begin_s + stall_s)] = begin_s + stall_s
    for stamps_s in (times_s, arrivals_s + 1e-6 * np.arange(len(times_s))):
        assert _play(_describe(250.0), stamps_s, arrivals_s, 39.0).kinds() == set()


def test_a_pause_of_the_recorder_itself_is_not_blamed_on_the_device() -> None:
    times_s = _ticks(250.0, 30.0)
    arrivals_s = _in_chunks(times_s, 10)
    # What arrived meanwhile is read in the second step after the pause only.
    arrivals_s[(arrivals_s > 10) & (arrivals_s < 15.3)] = 15.3
    assert _play(_describe(250.0), times_s, arrivals_s, 29.0, polls=lambda t: not 10 < t < 15).kinds() == set()


def test_an_irregular_stream_may_be_silent() -> None:
    stamps_s = np.array([1.0, 9.0, 9.01, 40.0])
    description = _describe(0.0, 1, "Markers", format_="string")
    markers = np.array([["a", "b", "c", "d"]], dtype=object)
    played = _play(description, stamps_s, stamps_s, 60.0, samples=markers)
    assert played.kinds() == set()
    assert played.watch.judge(_T0 + 60.1) == ("good", "4 received")


# Silence, rate, gaps ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("hz", "limit_s"), [(2.0, 2.0), (4.0, 2.0), (250.0, 2.0), (2000.0, 2.0), (0.5, 6.0)])
def test_silence_is_told_within_2_s_and_ends_with_the_first_data(hz: float, limit_s: float) -> None:
    times_s = _ticks(hz, 60.0)
    kept = (times_s < 20) | (times_s >= 40)
    played = _play(_describe(hz), times_s[kept], times_s[kept], 59.0)
    last_s = float(times_s[times_s < 20][-1])
    assert last_s + 1 < played.told_s("no-data") <= last_s + limit_s
    assert played.finding("no-data").light == "fail"
    assert "no-data" in played.kinds(39.0, 40.0)
    assert "no-data" not in played.kinds(40.5)


def test_a_device_that_sends_every_two_seconds_is_not_silent_in_between() -> None:
    times_s = _ticks(100.0, 60.0)
    played = _play(_describe(100.0), times_s, _in_chunks(times_s, 200), 59.0)
    assert played.kinds(8.0) == set()


@pytest.mark.parametrize("stamping", ["device", "deduced", "bursts"])
@pytest.mark.parametrize("change", [0.6, 0.8, 0.92, 1.08, 1.3])
@pytest.mark.parametrize(("hz", "n_chunk"), [(50.0, 1), (100.0, 2), (128.0, 12), (250.0, 10), (1000.0, 50)])
def test_a_wrong_rate_is_told_within_2_s(hz: float, n_chunk: int, change: float, stamping: str) -> None:
    times_s = _ticks(hz * change, 30.0)
    arrivals_s = _in_chunks(times_s, n_chunk)
    stamps_s = times_s if stamping == "device" else _deduced(arrivals_s, n_chunk, hz)
    if stamping == "bursts":
        # A loop that wakes every 20 ms and sends what is due, each sample stamped as it goes.
        arrivals_s = np.ceil(times_s / 0.02) * 0.02
        stamps_s = arrivals_s + 1e-6 * np.arange(len(times_s))
    played = _play(_describe(hz), stamps_s, arrivals_s, 29.0)
    # Single samples that a loop collects hide 8 % of their rate in the loop's own grain for a while longer.
    is_hidden = stamping == "bursts" and abs(change - 1) < 0.1
    assert played.told_s("rate-off") <= (4.2 if is_hidden else 2.2)
    assert played.kinds() == {"rate-off"}
    assert played.finding("rate-off").rate_hz == pytest.approx(hz * change, rel=0.02)
    assert {f.kind for _, findings in played.looks[-20:] for f in findings} == {"rate-off"}


@pytest.mark.parametrize("change", [0.8, 1.2])
def test_a_rate_that_goes_off_is_told_within_2_s_and_over_soon_after_it_has_come_back(change: float) -> None:
    off_s = 20 + _ticks(250.0 * change, 10.0)
    times_s = np.concatenate((_ticks(250.0, 20.0), off_s, 30 + _ticks(250.0, 20.0)))
    played = _play(_describe(250.0), times_s, _in_chunks(times_s, 10), 49.0)
    assert 20 < played.told_s("rate-off") < 22
    assert played.kinds(24.0, 29.9) == {"rate-off"}
    assert played.kinds(36.0) == set()


@pytest.mark.parametrize("change", [0.7, 1.3])
def test_stamps_that_claim_a_rate_at_which_nothing_arrives_are_told(change: float) -> None:
    arrivals_s = _in_chunks(_ticks(250.0 * change, 20.0), 10)
    played = _play(_describe(250.0), np.arange(len(arrivals_s)) / 250.0, arrivals_s, 19.0)
    assert played.told_s("rate-off") < 2.5
    assert played.finding("rate-off").rate_hz == pytest.approx(250 * change, rel=0.03)


@pytest.mark.parametrize("n_lost", [1, 3, 10, 100, 300, 1250])
def test_lost_samples_are_counted_and_told_within_2_s(n_lost: int) -> None:
    times_s = np.delete(_ticks(250.0, 60.0), slice(5000, 5000 + n_lost))
    played = _play(_describe(250.0), times_s, _in_chunks(times_s, 10), 59.0)
    back_s = 20 + n_lost / 250
    assert back_s < played.told_s("gap") <= back_s + 2
    gap = played.finding("gap")
    assert (gap.n_missing, gap.n_times) == (n_lost, 1)
    assert gap.missing_s == pytest.approx(n_lost / 250)
    assert played.kinds() <= {"gap", "no-data"}
    assert played.ends_well()


# Clocks ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("base_s", [1.7e9, -_T0, 30.0, -30.0])
def test_a_clock_on_another_base_is_told_within_2_s(base_s: float) -> None:
    times_s = _ticks(250.0, 20.0)
    played = _play(_describe(250.0), times_s + base_s, _in_chunks(times_s, 10), 19.0)
    assert played.told_s("clock-base") <= 2
    assert played.finding("clock-base").offset_s == pytest.approx(base_s, abs=0.2)
    assert played.kinds() == {"clock-base"}


def test_another_base_that_the_offset_explains_is_no_fault() -> None:
    times_s = _ticks(250.0, 20.0)
    played = _play(_describe(250.0), times_s - 86400, _in_chunks(times_s, 10), 19.0, offset=lambda _: 86400.0)
    assert played.kinds() == set()


def test_a_clock_that_is_no_longer_measured_is_told_and_over_with_the_next_measurement() -> None:
    times_s = _ticks(250.0, 60.0)
    played = _play(
        _describe(250.0), times_s, times_s, 59.0, offset=lambda t: None if 20 < t < 40 else 1e-4
    )  # fmt: skip
    # Three probes in vain, then 2 s.
    assert 20 < played.told_s("clock-frozen") < 20 + 3 * _PROBE_S + 2
    assert played.kinds() == {"clock-frozen"}
    assert played.ends_well()


def test_measurements_that_repeat_to_the_last_bit_are_told() -> None:
    watch = StreamWatch(_describe(250.0), _T0)
    for k in range(8):
        now_s = _T0 + 2.5 * k
        watch.count(np.full((4, 5), k, dtype=np.float32), now_s - np.arange(5)[::-1] / 250, now_s)
        watch.clock(now_s, 0.0 if k > 2 else 1e-5 * k, 1e-4, now_s)
    assert "identical" in next(f.words for f in watch.findings(_T0 + 17.6) if f.kind == "clock-frozen")


def test_a_clock_that_jumps_is_told_whether_its_offset_shows_it_or_its_stamps() -> None:
    times_s = _ticks(250.0, 40.0)
    jumped_s = times_s + 100.0 * (times_s >= 20)
    by_offset = _play(
        _describe(250.0), jumped_s, times_s, 39.0, offset=lambda t: 0.0 if t < 20 else -100.0
    )  # fmt: skip
    assert 20 < by_offset.told_s("clock-reset") < 22
    back_s = times_s - 4.0 * (times_s >= 20)
    by_stamps = _play(_describe(250.0), back_s, times_s, 39.0)
    assert 20 < by_stamps.told_s("clock-reset") < 22
    assert by_stamps.finding("clock-reset").offset_s == pytest.approx(-4.0, abs=0.05)
    assert by_stamps.kinds() == {"clock-reset"}
    assert by_stamps.ends_well()


# Flat channels --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("n_chunk", [1, 12, 50, 100])
@pytest.mark.parametrize("value", [0.0, 187500.0, np.nan])
def test_flat_channels_are_named_within_2_s_and_forgotten_when_they_move(n_chunk: int, value: float) -> None:
    times_s = _ticks(250.0, 30.0)
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((4, len(times_s))).astype(np.float32)
    samples[[0, 2], 2500:5000] = value
    played = _play(
        _describe(250.0, labels=("Fp1", "Cz", "Fp2", "Oz")), times_s, _in_chunks(times_s, n_chunk), 29.0, samples
    )  # fmt: skip
    assert 11.0 < played.told_s("flat") <= 12.1
    assert played.finding("flat", 19.0).channels == ("Fp1", "Fp2")
    assert played.finding("flat", 13.1).words.startswith("Fp1, Fp2 flat for 3 s")
    assert played.kinds() == {"flat"}
    assert played.kinds(23.0) == set()


def test_whole_numbers_that_meet_again_by_chance_are_not_flat() -> None:
    times_s = _ticks(250.0, 60.0)
    samples = np.round(np.random.default_rng(0).standard_normal((32, len(times_s))) * 1.5).astype(np.int16)
    description = _describe(250.0, 32, format_="int16")
    assert _play(description, times_s, _in_chunks(times_s, 5), 59.0, samples).kinds() == set()


@pytest.mark.parametrize(
    "description",
    [
        _describe(250.0, 1, "TTL"),
        _describe(50.0, 3, "Accelerometer"),
        _describe(10.0, 1, "Battery"),
        _describe(250.0, 2, "EEG", ("Trigger", "Status")),
        _describe(250.0, 1, "EEG", ("REF",)),
        _describe(60.0, 2, "Mouse"),
    ],
)
def test_channels_that_may_rest_are_not_called_flat(description: StreamDescription) -> None:
    times_s = _ticks(description.nominal_hz, 30.0)
    samples = np.zeros((description.n_channels, len(times_s)), dtype=np.float32)
    assert _play(description, times_s, times_s, 29.0, samples).kinds() == set()


def test_a_study_says_which_channels_must_not_rest() -> None:
    # By their names AUX 1 and 2 may rest, and E1 and E4 may not; the study knows better.
    description = _describe(250.0, 6, "EEG", ("E1", "E2", "E3", "E4", "AUX 1", "AUX 2"))
    roles = (
        RoleAssignment("EEG", "amp", "id", (0, 1), ("Fz", "Cz"), 1e-6, minus=(-1, 2)),
        RoleAssignment("EDA", "amp", "id", (4,), ("EDA",), 1e-6),
        RoleAssignment("photodiode", "amp", "id", (5,), ("light",), 1.0),
        RoleAssignment("ECG", "another", "id", (3,), ("ECG",), 1.0),
    )
    times_s = _ticks(250.0, 12.0)
    samples = np.zeros((6, len(times_s)), dtype=np.float32)
    named = _play(description, times_s, times_s, 10.0, samples, roles=roles).finding("flat").channels
    assert named == ("E1", "E2", "E3", "AUX 1")
    assert _play(description, times_s, times_s, 10.0, samples).finding("flat").channels == ("E1", "E2", "E3", "E4")


def test_a_slow_coarse_sensor_that_repeats_itself_is_not_flat() -> None:
    # Skin conductance at 4 Hz, a step of the converter every second or two.
    times_s = _ticks(4.0, 200.0)
    rng = np.random.default_rng(1)
    samples = np.round(np.cumsum(rng.standard_normal((1, len(times_s))) * 0.3, axis=1)).astype(np.float32)
    assert _play(_describe(4.0, 1, "EDA"), times_s, times_s, 199.0, samples).kinds() == set()


def test_a_dead_amplifier_is_told_as_a_whole() -> None:
    times_s = _ticks(250.0, 10.0)
    played = _play(_describe(250.0, 8), times_s, times_s, 9.0, np.zeros((8, len(times_s)), dtype=np.float32))
    assert played.told_s("flat") <= 2
    assert played.finding("flat", 3.1).words == "all 8 channels flat for 3 s"


# The worst first, and its cost ----------------------------------------------------------------------------
def test_a_lost_stream_is_only_lost_and_well_again_when_it_is_back() -> None:
    description = _describe(250.0)
    watch = _play(description, _ticks(250.0, 10.0), _ticks(250.0, 10.0), 9.5).watch
    watch.lose(_T0 + 10)
    assert [f.kind for f in watch.findings(_T0 + 13)] == ["lost"]
    assert watch.judge(_T0 + 13).light == "fail"
    watch.restart(_T0 + 14, replace(description, uid="another"))
    assert watch.findings(_T0 + 14.1) == ()


def test_the_worst_finding_leads() -> None:
    times_s = _ticks(200.0, 10.0)
    samples = np.zeros((4, len(times_s)), dtype=np.float32)
    played = _play(_describe(250.0), times_s + 100, times_s, 9.0, samples)
    assert [f.kind for f in played.looks[-1][1]] == ["clock-base", "rate-off", "flat"]
    assert played.watch.judge(_T0 + 9.1).light == "fail"


def test_counting_a_chunk_costs_microseconds() -> None:
    rng = np.random.default_rng(0)
    chunks = [np.ascontiguousarray(rng.standard_normal((50, 64)).astype(np.float32)).T for _ in range(40)]
    watch = StreamWatch(_describe(1000.0, 64), 0.0)
    yardstick = np.arange(3200.0).reshape(64, 50)
    ratios: list[float] = []
    for batch in range(30):
        stamps_s = [_T0 + (batch * 40 + k) * 0.05 + np.arange(50) / 1000 for k in range(40)]
        begun = time.process_time()
        for chunk, stamps in zip(chunks, stamps_s, strict=True):
            watch.count(chunk, stamps, float(stamps[-1]) + 0.01)
        counted = time.process_time()
        for _ in range(40):
            yardstick.std(axis=1)
        ratios.append((counted - begun) / (time.process_time() - counted))
    # 15 us where one standard deviation of the same chunk takes 20; both slow down alike on a busy machine.
    assert np.median(ratios) < 1.0


# Events ---------------------------------------------------------------------------------------------------
def _seen(*findings: HealthFinding, uid: str = "u", name: str = "amp", source_id: str = "id") -> RecordedStream:
    light = findings[0].light if findings else "good"
    return RecordedStream(name, "EEG", source_id, uid, 4, 250.0, 250.0, 1000, light, "", findings)


def _flat(since_s: float, *channels: str) -> HealthFinding:
    return HealthFinding("flat", "caution", f"{', '.join(channels)} flat", since_s, channels=channels)


def test_an_event_has_a_beginning_an_end_and_every_channel_it_ever_had() -> None:
    watchdog = Watchdog()
    assert watchdog.look((_seen(),), 100.0) == ()
    (begun,) = watchdog.look((_seen(_flat(98.0, "Fp1")),), 100.2)
    assert (begun.kind, begun.lsl_s, begun.stream, begun.source_id, begun.uid) == ("flat", 98.0, "amp", "id", "u")
    assert begun.end_lsl_s is None
    assert watchdog.look((_seen(_flat(98.0, "Fp1", "Fp2")),), 101.0) == ()
    (over,) = watchdog.look((_seen(),), 101.2)
    assert watchdog.events == (over,)
    assert (over.channels, over.end_lsl_s, over.n_times) == (("Fp1", "Fp2"), 101.0, 1)
    assert begun.utc < over.end_utc


def test_a_light_that_flickers_for_an_hour_fills_no_file_and_every_time_is_counted() -> None:
    watchdog = Watchdog()
    n_times = 0
    for k in range(1800):
        watchdog.look((_seen(_flat(2.0 * k, "Fp1")),), 2.0 * k)
        watchdog.look((_seen(),), 2.0 * k + 1)
        n_times += 1
    (event,) = watchdog.events
    assert event.n_times == n_times
    for k in range(1800):
        watchdog.look((_seen(HealthFinding("no-data", "fail", "", 1e5 + 60.0 * k)),), 1e5 + 60.0 * k)
        watchdog.look((_seen(),), 1e5 + 60.0 * k + 1)
    assert len(watchdog.events) < 100
    assert sum(event.n_times for event in watchdog.events if event.kind == "no-data") == 1800
    assert len(watchdog.recent) <= 100


def test_gaps_add_up_over_their_stories() -> None:
    watchdog = Watchdog()

    def gap(since_s: float, until_s: float, n_missing: int, n_times: int) -> HealthFinding:
        return HealthFinding(
            "gap", "caution", "", since_s, until_s, n_missing=n_missing, missing_s=n_missing / 250, n_times=n_times
        )

    watchdog.look((_seen(gap(10.0, 10.0, 5, 1)),), 10.5)
    watchdog.look((_seen(gap(10.0, 12.0, 9, 2)),), 12.5)
    watchdog.look((_seen(),), 18.5)
    watchdog.look((_seen(gap(19.0, 19.0, 3, 1)),), 19.5)
    watchdog.look((_seen(),), 26.0)
    watchdog.look((_seen(gap(60.0, 60.0, 1, 1)),), 60.5)
    watchdog.look((_seen(),), 67.0)
    first, second = watchdog.events
    assert (first.n_missing, first.n_times, first.lsl_s, first.end_lsl_s) == (12, 3, 10.0, 19.0)
    assert first.missing_s == pytest.approx(12 / 250)
    assert (second.n_missing, second.n_times) == (1, 1)


def test_loss_and_return_a_missing_stream_and_the_disk_are_events() -> None:
    watchdog = Watchdog()
    absent = RecordedStream("EDA", "", "", "", 0, 0.0, 0.0, 0, "fail", "not found yet")
    assert watchdog.look((_seen(), absent), 0.0) == ()
    assert [e.kind for e in watchdog.look((_seen(), absent), 4.0)] == ["not-found"]
    lost = HealthFinding("lost", "fail", "lost for 1 s", 5.0)
    watchdog.look((_seen(lost), absent), 6.0)
    changed = watchdog.look((_seen(uid="new"), absent), 9.0, "The disk is full.")
    assert [e.kind for e in changed] == ["lost", "returned", "disk"]
    assert watchdog.look((_seen(uid="new"), absent), 10.0, "The disk is full.") == ()
    (returned,) = watchdog.look((_seen(uid="newer"), absent), 11.0, "The disk is full.")
    assert (returned.kind, returned.uid) == ("returned", "newer")
    assert [e.kind for e in watchdog.events if e.end_lsl_s is None] == ["not-found"]
    assert watchdog.n_events == len(watchdog.events) == 5


def test_two_streams_of_one_name_are_told_apart() -> None:
    watchdog = Watchdog()
    twins = (_seen(_flat(1.0, "1"), source_id="", uid="a"), _seen(source_id="", uid="b"))
    watchdog.look(twins, 2.0)
    watchdog.look((twins[0], _seen(_flat(3.0, "2"), source_id="", uid="b")), 4.0)
    told: tuple[HealthEvent, ...] = watchdog.events
    assert [(e.uid, e.channels) for e in told] == [("a", ("1",)), ("b", ("2",))]
