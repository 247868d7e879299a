"""A recording whose disk fails: the first file and the one in the fallback folder hold every sample exactly once."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from veridical.domain.errors import StorageError
from veridical.domain.stream import StreamDescription
from veridical.recorder.sink import Sink
from veridical.storage import xdf_writer
from veridical.storage.xdf_reader import read_xdf
from veridical.storage.xdf_writer import XdfWriter

_EEG = StreamDescription("EEG", "EEG", "e", "u1", "h", 4, 100.0, "int32")
_MARKERS = StreamDescription("veridical-markers", "Markers", "m", "u2", "h", 1, 0.0, "string")


class _Disk:
    """A file on a disk that takes so many bytes, then fails in its own way."""

    def __init__(self, file: Any, n_bytes: int, code: int, cuts: bool = True) -> None:
        self._file, self._left, self._code, self._cuts = file, n_bytes, code, cuts

    def write(self, data: memoryview) -> int:
        if self._left <= 0:
            raise OSError(self._code, "fails")
        taken = int(self._file.write(data[: self._left]))
        self._left -= taken
        return taken

    def truncate(self, n_bytes: int) -> int:
        if not self._cuts:
            raise OSError(self._code, "fails")
        return int(self._file.truncate(n_bytes))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _failing(monkeypatch: pytest.MonkeyPatch, folder: Path, n_bytes: int, code: int, cuts: bool = True) -> None:
    """Make files of a folder fail after ``n_bytes``."""
    honest = XdfWriter._open

    def open_(writer: XdfWriter, path: Path) -> Any:
        file = honest(writer, path)
        return _Disk(file, n_bytes, code, cuts) if path.parent == folder else file

    monkeypatch.setattr(XdfWriter, "_open", open_)


def _feed(sink: Sink, first: int, n_chunks: int) -> None:
    """Chunk k holds samples 10 k to 10 k + 9 and a marker, a sync and a clock offset every fifth chunk."""
    for k in range(first, first + n_chunks):
        counted = np.arange(10 * k, 10 * k + 10)
        sink.write_samples(1, np.tile(counted, (4, 1)), 100 + counted / 100)
        sink.write_samples(2, [[f"m {k}"]], np.array([100 + k / 10]))
        if k % 5 == 0:
            sink.write_clock_offset(1, 100 + k / 10, 1e-3 + k * 1e-6)
            sink.write_boundary()
            sink.sync()
            sink.settle()


def _numbers(paths: tuple[Path, ...], are_whole: bool = True) -> tuple[list[int], list[str]]:
    """All numbers and texts in the order of the files; whole files are read by pyxdf too."""
    numbers: list[int] = []
    texts: list[str] = []
    for path in paths:
        with read_xdf(path) as file:
            eeg, markers = file.streams
            assert isinstance(eeg.samples, np.ndarray)
            numbers += eeg.samples[0].astype(int).tolist()
            texts += markers.samples[0] if markers.n_samples else []
            assert np.array_equal(eeg.timestamps, 100 + eeg.samples[0] / 100)
        if are_whole:
            theirs = {s["info"]["name"][0]: s for s in pyxdf.load_xdf(str(path))[0]}
            assert len(theirs["EEG"]["time_stamps"]) == eeg.n_samples
    return numbers, texts


def _sink(folder: Path, has_fallback: bool = True) -> Sink:
    sink = Sink(folder / "first" / "a.xdf", folder / "second" if has_fallback else None)
    assert [sink.add_stream(_EEG), sink.add_stream(_MARKERS)] == [1, 2]
    return sink


def _assert_whole(sink: Sink, n_chunks: int, are_files_whole: bool = True) -> None:
    numbers, texts = _numbers(sink.paths, are_files_whole)
    assert numbers == list(range(10 * n_chunks))
    assert texts == [f"m {k}" for k in range(n_chunks)]
    for part in sink.parts:
        with read_xdf(part.path) as file:
            assert {s.id: s.n_samples for s in file.streams} == {i: t.n_samples for i, t in part.tallies.items()}


def test_a_sink_on_a_good_disk_is_one_file_without_an_alarm(tmp_path: Path) -> None:
    sink = _sink(tmp_path)
    _feed(sink, 0, 20)
    sink.close()
    assert (sink.alarm, sink.is_failed, sink.paths) == ("", False, (tmp_path / "first" / "a.xdf",))
    assert sink.n_bytes == sink.path.stat().st_size
    _assert_whole(sink, 20)
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("cuts", [True, False])
def test_no_sample_is_lost_or_doubled_wherever_the_disk_fails(
    tmp_path: Path, code: int, cuts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n_bytes in (1300, 2000, 2170, 2179, 2400, 4321, 6000):
        with monkeypatch.context() as patch:
            folder = tmp_path / str(n_bytes)
            _failing(patch, folder / "first", n_bytes, code, cuts)
            sink = _sink(folder)
            _feed(sink, 0, 30)
            sink.close()
            assert sink.paths == (folder / "first" / "a.xdf", folder / "second" / "a_continued.xdf")
            assert "the recording goes on in" in sink.alarm
            assert not sink.is_failed
            # Where the rest of a chunk cannot be cut off, pyxdf takes it for a whole one.
            _assert_whole(sink, 30, are_files_whole=cuts)


def test_what_a_failing_sync_may_have_lost_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = _sink(tmp_path)
    _feed(sink, 0, 14)
    honest = XdfWriter.force

    def fail(writer: XdfWriter) -> None:
        if writer.path.parent.name == "first":
            raise OSError(errno.EIO, "lost pages")
        honest(writer)

    monkeypatch.setattr(XdfWriter, "force", fail)
    _feed(sink, 14, 16)
    sink.close()
    assert "reports an error" in sink.alarm
    _assert_whole(sink, 30)
    with read_xdf(sink.paths[0]) as file:
        # Synced with chunk 10; the rest of the first file is in doubt and stands in the second.
        assert file.streams[0].n_samples == 110
        assert [f.sample_count for s in file.streams if (f := s.footer)] == [110, 11]
    with read_xdf(sink.paths[1]) as file:
        assert file.streams[0].clock_offsets[0].tolist() == [101.5, 1e-3 + 15e-6]


def test_without_a_fallback_a_failing_disk_is_the_end_and_what_is_there_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, tmp_path / "first", 4000, errno.ENOSPC)
    sink = _sink(tmp_path, has_fallback=False)
    with pytest.raises(StorageError, match="nothing more is being recorded"):
        _feed(sink, 0, 30)
    assert sink.is_failed
    with pytest.raises(StorageError, match="nothing more is being recorded"):
        sink.sync()
    sink.close()
    assert sink.alarm.count("nothing more") == 1
    numbers, _ = _numbers(sink.paths)
    assert len(numbers) > 50
    assert numbers == list(range(len(numbers)))


def test_a_fallback_that_fails_too_is_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, tmp_path / "first", 4000, errno.ENOSPC)
    _failing(monkeypatch, tmp_path / "second", 4000, errno.ENOSPC)
    sink = _sink(tmp_path)
    with pytest.raises(StorageError, match="nothing more is being recorded"):
        _feed(sink, 0, 100)
    sink.close()
    assert sink.is_failed
    numbers, _ = _numbers(sink.paths)
    assert numbers == list(range(len(numbers)))
    assert len(sink.paths) == 2
    # A fallback that cannot even be opened.
    (tmp_path / "file").write_bytes(b"")
    other = Sink(tmp_path / "first" / "b.xdf", tmp_path / "file" / "folder")
    assert [other.add_stream(_EEG), other.add_stream(_MARKERS)] == [1, 2]
    with pytest.raises(StorageError, match="nothing more"):
        _feed(other, 0, 100)
    other.close()
    assert "its folder is a file" in other.alarm


def test_a_file_that_has_reached_its_largest_size_is_followed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        _failing(monkeypatch, tmp_path / name, 4000, errno.EFBIG)
    sink = _sink(tmp_path)
    _feed(sink, 0, 60)
    sink.close()
    assert [p.name for p in sink.paths[:3]] == ["a.xdf", "a_continued.xdf", "a_continued-2.xdf"]
    _assert_whole(sink, 60)


def test_a_folder_that_cannot_be_written_is_replaced_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "first").write_bytes(b"a file where a folder should be")
    sink = _sink(tmp_path)
    assert "goes to" in sink.alarm
    _feed(sink, 0, 20)
    sink.close()
    assert sink.paths == (tmp_path / "second" / "a_continued.xdf",)
    _assert_whole(sink, 20)
    with pytest.raises(StorageError, match="folder is a file"):
        Sink(tmp_path / "first" / "a.xdf", None)


def test_a_used_name_is_refused_even_with_a_fallback(tmp_path: Path) -> None:
    (tmp_path / "a.xdf").write_bytes(b"precious")
    with pytest.raises(StorageError, match="exists already"):
        Sink(tmp_path / "a.xdf", tmp_path / "second")
    assert (tmp_path / "a.xdf").read_bytes() == b"precious"
    assert not (tmp_path / "second").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of an open file")
@pytest.mark.parametrize("has_fallback", [True, False])
@pytest.mark.parametrize("act", ["remove", "move", "replace"])
def test_a_removed_file_is_saved_and_continued(tmp_path: Path, has_fallback: bool, act: str) -> None:
    sink = _sink(tmp_path, has_fallback)
    _feed(sink, 0, 12)
    first = tmp_path / "first" / "a.xdf"
    if act == "move":
        first.rename(tmp_path / "elsewhere.xdf")
    else:
        first.unlink()
    if act == "replace":
        first.write_bytes(b"somebody else's")
    _feed(sink, 12, 18)
    folder = tmp_path / ("second" if has_fallback else "first")
    assert "removed, moved or replaced" in sink.alarm
    sink.close()
    assert sink.paths == (folder / "a_rescued.xdf", folder / "a_continued.xdf")
    assert not sink.is_failed
    _assert_whole(sink, 30)
    if act == "replace":
        assert first.read_bytes() == b"somebody else's"


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of an open file")
def test_a_file_removed_just_before_the_end_is_saved(tmp_path: Path) -> None:
    sink = _sink(tmp_path)
    _feed(sink, 0, 30)
    sink.path.unlink()
    sink.close()
    assert sink.paths == (tmp_path / "second" / "a_rescued.xdf",)
    assert "is saved in" in sink.alarm
    _assert_whole(sink, 30)


def test_a_disk_about_to_fill_is_left_while_there_is_room_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"first": 10 << 20, "second": 10 << 30}

    def usage(folder: Path) -> Any:
        name = "second" if "second" in (folder.name, *[]) or folder == tmp_path else "first"
        return type("Usage", (), {"free": free[name]})

    monkeypatch.setattr("veridical.recorder.sink.shutil.disk_usage", usage)
    sink = _sink(tmp_path)
    _feed(sink, 0, 10)
    assert sink.alarm == ""
    free["first"] = 1 << 16
    _feed(sink, 10, 20)
    assert "nearly full" in sink.alarm
    sink.close()
    assert len(sink.paths) == 2
    _assert_whole(sink, 30)


def test_headers_are_forced_to_disk_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    monkeypatch.setattr(xdf_writer.XdfWriter, "force", lambda writer: forced.append(writer.n_bytes))
    sink = Sink(tmp_path / "a.xdf", None)
    sink.add_stream(_EEG)
    sink.settle()
    assert forced == [sink.n_bytes]
    sink.close()


def test_a_disk_that_confirms_late_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, honest = threading.Event(), XdfWriter.force
    sink = _sink(tmp_path)
    _feed(sink, 0, 1)

    def hang(writer: XdfWriter) -> None:
        goes_on.wait(20)
        honest(writer)

    monkeypatch.setattr(XdfWriter, "force", hang)
    sink.sync()
    counted = np.arange(10, 20)
    sink.write_samples(1, np.tile(counted, (4, 1)), 100 + counted / 100)
    sink.write_samples(2, [["m 1"]], np.array([100.1]))
    sink.attend()
    sink.sync()
    assert sink.sync_s > 0
    assert sink.stuck_s == 0
    assert read_xdf(sink.path).streams[0].n_samples == 20
    goes_on.set()
    sink.settle()
    assert sink.sync_s == 0
    _feed(sink, 2, 18)
    sink.close()
    assert sink.alarm == ""
    _assert_whole(sink, 20)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_what_came_while_a_sync_failed_is_written_again(
    tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, honest = threading.Event(), XdfWriter.force
    sink = _sink(tmp_path)
    _feed(sink, 0, 6)

    def fail(writer: XdfWriter) -> None:
        if writer.path.parent.name == "first":
            goes_on.wait(20)
            raise OSError(code, "lost pages")
        honest(writer)

    monkeypatch.setattr(XdfWriter, "force", fail)
    sink.sync()
    # Stands behind what the sync covers; a stream that came since has its header there, too.
    late = sink.add_stream(StreamDescription("late", "EEG", "l", "u3", "h", 1, 10.0, "int32"))
    sink.write_samples(late, np.array([[7]]), np.array([100.0]))
    for k in range(6, 9):
        counted = np.arange(10 * k, 10 * k + 10)
        sink.write_samples(1, np.tile(counted, (4, 1)), 100 + counted / 100)
        sink.write_samples(2, [[f"m {k}"]], np.array([100 + k / 10]))
    goes_on.set()
    sink.settle()
    assert sink.path.parent.name == "second"
    sink.close()
    numbers = [n for path in sink.paths for n in read_xdf(path).streams[0].samples[0]]
    assert numbers == list(range(90))
    assert [s.n_samples for path in sink.paths for s in read_xdf(path).streams if s.name == "late"] == [1]
    for part in sink.parts:
        with read_xdf(part.path) as file:
            assert {s.id: s.n_samples for s in file.streams} == {i: t.n_samples for i, t in part.tallies.items()}
            assert file.defects == ()


def test_a_recording_goes_on_when_there_is_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        _failing(patch, tmp_path / "first", 4000, errno.ENOSPC)
        sink = _sink(tmp_path, has_fallback=False)
        with pytest.raises(StorageError, match="nothing more is being recorded"):
            _feed(sink, 0, 30)
        n_before = sink.parts[0].tallies[1].n_samples
        # Still full: what is tried leaves nothing behind.
        _failing(patch, tmp_path / "first", 100, errno.ENOSPC)
        sink.retry()
        assert sink.is_failed
        assert [p.name for p in (tmp_path / "first").iterdir()] == ["a.xdf"]
    sink.retry()
    assert not sink.is_failed
    assert sink.lost_s > 0
    _feed(sink, 50, 10)
    sink.close()
    assert [p.name for p in sink.paths] == ["a.xdf", "a_continued.xdf"]
    assert "is missing" in sink.alarm
    numbers, texts = _numbers(sink.paths)
    assert numbers == [*range(n_before), *range(500, 600)]
    assert texts[-10:] == [f"m {k}" for k in range(50, 60)]
