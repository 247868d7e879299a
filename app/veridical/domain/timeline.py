"""A stream's time: a piecewise-linear map from samples to seconds."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Bend:
    """Where a device's clock changes its pace within a segment.

    Parameters
    ----------
    place : float
        Samples from the segment's first.
    offset_s : float
        How much later that place is than on the straight line from the segment's start to its stop, in seconds.
    """

    place: float
    offset_s: float


@dataclass(frozen=True)
class Segment:
    """A run of samples without a gap.

    Parameters
    ----------
    first : int
        Index of its first sample.
    n : int
        Number of samples.
    start_s : float
        Time of its first sample, in seconds.
    period_s : float
        Seconds from one sample to the next, on average.
    bends : tuple of Bend
        In the order of their places, which lie between 0 and ``n``; none if the clock kept its pace.
    """

    first: int
    n: int
    start_s: float
    period_s: float
    bends: tuple[Bend, ...] = ()

    @property
    def stop_s(self) -> float:
        """Time just after its last sample."""
        return self.start_s + self.n * self.period_s

    def time_at(self, places: FloatArray) -> FloatArray:
        """Time of places counted in samples from the segment's first, in seconds."""
        times_s = self.start_s + self.period_s * np.asarray(places, dtype=np.float64)
        if self.bends:
            knots, offsets_s = self._knots
            times_s += np.interp(places, knots, offsets_s)
        return times_s

    def place_at(self, times_s: FloatArray) -> FloatArray:
        """Places, in samples from the segment's first, that belong to times; straight on beyond either end."""
        straight = (np.asarray(times_s, dtype=np.float64) - self.start_s) / self.period_s
        if not self.bends:
            return straight
        knots, offsets_s = self._knots
        at_s = self.start_s + self.period_s * knots + offsets_s
        is_inside = (straight > 0) & (straight < self.n)
        places: FloatArray = np.where(is_inside, np.interp(times_s, at_s, knots), straight)
        return places

    def straight_pieces(self) -> tuple["Segment", ...]:
        """Cut the segment at its bends; without one it is its only piece."""
        if not self.bends:
            return (self,)
        cuts = sorted({0, *(round(bend.place) for bend in self.bends), self.n})
        times_s = self.time_at(np.array(cuts, dtype=np.float64)).tolist()
        return tuple(
            Segment(self.first + a, b - a, start_s, (stop_s - start_s) / (b - a))
            for a, b, start_s, stop_s in zip(cuts, cuts[1:], times_s, times_s[1:], strict=False)
        )

    @cached_property
    def _knots(self) -> tuple[FloatArray, FloatArray]:
        """Places of both ends and of the bends, and their offsets from the straight line."""
        places = [0.0, *(bend.place for bend in self.bends), float(self.n)]
        return np.array(places), np.array([0.0, *(bend.offset_s for bend in self.bends), 0.0])


