"""The presenter's journal: one JSON object a line, on disk before the next picture."""

import contextlib
import errno
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError


@dataclass(frozen=True)
class JournalLine:
    """One marker with its LSL time (seconds) and the wall clock (ISO 8601, UTC)."""

    lsl_s: float
    utc: str
    marker: str


class Journal:
    """Append-only journal; opened exclusively, so a recording is never overwritten."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except FileExistsError as error:
            raise StorageError(f"{path} exists already; take the next run number.") from error
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written ({error.strerror}); free space or choose another folder."
            ) from error

    def append(self, lsl_s: float, marker: str) -> None:
        """Write one line (one write call); call ``sync`` at the end of the trial."""
        line = msgspec.json.encode(JournalLine(lsl_s, datetime.now(UTC).isoformat(), marker)) + b"\n"
        before = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # A disk that fills mid-line leaves half of it, which the next line would merge with.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, before)
            raise StorageError(f"The journal cannot be written ({error.strerror}); the recording goes on.") from error

    def sync(self) -> None:
        """Force all lines to disk (blocks for the disk)."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        os.close(self._descriptor)


def read_journal(path: Path) -> tuple[JournalLine, ...]:
    """Read every whole line; a partial last line (a crash) is left out."""
    lines: list[JournalLine] = []
    for raw in path.read_bytes().split(b"\n"):
        try:
            lines.append(msgspec.json.decode(raw, type=JournalLine))
        except msgspec.MsgspecError:
            continue
    return tuple(lines)
