"""Finds every chunk of an XDF file, and its way past damage, without reading a single sample."""

import struct
from array import array
from dataclasses import dataclass, field
from functools import cached_property
from xml.etree.ElementTree import Element

from veridical.domain.stream import StreamDescription
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_chunks import (
    DEDUCED,
    EXPLICIT,
    LED,
    MIXED,
    Buffer,
    NumericLayout,
    Runs,
    SamplesChunk,
    read_length,
    texts_fit,
)
from veridical.storage.xdf_flags import flags_fit, settle_mixed
from veridical.storage.xdf_headers import Footer, Header, parse, read_footer, read_header
from veridical.storage.xdf_resync import Resync, begins_chunk

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_OFFSET = struct.Struct("<dd").unpack_from
# NumLengthBytes, Length, Tag, StreamId, NumSampleBytes, NumSamples: the head of nearly every samples chunk.
_HEAD = struct.Struct("<BIHIBI")
_SHORT_HEAD = struct.Struct("<BBHIBI")

# No lab records more streams; a file that says so is out to exhaust the reader.
_MOST_HEADERS = 4096
_MOST_REMARKS = 100
# numpy's largest item: the values of one sample.
_MOST_BYTES_PER_SAMPLE = 1 << 31
_WIDEST = 8
_END_OF_XML = b"</info>"
_LONGEST_XML = 1 << 24
_BLANKS = b"\0\t\n\r "


@dataclass
class StreamIndex:
    """Where one stream's samples lie.

    Parameters
    ----------
    runs : Runs
        Of a numeric stream: all its samples.
    texts : list of SamplesChunk
        Of a string stream: its chunks.
    clock_offsets : array of float
        Collection time and offset in turn, seconds.
    is_mended : bool
        The header is damaged or there are several.
    """

    id: int
    description: StreamDescription
    header: Element
    is_mended: bool = False
    runs: Runs = field(default_factory=Runs)
    texts: list[SamplesChunk] = field(default_factory=list)
    clock_offsets: "array[float]" = field(default_factory=lambda: array("d"))
    footer: Footer | None = None

    @property
    def layout(self) -> NumericLayout:
        """How a numeric stream's samples lie in the file."""
        return NumericLayout(self.description.n_channels, self.description.format)

    @property
    def is_text(self) -> bool:
        """Whether the samples are strings."""
        return self.description.format == "string"

    @property
    def n_samples(self) -> int:
        """Samples in readable chunks."""
        return sum(chunk.n for chunk in self.texts) if self.is_text else sum(self.runs.counts)


@dataclass
class FileIndex:
    """Everything of a file but its samples.

    Parameters
    ----------
    streams : list of StreamIndex
        In the order of their headers.
    defects : list of str
        ``truncated``, ``bad-header``.
    remarks : list of str
        What was skipped or mended, and where.
    skipped : list of (start, stop)
        Bytes that belong to no readable chunk. Everything else is whole chunks, one after the other.
    """

    streams: list[StreamIndex] = field(default_factory=list)
    header: Element | None = None
    defects: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    skipped: list[tuple[int, int]] = field(default_factory=list)

    def note(self, defect: str, remark: str) -> None:
        """Keep a defect (once) and a remark (the first hundred)."""
        if defect and defect not in self.defects:
            self.defects.append(defect)
        if len(self.remarks) < _MOST_REMARKS:
            self.remarks.append(remark)


def index_chunks(buffer: Buffer) -> FileIndex:
    """Walk over all chunks of a file that starts with the magic bytes."""
    return _Walk(buffer).run()


