"""A trigger line without hardware: its level as an LSL stream, as an amplifier would record it."""

import threading

import numpy as np

from veridical.domain.stream import StreamDescription
from veridical.domain.trigger import TriggerChoice
from veridical.streaming.clock import local_clock
from veridical.streaming.outlet import NumericOutlet

LOOPBACK_NAME = "veridical-loopback"
_HZ = 1000.0
_CHUNK_S = 0.02


class Loopback:
    """Eight lines as one channel of 1000 Hz; a thread sends what they have been since its last turn."""

    def __init__(self, choice: TriggerChoice) -> None:
        stream = StreamDescription(
            LOOPBACK_NAME, "TTL", f"{LOOPBACK_NAME}-{choice.address}", "", "", 1, _HZ, "float32", ("TTL",), ("TTL",)
        )
        self._outlet = NumericOutlet(stream)
        self._changes: list[tuple[float, int]] = []
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)
        self._thread.start()

    def set(self, code: int) -> None:
        """Set the lines now."""
        with self._lock:
            self._changes.append((local_clock(), code))

    def close(self) -> None:
        """Withdraw the stream."""
        self._is_closed.set()
        self._thread.join(1.0)
        self._outlet.close()

    def _run(self) -> None:
        next_s, level = local_clock(), 0
        while not self._is_closed.wait(_CHUNK_S):
            with self._lock:
                changes, self._changes = self._changes, []
                n = int((local_clock() - next_s) * _HZ)
            stamps_s = next_s + np.arange(n) / _HZ
            values = np.full(n, float(level))
            for at_s, code in changes:
                values[np.searchsorted(stamps_s, at_s) :] = code
                level = code
            self._outlet.push(values[None], stamps_s)
            next_s += n / _HZ
