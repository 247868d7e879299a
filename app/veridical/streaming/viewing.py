"""The newest seconds of one stream, for eyes and live models: never the recording."""

import math
import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StreamError
from veridical.domain.stream import StreamDescription
from veridical.streaming.clock import local_clock
from veridical.streaming.inlet import ClockMeasurement, RawChunk, RawInlet, SampleArray, find_inlet
from veridical.streaming.vitals import Health, Vitals

_BUFFERED_S = 10
_FIND_TIMEOUT_S = 2.0
_PULL_S = 0.2
# Irregular streams keep their newest markers by count and age.
_MAX_MARKERS = 1000
# Stamps of one packet and the next scatter by what the network takes; a longer step is time of which nothing came.
_LOST_S, _LOST_PERIODS = 0.25, 5.0


@dataclass(frozen=True)
class Snapshot:
    """The newest seconds of a numeric stream.

    Parameters
    ----------
    samples : ndarray of float64, shape (n_channels, n_times)
        In the stream's own units, oldest first; NaN where nothing has arrived yet, or was lost.
    stop_s : float
        Stamp of the newest sample on this machine's LSL clock; NaN before the first.
    n_received : int
        Samples received since the inlet opened.
    """

    samples: FloatArray
    stop_s: float
    n_received: int


@dataclass(frozen=True)
class Fresh:
    """What a numeric stream has brought since the last look.

    Parameters
    ----------
    samples : ndarray of float64, shape (n_channels, n_new)
        In the stream's own units, oldest first; columns of NaN stand for time of which nothing arrived.
    stop_s : float
        As in ``Snapshot``.
    place : int
        Where to go on from at the next look.
    """

    samples: FloatArray
    stop_s: float
    place: int


class ViewingInlet:
    """One thread that fills a ring buffer from one stream; every reading call returns at once.

    It finds its stream by uid, so that it can be made from a description alone, and finds it again
    if the connection breaks.
    """

    def __init__(self, stream: StreamDescription, seconds: float = 10.0) -> None:
        self.stream = stream
        self._seconds = seconds
        n_times = max(1, round(seconds * stream.nominal_hz)) if stream.is_regular else 0
        self._ring = np.full((0 if stream.format == "string" else stream.n_channels, n_times), np.nan)
        self._next = 0
        self._n_written = 0
        self._last_sent_s = float("nan")
        self._last_heard_s = local_clock()
        self._stop_s = float("nan")
        self._offset_s = 0.0
        self._clock: ClockMeasurement | None = None
        self._markers: deque[tuple[float, str]] = deque(maxlen=_MAX_MARKERS)
        self._vitals = Vitals(stream.nominal_hz, local_clock())
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"viewing-{stream.name}", daemon=True)
        self._thread.start()

    def snapshot(self) -> Snapshot:
        """Copy the newest seconds of a regular numeric stream."""
        with self._lock:
            samples = np.concatenate((self._ring[:, self._next :], self._ring[:, : self._next]), axis=1)
            return Snapshot(samples, self._stop_s, self._vitals.n_samples)

    def since(self, place: int) -> Fresh:
        """Copy only what is newer than an earlier look; 0 asks for everything that is still held."""
        with self._lock:
            n_times = self._ring.shape[1]
            n_new = min(self._n_written - place, n_times)
            places = (self._next - n_new + np.arange(n_new)) % max(1, n_times)
            return Fresh(self._ring[:, places], self._stop_s, self._n_written)

    def markers(self) -> tuple[tuple[float, str], ...]:
        """(LSL time on this machine, text) of an irregular stream's newest seconds, oldest first."""
        with self._lock:
            since = local_clock() - self._seconds
            return tuple(marker for marker in self._markers if marker[0] >= since)

    def health(self) -> Health:
        """Whether data arrive at the announced rate."""
        with self._lock:
            return self._vitals.judge(local_clock())

    def rate_hz(self) -> float | None:
        """Rate at which samples arrive, by their stamps; None as long as that is too little to tell."""
        with self._lock:
            return self._vitals.rate_hz()

    def clock(self) -> ClockMeasurement | None:
        """The newest measurement of the stream's clock; None before the first."""
        with self._lock:
            return self._clock

    def close(self) -> None:
        """Stop the thread and disconnect."""
        self._is_closed.set()
        self._thread.join(_FIND_TIMEOUT_S + 1.0)

    def _run(self) -> None:
        while not self._is_closed.is_set():
            try:
                inlet = find_inlet(self.stream.uid, _FIND_TIMEOUT_S, _BUFFERED_S)
            except StreamError:
                self._is_closed.wait(_PULL_S)
                continue
            try:
                inlet.open(_FIND_TIMEOUT_S)
                self._follow(inlet)
            except StreamError:
                self._is_closed.wait(_PULL_S)
            finally:
                inlet.close()

    def _follow(self, inlet: RawInlet) -> None:
        next_clock_s = 0.0
        while not self._is_closed.is_set():
            chunk = inlet.pull(_PULL_S)
            if len(chunk) == 0:
                continue
            now = local_clock()
            if now >= next_clock_s:
                measured = inlet.measure_clock(0.0)
                if measured is not None:
                    with self._lock:
                        self._offset_s, self._clock = measured.offset_s, measured
                next_clock_s = now + (5.0 if measured is not None else 1.0)
            with self._lock:
                self._take(chunk, now)

    def _take(self, chunk: RawChunk, now: float) -> None:
        self._vitals.count(chunk.stamps_s, now)
        stamps_s = chunk.stamps_s + self._offset_s
        self._stop_s = float(stamps_s[-1])
        if not self.stream.is_regular:
            for stamp_s, value in zip(stamps_s.tolist(), chunk.samples[0], strict=True):
                text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                self._markers.append((stamp_s, text))
            return
        if self.stream.format == "string":
            return
        # Lost time is kept as time: what came before must not move up to what comes after.
        period_s = 1 / self.stream.nominal_hz
        # As sent: a newly measured clock offset is no gap.
        before_s, heard_s = self._last_sent_s, self._last_heard_s
        self._last_sent_s, self._last_heard_s = float(chunk.stamps_s[-1]), now
        steps_s = np.diff(chunk.stamps_s, prepend=before_s if math.isfinite(before_s) else chunk.stamps_s[0])
        # A device that starts its clock anew was away for as long as nothing came.
        steps_s = np.minimum(steps_s, now - heard_s + 1.0)
        first = 0
        for k in np.flatnonzero(steps_s > max(_LOST_S, _LOST_PERIODS * period_s)).tolist():
            self._write(chunk.samples[:, first:k])
            n_lost = min(round(steps_s[k] / period_s) - 1, self._ring.shape[1])
            self._write(np.full((self._ring.shape[0], n_lost), np.nan))
            first = k
        self._write(chunk.samples[:, first:])

    def _write(self, samples: SampleArray) -> None:
        n_times = self._ring.shape[1]
        newest = samples[:, -n_times:]
        self._n_written += samples.shape[1]
        places = (self._next + np.arange(newest.shape[1])) % n_times
        self._ring[:, places] = newest
        self._next = int((self._next + newest.shape[1]) % n_times)
