"""What is in an XDF file, and what is wrong with it: the object of ``veridical inspect --json`` (FORMATS 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.signals.timeline import find_gaps
from veridical.storage.xdf_clock_base import on_another_clock
from veridical.storage.xdf_defects import missing_share
from veridical.storage.xdf_reader import XdfStream, read_xdf


@dataclass(frozen=True)
class StreamInspection:
    """One stream; stamps are raw.

    Parameters
    ----------
    effective_hz : float or None
        (n - 1) / (last - first); None if undefined.
    gaps : tuple of (start, stop)
        Raw stamps of the samples on both sides of every gap.
    missing_share : float
        0 to 1; 0 for an irregular stream.
    """

    id: int
    name: str
    type: str
    format: str
    channels: int
    nominal_hz: float
    effective_hz: float | None
    samples: int
    first_timestamp: float | None
    last_timestamp: float | None
    gaps: tuple[tuple[float, float], ...]
    missing_share: float
    clock_offsets: int
    footer: bool
    defects: tuple[str, ...]


@dataclass(frozen=True)
class StreamSpan:
    """How long a stream lasts on the recording machine's clock, which goes on where the stream's own is set anew.

    Parameters
    ----------
    length_s : float or None
        From the first sample to the last; None without samples or with damaged stamps.
    longest_gap_s : float
        0 without a gap.
    longest_gap_from : float or None
        Raw stamp of the last sample before it.
    """

    length_s: float | None
    longest_gap_s: float
    longest_gap_from: float | None


@dataclass(frozen=True)
class XdfInspection:
    """A whole file.

    Parameters
    ----------
    defects : tuple of str
        Of the file as a whole: ``truncated``, ``bad-header``, ``missing-role``.
    remarks : tuple of str
        What was skipped or mended on reading, and where; which channels are flat.
    spans : tuple of StreamSpan
        One for each stream, in the same order.
    """

    file: str
    streams: tuple[StreamInspection, ...]
    defects: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    spans: tuple[StreamSpan, ...] = ()


def inspect(path: Path) -> XdfInspection:
    """Look at a whole recording (decodes all stamps, hardly any sample).

    Raises
    ------
    RecordingError
        If it is no XDF or cannot be read.
    """
    with read_xdf(path) as file:
        strangers = on_another_clock(file.streams)
        streams = tuple(_inspect_stream(s, is_stranger) for s, is_stranger in zip(file.streams, strangers, strict=True))
        defects = list(file.defects)
        if not any(stream.description.is_regular for stream in file.streams):
            defects.append("missing-role")
        remarks = (*file.remarks, *_name_flat(file.streams))
        return XdfInspection(str(path), streams, tuple(defects), remarks, tuple(map(_span, file.streams)))


def _inspect_stream(stream: XdfStream, is_stranger: bool) -> StreamInspection:
    stamps_s = stream.timestamps
    n = stream.n_samples
    return StreamInspection(
        id=stream.id,
        name=stream.name,
        type=stream.type,
        format=stream.description.format,
        channels=stream.description.n_channels,
        nominal_hz=stream.nominal_hz,
        effective_hz=_effective_hz(stamps_s),
        samples=n,
        first_timestamp=float(stamps_s[0]) if n else None,
        last_timestamp=float(stamps_s[-1]) if n else None,
        gaps=tuple((float(stamps_s[g.first - 1]), float(stamps_s[g.first])) for g in find_gaps(stream.timeline)),
        missing_share=missing_share(stream.timeline),
        clock_offsets=len(stream.clock_offsets),
        footer=stream.footer is not None,
        defects=(*stream.defects, "clock-base-mismatch") if is_stranger else stream.defects,
    )


def _span(stream: XdfStream) -> StreamSpan:
    times_s = stream.times_s
    firsts = [gap.first for gap in find_gaps(stream.timeline)]
    if not firsts:
        return StreamSpan(_length_s(times_s), 0.0, None)
    lengths = [float(times_s[first] - times_s[first - 1]) for first in firsts]
    longest_s = max(lengths)
    before = firsts[lengths.index(longest_s)] - 1
    return StreamSpan(_length_s(times_s), longest_s, float(stream.timestamps[before]))


def _effective_hz(stamps_s: FloatArray) -> float | None:
    span_s = _length_s(stamps_s)
    return (len(stamps_s) - 1) / span_s if span_s is not None and span_s > 0 else None


def _length_s(stamps_s: FloatArray) -> float | None:
    """From the first stamp to the last; None if there are none, or damaged ones."""
    if not len(stamps_s):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        span_s = float(stamps_s[-1] - stamps_s[0])
    return span_s if np.isfinite(span_s) else None


def _name_flat(streams: Sequence[XdfStream]) -> list[str]:
    remarks: list[str] = []
    for stream in streams:
        flat, labels = stream.flat_channels, stream.labels
        if flat and len(flat) < stream.description.n_channels:
            names = [(labels[k] if k < len(labels) else "") or str(k + 1) for k in flat[:20]]
            remarks.append(f"{stream.name}: flat channels {', '.join(names)}{', ...' if len(flat) > 20 else ''}")
    return remarks
