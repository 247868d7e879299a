"""Which measurements of a stream's clock are good enough to be written."""

import statistics
from collections import deque

from veridical.streaming.inlet import ClockMeasurement

# Half a round trip bounds the error: below this nobody's analysis notices it.
_HARMLESS_S = 2e-3
# A probe that had to queue behind data, or that a stopped program answered late, travels many times as long.
_UNUSUAL = 3.0
_REMEMBERED = 9
# The library measures every 2 s and the file wants an offset every 5 s: time for one better measurement.
_PATIENCE_S = 2.5


class ClockGate:
    """Passes measurements on; one with an unusually long round trip waits whether a better one comes.

    Every measurement is passed at most once, and none is made up: while the library repeats its last
    result or has none, nothing passes.
    """

    def __init__(self) -> None:
        self.round_trips_s: list[float] = []
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._collected_s: float | None = None
        self._waiting: ClockMeasurement | None = None
        self._waits_since_s = 0.0

    def restart(self) -> None:
        """Forget what is usual: another outlet, perhaps another machine."""
        self._recent.clear()
        self._waiting = None

    def is_new(self, measured: ClockMeasurement) -> bool:
        """Whether this is another measurement than the last one that ``sift`` was given."""
        return measured.collected_s != self._collected_s

    def sift(self, measured: ClockMeasurement | None, now_s: float) -> ClockMeasurement | None:
        """Take the library's newest result and return what is to be written now, if anything."""
        if measured is not None and self.is_new(measured):
            self._collected_s = measured.collected_s
            if self._is_usual(measured.round_trip_s):
                return self._pass(measured)
            if self._waiting is None:
                self._waiting, self._waits_since_s = measured, now_s
            elif measured.round_trip_s < self._waiting.round_trip_s:
                self._waiting = measured
        if self._waiting is not None and now_s - self._waits_since_s >= _PATIENCE_S:
            return self._pass(self._waiting)
        return None

    def _is_usual(self, round_trip_s: float) -> bool:
        if not self._recent:
            return True
        return round_trip_s <= max(_HARMLESS_S, _UNUSUAL * statistics.median(self._recent))

    def _pass(self, measured: ClockMeasurement) -> ClockMeasurement:
        self._waiting = None
        self._recent.append(measured.round_trip_s)
        self.round_trips_s.append(measured.round_trip_s)
        return measured