class _Walk:
    """One pass over a file."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._n = len(buffer)
        self._index = FileIndex()
        self._by_id: dict[int, StreamIndex] = {}
        # Of numeric streams: size of a sample with and without a stamp, and where to enter it.
        self._plain: dict[int, tuple[int, int, Runs]] = {}
        # (tag, start, stop) in turn of chunks whose header has not come yet; why it cannot be read.
        self._waiting: dict[int, array[int]] = {}
        self._unreadable: dict[int, str] = {}
        self._n_headers = 0
        self._strange: list[tuple[int, int, str]] = []
        self._resync = Resync(buffer, self._could_fit)
        # Bytes looked at in vain. Files can be made on which looking again and again would never end.
        self._n_wasted = 0

    def run(self) -> FileIndex:
        at = len(xdf.MAGIC)
        while at < self._n:
            at = self._skim(at)
            if at < self._n:
                at = self._step(at) or self._resume(at)
        self._close()
        return self._index

    def _skim(self, at: int) -> int:
        """Enter the plain samples chunks that make up nearly all of a file; stop at the first other."""
        buffer, end, plain = self._buffer, self._n, self._plain
        head, short_head = _HEAD.unpack_from, _SHORT_HEAD.unpack_from
        last = end - _HEAD.size
        while at <= last:
            n_bytes, length, tag, id_, n_count_bytes, n = head(buffer, at)
            if n_bytes == 1:
                n_bytes, length, tag, id_, n_count_bytes, n = short_head(buffer, at)
            elif n_bytes != 4:
                return at
            if tag != xdf.SAMPLES or id_ not in plain:
                return at
            big, small, runs = plain[id_]
            start = at + n_bytes + 12
            stop = at + n_bytes + 1 + length
            if n_count_bytes == 1:
                start, n = start - 3, n & 0xFF
            elif n_count_bytes != 4:
                return at
            size = stop - start
            if stop > end or n == 0:
                return at
            if size == n * big:
                runs.add(start, n, EXPLICIT)
            elif size == n * small + 8 and buffer[start]:
                runs.add(start, n, LED)
            elif size == n * small:
                runs.add(start, n, DEDUCED)
            elif (size - n * small) & 7 == 0 and 8 < size - n * small < 8 * n and begins_chunk(buffer, stop):
                runs.add_mixed(start, stop, n)
            else:
                return at
            at = stop
        return at

    def _step(self, at: int) -> int:
        """Enter one chunk of any kind; returns where to go on, 0 if it cannot be what it says."""
        buffer, n = self._buffer, self._n
        read = read_length(buffer, at, n)
        if read is None or read[0] < 2 or read[1] + 2 > n:
            return 0
        length, start = read
        tag, start, stop = _U16(buffer, start)[0], start + 2, start + length
        if tag == xdf.FILE_HEADER:
            return self._take_file_header(at, start, stop)
        if tag == xdf.STREAM_HEADER:
            return self._take_header(at, start, stop)
        if stop > n:
            return 0
        if tag == xdf.BOUNDARY_TAG:
            return stop if stop - start == len(xdf.BOUNDARY) and buffer[start:stop] == xdf.BOUNDARY else 0
        if tag in xdf.TAGS_WITH_ID:
            return self._take(tag, start, stop)
        return self._take_strange(at, stop, tag) if self._seems_whole(start, stop) else 0

    def _take(self, tag: int, start: int, stop: int) -> int:
        """Enter a chunk that belongs to a stream."""
        if stop - start < 4 or (tag == xdf.CLOCK_OFFSET and stop - start != 20):
            return 0
        id_ = _U32(self._buffer, start)[0]
        start += 4
        stream = self._by_id.get(id_)
        if tag == xdf.STREAM_FOOTER:
            return self._take_footer(stream, start, stop)
        if stream is None:
            if not self._seems_whole(start, stop):
                return 0
            self._waiting.setdefault(id_, array("q")).extend((tag, start, stop))
            return stop
        return stop if self._enter(stream, tag, start, stop) else 0

    def _enter(self, stream: StreamIndex, tag: int, start: int, stop: int) -> bool:
        """Enter samples or a clock offset; ``start`` is behind the stream id."""
        if tag == xdf.CLOCK_OFFSET:
            stream.clock_offsets.extend(_OFFSET(self._buffer, start))
            return True
        read = read_length(self._buffer, start, stop)
        if read is None or (self._is_wary and self._swallowed_boundary(start, stop)):
            return False
        chunk = SamplesChunk(read[1], stop, read[0])
        if stream.is_text:
            fits = texts_fit(self._buffer, chunk, stream.description.n_channels)
            if fits and chunk.n:
                stream.texts.append(chunk)
        else:
            fits = self._enter_numeric(stream, chunk)
        if not fits:
            self._n_wasted += stop - start
        return fits

    def _enter_numeric(self, stream: StreamIndex, chunk: SamplesChunk) -> bool:
        if chunk.n == 0:
            return chunk.start == chunk.stop
        kind = stream.layout.kind_of(self._buffer, chunk)
        if kind == MIXED:
            # Flags are only followed here where nothing else tells that the chunk ends where it says.
            is_whole = begins_chunk(self._buffer, chunk.stop) or flags_fit(self._buffer, stream.layout, chunk)
            if is_whole:
                stream.runs.add_mixed(*chunk)
            return is_whole
        if kind is not None:
            stream.runs.add(chunk.start, chunk.n, kind)
        return kind is not None

    def _take_footer(self, stream: StreamIndex | None, start: int, stop: int) -> int:
        xml, end = self._read_xml(start, stop)
        if not xml.rstrip(_BLANKS).endswith(_END_OF_XML) and not self._seems_whole(start, stop):
            return 0
        if stream is not None:
            stream.footer = read_footer(xml) or stream.footer
        return end

    def _take_file_header(self, at: int, start: int, stop: int) -> int:
        xml, end = self._read_xml(start, stop)
        root = parse(xml)
        if root is None and (end == 0 or not self._seems_whole(start, end)):
            return 0
        if root is not None:
            self._index.header = root
        if root is None or end != stop:
            self._index.note("bad-header", f"the file's own header at byte {at} is damaged")
        return end

    def _take_header(self, at: int, start: int, stop: int) -> int:
        """Enter a stream's header, or remember why it cannot be read."""
        if stop - start < 4 or start + 4 > self._n:
            return 0
        id_ = _U32(self._buffer, start)[0]
        self._n_headers += 1
        if self._n_headers > _MOST_HEADERS:
            self._index.note("bad-header", f"the file has more than {_MOST_HEADERS} headers; later ones were skipped")
            return stop if stop <= self._n else 0
        xml, end = self._read_xml(start + 4, stop)
        if end == 0:
            return 0
        try:
            header = read_header(xml)
            if header.description.n_channels * _WIDEST >= _MOST_BYTES_PER_SAMPLE:
                raise ValueError(f"{header.description.n_channels} channels are impossible")
        except ValueError as error:
            if not self._seems_whole(start, end):
                return 0
            self._unreadable[id_] = f"its header at byte {at} says {error}"
            self._waiting.setdefault(id_, array("q"))
            return end
        self._add_stream(id_, at, header, header.flaw if end == stop else "its length is wrong")
        return end

    def _add_stream(self, id_: int, at: int, header: Header, flaw: str) -> None:
        description, known = header.description, self._by_id.get(id_)
        if known is not None:
            known.is_mended = True
            shape = (known.description.n_channels, known.description.format)
            if shape == (description.n_channels, description.format):
                self._index.note("bad-header", f"a second header of stream {id_} at byte {at} was skipped")
                return
            remark = f"stream {id_} has another header at byte {at}; what follows was read as a stream of its own"
            self._index.note("bad-header", remark)
        stream = StreamIndex(id_, description, header.root, is_mended=bool(flaw) or known is not None)
        self._index.streams.append(stream)
        self._by_id[id_] = stream
        self._plain.pop(id_, None)
        if not stream.is_text:
            self._plain[id_] = (stream.layout.n_bytes_explicit, stream.layout.n_bytes_deduced, stream.runs)
        self._resync.add_stream(id_)
        if flaw:
            self._index.note("bad-header", f"the header of stream {id_} at byte {at} is damaged: {flaw}")
        early = self._waiting.pop(id_, None)
        if early:
            chunks = list(zip(early[0::3], early[1::3], early[2::3], strict=True))
            n_lost = sum(not self._enter(stream, *chunk) for chunk in chunks)
            stream.is_mended = True
            lost = f"; {n_lost} of them do not fit it and were skipped" if n_lost else ""
            self._index.note("bad-header", f"{len(chunks)} chunks of stream {id_} stand before its header{lost}")

    def _take_strange(self, at: int, stop: int, what: str | int) -> int:
        """Pass over bytes that may be none of a recording's; one entry for neighbours."""
        if self._strange and self._strange[-1][1] == at:
            at, _, what = self._strange.pop()
        self._strange.append((at, stop, what if isinstance(what, str) else f"of the unknown kind {what}"))
        return stop

    def _read_xml(self, start: int, stop: int) -> tuple[bytes, int]:
        """The XML that begins at a byte, and where it ends: not at ``stop`` if the chunk's length is wrong.

        Its end is 0 where it cannot be told.
        """
        buffer, n = self._buffer, self._n
        limit = min(n, start + _LONGEST_XML)
        told = (buffer[start : min(stop, limit)], stop if stop <= n else 0)
        if self._is_wary:
            return told
        found = buffer.find(_END_OF_XML, start, limit)
        end = found + len(_END_OF_XML)
        if found < 0 or end > stop:
            self._n_wasted += (limit if found < 0 else end) - start
            if stop <= n and begins_chunk(buffer, stop):
                return told
        if found >= 0 and begins_chunk(buffer, end):
            return buffer[start:end], end
        return told

    def _could_fit(self, id_: int, chunk: SamplesChunk) -> bool:
        stream = self._by_id.get(id_)
        if stream is None:
            return False
        if stream.is_text:
            return chunk.n * (1 + 2 * stream.description.n_channels) <= chunk.stop - chunk.start
        return stream.layout.could_fit(chunk)

    @property
    def _is_wary(self) -> bool:
        return self._n_wasted > 4 * self._n + (1 << 20)

    def _seems_whole(self, start: int, stop: int) -> bool:
        """Whether a chunk whose content says nothing about its size ends where another begins."""
        return stop <= self._n and begins_chunk(self._buffer, stop) and not self._swallowed_boundary(start, stop)

    def _swallowed_boundary(self, start: int, stop: int) -> bool:
        return self._buffer.find(xdf.BOUNDARY, start, stop) >= 0

    @cached_property
    def _padding_at(self) -> int:
        """Where nothing but zeros follows, as on a disk that lost power; the end of the file if nowhere."""
        end, step = self._n, 1 << 20
        while end > 0:
            kept = self._buffer[max(0, end - step) : end].rstrip(b"\0")
            if kept:
                return max(0, end - step) + len(kept)
            end = max(0, end - step)
        return 0

    def _resume(self, at: int) -> int:
        """Go on where the next chunk begins; the end of the file if there is none."""
        if at >= self._padding_at:
            return self._take_strange(at, self._n, "of zeros")
        resumed = self._resync.after_boundary(at + 1) if self._is_wary else self._resync.after(at + 1)
        self._index.skipped.append((at, resumed))
        if resumed == self._n:
            self._index.note(
                "truncated", f"the file breaks off at byte {at}: its last {self._n - at} bytes were skipped"
            )
        else:
            self._index.note("truncated", f"{resumed - at} damaged bytes at byte {at} were skipped")
        return resumed

    def _close(self) -> None:
        """Judge what can only be judged at the end."""
        index = self._index
        for stream in index.streams:
            for chunk in settle_mixed(self._buffer, stream.layout, stream.runs):
                size = chunk.stop - chunk.start
                index.note(
                    "truncated", f"{size} bytes at byte {chunk.start}: their flags are damaged, they were skipped"
                )
                index.skipped.append((chunk.start, chunk.stop))
        for id_, early in self._waiting.items():
            why = self._unreadable.get(id_, "it has no header")
            index.note("bad-header", f"stream {id_} was skipped ({len(early) // 3} chunks): {why}")
        # What is beyond XDF 1.0 is a loss only if something is missing.
        is_complete = all(s.footer is not None and s.footer.sample_count == s.n_samples for s in index.streams)
        for at, stop, what in self._strange:
            index.note("" if is_complete else "truncated", f"{stop - at} bytes {what} at byte {at} were skipped")
            index.skipped.append((at, stop))
        index.skipped.sort()
