"""XDF recordings, opened lazily: a chunk index over mapped memory; samples when they are asked for.

Raw stamps and values are bit-identical to ``pyxdf.load_xdf(synchronize_clocks=False,
dejitter_timestamps=False)``.
"""

import contextlib
import mmap
from array import array
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import RecordingError
from veridical.domain.stream import StreamDescription
from veridical.domain.timeline import Timeline
from veridical.storage.xdf_chunks import Buffer, read_raw_texts, read_texts
from veridical.storage.xdf_gather import NumericSamples
from veridical.storage.xdf_headers import Footer
from veridical.storage.xdf_index import StreamIndex, index_chunks
from veridical.storage.xdf_opening import map_recording

_LONGEST_S = 1e12


class XdfStream:
    """One stream of a file; everything is computed on first access and kept.

    Examples
    --------
    >>> with read_xdf("recording.xdf") as file:
    ...     for stream in file.streams:
    ...         print(stream.name, stream.samples.shape, stream.timeline.sampling_hz, stream.defects)
    """

    def __init__(self, buffer: Buffer, index: StreamIndex) -> None:
        self._buffer = buffer
        self._index = index
        self._numeric = None if index.is_text else NumericSamples(buffer, index.layout, index.runs)
        self._n_samples = index.n_samples

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
        """Whether the header had to be mended, came late or came twice."""
        return self._index.is_mended

    @property
    def n_samples(self) -> int:
        """Number of samples in readable chunks."""
        return self._n_samples

    @property
    def footer(self) -> Footer | None:
        """What the recorder counted; None if the file has no footer for the stream."""
        return self._index.footer

    @cached_property
    def samples(self) -> NDArray[Any] | list[list[str]]:
        """All samples, shape (n_channels, n_times): an array in the file's dtype, or one list of str per channel.

        The channels of a sample are neighbours in memory, as in the file; what works long along one channel is
        faster on ``numpy.ascontiguousarray(samples)``, which costs the memory once more.
        """
        if self._numeric is None:
            return self._texts[0]
        samples: NDArray[Any] = self.window(0, self.n_samples)
        return samples

    @cached_property
    def timestamps(self) -> FloatArray:
        """Raw stamps in seconds on the stream's own clock, shape (n_times,)."""
        if self._numeric is None:
            return self._texts[1]
        self._require_open()
        return self._numeric.stamps(self._period_s)

    @cached_property
    def clock_offsets(self) -> FloatArray:
        """Measurements of the stream's clock, shape (n, 2): collection time (its clock), offset to add; seconds."""
        return np.array(self._index.clock_offsets, dtype=float).reshape(-1, 2)

    @property
    def measured_offsets(self) -> FloatArray:
        """The clock offsets that were measured, shape (m, 2).

        LabRecorder writes (0, 0) when a measurement timed out; no clock is at zero when it is read. Nor does one
        run for 30,000 years: such numbers come from damage.
        """
        offsets = self.clock_offsets
        return offsets[(np.abs(offsets) < _LONGEST_S).all(axis=1) & offsets.any(axis=1)]

    # The recorder, which only counts, and whoever only wants samples are spared scipy: hence imports inside.
    @cached_property
    def times_s(self) -> FloatArray:
        """Stamps on the recording machine's clock (clock offsets applied), shape (n_times,)."""
        return self._synchronised[0]

    @cached_property
    def _synchronised(self) -> tuple[FloatArray, IntArray]:
        from veridical.signals.timeline import synchronise_stretches

        # Damaged stamps may be any number, infinity too; ``defects`` tells of them.
        with np.errstate(invalid="ignore", over="ignore"):
            return synchronise_stretches(self.timestamps, self.measured_offsets)

    @cached_property
    def timeline(self) -> Timeline:
        """Gap-aware time of a regular stream, synchronised; no segments for an irregular one (see ``times_s``)."""
        with np.errstate(invalid="ignore", over="ignore"):
            return self._fit(*self._synchronised)

    def window(self, first: int, last: int) -> NDArray[Any]:
        """Copy samples ``first`` to ``last`` (excluded) of a numeric stream, shape (n_channels, last - first).

        Raises
        ------
        IndexError
            If the range is not within the stream.
        RecordingError
            If the stream is one of strings, or the file is closed.
        """
        if self._numeric is None:
            raise RecordingError(f"The stream {self.name!r} holds texts; read its samples as a whole.")
        if not 0 <= first <= last <= self.n_samples:
            raise IndexError(f"samples {first} to {last} of {self.n_samples}")
        if first < last:
            self._require_open()
        return self._numeric.values(first, last).T

    def timeline_of_first(self, n: int) -> Timeline:
        """Time of the first ``n`` samples only, for a first look at a long recording."""
        from veridical.signals.timeline import synchronise_stretches

        n = min(n, self.n_samples)
        with np.errstate(invalid="ignore", over="ignore"):
            return self._fit(*synchronise_stretches(self._stamps(0, n), self.measured_offsets))

    def _fit(self, times_s: FloatArray, resets: IntArray) -> Timeline:
        from veridical.signals.timeline import fit_timeline

        # Stamps of nothing, one byte each, would cost more memory than any file may.
        return fit_timeline(times_s, self.nominal_hz if self.description.n_channels else 0.0, resets)

    @cached_property
    def last_s(self) -> float:
        """Synchronised stamp of the last sample; 0 if there is none."""
        from veridical.signals.timeline import synchronise

        if not self.n_samples:
            return 0.0
        # What leads to a deduced stamp lies at most a chunk before it.
        first = max(0, self.n_samples - 65536)
        with np.errstate(invalid="ignore", over="ignore"):
            return float(synchronise(self._stamps(first, self.n_samples)[-1:], self.measured_offsets)[0])

    def _stamps(self, first: int, last: int) -> FloatArray:
        """Raw stamps of some samples; those deduced before the first written one are only about right."""
        if self._numeric is None:
            return self._texts[1][first:last]
        self._require_open()
        return self._numeric.stamps(self._period_s, first, last)

    @cached_property
    def defects(self) -> tuple[str, ...]:
        """Named defects (FORMATS 5); empty for a stream that is usable as it is. Decodes the stamps."""
        from veridical.storage.xdf_defects import timing_defects

        found: list[str] = ["bad-header"] if self.is_header_damaged else []
        if self.footer is None:
            found.append("no-footer")
        elif self.footer.sample_count not in (None, self.n_samples):
            found.append("count-mismatch")
        if self.n_samples == 0:
            return (*found, "no-samples")
        found += timing_defects(self.timestamps, self.timeline, self.nominal_hz, self.measured_offsets)
        if self.flat_channels:
            found.append("flat")
        return tuple(found)

    @cached_property
    def flat_channels(self) -> tuple[int, ...]:
        """Channels that ought to carry a signal and never change, from 0; stops reading at the first change."""
        from veridical.storage.xdf_flat import flat_channels

        return flat_channels(self.description, self.n_samples, self.window)

    @property
    def _period_s(self) -> float:
        return 1.0 / self.nominal_hz if self.nominal_hz > 0 else 0.0

    def raw_texts(self, first: int, last: int) -> list[list[bytes]]:
        """Copy samples ``first`` to ``last`` (excluded) of a string stream as they were sent: n_times lists of bytes.

        Raises
        ------
        IndexError
            If the range is not within the stream.
        RecordingError
            If the stream is one of numbers.
        """
        if self._numeric is not None:
            raise RecordingError(f"The stream {self.name!r} holds numbers; read a window of them.")
        if not 0 <= first <= last <= self.n_samples:
            raise IndexError(f"samples {first} to {last} of {self.n_samples}")
        self._require_open()
        copied: list[list[bytes]] = []
        at = 0
        for chunk in self._index.texts:
            if at < last and first < at + chunk.n:
                samples = read_raw_texts(self._buffer, chunk, self.description.n_channels)
                copied += samples[max(0, first - at) : last - at]
            at += chunk.n
        return copied

    @cached_property
    def _texts(self) -> tuple[list[list[str]], FloatArray]:
        """Samples and stamps of a string stream; they stand among each other and are read at once."""
        self._require_open()
        columns: list[list[str]] = [[] for _ in range(self.description.n_channels)] if self.n_samples else []
        stamps = array("d")
        last_s = 0.0
        for chunk in self._index.texts:
            last_s = read_texts(self._buffer, chunk, columns, stamps, last_s, self._period_s)
        return columns, np.array(stamps, dtype=float)

    def _require_open(self) -> None:
        if isinstance(self._buffer, mmap.mmap) and self._buffer.closed:
            raise RecordingError(f"The recording of {self.name!r} is closed; read what you need before closing it.")


