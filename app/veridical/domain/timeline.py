"""A stream's time: a piecewise-linear map from samples to seconds."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray


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
        Seconds from one sample to the next.
    """

    first: int
    n: int
    start_s: float
    period_s: float

    @property
    def stop_s(self) -> float:
        """Time just after its last sample."""
        return self.start_s + self.n * self.period_s


@dataclass(frozen=True)
class Timeline:
    """Segments in the order of their samples; a dropped packet starts a new one."""

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

    @property
    def sampling_hz(self) -> float:
        """True rate inside segments (median period, weighted by samples); 0 if unknown."""
        if not self.segments:
            return 0.0
        order = sorted(self.segments, key=lambda s: s.period_s)
        half, seen = self.n_samples / 2, 0
        for segment in order:
            seen += segment.n
            if seen >= half:
                return 1 / segment.period_s if segment.period_s > 0 else 0.0
        return 0.0

    def times(self) -> FloatArray:
        """Time of every sample, shape (n_samples,)."""
        parts = [s.start_s + s.period_s * np.arange(s.n) for s in self.segments]
        return np.concatenate(parts) if parts else np.empty(0)

    def sample_at(self, times_s: FloatArray) -> IntArray:
        """Index of the nearest sample for each time, -1 where none lies within one period.

        Parameters
        ----------
        times_s : ndarray, shape (n,)

        Returns
        -------
        ndarray of int, shape (n,)
        """
        found = np.full(len(times_s), -1, dtype=np.int64)
        for s in self.segments:
            k = np.rint((times_s - s.start_s) / s.period_s).astype(np.int64)
            inside = (k >= 0) & (k < s.n)
            found[inside] = s.first + k[inside]
        return found

    def slice_within(self, start_s: float, stop_s: float) -> slice | None:
        """Samples of [start_s, stop_s) if one segment holds them all, else None."""
        for s in self.segments:
            if s.start_s - s.period_s <= start_s and stop_s <= s.stop_s + s.period_s:
                first = max(0, int(np.ceil((start_s - s.start_s) / s.period_s - 1e-6)))
                last = min(s.n, int(np.ceil((stop_s - s.start_s) / s.period_s - 1e-6)))
                return slice(s.first + first, s.first + last)
        return None
