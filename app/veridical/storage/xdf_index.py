"""Finds every chunk of an XDF file, and its way past damage, without reading a single sample."""

import re
import struct
from array import array
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import describe_stream
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_chunks import (
    Buffer,
    NumericLayout,
    SamplesChunk,
    read_length,
    strings_fit,
)

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_OFFSET = struct.Struct("<dd").unpack_from
_CORE_TAGS = ("name", "type", "channel_count", "nominal_srate", "channel_format", "source_id", "uid", "hostname")


@dataclass
class StreamIndex:
    """Where one stream's chunks lie.

    Parameters
    ----------
    starts, stops, counts : array of int64
        One entry per samples chunk, in file order.
    is_salvaged : bool
        The header's XML is damaged and only its core fields were found.
    """

    id: int
    description: StreamDescription
    header: Element
    is_salvaged: bool = False
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    stops: "array[int]" = field(default_factory=lambda: array("q"))
    counts: "array[int]" = field(default_factory=lambda: array("q"))
    clock_offsets: list[tuple[float, float]] = field(default_factory=list)
    footer: Element | None = None

    @property
    def layout(self) -> NumericLayout:
        """How a numeric stream's samples lie in the file."""
        return NumericLayout(self.description.n_channels, self.description.format)


@dataclass
class FileIndex:
    """Everything of a file but its samples.

    Parameters
    ----------
    defects : list of str
        ``truncated``, ``damaged``, ``bad-header``.
    remarks : list of str
        What was skipped, and where.
    """

    streams: dict[int, StreamIndex] = field(default_factory=dict)
    header: Element | None = None
    defects: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def note(self, defect: str, remark: str) -> None:
        """Keep a defect (once) and a remark (the first hundred)."""
        if defect not in self.defects:
            self.defects.append(defect)
        if len(self.remarks) < 100:
            self.remarks.append(remark)


def index_chunks(buffer: Buffer, trail: list[tuple[int, int]] | None = None) -> FileIndex:
    """Walk over all chunks of a file that starts with the magic bytes.

    Parameters
    ----------
    trail : list of (start, stop) or None
        Filled with the bytes of every chunk that is what it says, from its first length byte, in file order.
    """
    return _Walk(buffer, trail).run()


