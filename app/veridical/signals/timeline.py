"""A stream's time, found from its stamps: true between gaps, and never bent by a late packet.

Receivers stamp late, hardly ever early: of neighbouring samples the earliest-looking one tells the
truth. So a level is taken from the lower envelope of *lateness* (stamp minus index times period). A
step that a later sample undoes was a stall made up by a burst; one that stays is lost data.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.timeline import Segment, Timeline

# Clock offsets: liblsl's probes agree within 0.1 ms on a quiet network; pyxdf winsorises at the same value.
_OFFSET_TOLERANCE_S = 1e-4
# A clock was reset if its offset steps by more than this between two measurements (pyxdf: 1 s, 10 deviations).
_RESET_S = 1.0
# A slope needs a baseline: over less than this, 0.1 ms of noise is more than any crystal drifts.
_SLOPE_SPAN_S = 10.0

_ENVELOPE_S = 0.25
_MIN_ENVELOPE = 16
# liblsl keeps at most 360 s for a receiver that stalls; a longer step cannot be made up.
_LONGEST_STALL_S = 360.0
_TRUSTED_RATE = 0.05
# A rate is wrong by so many times at most, or the stamps are nonsense and the announced rate is all there is.
_POSSIBLE_RATE = 100.0
_SLOWEST_HZ = 1e-6
_LONGEST_S = 1e12
# Steps above so many standard deviations of the jitter are no jitter, in an hour at 1 kHz either.
_PLAIN = 8.0
# Steps of stamps count as alike within this share of a period.
_ALIKE = 0.02
_FEW = 8
_LEVEL_BLOCKS = 4
_MAX_ROUNDS = 4
_STALL_BLOCKS = 16


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
    """Return the gaps between segments; a step backwards (a clock that was reset) is none."""
    gaps: list[Gap] = []
    for before, after in zip(timeline.segments, timeline.segments[1:], strict=False):
        n_missing = round((after.start_s - before.stop_s) / before.period_s)
        if n_missing > 0:
            gaps.append(Gap(after.first, before.stop_s, after.start_s, n_missing))
    return tuple(gaps)


def fit_timeline(stamps_s: FloatArray, nominal_hz: float) -> Timeline:
    """Fit piecewise-linear time to a regular stream's stamps.

    A gap of at least about one period (or, in jitter that hides one, as much as still shows in the level of
    quarter seconds) starts a segment; a stall that a burst makes up starts none. All segments share one
    period: a device has one crystal.

    Parameters
    ----------
    stamps_s : ndarray, shape (n,)
        Synchronised stamps in sample order; jitter, stalls and gaps are expected.
    nominal_hz : float
        Announced rate; 0 gives a timeline without segments. Only used where stamps are too few to tell.

    Returns
    -------
    Timeline
        Its segments cover all n samples.
    """
    stamps_s = np.asarray(stamps_s, dtype=float)
    n = len(stamps_s)
    if nominal_hz < _SLOWEST_HZ or n == 0:
        return Timeline(())
    # Small numbers keep the sums below exact to the nanosecond.
    origin_s = float(stamps_s[0]) if np.isfinite(stamps_s[0]) else 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        relative_s = np.nan_to_num(stamps_s - origin_s, nan=0.0, posinf=0.0, neginf=0.0)
    # A damaged stamp may be any number; no recording lasts 30,000 years.
    relative_s = np.clip(relative_s, -_LONGEST_S, _LONGEST_S)
    period_s = _estimate_period(relative_s, 1.0 / nominal_hz)
    firsts = _find_breaks(relative_s, period_s)
    for _ in range(_MAX_ROUNDS):
        period_s = _fit_period(relative_s, firsts, period_s)
        refined = _find_breaks(relative_s, period_s)
        if np.array_equal(refined, firsts):
            break
        firsts = refined
    bounds = np.append(firsts, n)
    segments = [
        Segment(int(a), int(b - a), origin_s + _fit_start(relative_s[a:b], period_s), period_s)
        for a, b in itertools.pairwise(bounds)
    ]
    return Timeline(tuple(segments))


def synchronise(stamps_s: FloatArray, clock_offsets: FloatArray) -> FloatArray:
    """Map a stream's stamps onto the recording machine's clock.

    A robust straight line through the measurements, one for every stretch between clock resets; over less
    than 10 s, or from fewer than three measurements, their median.

    Parameters
    ----------
    stamps_s : ndarray, shape (n,)
        Raw stamps, in file order.
    clock_offsets : ndarray, shape (m, 2)
        Collection time on the stream's clock, and what to add to its stamps; seconds, in file order.

    Returns
    -------
    ndarray of float64, shape (n,)
        A copy, also if nothing was measured.
    """
    synchronised = np.array(stamps_s, dtype=float)
    measured = clock_offsets[np.isfinite(clock_offsets).all(axis=1)]
    if len(measured) == 0 or len(synchronised) == 0:
        return synchronised
    bounds = [0, *clock_resets(measured).tolist(), len(measured)]
    first = 0
    for begin, end in itertools.pairwise(bounds):
        last = len(synchronised)
        if end < len(measured):
            # A stamp belongs to the stretch whose measurements lie nearer, in the order of the file.
            rest = stamps_s[first:]
            nearer_next = np.abs(rest - measured[end - 1, 0]) >= np.abs(rest - measured[end, 0])
            last = first + (int(np.argmax(nearer_next)) if nearer_next.any() else len(rest))
        part = synchronised[first:last]
        part += _offset_at(part, measured[begin:end])
        first = last
    return synchronised


def clock_resets(clock_offsets: FloatArray) -> IntArray:
    """Indices of the measurements before which the stream's clock was set anew, shape (k,)."""
    if len(clock_offsets) < 2:
        return np.empty(0, dtype=np.int64)
    steps = np.diff(clock_offsets[:, 1])
    usual = np.median(steps)
    scatter = np.median(np.abs(steps - usual))
    is_step = np.abs(steps - usual) > max(_RESET_S, 10 * scatter)
    # A single wild measurement steps there and back: only a level that stays is a reset.
    found = np.flatnonzero(is_step) + 1
    values = clock_offsets[:, 1]
    stays = [k for k in found.tolist() if _level_stays(values, k)]
    return np.array(stays, dtype=np.int64)


