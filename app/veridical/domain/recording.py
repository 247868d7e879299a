"""A recording as analysis and the window see it: signals by role and events, on one time axis."""

from dataclasses import dataclass

from veridical.domain.arrays import FloatArray
from veridical.domain.event import Event
from veridical.domain.event_timing import EventTiming
from veridical.domain.stream import Role
from veridical.domain.timeline import Timeline


@dataclass(frozen=True)
class Signal:
    """The channels that play one role, at their native rate.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        SI units (V, S); float32 or float64, possibly memory-mapped. Never modify in place.
    timeline : Timeline
        Seconds from the recording's origin.
    """

    role: Role
    stream: str
    labels: tuple[str, ...]
    samples: FloatArray
    timeline: Timeline

    @property
    def sampling_hz(self) -> float:
        """True sampling rate in Hz."""
        return self.timeline.sampling_hz


@dataclass(frozen=True)
class Recording:
    """Everything of one run.

    Parameters
    ----------
    file : str
        Path of the raw file, for messages.
    sha256 : str
        Hash of the raw file.
    origin_s : float
        Raw (synchronised) time of the time axis' zero: the earliest stamp of a regular stream.
    defects : tuple of str
        Named defects found on reading.
    timing : EventTiming
        What the onsets of pictures rest on.
    """

    file: str
    sha256: str
    origin_s: float
    signals: tuple[Signal, ...]
    events: tuple[Event, ...]
    defects: tuple[str, ...] = ()
    timing: EventTiming = EventTiming()

    def find_signal(self, role: Role) -> Signal | None:
        """Return the first signal of a role, or None."""
        return next((s for s in self.signals if s.role == role), None)

    @property
    def stop_s(self) -> float:
        """End of the longest signal or last event, in seconds."""
        ends = [s.timeline.stop_s for s in self.signals] + [e.onset_s for e in self.events]
        return max(ends, default=0.0)
