"""The recorder process with real LSL streams: nothing sent is missing, whatever happens to streams, disk or process."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, StreamSelector
from veridical.domain.stream import StreamDescription
from veridical.ipc.channel import Attachment
from veridical.ipc.messages import RecorderState, Stop
from veridical.paths import RunPaths
from veridical.recorder.outcome import RecorderOutcome
from veridical.recorder.recording_loop import record
from veridical.storage.run_folder import read_outcome, write_plan
from veridical.storage.xdf_inspection import inspect
from veridical.storage.xdf_reader import XdfStream, read_xdf
from veridical.streaming.clock import local_clock
from veridical.streaming.outlet import MarkerOutlet, NumericOutlet

_TIMEOUT_S = 30.0
_LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
runpy.run_module("veridical.recorder", run_name="__main__", alter_sys=True)
"""


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = _TIMEOUT_S) -> None:
    pause = threading.Event()
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited {timeout_s} s in vain for {what}"
        pause.wait(0.01)


class _Source:
    """A stream that counts: sample k holds k in every channel and is stamped k periods after the start."""

    def __init__(self, name: str, hz: float = 200.0, source_id: str | None = None, n_channels: int = 2) -> None:
        id_ = name if source_id is None else source_id
        self._hz = hz
        self._outlet = NumericOutlet(StreamDescription(name, "EEG", id_, "", "", n_channels, hz, "int32"))
        self._n_channels = n_channels
        self._is_over = threading.Event()
        self.n_sent = 0
        self.start_s = local_clock()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over.is_set():
            due = int((local_clock() - self.start_s) * self._hz)
            k = np.arange(self.n_sent, due)
            self._outlet.push(np.tile(k, (self._n_channels, 1)), self.start_s + k / self._hz)
            self.n_sent = due
            self._is_over.wait(0.02)

    def close(self) -> None:
        """Stop sending and disappear."""
        self._is_over.set()
        self._thread.join()
        self._outlet.close()


