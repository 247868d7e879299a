"""A stream's time, found from its stamps: true between gaps, and never bent by a late packet.

Receivers stamp late, hardly ever early: of neighbouring samples the earliest-looking one tells the
truth. So breaks are found on the lower envelope of *lateness* (stamp minus index times period): a
step that a later sample undoes was a stall made up by a burst; one that stays is lost data. Within a
segment time is a line, which bends only where the clock's pace changed by more than the jitter hides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.timeline import Bend, Segment, Timeline
from veridical.signals.clock_offsets import clock_resets as clock_resets
from veridical.signals.clock_offsets import synchronise as synchronise
from veridical.signals.clock_offsets import synchronise_stretches as synchronise_stretches
from veridical.signals.timeline_breaks import Breaks, find_breaks
from veridical.signals.timeline_lines import (
    Line,
    bend_tolerance_s,
    centred,
    common_period,
    fit_line,
    level_blocks,
    segment_levels,
    uneven_blocks,
    usual_lateness_s,
)
from veridical.signals.timeline_packets import Packets, find_packets
from veridical.signals.timeline_period import estimate_period

_SLOWEST_HZ = 1e-6
_LONGEST_S = 1e12
_MAX_ROUNDS = 4
# Breaks need no new search if the period moves no segment by more than this share of the jitter or a period.
_FINE = 0.1
_FINEST_CHANGE = 1e-5


@dataclass(frozen=True)
class Gap:
    """Samples that are missing between two segments.

    Parameters
    ----------
    first : int
        Index of the first sample after the gap.
    start_s, stop_s : float
        When the first missing sample was due, and when data go on; seconds.
    n_missing : int
        How many samples would have fitted.
    """

    first: int
    start_s: float
    stop_s: float
    n_missing: int


def find_gaps(timeline: Timeline) -> tuple[Gap, ...]:
    """Return the gaps in which no segment lies, in the order of time.

    Samples that were written in the wrong order leave none, nor does a step backwards (a clock that was set).
    """
    gaps: list[Gap] = []
    segments = sorted(timeline.segments, key=lambda s: s.start_s)
    for before, after in _furthest(segments):
        n_missing = round((after.start_s - before.stop_s) / before.period_s)
        if n_missing > 0 and after.first > 0:
            gaps.append(Gap(after.first, before.stop_s, after.start_s, n_missing))
    return tuple(gaps)


def fit_timeline(stamps_s: FloatArray, nominal_hz: float, resets: IntArray | None = None) -> Timeline:
    """Fit piecewise-linear time to a regular stream's stamps.

    A gap of at least about one period (or, in jitter that hides one, as much as still shows in the level of
    quarter seconds) starts a segment; a stall that a burst makes up starts none. Segments too short to tell
    share the stream's period; longer ones have their own, and bend where the clock changes its pace.

    Parameters
    ----------
    stamps_s : ndarray, shape (n,)
        Synchronised stamps in sample order; jitter, stalls and gaps are expected.
    nominal_hz : float
        Announced rate; 0 gives a timeline without segments. Only used where stamps are too few to tell.
    resets : ndarray of int or None
        Samples before which the clock was set anew: they begin segments, whatever their stamps say.

    Returns
    -------
    Timeline
        Its segments cover all n samples.
    """
    stamps_s = np.asarray(stamps_s, dtype=float)
    n = len(stamps_s)
    if not nominal_hz >= _SLOWEST_HZ or n == 0 or not np.isfinite(nominal_hz):
        return Timeline(())
    relative_s, origin_s = _relative(stamps_s)
    packets = find_packets(relative_s, 1 / nominal_hz)
    period_s = estimate_period(packets, 1 / nominal_hz)
    is_reset = np.zeros(len(packets.ends), dtype=bool)
    if resets is not None:
        is_reset[np.searchsorted(packets.ends, resets)] = True
    breaks = find_breaks(packets, period_s, is_reset=is_reset)
    for _ in range(_MAX_ROUNDS):
        old_s, period_s = period_s, common_period(packets, breaks, period_s)
        longest = np.max(np.diff(np.append(packets.starts[breaks.firsts], n)))
        if abs(period_s - old_s) * longest < _FINE * max(breaks.jitter_s, period_s):
            break
        old, breaks = breaks, find_breaks(packets, period_s, is_reset=is_reset)
        if np.array_equal(old.firsts, breaks.firsts) and abs(period_s / old_s - 1) < _FINEST_CHANGE:
            break
    return _assemble(packets, breaks, period_s, n, origin_s)


def _relative(stamps_s: FloatArray) -> tuple[FloatArray, float]:
    """Seconds from the first stamp, exact to the nanosecond; a damaged one lies where its neighbours say."""
    is_sound = np.isfinite(stamps_s) & (np.abs(stamps_s) < _LONGEST_S)
    if not is_sound.any():
        return np.zeros(len(stamps_s)), 0.0
    sound = np.flatnonzero(is_sound)
    origin_s = float(stamps_s[sound[0]])
    if len(sound) == len(stamps_s):
        return stamps_s - origin_s, origin_s
    filled_s: FloatArray = np.interp(np.arange(len(stamps_s)), sound, stamps_s[sound] - origin_s)
    return filled_s, origin_s


def _furthest(segments: list[Segment]) -> Iterator[tuple[Segment, Segment]]:
    """Pairs of the segment that reaches furthest so far, in the order of time, and the next one."""
    if not segments:
        return
    before = segments[0]
    for after in segments[1:]:
        yield before, after
        if after.stop_s > before.stop_s:
            before = after


def _assemble(packets: Packets, breaks: Breaks, period_s: float, n: int, origin_s: float) -> Timeline:
    """Draw every segment's line and write it as seconds of samples."""
    late_s = packets.lateness_s(period_s)
    levels_s = segment_levels(breaks, late_s, period_s).tolist()
    firsts = packets.starts[breaks.firsts].tolist()
    stops = [*firsts[1:], n]
    segments = [
        Segment(first, stop - first, origin_s + level_s + period_s * first, period_s)
        for first, stop, level_s in zip(firsts, stops, levels_s, strict=True)
    ]
    blocks = level_blocks(packets, breaks, late_s, period_s)
    tolerance_s = bend_tolerance_s(blocks, breaks.jitter_s, period_s)
    bounds = [*breaks.firsts.tolist(), len(late_s)]
    for levels in (*blocks, *uneven_blocks(packets, breaks, late_s, period_s)):
        k = levels.segment
        line = fit_line(levels, firsts[k], stops[k], tolerance_s)
        part = slice(bounds[k], bounds[k + 1])
        line = centred(line, packets, late_s, usual_lateness_s(breaks, period_s), part, breaks.is_held)
        segments[k] = _segment_of(line, period_s, origin_s)
    return Timeline(tuple(segments))


def _segment_of(line: Line, period_s: float, origin_s: float) -> Segment:
    times_s = line.late_s + period_s * line.knots
    first, n = round(line.knots[0]), round(line.knots[-1] - line.knots[0])
    own_s = float(times_s[-1] - times_s[0]) / n
    places = line.knots - line.knots[0]
    offsets_s = times_s - times_s[0] - own_s * places
    bends = tuple(Bend(p, o) for p, o in zip(places[1:-1].tolist(), offsets_s[1:-1].tolist(), strict=True))
    return Segment(first, n, origin_s + float(times_s[0]), own_s, bends)