@dataclass(frozen=True)
class Timeline:
    """Segments in the order of their samples; lost samples, or a clock that was set, start a new one."""

    segments: tuple[Segment, ...]

    @property
    def n_samples(self) -> int:
        """Number of samples over all segments."""
        return sum(s.n for s in self.segments)

    @property
    def start_s(self) -> float:
        """Time of the first sample; 0 if there is none."""
        return self.segments[0].start_s if self.segments else 0.0

    @property
    def stop_s(self) -> float:
        """Time just after the last sample; 0 if there is none."""
        return self.segments[-1].stop_s if self.segments else 0.0

    @cached_property
    def sampling_hz(self) -> float:
        """True rate inside segments (median period, weighted by samples); 0 if unknown."""
        if not self.segments:
            return 0.0
        order = np.argsort(self._columns[3], kind="stable")
        seen = np.cumsum(self._columns[1][order])
        period_s = float(self._columns[3][order[np.searchsorted(seen, seen[-1] / 2)]])
        return 1 / period_s if period_s > 0 else 0.0

    def times(self) -> FloatArray:
        """Time of every sample, shape (n_samples,)."""
        if not self.segments:
            return np.empty(0)
        _, counts, starts_s, periods_s = self._columns
        begins = np.cumsum(counts) - counts
        times_s: FloatArray = np.arange(int(counts.sum()), dtype=np.float64)
        if len(counts) == 1:
            times_s *= periods_s[0]
            times_s += starts_s[0]
        else:
            times_s = np.repeat(starts_s, counts) + (times_s - np.repeat(begins, counts)) * np.repeat(periods_s, counts)
        for k, s in enumerate(self.segments):
            if s.bends:
                at = int(begins[k])
                times_s[at : at + s.n] = s.time_at(np.arange(s.n, dtype=np.float64))
        return times_s

    def locate(self, times_s: FloatArray) -> tuple[IntArray, FloatArray]:
        """Find the segment that holds each time, and the place in it.

        Parameters
        ----------
        times_s : ndarray, shape (n,)

        Returns
        -------
        segments : ndarray of int, shape (n,)
            -1 where no segment lies within half a period. Where segments overlap (a clock that was set
            back), the one that starts last.
        places : ndarray, shape (n,)
            Samples from that segment's first, -0.5 to n - 0.5; NaN where there is none.
        """
        times_s = np.asarray(times_s, dtype=np.float64)
        found = np.full(len(times_s), -1, dtype=np.int64)
        places = np.full(len(times_s), np.nan)
        if not self.segments:
            return found, places
        _, counts, starts_s, periods_s = self._columns
        order, begins_s, reach_s = self._by_time
        # From the last segment that has begun, back to the first that still reaches the time.
        rank = np.searchsorted(begins_s, times_s, side="right") - 1
        searched = np.flatnonzero((rank >= 0) & np.isfinite(times_s))
        while len(searched):
            which = order[rank[searched]]
            at = (times_s[searched] - starts_s[which]) / periods_s[which]
            hit = at <= counts[which] - 0.5
            found[searched[hit]] = which[hit]
            places[searched[hit]] = at[hit]
            rest = searched[~hit]
            rank[rest] -= 1
            searched = rest[(rank[rest] >= 0) & (reach_s[rank[rest]] >= times_s[rest])]
        for k in np.unique(found[found >= 0]).tolist():
            if self.segments[k].bends:
                mine = found == k
                places[mine] = self.segments[k].place_at(times_s[mine])
        return found, places

    def sample_at(self, times_s: FloatArray) -> IntArray:
        """Index of the nearest sample for each time, -1 where none lies within half a period.

        Parameters
        ----------
        times_s : ndarray, shape (n,)

        Returns
        -------
        ndarray of int, shape (n,)
        """
        segments, places = self.locate(times_s)
        if not self.segments:
            return segments
        firsts, counts, _, _ = self._columns
        nearest = np.clip(np.rint(np.nan_to_num(places)).astype(np.int64), 0, counts[segments] - 1)
        return np.where(segments >= 0, firsts[segments] + nearest, -1)

    def slice_within(self, start_s: float, stop_s: float) -> slice | None:
        """Samples of [start_s, stop_s) if one segment holds them all, else None."""
        if not self.segments:
            return None
        _, counts, starts_s, periods_s = self._columns
        stops_s = starts_s + counts * periods_s
        holds = np.flatnonzero((starts_s - periods_s <= start_s) & (stop_s <= stops_s + periods_s))
        if not len(holds):
            return None
        s = self.segments[int(holds[0])]
        first, last = np.ceil(s.place_at(np.array([start_s, stop_s])) - 1e-6).astype(int).tolist()
        return slice(s.first + max(0, first), s.first + min(s.n, last))

    def segments_between(self, start_s: float, stop_s: float) -> tuple[Segment, ...]:
        """Segments of which any part lies between two times, in the order of their samples."""
        if not self.segments:
            return ()
        _, counts, starts_s, periods_s = self._columns
        shown = np.flatnonzero((starts_s + counts * periods_s > start_s) & (starts_s < stop_s))
        return tuple(self.segments[k] for k in shown.tolist())

    @cached_property
    def _columns(self) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """First samples, counts, starts and periods of all segments."""
        return (
            np.array([s.first for s in self.segments], dtype=np.int64),
            np.array([s.n for s in self.segments], dtype=np.int64),
            np.array([s.start_s for s in self.segments], dtype=np.float64),
            np.array([s.period_s for s in self.segments], dtype=np.float64),
        )

    @cached_property
    def _by_time(self) -> tuple[IntArray, FloatArray, FloatArray]:
        """Segments in the order of their starts, when each begins, and how far it or one before it reaches."""
        _, counts, starts_s, periods_s = self._columns
        order = np.argsort(starts_s, kind="stable")
        begins_s = (starts_s - 0.5 * periods_s)[order]
        reach_s = np.maximum.accumulate((starts_s + (counts - 0.5) * periods_s)[order])
        return order, begins_s, reach_s
