"""display_timing.json: how late light appears on this study's displays, as the display test measured it."""

from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError
from veridical.domain.event_timing import DisplayTiming
from veridical.storage.atomic import write_atomically


def read_display_timings(path: Path) -> tuple[DisplayTiming, ...]:
    """Read every test, oldest first; no file means none. StorageError if it is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[DisplayTiming, ...])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{path} is damaged ({error}); restore it or move it away and measure again.") from error


def add_display_timing(path: Path, timing: DisplayTiming) -> None:
    """Add a test (atomically; StorageError if that fails)."""
    known = read_display_timings(path)
    write_atomically(path, msgspec.json.format(msgspec.json.encode((*known, timing)), indent=2) + b"\n")
