"""Where a recording goes: one file, and another one in a fallback folder when the first takes no more."""

import contextlib
import errno
import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StorageError
from veridical.domain.stream import StreamDescription
from veridical.recorder.rescue import Rescue
from veridical.recorder.syncer import Synced, Syncer
from veridical.storage.xdf_encoding import EncodedSamples
from veridical.storage.xdf_writer import NameTakenError, Tally, XdfWriter

_MAX_FILES = 1000
# Left free when there is a better place: for footers, the presenter's journal, and what comes until one looks again.
_SPARE_BYTES = 1 << 16
_SPARE_SYNCS = 2
# A recording that had no room left goes on once there is so much, or that of half a minute.
_ROOM_BYTES = 1 << 20
_ROOM_S = 30.0
# Of a disk that fails again and again the first and the newest alarms are told.
_TOLD = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """One file of a recording, and what it must hold when it is read back.

    Parameters
    ----------
    tallies : mapping
        By stream id; the ids are the same in every part.
    """

    path: Path
    tallies: Mapping[int, Tally]


@dataclass(frozen=True)
class _Offset:
    stream_id: int
    collected_s: float
    offset_s: float


class Sink:
    """One recording in one file, or in several that together hold every sample exactly once.

    When a file fails, is removed, moved or replaced, or its disk is about to fill up, the recording goes on in
    ``<name>_continued.xdf`` of the fallback folder: the same streams under the same ids, from the first chunk that
    the old file did not keep. What a removed file held is copied through the open descriptor to
    ``<name>_rescued.xdf`` beside it, in a thread of its own, as is every sync. Not thread-safe otherwise, but
    ``stuck_s`` may be asked from anywhere.

    Parameters
    ----------
    output : Path
        Must not exist.
    fallback : Path or None
        A folder, made when it is needed; best on another disk. Without one a removed file is continued beside
        where it was, and a disk that fails is the end.

    Raises
    ------
    StorageError
        If neither the output nor a file in the fallback folder can be opened, or the output exists.
    """

    def __init__(self, output: Path, fallback: Path | None) -> None:
        self._output = output
        self._fallback = fallback
        self._headers: list[str | StreamDescription] = []
        self._last_offsets: dict[int, _Offset] = {}
        # What was written since the last sync, the first of them under way to the disk: one that fails may lose it.
        self._unsynced: list[EncodedSamples | _Offset] = []
        self._n_syncing = 0
        self._waiting_since_s: float | None = None
        self._failed_s: float | None = None
        self._lost_s = 0.0
        self._begun_s = time.monotonic()
        self._n_bytes_at_sync = 0
        self._old: list[XdfWriter] = []
        self._rescues: list[Rescue] = []
        self._alarms: list[str] = []
        self._is_failed = False
        try:
            self._writer = XdfWriter(output)
        except NameTakenError:
            raise
        except StorageError as error:
            if fallback is None:
                raise
            self._writer = self._open_continuation(fallback, error)
            self._ring(f"{_what(error)}; the recording goes to {self._writer.path} instead: mend the first disk.")
        self._syncer = Syncer(fallback)

    @property
    def path(self) -> Path:
        """File being written now."""
        return self._writer.path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files of this recording, in order."""
        return tuple(part.path for part in self.parts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All files and what stands in them, in order; final once ``close`` has returned."""
        saved = {id(rescue.writer): rescue.saved for rescue in self._rescues if rescue.saved is not None}
        writers = [*self._old, self._writer]
        return tuple(Part(saved.get(id(writer), writer.path), writer.tallies) for writer in writers)

    @property
    def n_bytes(self) -> int:
        """Size of all files so far."""
        return sum(writer.n_bytes for writer in (*self._old, self._writer))

    @property
    def alarm(self) -> str:
        """Empty, or what failed, where the recording goes on and what to do; never cleared."""
        told = (
            self._alarms if len(self._alarms) <= 2 * _TOLD else [*self._alarms[:_TOLD], "...", *self._alarms[-_TOLD:]]
        )
        return " ".join((*told, *(rescue.words for rescue in self._rescues)))

    @property
    def is_failed(self) -> bool:
        """Whether nothing can be written; ``retry`` may change that."""
        return self._is_failed

    @property
    def lost_s(self) -> float:
        """For how long nothing could be written until it went on; seconds."""
        return self._lost_s

    @property
    def stuck_s(self) -> float:
        """For how long the disk has kept the recording waiting until now; seconds. From any thread."""
        since_s = self._waiting_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    @property
    def sync_s(self) -> float:
        """For how long the disk has not confirmed what was written; seconds. From any thread."""
        return self._syncer.seconds

    def add_stream(self, header: str | StreamDescription) -> int:
        """Write a stream's header and return its id (RecordingError if a reader could not parse it)."""
        stream_id = len(self._headers) + 1
        with self._timed():
            try:
                self._writer.add_stream(header)
            except StorageError as error:
                self._go_on_elsewhere(error)
                with self._at_the_last_place():
                    self._writer.add_stream(header)
        self._headers.append(header)
        # Without it on disk nothing of the stream could be read.
        self.sync()
        return stream_id

    def write_samples(
        self, stream_id: int, samples: NDArray[Any] | Sequence[Sequence[str | bytes]], stamps_s: FloatArray
    ) -> None:
        """Write one chunk, shape (n_channels, n_times); nothing if it is empty."""
        if len(stamps_s):
            self._put(self._writer.encode(stream_id, samples, stamps_s))

    def write_clock_offset(self, stream_id: int, collected_s: float, offset_s: float) -> None:
        """Write a successful measurement of a stream's clock."""
        offset = _Offset(stream_id, collected_s, offset_s)
        self._put(offset)
        self._last_offsets[stream_id] = offset

    def write_boundary(self) -> None:
        """Write a mark from which a reader of a damaged file finds its way again."""
        with self._timed():
            try:
                self._writer.write_boundary()
            except StorageError as error:
                self._go_on_elsewhere(error)

    def sync(self) -> None:
        """Have everything forced to disk by a thread, unless it is at it; ``attend`` acts on what it finds."""
        if self._is_failed:
            raise StorageError(self.alarm)
        if not self._syncer.is_busy:
            self._n_syncing = len(self._unsynced)
            self._syncer.begin(self._writer)

    def attend(self) -> None:
        """Act on what the last sync found: a disk that failed or is nearly full, a file that is gone."""
        told = self._syncer.take()
        if told is not None:
            with self._timed():
                self._act_on(told)

    def settle(self) -> None:
        """Wait until the sync under way is over, and act on what it finds (blocks)."""
        with self._timed():
            told = self._syncer.take(waits=True)
            if told is not None:
                self._act_on(told)

    def retry(self) -> None:
        """After a failure: go on in a new file if a disk takes it now; what was not written meanwhile is missing."""
        if not self._is_failed:
            return
        with self._timed():
            for folder in dict.fromkeys(f for f in (self._fallback, self._output.parent) if f is not None):
                if self._has_room(folder) and self._begin_again(folder):
                    return

    def close(self) -> None:
        """Write the footers and close all files; waits for a rescue that is under way (StorageError if it failed)."""
        try:
            try:
                self.settle()
            finally:
                if self._is_failed:
                    self._writer.complete()
                else:
                    self._close_last()
        finally:
            self._syncer.close()
            self._writer.release()
            for rescue in self._rescues:
                rescue.finish()
            for writer in self._old:
                writer.release()

    def _close_last(self) -> None:
        if not self._writer.is_in_place():
            self._ring(f"{_removed(self._writer.path)}.")
            self._rescue(self._writer).finish()
            return
        try:
            with self._timed():
                self._writer.finish()
        except StorageError as error:
            if self._fallback is None or self._writer.is_secured():
                self._ring(f"{_what(error)}; the end of {self.path} is missing: mend it with `veridical recover`.")
                raise StorageError(self.alarm) from error
            self._go_on_elsewhere(error)
            with self._at_the_last_place():
                self._writer.finish()

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Let others see for how long the disk keeps us waiting."""
        since_s = self._waiting_since_s
        self._waiting_since_s = time.monotonic() if since_s is None else since_s
        try:
            yield
        finally:
            self._waiting_since_s = since_s

    def _put(self, chunk: EncodedSamples | _Offset) -> None:
        with self._timed():
            try:
                self._write(chunk)
            except StorageError as error:
                self._go_on_elsewhere(error)
                with self._at_the_last_place():
                    self._write(chunk)
        self._unsynced.append(chunk)

    def _act_on(self, told: Synced) -> None:
        error = self._note_synced(told)
        if error is not None:
            self._go_on_elsewhere(error)
            return
        n_bytes, self._n_bytes_at_sync = told.mark.n_bytes - self._n_bytes_at_sync, told.mark.n_bytes
        if not told.is_in_place:
            self._leave_removed_file()
        elif self._is_nearly_full(told, n_bytes):
            self._go_on_elsewhere(StorageError(f"The disk of {self.path} is nearly full: free space."))

    def _note_synced(self, told: Synced) -> StorageError | None:
        """Take note of what has reached the disk; returns the error if it has not."""
        n_synced, self._n_syncing = self._n_syncing, 0
        if told.error is not None:
            return self._writer.fail_sync(told.error)
        self._writer.end_sync(told.mark)
        del self._unsynced[:n_synced]
        return None

    def _write(self, chunk: EncodedSamples | _Offset) -> None:
        if isinstance(chunk, _Offset):
            self._writer.write_clock_offset(chunk.stream_id, chunk.collected_s, chunk.offset_s)
        else:
            self._writer.append(chunk)

    def _go_on_elsewhere(self, error: StorageError) -> None:
        """Continue in the fallback folder with what the failed file did not keep (StorageError if it is no better)."""
        if self._is_failed:
            raise StorageError(self.alarm) from error
        # Its result would be lost on the next file; and who asks the disk again is told that all is well.
        told = self._syncer.take(waits=True)
        if told is not None:
            self._note_synced(told)
        failed = self._writer
        with self._at_the_last_place(error):
            is_better = failed.path.parent != self._fallback or _is_too_big(error, failed)
            self._writer = self._open_continuation(self._fallback if is_better else None, error)
            self._leave(failed)
        self._ring(
            f"{_what(error)}; the recording goes on in {self._writer.path}: keep both files, nothing is lost, and join "
            "them with `veridical recover`."
        )

    def _leave(self, failed: XdfWriter) -> None:
        """Begin the new file with what the failed one did not keep, and close that."""
        self._old.append(failed)
        is_secured = failed.is_secured()
        if is_secured:
            self._unsynced.clear()
        self._repeat_start()
        # Only now: what is cut off here stands in the new file.
        if not is_secured:
            failed.cut_back()
        failed.complete()
        failed.release()

    def _begin_again(self, folder: Path) -> bool:
        """Try to go on in a folder after a failure."""
        failed = self._writer
        try:
            self._writer = XdfWriter(_free_name(folder, self._output.stem, "continued"))
        except StorageError:
            return False
        try:
            self._leave(failed)
        except StorageError:
            # It took a few bytes: nothing that is not in the old file too.
            self._old.remove(failed)
            self._writer.release()
            with contextlib.suppress(OSError):
                self._writer.path.unlink()
            self._writer = failed
            return False
        since_s = time.monotonic() - (self._failed_s or 0.0)
        self._lost_s += since_s
        self._is_failed = False
        self._ring(
            f"The recording goes on in {self._writer.path}: keep every file. What was sent in the {since_s:.0f} s "
            "in between is missing."
        )
        return True

    def _has_room(self, folder: Path) -> bool:
        running_s = max(1.0, (self._failed_s or 0.0) - self._begun_s)
        wanted = max(_ROOM_BYTES, int(_ROOM_S * self.n_bytes / running_s))
        try:
            return shutil.disk_usage(folder).free >= wanted
        except OSError:
            return False

    def _leave_removed_file(self) -> None:
        removed = self._writer
        error = StorageError(f"{_removed(removed.path)}: keep it where it is.")
        with self._at_the_last_place(error):
            self._writer = self._open_after_removal(removed, error)
            self._old.append(removed)
            # All of it is in the removed file, which is saved.
            self._unsynced.clear()
            self._repeat_start()
        self._ring(f"{_what(error)}; the recording goes on in {self._writer.path}.")
        self._rescue(removed)

    def _open_after_removal(self, removed: XdfWriter, error: StorageError) -> XdfWriter:
        """Open the next file: nothing is wrong with the disk, so its folder will do as well."""
        try:
            return self._open_continuation(self._fallback, error)
        except StorageError:
            return self._open_continuation(removed.path.parent, error)

    def _rescue(self, removed: XdfWriter) -> "Rescue":
        folders = [folder for folder in (self._fallback, removed.path.parent) if folder is not None]
        rescue = Rescue(removed, tuple(_free_name(folder, self._output.stem, "rescued") for folder in folders))
        self._rescues.append(rescue)
        return rescue

    def _repeat_start(self) -> None:
        """Begin a new file: all headers in order, so that ids stay, newest clock offsets, what is not on disk."""
        for header in self._headers:
            self._writer.add_stream(header)
        repeated = [o for o in self._last_offsets.values() if o not in self._unsynced]
        for chunk in (*repeated, *self._unsynced):
            self._write(chunk)
        self._n_bytes_at_sync = 0

    def _open_continuation(self, folder: Path | None, error: StorageError) -> XdfWriter:
        if folder is None:
            raise error
        return XdfWriter(_free_name(folder, self._output.stem, "continued"))

    @contextlib.contextmanager
    def _at_the_last_place(self, first: StorageError | None = None) -> Iterator[None]:
        """Turn a failure of the last place there is into the end of the recording."""
        try:
            yield
        except StorageError as error:
            self._is_failed = True
            self._failed_s = time.monotonic()
            also = f"{_what(error)}; " if first is not None and error is not first else ""
            self._ring(
                f"{_what(first or error)}; {also}nothing more is being recorded, and what was recorded until now is "
                "kept: free space (a session's recording then goes on by itself), or start the next run in another "
                "folder."
            )
            raise StorageError(self.alarm) from error

    def _is_nearly_full(self, told: Synced, n_bytes_per_sync: int) -> bool:
        """Whether this disk holds only seconds more, and the fallback folder is on a roomier one."""
        here, there = told.free_bytes, told.fallback_free_bytes
        if here is None or there is None or here >= _SPARE_BYTES + _SPARE_SYNCS * n_bytes_per_sync:
            return False
        return self.path.parent != self._fallback and there > 2 * here

    def _ring(self, alarm: str) -> None:
        self._alarms.append(alarm)
        _log.error("%s", alarm)


def _removed(path: Path) -> str:
    return f"{path} has been removed, moved or replaced during the recording"


def _is_too_big(error: StorageError, writer: XdfWriter) -> bool:
    """Whether the file, not the disk, is full (4 GB on many sticks): the next file in the same folder is no worse."""
    is_limit = isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EFBIG
    return is_limit and any(tally.n_samples for tally in writer.tallies.values())


def _free_name(folder: Path, stem: str, word: str) -> Path:
    names = (f"{stem}_{word}{'' if k == 1 else f'-{k}'}.xdf" for k in range(1, _MAX_FILES))
    for name in names:
        if not (folder / name).exists():
            return folder / name
    raise StorageError(f"{folder} holds {_MAX_FILES} recordings named {stem}_{word} already; tidy it up.")


def _what(error: StorageError) -> str:
    """What was found, without the remedy behind the last colon."""
    return str(error).rpartition(": ")[0] or str(error).rstrip(".")
