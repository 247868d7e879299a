"""Whether a stream's data arrive, and at the announced rate: the light beside its name."""

import math
from collections import deque
from typing import NamedTuple

from veridical.domain.arrays import FloatArray
from veridical.ipc.messages import Light

SILENT_S = 2.0
RATE_TOLERANCE = 0.05
_WINDOW_S = 5.0
# Chunks of a few hundred milliseconds make a shorter span too coarse for 5 %.
_SHORTEST_WINDOW_S = 4.0
_SHORTEST_SAMPLES = 20


class Health(NamedTuple):
    """A light, and why: "no data for 3 s"."""

    light: Light
    words: str


class Vitals:
    """Counts what arrives from one stream; times are readings of the local clock, handed in.

    Parameters
    ----------
    nominal_hz : float
        Announced rate; 0 for an irregular stream, whose silence means nothing.
    started_s : float
        When we began to listen.
    """

    def __init__(self, nominal_hz: float, started_s: float) -> None:
        self.n_samples = 0
        self._nominal_hz = nominal_hz
        self._heard_s = started_s
        # The window's chunks by their newest stamp: stamps tell a lost packet from a late one.
        self._chunks: deque[tuple[float, float, int]] = deque()

    def restart(self, now_s: float) -> None:
        """Begin to listen anew (the stream came back)."""
        self._heard_s = now_s
        self._chunks.clear()

    def count(self, stamps_s: FloatArray, now_s: float) -> None:
        """Take note of a chunk that arrived."""
        self.n_samples += len(stamps_s)
        self._heard_s = now_s
        self._chunks.append((now_s, float(stamps_s[-1]), len(stamps_s)))
        while self._chunks[0][0] < now_s - _WINDOW_S:
            self._chunks.popleft()

    def silent_s(self, now_s: float) -> float:
        """Seconds since data arrived, or since we began to listen."""
        return now_s - self._heard_s

    def rate_hz(self) -> float | None:
        """Rate by the stamps of the last seconds; None if that is too little to tell."""
        if len(self._chunks) < 2:
            return None
        (_, first_s, n_first), (_, last_s, _) = self._chunks[0], self._chunks[-1]
        n = sum(chunk[2] for chunk in self._chunks) - n_first
        span_s = last_s - first_s
        if not math.isfinite(span_s) or span_s < _SHORTEST_WINDOW_S or n < _SHORTEST_SAMPLES:
            return None
        return n / span_s

    def judge(self, now_s: float) -> Health:
        """Sum up."""
        if self._nominal_hz <= 0:
            return Health("good", f"{self.n_samples} received")
        silent_s = self.silent_s(now_s)
        if silent_s > SILENT_S:
            return Health("fail", f"no data for {silent_s:.0f} s")
        if self.n_samples == 0:
            return Health("unknown", "waiting for the first data")
        rate_hz = self.rate_hz()
        if rate_hz is not None and abs(rate_hz / self._nominal_hz - 1) > RATE_TOLERANCE:
            return Health("caution", f"{rate_hz:.1f} Hz instead of {self._nominal_hz:g} Hz")
        return Health("good", f"{self._nominal_hz:g} Hz")
