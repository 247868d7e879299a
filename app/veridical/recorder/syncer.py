"""Forces a recording to disk in a thread of its own: a disk that takes seconds for it holds up no stream."""

import queue
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from veridical.storage.xdf_writer import SyncMark, XdfWriter


@dataclass(frozen=True)
class Synced:
    """What one sync found.

    Parameters
    ----------
    mark : SyncMark
        What is on disk now, if it did not fail.
    error : OSError or None
        What the disk said.
    is_in_place : bool
        Whether the file still stands under its name.
    free_bytes, fallback_free_bytes : int or None
        Room on its disk and on that of the fallback folder; None if it cannot be told or there is none.
    """

    mark: SyncMark
    error: OSError | None
    is_in_place: bool = True
    free_bytes: int | None = None
    fallback_free_bytes: int | None = None


class Syncer:
    """One sync at a time; results are taken by the thread that began them.

    Parameters
    ----------
    fallback : Path or None
        Folder whose room is looked at, too.
    """

    def __init__(self, fallback: Path | None) -> None:
        self._fallback = fallback
        self._asked: queue.SimpleQueue[tuple[XdfWriter, SyncMark] | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[Synced] = queue.SimpleQueue()
        self._begun_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    @property
    def seconds(self) -> float:
        """How long the sync under way has taken so far; 0 without one."""
        begun_s = self._begun_s
        return 0.0 if begun_s is None else time.monotonic() - begun_s

    @property
    def is_busy(self) -> bool:
        """Whether a sync is under way, or its result was not taken."""
        return self._begun_s is not None

    def begin(self, writer: XdfWriter) -> None:
        """Start to force a file to disk; only if none is under way (StorageError if the file has failed before)."""
        mark = writer.begin_sync()
        self._begun_s = time.monotonic()
        self._asked.put((writer, mark))

    def take(self, waits: bool = False) -> Synced | None:
        """Return what the sync has found; None if it is not over (``waits``: blocks until it is) or there is none."""
        if self._begun_s is None or (not waits and self._told.empty()):
            return None
        told = self._told.get()
        self._begun_s = None
        return told

    def close(self) -> None:
        """End the thread; what is under way must have been taken."""
        self._asked.put(None)

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            writer, mark = asked
            try:
                writer.force()
            except OSError as error:
                self._told.put(Synced(mark, error))
                continue
            fallback = None if self._fallback is None else _existing(self._fallback)
            self._told.put(Synced(mark, None, writer.is_in_place(), _free(writer.path.parent), _free(fallback)))


def _free(folder: Path | None) -> int | None:
    try:
        return None if folder is None else shutil.disk_usage(folder).free
    except OSError:
        return None


def _existing(folder: Path) -> Path | None:
    return next((f for f in (folder, *folder.parents) if f.exists()), None)
