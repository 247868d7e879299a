"""A stream's own clock against the recording machine's: measured offsets, robust lines, resets."""

import itertools

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray

# Clock offsets: liblsl's probes agree within 0.1 ms on a quiet network; pyxdf winsorises at the same value.
_OFFSET_TOLERANCE_S = 1e-4
# A clock was reset if its offset steps by more than this between two measurements (pyxdf: 1 s, 10 deviations).
_RESET_S = 1.0
_LONGEST_S = 1e12
# One stamp's weight in the search for a reset among thousands.
_WORST_S = 10.0
# A measurement this many times farther away in time than half of the others is damage, and would tilt the line.
_FARTHEST = 100.0
# A slope needs a baseline: over less than this, 0.1 ms of noise is more than any crystal drifts.
_SLOPE_SPAN_S = 10.0


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
    # A damaged measurement may hold any number.
    is_sound = np.isfinite(clock_offsets).all(axis=1) & (np.abs(clock_offsets) < _LONGEST_S).all(axis=1)
    measured = clock_offsets[is_sound]
    if len(measured) == 0 or len(synchronised) == 0:
        return synchronised
    bounds = [0, *clock_resets(measured).tolist(), len(measured)]
    first = 0
    for begin, end in itertools.pairwise(bounds):
        last = len(synchronised)
        if end < len(measured):
            last = first + _n_before_reset(stamps_s[first:], measured[end - 1], measured[end])
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


def _n_before_reset(stamps_s: FloatArray, before: FloatArray, after: FloatArray) -> int:
    """How many of the stamps, in file order, came before the clock was set anew between two measurements."""
    if len(stamps_s) == 0:
        return 0
    old_s, new_s = stamps_s + before[1], stamps_s + after[1]
    earliest_s, latest_s = before.sum(), after.sum()
    # On the recorder's clock nothing before the reset is later than the next measurement, nothing after it is
    # earlier than the last one, time runs forward, and the step across the reset is no longer than need be.
    too_late = np.cumsum(_at_most(old_s - latest_s))
    too_early = np.cumsum(_at_most(earliest_s - new_s)[::-1])[::-1]
    step_s = new_s[1:] - old_s[:-1]
    backward = _at_most(-np.diff(stamps_s))
    across = 2 * _at_most(-step_s) + _at_most(step_s) - backward
    costs = np.concatenate(([0.0], too_late)) + np.concatenate((too_early, [0.0]))
    costs[1:-1] += across
    # That no stamp at all came on one side is believed least.
    costs[[0, -1]] += _WORST_S
    return int(np.argmin(costs))


def _at_most(violation_s: FloatArray) -> FloatArray:
    """Positive parts, no single one above ten seconds: a damaged stamp may hold any number."""
    return np.clip(np.nan_to_num(violation_s, nan=0.0), 0.0, _WORST_S)


def _offset_at(times_s: FloatArray, measured: FloatArray) -> FloatArray:
    at_s, offset_s = measured[:, 0], measured[:, 1]
    centre_s = float(np.median(at_s))
    distance_s = np.abs(at_s - centre_s)
    is_near = distance_s <= _FARTHEST * float(np.median(distance_s))
    at_s, offset_s = at_s[is_near], offset_s[is_near]
    if len(at_s) < 3 or float(np.ptp(at_s)) < _SLOPE_SPAN_S:
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
