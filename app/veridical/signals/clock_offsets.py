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
# Samples this near to a stretch's own measurements are at home; how much less than a contradiction others count.
_NEAR_S = 10.0
_FAR = 0.01
# Beyond this much work resets are placed one after the other instead of all at once.
_MOST_WORK = 200_000_000
# A measurement this many times farther away in time than half of the others is damage, and would tilt the line.
_FARTHEST = 100.0
# A slope needs a baseline: over less than this, 0.1 ms of noise is more than any crystal drifts.
_SLOPE_SPAN_S = 10.0
# Where other stretches tell the drift, a stretch has one of its own only from so many measurements over so long.
_MANY = 6
_LONG_S = 30.0
_FEW_PAIRS = 64


def synchronise(stamps_s: FloatArray, clock_offsets: FloatArray) -> FloatArray:
    """Map a stream's stamps onto the recording machine's clock; see ``synchronise_stretches``."""
    return synchronise_stretches(stamps_s, clock_offsets)[0]


def synchronise_stretches(stamps_s: FloatArray, clock_offsets: FloatArray) -> tuple[FloatArray, IntArray]:
    """Map a stream's stamps onto the recording machine's clock, and tell where the stream's own was set anew.

    A robust straight line through the measurements, one for every stretch between clock resets; over less
    than 10 s, or from fewer than three measurements, their median. Short stretches drift as the longest one does.

    Parameters
    ----------
    stamps_s : ndarray, shape (n,)
        Raw stamps, in file order.
    clock_offsets : ndarray, shape (m, 2)
        Collection time on the stream's clock, and what to add to its stamps; seconds, in file order.

    Returns
    -------
    times_s : ndarray of float64, shape (n,)
        A copy, also if nothing was measured.
    firsts : ndarray of int, shape (k,)
        First samples after the resets.
    """
    synchronised = np.array(stamps_s, dtype=float)
    # A damaged measurement may hold any number.
    is_sound = np.isfinite(clock_offsets).all(axis=1) & (np.abs(clock_offsets) < _LONGEST_S).all(axis=1)
    measured = clock_offsets[is_sound]
    n = len(synchronised)
    if len(measured) == 0 or n == 0:
        return synchronised, np.empty(0, dtype=np.int64)
    bounds = [0, *clock_resets(measured).tolist(), len(measured)]
    parts = [measured[begin:end] for begin, end in itertools.pairwise(bounds)]
    drift = _drift(parts)
    firsts = _place_resets(synchronised, parts, drift)
    for part, (first, last) in zip(parts, itertools.pairwise([0, *firsts, n]), strict=True):
        stretch = synchronised[first:last]
        stretch += _offset_at(stretch, part, drift)
    placed = np.unique(np.array([f for f in firsts if 0 < f < n], dtype=np.int64))
    return synchronised, placed


def _place_resets(stamps_s: FloatArray, parts: list[FloatArray], drift: float | None) -> list[int]:
    """First samples of the stretches but the first, ascending: the cheapest of all ways to cut the stamps.

    On the recorder's clock nothing of a stretch is later than the first measurement of the next one or earlier
    than the last of the one before, time runs forward, and the step across a reset is no longer than need be.
    """
    n, firsts = len(stamps_s), [0]
    if len(parts) == 1:
        return []
    if len(parts) * n > _MOST_WORK:
        for before, after in itertools.pairwise(parts):
            pair = _place_resets(stamps_s[firsts[-1] :], [before, after], drift) if n * 2 <= _MOST_WORK else [0]
            firsts.append(firsts[-1] + pair[0])
        return firsts[1:]
    times_s = [stamps_s + _offset_at(stamps_s, part, drift) for part in parts]
    steps_s = np.diff(stamps_s)
    # A step that the stamps show as they are needs no other reason than the reset.
    shown_s = _at_most(np.abs(steps_s - np.median(steps_s))) if n > 1 else steps_s
    # The cheapest way to have the stretches so far end before each sample, and where the last of them begins.
    around: list[FloatArray | None] = [None, *parts, None]
    total = np.append(0.0, np.cumsum(_violation(times_s[0], None, parts[0], around[2])))
    choices: list[IntArray] = []
    for k in range(1, len(parts)):
        step_s = times_s[k][1:] - times_s[k - 1][:-1]
        total[1:-1] += 2 * _at_most(-step_s) + _at_most(step_s) - shown_s
        # That no stamp at all came on one side is believed least.
        total[[0, -1]] += _WORST_S
        spent = np.append(0.0, np.cumsum(_violation(times_s[k], parts[k - 1], parts[k], around[k + 2])))
        saved = total - spent
        lowest = np.minimum.accumulate(saved)
        is_new = np.append(True, saved[1:] < lowest[:-1])
        choice = np.maximum.accumulate(np.where(is_new, np.arange(n + 1), 0))
        # Before a sample a stretch begins earlier, or is empty, which is believed as little.
        earlier = np.append(np.inf, lowest[:-1])
        is_empty = saved + _WORST_S < earlier
        choices.append(np.where(is_empty, np.arange(n + 1), np.append(0, choice[:-1])))
        total = np.where(is_empty, saved + _WORST_S, earlier) + spent
    found: list[int] = []
    end = n
    for choice in reversed(choices):
        end = int(choice[end])
        found.append(end)
    return found[::-1]


