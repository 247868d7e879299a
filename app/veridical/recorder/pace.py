"""Whether samples come at the announced rate, and which never came: told apart, and from mere lateness.

Every chunk leaves a block: how many samples, and by how much its newest stamp runs ahead of their number (the
*advance*, summed up the *lead*). A lost packet lifts the lead once and for good; a late one lifts it until its
burst has arrived; a device that is slow lifts it steadily.
"""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray

RATE_TOLERANCE = 0.05
_FINE_AGAIN = 0.04
# Spans over which the rate is judged, from quick to sure: the quick one answers within 2 s.
_SPANS_S = (1.6, 4.0, 10.0)
_N_GROUPS = (6, 8, 20)
_FEWEST_SAMPLES = 20
# A loss must have lasted so long: what is merely late has arrived by then.
_LASTING_S = 0.4
# A lead that keeps rising may be a slow device; so long the rate may take to tell.
_RISING_S = 1.8
_LEARNT_BLOCKS = 24
# Stamps that scatter by less than this share of a period are the device's own count of its samples.
_PRECISE = 0.05
_LOST_PERIODS = 0.7
# With stamps taken on arrival, less than this cannot be told from a slow loop.
_LOST_S = 0.06
_SCATTERS = 4.5
# A scatter is known from so many blocks on.
_FEWEST_BLOCKS = 6
_BIG_UNKNOWN_S = 0.25
# Nothing can have been lost for longer than nothing came.
_BACKLOG_S = 1.0
_BACKWARDS_S = 1.0
_STEP_PERIODS = 1.5
# Jumps smaller than this are turns of a sender's loop, not packets.
_GRAIN_S = 0.025
# Skewness of chunk-wise slopes from which losses are suspected.
_SKEWED = 0.4
# The rate is worked out so often at most.
_AGAIN_S = 0.25
# So many times the verdict may be unclear before it is given up.
_PATIENCE = 5


@dataclass
class _Suspicion:
    """A lead that rose with one chunk, until it is known whether it stays."""

    now_s: float
    # Number of the chunk since the beginning.
    chunk: int
    level_s: float
    least_s: float
    n_later: int = 0


# Columns of a block.
_NOW, _N, _LAST, _ADVANCE, _STEP = range(5)
_N_KEPT = 1024


@dataclass(frozen=True)
class Loss:
    """Samples that never came, found at one moment."""

    now_s: float
    n_missing: int
    missing_s: float


