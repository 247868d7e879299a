"""Disks that fill up, fail or vanish under a real recorder: an alarm within a second, and no sample lost or doubled."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, StreamSelector
from veridical.domain.stream import StreamDescription
from veridical.ipc.channel import Attachment
from veridical.ipc.messages import RecorderState, Stop
from veridical.paths import RunPaths
from veridical.recorder.recording_loop import record
from veridical.storage.run_folder import read_outcome, write_plan
from veridical.storage.xdf_reader import read_xdf
from veridical.storage.xdf_recovery import recover_work
from veridical.storage.xdf_writer import XdfWriter
from veridical.streaming.clock import local_clock
from veridical.streaming.outlet import NumericOutlet

_TIMEOUT_S = 30.0
_HZ = 1000
_LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
runpy.run_module("veridical.recorder", run_name="__main__", alter_sys=True)
"""


def _wait(condition: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    end = time.monotonic() + _TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, f"waited {_TIMEOUT_S} s in vain for {what}"
        pause.wait(0.01)


class _Counter:
    """A stream of 8 channels whose sample k holds k everywhere."""

    def __init__(self) -> None:
        self._outlet = NumericOutlet(StreamDescription("EEG", "EEG", f"count-{id(self)}", "", "", 8, _HZ, "int32"))
        self.source_id = f"count-{id(self)}"
        self._is_over = threading.Event()
        self.n_sent = 0
        self._start_s = local_clock()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over.is_set():
            k = np.arange(self.n_sent, int((local_clock() - self._start_s) * _HZ))
            self._outlet.push(np.tile(k, (8, 1)), self._start_s + k / _HZ)
            self.n_sent += len(k)
            self._is_over.wait(0.02)

    def close(self) -> None:
        """Stop and disappear."""
        self._is_over.set()
        self._thread.join()
        self._outlet.close()


class _Recorder:
    """A recorder process with a fallback folder, and when its alarm was first heard."""

    def __init__(
        self, run: Path, xdf: Path, fallback: Path | None, source: _Counter, n_bytes: int | None = None
    ) -> None:
        self.xdf = xdf
        self.paths = RunPaths(run)
        selectors = (StreamSelector(source_id=source.source_id),)
        plan = RunPlan(
            RunKey("001"), SessionPlan(), (), (), 0, "no-markers", selectors, str(xdf), "", "",
            fallback="" if fallback is None else str(fallback),
        )  # fmt: skip
        write_plan(self.paths, plan)
        command = ["-m", "veridical.recorder"] if n_bytes is None else ["-c", _LIMITED, str(n_bytes)]
        self.process = subprocess.Popen([sys.executable, *command, str(run)], stderr=subprocess.PIPE, text=True)
        _wait(self.paths.connection("recorder").exists, "the recorder's connection file")
        self._attachment = Attachment(self.paths.connection("recorder"))

    @property
    def state(self) -> RecorderState:
        """The newest state."""
        state = self._attachment.state
        return state if isinstance(state, RecorderState) else RecorderState("starting")

    @property
    def n_samples(self) -> int:
        """Samples recorded so far."""
        return sum(stream.n_samples for stream in self.state.streams)

    def wait_alarm(self) -> float:
        """Wait for the alarm and return when it came."""
        _wait(lambda: self.state.alarm != "", "the alarm")
        return local_clock()

    def finish(self) -> int:
        """Stop it and return its exit status."""
        self._attachment.send(Stop())
        self.process.communicate(timeout=_TIMEOUT_S)
        return self.process.returncode

    def outcome(self) -> dict[str, Any]:
        """What it left behind."""
        outcome = read_outcome(self.paths, "recorder")
        assert outcome is not None
        return outcome

    def close(self) -> None:
        """Let go of it, dead or alive."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._attachment.close()


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


class _SmallDisk:
    """A folder that holds few bytes more: a mounted disk of its own where that is allowed, else limited files."""

    def __init__(self, folder: Path, n_bytes: int, n_old: int = 0) -> None:
        folder.mkdir()
        self.folder = folder
        mount = shutil.which("mount")
        command = [str(mount), "-t", "tmpfs", "-o", f"size={n_bytes + n_old}", "tmpfs", str(folder)]
        self.is_mounted = (
            mount is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
        )
        self.limit = None if self.is_mounted else n_bytes
        self._old = folder / "old"
        if self.is_mounted:
            self._old.write_bytes(bytes(n_old))

    def tidy(self) -> None:
        """Remove the old file."""
        self._old.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it."""
        if self.is_mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


def _numbers(paths: list[Path]) -> list[int]:
    found: list[int] = []
    for path in paths:
        with read_xdf(path) as file:
            (stream,) = file.streams
            assert file.remarks == ()
            assert isinstance(stream.samples, np.ndarray)
            found += stream.samples[0].tolist()
    return found


def _assert_every_sample_once(paths: list[Path], n_sent: int) -> None:
    numbers = _numbers(paths)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert numbers[-1] >= n_sent - 1


@pytest.mark.skipif(sys.platform == "win32", reason="neither tmpfs nor a file size limit")
def test_a_full_disk_is_left_for_the_fallback_folder_and_is_no_success(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    source = opened(_Counter())
    disk = opened(_SmallDisk(tmp_path / "small", 250_000))
    fallback = tmp_path / "fallback"
    recorder = opened(_Recorder(tmp_path / "run", disk.folder / "a.xdf", fallback, source, disk.limit))
    rung_s = recorder.wait_alarm()
    with read_xdf(recorder.xdf) as file:
        assert rung_s - file.streams[0].timestamps[-1] < 1.0
    assert "the recording goes on in" in recorder.state.alarm
    assert recorder.state.phase == "recording"
    n_at_alarm = recorder.n_samples
    _wait(lambda: recorder.n_samples > n_at_alarm + _HZ, "a second more")
    n_sent = source.n_sent
    assert recorder.finish() == 1
    outcome = recorder.outcome()
    files = [Path(file) for file in outcome["files"]]
    assert len(files) >= 2
    assert files[0] == recorder.xdf
    assert all(file.parent == fallback for file in files[1:])
    _assert_every_sample_once(files, n_sent)
    assert str(files[0]) in outcome["message"]
    assert str(files[1]) in outcome["message"]
    assert outcome["alarm"]
    # Joined, they are one recording without a gap.
    done = finish(recover_work(files, tmp_path / "joined.xdf"))
    assert done.cuts == ()
    _assert_every_sample_once([tmp_path / "joined.xdf"], n_sent)


@pytest.mark.skipif(sys.platform == "win32", reason="neither tmpfs nor a file size limit")
def test_a_full_disk_without_a_fallback_keeps_what_it_holds_rings_and_goes_on_when_there_is_room(
    tmp_path: Path, opened: Callable[[Any], Any]
) -> None:
    source = opened(_Counter())
    disk = opened(_SmallDisk(tmp_path / "small", 100_000, n_old=4_000_000))
    recorder = opened(_Recorder(tmp_path / "run", disk.folder / "a.xdf", None, source, disk.limit))
    rung_s = recorder.wait_alarm()
    with read_xdf(recorder.xdf) as file:
        assert rung_s - file.streams[0].timestamps[-1] < 1.0
    # The session goes on, and so does the alarm.
    assert recorder.state.phase == "failed"
    assert "nothing more is being recorded" in recorder.state.alarm
    assert recorder.process.poll() is None
    disk.tidy()
    _wait(lambda: recorder.state.phase == "recording", "the recording to go on")
    n_before = recorder.n_samples
    _wait(lambda: recorder.n_samples > n_before + _HZ, "a second more")
    assert recorder.finish() == 1
    outcome = recorder.outcome()
    assert "is missing" in outcome["message"]
    assert outcome["is_verified"] is False
    files = [Path(file) for file in outcome["files"]]
    assert files[:2] == [recorder.xdf, disk.folder / "a_continued.xdf"]
    first, later = _numbers(files[:1]), _numbers(files[1:2])
    assert len(first) > 1500
    assert first == list(range(first[0], first[0] + len(first)))
    assert later[0] > first[-1] + 1
    assert later == list(range(later[0], later[0] + len(later)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let go of an open file")
def test_a_file_removed_while_recording_is_saved_and_continued(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    source = opened(_Counter())
    fallback = tmp_path / "fallback"
    recorder = opened(_Recorder(tmp_path / "run", tmp_path / "raw" / "a.xdf", fallback, source))
    _wait(lambda: recorder.n_samples > 300, "data")
    removed_s = local_clock()
    recorder.xdf.unlink()
    assert recorder.wait_alarm() - removed_s < 1.2
    n_at_alarm = recorder.n_samples
    _wait(lambda: recorder.n_samples > n_at_alarm + 300, "more data")
    n_sent = source.n_sent
    assert recorder.finish() == 1
    files = [Path(file) for file in recorder.outcome()["files"]]
    assert files == [fallback / "a_rescued.xdf", fallback / "a_continued.xdf"]
    _assert_every_sample_once(files, n_sent)


def test_a_disk_that_reports_errors_without_a_fallback_never_ends_in_success(
    tmp_path: Path, opened: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened(_Counter())
    honest = XdfWriter._open

    class Broken:
        """A file whose disk breaks after 100 kB."""

        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, data: bytes) -> int:
            if self._file.tell() > 100_000:
                raise OSError(errno.EIO, "broken")
            return int(self._file.write(data))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    monkeypatch.setattr(XdfWriter, "_open", lambda writer, path: Broken(honest(writer, path)))
    states: list[RecorderState] = []
    selectors = (StreamSelector(source_id=source.source_id),)
    outcome = record(tmp_path / "a.xdf", selectors, 20.0, threading.Event(), states.append)
    assert (outcome.is_verified, outcome.ended_by) == (False, "failure")
    assert outcome.seconds < 15
    assert "the disk reports an error" in outcome.message
    assert "nothing more is being recorded" in outcome.message
    assert states[-1].phase == "failed"
    numbers = _numbers([tmp_path / "a.xdf"])
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT")
def test_the_command_says_where_the_data_are_and_exits_1(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    source = opened(_Counter())
    (tmp_path / "file").write_bytes(b"no folder")
    command = [
        sys.executable, "-m", "veridical", "record", str(tmp_path / "file" / "a.xdf"), "--seconds", "2",
        "--stream", f"source_id={source.source_id}", "--json",
    ]  # fmt: skip
    refused = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "choose another folder" in refused.stderr
    fallback = tmp_path / "fallback"
    done = subprocess.run(
        [*command, "--fallback", str(fallback)], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert said["files"] == [str(fallback / "a_continued.xdf")]
    assert said["alarm"]
    assert str(fallback / "a_continued.xdf") in done.stderr
    assert len(_numbers([fallback / "a_continued.xdf"])) > 500
    assert (tmp_path / "file").read_bytes() == b"no folder"


@pytest.mark.skipif(os.name != "posix", reason="folder permissions")
def test_a_read_only_folder_is_told_before_a_sample_is_lost(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    """Root may write anywhere: there the folder is the system's own, which takes no file from anyone."""
    source = opened(_Counter())
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.geteuid() == 0:
        folder = Path("/proc/self") if Path("/proc/self").exists() else Path("/dev/fd")
    fallback = tmp_path / "fallback"
    selectors = (StreamSelector(source_id=source.source_id),)
    states: list[RecorderState] = []
    outcome = record(folder / "a.xdf", selectors, 1.5, threading.Event(), states.append, fallback=fallback)
    assert states[0].alarm
    assert outcome.alarm
    assert outcome.files == (str(fallback / "a_continued.xdf"),)
    assert len(_numbers([fallback / "a_continued.xdf"])) > 300
    assert not record(folder / "b.xdf", selectors, 1.5, threading.Event(), states.append).is_verified
