"""XDF, written so that a crash at any moment leaves a readable file (FORMATS 3)."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StorageError
from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_encoding as encoding
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_encoding import EncodedSamples

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free space or record to another disk",
    errno.EFBIG: "the file has reached the largest size this disk allows: record to another disk",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "the folder may not be written: choose another folder",
    errno.EPERM: "the folder may not be written: choose another folder",
    errno.ENOENT: "the folder is gone: choose another folder",
    errno.ENOTDIR: "its folder is a file: choose another folder",
    errno.EIO: "the disk reports an error: record to another disk and have this one checked",
    getattr(errno, "EDQUOT", errno.ENOSPC): "your disk quota is used up: free space or record to another disk",
    getattr(errno, "ESTALE", errno.ENOENT): "the network disk is gone: record to another disk",
}
_COPIED_BYTES = 1 << 20


class NameTakenError(StorageError):
    """The name is taken: somebody else's data, which no fallback may hide."""


def _explain(path: Path, error: OSError) -> StorageError:
    words = _REMEDIES.get(error.errno or 0, f"{error.strerror or error}: record to another disk")
    return StorageError(f"{path} cannot be written, {words}.")


@dataclass(frozen=True)
class Tally:
    """What of one stream stands in the file."""

    n_samples: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    n_clock_offsets: int = 0


@dataclass(frozen=True)
class SyncMark:
    """What stood in the file when a sync began.

    Parameters
    ----------
    n_bytes : int
    tallies : mapping
        By stream id.
    """

    n_bytes: int
    tallies: Mapping[int, Tally]


@dataclass
class _Written:
    description: StreamDescription
    layout: np.dtype[np.void] | None
    # Where its header ends.
    header_stop: int
    tally: Tally = Tally()
    synced: Tally = Tally()
    clock_offsets: list[tuple[float, float]] = field(default_factory=list)


