"""Faults of real streams under a real recorder: each told in time, on its channels, and kept with the recording."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pylsl
import pytest

from veridical.domain.run import StreamSelector
from veridical.ipc.messages import RecorderState
from veridical.recorder.outcome import RecorderOutcome
from veridical.recorder.recording_loop import record

_HZ = 250.0
_LABELS = ("Fp1", "Fp2", "Pz", "Oz")
_TICK_S = 0.02


class _Device:
    """One amplifier that begins to misbehave when it is told to."""

    def __init__(self, name: str) -> None:
        info = pylsl.StreamInfo(name, "EEG", len(_LABELS), _HZ, "float32", f"health-{name}")
        channels = info.desc().append_child("channels")
        for label in _LABELS:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("type", "EEG")
        self.name = name
        self._outlet = pylsl.StreamOutlet(info)
        self._rng = np.random.default_rng(len(name))
        self._next_s = pylsl.local_clock()
        self.is_bad = False

    def send(self) -> None:
        """Send what is due, each device with the fault of its name once it is bad."""
        now_s = pylsl.local_clock()
        hz = 0.8 * _HZ if self.is_bad and self.name == "slow" else _HZ
        n = max(0, int((now_s - self._next_s) * hz))
        stamps_s = self._next_s + np.arange(1, n + 1) / hz
        self._next_s += n / hz
        samples = self._rng.standard_normal((n, len(_LABELS))).astype(np.float32)
        if n == 0 or (self.is_bad and self.name == "silent"):
            return
        if self.is_bad and self.name == "flat":
            samples[:, 1] = samples[0, 1] * 0 + 3.0
        if self.is_bad and self.name == "gappy":
            # Half a second out of every second never leaves the device.
            is_sent = stamps_s % 1.0 < 0.5
            samples, stamps_s = samples[is_sent], stamps_s[is_sent]
        if self.is_bad and self.name == "epoch":
            stamps_s = stamps_s + 1e6
        if len(stamps_s):
            self._outlet.push_chunk(samples, stamps_s.tolist())


_FAULTS = {"silent": "no-data", "slow": "rate-off", "flat": "flat", "gappy": "gap", "epoch": "clock-base"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecorderOutcome, dict[str, float], float]:
    """One recording of six devices: outcome, when each fault was first told, and when all faults began."""
    devices = [_Device(name) for name in (*_FAULTS, "healthy")]
    stop, told, began = threading.Event(), dict[str, float](), 0.0
    outcomes: list[RecorderOutcome] = []
    counts: dict[str, int] = {}

    def watch(state: RecorderState) -> None:
        for stream in state.streams:
            counts[stream.name] = stream.n_samples
            for finding in stream.findings:
                told.setdefault(f"{stream.name} {finding.kind} {','.join(finding.channels)}", time.monotonic())

    selectors = [StreamSelector(source_id=f"health-{d.name}") for d in devices]
    path = tmp_path_factory.mktemp("health") / "a.xdf"
    recorder = threading.Thread(target=lambda: outcomes.append(record(path, selectors, None, stop, watch)), daemon=True)
    recorder.start()

    def run_until(is_true: Callable[[], bool], timeout_s: float) -> None:
        pause, end = threading.Event(), time.monotonic() + timeout_s
        while not is_true() and time.monotonic() < end:
            for device in devices:
                device.send()
            pause.wait(_TICK_S)

    run_until(lambda: len(counts) == len(devices) and min(counts.values()) > 5 * _HZ, 40.0)
    assert not told, "nothing is wrong yet"
    for device in devices:
        device.is_bad = True
    began = time.monotonic()
    run_until(lambda: {key.split()[0] for key in told} >= set(_FAULTS), 8.0)
    stop.set()
    run_until(lambda: bool(outcomes), 20.0)
    recorder.join(10.0)
    return outcomes[0], told, began


@pytest.mark.parametrize(("name", "kind"), _FAULTS.items())
def test_a_fault_is_told_soon_and_as_what_it_is(
    recorded: tuple[RecorderOutcome, dict[str, float], float], name: str, kind: str
) -> None:
    _, told, began = recorded
    mine = {key.split()[1]: at for key, at in told.items() if key.startswith(f"{name} ")}
    assert kind in mine, f"{name} was told as {sorted(mine)}"
    # Two seconds after it can be known: the silence of a moment, and half a second of one value, are no faults yet.
    # The machine that runs this may be busy; the exact bound is tested on stream time in test_watchdog.
    assert mine[kind] - began < 4.0


def test_only_the_flat_channel_is_named(recorded: tuple[RecorderOutcome, dict[str, float], float]) -> None:
    _, told, _ = recorded
    assert any(key == "flat flat Fp2" for key in told), sorted(told)


def test_the_healthy_device_is_left_in_peace(recorded: tuple[RecorderOutcome, dict[str, float], float]) -> None:
    outcome, told, _ = recorded
    assert not [key for key in told if key.startswith("healthy ")]
    assert not [event for event in outcome.events if event.stream == "healthy"]


def test_every_fault_is_an_event_of_the_recording(recorded: tuple[RecorderOutcome, dict[str, float], float]) -> None:
    outcome, _, _ = recorded
    events = {(event.stream, event.kind): event for event in outcome.events}
    assert set(_FAULTS.items()) <= set(events)
    assert events["flat", "flat"].channels == ("Fp2",)
    assert events["slow", "rate-off"].rate_hz == pytest.approx(0.8 * _HZ, rel=0.05)
    assert events["gappy", "gap"].n_missing > 0
    assert outcome.is_verified
