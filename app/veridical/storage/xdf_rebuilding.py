"""The bytes of a mended recording: the original's beginning and new footers, or every readable chunk put together."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from veridical.domain.errors import RecordingError
from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_encoding as encoding
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_chunks import DEDUCED, EXPLICIT, Buffer, read_length
from veridical.storage.xdf_index import FileIndex, StreamIndex
from veridical.storage.xdf_reader import XdfStream

_STAMPED = 8


class Bytes(Protocol):
    """What the copy will consist of."""

    @property
    def n_bytes(self) -> int:
        """Its size."""
        ...

    def pieces(self) -> Iterator[memoryview]:
        """Its content, in order."""
        ...


@dataclass(frozen=True)
class Part:
    """One file of a recording; ``streams`` are those of ``index``, in the same order."""

    file: Path
    buffer: Buffer
    index: FileIndex
    streams: tuple[XdfStream, ...]


@dataclass(frozen=True)
class JoinedStream:
    """A stream over all parts.

    Parameters
    ----------
    id : int
        In the copy.
    indices : tuple of (part, StreamIndex)
        Where its samples lie.
    n_counted : int or None
        What the footer says; None without one.
    """

    id: int
    description: StreamDescription
    header: Element
    is_mended: bool
    indices: tuple[tuple[int, StreamIndex], ...]
    n_samples: int
    first_s: float
    last_s: float
    clock_offsets: tuple[tuple[float, float], ...]
    n_counted: int | None

    @property
    def has_right_footer(self) -> bool:
        """Whether the recorder's own count agrees."""
        return self.n_counted == self.n_samples

    @property
    def footer(self) -> bytes:
        """A new footer."""
        return encoding.encode_footer(self.id, self.n_samples, self.first_s, self.last_s, self.clock_offsets)


def streams_of(parts: Sequence[Part]) -> tuple[JoinedStream, ...]:
    """Streams of all parts, those with the same id and header joined (decodes all stamps).

    Raises
    ------
    RecordingError
        If two parts give one id to different streams.
    """
    joined: dict[int, JoinedStream] = {}
    for k, part in enumerate(parts):
        taken: set[int] = set()
        for stream, read in zip(part.index.streams, part.streams, strict=True):
            id_ = stream.id
            if id_ in taken:
                # One id, two headers: a stream of its own.
                id_ = 1 + max(*joined, *(s.id for p in parts for s in p.index.streams))
            taken.add(id_)
            stamps_s = read.timestamps
            offsets = [(float(collected_s), float(offset_s)) for collected_s, offset_s in read.clock_offsets]
            new = JoinedStream(
                id=id_,
                description=stream.description,
                header=stream.header,
                is_mended=stream.is_mended,
                indices=((k, stream),),
                n_samples=read.n_samples,
                first_s=float(stamps_s[0]) if read.n_samples else 0.0,
                last_s=float(stamps_s[-1]) if read.n_samples else 0.0,
                clock_offsets=tuple(offsets),
                n_counted=stream.footer.sample_count if stream.footer is not None and len(parts) == 1 else None,
            )
            joined[id_] = _join(joined[id_], new, part.file) if id_ in joined else new
    return tuple(joined.values())


def _join(old: JoinedStream, new: JoinedStream, file: Path) -> JoinedStream:
    if _identity(old.description) != _identity(new.description):
        raise RecordingError(
            f"{file} is no continuation of the file before it: stream {new.id} is another one; give the parts of one "
            "recording, the first one first."
        )
    # A continuation begins with the newest measurement of the file before it.
    offsets = new.clock_offsets[1:] if new.clock_offsets[:1] == old.clock_offsets[-1:] else new.clock_offsets
    return replace(
        old,
        is_mended=old.is_mended or new.is_mended,
        indices=old.indices + new.indices,
        n_samples=old.n_samples + new.n_samples,
        first_s=old.first_s if old.n_samples else new.first_s,
        last_s=new.last_s if new.n_samples else old.last_s,
        clock_offsets=old.clock_offsets + offsets,
    )


def _identity(stream: StreamDescription) -> tuple[str, str, str, int, float, str]:
    return stream.name, stream.type, stream.uid, stream.n_channels, stream.nominal_hz, stream.format


