"""The way back into a damaged file: the next place where a chunk begins."""

import heapq
import struct
from collections.abc import Callable

from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_chunks import Buffer, SamplesChunk, read_length

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_HEAD = struct.Struct("<BIH")
# More streams than any lab records; each costs two looks at the whole file.
_MOST_STREAMS = 64
_XML = b"<?xml"
_CLOCK_OFFSET_BYTES = 22

Fits = Callable[[int, SamplesChunk], bool]


def begins_chunk(buffer: Buffer, at: int) -> bool:
    """Whether a chunk of a known kind (or nothing more) could begin at a byte."""
    n = len(buffer)
    if at == n:
        return True
    if at + _HEAD.size <= n:
        # Asked for every chunk of some files: the usual kind of length without a call.
        n_bytes, length, tag = _HEAD.unpack_from(buffer, at)
        if n_bytes == 4:
            return bool(length >= 2 and 0 < tag <= xdf.STREAM_FOOTER)
    read = read_length(buffer, at, n)
    return read is not None and read[0] >= 2 and read[1] + 2 <= n and 0 < _U16(buffer, read[1])[0] <= xdf.STREAM_FOOTER


class Resync:
    """Finds the next boundary or the next chunk that fits, whichever comes first.

    Every byte is looked at once for each kind of mark, however often damage is met: the marks found are kept.

    Parameters
    ----------
    fits : callable
        Whether a samples chunk of a stream could be what its length says; must cost the same for any length.
    """

    def __init__(self, buffer: Buffer, fits: Fits) -> None:
        self._buffer = buffer
        self._n = len(buffer)
        self._fits = fits
        self._marks = [xdf.BOUNDARY, _XML]
        self._found: list[tuple[int, bytes]] = []
        self._is_new = True

    def add_stream(self, stream_id: int) -> None:
        """Look for chunks of a stream, too."""
        if len(self._marks) < 2 * _MOST_STREAMS:
            id_ = struct.pack("<I", stream_id)
            self._marks += [struct.pack("<H", tag) + id_ for tag in (xdf.SAMPLES, xdf.CLOCK_OFFSET)]
            self._is_new = True

    def after(self, at: int) -> int:
        """Where reading can go on, at ``at`` or later; the end of the file if nowhere."""
        if self._is_new:
            self._is_new = False
            self._found = []
            for mark in self._marks:
                self._push(mark, at)
        while self._found:
            position, mark = self._found[0]
            if position < at:
                heapq.heappop(self._found)
                self._push(mark, at)
                continue
            resumed = self._resume_at(position, mark, at)
            if resumed is not None:
                return resumed
            heapq.heappop(self._found)
            self._push(mark, position + 1)
        return self._n

    def after_boundary(self, at: int) -> int:
        """Like ``after``, but only behind a boundary: what a wary reader trusts."""
        found = self._buffer.find(xdf.BOUNDARY, at)
        return self._n if found < 0 else found + len(xdf.BOUNDARY)

    def _push(self, mark: bytes, at: int) -> None:
        found = self._buffer.find(mark, at)
        if found >= 0:
            heapq.heappush(self._found, (found, mark))

    def _resume_at(self, position: int, mark: bytes, at: int) -> int | None:
        if mark == xdf.BOUNDARY:
            return position + len(mark)
        if mark == _XML:
            for n_before, tags in ((6, (xdf.STREAM_HEADER, xdf.STREAM_FOOTER)), (2, (xdf.FILE_HEADER,))):
                tag_at = position - n_before
                if tag_at >= at and _U16(self._buffer, tag_at)[0] in tags:
                    return self._chunk_around(tag_at, at)
            return None
        return self._chunk_around(position, at)

    def _chunk_around(self, tag_at: int, at: int) -> int | None:
        """Where the chunk begins whose tag stands at a byte; None if there is none."""
        buffer = self._buffer
        tag = _U16(buffer, tag_at)[0]
        for n_bytes in (4, 1, 8):
            start = tag_at - 1 - n_bytes
            if start < at or buffer[start] != n_bytes:
                continue
            length = int.from_bytes(buffer[start + 1 : tag_at], "little")
            stop = tag_at + length
            if stop > self._n or not begins_chunk(buffer, stop):
                continue
            if tag == xdf.CLOCK_OFFSET:
                is_whole = length == _CLOCK_OFFSET_BYTES
            elif tag == xdf.SAMPLES:
                read = read_length(buffer, tag_at + 6, stop)
                is_whole = read is not None and self._fits(
                    _U32(buffer, tag_at + 2)[0], SamplesChunk(read[1], stop, read[0])
                )
            else:
                is_whole = True
            if is_whole:
                return start
        return None
