"""Pulses on a TTL or photodiode channel: found, matched to the markers, and taken as the clock."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.event import Event
from veridical.domain.event_timing import EventTiming, TimingSource
from veridical.domain.recording import Signal

# Levels count as two if they lie farther apart than this many standard deviations of the noise around each.
_SEPARATION = 6.0
# Share of each heap of values that lies at its level, if there are two levels.
_AT_LEVEL = 0.8
# Hysteresis around the middle, as a share of the distance between the levels.
_HYSTERESIS = 0.15
# Nothing is as small as this against the largest code of a port (255); a sound card, which passes no steady level, lets
# a step decay for long.
_REST_SHARE = 0.002
# A display or port lags by a few frames at most; trials are seconds apart.
_WINDOW_S = 0.25
# With fewer matches than this share, the channel is not what it was taken for.
_ENOUGH = 0.8
_AT_LEAST = 3
# Displays miss a frame now and then; a pulse that wanders by more than this belongs to something else.
_STEADY_S = 0.02


def find_edges(values: FloatArray, times_s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find the times at which a channel with two levels changes between them.

    Parameters
    ----------
    values : ndarray, shape (n_times,)
        Any unit; drift slower than the pulses does no harm as long as the levels stay apart.
    times_s : ndarray, shape (n_times,)

    Returns
    -------
    rising, falling : ndarray of float64
        Times of crossing the middle, interpolated between samples; both empty if there are no two levels.
    """
    nothing = np.empty(0), np.empty(0)
    finite = values[np.isfinite(values)].astype(np.float64)
    if len(finite) < 4:
        return nothing
    x = values.astype(np.float64)
    levels = _two_levels(finite)
    if levels is not None:
        low, high = levels
        middle, reach = (low + high) / 2, _HYSTERESIS * (high - low)
        return _edges(x, times_s, middle + reach, middle - reach)
    # A port that writes codes has many levels: what counts is leaving the level at rest.
    threshold = _rest_threshold(finite)
    if threshold is None:
        return nothing
    away = np.abs(x - float(np.median(finite)))
    return _edges(away, times_s, threshold * (1 + _HYSTERESIS), threshold * (1 - _HYSTERESIS))


def _two_levels(finite: FloatArray) -> tuple[float, float] | None:
    """Lower and upper level; None if the values do not keep to two."""
    # Pulses may be rare: the extremes, not the quartiles, are the two levels.
    low, high = float(np.min(finite)), float(np.max(finite))
    for _ in range(20):
        middle = (low + high) / 2
        below, above = finite[finite < middle], finite[finite >= middle]
        if len(below) == 0 or len(above) == 0:
            return None
        new = float(np.median(below)), float(np.median(above))
        if new == (low, high):
            break
        low, high = new
    noise = max(_spread(below, low), _spread(above, high))
    if high - low <= _SEPARATION * noise:
        return None
    # Codes sort themselves into two heaps as well, but those are wide. An edge may take a sample or two.
    near = max(_SEPARATION * noise, 0.05 * (high - low))
    shares = [float(np.mean(np.abs(heap - level) <= near)) for heap, level in ((below, low), (above, high))]
    return (low, high) if min(shares) >= _AT_LEVEL else None


def _rest_threshold(finite: FloatArray) -> float | None:
    """Distance from the level at rest from which on a value belongs to a pulse; None without pulses."""
    away = np.abs(finite - np.median(finite))
    noise = 1.4826 * float(np.median(away))
    is_away = away > max(2 * _SEPARATION * noise, _REST_SHARE * float(away.max()))
    # At rest most of the time, or there is no rest to leave.
    if not is_away.any() or np.count_nonzero(is_away) > 0.4 * len(finite):
        return None
    starts = np.flatnonzero(is_away & ~np.append(False, is_away[:-1]))
    heights = np.maximum.reduceat(np.where(is_away, away, 0.0), starts)
    return 0.5 * float(heights.min())


def _edges(x: FloatArray, times_s: FloatArray, up: float, down: float) -> tuple[FloatArray, FloatArray]:
    """Times at which a signal has risen to ``up`` and fallen to ``down``, where it crosses their middle."""
    middle = (up + down) / 2
    state = np.zeros(len(x), dtype=np.int8)
    state[x >= up] = 1
    state[x <= down] = -1
    decided = np.flatnonzero(state)
    changes = np.flatnonzero(np.diff(state[decided]))
    rising: list[float] = []
    falling: list[float] = []
    for k in changes.tolist():
        first, last = int(decided[k]), int(decided[k + 1])
        is_rising = state[last] > 0
        (rising if is_rising else falling).append(_crossing(x, times_s, first, last, middle))
    return np.array(rising), np.array(falling)


def _spread(values: FloatArray, level: float) -> float:
    return 1.4826 * float(np.median(np.abs(values - level)))


def _crossing(values: FloatArray, times_s: FloatArray, first: int, last: int, middle: float) -> float:
    """Time at which the line between samples crosses the middle (the first of several crossings)."""
    part = values[first : last + 1]
    above = part >= middle
    k = first + int(np.flatnonzero(above != above[0])[0])
    a, b = values[k - 1], values[k]
    share = (middle - a) / (b - a) if b != a else 1.0
    return float(times_s[k - 1] + share * (times_s[k] - times_s[k - 1]))