class Pace:
    """Follows the rate of one regular stream; times are readings of the local clock, handed in.

    Parameters
    ----------
    nominal_hz : float
        Announced rate, above 0.
    """

    def __init__(self, nominal_hz: float) -> None:
        self.nominal_hz = nominal_hz
        # Jumps of the stamps that no loss explains, in seconds: the clock behind them was set.
        self.jumps_s: list[float] = []
        self._period_s = 1.0 / nominal_hz
        # A slow stream needs as many samples as a fast one to be judged.
        self._stretch = max(1.0, (_FEWEST_SAMPLES + 1) * self._period_s / _SPANS_S[0])
        self._kept_s = 1.3 * _SPANS_S[-1] * self._stretch
        # Room for twice the blocks that are kept, so that moving them is rare.
        self._rows: FloatArray = np.zeros((2 * _N_KEPT, 5))
        self._losses: list[Loss] = []
        self.restart()

    def restart(self) -> None:
        """Begin anew: the stream came back, or its clock was set."""
        self._first = self._end = 0
        self._n_moved = 0
        self._recent: deque[tuple[float, float]] = deque()
        self._suspicions: list[_Suspicion] = []
        self._last_s: float | None = None
        self._heard_s = 0.0
        self._lead_s = 0.0
        self._slope = 0.0
        self._least_loss_s: float | None = None
        self._lowest_lag_s = math.inf
        self._off_hz: float | None = None
        self._judged_s = -math.inf
        self._judged_end = -1
        self._n_unsure = 0

    def count(self, stamps_s: FloatArray, now_s: float) -> None:
        """Take note of a chunk."""
        last_s, n = float(stamps_s[-1]), len(stamps_s)
        if self._last_s is None:
            if math.isfinite(last_s):
                self._last_s, self._heard_s = last_s, now_s
                self._recent.append((now_s, 0.0))
            return
        advance_s = last_s - self._last_s - n * self._period_s
        has_step = is_jump = False
        # The usual chunk ends where its number of samples says; only others are looked into.
        if not abs(advance_s) < _PRECISE * self._period_s:
            steps = np.diff(stamps_s, prepend=self._last_s)
            has_step = bool(steps.max() > _STEP_PERIODS * self._period_s)
            is_jump = (
                advance_s > now_s - self._heard_s + _BACKLOG_S + self._period_s
                or float(steps.min()) < -_BACKWARDS_S
                or not math.isfinite(advance_s)
            )
        if is_jump:
            self.restart()
            if math.isfinite(last_s):
                self.jumps_s.append(float(steps[np.abs(steps).argmax()]))
                self._last_s, self._heard_s = last_s, now_s
            return
        self._last_s, self._heard_s = last_s, now_s
        if self._end == len(self._rows):
            self._move()
        self._rows[self._end] = (now_s, n, last_s, advance_s, has_step)
        self._end += 1
        self._follow(now_s, n, advance_s)

    def leave_out(self) -> None:
        """The recorder itself stood still: nothing before says at what rate samples arrive."""
        self._first = self._end

    def take_losses(self, now_s: float) -> list[Loss]:
        """Return what was found to be lost since the last call."""
        self._settle(now_s)
        losses, self._losses = self._losses, []
        return losses

    def rate_hz(self) -> float | None:
        """Rate between gaps over the last seconds; None if that is too little to tell."""
        rows = self._rows[self._first : self._end]
        n = float(rows[:, _N].sum())
        span_s = n * self._period_s + float(rows[:, _ADVANCE].sum())
        if n < _FEWEST_SAMPLES or span_s < _SPANS_S[0] / 2:
            return None
        return n / span_s

    def judge(self, now_s: float) -> float | None:
        """Return the measured rate if it is off by more than 5 %, None if not or not known yet."""
        if self._end != self._judged_end and now_s - self._judged_s >= _AGAIN_S:
            self._judged_s, self._judged_end = now_s, self._end
            self._forget(now_s)
            self._off_hz = self._measure(now_s)
        return self._off_hz

    def _measure(self, now_s: float) -> float | None:
        if self._end - self._first < 3:
            return None
        blocks = _Columns(self._rows[self._first : self._end], self._period_s)
        if self._off_hz is None and blocks.is_plain(_SPANS_S[0] * self._stretch):
            self._slope = 0.0
            self._least_loss_s = _LOST_PERIODS * self._period_s
            return None
        scatter_s = self._learn(blocks)
        # What was off must come well inside the tolerance to be fine again.
        tolerance = RATE_TOLERANCE if self._off_hz is None else _FINE_AGAIN
        for quick_s, n_groups in zip(_SPANS_S, _N_GROUPS, strict=True):
            span_s = quick_s * self._stretch
            newest = blocks.newest(span_s)
            if newest is None:
                break
            slope, is_sure = newest.lead_slope(n_groups, scatter_s, needs_steps=quick_s < _SPANS_S[-1])
            if slope is None:
                continue
            deviation, margin = abs(1 / (1 + slope) - 1), 3 * scatter_s / span_s
            if deviation > tolerance + margin:
                if is_sure and (slope > 0 or blocks.overtakes(len(newest.n))):
                    self._n_unsure = 0
                    # From here on, this is how the stream is, and no row of gaps.
                    self._slope = max(0.0, slope)
                    self._suspicions.clear()
                    return self.nominal_hz / (1 + slope)
                if quick_s == _SPANS_S[-1]:
                    self._n_unsure += 1
                    if self._n_unsure < _PATIENCE:
                        break
                    if slope > 0 and not self._suspicions:
                        self._lose_rest(newest, now_s)
                    return None
                continue
            late = newest.lag_slope(n_groups)
            if late is None or (deviation > tolerance - margin and quick_s < _SPANS_S[-1]):
                continue
            if self._is_off_by_arrival(blocks, newest, *late):
                return self.nominal_hz / (1 + late[0])
            if abs(late[0]) + late[1] < _FINE_AGAIN or (late[1] < tolerance / 4 and self._off_hz is None):
                return None
        return self._off_hz

    # Inside -----------------------------------------------------------------------------------------
    def _move(self) -> None:
        """Make room at the end of the rows."""
        self._first = max(self._first, self._end - _N_KEPT)
        kept = self._rows[self._first : self._end].copy()
        self._n_moved += self._first
        self._first, self._end = 0, len(kept)
        self._rows[: self._end] = kept
        self._judged_end = -1

    def _forget(self, now_s: float) -> None:
        """Leave out blocks that are too old to be judged."""
        rows = self._rows[self._first : self._end]
        k = int(np.searchsorted(rows[:, _NOW], now_s - self._kept_s))
        if k:
            self._lowest_lag_s = min(self._lowest_lag_s, float((rows[:k, _NOW] - rows[:k, _LAST]).min()))
            self._first += k

    def _follow(self, now_s: float, n: int, advance_s: float) -> None:
        """Keep the lead's level of the last moments, and suspect a loss when it rises."""
        lead_s = self._lead_s = self._lead_s + advance_s - self._slope * n * self._period_s
        for suspicion in self._suspicions:
            suspicion.least_s = min(suspicion.least_s, lead_s)
            suspicion.n_later += 1
        recent = self._recent
        level_s = min(recent, key=_lead_of)[1] if recent else lead_s
        if lead_s - level_s > self._limit_s():
            self._suspicions.append(_Suspicion(now_s, self._n_moved + self._end - 1, level_s, lead_s))
            recent.clear()
        recent.append((now_s, lead_s))
        while recent[0][0] < now_s - _LASTING_S and len(recent) > 1:
            recent.popleft()

    def _limit_s(self) -> float:
        return _BIG_UNKNOWN_S + self._period_s if self._least_loss_s is None else self._least_loss_s

    def _settle(self, now_s: float) -> None:
        """Decide about leads that have stayed, or fallen back."""
        waits_s = max(_LASTING_S, _STEP_PERIODS * self._period_s)
        while self._suspicions and now_s - self._suspicions[0].now_s >= waits_s:
            suspicion = self._suspicions[0]
            age_s = now_s - suspicion.now_s
            shift_s = suspicion.least_s - suspicion.level_s
            is_rising = self._lead_s - suspicion.least_s > shift_s / 2
            if not suspicion.n_later and age_s < 2 * waits_s:
                return
            if is_rising and (age_s < max(_RISING_S, waits_s) or suspicion.n_later < _FEWEST_BLOCKS):
                return
            self._suspicions.pop(0)
            row = suspicion.chunk - self._n_moved
            if row < 0:
                continue
            block = self._rows[row]
            own_s = float(block[_ADVANCE] - self._slope * block[_N] * self._period_s)
            if shift_s > self._limit_s() * 0.9 and own_s > shift_s / 2:
                block[_ADVANCE] -= shift_s
                self._losses.append(Loss(suspicion.now_s, max(1, round(shift_s * self.nominal_hz)), shift_s))

    def _learn(self, blocks: "_Columns") -> float:
        """Learn from a few seconds what is usual; returns the scatter of the stamps, in seconds."""
        # A change of rate is learnt within seconds: what was before counts no more.
        due_s = blocks.n[-_LEARNT_BLOCKS:] * self._period_s
        advance_s = blocks.advance_s[-_LEARNT_BLOCKS:]
        if len(due_s) < _FEWEST_BLOCKS:
            return 0.0
        quarter, half = np.quantile(advance_s / due_s, (0.25, 0.5))
        self._slope = max(0.0, float(quarter))
        # Losses only ever push the lead up: what falls is scatter.
        usual = self._slope + min(0.0, float(half)) if self._off_hz is None else float(half)
        falls = usual * due_s - advance_s
        falls = falls[falls > 0]
        scatter_s = 1.4826 * float(np.median(falls)) if len(falls) >= len(due_s) // 4 else 0.0
        lost_s = _LOST_PERIODS * self._period_s
        if scatter_s > _PRECISE * self._period_s:
            lost_s = max(lost_s, _LOST_S, _SCATTERS * scatter_s)
        self._least_loss_s = lost_s
        return scatter_s

    def _is_off_by_arrival(self, blocks: "_Columns", newest: "_Columns", slope: float, error: float) -> bool:
        """Whether the stamps claim the rate and the samples do not arrive at it."""
        if abs(slope) - 4 * error <= RATE_TOLERANCE:
            return False
        if slope > 0:
            return True
        # Falling lag is mostly a stall that is being made up; only stamps that overtake are too fast.
        lag_s = blocks.now_s - blocks.last_s
        n_older = len(lag_s) - len(newest.n)
        usual_s = min(self._lowest_lag_s, float(lag_s[: n_older + 3].min()))
        return float(lag_s[-3:].min()) < usual_s - RATE_TOLERANCE

    def _lose_rest(self, newest: "_Columns", now_s: float) -> None:
        """Samples are missing, in pieces too small to be told one by one."""
        missing_s = float(newest.advance_s.sum())
        self._losses.append(Loss(now_s, max(1, round(missing_s * self.nominal_hz)), missing_s))
        self._first = self._end


