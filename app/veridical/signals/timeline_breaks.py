"""Where a stream's time breaks: samples were lost, or its clock was set; a stall made up by a burst breaks nothing."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.signals.timeline_packets import Packets, blocks_of, jitter_of

# liblsl keeps at most 360 s for a receiver that stalls; a longer step cannot be made up.
_LONGEST_STALL_S = 360.0
# A burst may be as slow as 4/3 of real time.
_BURST = 4
# A step is a loss from so much of a period, and from so many times the usual jitter.
_OF_PERIOD = 0.6
_OF_JITTER = 1.5
# Overlapping chunks step back by less than this when a burst catches up; clocks are set by more.
_SET_BACK_S = 1.0
_PAST_S = 60.0
# Single late packets are no burst.
_FEW = 3
# The next packets are all that much later than the first: it came before the loss.
_LATER = 0.25
# More suspects than this are sieved by a running minimum first.
_MANY_SUSPECTS = 5000

# Steps above so many standard deviations of the levels are no jitter, in an hour at 1 kHz either.
_PLAIN = 8.0
_LEVEL_BLOCKS = 4
_STALL_BLOCKS = 16
# Steps that fall by less than this share of a loss, all but the rarest of them, hide none.
_CALM = 0.35
_RARE = 0.002
_MIN_STEPS = 500
# A step explains a loss better than a slope does if it leaves less than this share of the slope's squares.
_SHARPER = 0.6


@dataclass(frozen=True)
class Breaks:
    """What was found among a stream's packets.

    Parameters
    ----------
    firsts : ndarray of int, shape (n_segments,)
        First packet of every segment; the first is 0.
    is_held : ndarray of bool, shape (n_packets,)
        Packets that were held back and came in a burst: their stamps tell nothing.
    jitter_s : float
        How far late stamps stand out of a usual quarter of a second.
    """

    firsts: IntArray
    is_held: BoolArray
    jitter_s: float


def find_breaks(packets: Packets, period_s: float, n_together: int = 1, is_reset: BoolArray | None = None) -> Breaks:
    """Find lost samples and clocks that were set, given the period.

    Parameters
    ----------
    packets : Packets
    period_s : float
    n_together : int
        Samples that get lost together; smaller losses are not looked for.
    is_reset : ndarray of bool, shape (n_packets,), or None
        Packets before which time breaks in any case.
    """
    late_s = packets.lateness_s(period_s)
    n_envelope = packets.n_envelope(period_s)
    jitter_s, tail_s = jitter_of(late_s, n_envelope)
    least_s = _OF_PERIOD * period_s * n_together
    tolerance_s = max(least_s, _level_tolerance_s(late_s, n_envelope, jitter_s))
    single_s = max(least_s, _OF_JITTER * jitter_s)
    whole_s = max(least_s, _OF_PERIOD * period_s * packets.n_together())
    search = _Search(packets, late_s, period_s, n_envelope, tolerance_s, single_s, tail_s, whole_s)
    is_held = np.zeros(len(late_s), dtype=bool)
    if is_reset is None:
        is_reset = np.zeros(len(late_s), dtype=bool)
    plain = search.find(is_held, np.flatnonzero(is_reset).tolist())
    hidden = [
        first + k
        for first, last in itertools.pairwise([*plain, len(late_s)])
        for k in _find_hidden(late_s[first:last], is_held[first:last], period_s * n_together, n_envelope)
    ]
    firsts = np.array(sorted([*plain, *hidden]), dtype=np.int64)
    return Breaks(firsts[_are_seen(firsts, late_s, least_s) | is_reset[firsts]], is_held, jitter_s)


def _are_seen(firsts: IntArray, late_s: FloatArray, least_s: float) -> BoolArray:
    """Whether breaks show in the steps themselves, where these hardly scatter, shape (n_segments,).

    A program that sends after sleeping never makes up for a late wake-up: its pace wanders, from one level to
    another, though no sample is missing. What falls is no loss, so falls tell the scatter.
    """
    steps_s = np.diff(late_s)
    if len(steps_s) < _MIN_STEPS:
        return np.ones(len(firsts), dtype=bool)
    scatter_s = -float(np.quantile(steps_s, _RARE))
    if scatter_s > _CALM * least_s:
        return np.ones(len(firsts), dtype=bool)
    large = np.append(0, np.cumsum(np.abs(steps_s) > least_s - scatter_s))
    at = firsts - 1
    n = len(steps_s)
    near = large[np.clip(at + 1 + _FEW, 0, n)] > large[np.clip(at - _FEW, 0, n)]
    seen: BoolArray = near | (firsts == 0)
    return seen


def _level_tolerance_s(late_s: FloatArray, n_envelope: int, jitter_s: float) -> float:
    """How far the lowest of neighbouring packets varies by jitter alone: little where jitter only delays.

    Losses only ever raise it, so what it falls from one block to the next is all jitter.
    """
    lowest_s = blocks_of(late_s, n_envelope).min(axis=1)
    steps_s = np.diff(lowest_s)
    falls_s = -steps_s[steps_s < 0]
    if len(falls_s) < max(8, 0.1 * len(steps_s)):
        return _OF_JITTER * jitter_s
    return min(_OF_JITTER * jitter_s, 2 * _PLAIN * float(np.median(falls_s)))


@dataclass(frozen=True)
class _Search:
    """Rises of the lower envelope from one packet to the next that no later packet undoes."""

    packets: Packets
    late_s: FloatArray
    period_s: float
    n_envelope: int
    tolerance_s: float
    # For packets by themselves, without the lowest of many around them.
    single_s: float
    # The latest that single packets are by jitter.
    tail_s: float
    # From so much on, a whole packet is lost.
    whole_s: float

    def find(self, is_held: BoolArray, known: list[int]) -> list[int]:
        """Packets before which time breaks, 0 and ``known`` included; marks in ``is_held`` what came in bursts."""
        resets = sorted({*self._find_resets(), *(k for k in known if k > 0)})
        steps_s = np.diff(self.late_s)
        breaks = [0]
        bounds = [*resets, len(self.late_s)]
        b = 0
        held_until, held_level_s = 0, 0.0
        level_before_s = -np.inf
        for k, step_s in self._suspects(steps_s):
            while bounds[b] <= k:
                if bounds[b] > breaks[-1]:
                    breaks.append(bounds[b])
                held_until = 0
                b += 1
            if k <= breaks[-1] or (step_s < self.tolerance_s and k - breaks[-1] < self.n_envelope // 2):
                continue
            begin = max(breaks[-1], k - self.n_envelope)
            before_s = float(self.late_s[begin:k].min())
            if k < held_until:
                before_s = min(before_s, held_level_s)
            highest_s = float(self.late_s[k : k + self.n_envelope].max())
            caught_up = self._caught_up(k, highest_s - before_s, bounds[b])
            after_s = float(self.late_s[k:caught_up].min())
            is_break = after_s - before_s > self._tolerance_of(bounds[b] - k)
            if is_break and after_s - before_s < self.whole_s:
                # Devices lose whole packets; less than one shows only between many.
                n_alike = int(np.count_nonzero(self.late_s[k : k + self.n_envelope] < after_s + self.whole_s))
                is_break = min(k - breaks[-1], n_alike) >= self.n_envelope // 2
            if (
                is_break
                and steps_s[k - 1] < self.tolerance_s
                and not self._is_sharp(k, before_s, after_s, breaks[-1], bounds[b])
            ):
                continue
            if is_break:
                k, after_s = self._past_late(k, before_s, after_s, caught_up)
            first = k
            n_between = k - breaks[-1]
            if is_break and before_s - level_before_s < self._tolerance_of(n_between) and n_between < self.n_envelope:
                # Those few since the last break were only late.
                before_s = level_before_s
                breaks.pop()
            if is_break and k >= held_until and k - begin > _FEW:
                # What is earlier than all that follow came before the loss; the loss shows best in the largest step.
                earliest = begin + int(np.flatnonzero(self.late_s[begin:k] < after_s)[-1]) + 1
                first = earliest + int(np.argmax(steps_s[earliest - 1 : k]))
            if is_break:
                breaks.append(first)
                level_before_s = before_s
                held_until = 0
            level_s = after_s if is_break else before_s
            back = self._back(k, level_s, caught_up)
            if back > k:
                is_held[k:back] = back - k > _FEW
                held_until, held_level_s = back, level_s
        breaks += [r for r in bounds[b:-1] if r > breaks[-1]]
        return breaks

    def _back(self, k: int, level_s: float, caught_up: int) -> int:
        """First packet from ``k`` that is no more held back, or ``k``: a burst is faster than the clock drifts."""
        is_back = self.late_s[k:caught_up] <= level_s + self.tolerance_s
        back = k + (int(np.argmax(is_back)) if is_back.any() else len(is_back))
        n_samples = int(self.packets.ends[min(back, len(self.late_s) - 1)] - self.packets.ends[k])
        return back if self.late_s[k] - level_s > n_samples * self.period_s / _BURST / 2 else k

    def _is_sharp(self, k: int, before_s: float, after_s: float, start: int, stop: int) -> bool:
        """Whether the envelope rises here more than around: elsewhere a sender slows down for a while."""
        n = self.n_envelope
        earlier = self.late_s[max(start, k - 2 * n) : max(start, k - n)]
        later = self.late_s[min(stop, k + n) : min(stop, k + 2 * n)]
        slope_s = max(0.0, before_s - float(earlier.min())) if len(earlier) else 0.0
        slope_s += max(0.0, float(later.min()) - float(self.late_s[k : k + n].min())) if len(later) else 0.0
        return after_s - before_s - slope_s > self.tolerance_s

    def _past_late(self, k: int, before_s: float, after_s: float, caught_up: int) -> tuple[int, float]:
        """Move a break past packets that were only late: all that follow them are later by a good part of the loss."""
        for _ in range(_FEW):
            if k + 1 >= caught_up or after_s - before_s > self.tail_s:
                break
            beyond_s = float(self.late_s[k + 1 : caught_up].min())
            if beyond_s - after_s <= _LATER * (beyond_s - before_s):
                break
            k, after_s = k + 1, beyond_s
        return k, after_s

    def _tolerance_of(self, n: int) -> float:
        """How much higher the lowest of ``n`` packets may lie by jitter alone: few may all be late."""
        if n >= self.n_envelope:
            return self.tolerance_s
        if n * self.period_s < 2 * self.packets.tick_s:
            # All within one tick of a coarse clock are late together.
            return max(self.tolerance_s, self.tail_s, self.packets.tick_s)
        return max(self.tolerance_s, self.tail_s / max(n, 1))

    def _caught_up(self, k: int, rise_s: float, stop: int) -> int:
        """Where a burst that makes up a stall is surely over."""
        n_burst = int(min(_LONGEST_STALL_S, _BURST * rise_s) / self.period_s)
        ends = self.packets.ends
        return min(stop, int(np.searchsorted(ends, ends[k] + n_burst)) + self.n_envelope)

    def _suspects(self, steps_s: FloatArray) -> Iterable[tuple[int, float]]:
        """Steps up after which the next packets all lie higher than the lowest of those before."""
        found = np.flatnonzero(steps_s > 0.5 * self.tolerance_s) + 1
        if len(found) > _MANY_SUSPECTS:
            half = self.n_envelope // 2
            around_s = minimum_filter1d(self.late_s, 2 * half + 1, mode="nearest")
            after_s = around_s[np.minimum(found + half, len(around_s) - 1)]
            before_s = around_s[np.maximum(found - 1 - half, 0)]
            # What lies beyond a loss soon looks like all the rest: one of the last few is still from before it.
            last_s = np.min([self.late_s[np.maximum(found - back, 0)] for back in range(1, _FEW + 1)], axis=0)
            is_rise = np.minimum(after_s - before_s, 2 * (after_s - last_s)) > 0.5 * self.tolerance_s
            # Near the end the running minimum looks back.
            found = found[is_rise | (found + half >= len(around_s))]
        return zip(found.tolist(), steps_s[found - 1].tolist(), strict=True)

    def _find_resets(self) -> list[int]:
        """Packets before which stamps were set back to before all that came lately, or by more than a second."""
        steps_s = np.diff(self.packets.stamps_s)
        resets: list[int] = []
        per_packet_s = self.period_s * (self.packets.ends[-1] + 1) / len(self.late_s)
        n_past = max(self.n_envelope, int(_PAST_S / per_packet_s))
        last = 0
        for k in (np.flatnonzero(steps_s < -self.single_s) + 1).tolist():
            before_s = np.median(self.late_s[max(last, k - self.n_envelope) : k])
            after_s = float(np.median(self.late_s[k : k + self.n_envelope]))
            lowest_s = float(self.late_s[max(last, k - n_past) : k].min())
            is_lower = after_s < lowest_s - self.single_s
            is_set = steps_s[k - 1] < -_SET_BACK_S and after_s < before_s - self.single_s
            if is_lower or is_set:
                resets.append(k)
                last = k
        return resets


def _find_hidden(late_s: FloatArray, is_held: BoolArray, period_s: float, n_block: int) -> list[int]:
    """Breaks smaller than the jitter, within a stretch without plain ones: the level of whole blocks steps up."""
    n_blocks = len(late_s) // n_block
    if n_blocks < 2 * _LEVEL_BLOCKS + 1:
        return []
    levels_s = np.median(blocks_of(late_s, n_block), axis=1)
    tolerance_s = max(0.75 * period_s, _PLAIN * _scatter_of_steps(levels_s))
    # The lowest of the next seconds: a stall longer than those has shown as a plain step.
    padded_s = np.append(levels_s, np.full(_STALL_BLOCKS, np.inf))
    ahead_s = np.lib.stride_tricks.sliding_window_view(padded_s, _STALL_BLOCKS)[1:].min(axis=1)
    # Only where the next blocks lie higher at all is a closer look worth its time.
    worth = np.flatnonzero(
        ahead_s[_LEVEL_BLOCKS : n_blocks - _LEVEL_BLOCKS] - levels_s[_LEVEL_BLOCKS - 1 : n_blocks - _LEVEL_BLOCKS - 1]
        > 0.25 * tolerance_s
    )
    found: list[int] = []
    first = 0
    for b in (worth + _LEVEL_BLOCKS).tolist():
        if b < first + (_LEVEL_BLOCKS if found else 0):
            continue
        before_s = float(np.median(levels_s[max(first, b - _LEVEL_BLOCKS) : b]))
        if ahead_s[b] - before_s > tolerance_s and _is_sharp(levels_s, b):
            k = _split(late_s, (b - 1) * n_block, (b + 2) * n_block)
            if not is_held[k]:
                found.append(k)
                first = b + 1
    return found


def _is_sharp(levels_s: FloatArray, b: int) -> bool:
    """Whether the levels around block ``b`` lie on two steps rather than on a slope, as when a sender slows down."""
    around_s = levels_s[b - _LEVEL_BLOCKS : b + _LEVEL_BLOCKS + 1]
    x = np.arange(len(around_s)) - 0.5 * (len(around_s) - 1)
    centred_s = around_s - around_s.mean()
    slope_left = float(np.sum(centred_s**2) - np.sum(x * centred_s) ** 2 / np.sum(x**2))
    # The block in which the step lies belongs to neither side.
    sides = [np.sum((s - s.mean()) ** 2) for s in (around_s[:_LEVEL_BLOCKS], around_s[_LEVEL_BLOCKS + 1 :])]
    return float(sum(sides)) < _SHARPER * slope_left


def _split(late_s: FloatArray, first: int, last: int) -> int:
    """Where a stretch falls best into two levels (least squares)."""
    part = late_s[first:last]
    part = np.clip(part, *np.quantile(part, [0.02, 0.98])) - np.mean(part)
    k = np.arange(1, len(part))
    gain = np.cumsum(part)[:-1] ** 2 / (k * (len(part) - k))
    return first + int(np.argmax(gain)) + 1


def _scatter_of_steps(levels: FloatArray) -> float:
    """Standard deviation of levels, from their steps and robustly; 0 from fewer than three."""
    if len(levels) < 3:
        return 0.0
    steps = np.diff(levels)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2))
