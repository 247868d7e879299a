"""How a device's samples arrive: one by one or in packets, with how much jitter, and at which rate."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray

# Steps of stamps count as alike within this share of a period.
_ALIKE = 0.02
# Within a packet nearly all steps are the same to this share of that.
_EXACT = 0.25
_INEXACT_SHARE = 0.2
# Clocks that count in coarse ticks: microcontrollers and older Windows (64 Hz), and files that keep milliseconds.
_TICKS_S = (1 / 64, 1e-2, 1e-3, 1e-4)
# Longer runs of alike steps are no packet: no device keeps its samples that long.
_LONGEST_PACKET_S = 1.0
# Samples that follow each other in less than this share of a period, so many at least, come in a burst.
_RUSH = 0.3
_MIN_RUSH = 8
_MOSTLY = 0.9
_ENVELOPE_S = 0.25
_MIN_ENVELOPE = 16
# Finer than any stamp.
_NOTHING_S = 1e-12
# Enough steps or blocks to know their distribution.
_MANY = 20_000
# Delays with a long tail differ more from block to block than their usual size tells.
_TAIL = 8.0
_LONGEST_TAIL = 5.0


@dataclass(frozen=True)
class Packets:
    """Packets by their last samples, which were sampled when the packet was sent.

    Parameters
    ----------
    ends : ndarray of int, shape (n_packets,)
        Index of every packet's last sample; every sample is one where stamps come one by one.
    stamps_s : ndarray, shape (n_packets,)
        Their stamps.
    tick_s : float
        Seconds in which the stamps were counted; 0 if they are finer than 0.1 ms.
    """

    ends: IntArray
    stamps_s: FloatArray
    tick_s: float

    @property
    def starts(self) -> IntArray:
        """Index of every packet's first sample."""
        return np.concatenate(([0], self.ends[:-1] + 1))

    def lateness_s(self, period_s: float) -> FloatArray:
        """Stamp minus index times period: flat where samples come at their rate, a step up where some are lost."""
        late_s: FloatArray = self.ends * -period_s
        late_s += self.stamps_s
        return late_s

    def between(self, first: int, last: int) -> "Packets":
        """Packets ``first`` to ``last`` (excluded), counted from the first of their samples."""
        begin = int(self.ends[first - 1]) + 1 if first else 0
        return Packets(self.ends[first:last] - begin, self.stamps_s[first:last], self.tick_s)

    def n_together(self) -> int:
        """Samples that get lost together: a packet's, where all are alike."""
        sizes = np.diff(self.ends)
        if not len(sizes):
            return 1
        usual = int(np.median(sizes))
        return usual if 2 * np.count_nonzero(sizes == usual) > len(sizes) else 1

    def n_envelope(self, period_s: float) -> int:
        """Packets in the quarter of a second (at least 16) of which one was surely not late."""
        per_packet_s = period_s * (self.ends[-1] + 1) / len(self.ends)
        return max(_MIN_ENVELOPE, round(float(_ENVELOPE_S / per_packet_s)))


def find_packets(stamps_s: FloatArray, nominal_s: float) -> Packets:
    """Group samples that share a stamp, or whose stamps were spread over the packet by a rule.

    Many devices stamp a packet once. Either way all steps within are alike, and only whole packets jitter or
    get lost.

    Parameters
    ----------
    stamps_s : ndarray, shape (n,)
        Finite; n at least 1.
    nominal_s : float
        Announced period.
    """
    n = len(stamps_s)
    if n < 8:
        return Packets(np.arange(n), stamps_s, 0.0)
    steps_s = np.diff(stamps_s)
    tick_s = _find_tick(steps_s)
    single = _join_bursts(stamps_s, steps_s, nominal_s, tick_s)
    usual_s = float(np.median(steps_s))
    unit_s = max(usual_s, nominal_s)
    # Rounding to ticks makes steps differ by one of them.
    alike_s = max(_ALIKE * unit_s, 1.05 * tick_s if tick_s < 0.5 * unit_s else 0.0)
    deviations_s = np.abs(steps_s - usual_s)
    is_boundary = deviations_s > alike_s
    n_boundaries = int(np.count_nonzero(is_boundary))
    if n_boundaries < 2 or 2 * n_boundaries > len(steps_s) or _are_losses(steps_s, is_boundary, usual_s):
        return single
    if not tick_s and np.mean(deviations_s[~is_boundary] > _EXACT * alike_s) > _INEXACT_SHARE:
        # Steps within a packet follow a rule; these only happen to be alike.
        return single
    ends = np.append(np.flatnonzero(is_boundary), n - 1)
    sizes = np.sort(np.diff(ends, prepend=-1))
    # Of the packet that holds the median sample: a burst among exact stamps makes many short runs, and no packets.
    usual = sizes[np.searchsorted(np.cumsum(sizes), n / 2)]
    if usual * nominal_s > _LONGEST_PACKET_S:
        return single
    return Packets(ends, stamps_s[ends], tick_s)


