"""XDF recordings, opened lazily: a chunk index over mapped memory; samples when they are asked for.

Raw stamps and values are bit-identical to ``pyxdf.load_xdf(synchronize_clocks=False,
dejitter_timestamps=False)``.
"""

import contextlib
import mmap
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.stream import StreamDescription
from veridical.domain.timeline import Timeline
from veridical.signals.timeline import fit_timeline, synchronise
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_chunks import Buffer, SamplesChunk, walk_strings
from veridical.storage.xdf_defects import timing_defects
from veridical.storage.xdf_index import StreamIndex, index_chunks


@dataclass(frozen=True)
class Footer:
    """What the recorder said of a stream when it closed the file; None where it said nothing."""

    first_timestamp: float | None
    last_timestamp: float | None
    sample_count: int | None


class XdfStream:
    """One stream of a file; everything is computed on first access and kept."""

    def __init__(self, buffer: Buffer, index: StreamIndex) -> None:
        self._buffer = buffer
        self._index = index
        self._firsts = np.concatenate(([0], np.cumsum(np.array(index.counts, dtype=np.int64))))

    @property
    def id(self) -> int:
        """Number of the stream in the file."""
        return self._index.id

    @property
    def description(self) -> StreamDescription:
        """The header's fields."""
        return self._index.description

    @property
    def header(self) -> Element:
        """The whole header, for what the description leaves out."""
        return self._index.header

    @property
    def name(self) -> str:
        """Name as announced."""
        return self.description.name

    @property
    def type(self) -> str:
        """Content type as announced."""
        return self.description.type

    @property
    def source_id(self) -> str:
        """Source id as announced; may be empty."""
        return self.description.source_id

    @property
    def nominal_hz(self) -> float:
        """Announced rate; 0 for an irregular stream."""
        return self.description.nominal_hz

    @property
    def labels(self) -> tuple[str, ...]:
        """Channel labels; empty if the header has none."""
        return self.description.labels

    @property
    def types(self) -> tuple[str, ...]:
        """Channel types; empty if the header has none."""
        return self.description.types

    @property
    def units(self) -> tuple[str, ...]:
        """Channel units; empty if the header has none."""
        return self.description.units

    @property
    def is_header_damaged(self) -> bool:
        """Whether only core fields of the header could be read."""
        return self._index.is_salvaged

    @property
    def n_samples(self) -> int:
        """Number of samples in readable chunks."""
        return int(self._firsts[-1])

    @cached_property
    def samples(self) -> NDArray[Any] | list[list[str]]:
        """All samples, shape (n_channels, n_times): an array in the file's dtype, or one list of str per channel."""
        if self.description.format == "string":
            return self._read_strings()
        return self.window(0, self.n_samples)

    @cached_property
    def timestamps(self) -> FloatArray:
        """Raw stamps in seconds on the stream's own clock, shape (n_times,)."""
        stamps_s = np.empty(self.n_samples)
        period_s = 1.0 / self.nominal_hz if self.nominal_hz > 0 else 0.0
        last_s, filled = 0.0, 0
        is_string = self.description.format == "string"
        layout = self._index.layout
        for chunk in self._chunks(0, len(self._index.counts)):
            if is_string:
                new = self._string_stamps(chunk, last_s, period_s)
            else:
                new = layout.stamps(self._buffer, chunk, last_s, period_s)
            stamps_s[filled : filled + chunk.n] = new
            filled += chunk.n
            last_s = float(new[-1])
        return stamps_s

    @cached_property
    def clock_offsets(self) -> FloatArray:
        """Measurements of the stream's clock, shape (n, 2): collection time (its clock), offset to add; seconds."""
        return np.array(self._index.clock_offsets, dtype=float).reshape(-1, 2)

    @cached_property
    def times_s(self) -> FloatArray:
        """Stamps on the recording machine's clock (clock offsets applied), shape (n_times,)."""
        return synchronise(self.timestamps, self.clock_offsets)

    @cached_property
    def timeline(self) -> Timeline:
        """Gap-aware time of a regular stream, synchronised; no segments for an irregular one (see ``times_s``)."""
        return fit_timeline(self.times_s, self.nominal_hz)

    @cached_property
    def footer(self) -> Footer | None:
        """What the recorder counted; None if the file has no footer for the stream."""
        root = self._index.footer
        if root is None:
            return None
        count = _number(root, "sample_count")
        return Footer(
            _number(root, "first_timestamp"), _number(root, "last_timestamp"), None if count is None else int(count)
        )

    def window(self, first: int, last: int) -> NDArray[Any]:
        """Copy samples ``first`` to ``last`` (excluded) of a numeric stream, shape (n_channels, last - first).

        Raises
        ------
        IndexError
            If the range is not within the stream.
        RecordingError
            If the stream is one of strings.
        """
        if self.description.format == "string":
            raise RecordingError(f"The stream {self.name!r} holds texts; read its samples as a whole.")
        if not 0 <= first <= last <= self.n_samples:
            raise IndexError(f"samples {first} to {last} of {self.n_samples}")
        layout = self._index.layout
        # A stream without samples may announce any number of channels: an empty array costs nothing.
        copied = np.empty((self.description.n_channels, last - first), layout.dtype)
        if first == last:
            return copied
        begin = int(np.searchsorted(self._firsts, first, side="right")) - 1
        end = int(np.searchsorted(self._firsts, last, side="left"))
        at = int(self._firsts[begin])
        for chunk in self._chunks(begin, end):
            for values in layout.values(self._buffer, chunk):
                low, high = max(first, at), min(last, at + len(values))
                if low < high:
                    copied[:, low - first : high - first] = values[low - at : high - at].T
                at += len(values)
        return copied

    def raw_texts(self, first: int, last: int) -> list[list[bytes]]:
        """Copy samples ``first`` to ``last`` (excluded) of a string stream as they were sent: n_times lists of bytes.

        Raises
        ------
        IndexError
            If the range is not within the stream.
        RecordingError
            If the stream is one of numbers.
        """
        if self.description.format != "string":
            raise RecordingError(f"The stream {self.name!r} holds numbers; read a window of them.")
        if not 0 <= first <= last <= self.n_samples:
            raise IndexError(f"samples {first} to {last} of {self.n_samples}")
        if first == last:
            return []
        begin = int(np.searchsorted(self._firsts, first, side="right")) - 1
        end = int(np.searchsorted(self._firsts, last, side="left"))
        skipped = first - int(self._firsts[begin])
        found = [
            list(sample.values)
            for chunk in self._chunks(begin, end)
            for sample in walk_strings(self._buffer, chunk, self.description.n_channels)
        ]
        return found[skipped : skipped + last - first]

    @cached_property
    def defects(self) -> tuple[str, ...]:
        """Named defects (FORMATS 5); empty for a stream that is usable as it is. Decodes the stamps."""
        found: list[str] = ["bad-header"] if self.is_header_damaged else []
        if self.footer is None:
            found.append("no-footer")
        elif self.footer.sample_count not in (None, self.n_samples):
            found.append("count-mismatch")
        if self.n_samples == 0:
            return (*found, "no-samples")
        found += timing_defects(self.timestamps, self.timeline, self.nominal_hz, self.clock_offsets)
        if self._is_flat():
            found.append("flat")
        return tuple(found)

    def _is_flat(self) -> bool:
        """Whether no channel of a regular stream ever changes; stops reading at the first change."""
        if not self.description.is_regular or self.description.format == "string" or self.n_samples < self.nominal_hz:
            return False
        first = self.window(0, 1)
        step = max(1, round(10 * self.nominal_hz))
        return all(
            bool((self.window(k, min(k + step, self.n_samples)) == first).all()) for k in range(0, self.n_samples, step)
        )

    def _chunks(self, begin: int, end: int) -> list[SamplesChunk]:
        if isinstance(self._buffer, mmap.mmap) and self._buffer.closed:
            raise RecordingError(f"The recording of {self.name!r} is closed; read what you need before closing it.")
        index = self._index
        rows = zip(index.starts[begin:end], index.stops[begin:end], index.counts[begin:end], strict=True)
        return [SamplesChunk(*row) for row in rows]

    def _read_strings(self) -> list[list[str]]:
        channels: list[list[str]] = [[] for _ in range(self.description.n_channels)] if self.n_samples else []
        for chunk in self._chunks(0, len(self._index.counts)):
            for sample in walk_strings(self._buffer, chunk, len(channels)):
                for channel, value in zip(channels, sample.values, strict=True):
                    channel.append(value.decode(errors="replace"))
        return channels

    def _string_stamps(self, chunk: SamplesChunk, last_s: float, period_s: float) -> FloatArray:
        stamps_s = np.empty(chunk.n)
        for k, sample in enumerate(walk_strings(self._buffer, chunk, self.description.n_channels)):
            last_s = last_s + period_s if sample.stamp_s is None else sample.stamp_s
            stamps_s[k] = last_s
        return stamps_s