@dataclass(frozen=True)
class Extended:
    """The original up to where it broke off, and the footers that are missing."""

    buffer: Buffer
    n_kept: int
    footers: bytes

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Extended | None":
        """None if more than an end is missing, or a reader less patient than ours would stumble."""
        part, streams = parts[0], streams_of(parts)
        index, n = part.index, len(part.buffer)
        n_kept = n
        for start, stop in reversed(index.skipped):
            # What is beyond XDF 1.0, in a file that is otherwise whole, may stay.
            if stop == n_kept and index.defects:
                n_kept = start
        is_whole_until_then = set(index.defects) <= {"truncated"} and all(
            stop > n_kept or not index.defects for _, stop in index.skipped
        )
        if len(parts) > 1 or not is_whole_until_then or not _has_file_header(part):
            return None
        if any(s.is_mended or not _is_plain_header(s) for s in streams):
            return None
        if any(not _has_right_flags(part.buffer, stream) for stream in index.streams):
            return None
        footed = [s for s in streams if s.n_counted is not None]
        if not _is_chain(part.buffer, n_kept) or not all(_has_plain_footer(part.buffer, s.id) for s in footed):
            return None
        return cls(part.buffer, n_kept, b"".join(s.footer for s in streams if not s.has_right_footer))

    @property
    def is_original(self) -> bool:
        """Whether there is nothing to mend."""
        return self.n_kept == len(self.buffer) and not self.footers

    @property
    def n_bytes(self) -> int:
        """Size of the copy."""
        return self.n_kept + len(self.footers)

    def pieces(self) -> Iterator[memoryview]:
        """The original's bytes, then the footers."""
        with memoryview(self.buffer) as view:
            yield view[: self.n_kept]
        yield memoryview(self.footers)


