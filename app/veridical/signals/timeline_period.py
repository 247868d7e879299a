"""The true period of a stream in which most may be missing, and the announced rate may be wrong."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.signals.timeline_breaks import find_breaks
from veridical.signals.timeline_packets import Packets

# A rate is wrong by so many times at most, or the stamps are nonsense and the announced rate is all there is.
_POSSIBLE_RATE = 100.0
# Devices' clocks and drivers' roundings stay within this of the announced rate.
_TRUSTED_RATE = 0.06
# In a radio's recording as little as a tenth of the stretches may be free of gaps and bursts.
_SHARE = 0.1
# Another rate than the announced one needs this share of stretches within 1 % of it.
_SHARE_OF_OTHER = 0.4
_OTHER_WIDTH = 0.01
_LONGEST_STRETCH_S = 60.0
_MANY = 20_000
# Candidates closer than this are one.
_SAME = 2e-3
_N_JUDGED = 10_000
# How many were lost, in nats: a small number.
_SIZE_COST = 1.5
# Jitter that beats with a radio's slots can look like another rate with many losses: such a rate must explain
# much more than the announced one.
_DOUBT = 1.0
_DOUBTED_RATE = 5e-3
_DOUBTED_SHARE = 2e-3
# Residuals count from the lowest of so many quarters of a second.
_PIECE = 4
# Less jitter than this share of a period tells nothing more.
_FINEST = 1e-3


def estimate_period(packets: Packets, nominal_s: float) -> float:
    """Find the period that explains the stamps with least jitter and fewest breaks.

    Candidates are the announced period, and those at which stretches of some length agree: gaps lengthen a
    stretch and bursts shorten it, by any amount, while those without agree. Each candidate is judged by the
    length of the description it gives: the jitter it leaves for every packet, and the breaks it needs.
    """
    candidates = _candidates(packets, nominal_s)
    if len(candidates) == 1:
        return candidates[0]
    n = len(packets.ends)
    first = max(0, (n - _N_JUDGED) // 2)
    some = packets.between(first, min(n, first + _N_JUDGED))
    lengths = [_description_length(some, period_s, nominal_s) for period_s in candidates]
    return candidates[int(np.argmin(lengths))]


def _description_length(packets: Packets, period_s: float, nominal_s: float) -> float:
    """Nats per packet that it takes to tell the jitter, where time breaks, and how many samples each break lost.

    A rate that is not the announced one costs more where it needs losses to explain the stamps.
    """
    unit_s = period_s * packets.n_together()
    breaks = find_breaks(packets, period_s, packets.n_together())
    late_s = packets.lateness_s(period_s)
    n = len(late_s)
    pieces = np.union1d(breaks.firsts, np.arange(0, n, _PIECE * packets.n_envelope(period_s)))
    lowest_s = np.minimum.reduceat(late_s, pieces)
    residual_s = late_s - np.repeat(lowest_s, np.diff(np.append(pieces, n)))
    # A loss is a whole number of samples: what its step deviates from one is jitter too.
    k = breaks.firsts[1:]
    steps_s = late_s[k] - late_s[k - 1]
    residual_s[k] = np.maximum(residual_s[k], np.abs(steps_s - unit_s * np.maximum(np.rint(steps_s / unit_s), 1)))
    free_s = residual_s[~breaks.is_held]
    jitter_s = max(float(np.mean(free_s)) if len(free_s) else unit_s, packets.tick_s, _FINEST * period_s)
    share = len(k) / n
    entropy = -share * np.log(share) - (1 - share) * np.log1p(-share) if share else 0.0
    is_doubted = abs(period_s / nominal_s - 1) > _DOUBTED_RATE and share > _DOUBTED_SHARE
    return float(np.log(jitter_s) + entropy + _SIZE_COST * share) + (_DOUBT if is_doubted else 0.0)


def _candidates(packets: Packets, nominal_s: float) -> list[float]:
    """Periods worth a try, the most exact one first; the announced one is always among them."""
    ends, stamps_s = packets.ends, packets.stamps_s
    found: list[tuple[float, float]] = []
    n_packets = 1
    while 2 * n_packets < len(ends):
        stride = 1 + (len(ends) - n_packets) // _MANY
        spans = (ends[n_packets:] - ends[:-n_packets])[::stride]
        ratios = np.sort((stamps_s[n_packets:] - stamps_s[:-n_packets])[::stride] / spans / nominal_s)
        span_s = float(np.median(spans)) * nominal_s
        need = max(2, int(_SHARE * len(ratios)))
        trusted = ratios[np.abs(ratios - 1) <= _TRUSTED_RATE]
        if len(trusted) >= need:
            found.append(_densest(trusted, need, packets.tick_s / span_s))
        possible = ratios[(ratios > 1 / _POSSIBLE_RATE) & (ratios < _POSSIBLE_RATE)]
        if len(possible) >= need:
            other = _densest(possible, need, packets.tick_s / span_s)
            if _share_around(possible, other[1], len(ratios)) > _SHARE_OF_OTHER:
                found.append(other)
        if span_s > _LONGEST_STRETCH_S:
            break
        n_packets *= 2
    kept: list[float] = []
    for _, ratio in [*sorted(found), (0.0, 1.0)]:
        if all(abs(ratio / other - 1) > _SAME for other in kept):
            kept.append(ratio)
    return [ratio * nominal_s for ratio in kept]


def _densest(ascending: FloatArray, n: int, finest: float) -> tuple[float, float]:
    """Width of the narrowest interval that holds ``n`` values, and the median of these."""
    widths = ascending[n - 1 :] - ascending[: len(ascending) - n + 1]
    best = int(np.argmin(widths))
    return max(float(widths[best]), finest), float(np.median(ascending[best : best + n]))


def _share_around(ascending: FloatArray, centre: float, n: int) -> float:
    first, last = np.searchsorted(ascending, [centre * (1 - _OTHER_WIDTH), centre * (1 + _OTHER_WIDTH)])
    return float(last - first) / n
