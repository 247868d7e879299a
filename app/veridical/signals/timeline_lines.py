"""Lines through the stamps of segments: a common period, levels of short ones, bends in long ones."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solveh_banded

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.signals.timeline_breaks import Breaks
from veridical.signals.timeline_packets import Packets

# A block's median is a level that single late packets do not move.
_BLOCK_S = 1.0
_BLOCK_PACKETS = 32
# Segments of fewer blocks share the stream's period.
_MIN_BLOCKS = 4
_MIN_PIECE = 2
# Shorter ones have a pace of their own only if it shows: from so many packets on, in so many blocks at most.
_FEWEST_PACKETS = 48
_SHORT_BLOCK = 12
_MOST_BLOCKS = 8
_STRANGEST_PACE = 0.25
# A line bends where levels are off by more than so many of their standard deviations, or this share of the jitter.
_SIGNIFICANT = 5.0
_OF_JITTER = 0.1
_OF_PERIOD = 0.5
# Rounding of doubles and of clock offsets.
_FINEST_S = 2e-6
_USUAL = 2.0
_PLAUSIBLE_CHANGE = 2.0
# Losses of up to so many packets can be counted while the period is known to 0.1 %; whole ones are this near to it.
_LONGEST_LINK = 200
_WHOLE = 0.25
_MOSTLY = 0.9


@dataclass(frozen=True)
class Blocks:
    """Levels along one segment.

    Parameters
    ----------
    segment : int
    at : ndarray, shape (n_blocks,)
        Sample index of each block's middle.
    levels_s : ndarray, shape (n_blocks,)
        Median lateness.
    """

    segment: int
    at: FloatArray
    levels_s: FloatArray


@dataclass(frozen=True)
class Line:
    """Lateness along a segment: straight between knots.

    Parameters
    ----------
    knots : ndarray, shape (n_knots,)
        Sample indices; the first is the segment's first sample, the last the one after it.
    late_s : ndarray, shape (n_knots,)
    """

    knots: FloatArray
    late_s: FloatArray


def common_period(packets: Packets, breaks: Breaks, period_s: float) -> float:
    """Refine the period that most of the segments share, seconds."""
    packets, breaks = _link(packets, breaks, period_s)
    late_s = packets.lateness_s(period_s)
    slopes: list[FloatArray] = []
    for blocks in level_blocks(packets, breaks, late_s, period_s):
        lag = len(blocks.at) // 2
        slopes.append((blocks.levels_s[lag:] - blocks.levels_s[:-lag]) / (blocks.at[lag:] - blocks.at[:-lag]))
    if sum(len(s) for s in slopes) >= _MIN_BLOCKS:
        # Long segments have many slopes, over long spans; short ones have few and bad ones.
        weights = np.concatenate([np.full(len(s), float(len(s)) ** 2) for s in slopes])
        refined_s = period_s + _weighted_median(np.concatenate(slopes), weights)
    else:
        refined_s = period_s + _slope_of_short(packets, breaks, late_s, period_s)
    return refined_s if 1 / _PLAUSIBLE_CHANGE < refined_s / period_s < _PLAUSIBLE_CHANGE else period_s


def _link(packets: Packets, breaks: Breaks, period_s: float) -> tuple[Packets, Breaks]:
    """Count lost samples in, where losses are short and show to be whole packets: the device's clock ran on.

    Segments of a few packets tell little about the period; many of them in one line tell a lot.
    """
    n_together = packets.n_together()
    unit_s = period_s * n_together
    levels_s = segment_levels(breaks, packets.lateness_s(period_s), period_s)
    lost = np.diff(levels_s) / unit_s
    whole = np.rint(lost)
    is_short = (whole >= 1) & (whole <= _LONGEST_LINK)
    if not is_short.any() or np.mean(np.abs(lost - whole)[is_short] < _WHOLE) < _MOSTLY:
        return packets, breaks
    counts = np.diff(np.append(breaks.firsts, len(packets.ends)))
    missing = np.append(0, np.cumsum(np.where(is_short, whole * n_together, 0).astype(np.int64)))
    linked = Packets(packets.ends + np.repeat(missing, counts), packets.stamps_s, packets.tick_s)
    return linked, replace(breaks, firsts=breaks.firsts[np.append(True, ~is_short)])


def level_blocks(packets: Packets, breaks: Breaks, late_s: FloatArray, period_s: float) -> list[Blocks]:
    """Cut the segments that are long enough into blocks; those mostly held back are left out."""
    n = len(late_s)
    per_packet_s = period_s * (packets.ends[-1] + 1) / n
    n_block = max(_BLOCK_PACKETS, round(_BLOCK_S / per_packet_s))
    bounds = np.append(breaks.firsts, n)
    found: list[Blocks] = []
    for k in np.flatnonzero(np.diff(bounds) >= _MIN_BLOCKS * n_block).tolist():
        first, n_blocks = int(bounds[k]), int(bounds[k + 1] - bounds[k]) // n_block
        part = slice(first, first + n_blocks * n_block)
        levels_s = np.median(late_s[part].reshape(n_blocks, n_block), axis=1)
        at = packets.ends[part].reshape(n_blocks, n_block).mean(axis=1)
        is_free = breaks.is_held[part].reshape(n_blocks, n_block).mean(axis=1) < 0.1
        if np.count_nonzero(is_free) >= _MIN_BLOCKS:
            found.append(Blocks(k, at[is_free], levels_s[is_free]))
    return found


def uneven_blocks(packets: Packets, breaks: Breaks, late_s: FloatArray, period_s: float) -> list[Blocks]:
    """Cut those of the shorter segments into blocks that plainly go at a pace of their own.

    Both the earliest and the usual packets of a third lie apart from those of another third: no delay does that,
    but a program does that sends after sleeping.
    """
    n = len(late_s)
    per_packet_s = period_s * (packets.ends[-1] + 1) / n
    n_long = _MIN_BLOCKS * max(_BLOCK_PACKETS, round(_BLOCK_S / per_packet_s))
    usual_s = usual_lateness_s(breaks, period_s)
    bounds = np.append(breaks.firsts, n)
    counts = np.diff(bounds)
    found: list[Blocks] = []
    for k in np.flatnonzero((counts >= _FEWEST_PACKETS) & (counts < n_long)).tolist():
        first, count = int(bounds[k]), int(counts[k])
        if breaks.is_held[first : first + count].any():
            continue
        thirds = late_s[first : first + count - count % 3].reshape(3, -1)
        apart_s = np.minimum(np.ptp(thirds.min(axis=1)), np.ptp(np.median(thirds, axis=1)))
        if apart_s <= usual_s:
            continue
        n_block = max(_SHORT_BLOCK, count // _MOST_BLOCKS)
        n_blocks = count // n_block
        part = slice(first, first + n_blocks * n_block)
        levels_s = np.median(late_s[part].reshape(n_blocks, n_block), axis=1)
        at = packets.ends[part].reshape(n_blocks, n_block).mean(axis=1)
        # Chunks in the wrong order, or a clock that was set, are no pace.
        if (np.abs(np.diff(levels_s)) < _STRANGEST_PACE * period_s * np.diff(at)).all():
            found.append(Blocks(k, at, levels_s))
    return found


def segment_levels(breaks: Breaks, late_s: FloatArray, period_s: float) -> FloatArray:
    """Mean lateness of every segment's packets that are neither late nor held back, shape (n_segments,)."""
    weight = _usual(breaks, late_s, period_s)
    total = np.add.reduceat(weight, breaks.firsts)
    levels_s: FloatArray = np.add.reduceat(weight * late_s, breaks.firsts) / total
    return levels_s