class Rebuilt:
    """Every readable chunk of one or several parts in their order, byte for byte where it is whole."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._buffers = [part.buffer for part in parts]
        streams = streams_of(parts)
        headers = [next((p.index.header for p in parts if p.index.header is not None), None)]
        begin = encoding.encode_file_header()
        if headers[0] is not None:
            begin = xdf.MAGIC + xdf.encode_chunk(xdf.FILE_HEADER, _xml(headers[0]))
        for stream in streams:
            begin += encoding.encode_stream_header(stream.id, _header_of(stream))
            begin += b"".join(encoding.encode_clock_offset(stream.id, *offset) for offset in stream.clock_offsets)
        self._begin = begin
        self._end = b"".join(stream.footer for stream in streams)
        # (part, start, stop) of whole chunks, or (part, start, new bytes) of those that are written anew.
        self._chunks: list[tuple[int, int, int | bytes]] = []
        for stream in streams:
            for k, index in stream.indices:
                self._chunks += [(k, *chunk) for chunk in _chunks_of(self._buffers[k], index, stream.id)]
        boundary = re.compile(re.escape(encoding.encode_boundary()), re.DOTALL)
        for k, part in enumerate(parts):
            self._chunks += [(k, m.start(), m.end()) for m in boundary.finditer(part.buffer)]
        self._chunks.sort(key=lambda chunk: chunk[:2])
        n_bytes = sum(len(end) if isinstance(end, bytes) else end - start for _, start, end in self._chunks)
        self._n_bytes = len(self._begin) + n_bytes + len(self._end)

    @property
    def n_bytes(self) -> int:
        """Size of the copy."""
        return self._n_bytes

    def pieces(self) -> Iterator[memoryview]:
        """Headers and clock offsets, all chunks, footers."""
        yield memoryview(self._begin)
        at = (0, 0, 0)
        for part, start, end in self._chunks:
            if isinstance(end, int) and (part, start) == (at[0], at[2]):
                at = (part, at[1], end)
                continue
            yield from self._piece(*at)
            at = (part, start, end) if isinstance(end, int) else (part, start, start)
            if isinstance(end, bytes):
                yield memoryview(end)
        yield from self._piece(*at)
        yield memoryview(self._end)

    def _piece(self, part: int, start: int, stop: int) -> Iterator[memoryview]:
        if stop > start:
            with memoryview(self._buffers[part]) as view:
                yield view[start:stop]


def _xml(root: Element) -> bytes:
    return b'<?xml version="1.0"?>' + tostring(root, encoding="unicode").encode()


def _is_plain_header(stream: JoinedStream) -> bool:
    # pyxdf refuses a file with a nameless stream.
    return stream.header.tag == "info" and bool(stream.description.name)


def _header_of(stream: JoinedStream) -> str:
    """The header with all that could be read of it, or its core fields."""
    named = stream.description.name or f"{stream.description.type or 'unnamed'} {stream.id}"
    if _is_plain_header(stream):
        xml = _xml(stream.header).decode()
        try:
            encoding.parse_header(xml)
        except RecordingError:
            return header_xml(replace(stream.description, name=named))
        return xml
    return header_xml(replace(stream.description, name=named))


def _has_file_header(part: Part) -> bool:
    """Whether the file begins with a header that pyxdf can parse, which takes the bytes as they are."""
    if part.index.header is None:
        return False
    return _is_xml_from(part.buffer, len(xdf.MAGIC))


def _is_chain(buffer: Buffer, stop: int) -> bool:
    """Whether the lengths of the chunks lead from one to the next and to the end, as a reader goes that trusts them."""
    at = len(xdf.MAGIC)
    while at < stop:
        read = read_length(buffer, at, stop)
        if read is None or read[0] < 2:
            return False
        at = read[0] + read[1]
    return at == stop


def _has_plain_footer(buffer: Buffer, id_: int) -> bool:
    at = buffer.rfind(xdf.STREAM_FOOTER.to_bytes(2, "little") + id_.to_bytes(4, "little"))
    return at >= 0 and _is_xml_from(buffer, at)


def _is_xml_from(buffer: Buffer, at: int) -> bool:
    """Whether the next XML is as a parser wants it that gets the bytes as they are."""
    start = buffer.find(b"<", at)
    stop = buffer.find(b"</info>", max(0, start)) + len(b"</info>")
    try:
        fromstring(buffer[start:stop], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return False
    return True


def _chunks_of(buffer: Buffer, stream: StreamIndex, id_: int) -> Iterator[tuple[int, int | bytes]]:
    """Every samples chunk of a stream: (start, stop) if it can stay as it is, else (start, new bytes)."""
    if stream.is_text:
        for chunk in stream.texts:
            begin = _head_of(buffer, chunk.start, chunk.stop, chunk.n, id_)
            if begin is None:
                yield chunk.start, _encode(id_, chunk.n, buffer[chunk.start : chunk.stop])
            else:
                yield begin, chunk.stop
        return
    runs, layout = stream.runs, stream.layout
    for start, n, kind in zip(runs.starts, runs.counts, runs.kinds, strict=True):
        size = layout.n_bytes_explicit if kind == EXPLICIT else layout.n_bytes_deduced
        stop = start + n * size + (0 if kind in (EXPLICIT, DEDUCED) else 8)
        begin = _head_of(buffer, start, stop, n, id_)
        mended = _with_right_flags(buffer[start:stop], size, kind)
        if begin is None or mended is not None:
            yield start, _encode(id_, n, buffer[start:stop] if mended is None else mended)
        else:
            yield begin, stop


def _encode(id_: int, n: int, samples: bytes) -> bytes:
    return xdf.encode_chunk(xdf.SAMPLES, id_.to_bytes(4, "little") + xdf.encode_length(n) + samples)


def _head_of(buffer: Buffer, start: int, stop: int, n: int, id_: int) -> int | None:
    """Where the chunk begins whose samples are these and no others; None if it has another shape or id."""
    for n_count in (4, 1, 8):
        tag_at = start - n_count - 7
        head = xdf.SAMPLES.to_bytes(2, "little") + id_.to_bytes(4, "little") + bytes((n_count,))
        if buffer[tag_at : start - n_count] != head or int.from_bytes(buffer[start - n_count : start], "little") != n:
            continue
        for n_length in (4, 1, 8):
            length = bytes((n_length,)) + (stop - tag_at).to_bytes(8, "little")[:n_length]
            if stop - tag_at < 1 << 8 * n_length and buffer[tag_at - 1 - n_length : tag_at] == length:
                return tag_at - 1 - n_length
    return None


def _first_flag(size: int, kind: int) -> int:
    """Where the first flag of a run stands that must be like all after it: a leading stamp's is one of its own."""
    return 0 if kind in (EXPLICIT, DEDUCED) else size + 8


def _are_right(flags: bytes, kind: int) -> bool:
    return b"\0" not in flags if kind == EXPLICIT else not flags.strip(b"\0")


def _has_right_flags(buffer: Buffer, stream: StreamIndex) -> bool:
    """Whether a reader that follows the flags, as pyxdf does, finds the samples where the lengths say they are."""
    runs, layout = stream.runs, stream.layout
    with memoryview(buffer) as view:
        for start, n, kind in zip(runs.starts, runs.counts, runs.kinds, strict=True):
            size = layout.n_bytes_explicit if kind == EXPLICIT else layout.n_bytes_deduced
            stop = start + n * size + (0 if kind in (EXPLICIT, DEDUCED) else 8)
            if not _are_right(bytes(view[start + _first_flag(size, kind) : stop : size]), kind):
                return False
    return True


def _with_right_flags(samples: bytes, size: int, kind: int) -> bytes | None:
    """The samples with flags that agree with their lengths; None if they do already."""
    first = _first_flag(size, kind)
    flags = samples[first::size]
    if _are_right(flags, kind):
        return None
    data = bytearray(samples)
    data[first::size] = bytes((_STAMPED if kind == EXPLICIT else 0,)) * len(flags)
    return bytes(data)