class XdfWriter:
    """One XDF file, created exclusively: an existing file is never overwritten.

    Every chunk is one unbuffered, checked write. After a failed write the file is cut back to its last
    whole chunk and every later call raises, so that nobody believes data are still being kept.

    Raises
    ------
    NameTakenError
        If the file exists.
    StorageError
        If the disk is full, read-only or broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._streams: dict[int, _Written] = {}
        self._failure: StorageError | None = None
        self._has_lost = False
        self._n_bytes = 0
        self._n_synced = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open(path)
        except FileExistsError as error:
            if path.exists():
                raise NameTakenError(f"{path} exists already; take another name or the next run number.") from error
            # A file stands where a folder should.
            raise _explain(path, NotADirectoryError(errno.ENOTDIR, "")) from error
        except OSError as error:
            raise _explain(path, error) from error
        try:
            self._write(encoding.encode_file_header())
        except StorageError:
            self._file.close()
            # Nothing stands in it, and it would be in the way of the next try.
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        self._n_synced = self._n_bytes

    @property
    def n_bytes(self) -> int:
        """Size of the file so far."""
        return self._n_bytes

    def n_samples(self, stream_id: int) -> int:
        """Samples of a stream written so far."""
        return self._streams[stream_id].tally.n_samples

    def last_s(self, stream_id: int) -> float | None:
        """Newest stamp of a stream; None before the first."""
        tally = self._streams[stream_id].tally
        return tally.last_s if tally.n_samples else None

    @property
    def tallies(self) -> Mapping[int, Tally]:
        """What of every stream stands in the file."""
        return {stream_id: stream.tally for stream_id, stream in self._streams.items()}

    def add_stream(self, header: str | StreamDescription) -> int:
        """Write a stream's header and return its id (1, 2, ...); may happen at any time, ids are never reused.

        Parameters
        ----------
        header : str or StreamDescription
            The XML as the stream announced it, or a description to write it from.

        Raises
        ------
        RecordingError
            If a reader could not parse the header.
        """
        xml = header if isinstance(header, str) else header_xml(header)
        description = encoding.parse_header(xml)
        layout = None
        if description.format != "string":
            layout = xdf.explicit_dtype(description.n_channels, description.format)
        stream_id = len(self._streams) + 1
        self._write(encoding.encode_stream_header(stream_id, xml))
        self._streams[stream_id] = _Written(description, layout, self._n_bytes)
        return stream_id

    def encode(
        self, stream_id: int, samples: NDArray[Any] | Sequence[Sequence[str | bytes]], stamps_s: FloatArray
    ) -> EncodedSamples:
        """Make a chunk of at least one sample without writing it; see ``write_samples``."""
        stream = self._streams[stream_id]
        if len(samples) != stream.description.n_channels:
            raise ValueError(f"{len(samples)} rows for {stream.description.n_channels} channels")
        return encoding.encode_samples(stream_id, stream.layout, samples, stamps_s)

    def append(self, chunk: EncodedSamples) -> None:
        """Write a chunk."""
        self._write(chunk.data)
        stream = self._streams[chunk.stream_id]
        tally = stream.tally
        first_s = tally.first_s if tally.n_samples else chunk.first_s
        stream.tally = Tally(tally.n_samples + chunk.n, first_s, chunk.last_s, tally.n_clock_offsets)

    def write_samples(
        self, stream_id: int, samples: NDArray[Any] | Sequence[Sequence[str | bytes]], stamps_s: FloatArray
    ) -> None:
        """Write one chunk; nothing if it is empty.

        Parameters
        ----------
        samples : ndarray or sequences of str or bytes, shape (n_channels, n_times)
            In the stream's format (other number types are cast).
        stamps_s : ndarray, shape (n_times,)
            Written bit-exact.
        """
        if len(stamps_s):
            self.append(self.encode(stream_id, samples, stamps_s))

    def write_clock_offset(self, stream_id: int, collected_s: float, offset_s: float) -> None:
        """Write a successful measurement: when on the stream's clock, and what to add to its stamps."""
        self._write(encoding.encode_clock_offset(stream_id, collected_s, offset_s))
        stream = self._streams[stream_id]
        stream.clock_offsets.append((collected_s, offset_s))
        stream.tally = replace(stream.tally, n_clock_offsets=len(stream.clock_offsets))

    def write_boundary(self) -> None:
        """Write a mark from which a reader of a damaged file finds its way again; every 1-2 s."""
        self._write(encoding.encode_boundary())

    def sync(self) -> None:
        """Force everything to disk (blocks for the disk); at least every second."""
        mark = self.begin_sync()
        try:
            self.force()
        except OSError as error:
            raise self.fail_sync(error) from error
        self.end_sync(mark)

    def begin_sync(self) -> SyncMark:
        """Note what a ``force`` that begins now will have forced to disk (StorageError after a failure)."""
        if self._failure is not None:
            raise self._failure
        return SyncMark(self._n_bytes, self.tallies)

    def force(self) -> None:
        """Force what was written to disk (blocks; OSError): the one call that another thread may make meanwhile."""
        # macOS and Windows have no fdatasync.
        getattr(os, "fdatasync", os.fsync)(self._file.fileno())

    def end_sync(self, mark: SyncMark) -> None:
        """Take note that everything up to ``mark`` is on disk."""
        self._n_synced = mark.n_bytes
        for stream_id, tally in mark.tallies.items():
            self._streams[stream_id].synced = tally

    def fail_sync(self, error: OSError) -> StorageError:
        """Take note that ``force`` failed: everything since the last sync may be lost; returns what to raise."""
        self._has_lost = True
        return self._fail(error)

    def is_secured(self) -> bool:
        """After a failure: whether all whole chunks have reached the disk."""
        # A system tells of lost pages once and then says that all is well: do not ask again.
        if not self._has_lost:
            try:
                self.force()
            except OSError:
                self._has_lost = True
        return not self._has_lost

    def cut_back(self) -> None:
        """After a failure: keep only what had reached the disk at the last sync, if the disk still lets us."""
        with contextlib.suppress(OSError):
            self._cut(self._n_synced)
        self._streams = {k: s for k, s in self._streams.items() if s.header_stop <= self._n_synced}
        for stream in self._streams.values():
            stream.tally = stream.synced
            del stream.clock_offsets[stream.synced.n_clock_offsets :]

    def complete(self) -> None:
        """After a failure: write the footers if the disk still takes them, and leave the file open."""
        self._failure = None
        with contextlib.suppress(StorageError, OSError):
            # Behind the rest of a chunk that could not be cut off nobody would find them.
            if os.fstat(self._file.fileno()).st_size == self._n_bytes:
                self._write_footers()

    def is_in_place(self) -> bool:
        """Whether the file still stands under its name: it may have been removed, moved or replaced."""
        try:
            named = os.stat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            # A network that hesitates is no removal; the next write will tell.
            return True
        return named.st_ino == os.fstat(self._file.fileno()).st_ino

    def contents(self) -> Iterator[bytes]:
        """Yield what stands in the file, in pieces, even if it has been removed (OSError if it cannot be read)."""
        self._file.seek(0)
        left = self._n_bytes
        while left:
            piece = self._file.read(min(left, _COPIED_BYTES))
            if not piece:
                raise OSError(errno.EIO, "the file is shorter than what was written")
            left -= len(piece)
            yield piece

    def finish(self) -> None:
        """Write the footers and sync; leaves the file open."""
        self._write_footers()
        self.sync()

    def close(self) -> None:
        """Write the footers, sync and close; after a failure only close, then raise it again."""
        if self._file.closed:
            return
        try:
            self.finish()
        finally:
            self._file.close()

    def release(self) -> None:
        """Close without another byte."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _open(self, path: Path) -> Any:
        # Readable too: a file that somebody removes can still be saved through this descriptor.
        return open(path, "x+b", buffering=0)

    def _write_footers(self) -> None:
        for stream_id, stream in self._streams.items():
            tally = stream.tally
            self._write(
                encoding.encode_footer(stream_id, tally.n_samples, tally.first_s, tally.last_s, stream.clock_offsets)
            )

    def _write(self, data: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        left = memoryview(data)
        try:
            while left:
                # A disk that fills up takes a part first and refuses the rest.
                left = left[self._file.write(left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._cut(self._n_bytes)
            raise self._fail(error) from error
        self._n_bytes += len(data)

    def _cut(self, n_bytes: int) -> None:
        self._file.seek(n_bytes)
        self._n_bytes = n_bytes
        self._file.truncate(n_bytes)

    def _fail(self, error: OSError) -> StorageError:
        self._failure = _explain(self.path, error)
        return self._failure