def _lead_of(row: tuple[float, float]) -> float:
    return row[1]


class _Columns:
    """Blocks as arrays, shape (n_blocks,); ``advance_s`` without what is known to be lost."""

    def __init__(self, rows: FloatArray, period_s: float) -> None:
        self._rows = rows
        self.period_s = period_s
        self.now_s, self.n, self.last_s, self.advance_s = rows[:, _NOW], rows[:, _N], rows[:, _LAST], rows[:, _ADVANCE]

    def is_plain(self, span_s: float) -> bool:
        """Whether the newest blocks are beyond doubt: the device counts its own samples, and they come as counted."""
        k = int(np.searchsorted(self.now_s, self.now_s[-1] - span_s))
        rows = self._rows[k:]
        if self.now_s[-1] - self.now_s[k] < 0.8 * span_s or np.abs(rows[:, _ADVANCE]).max() > _PRECISE * self.period_s:
            return False
        lag_s = rows[:, _NOW] - rows[:, _LAST]
        quarter = max(1, len(lag_s) // 4)
        return bool(abs(lag_s[:quarter].min() - lag_s[-quarter:].min()) < RATE_TOLERANCE / 4 * span_s)

    def newest(self, span_s: float) -> "_Columns | None":
        """The blocks of the last seconds; None if there are not so many yet."""
        if self.now_s[-1] - self.now_s[0] < 0.8 * span_s:
            return None
        k = int(np.searchsorted(self.now_s, self.now_s[-1] - span_s))
        # Half of it in one piece tells nothing of a course.
        if len(self.now_s) - k < 3 or float(np.diff(self.now_s[k:]).max()) > 0.5 * span_s:
            return None
        return _Columns(self._rows[k:], self.period_s)

    def overtakes(self, n_newest: int) -> bool:
        """Whether the lead falls below where it ever was: a stall that is made up only comes back."""
        lead_s = np.cumsum(self.advance_s)
        older = lead_s[: len(lead_s) - n_newest]
        usual_s = float(older.min()) if len(older) else 0.0
        return bool(lead_s[-1] < usual_s - RATE_TOLERANCE)

    def lead_slope(self, n_groups: int, scatter_s: float, needs_steps: bool) -> tuple[float | None, bool]:
        """How fast the lead rises per second of samples, and whether as steadily as a slow device's does."""
        due_s = np.cumsum(self.n) * self.period_s
        if self.n.sum() < _FEWEST_SAMPLES / 2:
            return None, False
        lead_s = np.cumsum(self.advance_s)
        mean = float(lead_s[-1] / due_s[-1])
        edges = np.unique(
            np.searchsorted(due_s, np.linspace(due_s[0], due_s[-1], n_groups + 1)).clip(0, len(due_s) - 1)
        )
        if len(edges) < 4:
            return None, False
        slopes = np.diff(lead_s[edges]) / np.diff(due_s[edges])
        spread = float(slopes.std())
        # Stamps scatter, and a loop that sends what is due leaves a sample to the next turn.
        unsure_s = 1.5 * scatter_s + 0.6 * min(self.period_s, _GRAIN_S)
        allowed = max(0.02 + unsure_s * n_groups / float(due_s[-1]), abs(mean) / (3 if needs_steps else 4))
        is_steady = spread <= min(allowed, 0.2 + abs(mean) / 4)
        return mean, is_steady and (mean < 0 or not self._has_losses(mean, needs_steps))

    def _has_losses(self, mean: float, needs_steps: bool) -> bool:
        """Whether the lead rises as lost packets make it: in steps behind some chunks, not alike behind all."""
        if float(np.ptp(self.advance_s)) <= _GRAIN_S:
            return False
        slopes = self.advance_s / (self.n * self.period_s)
        deviation = float(slopes.std())
        share = float(self._rows[:, _STEP].mean())
        if needs_steps and (0.1 < share < 0.9 or (share >= 0.9 and deviation > max(0.15, abs(mean) / 3))):
            return True
        if deviation <= abs(mean) / 10:
            return False
        # Lateness scatters to both sides, losses only upwards.
        skewness = float(np.mean(((slopes - slopes.mean()) / deviation) ** 3))
        return skewness > max(_SKEWED, 2.5 * math.sqrt(6 / len(slopes)))

    def lag_slope(self, n_groups: int) -> tuple[float, float] | None:
        """How fast arrival falls behind the stamps per second of stamps, and the standard error of that."""
        lag_s = self.now_s - self.last_s
        span_s = float(self.now_s[-1] - self.now_s[0])
        group = np.minimum(((self.now_s - self.now_s[0]) / span_s * n_groups).astype(int), n_groups - 1)
        firsts = np.flatnonzero(np.diff(group, prepend=-1))
        if len(firsts) < 4:
            return None
        least = np.minimum.reduceat(lag_s, firsts)
        at_s = np.add.reduceat(self.now_s, firsts) / np.diff(np.append(firsts, len(lag_s)))
        x = at_s - at_s.mean()
        rising = float(x @ least / (x @ x))
        rest = least - least.mean() - rising * x
        error = math.sqrt(float(rest @ rest) / (len(x) - 2) / float(x @ x))
        # Per second of stamps: a stream whose stamps stand still would be infinitely slow.
        return (rising / max(1e-3, 1 - rising), error)