def _level_stays(values: FloatArray, k: int) -> bool:
    before = np.median(values[max(0, k - 3) : k])
    after = np.median(values[k : k + 3])
    return bool(abs(after - before) > _RESET_S)


def _offset_at(times_s: FloatArray, measured: FloatArray) -> FloatArray:
    at_s, offset_s = measured[:, 0], measured[:, 1]
    centre_s = float(np.median(at_s))
    if len(measured) < 3 or float(np.ptp(at_s)) < _SLOPE_SPAN_S:
        return np.full(len(times_s), float(np.median(offset_s)))
    slope, level = _fit_line(at_s - centre_s, offset_s, _OFFSET_TOLERANCE_S)
    return level + slope * (times_s - centre_s)


def _fit_line(x: FloatArray, y: FloatArray, tolerance: float) -> tuple[float, float]:
    """Slope and level at 0 of a line through most points; those farther off than ``tolerance`` count ever less."""
    # Start from medians of thirds (Tukey's resistant line), then least squares with Huber's weights.
    third = max(1, len(x) // 3)
    left, right = np.median(x[:third]), np.median(x[-third:])
    slope = float((np.median(y[-third:]) - np.median(y[:third])) / (right - left)) if right > left else 0.0
    level = float(np.median(y - slope * x))
    for _ in range(20):
        residual = np.abs(y - level - slope * x)
        weight = np.minimum(1.0, tolerance / np.maximum(residual, 1e-300))
        mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
        spread = np.sum(weight * (x - mean_x) ** 2)
        old = slope
        slope = float(np.sum(weight * (x - mean_x) * (y - mean_y)) / spread) if spread > 0 else 0.0
        level = float(mean_y - slope * mean_x)
        if abs(slope - old) < 1e-12:
            break
    return slope, level


def _estimate_period(relative_s: FloatArray, nominal_s: float) -> float:
    """Median step over blocks; blocks get shorter until most hold no gap, which shows by a plausible rate."""
    first_guess: float | None = None
    for n_block in (256, 64, 16, 4, 1):
        if len(relative_s) < 3 * n_block:
            continue
        steps = (relative_s[n_block:] - relative_s[:-n_block]) / n_block
        guess = float(np.median(steps))
        if first_guess is None and 1 / _POSSIBLE_RATE < guess / nominal_s < _POSSIBLE_RATE:
            first_guess = guess
        if abs(guess / nominal_s - 1) <= _TRUSTED_RATE:
            return guess
    return nominal_s if first_guess is None else first_guess


def _find_breaks(relative_s: FloatArray, period_s: float) -> IntArray:
    """Index of every segment's first sample; the first is 0."""
    lateness_s = relative_s - period_s * np.arange(len(relative_s))
    ends = _packet_ends(lateness_s, period_s)
    starts = np.concatenate(([0], ends[:-1] + 1))
    packets_s = lateness_s[ends]
    per_packet_s = period_s * len(lateness_s) / len(ends)
    plain = _find_plain_breaks(packets_s, ends, period_s)
    hidden = [
        first + k
        for first, last in itertools.pairwise([*plain, len(ends)])
        for k in _find_hidden_breaks(packets_s[first:last], period_s, per_packet_s)
    ]
    return starts[np.array(sorted([*plain, *hidden]), dtype=np.int64)]


def _packet_ends(lateness_s: FloatArray, period_s: float) -> IntArray:
    """Index of every packet's last sample; every sample is one where stamps come one by one.

    Many devices stamp a packet once: its samples then share the stamp, or have it spread over them at
    the announced rate. Either way all steps within are alike, and only whole packets jitter or get lost.
    """
    steps_s = np.diff(lateness_s)
    if len(steps_s) == 0:
        return np.array([len(lateness_s) - 1])
    is_boundary = np.abs(steps_s - np.median(steps_s)) > _ALIKE * period_s
    if 2 * np.count_nonzero(is_boundary) > len(steps_s):
        return np.arange(len(lateness_s))
    return np.append(np.flatnonzero(is_boundary), len(lateness_s) - 1)


def _find_plain_breaks(packets_s: FloatArray, ends: IntArray, period_s: float) -> list[int]:
    """Packets before which the step stands out of the jitter from one packet to the next; 0 is one."""
    steps_s = np.diff(packets_s)
    # Losses only ever step up, so steps down are all jitter; a stream without them has none.
    down_s = -steps_s[steps_s < -_ALIKE * period_s]
    is_jittered = len(down_s) > max(_FEW, 0.1 * len(steps_s))
    jitter_s = 1.4826 * float(np.median(down_s)) if is_jittered else 0.0
    tolerance_s = max(0.5 * period_s, _PLAIN * jitter_s)
    per_packet_s = period_s * (ends[-1] + 1) / len(ends)
    n_envelope = _n_envelope(per_packet_s)
    # Backwards is what a stamp does, not what it seems to do while a burst catches up.
    suspects = np.flatnonzero((steps_s > tolerance_s) | (steps_s + per_packet_s < -tolerance_s)) + 1
    breaks = [0]
    for k in suspects.tolist():
        before = packets_s[max(breaks[-1], k - n_envelope) : k]
        if steps_s[k - 1] > 0:
            # A burst may be as slow as 4/3 of real time.
            n_burst = int(min(_LONGEST_STALL_S, 4 * steps_s[k - 1]) / period_s)
            caught_up = int(np.searchsorted(ends, ends[k] + n_burst))
            after = packets_s[k : caught_up + n_envelope]
            is_break = float(after.min() - before.min()) > tolerance_s
        else:
            after = packets_s[k : k + n_envelope]
            is_break = float(np.median(after) - np.median(before)) < -tolerance_s
        if is_break:
            breaks.append(k)
    return breaks


def _find_hidden_breaks(packets_s: FloatArray, period_s: float, per_packet_s: float) -> list[int]:
    """Breaks smaller than the jitter, within a stretch without plain ones: the level of whole blocks steps up."""
    n_block = _n_envelope(per_packet_s)
    blocks_s = _blocks(packets_s, n_block)
    n_blocks = len(blocks_s)
    if n_blocks < 2 * _LEVEL_BLOCKS + 1:
        return []
    levels_s = np.median(blocks_s, axis=1)
    tolerance_s = max(0.75 * period_s, _PLAIN * _scatter_of_steps(levels_s))
    # The lowest of the next seconds: a stall longer than those has shown as a plain step.
    padded_s = np.append(levels_s, np.full(_STALL_BLOCKS, np.inf))
    ahead_s = np.lib.stride_tricks.sliding_window_view(padded_s, _STALL_BLOCKS)[1:].min(axis=1)
    found: list[int] = []
    b, first = _LEVEL_BLOCKS, 0
    while b + _LEVEL_BLOCKS < n_blocks:
        # Only where the next blocks lie higher at all is a closer look worth its time.
        if ahead_s[b] - levels_s[b - 1] > 0:
            before_s = float(np.median(levels_s[max(first, b - _LEVEL_BLOCKS) : b]))
            if ahead_s[b] - before_s > tolerance_s:
                found.append(_split(packets_s, (b - 1) * n_block, (b + 2) * n_block))
                first = b + 1
                b += _LEVEL_BLOCKS
        b += 1
    return found


def _split(packets_s: FloatArray, first: int, last: int) -> int:
    """Where a stretch falls best into two levels (least squares)."""
    part = packets_s[first:last]
    part = np.clip(part, *np.quantile(part, [0.02, 0.98])) - np.mean(part)
    k = np.arange(1, len(part))
    gain = np.cumsum(part)[:-1] ** 2 / (k * (len(part) - k))
    return first + int(np.argmax(gain)) + 1


def _blocks(values: FloatArray, n_block: int) -> FloatArray:
    """Whole blocks, shape (n_blocks, n_block)."""
    n_blocks = len(values) // n_block
    return values[: n_blocks * n_block].reshape(n_blocks, n_block)


def _scatter_of_steps(levels: FloatArray) -> float:
    """Standard deviation of levels, from their steps and robustly; 0 from fewer than three."""
    if len(levels) < 3:
        return 0.0
    steps = np.diff(levels)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2))