def bend_tolerance_s(blocks: list[Blocks], jitter_s: float, period_s: float) -> float:
    """How far levels may lie from a straight line: their own noise, and a share of the jitter.

    The noise comes from second differences, in which drift and single steps hardly count.
    """
    bends = [np.diff(b.levels_s, 2) for b in blocks]
    noise_s = 0.0
    if sum(len(b) for b in bends):
        noise_s = float(1.4826 * np.median(np.abs(np.concatenate(bends))) / np.sqrt(6))
    # What looks like noise of the levels may be a pace that wanders: a line follows it up to the jitter.
    noise_s = min(_SIGNIFICANT * noise_s, max(jitter_s, _OF_PERIOD * period_s))
    return max(noise_s, _OF_JITTER * jitter_s, _FINEST_S)


def fit_line(blocks: Blocks, first: int, stop: int, tolerance_s: float) -> Line:
    """Fit a line through levels that bends where, and only where, it would be off by more than ``tolerance_s``."""
    at, levels_s = blocks.at, blocks.levels_s
    splits: list[int] = []
    stack = [(0, len(at))]
    while stack:
        a, b = stack.pop()
        if b - a < 2 * _MIN_PIECE + 1 or _worst(at[a:b], levels_s[a:b]) <= tolerance_s:
            continue
        middle = a + _MIN_PIECE + int(np.argmax(_off_chord(at[a:b], levels_s[a:b])[_MIN_PIECE:-_MIN_PIECE]))
        splits.append(middle)
        stack += [(a, middle + 1), (middle, b)]
    knots = np.array([first, *at[sorted(splits)].tolist(), stop], dtype=np.float64)
    return Line(knots, _fit_hats(at, levels_s, knots))


