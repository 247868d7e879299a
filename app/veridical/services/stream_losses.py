"""What was lost while a session ran, from the recorder's events: counts by stream, and holes in time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from veridical.ipc.messages import HealthEvent, HealthKind, RecordedStream, RecorderState

# Kinds in which samples are missing, or mean nothing.
_HOLES: tuple[HealthKind, ...] = ("not-found", "lost", "no-data", "gap", "flat")
_AWAY: tuple[HealthKind, ...] = ("not-found", "lost", "no-data")


@dataclass(frozen=True)
class Hole:
    """A stretch in which a stream brought nothing of use.

    Parameters
    ----------
    start_s, stop_s : float
        LSL time of the recorder's machine; ``stop_s`` is infinite as long as it lasts.
    """

    stream: str
    start_s: float
    stop_s: float

    def overlaps(self, start_s: float, stop_s: float) -> bool:
        """Whether it has anything in common with a stretch."""
        return self.start_s < stop_s and start_s < self.stop_s


@dataclass(frozen=True)
class StreamLoss:
    """How much of a stream is missing so far."""

    stream: str
    n_missing: int
    missing_s: float


class LossLog:
    """Collects the recorder's events, of which each state carries the newest only."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str, str, float], HealthEvent] = {}

    def look(self, state: RecorderState) -> None:
        """Take what a state tells; an event that is known grows."""
        for event in state.events:
            self._events[event.stream, event.source_id, event.kind, event.lsl_s] = event

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Stretches without samples, or with a whole stream that means nothing, in the order of their beginning."""
        found = [
            Hole(e.stream, e.lsl_s, math.inf if e.end_lsl_s is None else e.end_lsl_s)
            for e in self._events.values()
            if e.kind in _HOLES and (e.kind != "flat" or e.light == "fail")
        ]
        return tuple(sorted(found, key=lambda h: h.start_s))

    @property
    def losses(self) -> tuple[StreamLoss, ...]:
        """Missing samples by stream; streams without any are left out."""
        counts: dict[str, tuple[int, float]] = {}
        for event in self._events.values():
            if event.n_missing:
                n, seconds = counts.get(event.stream, (0, 0.0))
                counts[event.stream] = (n + event.n_missing, seconds + event.missing_s)
        return tuple(StreamLoss(name, *count) for name, count in sorted(counts.items()))


def away_streams(streams: Sequence[RecordedStream]) -> tuple[str, ...]:
    """Names of the streams of regular rate from which nothing comes now."""
    return tuple(
        s.name for s in streams if s.nominal_hz > 0 and any(f.kind in _AWAY and f.light == "fail" for f in s.findings)
    )
