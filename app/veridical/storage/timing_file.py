"""display_timing.json: how late light appears on this study's displays, as the display test measured it."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError
from veridical.storage.atomic import write_atomically


@dataclass(frozen=True)
class DisplayTiming:
    """One display test.

    Parameters
    ----------
    utc : str
        ISO 8601.
    screen : str
        In the presenter's words; sessions on the same screen take the offset.
    sensor : str
        Stream and channel that saw the light.
    offset_s, jitter_s, worst_s : float
        Median of light minus marker, standard deviation, and the largest distance from the median.
    recording : str
        File of the test, relative to the study.
    """

    utc: str
    screen: str
    sensor: str
    n_flashes: int
    n_seen: int
    offset_s: float
    jitter_s: float
    worst_s: float
    recording: str = ""

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"light came {1000 * self.offset_s:.1f} ms after the marker, jitter {1000 * self.jitter_s:.1f} ms, worst "
            f"{1000 * self.worst_s:.1f} ms ({self.n_seen} of {self.n_flashes} flashes seen by {self.sensor})"
        )


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