def centred(line: Line, packets: Packets, late_s: FloatArray, usual_s: float, part: slice, is_held: BoolArray) -> Line:
    """Move a line from the median to the mean of those packets that are neither late nor held back."""
    residual_s = late_s[part] - np.interp(packets.ends[part], line.knots, line.late_s)
    is_usual = (np.abs(residual_s) <= usual_s) & ~is_held[part]
    if not is_usual.any():
        return line
    return Line(line.knots, line.late_s + float(np.mean(residual_s[is_usual])))


def usual_lateness_s(breaks: Breaks, period_s: float) -> float:
    """How late a packet may be without being called late."""
    return max(_USUAL * breaks.jitter_s, 0.05 * period_s)


def _usual(breaks: Breaks, late_s: FloatArray, period_s: float) -> FloatArray:
    """1 for packets that are neither late nor held back, 0 for the others, and 1 if a segment has no other."""
    counts = np.diff(np.append(breaks.firsts, len(late_s)))
    free_s = np.where(breaks.is_held, np.inf, late_s)
    lowest_s = np.minimum.reduceat(free_s, breaks.firsts)
    has_none = ~np.isfinite(lowest_s)
    if has_none.any():
        lowest_s = np.where(has_none, np.minimum.reduceat(late_s, breaks.firsts), lowest_s)
        free_s = np.where(np.repeat(has_none, counts), late_s, free_s)
    weight: FloatArray = (free_s <= np.repeat(lowest_s + usual_lateness_s(breaks, period_s), counts)).astype(np.float64)
    return weight


def _slope_of_short(packets: Packets, breaks: Breaks, late_s: FloatArray, period_s: float) -> float:
    """Median of all segments' slopes by least squares, weighted by how well each is known; seconds per sample.

    A mean would be bent by those in which a loss is hidden by the jitter.
    """
    counts = np.diff(np.append(breaks.firsts, len(late_s)))
    weight = _usual(breaks, late_s, period_s)
    index = packets.ends.astype(np.float64)
    total = np.add.reduceat(weight, breaks.firsts)
    index -= np.repeat(np.add.reduceat(weight * index, breaks.firsts) / total, counts)
    spread = np.add.reduceat(weight * index**2, breaks.firsts)
    slopes = np.add.reduceat(weight * index * late_s, breaks.firsts)
    is_known = (counts > 2) & (spread > 0)
    return _weighted_median(slopes[is_known] / spread[is_known], spread[is_known]) if is_known.any() else 0.0


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values)
    seen = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(seen, seen[-1] / 2)]])


def _worst(at: FloatArray, levels_s: FloatArray) -> float:
    """Largest distance from the straight line of least squares."""
    x = at - at.mean()
    y = levels_s - levels_s.mean()
    return float(np.max(np.abs(y - x * (float(x @ y) / float(x @ x)))))


def _off_chord(at: FloatArray, levels_s: FloatArray) -> FloatArray:
    """Distance from the straight line between both ends, each of them a mean of two levels."""
    slope = (levels_s[-2:].mean() - levels_s[:2].mean()) / (at[-2:].mean() - at[:2].mean())
    off: FloatArray = np.abs(levels_s - levels_s[:2].mean() - slope * (at - at[:2].mean()))
    return off


def _fit_hats(at: FloatArray, levels_s: FloatArray, knots: FloatArray) -> FloatArray:
    """Values at the knots of the continuous, piecewise straight line of least squares."""
    piece: IntArray = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    share = (at - knots[piece]) / (knots[piece + 1] - knots[piece])
    n = len(knots)
    bands = np.zeros((2, n))
    bands[1] = np.bincount(piece, (1 - share) ** 2, n) + np.bincount(piece + 1, share**2, n)
    bands[0, 1:] = np.bincount(piece, share * (1 - share), n)[:-1]
    # Small numbers keep the sums exact.
    origin_s = float(levels_s[0])
    wanted = np.bincount(piece, (1 - share) * (levels_s - origin_s), n)
    wanted += np.bincount(piece + 1, share * (levels_s - origin_s), n)
    values: FloatArray = solveh_banded(bands, wanted) + origin_s
    return values