class _Recorder:
    """A recorder process and the window's end of its channel."""

    def __init__(self, folder: Path, selectors: tuple[StreamSelector, ...], n_bytes: int | None = None) -> None:
        self.xdf = folder / "raw" / "recording.xdf"
        self.paths = RunPaths(folder / "run")
        plan = RunPlan(
            RunKey("001"), SessionPlan(), (), (), 0, "markers-of-this-run", selectors, str(self.xdf), "", ""
        )  # fmt: skip
        write_plan(self.paths, plan)
        command = ["-m", "veridical.recorder"] if n_bytes is None else ["-c", _LIMITED, str(n_bytes)]
        self.process = subprocess.Popen(
            [sys.executable, *command, str(self.paths.folder)], stderr=subprocess.PIPE, text=True
        )
        self._attachment: Attachment | None = None
        connection = self.paths.connection("recorder")
        _wait(lambda: connection.exists() or self.process.poll() is not None, "the recorder's connection file")
        if connection.exists():
            self._attachment = Attachment(connection)

    @property
    def state(self) -> RecorderState:
        """The newest state."""
        state = self._attachment.state if self._attachment is not None else None
        return state if isinstance(state, RecorderState) else RecorderState("starting")

    def counts(self) -> dict[str, int]:
        """Samples recorded so far, by stream name."""
        return {stream.name: stream.n_samples for stream in self.state.streams}

    def stop(self) -> None:
        """Ask it to end."""
        assert self._attachment is not None
        self._attachment.send(Stop())

    def wait_end(self) -> int:
        """Wait until it has ended; its exit status."""
        self.process.communicate(timeout=_TIMEOUT_S)
        return self.process.returncode

    def close(self) -> None:
        """Let go of it, dead or alive."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        if self._attachment is not None:
            self._attachment.close()


def _has_samples(recorder: _Recorder, n: int) -> bool:
    return recorder.counts().get("EEG", 0) > n


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


def _assert_unbroken(stream: XdfStream) -> None:
    """Every sample from the first recorded to the last is there once, with the stamp it was sent with."""
    assert isinstance(stream.samples, np.ndarray)
    assert np.array_equal(np.diff(stream.samples[0]), np.ones(stream.n_samples - 1))


def test_everything_sent_before_stop_is_in_the_file(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    eeg = opened(_Source("EEG", 500.0, n_channels=8))
    slow = opened(_Source("EDA", 4.0))
    opened(_Source("unwanted"))
    markers = opened(MarkerOutlet("markers-of-this-run"))
    recorder = opened(_Recorder(tmp_path, (StreamSelector(name="EEG"), StreamSelector(source_id="EDA"))))
    _wait(lambda: set(recorder.counts()) == {"EEG", "EDA", "veridical-markers"}, "all three streams")
    sent = [f"picture/negative id=ü{k}" for k in range(50)]
    stamps_s = [local_clock() + k * 1e-3 for k in range(50)]
    for text, stamp_s in zip(sent, stamps_s, strict=True):
        markers.push(text, stamp_s)
    _wait(lambda: recorder.counts()["EEG"] > 1000 and recorder.counts()["EDA"] > 4, "a few seconds")
    n_sent = {"EEG": eeg.n_sent, "EDA": slow.n_sent}
    recorder.stop()
    _wait(lambda: recorder.state.phase == "ended", "the end")
    assert recorder.state.is_verified
    assert recorder.wait_end() == 0
    seen = inspect(recorder.xdf)
    assert seen.defects == ()
    assert [stream.defects for stream in seen.streams] == [(), (), ()]
    with read_xdf(recorder.xdf) as file:
        by_name = {stream.name: stream for stream in file.streams}
        assert set(by_name) == {"EEG", "EDA", "veridical-markers"}
        for name, source in (("EEG", eeg), ("EDA", slow)):
            stream = by_name[name]
            _assert_unbroken(stream)
            assert isinstance(stream.samples, np.ndarray)
            assert stream.samples[0, -1] >= n_sent[name] - 1
            expected_s = source.start_s + stream.samples[0] / stream.nominal_hz
            assert np.array_equal(stream.timestamps, expected_s)
        marker = by_name["veridical-markers"]
        assert marker.samples == [sent]
        assert marker.timestamps.tolist() == stamps_s
    theirs = pyxdf.load_xdf(str(recorder.xdf))[0]
    assert {s["info"]["name"][0]: len(s["time_stamps"]) for s in theirs} == {s.name: s.samples for s in seen.streams}
    outcome = read_outcome(recorder.paths, "recorder")
    assert outcome is not None
    assert outcome["is_verified"] is True
    assert outcome["ended_by"] == "stop"
    assert {s["name"]: s["n_samples"] for s in outcome["streams"]} == {s.name: s.samples for s in seen.streams}


def test_the_session_end_marker_ends_the_recording_two_seconds_later(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    opened(_Source("EEG"))
    markers = opened(MarkerOutlet("markers-of-this-run"))
    recorder = opened(_Recorder(tmp_path, (StreamSelector(name="EEG"),)))
    _wait(lambda: recorder.counts().get("EEG", 0) > 0 and "veridical-markers" in recorder.counts(), "both streams")
    ended_s = local_clock()
    markers.push("session/end reason=completed", ended_s)
    assert recorder.wait_end() == 0
    with read_xdf(recorder.xdf) as file:
        last_s = max(float(stream.timestamps[-1]) for stream in file.streams)
    assert 1.9 < last_s - ended_s < 4.0
    outcome = read_outcome(recorder.paths, "recorder")
    assert outcome is not None
    assert outcome["ended_by"] == "session-end"


def test_clock_offsets_are_measured_and_never_made_up(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    opened(_Source("EEG"))
    recorder = opened(_Recorder(tmp_path, (StreamSelector(name="EEG"),)))
    _wait(lambda: recorder.counts().get("EEG", 0) > 1200, "six seconds")
    recorder.stop()
    assert recorder.wait_end() == 0
    with read_xdf(recorder.xdf) as file:
        stream = file.streams[0]
        collected_s, offset_s = stream.clock_offsets.T
        stamps_s = stream.timestamps
    assert len(collected_s) >= 2
    assert np.all(np.diff(collected_s) > 0)
    assert np.all((collected_s > stamps_s[0] - 1) & (collected_s < stamps_s[-1] + 1))
    # Both ends are this machine's clock.
    assert np.max(np.abs(offset_s)) < 5e-3


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_recorder_leaves_nearly_everything(
    tmp_path: Path, opened: Callable[[Any], Any], is_full: bool
) -> None:
    source = opened(_Source("EEG", 500.0))
    lost_s: list[float] = []
    for attempt in range(20 if is_full else 2):
        recorder = opened(_Recorder(tmp_path / str(attempt), (StreamSelector(name="EEG"),)))
        _wait(partial(_has_samples, recorder, 300 + 37 * attempt), "data")
        n_sent = source.n_sent
        recorder.process.send_signal(signal.SIGKILL)
        recorder.wait_end()
        with read_xdf(recorder.xdf) as file:
            stream = file.streams[0]
            _assert_unbroken(stream)
            assert stream.defects[0] == "no-footer"
            assert isinstance(stream.samples, np.ndarray)
            lost_s.append((n_sent - 1 - int(stream.samples[0, -1])) / 500)
        assert len(pyxdf.load_xdf(str(recorder.xdf))[0][0]["time_stamps"]) == stream.n_samples
    assert float(np.median(lost_s)) <= 0.15


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limit to set")
def test_a_full_disk_rings_at_once_and_is_never_a_success(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    opened(_Source("EEG", 1000.0, n_channels=8))
    recorder = opened(_Recorder(tmp_path, (StreamSelector(name="EEG"),), n_bytes=100_000))
    _wait(lambda: recorder.state.alarm != "", "the alarm")
    rung_s = local_clock()
    with read_xdf(recorder.xdf) as file:
        stream = file.streams[0]
        assert file.defects == ()
        _assert_unbroken(stream)
        assert rung_s - stream.timestamps[-1] < 1.5
    assert recorder.state.phase == "failed"
    # With a participant at work the recorder stays, and so does its alarm, until it is told to stop.
    assert recorder.process.poll() is None
    recorder.stop()
    assert recorder.wait_end() == 1
    outcome = read_outcome(recorder.paths, "recorder")
    assert outcome is not None
    assert (outcome["is_verified"], outcome["ended_by"]) == (False, "failure")
    assert "nothing more is being recorded" in outcome["alarm"]


def test_an_interrupt_drains_and_verifies(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    source = opened(_Source("EEG"))
    recorder = opened(_Recorder(tmp_path, (StreamSelector(name="EEG"),)))
    _wait(lambda: recorder.counts().get("EEG", 0) > 100, "data")
    n_sent = source.n_sent
    recorder.process.send_signal(signal.SIGINT)
    assert recorder.wait_end() == 0
    with read_xdf(recorder.xdf) as file:
        _assert_unbroken(file.streams[0])
        assert isinstance(file.streams[0].samples, np.ndarray)
        assert file.streams[0].samples[0, -1] >= n_sent - 1


def test_a_used_file_is_refused_in_one_sentence(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "recording.xdf").write_bytes(b"precious")
    recorder = opened(_Recorder(tmp_path, ()))
    assert recorder.wait_end() == 1
    assert recorder.xdf.read_bytes() == b"precious"
    outcome = read_outcome(recorder.paths, "recorder")
    assert outcome is not None
    assert "exists already" in outcome["message"]


def test_a_folder_without_a_plan_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "veridical.recorder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "run.json" in done.stderr


class _Running:
    """``record`` in a thread of this process."""

    def __init__(self, output: Path, *selectors: StreamSelector, seconds: float | None = None) -> None:
        self._stop = threading.Event()
        self.states: list[RecorderState] = []
        self.outcome: RecorderOutcome | None = None
        self._output, self._selectors, self._seconds = output, selectors, seconds
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.outcome = record(self._output, self._selectors, self._seconds, self._stop, self.states.append)

    def light(self, name: str) -> str:
        """Newest light and words of a stream."""
        newest = self.states[-1].streams if self.states else ()
        return next((f"{s.light}: {s.words}" for s in newest if s.name == name), "")

    def n_samples(self, name: str) -> list[int]:
        """Newest counts of the streams of that name."""
        newest = self.states[-1].streams if self.states else ()
        return [s.n_samples for s in newest if s.name == name]

    def finish(self) -> RecorderOutcome:
        """Stop and wait."""
        self._stop.set()
        self._thread.join(_TIMEOUT_S)
        assert self.outcome is not None
        return self.outcome

    def close(self) -> None:
        """End it if the test did not."""
        self._stop.set()
        self._thread.join(_TIMEOUT_S)


def test_late_streams_without_a_source_id_and_twins_are_recorded_apart(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    opened(_Source("twin", source_id="a"))
    opened(_Source("twin", source_id="b"))
    running = opened(_Running(tmp_path / "a.xdf", StreamSelector()))
    _wait(lambda: len(running.n_samples("twin")) == 2 and min(running.n_samples("twin")) > 0, "both twins")
    late = opened(_Source("late", source_id=""))
    _wait(lambda: sum(running.n_samples("late")) > 100, "the late stream")
    outcome = running.finish()
    assert outcome.is_verified
    with read_xdf(tmp_path / "a.xdf") as file:
        assert sorted(s.source_id for s in file.streams) == ["", "a", "b"]
        for stream in file.streams:
            _assert_unbroken(stream)
        missed_s = next(s.timestamps[0] for s in file.streams if s.name == "late") - late.start_s
    assert missed_s < 1.5


def test_a_stream_that_returns_goes_on_in_its_own_record(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    running = opened(_Running(tmp_path / "a.xdf", StreamSelector(name="EEG")))
    first = opened(_Source("EEG", source_id="amp"))
    _wait(lambda: sum(running.n_samples("EEG")) > 200, "data")
    first.close()
    _wait(lambda: running.light("EEG").startswith("fail"), "the light of a lost stream")
    n_before = sum(running.n_samples("EEG"))
    opened(_Source("EEG", source_id="amp"))
    _wait(lambda: sum(running.n_samples("EEG")) > n_before + 200, "data again")
    outcome = running.finish()
    assert outcome.is_verified
    kinds = [e.kind for e in outcome.events if e.stream == "EEG"]
    assert (kinds.count("lost"), kinds.count("returned")) == (1, 1)
    with read_xdf(tmp_path / "a.xdf") as file:
        (stream,) = file.streams
        assert len(stream.timeline.segments) == 2
        assert stream.timeline.sampling_hz == pytest.approx(200, rel=0.01)


def test_a_stream_that_stops_sending_and_one_that_never_came_are_told(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    silent = opened(NumericOutlet(StreamDescription("silent", "EDA", "s", "", "", 1, 100.0, "float32")))
    running = opened(_Running(tmp_path / "a.xdf", StreamSelector(name="silent"), StreamSelector(name="absent")))
    _wait(lambda: running.light("silent").startswith("fail: no data for"), "the silence to be noticed", 8.0)
    assert running.light("absent") == "fail: not found yet"
    outcome = running.finish()
    assert silent.stream.name in {event.stream for event in outcome.events}
    assert [stream.n_samples for stream in outcome.streams] == [0]
    assert inspect(tmp_path / "a.xdf").streams[0].defects == ("no-samples",)


def test_a_wrong_rate_is_told(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    outlet = NumericOutlet(StreamDescription("EEG", "EEG", "e", "", "", 1, 100.0, "float32"))
    running = opened(_Running(tmp_path / "a.xdf", StreamSelector(name="EEG")))
    _wait(lambda: running.n_samples("EEG") != [], "the stream")
    start_s, n = local_clock(), 0

    def is_told() -> bool:
        nonlocal n
        due = int((local_clock() - start_s) * 90)
        outlet.push(np.zeros((1, due - n)), start_s + np.arange(n, due) / 90)
        n = due
        return str(running.light("EEG")).startswith("caution: 90.0 Hz instead of 100 Hz")

    _wait(is_told, "the rate to be noticed")
    running.finish()
    outlet.close()


def test_seconds_end_a_recording_and_read_only_folders_are_refused(tmp_path: Path) -> None:
    states: list[RecorderState] = []
    outcome = record(tmp_path / "a.xdf", (StreamSelector(),), 0.3, threading.Event(), states.append)
    assert (outcome.ended_by, outcome.is_verified) == ("seconds", True)
    phases = [states[-1].phase]
    (tmp_path / "file").write_bytes(b"")
    refused = record(tmp_path / "file" / "a.xdf", (StreamSelector(),), 0.3, threading.Event(), states.append)
    assert not refused.is_verified
    assert refused.message
    assert [*phases, states[-1].phase] == ["ended", "failed"]


def test_the_room_on_the_disk_is_told_as_soon_as_a_stream_is_there(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    opened(_Source("EEG"))
    states: list[RecorderState] = []
    stop = threading.Event()

    def tell(state: RecorderState) -> None:
        states.append(state)
        if any(s.n_channels for s in state.streams):
            stop.set()

    record(tmp_path / "a.xdf", (StreamSelector(name="EEG"),), None, stop, tell)
    first = next(state for state in states if any(s.n_channels for s in state.streams))
    assert first.hours_left is not None
    # Two int32 and a stamp, 200 times a second.
    free = shutil.disk_usage(tmp_path).free
    assert first.hours_left == pytest.approx(free / (200 * (2 * 4 + 9)) / 3600, rel=0.2)
