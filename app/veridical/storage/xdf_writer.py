"""XDF, written so that a crash at any moment leaves a readable file (FORMATS 3)."""

import contextlib
import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import describe_stream, header_xml
from veridical.storage import xdf_format as xdf

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free space or record to another disk",
    errno.EFBIG: "the file has reached the largest size this disk allows: record to another disk",
    errno.EROFS: "the disk is read-only: choose another folder",
    errno.EACCES: "the folder may not be written: choose another folder",
    errno.EPERM: "the folder may not be written: choose another folder",
    errno.ENOENT: "the folder is gone: choose another folder",
    errno.EIO: "the disk reports an error: record to another disk and have this one checked",
    getattr(errno, "EDQUOT", errno.ENOSPC): "your disk quota is used up: free space or record to another disk",
}


def _explain(path: Path, error: OSError) -> StorageError:
    words = _REMEDIES.get(error.errno or 0, f"{error.strerror or error}: record to another disk")
    return StorageError(f"{path} cannot be written, {words}.")


def parse_header(xml: str) -> StreamDescription:
    """Check a header as a reader would and return what it describes.

    Raises
    ------
    RecordingError
        If a reader would choke on it.
    """
    try:
        description = describe_stream(fromstring(xml, forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise RecordingError(f"A stream's header cannot be written because it is damaged ({error}).") from error
    if not description.name:
        raise RecordingError("A stream without a name cannot be written; give it a name in its program.")
    return description


@dataclass
class _Written:
    """What of one stream stands in the file."""

    description: StreamDescription
    layout: np.dtype[np.void] | None
    n_samples: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    clock_offsets: list[tuple[float, float]] = field(default_factory=list)


class XdfWriter:
    """One XDF file, created exclusively: an existing file is never overwritten.

    Every chunk is one unbuffered, checked write. After a failed write the file is cut back to its last
    whole chunk and every later call raises, so that nobody believes data are still being kept.

    Raises
    ------
    StorageError
        If the file exists, or the disk is full, read-only or broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._streams: dict[int, _Written] = {}
        self._failure: StorageError | None = None
        self._n_bytes = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open(path)
        except FileExistsError as error:
            raise StorageError(f"{path} exists already; take another name or the next run number.") from error
        except OSError as error:
            raise _explain(path, error) from error
        root = Element("info")
        SubElement(root, "version").text = "1.0"
        SubElement(root, "datetime").text = datetime.now(UTC).isoformat()
        try:
            self._write(xdf.MAGIC + xdf.encode_chunk(xdf.FILE_HEADER, _xml(root)))
        except StorageError:
            self._file.close()
            # Nothing stands in it, and it would be in the way of the next try.
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    @property
    def n_bytes(self) -> int:
        """Size of the file so far."""
        return self._n_bytes

    def n_samples(self, stream_id: int) -> int:
        """Samples of a stream written so far."""
        return self._streams[stream_id].n_samples

    def last_s(self, stream_id: int) -> float | None:
        """Newest stamp of a stream; None before the first."""
        stream = self._streams[stream_id]
        return stream.last_s if stream.n_samples else None

    def add_stream(self, header: str | StreamDescription) -> int:
        """Write a stream's header and return its id; may happen at any time, ids are never reused.

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
        description = parse_header(xml)
        layout = None
        if description.format != "string":
            layout = xdf.explicit_dtype(description.n_channels, description.format)
        stream_id = len(self._streams) + 1
        self._write(xdf.encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", stream_id) + xml.encode()))
        self._streams[stream_id] = _Written(description, layout)
        return stream_id

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
        n = len(stamps_s)
        if n == 0:
            return
        stream = self._streams[stream_id]
        if len(samples) != stream.description.n_channels:
            raise ValueError(f"{len(samples)} rows for {stream.description.n_channels} channels")
        if stream.layout is None:
            body = _encode_strings(samples, stamps_s)
        else:
            records = np.empty(n, stream.layout)
            records["flag"] = 8
            records["stamp"] = stamps_s
            records["values"] = np.asarray(samples).T
            body = records.tobytes()
        head = struct.pack("<I", stream_id) + xdf.encode_length(n)
        self._write(xdf.encode_chunk(xdf.SAMPLES, head + body))
        if stream.n_samples == 0:
            stream.first_s = float(stamps_s[0])
        stream.n_samples += n
        stream.last_s = float(stamps_s[-1])

    def write_clock_offset(self, stream_id: int, collected_s: float, offset_s: float) -> None:
        """Write a successful measurement: when on the stream's clock, and what to add to its stamps."""
        content = struct.pack("<Idd", stream_id, collected_s, offset_s)
        self._write(xdf.encode_chunk(xdf.CLOCK_OFFSET, content))
        self._streams[stream_id].clock_offsets.append((collected_s, offset_s))

    def write_boundary(self) -> None:
        """Write a mark from which a reader of a damaged file finds its way again; every 1-2 s."""
        self._write(xdf.encode_chunk(xdf.BOUNDARY_TAG, xdf.BOUNDARY))

    def sync(self) -> None:
        """Force everything to disk (blocks for the disk); at least every second."""
        if self._failure is not None:
            raise self._failure
        # macOS and Windows have no fdatasync.
        force = getattr(os, "fdatasync", os.fsync)
        try:
            force(self._file.fileno())
        except OSError as error:
            raise self._fail(error) from error

    def close(self) -> None:
        """Write the footers, sync and close; after a failure only close, then raise it again."""
        if self._file.closed:
            return
        try:
            for stream_id, stream in self._streams.items():
                self._write(xdf.encode_chunk(xdf.STREAM_FOOTER, struct.pack("<I", stream_id) + _footer(stream)))
            self.sync()
        finally:
            self._file.close()

    def _open(self, path: Path) -> Any:
        return open(path, "xb", buffering=0)

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
                self._file.truncate(self._n_bytes)
            raise self._fail(error) from error
        self._n_bytes += len(data)

    def _fail(self, error: OSError) -> StorageError:
        self._failure = _explain(self.path, error)
        return self._failure


def _encode_strings(samples: NDArray[Any] | Sequence[Sequence[str | bytes]], stamps_s: FloatArray) -> bytes:
    parts: list[bytes] = []
    for row, stamp_s in zip(zip(*samples, strict=True), stamps_s, strict=True):
        parts.append(struct.pack("<Bd", 8, stamp_s))
        for value in row:
            text = value if isinstance(value, bytes) else str(value).encode()
            parts += (xdf.encode_length(len(text)), text)
    return b"".join(parts)


def _xml(root: Element) -> bytes:
    return b'<?xml version="1.0"?>' + tostring(root, encoding="unicode").encode()


def _footer(stream: _Written) -> bytes:
    root = Element("info")
    if stream.n_samples:
        SubElement(root, "first_timestamp").text = repr(stream.first_s)
        SubElement(root, "last_timestamp").text = repr(stream.last_s)
    SubElement(root, "sample_count").text = str(stream.n_samples)
    offsets = SubElement(root, "clock_offsets")
    for collected_s, offset_s in stream.clock_offsets:
        offset = SubElement(offsets, "offset")
        SubElement(offset, "time").text = repr(collected_s)
        SubElement(offset, "value").text = repr(offset_s)
    return _xml(root)
