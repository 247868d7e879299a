"""What the onset of a picture rests on: the software's word, or something measured."""

from dataclasses import dataclass
from typing import Literal

TimingSource = Literal["software", "TTL", "photodiode", "display test"]

# A median below this is a display that does what it says; LCDs and drivers lag by one to three frames.
_GOOD_JITTER_S = 0.002


@dataclass(frozen=True)
class EventTiming:
    """Where onsets come from, and how far the markers were from them.

    Parameters
    ----------
    source : str
        ``TTL``: pulses that the amplifier recorded; ``photodiode``: light on the corner square; ``software``: the
        marker at the flip, and nothing measured; ``display test``: the marker, moved by the delay that a photodiode
        measured on this screen in another recording.
    n_pictures, n_matched : int
        Pictures shown, and those with a pulse or flash of their own.
    offset_s : float
        Median of measured onset minus marker; 0 if nothing was measured.
    jitter_s, worst_s : float
        Standard deviation of those differences, and the largest distance from their median.
    """

    source: TimingSource = "software"
    n_pictures: int = 0
    n_matched: int = 0
    offset_s: float = 0.0
    jitter_s: float = 0.0
    worst_s: float = 0.0

    @property
    def is_measured(self) -> bool:
        """Whether onsets rest on something measured in this recording."""
        return self.source in ("TTL", "photodiode")

    @property
    def is_steady(self) -> bool:
        """Whether the measured onsets follow the markers to 2 ms."""
        return self.is_measured and self.jitter_s <= _GOOD_JITTER_S

    @property
    def words(self) -> str:
        """For the timing report."""
        if self.source == "software":
            return "software timing only: evoked models rest on the software's word for when a picture appeared"
        if self.source == "display test":
            return (
                f"markers moved by the {1000 * self.offset_s:.1f} ms that the display test measured on this screen "
                f"(jitter {1000 * self.jitter_s:.1f} ms); nothing was measured in this recording"
            )
        missed = self.n_pictures - self.n_matched
        rest = f", {missed} without one keep their marker" if missed else ""
        return (
            f"onsets measured by {self.source} for {self.n_matched} of {self.n_pictures} pictures{rest}; "
            f"{1000 * self.offset_s:.1f} ms after the marker, jitter {1000 * self.jitter_s:.1f} ms, "
            f"worst {1000 * self.worst_s:.1f} ms"
        )


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
