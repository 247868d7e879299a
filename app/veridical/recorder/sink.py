"""Where a recording goes: one file, and another one in a fallback folder when the first takes no more."""

import contextlib
import errno
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StorageError
from veridical.domain.stream import StreamDescription
from veridical.storage.xdf_encoding import EncodedSamples
from veridical.storage.xdf_writer import NameTakenError, Tally, XdfWriter

_MAX_FILES = 1000
# Left free when there is a better place: for footers, the presenter's journal, and what comes until one looks again.
_SPARE_BYTES = 1 << 16
_SPARE_SYNCS = 2

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
    ``<name>_rescued.xdf`` beside it, in a thread of its own. Not thread-safe otherwise.

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
        # What was written since the last sync: a disk that then fails may have lost it.
        self._unsynced: list[EncodedSamples | _Offset] = []
        self._n_bytes_at_sync = 0
        self._old: list[XdfWriter] = []
        self._rescues: list[_Rescue] = []
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
        return " ".join((*self._alarms, *(rescue.words for rescue in self._rescues)))

    @property
    def is_failed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._is_failed

    def add_stream(self, header: str | StreamDescription) -> int:
        """Write a stream's header and return its id (RecordingError if a reader could not parse it)."""
        stream_id = len(self._headers) + 1
        try:
            self._writer.add_stream(header)
        except StorageError as error:
            self._go_on_elsewhere(error)
            with self._at_the_last_place():
                self._writer.add_stream(header)
        self._headers.append(header)
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
        try:
            self._writer.write_boundary()
        except StorageError as error:
            self._go_on_elsewhere(error)

    def sync(self) -> None:
        """Force everything to disk, and look whether the file is still there and its disk has room (blocks)."""
        try:
            self._writer.sync()
        except StorageError as error:
            self._go_on_elsewhere(error)
            return
        self._unsynced.clear()
        n_bytes, self._n_bytes_at_sync = self._writer.n_bytes - self._n_bytes_at_sync, self._writer.n_bytes
        if not self._writer.is_in_place():
            self._leave_removed_file()
        elif self._fallback is not None and self._is_nearly_full(self._fallback, n_bytes):
            self._go_on_elsewhere(StorageError(f"The disk of {self.path} is nearly full: free space."))

    def close(self) -> None:
        """Write the footers and close all files; waits for a rescue that is under way (StorageError if it failed)."""
        try:
            if self._is_failed:
                self._writer.complete()
            else:
                self._close_last()
        finally:
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
            self._writer.finish()
        except StorageError as error:
            if self._fallback is None or self._writer.is_secured():
                self._ring(f"{_what(error)}; the end of {self.path} is missing: mend it with `veridical recover`.")
                raise StorageError(self.alarm) from error
            self._go_on_elsewhere(error)
            with self._at_the_last_place():
                self._writer.finish()

    def _put(self, chunk: EncodedSamples | _Offset) -> None:
        try:
            self._write(chunk)
        except StorageError as error:
            self._go_on_elsewhere(error)
            with self._at_the_last_place():
                self._write(chunk)
        self._unsynced.append(chunk)

    def _write(self, chunk: EncodedSamples | _Offset) -> None:
        if isinstance(chunk, _Offset):
            self._writer.write_clock_offset(chunk.stream_id, chunk.collected_s, chunk.offset_s)
        else:
            self._writer.append(chunk)

    def _go_on_elsewhere(self, error: StorageError) -> None:
        """Continue in the fallback folder with what the failed file did not keep (StorageError if it is no better)."""
        if self._is_failed:
            raise StorageError(self.alarm) from error
        failed = self._writer
        with self._at_the_last_place(error):
            is_better = failed.path.parent != self._fallback or _is_too_big(error, failed)
            self._writer = self._open_continuation(self._fallback if is_better else None, error)
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
        self._ring(
            f"{_what(error)}; the recording goes on in {self._writer.path}: keep both files, nothing is lost, and join "
            "them with `veridical recover`."
        )

    def _leave_removed_file(self) -> None:
        removed = self._writer
        error = StorageError(f"{_removed(removed.path)}: keep it where it is.")
        with self._at_the_last_place(error):
            self._writer = self._open_after_removal(removed, error)
            self._old.append(removed)
            self._repeat_start()
        self._ring(f"{_what(error)}; the recording goes on in {self._writer.path}.")
        self._rescue(removed)

    def _open_after_removal(self, removed: XdfWriter, error: StorageError) -> XdfWriter:
        """Open the next file: nothing is wrong with the disk, so its folder will do as well."""
        try:
            return self._open_continuation(self._fallback, error)
        except StorageError:
            return self._open_continuation(removed.path.parent, error)

    def _rescue(self, removed: XdfWriter) -> "_Rescue":
        folders = [folder for folder in (self._fallback, removed.path.parent) if folder is not None]
        rescue = _Rescue(removed, tuple(_free_name(folder, self._output.stem, "rescued") for folder in folders))
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
            also = f"{_what(error)}; " if first is not None and error is not first else ""
            self._ring(
                f"{_what(first or error)}; {also}nothing more is being recorded, and what was recorded until now is "
                "kept: free space or set another folder, then start the next run."
            )
            raise StorageError(self.alarm) from error

    def _is_nearly_full(self, fallback: Path, n_bytes_per_sync: int) -> bool:
        """Whether this disk holds only seconds more, and the fallback folder is on a roomier one."""
        try:
            here = shutil.disk_usage(self.path.parent).free
            if here >= _SPARE_BYTES + _SPARE_SYNCS * n_bytes_per_sync:
                return False
            return self.path.parent != fallback and shutil.disk_usage(_existing(fallback)).free > 2 * here
        except OSError:
            return False

    def _ring(self, alarm: str) -> None:
        self._alarms.append(alarm)
        _log.error("%s", alarm)


class _Rescue:
    """Copies what an open but removed file holds, in a thread of its own, to the first place that takes it."""

    def __init__(self, writer: XdfWriter, targets: tuple[Path, ...]) -> None:
        self.writer = writer
        self.saved: Path | None = None
        self.words = f"What {writer.path.name} held is being saved to {targets[0]}."
        self._targets = targets
        self._thread = threading.Thread(target=self._run, name="rescue", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all is copied (blocks)."""
        self._thread.join()

    def _run(self) -> None:
        self.writer.complete()
        reason = ""
        for target in self._targets:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as file:
                    for piece in self.writer.contents():
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                reason = error.strerror or str(error)
                continue
            self.saved = target
            self.words = f"What {self.writer.path.name} held is saved in {target}: keep every file of the recording."
            return
        self.words = (
            f"What {self.writer.path} held could not be saved ({reason}): look for it in the trash before anything "
            "else is written to that disk."
        )


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


def _existing(folder: Path) -> Path:
    return next((f for f in (folder, *folder.parents) if f.exists()), folder)


def _what(error: StorageError) -> str:
    """What was found, without the remedy behind the last colon."""
    return str(error).rpartition(": ")[0] or str(error).rstrip(".")