def _n_envelope(per_packet_s: float) -> int:
    return max(_MIN_ENVELOPE, round(_ENVELOPE_S / per_packet_s))


def _fit_period(relative_s: FloatArray, firsts: IntArray, period_s: float) -> float:
    """Common slope of all segments, each with a level of its own; late samples count ever less."""
    n = len(relative_s)
    lengths = np.diff(np.append(firsts, n))
    if lengths.max() < 3:
        return period_s
    lateness_s = relative_s - period_s * np.arange(n)
    levels = np.array([np.median(lateness_s[a : a + m]) for a, m in zip(firsts, lengths, strict=True)])
    residual_s = lateness_s - np.repeat(levels, lengths)
    scatter_s = float(1.4826 * np.median(np.abs(residual_s)))
    weight = (np.abs(residual_s) <= max(4 * scatter_s, 1e-9)).astype(float)
    index = np.arange(n, dtype=float)
    total = np.add.reduceat(weight, firsts)
    safe = np.maximum(total, 1.0)
    centred = index - np.repeat(np.add.reduceat(weight * index, firsts) / safe, lengths)
    centred_s = residual_s - np.repeat(np.add.reduceat(weight * residual_s, firsts) / safe, lengths)
    spread = float(np.sum(weight * centred**2))
    if spread <= 0:
        return period_s
    fitted_s = period_s + float(np.sum(weight * centred * centred_s)) / spread
    return fitted_s if 0.5 < fitted_s / period_s < 2 else period_s


def _fit_start(relative_s: FloatArray, period_s: float) -> float:
    """Time of a segment's first sample: the mean level of the samples that are not late."""
    lateness_s = relative_s - period_s * np.arange(len(relative_s))
    level_s = float(np.median(lateness_s))
    distance_s = np.abs(lateness_s - level_s)
    usual = distance_s <= max(4 * 1.4826 * float(np.median(distance_s)), 1e-9)
    return float(np.mean(lateness_s[usual]))
