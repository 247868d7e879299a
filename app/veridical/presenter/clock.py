"""Time as the presenter uses it; tests put a stepped clock in its place."""

import time
from typing import Protocol

from veridical.streaming.clock import local_clock


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> float:
        """Seconds on the LSL clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass (blocks)."""
        ...


class LslClock:
    """The computer's LSL clock."""

    def now(self) -> float:
        """Seconds on the LSL clock."""
        return float(local_clock())

    def sleep(self, seconds: float) -> None:
        """Sleep; does nothing for a time that has passed already."""
        if seconds > 0:
            time.sleep(seconds)
