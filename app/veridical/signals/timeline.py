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

    A gap of at least about one period (or six times the jitter, if that is more) starts a segment; a
    stall that a burst makes up starts none. All segments share one period: a device has one crystal.

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
    if nominal_hz <= 0 or n == 0:
        return Timeline(())
    # Small numbers keep the sums below exact to the nanosecond.
    origin_s = float(stamps_s[0]) if np.isfinite(stamps_s[0]) else 0.0
    relative_s = np.nan_to_num(stamps_s - origin_s, nan=0.0, posinf=0.0, neginf=0.0)
    period_s = _estimate_period(relative_s, 1.0 / nominal_hz)
    firsts = _find_breaks(relative_s, period_s)
    for _ in range(2):
        fitted_s = _fit_period(relative_s, firsts, period_s)
        refined = _find_breaks(relative_s, fitted_s)
        is_stable = np.array_equal(refined, firsts)
        period_s, firsts = fitted_s, refined
        if is_stable:
            break
    period_s = _fit_period(relative_s, firsts, period_s)
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
        if guess > 0 and first_guess is None:
            first_guess = guess
        if abs(guess / nominal_s - 1) <= _TRUSTED_RATE:
            return guess
    return nominal_s if first_guess is None else first_guess


def _find_breaks(relative_s: FloatArray, period_s: float) -> IntArray:
    """Index of every segment's first sample; the first is 0."""
    n = len(relative_s)
    lateness_s = relative_s - period_s * np.arange(n)
    n_envelope = max(_MIN_ENVELOPE, round(_ENVELOPE_S / period_s))
    tolerance_s = max(0.5 * period_s, 6 * _envelope_jitter(lateness_s, n_envelope))
    excess_s = np.diff(lateness_s)
    candidates = np.flatnonzero(np.abs(excess_s) > 0.75 * tolerance_s) + 1
    suspects = _unexplained(lateness_s, candidates, n_envelope, tolerance_s)
    n_longest = round(_LONGEST_STALL_S / period_s)
    breaks = [0]
    for k in suspects.tolist():
        before = lateness_s[max(breaks[-1], k - n_envelope) : k]
        n_burst = min(n_longest, int(max(0.0, excess_s[k - 1]) / period_s))
        after = lateness_s[k : k + n_burst + n_envelope]
        shift_s = float(after.min() - before.min())
        if excess_s[k - 1] < 0:
            # Catching up after a stall lands where it was due; a clock set back lands before that.
            shift_s = min(0.0, float(np.median(lateness_s[k : k + n_envelope]) - before.min()))
        if abs(shift_s) > tolerance_s:
            breaks.append(k)
    return np.array(breaks, dtype=np.int64)


def _envelope_jitter(lateness_s: FloatArray, n_envelope: int) -> float:
    """Scatter of the lower envelope from one stretch to the next, as a standard deviation."""
    n_blocks = len(lateness_s) // n_envelope
    if n_blocks < 3:
        return 0.0
    lowest = lateness_s[: n_blocks * n_envelope].reshape(n_blocks, n_envelope).min(axis=1)
    steps = np.diff(lowest)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2))


def _unexplained(lateness_s: FloatArray, candidates: IntArray, n_envelope: int, tolerance_s: float) -> IntArray:
    """Keep the candidates across which the lower envelope of a short stretch steps."""
    n = len(lateness_s)
    kept: list[IntArray] = []
    window = np.arange(n_envelope)
    # In pieces: a stream stamped on arrival has a candidate at every packet.
    for begin in range(0, len(candidates), 4096):
        k = candidates[begin : begin + 4096]
        after = lateness_s[np.minimum(k[:, None] + window, n - 1)].min(axis=1)
        before = lateness_s[np.maximum(k[:, None] - 1 - window, 0)].min(axis=1)
        kept.append(k[np.abs(after - before) > tolerance_s])
    return np.concatenate(kept) if kept else np.empty(0, dtype=np.int64)


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
    return fitted_s if fitted_s > 0 else period_s


def _fit_start(relative_s: FloatArray, period_s: float) -> float:
    """Time of a segment's first sample: the mean level of the samples that are not late."""
    lateness_s = relative_s - period_s * np.arange(len(relative_s))
    level_s = float(np.median(lateness_s))
    distance_s = np.abs(lateness_s - level_s)
    usual = distance_s <= max(4 * 1.4826 * float(np.median(distance_s)), 1e-9)
    return float(np.mean(lateness_s[usual]))