def _violation(times_s: FloatArray, before: FloatArray | None, own: FloatArray, after: FloatArray | None) -> FloatArray:
    """How far each time lies beyond the measurements of the stretches before and after, seconds.

    And, which counts far less, how much farther it lies from the stretch's own than measurements lie apart.
    """
    measured_s = own.sum(axis=1)
    near_s = max(_NEAR_S, 2 * float(np.median(np.diff(measured_s)))) if len(own) > 1 else _NEAR_S
    cost: FloatArray = _FAR * _at_most(measured_s[0] - near_s - times_s)
    cost += _FAR * _at_most(times_s - measured_s[-1] - near_s)
    if after is not None:
        cost += _at_most(times_s - after[0].sum())
    if before is not None:
        cost += _at_most(before[-1].sum() - times_s)
    return cost


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


def _at_most(violation_s: FloatArray) -> FloatArray:
    """Positive parts, no single one above ten seconds: a damaged stamp may hold any number."""
    return np.clip(np.nan_to_num(violation_s, nan=0.0), 0.0, _WORST_S)


def _offset_at(times_s: FloatArray, measured: FloatArray, drift: float | None = None) -> FloatArray:
    """What to add at some times; ``drift`` is the slope where the measurements are too few for one of their own."""
    at_s, offset_s, centre_s = _near(measured)
    slope, level = 0.0 if drift is None else drift, 0.0
    is_own = len(at_s) >= 3 and float(np.ptp(at_s)) >= _SLOPE_SPAN_S
    if is_own and (drift is None or (len(at_s) >= _MANY and float(np.ptp(at_s)) >= _LONG_S)):
        slope, level = _fit_line(at_s - centre_s, offset_s, _OFFSET_TOLERANCE_S)
    else:
        level = float(np.median(offset_s - slope * (at_s - centre_s)))
    return level + slope * (times_s - centre_s)


def _drift(parts: list[FloatArray]) -> float | None:
    """Slope of the longest stretch: the crystal is the same in all; None if that is too short, or the only one."""
    longest = max(parts, key=len)
    at_s, offset_s, centre_s = _near(longest)
    if len(parts) == 1 or len(at_s) < _MANY or float(np.ptp(at_s)) < _LONG_S:
        return None
    return _fit_line(at_s - centre_s, offset_s, _OFFSET_TOLERANCE_S)[0]


def _near(measured: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Times and offsets without those that lie damagingly far away in time, and the middle of the times."""
    at_s, offset_s = measured[:, 0], measured[:, 1]
    centre_s = float(np.median(at_s))
    distance_s = np.abs(at_s - centre_s)
    is_near = distance_s <= _FARTHEST * float(np.median(distance_s))
    return at_s[is_near], offset_s[is_near], centre_s


def _fit_line(x: FloatArray, y: FloatArray, tolerance: float) -> tuple[float, float]:
    """Slope and level at 0 of a line through most points; those farther off than ``tolerance`` count ever less."""
    # Start from a resistant line, then least squares with Huber's weights.
    slope = _resistant_slope(x, y)
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


def _resistant_slope(x: FloatArray, y: FloatArray) -> float:
    """Median of the slopes of all pairs (Theil and Sen); of many, from medians of thirds (Tukey)."""
    if len(x) <= _FEW_PAIRS:
        i, j = np.triu_indices(len(x), 1)
        dx, dy = x[j] - x[i], y[j] - y[i]
        return float(np.median(dy[dx != 0] / dx[dx != 0])) if dx.any() else 0.0
    third = len(x) // 3
    left, right = np.median(x[:third]), np.median(x[-third:])
    return float((np.median(y[-third:]) - np.median(y[:third])) / (right - left)) if right > left else 0.0
