"""Every marker, twice: on the LSL stream and in the journal, with the same stamp and words."""

import os
from typing import Protocol

from veridical.domain.errors import StorageError
from veridical.domain.event import Marker


class MarkerSink(Protocol):
    """The LSL marker stream."""

    def push(self, text: str, lsl_s: float) -> None:
        """Send a marker with an explicit stamp in LSL seconds."""
        ...


class Lines(Protocol):
    """The journal."""

    def append(self, lsl_s: float, marker: str) -> None:
        """Write one line; StorageError if the disk refuses."""
        ...

    def sync(self) -> None:
        """Force all lines to disk; OSError or StorageError if the disk refuses."""
        ...


class MarkerWriter:
    """Writes markers; a journal that fails keeps its lines waiting and never stops the stream."""

    def __init__(self, stream: MarkerSink, journal: Lines) -> None:
        self._stream = stream
        self._journal = journal
        self._waiting: list[tuple[float, str]] = []
        self.problem = ""

    def write(self, lsl_s: float, marker: Marker) -> None:
        """Write a marker that happened at ``lsl_s``; a journal error is kept in ``problem``."""
        text = marker.encode()
        self._stream.push(text, lsl_s)
        self._waiting.append((lsl_s, text))
        self._empty_waiting()

    def sync(self) -> None:
        """Bring the journal to disk (blocks for the disk); an error is kept in ``problem``."""
        self._empty_waiting()
        if self._waiting:
            return
        try:
            self._journal.sync()
        except StorageError as error:
            self.problem = str(error)
        except OSError as error:
            reason = error.strerror or os.strerror(error.errno or 0)
            self.problem = f"The journal cannot be written ({reason}); free space on the disk, then resume."

    def retry(self) -> bool:
        """Try again after a problem; returns whether all is on disk now."""
        self.problem = ""
        self.sync()
        return not self.problem

    def _empty_waiting(self) -> None:
        try:
            while self._waiting:
                self._journal.append(*self._waiting[0])
                self._waiting.pop(0)
        except StorageError as error:
            self.problem = str(error)
