"""Samples chunks of a mapped file: their shape checked, their samples decoded."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import SampleFormat
from veridical.storage import xdf_format as xdf

Buffer: TypeAlias = mmap | bytes

_U32 = struct.Struct("<I").unpack_from
_U64 = struct.Struct("<Q").unpack_from
_F64 = struct.Struct("<d").unpack_from


class SamplesChunk(NamedTuple):
    """Where a chunk's first sample lies, where its last ends, and how many there are."""

    start: int
    stop: int
    n: int


def read_length(buffer: Buffer, at: int, stop: int) -> tuple[int, int] | None:
    """Read a length; (value, position after it), or None if there is none within ``stop``."""
    if at >= stop:
        return None
    n_bytes = buffer[at]
    after = at + 1 + n_bytes
    if after > stop:
        return None
    if n_bytes == 1:
        return buffer[at + 1], after
    if n_bytes == 4:
        return _U32(buffer, at + 1)[0], after
    if n_bytes == 8:
        return _U64(buffer, at + 1)[0], after
    return None


@dataclass(frozen=True)
class NumericLayout:
    """How the samples of a numeric stream lie in the file."""

    n_channels: int
    format: SampleFormat

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of the values, in the machine's byte order."""
        return xdf.DTYPES[self.format].newbyteorder("=")

    @property
    def n_bytes_deduced(self) -> int:
        """Size of a sample without a stamp."""
        return 1 + self.n_channels * xdf.DTYPES[self.format].itemsize

    def fits(self, buffer: Buffer, chunk: SamplesChunk) -> bool:
        """Whether the chunk's length agrees with its number of samples."""
        n_explicit, rest = divmod(chunk.stop - chunk.start - chunk.n * self.n_bytes_deduced, 8)
        if rest or not 0 <= n_explicit <= chunk.n:
            return False
        if n_explicit in (0, chunk.n) or (n_explicit == 1 and buffer[chunk.start]):
            return True
        return sum(run.n for run in self.runs(buffer, chunk)) == chunk.n

    def runs(self, buffer: Buffer, chunk: SamplesChunk) -> Iterator["Run"]:
        """Cut a chunk into runs of explicit or deduced stamps, by its length where that decides alone."""
        small, big = self.n_bytes_deduced, self.n_bytes_deduced + 8
        n_explicit = (chunk.stop - chunk.start - chunk.n * small) // 8
        if n_explicit in (0, chunk.n):
            yield Run(chunk.start, chunk.n, n_explicit > 0)
            return
        if n_explicit == 1 and buffer[chunk.start]:
            yield Run(chunk.start, 1, True)
            yield Run(chunk.start + big, chunk.n - 1, False)
            return
        at, left = chunk.start, chunk.n
        while left > 0 and at + small <= chunk.stop:
            is_explicit = buffer[at] != 0
            size = big if is_explicit else small
            n = self._length_of_run(buffer, at, size, min(left, (chunk.stop - at) // size), is_explicit)
            if n == 0:
                return
            yield Run(at, n, is_explicit)
            at += n * size
            left -= n

    @staticmethod
    def _length_of_run(buffer: Buffer, at: int, size: int, limit: int, is_explicit: bool) -> int:
        # Doubling steps: flags that alternate must not cost a look at the whole rest each time.
        n, step = 0, 16
        while n < limit:
            step = min(step, limit - n)
            flags = np.ndarray((step,), np.uint8, buffer=buffer, offset=at + n * size, strides=(size,))
            other = np.flatnonzero((flags != 0) != is_explicit)
            if len(other):
                return n + int(other[0])
            n += step
            step *= 2
        return n

    def values(self, buffer: Buffer, chunk: SamplesChunk) -> Iterator[NDArray[Any]]:
        """Views of shape (n, n_channels) into the file, run by run."""
        for run in self.runs(buffer, chunk):
            yield self._records(buffer, run)["values"]

    def stamps(self, buffer: Buffer, chunk: SamplesChunk, last_s: float, period_s: float) -> FloatArray:
        """Stamps of a chunk; ``last_s`` is the stamp before it."""
        parts: list[FloatArray] = []
        for run in self.runs(buffer, chunk):
            if run.is_explicit:
                parts.append(self._records(buffer, run)["stamp"].astype(np.float64))
            else:
                parts.append(deduce_stamps(last_s, period_s, run.n))
            last_s = float(parts[-1][-1])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _records(self, buffer: Buffer, run: "Run") -> NDArray[Any]:
        layout = xdf.explicit_dtype if run.is_explicit else xdf.deduced_dtype
        return np.frombuffer(buffer, layout(self.n_channels, self.format), run.n, run.start)


class Run(NamedTuple):
    """Neighbouring samples that all have, or all lack, a stamp."""

    start: int
    n: int
    is_explicit: bool


def deduce_stamps(last_s: float, period_s: float, n: int) -> FloatArray:
    """Continue from a stamp, adding the period n times over as every reader does (not multiplying)."""
    steps = np.full(n + 1, period_s)
    steps[0] = last_s
    return np.add.accumulate(steps)[1:]


class StringSample(NamedTuple):
    """One sample of a string stream; the stamp is None where it is to be deduced."""

    stamp_s: float | None
    values: tuple[bytes, ...]


def walk_strings(buffer: Buffer, chunk: SamplesChunk, n_channels: int) -> Iterator[StringSample]:
    """Read a string chunk sample by sample; ends early where the chunk is damaged."""
    at = chunk.start
    for _ in range(chunk.n):
        if at >= chunk.stop:
            return
        stamp_s: float | None = None
        is_explicit = buffer[at] != 0
        at += 1
        if is_explicit:
            if at + 8 > chunk.stop:
                return
            stamp_s = _F64(buffer, at)[0]
            at += 8
        values: list[bytes] = []
        for _channel in range(n_channels):
            length = read_length(buffer, at, chunk.stop)
            if length is None or length[1] + length[0] > chunk.stop:
                return
            at = length[1] + length[0]
            values.append(buffer[length[1] : at])
        yield StringSample(stamp_s, tuple(values))


def strings_fit(buffer: Buffer, chunk: SamplesChunk, n_channels: int) -> bool:
    """Whether a string chunk holds as many whole samples as it says."""
    # Two bytes at least per value, one per stamp: a count beyond that is a lie and not worth a walk.
    if chunk.n * (1 + 2 * n_channels) > chunk.stop - chunk.start:
        return False
    return sum(1 for _ in walk_strings(buffer, chunk, n_channels)) == chunk.n