class XdfFile:
    """An open recording; close it, or use it in a ``with``, to let go of the file."""

    def __init__(self, path: Path, buffer: Buffer) -> None:
        index = index_chunks(buffer)
        self.path = path
        self.streams = tuple(XdfStream(buffer, stream) for stream in index.streams.values())
        self.defects = tuple(index.defects)
        self.remarks = tuple(index.remarks)
        self.header = index.header
        self._buffer = buffer

    def close(self) -> None:
        """Let go of the file; arrays already read stay valid."""
        if isinstance(self._buffer, mmap.mmap):
            with contextlib.suppress(BufferError):
                self._buffer.close()

    def __enter__(self) -> "XdfFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_xdf(path: Path | str) -> XdfFile:
    """Open a recording; only the chunk index is built (0.1 s for an hour).

    A truncated or damaged file opens as far as it is readable; its ``defects`` and ``remarks`` say what is missing.

    Raises
    ------
    RecordingError
        If the file is missing, unreadable or no XDF.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            if file.read(len(xdf.MAGIC)) != xdf.MAGIC:
                raise RecordingError(f"{path} is no XDF recording; choose a file that a recorder wrote.")
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror or error}); check path and permissions."
        ) from error
    return XdfFile(path, buffer)


def _number(root: Element, tag: str) -> float | None:
    try:
        return float(root.findtext(tag) or "")
    except ValueError:
        return None
