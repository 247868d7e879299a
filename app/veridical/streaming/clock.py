"""The one clock: every stamp of the program is a reading of it."""

import pylsl


def local_clock() -> float:
    """Return LSL's local clock in seconds (monotonic, better than a millisecond)."""
    return float(pylsl.local_clock())
