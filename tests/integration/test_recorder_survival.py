"""What a recording survives: its own violent end, and sources that die, stop, break off, return and double."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veridical.domain.stream import StreamSelector
from veridical.ipc.messages import RecorderState
from veridical.recorder.outcome import RecorderOutcome
from veridical.recorder.recording_loop import record
from veridical.storage.xdf_reader import XdfStream, read_xdf
from veridical.storage.xdf_writer import XdfWriter
from veridical.streaming.clock import local_clock

_PROGRAM = Path(__file__).with_name("lsl_program.py")
_LOG = np.dtype([("stream", "<i8"), ("n", "<i8"), ("sent_s", "<f8")])
_TIMEOUT_S = 40.0
# Issue 3: what a killed recorder may lose of any stream.
_LOST_S = 0.15


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = _TIMEOUT_S) -> None:
    pause = threading.Event()
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited {timeout_s} s in vain for {what}"
        pause.wait(0.01)


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    """Registers what must be closed after the test, whatever happens."""
    things: list[Any] = []

    def register(thing: Any) -> Any:
        things.append(thing)
        return thing

    yield register
    for thing in reversed(things):
        thing.close()


@dataclass(frozen=True)
class _Sent:
    """A stream of the program: sample k holds k in every channel and is stamped k periods after the start."""

    name: str
    hz: float
    n_channels: int = 2
    format: str = "int32"
    source_id: str = ""
    type: str = "EEG"


class _Program:
    """The program and its log."""

    def __init__(self, folder: Path, *streams: _Sent) -> None:
        self.streams = streams
        self._log = folder / f"sent-{id(self)}.bin"
        spec = json.dumps([asdict(stream) for stream in streams])
        self.process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(self._log), spec],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.process.stdout is not None
        self.start_s = float(self.process.stdout.readline())

    def tell(self, command: str) -> None:
        """Give a command and wait until it is carried out."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def sent(self, stream: int = 0) -> tuple[Any, Any]:
        """(how many samples had been sent, by which LSL time) of a stream, one row per push."""
        raw = self._log.read_bytes()
        log = np.frombuffer(raw[: len(raw) // _LOG.itemsize * _LOG.itemsize], _LOG)
        own = log[log["stream"] == stream]
        return own["n"], own["sent_s"]

    def n_sent(self, until_s: float = float("inf"), stream: int = 0) -> int:
        """Samples of a stream that had been sent by an LSL time."""
        n, sent_s = self.sent(stream)
        return int(n[sent_s <= until_s].max(initial=0))

    def close(self) -> None:
        """End it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


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

    def counts(self) -> list[int]:
        """Newest counts of the streams, in the order of the file."""
        return [s.n_samples for s in self.states[-1].streams] if self.states else []

    def count(self, name: str) -> int:
        """Newest count of the streams of that name together; -1 if there is none."""
        found = [s.n_samples for s in self.states[-1].streams if s.name == name] if self.states else []
        return sum(found) if found else -1

    def words(self) -> str:
        """What is said of the first stream."""
        return self.states[-1].streams[0].words if self.states and self.states[-1].streams else ""

    @property
    def alarm(self) -> str:
        """What is wrong with the disk now."""
        return self.states[-1].alarm if self.states else ""

    def wait(self, **n: int) -> None:
        """Wait until the streams have at least so many samples, by name."""
        _wait(lambda: all(self.count(name) >= least for name, least in n.items()), f"{n} samples")

    def finish(self) -> RecorderOutcome:
        """Stop and wait."""
        self.close()
        assert self.outcome is not None
        return self.outcome

    def close(self) -> None:
        """End it if the test did not."""
        self._stop.set()
        self._thread.join(_TIMEOUT_S)


def _numbers(stream: XdfStream) -> Any:
    """The samples' own numbers."""
    return np.array([int(value) for value in stream.samples[0]])


def _kill_once(program: _Program, output: Path, after_s: float) -> dict[str, float]:
    """Start a recorder, kill it so long after its file began, and return the seconds lost of each stream."""
    process = subprocess.Popen(
        [sys.executable, "-m", "veridical", "record", str(output), "--stream", "all"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(output.exists, "the file")
        time.sleep(after_s)
        killed_s = local_clock()
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait(_TIMEOUT_S)
    lost_s: dict[str, float] = {}
    with read_xdf(output) as file:
        for index, sent in enumerate(program.streams):
            for stream in file.streams:
                numbers = _numbers(stream)
                if stream.name != sent.name or not len(numbers):
                    continue
                assert np.array_equal(np.diff(numbers), np.ones(len(numbers) - 1))
                n, sent_s = program.sent(index)
                missing_s = sent_s[(n > numbers[-1] + 1) & (sent_s <= killed_s)]
                lost_s[sent.name] = killed_s - float(missing_s[0]) if len(missing_s) else 0.0
    return lost_s


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_recorder_killed_at_any_moment_loses_less_than_150_ms_of_every_stream(
    tmp_path: Path, opened: Callable[[Any], Any], is_full: bool
) -> None:
    program = opened(
        _Program(
            tmp_path,
            _Sent("EEG", 500.0, 8, "float32", "kill-eeg"),
            _Sent("EDA", 4.0, 1, "float32", "kill-eda", "EDA"),
            _Sent("volatile", 100.0, 1, "int16", ""),
            _Sent("markers", 0.0, 1, "string", "kill-markers", "Markers"),
        )
    )
    program.tell("run")
    rng = np.random.default_rng(0)
    n_kills = 50 if is_full else 3
    # Among them the moments around the start, when streams get their headers, and each second's boundary.
    moments_s = np.sort(rng.uniform(0.6, 3.2, n_kills))
    lost: list[dict[str, float]] = [
        _kill_once(program, tmp_path / f"{k}.xdf", float(after_s)) for k, after_s in enumerate(moments_s)
    ]
    worst = {s.name: max((each[s.name] for each in lost if s.name in each), default=np.nan) for s in program.streams}
    n_seen = {s.name: sum(s.name in each for each in lost) for s in program.streams}
    sys.stdout.write(f"{n_kills} kills; worst loss in s: {worst}; recordings that had the stream: {n_seen}\n")
    assert all(n >= n_kills / 2 for n in n_seen.values()), n_seen
    assert max(worst.values()) <= _LOST_S, worst


@pytest.mark.parametrize("source_id", ["dies", ""])
def test_the_last_words_of_a_source_that_dies_are_in_the_file(
    tmp_path: Path, opened: Callable[[Any], Any], source_id: str
) -> None:
    program = opened(
        _Program(tmp_path, _Sent("EEG", 100.0, 2, "int64", source_id), _Sent("last", 0.0, 1, "string", source_id))
    )
    running = opened(_Running(tmp_path / "a.xdf"))
    _wait(lambda: len(running.counts()) == 2, "both streams")
    program.tell("push 20")
    running.wait(EEG=20, last=20)
    # Less than the recorder's pause between two looks.
    program.tell("die 0.04")
    running.wait(EEG=27, last=27)
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        assert [_numbers(stream).tolist() for stream in file.streams] == [list(range(27))] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are no file descriptors")
def test_a_broken_connection_is_made_again_in_the_same_record(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    program = opened(
        _Program(tmp_path, _Sent("EEG", 200.0, 2, "int32", "breaks"), _Sent("none", 200.0, 2, "int32", ""))
    )
    program.tell("run")
    running = opened(_Running(tmp_path / "a.xdf"))
    running.wait(EEG=200, none=200)
    program.tell("break")
    before = running.counts()
    _wait(lambda: all(b > a + 100 for a, b in zip(before, running.counts(), strict=True)), "data after the break")
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        for stream in file.streams:
            steps = np.diff(_numbers(stream))
            assert np.all(steps >= 1), "doubled samples"
            # One gap: from the break until it was noticed and the connection stood again.
            assert np.count_nonzero(steps > 1) <= 1
            assert steps.max() < 200 * 3.0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP")
def test_a_source_that_stands_still_loses_and_doubles_nothing(
    tmp_path: Path, opened: Callable[[Any], Any], is_full: bool
) -> None:
    program = opened(
        _Program(tmp_path, _Sent("EEG", 200.0, 2, "int32", "stands"), _Sent("slow", 10.0, 1, "double64", "slow"))
    )
    program.tell("run")
    running = opened(_Running(tmp_path / "a.xdf"))
    running.wait(EEG=300, slow=15)
    program.process.send_signal(signal.SIGSTOP)
    # Longer than the 5 s after which the network forgets it.
    time.sleep(20.0 if is_full else 6.5)
    assert running.words().startswith("lost")
    before = running.counts()
    program.process.send_signal(signal.SIGCONT)
    _wait(lambda: all(b > a + 20 for a, b in zip(before, running.counts(), strict=True)), "data again")
    time.sleep(1.0)
    assert not running.words().startswith("lost")
    outcome = running.finish()
    assert outcome.is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        assert len(file.streams) == 2
        for stream in file.streams:
            numbers = _numbers(stream)
            assert np.array_equal(np.diff(numbers), np.ones(len(numbers) - 1))
            collected_s, offset_s = stream.clock_offsets.T
            assert np.all(np.diff(collected_s) > 0)
            # Source and recorder share a clock; a reply that waited for the source to go on would say seconds.
            assert np.max(np.abs(offset_s)) < 0.02


def test_a_source_killed_and_started_again_at_once_goes_on_in_its_record(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    sent = (_Sent("EEG", 200.0, 2, "int32", "returns"), _Sent("nameless", 200.0, 1, "int32", ""))
    first = opened(_Program(tmp_path, *sent))
    first.tell("run")
    running = opened(_Running(tmp_path / "a.xdf"))
    running.wait(EEG=200, nameless=200)
    first.process.kill()
    first.process.wait()
    second = opened(_Program(tmp_path, *sent))
    second.tell("run")
    running.wait(EEG=600, nameless=600)
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        streams = {(s.name, s.id): s for s in file.streams}
        assert [name for name, _ in streams].count("EEG") == 1
        # Nothing says that two streams without a source id are the same one.
        assert [name for name, _ in streams].count("nameless") == 2
        eeg = next(s for s in file.streams if s.name == "EEG")
        (restart,) = np.flatnonzero(np.diff(_numbers(eeg)) != 1)
        late = [s for s in file.streams if s.name == "nameless"][1]
        begun_s = float(second.sent(0)[1][0])
        assert eeg.timestamps[restart + 1] - begun_s < 1.0
        assert late.timestamps[0] - begun_s < 1.0


def test_living_twins_with_one_source_id_are_kept_apart(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    sent = _Sent("EEG", 100.0, 1, "int32", "twin")
    one = opened(_Program(tmp_path, sent))
    one.tell("run")
    running = opened(_Running(tmp_path / "a.xdf"))
    running.wait(EEG=50)
    two = opened(_Program(tmp_path, sent))
    two.tell("push 1000")
    two.tell("run")
    running.wait(EEG=1200)
    # When one dies the library would go on with the other, as if it were the same.
    one.process.kill()
    running.wait(EEG=running.count("EEG") + 250)
    assert running.finish().is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        assert len(file.streams) == 2
        for stream in file.streams:
            assert np.all(np.diff(_numbers(stream)) == 1)
        assert _numbers(file.streams[0])[-1] < one.n_sent()


def test_128_channels_at_2_khz_lose_nothing(tmp_path: Path, opened: Callable[[Any], Any], is_full: bool) -> None:
    program = opened(_Program(tmp_path, _Sent("EEG", 2000.0, 128, "float32", "wide")))
    running = opened(_Running(tmp_path / "a.xdf"))
    _wait(lambda: len(running.counts()) == 1, "the stream")
    program.tell("run")
    running.wait(EEG=60_000 if is_full else 6_000)
    stopped_s = local_clock()
    outcome = running.finish()
    closed_s = local_clock()
    assert outcome.is_verified
    assert closed_s - stopped_s < 1.5
    with read_xdf(tmp_path / "a.xdf") as file:
        (stream,) = file.streams
        assert isinstance(stream.samples, np.ndarray)
        k = np.arange(stream.n_samples, dtype=np.float32)
        assert np.array_equal(stream.samples, np.tile(k, (128, 1)))
        assert stream.n_samples >= program.n_sent(stopped_s)
        steps_s = np.diff(stream.timestamps)
        assert np.max(np.abs(steps_s - 1 / 2000)) < 1e-9


def test_everything_sent_before_stop_is_in_although_it_comes_as_a_late_burst(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    program = opened(
        _Program(tmp_path, _Sent("EEG", 1000.0, 8, "float32", "burst"), _Sent("markers", 0.0, 1, "string", "burst-m"))
    )
    program.tell("run")
    for attempt in range(3):
        running = opened(_Running(tmp_path / f"{attempt}.xdf"))
        running.wait(EEG=300, markers=0)
        program.tell("push 60")
        stopped_s = local_clock()
        outcome = running.finish()
        assert outcome.is_verified
        with read_xdf(tmp_path / f"{attempt}.xdf") as file:
            for stream in file.streams:
                index = [sent.name for sent in program.streams].index(stream.name)
                assert _numbers(stream)[-1] >= program.n_sent(stopped_s, index) - 1


def test_a_disk_that_blocks_for_two_seconds_rings_within_one_and_loses_nothing(
    tmp_path: Path, opened: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = opened(_Program(tmp_path, _Sent("EEG", 1000.0, 8, "float32", "slow-disk")))
    program.tell("run")
    original = XdfWriter._open
    is_slow = threading.Event()
    blocked_s: list[float] = []

    class _Slow:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: Any) -> int:
            if is_slow.is_set():
                blocked_s.append(local_clock())
                is_slow.clear()
                time.sleep(2.0)
            return int(self._file.write(data))

    monkeypatch.setattr(XdfWriter, "_open", lambda self, path: _Slow(original(self, path)))
    running = opened(_Running(tmp_path / "a.xdf"))
    running.wait(EEG=500)
    is_slow.set()
    _wait(lambda: bool(running.alarm), "the alarm")
    assert local_clock() - blocked_s[0] < 1.0
    assert "has not taken anything" in running.alarm
    running.wait(EEG=4000)
    assert running.alarm == ""
    outcome = running.finish()
    assert outcome.is_verified
    assert outcome.alarm == ""
    assert [e.kind for e in outcome.events if "waiting for" in e.words] == ["disk"]
    with read_xdf(tmp_path / "a.xdf") as file:
        numbers = _numbers(file.streams[0])
        assert np.array_equal(np.diff(numbers), np.ones(len(numbers) - 1))


def test_a_stream_that_appears_when_recording_stops_does_no_harm(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    steady = opened(_Program(tmp_path, _Sent("EEG", 200.0, 2, "int32", "steady")))
    steady.tell("run")
    for attempt in range(3):
        running = opened(_Running(tmp_path / f"{attempt}.xdf"))
        running.wait(EEG=20)
        late = opened(_Program(tmp_path, _Sent("late", 200.0, 2, "int32", f"late-{attempt}")))
        late.tell("run")
        time.sleep(0.2 * attempt)
        outcome = running.finish()
        assert outcome.is_verified
        assert 1 <= len(outcome.streams) <= 2
        late.close()