def _join_bursts(stamps_s: FloatArray, steps_s: FloatArray, nominal_s: float, tick_s: float) -> Packets:
    """Every sample by itself, but those that came in a rush: its last sample is the least late of them."""
    is_short = np.abs(steps_s) < _RUSH * nominal_s
    edges = np.flatnonzero(np.diff(is_short.astype(np.int8), prepend=0, append=0))
    starts, stops = edges[::2], edges[1::2]
    is_rush = stops - starts >= _MIN_RUSH
    is_end = np.ones(len(stamps_s), dtype=bool)
    if is_rush.any() and np.mean(is_short) < _MOSTLY:
        depth = np.zeros(len(stamps_s) + 1, dtype=np.int64)
        depth[starts[is_rush]] += 1
        depth[stops[is_rush]] -= 1
        is_end = np.cumsum(depth[:-1]) == 0
    ends = np.flatnonzero(is_end)
    return Packets(ends, stamps_s[ends], tick_s)


def _find_tick(steps_s: FloatArray) -> float:
    """Seconds in which the stamps were counted; 0 if they are finer than 0.1 ms."""
    some = steps_s[:_MANY]
    some = some[some != 0]
    if not len(some):
        return 0.0
    for tick_s in _TICKS_S:
        ticks = some / tick_s
        if float(np.quantile(np.abs(ticks - np.rint(ticks)), 0.9)) < 0.01:
            return tick_s
    return 0.0


def _are_losses(steps_s: FloatArray, is_boundary: BoolArray, usual_s: float) -> bool:
    """Whether the steps that differ are whole periods more: exact stamps with lost samples, and no packets."""
    if usual_s <= _NOTHING_S:
        return False
    periods = steps_s[is_boundary] / usual_s
    is_whole = (np.abs(periods - np.rint(periods)) < 0.1) & (periods > 1.5)
    return bool(np.mean(is_whole) > 0.9)


def jitter_of(late_s: FloatArray, n_block: int) -> tuple[float, float]:
    """How far late stamps stand out of a usual block, and how far the latest stamps do, in seconds.

    Measured by how much lateness falls within blocks, as losses only ever raise it. A fifth of the blocks is below
    the first number; stalls and bursts may fill the rest. The second is beyond the tail of delays that are
    distributed exponentially or normally.
    """
    blocks_s = blocks_of(late_s, n_block)
    blocks_s = blocks_s[:: 1 + len(blocks_s) // _MANY]
    falls_s = (np.maximum.accumulate(blocks_s, axis=1) - blocks_s).max(axis=1)
    usual_s, median_s = np.quantile(falls_s, [0.2, 0.5]).tolist()
    return usual_s, min(_LONGEST_TAIL * usual_s, usual_s + _TAIL * (median_s - usual_s))


def blocks_of(values: FloatArray, n_block: int) -> FloatArray:
    """Whole blocks, shape (n_blocks, n_block); all in one if there are fewer values than that."""
    n_blocks = len(values) // n_block
    return values[: n_blocks * n_block].reshape(n_blocks, n_block) if n_blocks else values[None, :]
