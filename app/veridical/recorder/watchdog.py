"""Turns what is wrong with the streams from moment to moment into events with a beginning and an end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from veridical.ipc.messages import HealthEvent, HealthFinding, HealthKind, Light, RecordedStream

# A fault that comes back so soon is the same event once more.
_SAME_S = 10.0
# A fault that flickers for an hour must not fill the session file: from here on it is counted only.
_MAX_PER_FAULT = 40
_MAX_EVENTS = 1000
# A window that comes back late shall still know what was lost.
_RECENT = 100
# A stream that was asked for is given so long to be found.
_FIND_S = 3.0

_Key = tuple[str, str, HealthKind]


@dataclass
class _Fault:
    """One kind of fault of one stream, over the whole recording."""

    # Place of its newest event in the list; -1 without one.
    index: int = -1
    n_events: int = 0
    is_open: bool = False
    seen_s: float = 0.0
    # Of the event's earlier occurrences.
    n_times: int = 0
    n_missing: int = 0
    missing_s: float = 0.0
    # The occurrence that is being followed.
    since_s: float = 0.0


class Watchdog:
    """Remembers every stream's faults and keeps them as events; one for a recording."""

    def __init__(self) -> None:
        self._events: list[HealthEvent] = []
        self._faults: dict[_Key, _Fault] = {}
        self._uids: dict[tuple[str, str], str] = {}
        self._alarm = ""
        self._looked_first_s: float | None = None
        self.n_events = 0

    @property
    def events(self) -> tuple[HealthEvent, ...]:
        """All events so far, in the order in which they began to be seen."""
        return tuple(self._events)

    @property
    def recent(self) -> tuple[HealthEvent, ...]:
        """The events that last, and the newest of the others; at most a window's worth."""
        lasting = {fault.index for fault in self._faults.values() if fault.is_open}
        n_others = max(0, _RECENT - len(lasting))
        others = [index for index in range(len(self._events)) if index not in lasting]
        kept = sorted(lasting | set(others[len(others) - n_others :]))
        return tuple(self._events[index] for index in kept)

    def look(self, streams: Sequence[RecordedStream], now_s: float, alarm: str = "") -> tuple[HealthEvent, ...]:
        """Compare with the last look; returns the events that began or ended.

        Parameters
        ----------
        streams : sequence of RecordedStream
            With their findings; one without a uid has not been found yet.
        alarm : str
            What is wrong with the file.
        """
        if self._looked_first_s is None:
            self._looked_first_s = now_s
        changed: list[HealthEvent] = []
        seen: set[_Key] = set()
        for stream in streams:
            for finding in self._findings(stream, now_s):
                key = (stream.name, stream.source_id or stream.uid, finding.kind)
                seen.add(key)
                event = self._follow(key, stream, finding, now_s)
                if event is not None:
                    changed.append(event)
        for key, fault in tuple(self._faults.items()):
            if fault.is_open and key not in seen:
                changed += self._end(fault, now_s)
        changed += self._find_swapped(streams, now_s)
        if alarm != self._alarm:
            self._alarm = alarm
            if alarm:
                changed.append(self.note("disk", "fail", alarm, now_s))
        return tuple(changed)

    def note(
        self,
        kind: HealthKind,
        light: Light,
        words: str,
        now_s: float,
        stream: str = "",
        source_id: str = "",
        uid: str = "",
    ) -> HealthEvent:
        """Keep an event of one moment."""
        utc = datetime.now(UTC).isoformat()
        event = HealthEvent(now_s, utc, kind, stream, source_id, uid, light, words, end_lsl_s=now_s, end_utc=utc)
        self._keep(event)
        return event

    # Inside -----------------------------------------------------------------------------------------
    def _findings(self, stream: RecordedStream, now_s: float) -> tuple[HealthFinding, ...]:
        if stream.uid:
            return stream.findings
        begun_s = self._looked_first_s if self._looked_first_s is not None else now_s
        if now_s - begun_s < _FIND_S:
            return ()
        return (HealthFinding("not-found", stream.light, stream.words, begun_s),)

    def _follow(self, key: _Key, stream: RecordedStream, finding: HealthFinding, now_s: float) -> HealthEvent | None:
        """Begin an event, go on with one, or take one up again; returns it if it began."""
        fault = self._faults.setdefault(key, _Fault())
        begins = not fault.is_open
        # Moments tell by their beginning that they are another story.
        is_next = begins or (finding.until_s is not None and finding.since_s > fault.since_s)
        if is_next:
            fault.since_s = finding.since_s
            is_same = fault.index >= 0 and finding.since_s - fault.seen_s < _SAME_S
            if is_same or (fault.index >= 0 and self._is_full(fault)):
                old = self._events[fault.index]
                fault.n_times, fault.n_missing, fault.missing_s = old.n_times, old.n_missing, old.missing_s
            else:
                self._begin(fault, stream, finding, now_s)
        fault.is_open = True
        fault.seen_s = now_s if finding.until_s is None else finding.until_s
        if fault.index < 0:
            return None
        event = self._events[fault.index]
        self._events[fault.index] = replace(
            event,
            light=finding.light,
            words=finding.words,
            channels=tuple(dict.fromkeys((*event.channels, *finding.channels))),
            end_lsl_s=None,
            end_utc="",
            rate_hz=finding.rate_hz,
            n_missing=fault.n_missing + finding.n_missing,
            missing_s=fault.missing_s + finding.missing_s,
            n_times=fault.n_times + finding.n_times,
            offset_s=finding.offset_s,
        )
        return self._events[fault.index] if begins else None

    def _begin(self, fault: _Fault, stream: RecordedStream, finding: HealthFinding, now_s: float) -> None:
        fault.n_times = fault.n_missing = 0
        fault.missing_s = 0.0
        fault.n_events += 1
        begun_s = finding.since_s
        event = HealthEvent(
            begun_s, _utc(begun_s, now_s), finding.kind, stream.name, stream.source_id, stream.uid,
            finding.light, finding.words,
        )  # fmt: skip
        fault.index = self._keep(event)

    def _end(self, fault: _Fault, now_s: float) -> list[HealthEvent]:
        fault.is_open = False
        if fault.index < 0:
            return []
        event = replace(self._events[fault.index], end_lsl_s=fault.seen_s, end_utc=_utc(fault.seen_s, now_s))
        self._events[fault.index] = event
        if event.kind != "lost":
            return [event]
        words = f"came back after {now_s - event.lsl_s:.0f} s"
        self._uids.pop((event.stream, event.source_id), None)
        return [event, self.note("returned", "good", words, now_s, event.stream, event.source_id, event.uid)]

    def _find_swapped(self, streams: Sequence[RecordedStream], now_s: float) -> list[HealthEvent]:
        """Note streams that came back under a new uid before they were missed."""
        notes: list[HealthEvent] = []
        names = [(stream.name, stream.source_id) for stream in streams if stream.uid]
        for stream in streams:
            name = (stream.name, stream.source_id)
            is_known_by = bool(stream.uid and stream.source_id) and names.count(name) == 1
            if not is_known_by or any(finding.kind == "lost" for finding in stream.findings):
                continue
            if self._uids.setdefault(name, stream.uid) != stream.uid:
                notes.append(self.note("returned", "good", "came back", now_s, *name, stream.uid))
                self._uids[name] = stream.uid
        return notes

    def _is_full(self, fault: _Fault) -> bool:
        return fault.n_events >= _MAX_PER_FAULT or len(self._events) >= _MAX_EVENTS

    def _keep(self, event: HealthEvent) -> int:
        """Keep an event while there is room; its place, -1 without."""
        self.n_events += 1
        if len(self._events) >= _MAX_EVENTS:
            return -1
        self._events.append(event)
        return len(self._events) - 1


def _utc(lsl_s: float, now_s: float) -> str:
    """The wall clock at a moment of the LSL clock."""
    return (datetime.now(UTC) - timedelta(seconds=now_s - lsl_s)).isoformat()