class XdfFile:
    """An open recording; close it, or use it in a ``with``, to let go of the file.

    Attributes
    ----------
    streams : tuple of XdfStream
        In the order of their headers.
    defects : tuple of str
        Of the file as a whole: ``truncated``, ``bad-header``.
    remarks : tuple of str
        What was skipped or mended, and where.
    skipped : tuple of (start, stop)
        Bytes that belong to no readable chunk.
    header : Element or None
        The file's own header.
    """

    def __init__(self, path: Path, buffer: Buffer, remark: str = "") -> None:
        index = index_chunks(buffer)
        if remark:
            index.note("truncated", remark)
        self.path = path
        self.streams = tuple(XdfStream(buffer, stream) for stream in index.streams)
        self.defects = tuple(index.defects)
        self.remarks = tuple(index.remarks)
        self.skipped = tuple(index.skipped)
        self.header: Element | None = index.header
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

    A truncated or damaged file opens as far as it is readable; its ``defects`` and ``remarks`` say what is
    missing. A recording compressed with gzip is unpacked to a temporary file first.

    Parameters
    ----------
    path : Path or str
        An ``.xdf`` or ``.xdfz`` file.

    Returns
    -------
    XdfFile
        ``.streams`` have ``.name .type .source_id .nominal_hz .labels .units .samples .timestamps .timeline
        .defects`` and ``.window(first, last)``.

    Raises
    ------
    RecordingError
        If the file is missing, unreadable or no XDF.
    """
    path = Path(path)
    buffer, remark = map_recording(path)
    return XdfFile(path, buffer, remark)
