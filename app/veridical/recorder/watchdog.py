"""Turns the streams' lights into events: what changed, when, in words."""

from collections.abc import Sequence
from datetime import UTC, datetime

from veridical.ipc.messages import Light, RecordedStream
from veridical.recorder.outcome import HealthEvent

# A light that keeps flickering for an hour must not fill the session file.
_MAX_EVENTS = 1000


class Watchdog:
    """Remembers every stream's light and keeps the changes."""

    def __init__(self) -> None:
        self._lights: dict[tuple[str, str], Light] = {}
        self._events: list[HealthEvent] = []

    @property
    def events(self) -> tuple[HealthEvent, ...]:
        """All changes so far, oldest first."""
        return tuple(self._events)

    def look(self, streams: Sequence[RecordedStream], now_s: float) -> tuple[HealthEvent, ...]:
        """Compare with the last look; returns what changed."""
        changed: list[HealthEvent] = []
        for stream in streams:
            key = (stream.name, stream.uid or stream.source_id)
            old = self._lights.get(key, "unknown")
            if stream.light != old:
                self._lights[key] = stream.light
                # A stream that starts well is no news.
                if old != "unknown" or stream.light != "good":
                    changed.append(self.note(stream.name, stream.source_id, stream.light, stream.words, now_s))
        return tuple(changed)

    def note(self, name: str, source_id: str, light: Light, words: str, now_s: float) -> HealthEvent:
        """Keep an event."""
        event = HealthEvent(now_s, datetime.now(UTC).isoformat(), name, source_id, light, words)
        if len(self._events) < _MAX_EVENTS:
            self._events.append(event)
        return event
