"""Streams whose stamps come from another clock than those of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.storage.xdf_reader import XdfStream

_APART_S = 60.0


@dataclass(frozen=True)
class _Span:
    """When a stream that came back (same name and source id) was there, in seconds.

    Parameters
    ----------
    members : list of int
        Positions of its streams in the file.
    """

    members: list[int]
    start_s: float
    stop_s: float


def on_another_clock(streams: Sequence[XdfStream]) -> tuple[bool, ...]:
    """Tell for each stream whether stamps of it lie more than 60 s outside the other streams, once synchronised.

    Streams that overlap, or lie within 60 s of each other, share a clock. Those outside the largest such group
    are strangers; where groups are of one size, those that their own clock measurements contradict, or else all.
    A stretch of an otherwise well-timed stream counts if it also lies more than 60 s from all of the stream's own
    clock measurements: a long pause before the other streams began is no other clock.
    """
    times = [_finite(stream.times_s) for stream in streams]
    spans = _spans(streams, times)
    found = [False] * len(streams)
    groups = _groups(spans)
    if len(groups) > 1:
        most = max(len(group) for group in groups)
        largest = [group for group in groups if len(group) == most]
        if len(largest) > 1:
            contradicted = [g for g in largest if all(_is_contradicted(streams, times, span) for span in g)]
            largest = [g for g in largest if g not in contradicted] if contradicted else []
        for group in groups:
            if group not in largest[:1] or len(largest) > 1:
                for span in group:
                    for k in span.members:
                        found[k] = True
        return tuple(found)
    low, high = _outer_limits(spans)
    for position, span in enumerate(spans):
        for k in span.members:
            start_s, stop_s = low[position], high[position]
            found[k] = any(
                (a > stop_s + _APART_S or b < start_s - _APART_S) and not _was_measured(streams[k], a, b)
                for a, b in _stretches(times[k])
            )
    return tuple(found)


def _finite(times_s: FloatArray) -> FloatArray:
    return times_s if np.isfinite(times_s).all() else times_s[np.isfinite(times_s)]


def _spans(streams: Sequence[XdfStream], times: Sequence[FloatArray]) -> list[_Span]:
    """Streams with samples; one entry for all that are the same source."""
    spans: dict[tuple[str, str, int], _Span] = {}
    for k, (stream, times_s) in enumerate(zip(streams, times, strict=True)):
        if len(times_s) == 0:
            continue
        key = (stream.name, stream.source_id, -1 if stream.source_id else k)
        start_s, stop_s = float(times_s.min()), float(times_s.max())
        known = spans.get(key)
        if known is not None:
            start_s, stop_s = min(start_s, known.start_s), max(stop_s, known.stop_s)
        spans[key] = _Span([*(known.members if known else ()), k], start_s, stop_s)
    return list(spans.values())


def _groups(spans: Sequence[_Span]) -> list[list[_Span]]:
    """Spans that overlap or nearly do, one after the other in time."""
    groups: list[list[_Span]] = []
    reached_s = -np.inf
    for span in sorted(spans, key=lambda s: s.start_s):
        if span.start_s > reached_s + _APART_S:
            groups.append([])
        groups[-1].append(span)
        reached_s = max(reached_s, span.stop_s)
    return groups


def _outer_limits(spans: Sequence[_Span]) -> tuple[list[float], list[float]]:
    """For each span the earliest start and the latest stop of all others; its own if it is alone."""
    if len(spans) < 2:
        return [s.start_s for s in spans], [s.stop_s for s in spans]
    starts, stops = sorted(s.start_s for s in spans), sorted(s.stop_s for s in spans)
    low = [starts[1] if s.start_s == starts[0] else starts[0] for s in spans]
    high = [stops[-2] if s.stop_s == stops[-1] else stops[-1] for s in spans]
    return low, high


def _is_contradicted(streams: Sequence[XdfStream], times: Sequence[FloatArray], span: _Span) -> bool:
    """Whether the sender's clock, as measured, was never near the stamps."""
    for k in span.members:
        collected_s = streams[k].measured_offsets[:, 0]
        raw_s = _finite(streams[k].timestamps)
        if len(collected_s) == 0 or len(raw_s) == 0:
            return False
        if raw_s.max() > collected_s.min() - _APART_S and raw_s.min() < collected_s.max() + _APART_S:
            return False
    return True


def _was_measured(stream: XdfStream, start_s: float, stop_s: float) -> bool:
    """Whether the stream's clock was measured during a stretch of its (synchronised) time."""
    measured = stream.measured_offsets
    at_s = measured[:, 0] + measured[:, 1]
    return bool(np.any((at_s >= start_s - _APART_S) & (at_s <= stop_s + _APART_S)))


def _stretches(times_s: FloatArray) -> list[tuple[float, float]]:
    """Limits of the runs of stamps without a step of more than 60 s."""
    if len(times_s) == 0:
        return []
    with np.errstate(over="ignore"):
        firsts = np.flatnonzero(np.abs(np.diff(times_s)) > _APART_S) + 1
    firsts = np.concatenate(([0], firsts)).astype(np.int64)
    low, high = np.minimum.reduceat(times_s, firsts), np.maximum.reduceat(times_s, firsts)
    return list(zip(low.tolist(), high.tolist(), strict=True))
