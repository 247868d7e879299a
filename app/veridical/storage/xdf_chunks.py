"""Samples chunks: how the samples of a stream lie in the bytes of a chunk, checked before anything is read."""

import struct
from array import array
from dataclasses import dataclass
from mmap import mmap
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from veridical.domain.stream import SampleFormat
from veridical.storage import xdf_format as xdf

Buffer: TypeAlias = mmap | bytes

# A run is a stretch of samples of equal size: each with a stamp; only the first with one; none with one.
EXPLICIT: Final = 0
LED: Final = 1
DEDUCED: Final = 2
MIXED: Final = 3

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


class Runs:
    """A growing table of runs, one row each: first byte, number of samples, kind.

    Chunks that mix samples with and without a stamp stand in it as a whole until ``settle_mixed`` cuts them up.
    """

    def __init__(self) -> None:
        self.starts = array("q")
        self.counts = array("q")
        self.kinds = array("b")
        # Where the mixed chunks end, in their order.
        self.mixed_stops = array("q")

    def add(self, start: int, n: int, kind: int) -> None:
        """Append a run."""
        self.starts.append(start)
        self.counts.append(n)
        self.kinds.append(kind)

    def add_mixed(self, start: int, stop: int, n: int) -> None:
        """Append a chunk that mixes samples with and without a stamp."""
        self.starts.append(start)
        self.counts.append(n)
        self.kinds.append(MIXED)
        self.mixed_stops.append(stop)


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
    def n_bytes_values(self) -> int:
        """Size of a sample's values."""
        return self.n_channels * xdf.DTYPES[self.format].itemsize

    @property
    def n_bytes_deduced(self) -> int:
        """Size of a sample without a stamp."""
        return 1 + self.n_bytes_values

    @property
    def n_bytes_explicit(self) -> int:
        """Size of a sample with a stamp."""
        return 9 + self.n_bytes_values

    def could_fit(self, chunk: SamplesChunk) -> bool:
        """Whether the chunk's length agrees with some mixture of samples with and without a stamp."""
        n_explicit, rest = divmod(chunk.stop - chunk.start - chunk.n * self.n_bytes_deduced, 8)
        return not rest and 0 <= n_explicit <= chunk.n

    def kind_of(self, buffer: Buffer, chunk: SamplesChunk) -> int | None:
        """What kind of run a chunk of at least one sample is, by its length; None if its length fits no kind.

        Where the length decides alone, the flags are not looked at: a flipped bit in one must not cost the chunk.
        """
        n_explicit, rest = divmod(chunk.stop - chunk.start - chunk.n * self.n_bytes_deduced, 8)
        if rest or not 0 <= n_explicit <= chunk.n:
            return None
        if n_explicit == chunk.n:
            return EXPLICIT
        if n_explicit == 0:
            return DEDUCED
        return LED if n_explicit == 1 and buffer[chunk.start] else MIXED


def read_texts(
    buffer: Buffer,
    chunk: SamplesChunk,
    columns: list[list[str]],
    stamps: "array[float]",
    last_s: float,
    period_s: float,
) -> float:
    """Append the samples of a string chunk that ``texts_fit``.

    Parameters
    ----------
    columns : list of list of str
        One per channel; UTF-8, with damaged bytes replaced.
    stamps : array of float
        Seconds; where the file has none, the one before plus ``period_s``.
    last_s : float
        Stamp before the chunk.

    Returns
    -------
    float
        Last stamp.
    """
    data, at = buffer[chunk.start : chunk.stop], 0
    for _ in range(chunk.n):
        if data[at]:
            last_s = _F64(data, at + 1)[0]
            at += 9
        else:
            last_s += period_s
            at += 1
        stamps.append(last_s)
        for column in columns:
            if data[at] == 1:
                begin = at + 2
                at = begin + data[at + 1]
            else:
                length, begin = read_length(data, at, len(data)) or (0, len(data))
                at = begin + length
            column.append(data[begin:at].decode(errors="replace"))
    return last_s


def read_raw_texts(buffer: Buffer, chunk: SamplesChunk, n_channels: int) -> list[list[bytes]]:
    """Return the samples of a string chunk that ``texts_fit`` as their bytes, one list of channels per sample."""
    data, at = buffer[chunk.start : chunk.stop], 0
    samples: list[list[bytes]] = []
    for _ in range(chunk.n):
        at += 9 if data[at] else 1
        values: list[bytes] = []
        for _channel in range(n_channels):
            length, begin = read_length(data, at, len(data)) or (0, len(data))
            at = begin + length
            values.append(data[begin:at])
        samples.append(values)
    return samples


def texts_fit(buffer: Buffer, chunk: SamplesChunk, n_channels: int) -> bool:
    """Whether a string chunk holds exactly as many samples as it says."""
    # Two bytes at least per value, one per stamp: a count beyond that is a lie and not worth a walk.
    if chunk.n * (1 + 2 * n_channels) > chunk.stop - chunk.start:
        return False
    at, stop = chunk.start, chunk.stop
    for _ in range(chunk.n):
        if at >= stop:
            return False
        at += 9 if buffer[at] else 1
        for _channel in range(n_channels):
            if at + 2 <= stop and buffer[at] == 1:
                at += 2 + buffer[at + 1]
                continue
            read = read_length(buffer, at, stop)
            if read is None:
                return False
            at = read[1] + read[0]
    return at == stop
