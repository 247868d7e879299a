"""A recording to look at: nothing is read before it is on screen."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.event import Event
from veridical.domain.event_timing import EventTiming
from veridical.domain.recording import Recording, Signal
from veridical.domain.stream import Role
from veridical.domain.timeline import Timeline


class SampleSource(Protocol):
    """Samples of a role's channels, a stretch at a time."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of channels and of samples."""
        ...

    def read(self, first: int, stop: int) -> FloatArray:
        """Copy samples ``first`` to ``stop`` (excluded) of all channels: float32, SI units, any memory order.

        May be called from several threads.
        """
        ...


@dataclass(frozen=True, eq=False)
class HeldSamples:
    """Samples that are in memory already."""

    samples: FloatArray

    @property
    def shape(self) -> tuple[int, int]:
        """Number of channels and of samples."""
        n_channels, n_times = self.samples.shape
        return n_channels, n_times

    def read(self, first: int, stop: int) -> FloatArray:
        """Copy a stretch."""
        return np.array(self.samples[:, first:stop], dtype=np.float32)


class Envelope(Protocol):
    """Smallest and largest value of ever longer bins, for windows in which samples are finer than pixels.

    Bins are counted within each segment of the signal's timeline, so that none lies across a gap.
    """

    @property
    def bin_sizes(self) -> tuple[int, ...]:
        """Samples per bin, level by level, ascending."""
        ...

    @property
    def n_done(self) -> int:
        """Samples, from the first on, whose bins are there."""
        ...

    def bins(self, segment: int, level: int, first: int, stop: int) -> tuple[FloatArray, FloatArray]:
        """View the smallest and largest values of a segment's bins, each of shape (n_channels, stop - first).

        Bins that are not there yet, or hold NaN only, are NaN.
        """
        ...


@dataclass(frozen=True, eq=False)
class ViewedSignal:
    """The channels that play one role, at their native rate.

    Parameters
    ----------
    timeline : Timeline
        Seconds from the recording's origin.
    envelope : Envelope or None
        None until its building has begun.
    """

    role: Role
    stream: str
    labels: tuple[str, ...]
    source: SampleSource
    timeline: Timeline
    envelope: Envelope | None = None

    @property
    def n_samples(self) -> int:
        """Samples per channel."""
        return self.source.shape[1]

    @property
    def sampling_hz(self) -> float:
        """True sampling rate in Hz."""
        return self.timeline.sampling_hz


@dataclass(frozen=True, eq=False)
class ViewedRecording:
    """Everything of one run, for the eye.

    Parameters
    ----------
    file : str
        Path of the raw file.
    origin_s : float
        Raw (synchronised) time of the time axis' zero, as in ``Recording``.
    length_s : float
        End of the longest signal; known before all times are.
    is_timed : bool
        Whether the timelines cover the whole recording; until then they cover its beginning.
    sha256 : str
        Hash of the raw file; empty until it has been computed.
    """

    file: str
    origin_s: float
    signals: tuple[ViewedSignal, ...]
    events: tuple[Event, ...] = ()
    length_s: float = 0.0
    is_timed: bool = True
    sha256: str = ""
    timing: EventTiming = EventTiming()

    @property
    def stop_s(self) -> float:
        """End of the longest signal or last event, in seconds."""
        ends = [s.timeline.stop_s for s in self.signals] + [e.onset_s for e in self.events]
        return max(ends, default=0.0) if self.is_timed else max([self.length_s, *ends])


def view_of(recording: Recording) -> ViewedRecording:
    """Look at a recording that is in memory."""
    return ViewedRecording(
        recording.file,
        recording.origin_s,
        tuple(_view_of_signal(s) for s in recording.signals),
        recording.events,
        recording.stop_s,
        sha256=recording.sha256,
        timing=recording.timing,
    )


def _view_of_signal(signal: Signal) -> ViewedSignal:
    return ViewedSignal(signal.role, signal.stream, signal.labels, HeldSamples(signal.samples), signal.timeline)
