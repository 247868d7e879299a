"""Rings while a disk keeps the recording waiting, from a thread that does not wait itself."""

import threading
import time
from collections.abc import Callable

from veridical.recorder.sink import Sink

_LOOK_S = 0.2
# A write that takes this long is no busy disk any more; an alarm is due within a second.
_STUCK_S = 0.6
# What was written is safe from a crash of the program, but not of the machine, until the disk confirms it.
_UNCONFIRMED_S = 5.0
# Who looks this late was standing still himself, and so was everything else (a machine that slept).
_OWN_STALL_S = 0.5
_TOLD_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


class DiskSupervisor:
    """Watches one sink.

    Parameters
    ----------
    sink : Sink
    ring : callable
        Called with words every 0.2 s for as long as the disk does not answer, from the supervisor's thread.
    """

    def __init__(self, sink: Sink, ring: Callable[[str], None]) -> None:
        self._sink = sink
        self._ring = ring
        self._stuck_s = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="disk-supervisor", daemon=True)
        self._thread.start()

    def take_stall(self) -> str:
        """Say once what a stall that is over has done; empty if there was none. From the recording thread."""
        if not self._stuck_s or self._sink.stuck_s or self._sink.sync_s > _UNCONFIRMED_S:
            return ""
        stuck_s, self._stuck_s = self._stuck_s, 0.0
        return f"the disk kept the recording waiting for {stuck_s:.1f} s; what came meanwhile was kept in memory"

    def close(self) -> None:
        """End the thread."""
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        looked_s = time.monotonic()
        while not self._is_over.wait(_LOOK_S):
            before_s, looked_s = looked_s, time.monotonic()
            if looked_s - before_s > _LOOK_S + _OWN_STALL_S:
                continue
            stuck_s, sync_s = self._sink.stuck_s, self._sink.sync_s
            if stuck_s > _STUCK_S:
                self._stuck_s = max(self._stuck_s, stuck_s)
                self._ring(
                    f"The disk of {self._sink.path} has not taken anything for {_told(stuck_s)} s; what the streams "
                    "send is kept in memory for half a minute at least: check the disk, its cable or its network."
                )
            elif sync_s > _UNCONFIRMED_S:
                self._stuck_s = max(self._stuck_s, sync_s)
                self._ring(
                    f"The disk of {self._sink.path} has not confirmed for {_told(sync_s)} s that the recording has "
                    "arrived: check the disk, its cable or its network."
                )


def _told(seconds: float) -> int:
    """Round down to a number that changes seldom: every change is a line on a terminal."""
    return max((told for told in _TOLD_S if told <= seconds), default=_TOLD_S[0])