def match_pulses(onsets_s: FloatArray, pulses_s: FloatArray, window_s: float = _WINDOW_S) -> IntArray:
    """Match each marker to its pulse: the one nearest to the marker plus the usual offset.

    Parameters
    ----------
    onsets_s, pulses_s : ndarray
        Seconds; pulses may be more (other codes) or fewer (a loose cable).

    Returns
    -------
    ndarray of int, shape (n_onsets,)
        Index of the pulse, -1 without one within ``window_s`` of the usual offset.
    """
    found = np.full(len(onsets_s), -1, dtype=np.int64)
    if len(onsets_s) == 0 or len(pulses_s) == 0:
        return found
    order = np.argsort(pulses_s)
    sorted_s = pulses_s[order]
    offset_s = 0.0
    for _ in range(3):
        wanted_s = onsets_s + offset_s
        right = np.clip(np.searchsorted(sorted_s, wanted_s), 1, len(sorted_s) - 1) if len(sorted_s) > 1 else None
        near = np.zeros(len(onsets_s), dtype=np.int64)
        if right is not None:
            near = np.where(wanted_s - sorted_s[right - 1] <= sorted_s[right] - wanted_s, right - 1, right)
        is_near = np.abs(sorted_s[near] - wanted_s) <= window_s
        if not is_near.any():
            return found
        offset_s = float(np.median((sorted_s[near] - onsets_s)[is_near]))
    # Two markers that claim one pulse: the nearer keeps it.
    distance_s = np.abs(sorted_s[near] - onsets_s - offset_s)
    for k in np.argsort(distance_s).tolist():
        if distance_s[k] <= window_s and order[near[k]] not in found:
            found[k] = order[near[k]]
    return found


def measured_onsets(events: Sequence[Event], signals: Sequence[Signal]) -> tuple[tuple[Event, ...], EventTiming]:
    """Take measured pulses as the clock of ``picture/*`` events, the markers as their identity.

    A TTL channel comes first, then a photodiode. Only onsets move (``picture/off`` follows the photodiode's other edge
    only where there is one); everything else keeps its marker's time. Without a channel that has a pulse for 80 % of
    the pictures, events stay as they are and the timing says ``software``.

    Returns
    -------
    events : tuple of Event
        In order of time.
    timing : EventTiming
    """
    shown = [k for k, e in enumerate(events) if _is_picture(e)]
    onsets_s = np.array([events[k].onset_s for k in shown])
    plain = EventTiming(n_pictures=len(shown))
    if len(shown) < _AT_LEAST:
        return tuple(events), plain
    for source in ("TTL", "photodiode"):
        best = _best_channel(onsets_s, [s for s in signals if s.role == source])
        if best is None:
            continue
        pulses_s, found = best
        moved = list(events)
        hits = found >= 0
        for k, pulse in zip(shown, found.tolist(), strict=True):
            if pulse >= 0:
                moved[k] = replace(events[k], onset_s=float(pulses_s[pulse]))
        differences_s = pulses_s[found[hits]] - onsets_s[hits]
        offset_s = float(np.median(differences_s))
        timing = EventTiming(
            source=_as_source(source),
            n_pictures=len(shown),
            n_matched=int(hits.sum()),
            offset_s=offset_s,
            jitter_s=float(np.std(differences_s)),
            worst_s=float(np.max(np.abs(differences_s - offset_s))),
        )
        return tuple(sorted(moved, key=lambda e: e.onset_s)), timing
    return tuple(events), plain


def delayed_onsets(
    events: Sequence[Event], timing: EventTiming, offset_s: float, jitter_s: float
) -> tuple[tuple[Event, ...], EventTiming]:
    """Move the onsets of pictures by a delay that was measured before, where nothing was measured in the recording."""
    if timing.is_measured or not timing.n_pictures:
        return tuple(events), timing
    moved = [replace(e, onset_s=e.onset_s + offset_s) if _is_picture(e) else e for e in events]
    told = replace(timing, source="display test", offset_s=offset_s, jitter_s=jitter_s)
    return tuple(sorted(moved, key=lambda e: e.onset_s)), told


def _as_source(role: str) -> TimingSource:
    return "TTL" if role == "TTL" else "photodiode"


def _is_picture(event: Event) -> bool:
    # A sound has a flip too: the corner square toggles on it.
    return event.marker.name == "flash/on" or event.marker.shown_kind is not None


def _best_channel(onsets_s: FloatArray, signals: Sequence[Signal]) -> tuple[FloatArray, IntArray] | None:
    """Edges of the channel and direction that follow the pictures; None if none does."""
    candidates: list[tuple[int, float, FloatArray, IntArray]] = []
    for signal in signals:
        times_s = signal.timeline.times()
        for values in signal.samples:
            # Some inputs are inverted: what falls at the flash is as good as what rises.
            for edges_s in find_edges(values, times_s):
                found = match_pulses(onsets_s, edges_s)
                n_found = int((found >= 0).sum())
                if n_found >= max(_AT_LEAST, _ENOUGH * len(onsets_s)) and _follow(onsets_s, edges_s, found):
                    offset_s = float(np.median((edges_s[found] - onsets_s)[found >= 0]))
                    candidates.append((n_found, offset_s, edges_s, found))
    if not candidates:
        return None
    most = max(c[0] for c in candidates)
    # A short pulse has a second edge a moment later: the first one is its beginning.
    first = min((c for c in candidates if c[0] >= 0.95 * most), key=lambda c: c[1])
    return first[2], first[3]


def _follow(onsets_s: FloatArray, edges_s: FloatArray, found: IntArray) -> bool:
    """Whether edges come with the pictures, not by chance: much steadier than edges that are just dense."""
    hits = found >= 0
    differences_s = (edges_s[found] - onsets_s)[hits]
    scatter_s = 1.4826 * float(np.median(np.abs(differences_s - np.median(differences_s))))
    gap_s = float(np.median(np.diff(edges_s))) if len(edges_s) > 1 else np.inf
    return scatter_s <= min(_STEADY_S, gap_s / 8)
