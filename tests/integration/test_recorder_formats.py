"""Everything LSL can carry arrives in the file bit for bit: formats, rates, texts, and streams of one name."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pylsl
import pytest

from veridical.domain.stream import StreamSelector
from veridical.ipc.messages import RecorderState
from veridical.recorder.outcome import RecorderOutcome
from veridical.recorder.recording_loop import record
from veridical.storage.xdf_reader import read_xdf

_TIMEOUT_S = 40.0
_KINDS = {"float32": "f4", "double64": "f8", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8"}


def _wait(condition: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    end = time.monotonic() + _TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, f"waited {_TIMEOUT_S} s in vain for {what}"
        pause.wait(0.01)


class _Running:
    """``record`` in a thread of this process."""

    def __init__(self, output: Path, *selectors: StreamSelector) -> None:
        self._stop = threading.Event()
        self.states: list[RecorderState] = []
        self.outcome: RecorderOutcome | None = None
        self._output, self._selectors = output, selectors or (StreamSelector(),)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.outcome = record(self._output, self._selectors, None, self._stop, self.states.append)

    def counts(self) -> dict[str, int]:
        """Samples so far, by source id."""
        return {s.source_id: s.n_samples for s in self.states[-1].streams} if self.states else {}

    def finish(self) -> RecorderOutcome:
        """Stop and wait."""
        self.close()
        assert self.outcome is not None
        return self.outcome

    def close(self) -> None:
        """End it if the test did not."""
        self._stop.set()
        self._thread.join(_TIMEOUT_S)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., _Running]]:
    """Starts a recording of ``a.xdf`` that ends with the test."""
    running: list[_Running] = []

    def begin(*selectors: StreamSelector) -> _Running:
        running.append(_Running(tmp_path / "a.xdf", *selectors))
        return running[-1]

    yield begin
    for each in running:
        each.close()


def _outlet(name: str, n_channels: int, hz: float, format_: str, source_id: str) -> pylsl.StreamOutlet:
    return pylsl.StreamOutlet(pylsl.StreamInfo(name, "test", n_channels, hz, format_, source_id))


def test_every_number_format_regular_or_not_arrives_bit_for_bit(tmp_path: Path, start: Callable[..., _Running]) -> None:
    rng = np.random.default_rng(0)
    outlets, sent, stamps_s = {}, {}, {}
    for format_, kind in _KINDS.items():
        for hz in (0.0, 250.0):
            key = f"{format_}-{hz:g}"
            outlets[key] = _outlet(key, 3, hz, format_, key)
            # Every pattern of bits: infinities, NaN with payloads, the smallest and the largest.
            sent[key] = np.frombuffer(rng.bytes(3 * 400 * np.dtype(kind).itemsize), kind).reshape(400, 3)
            stamps_s[key] = pylsl.local_clock() + np.cumsum(rng.uniform(-0.5e-3, 4e-3, 400))
    running = start()
    _wait(lambda: len(running.counts()) == len(outlets), "all streams")
    for first in range(0, 400, 100):
        for key, outlet in outlets.items():
            outlet.push_chunk(sent[key][first : first + 100].copy(), stamps_s[key][first : first + 100].tolist())
    _wait(lambda: min(running.counts().values()) == 400, "all samples")
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        assert {stream.source_id for stream in file.streams} == set(outlets)
        for stream in file.streams:
            assert isinstance(stream.samples, np.ndarray)
            assert stream.samples.T.tobytes() == sent[stream.source_id].tobytes(), stream.source_id
            assert stream.timestamps.tobytes() == stamps_s[stream.source_id].tobytes()


def test_texts_of_several_channels_arrive_byte_for_byte(tmp_path: Path, start: Callable[..., _Running]) -> None:
    outlet = _outlet("texts", 3, 0.0, "string", "texts")
    rows = [
        ["", "", ""], ["a", "", "ü 日本 🙂"], ["x" * 255, "y" * 256, "z" * 70_000], ["line\nend", "tab\t", '<&"\'>'],
        [" lead", "trail ", "0"],
    ]  # fmt: skip
    rows += [[str(k), "", "é" * k] for k in range(200)]
    running = start()
    _wait(lambda: len(running.counts()) == 1, "the stream")
    stamps_s = [pylsl.local_clock() + k * 1e-3 for k in range(len(rows))]
    for row, stamp_s in zip(rows, stamps_s, strict=True):
        outlet.push_sample(row, stamp_s)
    _wait(lambda: running.counts()["texts"] == len(rows), "all texts")
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        (stream,) = file.streams
        assert [list(row) for row in zip(*stream.samples, strict=True)] == rows
        assert stream.timestamps.tolist() == stamps_s


def test_rates_from_one_sample_in_ten_seconds_to_20_khz_share_a_file(
    tmp_path: Path, start: Callable[..., _Running]
) -> None:
    rates_hz = (0.1, 1.0, 20_000.0)
    outlets = {str(hz): _outlet(f"rate {hz}", 1, hz, "int32", str(hz)) for hz in rates_hz}
    running = start()
    _wait(lambda: len(running.counts()) == len(outlets), "all streams")
    begun_s, n = pylsl.local_clock(), dict.fromkeys(outlets, 0)
    while pylsl.local_clock() - begun_s < 2.5:
        for key, outlet in outlets.items():
            due = 1 + int((pylsl.local_clock() - begun_s) * float(key))
            if due > n[key]:
                k = np.arange(n[key], due)
                outlet.push_chunk(k[:, None].astype(np.int32), (begun_s + k / float(key)).tolist())
                n[key] = due
        time.sleep(0.02)
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        for stream in file.streams:
            assert isinstance(stream.samples, np.ndarray)
            assert np.array_equal(stream.samples[0], np.arange(n[stream.source_id])), stream.name
            assert len(stream.clock_offsets) >= 1


def test_the_command_chooses_by_host_and_type_and_keeps_one_name_apart(tmp_path: Path) -> None:
    host = pylsl.StreamInfo("x", "y").hostname()
    outlets = [
        pylsl.StreamOutlet(pylsl.StreamInfo("one, name", kind, 1, 0.0, "int8", f"host-{k}"))
        for k, kind in enumerate(("EEG", "EEG", "Markers"))
    ]
    output = tmp_path / "a.xdf"
    done = subprocess.run(
        [
            sys.executable, "-m", "veridical", "record", str(output), "--seconds", "3", "--json",
            "--stream", f"name=one, name,type=EEG,host={host or pylsl.resolve_streams(1.0)[0].hostname()}",
        ],
        capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert sorted(stream["source_id"] for stream in outcome["streams"]) == ["host-0", "host-1"]
    assert len({stream["uid"] for stream in outcome["streams"]}) == len(outlets) - 1
