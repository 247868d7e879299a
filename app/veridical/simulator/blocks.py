"""Samples cut into any chunks from blocks of one size."""

from typing import Protocol

import numpy as np

from veridical.domain.arrays import FloatArray

# Short enough that a marker is heard before its answer is made, long enough to be cheap.
BLOCK_S = 0.032


class Organ(Protocol):
    """Makes blocks of samples, one after the other."""

    n_channels: int

    def block(self, times_s: FloatArray) -> FloatArray:
        """Return samples at the next times (seconds from the first), shape (n_times, n_channels)."""


class Blocks:
    """Hands out an organ's samples in chunks of any size.

    The organ always sees the same blocks, so neither random numbers nor the last bit of a matrix
    product depend on how time is cut.
    """

    def __init__(self, organ: Organ, sampling_hz: float) -> None:
        self._organ = organ
        self._sampling_hz = sampling_hz
        self._size = max(1, round(BLOCK_S * sampling_hz))
        self._n_made = 0
        self._rest = np.empty((0, organ.n_channels), dtype=np.float32)

    def take(self, n_times: int) -> FloatArray:
        """Return the next samples as float32, shape (n_channels, n_times)."""
        parts, n = [self._rest], len(self._rest)
        while n < n_times:
            times_s = (self._n_made + np.arange(self._size)) / self._sampling_hz
            parts.append(self._organ.block(times_s).astype(np.float32))
            self._n_made += self._size
            n += self._size
        whole = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self._rest = whole[n_times:]
        return np.ascontiguousarray(whole[:n_times].T)
