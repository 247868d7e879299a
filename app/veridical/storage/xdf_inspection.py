"""What is in an XDF file, and what is wrong with it: the object of ``veridical inspect --json`` (FORMATS 5)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.signals.timeline import find_gaps
from veridical.storage.xdf_defects import missing_share
from veridical.storage.xdf_reader import XdfStream, read_xdf

_CLOCK_BASE_S = 60.0


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
class XdfInspection:
    """A whole file.

    Parameters
    ----------
    defects : tuple of str
        Of the file as a whole: ``truncated``, ``damaged``, ``bad-header``, ``missing-role``.
    remarks : tuple of str
        What was skipped on reading, and where.
    """

    file: str
    streams: tuple[StreamInspection, ...]
    defects: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def inspect(path: Path) -> XdfInspection:
    """Look at a whole recording (decodes all stamps, hardly any sample).

    Raises
    ------
    RecordingError
        If it is no XDF or cannot be read.
    """
    with read_xdf(path) as file:
        strangers = _on_another_clock(file.streams)
        streams = tuple(_inspect_stream(stream, stream.id in strangers) for stream in file.streams)
        defects = list(file.defects)
        if not any(stream.description.is_regular for stream in file.streams):
            defects.append("missing-role")
        return XdfInspection(str(path), streams, tuple(defects), file.remarks)


def _inspect_stream(stream: XdfStream, is_stranger: bool) -> StreamInspection:
    stamps_s = stream.timestamps
    n = stream.n_samples
    first_s = float(stamps_s[0]) if n else None
    last_s = float(stamps_s[-1]) if n else None
    span_s = float(stamps_s[-1] - stamps_s[0]) if n else 0.0
    return StreamInspection(
        id=stream.id,
        name=stream.name,
        type=stream.type,
        format=stream.description.format,
        channels=stream.description.n_channels,
        nominal_hz=stream.nominal_hz,
        effective_hz=(n - 1) / span_s if span_s > 0 else None,
        samples=n,
        first_timestamp=first_s,
        last_timestamp=last_s,
        gaps=tuple((float(stamps_s[g.first - 1]), float(stamps_s[g.first])) for g in find_gaps(stream.timeline)),
        missing_share=missing_share(stream.timeline),
        clock_offsets=len(stream.clock_offsets),
        footer=stream.footer is not None,
        defects=(*stream.defects, "clock-base-mismatch") if is_stranger else stream.defects,
    )


def _on_another_clock(streams: tuple[XdfStream, ...]) -> set[int]:
    """Ids of streams of which a stretch lies more than 60 s outside all other streams.

    A stream that began earlier or ended later than the rest is no stranger: its stretch reaches into theirs.
    """
    ranges = {s.id: (float(s.times_s.min()), float(s.times_s.max())) for s in streams if s.n_samples}
    found: set[int] = set()
    for stream in streams:
        others = [limits for id_, limits in ranges.items() if id_ != stream.id]
        if stream.id in ranges and others:
            start_s, stop_s = min(o[0] for o in others), max(o[1] for o in others)
            if any(a > stop_s + _CLOCK_BASE_S or b < start_s - _CLOCK_BASE_S for a, b in _stretches(stream.times_s)):
                found.add(stream.id)
    return found


def _stretches(times_s: FloatArray) -> list[tuple[float, float]]:
    """Limits of the runs of stamps without a step of more than 60 s."""
    firsts = np.concatenate(([0], np.flatnonzero(np.abs(np.diff(times_s)) > _CLOCK_BASE_S) + 1)).astype(np.int64)
    low, high = np.minimum.reduceat(times_s, firsts), np.maximum.reduceat(times_s, firsts)
    return list(zip(low.tolist(), high.tolist(), strict=True))
