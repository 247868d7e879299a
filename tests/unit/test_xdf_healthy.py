"""A recording that is usable as it is gets no defect: false alarms make people stop reading."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.storage.xdf_inspection import inspect
from veridical.storage.xdf_writer import XdfWriter

Stamps = Callable[[np.random.Generator, float, float, float], FloatArray]


@dataclass(frozen=True)
class Device:
    """A healthy device: how it stamps, and what it announces."""

    name: str
    stamps: Stamps
    hz: float
    type: str = "EEG"
    format: SampleFormat = "float32"
    labels: tuple[str, ...] = ("Fz", "Cz")
    types: tuple[str, ...] = ("EEG", "EEG")


def _exact(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    return start_s + np.arange(int((stop_s - start_s) * hz)) / hz


def _drifting(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    return _exact(rng, hz * (1 + rng.uniform(-2e-4, 2e-4)), start_s, stop_s)


def _jittered(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    exact_s = _drifting(rng, hz, start_s, stop_s)
    return exact_s + rng.normal(0, rng.choice([1e-4, 1e-3, 5e-3]), len(exact_s))


def _late(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    """Stamped on arrival, one by one; never back in time."""
    exact_s = _drifting(rng, hz, start_s, stop_s)
    return np.maximum.accumulate(exact_s + rng.exponential(rng.choice([1e-3, 8e-3]), len(exact_s)))


def _in_packets(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    """Packets stamped back from their arrival at the announced rate, as ``push_chunk`` does."""
    exact_s = _drifting(rng, hz, start_s, stop_s)
    n = int(rng.choice([4, 12, 32]))
    ends = np.minimum((np.arange(len(exact_s)) // n + 1) * n - 1, len(exact_s) - 1)
    arrival_s = exact_s[ends] + np.repeat(rng.exponential(5e-3, len(exact_s) // n + 1), n)[: len(exact_s)]
    return arrival_s - (ends - np.arange(len(exact_s))) / hz


def _same_in_packets(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    exact_s = _drifting(rng, hz, start_s, stop_s)
    return np.repeat(exact_s[7::8], 8)


def _stalling(rng: np.random.Generator, hz: float, start_s: float, stop_s: float) -> FloatArray:
    """A radio that now and then delivers seconds at once; nothing is lost."""
    exact_s = _drifting(rng, hz, start_s, stop_s)
    stamps_s = exact_s + 2e-4 * rng.random(len(exact_s))
    for at_s in np.arange(start_s + 3, stop_s - 4, 7.0):
        stalled = (exact_s > at_s) & (exact_s < at_s + rng.uniform(0.3, 2.5))
        if stalled.any():
            stamps_s[stalled] = exact_s[stalled][-1] + 1e-3 + 1e-5 * np.arange(stalled.sum())
    return np.maximum.accumulate(stamps_s)


DEVICES = (
    Device("exact", _exact, 1000.0),
    Device("drifting", _drifting, 250.0),
    Device("jittered", _jittered, 256.0),
    Device("late", _late, 500.0),
    Device("packets", _in_packets, 256.0, format="double64"),
    Device("same", _same_in_packets, 250.0),
    Device("stalling", _stalling, 128.0),
    Device("wrist", _drifting, 4.0, "EDA", labels=("EDA", "battery"), types=("EDA", "battery")),
    Device("amplifier", _drifting, 512.0, format="int32", labels=("Fz", "TRIG", "STATUS"), types=("EEG", "", "misc")),
    Device("still", _exact, 50.0, "ACC", labels=("x", "y"), types=("ACC", "ACC")),
)  # fmt: skip


def _values(rng: np.random.Generator, device: Device, n: int) -> FloatArray:
    walk = np.cumsum(rng.normal(0, 5, (len(device.labels), n)), axis=1)
    is_still = [label.lower() in ("battery", "trig", "status", "x", "y") for label in device.labels]
    walk[np.array(is_still)] = 42
    return walk


def _record(path: Path, seed: int) -> None:
    """Some of the devices, markers, clocks of other machines; joined late, left early."""
    rng = np.random.default_rng(seed)
    duration_s = float(rng.choice([10.0, 30.0, 90.0]))
    origin_s = float(rng.uniform(100, 1e6))
    devices = [DEVICES[k] for k in rng.choice(len(DEVICES), rng.integers(1, 5), replace=False)]
    writer = XdfWriter(path)
    for device in devices:
        start_s, stop_s = origin_s + rng.uniform(0, 3), origin_s + duration_s - rng.uniform(0, 2)
        stamps_s = device.stamps(rng, device.hz, start_s, stop_s)
        description = StreamDescription(
            device.name, device.type, device.name, device.name, "h", len(device.labels), device.hz, device.format,
            device.labels, device.types,
        )  # fmt: skip
        id_ = writer.add_stream(description)
        # The sender's clock: this machine's, or one that started at another time and runs a little differently.
        offset_s, drift = (0.0, 0.0) if rng.random() < 0.5 else (rng.uniform(-1e6, 1e6), rng.uniform(-5e-5, 5e-5))
        remote_s = stamps_s - offset_s - drift * (stamps_s - origin_s)
        values = _values(rng, device, len(stamps_s))
        step = max(1, round(0.5 * device.hz))
        for first in range(0, len(stamps_s), step):
            writer.write_samples(id_, values[:, first : first + step], remote_s[first : first + step])
        for at_s in np.arange(start_s, stop_s, 5.0):
            at_remote_s = at_s - offset_s - drift * (at_s - origin_s)
            writer.write_clock_offset(id_, at_remote_s, at_s - at_remote_s + rng.normal(0, 2e-5))
    if rng.random() < 0.7:
        id_ = writer.add_stream(StreamDescription("markers", "Markers", "m", "m", "h", 1, 0.0, "string"))
        # Some were pushed before the recording began, or come after the last sample.
        at_s = np.sort(rng.uniform(origin_s - 5, origin_s + duration_s + 5, rng.integers(1, 30)))
        writer.write_samples(id_, [[f"m{k}" for k in range(len(at_s))]], at_s)
        writer.write_clock_offset(id_, origin_s, 1e-6)
    writer.close()


@pytest.mark.parametrize("seed", range(8))
def test_a_usable_recording_has_no_defect(tmp_path: Path, seed: int) -> None:
    _record(tmp_path / "a.xdf", seed)
    seen = inspect(tmp_path / "a.xdf")
    assert (seen.defects, {s.name: s.defects for s in seen.streams if s.defects}) == ((), {})
    assert seen.remarks == ()


@pytest.mark.full
@pytest.mark.timeout(900)
def test_three_hundred_usable_recordings_have_no_defect(tmp_path: Path) -> None:
    found: dict[int, object] = {}
    for seed in range(100, 400):
        path = tmp_path / f"{seed}.xdf"
        _record(path, seed)
        seen = inspect(path)
        if seen.defects or any(s.defects for s in seen.streams):
            found[seed] = (seen.defects, [(s.name, s.defects) for s in seen.streams])
        path.unlink()
    assert found == {}