def _parse(xml: bytes) -> Element | None:
    try:
        root: Element = fromstring(xml.decode("utf-8", "replace"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return root


def _salvage(xml: bytes) -> Element:
    """Build a header from the core fields of damaged XML (a device that writes a bare ``&`` in its notes)."""
    root = Element("info")
    text = xml.decode("utf-8", "replace")
    for tag in _CORE_TAGS:
        found = re.search(rf"<{tag}>([^<]*)</{tag}>", text)
        if found:
            SubElement(root, tag).text = found.group(1)
    return root


class _Walk:
    """One pass over a file."""

    def __init__(self, buffer: Buffer, trail: list[tuple[int, int]] | None) -> None:
        self._buffer = buffer
        self._trail = trail
        self._n = len(buffer)
        self._index = FileIndex()
        self._bad_ids: set[int] = set()

    def run(self) -> FileIndex:
        buffer, n = self._buffer, self._n
        at = len(xdf.MAGIC)
        while at < n:
            # Chunks of one kind of length make up nearly all of a file: read them without a call.
            if buffer[at] == 4 and at + 7 <= n:
                start = at + 5
                length = _U32(buffer, at + 1)[0]
            else:
                read = read_length(buffer, at, n)
                if read is None:
                    at = self._resume_after(at, at)
                    continue
                length, start = read
            stop = start + length
            if length < 2 or stop > n:
                at = self._resume_after(at, at)
                continue
            if not self._take(_U16(buffer, start)[0], start + 2, stop):
                at = self._resume_after(at, start)
                continue
            if self._trail is not None:
                self._trail.append((at, stop))
            at = stop
        return self._index

    def _take(self, tag: int, start: int, stop: int) -> bool:
        """Enter one chunk; False if it cannot be what it says."""
        if tag in xdf.TAGS_WITH_ID:
            if stop - start < 4:
                return False
            stream_id = _U32(self._buffer, start)[0]
            start += 4
            if tag == xdf.SAMPLES:
                return self._take_samples(stream_id, start, stop)
            if tag == xdf.CLOCK_OFFSET:
                return self._take_clock_offset(stream_id, start, stop)
        if tag == xdf.BOUNDARY_TAG:
            return self._buffer[start:stop] == xdf.BOUNDARY
        if self._swallowed_boundary(start, stop):
            return False
        if tag == xdf.FILE_HEADER:
            self._index.header = _parse(self._buffer[start:stop])
        elif tag == xdf.STREAM_HEADER:
            self._take_header(stream_id, start, stop)
        elif tag == xdf.STREAM_FOOTER:
            stream = self._index.streams.get(stream_id)
            if stream is not None:
                stream.footer = _parse(self._buffer[start:stop])
        return True

    def _take_samples(self, stream_id: int, start: int, stop: int) -> bool:
        stream = self._index.streams.get(stream_id)
        if stream is None:
            return self._skip_unknown(stream_id, "samples", start, stop)
        read = read_length(self._buffer, start, stop)
        if read is None:
            return False
        chunk = SamplesChunk(read[1], stop, read[0])
        if stream.description.format == "string":
            # Texts have no size of their own: a lying length shows by the boundary it swallowed.
            if self._swallowed_boundary(start, stop):
                return False
            fits = strings_fit(self._buffer, chunk, stream.description.n_channels)
        else:
            fits = stream.layout.fits(self._buffer, chunk)
        if fits and chunk.n:
            stream.starts.append(chunk.start)
            stream.stops.append(chunk.stop)
            stream.counts.append(chunk.n)
        return fits

    def _take_clock_offset(self, stream_id: int, start: int, stop: int) -> bool:
        if stop - start != 16:
            return False
        stream = self._index.streams.get(stream_id)
        if stream is None:
            return self._skip_unknown(stream_id, "clock offsets", start, stop)
        stream.clock_offsets.append(_OFFSET(self._buffer, start))
        return True

    def _skip_unknown(self, stream_id: int, what: str, start: int, stop: int) -> bool:
        if self._swallowed_boundary(start, stop):
            return False
        if stream_id not in self._bad_ids:
            self._bad_ids.add(stream_id)
            self._index.note("bad-header", f"{what} of stream {stream_id} were skipped: it has no header before them")
        return True

    def _take_header(self, stream_id: int, start: int, stop: int) -> None:
        if stream_id in self._index.streams:
            self._index.note("bad-header", f"a second header of stream {stream_id} at byte {start} was skipped")
            return
        xml = self._buffer[start:stop]
        root = _parse(xml)
        header = root if root is not None else _salvage(xml)
        try:
            description = describe_stream(header)
        except ValueError as error:
            self._bad_ids.add(stream_id)
            self._index.note("bad-header", f"stream {stream_id} was skipped: its header at byte {start} says {error}")
            return
        self._index.streams[stream_id] = StreamIndex(stream_id, description, header, is_salvaged=root is None)
        if root is None:
            self._index.note("bad-header", f"the header of stream {stream_id} at byte {start} is damaged")

    def _swallowed_boundary(self, start: int, stop: int) -> bool:
        return self._find(start, stop) >= 0

    def _find(self, start: int, stop: int) -> int:
        return self._buffer.find(xdf.BOUNDARY, start, stop)

    def _resume_after(self, chunk_at: int, search_at: int) -> int:
        """Go on behind the next boundary; the end of the file if there is none."""
        found = self._find(search_at, self._n)
        if found < 0:
            self._index.note("truncated", f"the file ends inside a chunk at byte {chunk_at} of {self._n}")
            return self._n
        after = found + len(xdf.BOUNDARY)
        self._index.note("damaged", f"{after - chunk_at} damaged bytes at byte {chunk_at} were skipped")
        return after
