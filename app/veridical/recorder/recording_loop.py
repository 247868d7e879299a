"""Streams to one file, from the first announced stream to a verified recording.

One thread pulls and writes. Finding streams, connecting to them and probing their clocks happen
elsewhere and are only collected here, so that no stream can hold up another.
"""

import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.run import StreamSelector
from veridical.ipc.messages import RecordedStream, RecorderPhase, RecorderState
from veridical.recorder.outcome import EndedBy, RecorderOutcome
from veridical.recorder.selection import is_wanted, missing, returns_as
from veridical.recorder.source import OpenedStream, Opener, Source
from veridical.recorder.verification import verify
from veridical.recorder.watchdog import Watchdog
from veridical.storage.xdf_writer import XdfWriter
from veridical.streaming.clock import local_clock
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawChunk

# 50 ms bound what a killed recorder loses; 5 ms would cost three times the processor (FORMATS 3).
_POLL_S = 0.05
_CLOCK_S = 0.25
_BOUNDARY_S = 1.0
_SYNC_S = 0.8
_STATE_S = 0.2
# Samples stamped before Stop may be sent after it (FORMATS 3.8).
_DRAIN_S = 0.15
_AFTER_SESSION_END_S = 2.0
# A rate of bytes is known after this long.
_RATE_KNOWN_S = 2.0

_log = logging.getLogger(__name__)


def record(
    output: Path,
    selectors: Sequence[StreamSelector],
    seconds: float | None,
    stop: threading.Event,
    on_state: Callable[[RecorderState], None],
    marker_source_id: str = "",
) -> RecorderOutcome:
    """Record until ``seconds`` have passed, ``stop`` is set, or 2 s after the session's end (blocks).

    Parameters
    ----------
    output : Path
        Must not exist.
    selectors : sequence of StreamSelector
        Streams that match any of them are recorded whenever they appear; an empty selector takes all.
    on_state : callable
        Called at most about 5 times a second, from this thread.
    marker_source_id : str
        The presenter's marker stream: always recorded, and its ``session/end`` ends the recording. With it, a
        disk that fails does not end the recorder: the session goes on, and the alarm stays.

    Returns
    -------
    RecorderOutcome
        Never says verified unless the closed file was read back and agrees.
    """
    started_utc = datetime.now(UTC).isoformat()
    try:
        writer = XdfWriter(output)
    except StorageError as error:
        on_state(RecorderState("failed", alarm=str(error), message=str(error)))
        return RecorderOutcome(str(output), False, "failure", str(error), str(error), started_utc, 0.0, 0)
    loop = _RecordingLoop(writer, selectors, on_state, marker_source_id)
    ended_by = loop.run(seconds, stop)
    return loop.finish(ended_by, started_utc)


class _RecordingLoop:
    """The state of one recording; one thread only."""

    def __init__(
        self,
        writer: XdfWriter,
        selectors: Sequence[StreamSelector],
        on_state: Callable[[RecorderState], None],
        marker_source_id: str,
    ) -> None:
        self._writer = writer
        self._asked = tuple(selectors)
        marker = (StreamSelector(source_id=marker_source_id),) if marker_source_id else ()
        self._selectors = self._asked + marker
        self._marker_source_id = marker_source_id
        self._on_state = on_state
        self._resolver = Resolver(reads_headers=False)
        self._opener = Opener(self._resolver)
        self._sources: list[Source] = []
        self._watchdog = Watchdog()
        self._started_s = local_clock()
        self._alarm = ""
        self._session_ended_s: float | None = None
        self._hours_left: float | None = None
        self._last_seen: tuple[RecordedStream, ...] | None = None
        self._due = dict.fromkeys((_CLOCK_S, _BOUNDARY_S, _SYNC_S, _STATE_S), 0.0)

    def run(self, seconds: float | None, stop: threading.Event) -> EndedBy:
        """Record until there is a reason to end."""
        self._publish("waiting")
        while True:
            now_s = local_clock()
            self._step(now_s)
            if self._is_due(_STATE_S, now_s):
                self._publish("recording" if self._sources else "waiting")
            if stop.is_set():
                return "stop"
            if seconds is not None and now_s - self._started_s >= seconds:
                return "seconds"
            if self._session_ended_s is not None and now_s - self._session_ended_s >= _AFTER_SESSION_END_S:
                return "session-end"
            if self._alarm and not self._marker_source_id:
                return "failure"
            stop.wait(_POLL_S)

    def finish(self, ended_by: EndedBy, started_utc: str) -> RecorderOutcome:
        """Drain, close, read back, and say how it went."""
        stopped_s = local_clock()
        self._publish("stopping")
        self._drain(stopped_s)
        # Once disconnected, every stream would look lost.
        self._last_seen = tuple(source.state(stopped_s) for source in self._sources)
        for source in self._sources:
            source.close()
        self._resolver.close()
        try:
            self._writer.close()
        except StorageError as error:
            self._raise_alarm(error)
        streams = tuple(source.outcome() for source in self._sources)
        problems = () if self._alarm else verify(self._writer.path, streams)
        if problems:
            self._alarm = f"{self._writer.path.name} does not read back as written: {'; '.join(problems)}."
        is_verified = not self._alarm
        n_samples = sum(stream.n_samples for stream in streams)
        message = f"{len(streams)} streams, {n_samples} samples written and read back." if is_verified else self._alarm
        outcome = RecorderOutcome(
            file=str(self._writer.path),
            is_verified=is_verified,
            ended_by="failure" if self._alarm else ended_by,
            alarm=self._alarm,
            message=message,
            started_utc=started_utc,
            seconds=stopped_s - self._started_s,
            file_bytes=self._writer.n_bytes,
            streams=streams,
            events=self._watchdog.events,
        )
        last = self._state("ended" if is_verified else "failed")
        self._on_state(replace(last, is_verified=is_verified, message=message))
        return outcome

    def _step(self, now_s: float) -> None:
        """Collect streams, samples and clocks, and write them unless the disk has failed."""
        self._adopt(now_s)
        pulled = [(source, source.pull()) for source in self._sources]
        for source, chunks in pulled:
            self._watch_for_end(source, chunks, now_s)
        if self._alarm:
            return
        try:
            for source, chunks in pulled:
                source.write(chunks, self._writer)
            if self._is_due(_CLOCK_S, now_s):
                for source in self._sources:
                    source.write_clock(self._writer)
            if self._is_due(_BOUNDARY_S, now_s):
                self._writer.write_boundary()
            if self._is_due(_SYNC_S, now_s):
                self._writer.sync()
                self._hours_left = self._estimate_hours(now_s)
        except StorageError as error:
            self._raise_alarm(error)
            self._publish("failed")

    def _adopt(self, now_s: float) -> None:
        """Connect to announced streams that are wanted, and take in those that have answered."""
        connected = {source.description.uid for source in self._sources if source.is_connected}
        announced = self._resolver.streams()
        for stream in announced:
            if stream.uid not in connected and is_wanted(self._selectors, stream):
                self._opener.begin(stream)
        uids = {stream.uid for stream in announced}
        for opened in self._opener.finished():
            self._take_in(opened, uids, now_s)

    def _take_in(self, opened: OpenedStream, announced: set[str], now_s: float) -> None:
        new = opened.inlet.description
        for source in self._sources:
            is_gone = not source.is_connected or source.description.uid not in announced
            if is_gone and returns_as(source.description, new):
                source.reconnect(opened.inlet)
                self._watchdog.note(new.name, new.source_id, "good", "came back", now_s)
                return
        if self._alarm:
            opened.inlet.close()
            return
        try:
            stream_id = self._add_stream(opened, now_s)
        except StorageError as error:
            self._raise_alarm(error)
            return
        self._sources.append(Source(stream_id, opened))
        _log.info("recording %r (%s) as stream %d", new.name, new.source_id or "no source id", stream_id)

    def _add_stream(self, opened: OpenedStream, now_s: float) -> int:
        try:
            return self._writer.add_stream(opened.header)
        except RecordingError as error:
            # One header that a reader chokes on would make the whole file unreadable (FORMATS 3.2).
            new = opened.inlet.description
            self._watchdog.note(new.name, new.source_id, "caution", f"{error} Its core fields were kept.", now_s)
            return self._writer.add_stream(new)

    def _watch_for_end(self, source: Source, chunks: list[RawChunk], now_s: float) -> None:
        if not self._marker_source_id or source.description.source_id != self._marker_source_id:
            return
        for chunk in chunks:
            if any(bytes(value).startswith(b"session/end") for value in chunk.samples[0]):
                self._session_ended_s = now_s

    def _drain(self, stopped_s: float) -> None:
        """Pull each stream until a stamp after Stop arrives, or 150 ms have passed."""
        waiting = [source for source in self._sources if source.is_connected]
        pause = threading.Event()
        while waiting and not self._alarm:
            is_last = local_clock() - stopped_s >= _DRAIN_S
            try:
                for source in waiting:
                    chunks = source.pull()
                    source.n_drained += sum(len(chunk) for chunk in chunks)
                    source.write(chunks, self._writer)
                    if is_last:
                        source.write_clock(self._writer)
            except StorageError as error:
                self._raise_alarm(error)
            if is_last:
                return
            waiting = [source for source in waiting if source.is_connected and not _is_past(source, stopped_s)]
            pause.wait(0.01)

    def _raise_alarm(self, error: StorageError) -> None:
        self._alarm = f"{error} What was recorded until now is kept and readable; nothing more is being recorded."
        _log.error("%s", self._alarm)

    def _is_due(self, period_s: float, now_s: float) -> bool:
        if now_s < self._due[period_s]:
            return False
        self._due[period_s] = now_s + period_s
        return True

    def _estimate_hours(self, now_s: float) -> float | None:
        running_s = now_s - self._started_s
        if not self._sources or running_s < _RATE_KNOWN_S:
            return None
        try:
            free = shutil.disk_usage(self._writer.path.parent).free
        except OSError:
            return None
        return free / (self._writer.n_bytes / running_s) / 3600

    def _state(self, phase: RecorderPhase) -> RecorderState:
        now_s = local_clock()
        recorded = self._last_seen
        if recorded is None:
            recorded = tuple(source.state(now_s) for source in self._sources)
        wanted = missing(self._asked, tuple(source.description for source in self._sources))
        absent = tuple(_absent(selector) for selector in wanted)
        for event in self._watchdog.look(recorded, now_s):
            _log.warning("%s: %s, %s", event.stream, event.light, event.words)
        return RecorderState(
            phase="failed" if self._alarm else phase,
            streams=recorded + absent,
            seconds=now_s - self._started_s,
            file_bytes=self._writer.n_bytes,
            hours_left=self._hours_left,
            alarm=self._alarm,
            message=self._alarm,
        )

    def _publish(self, phase: RecorderPhase) -> None:
        self._on_state(self._state(phase))


def _is_past(source: Source, stopped_s: float) -> bool:
    last_s = source.last_local_s
    return last_s is not None and last_s > stopped_s


def _absent(selector: StreamSelector) -> RecordedStream:
    name = selector.name or selector.source_id or selector.type or selector.uid or selector.hostname
    return RecordedStream(name, selector.type, selector.source_id, "", 0, 0.0, 0.0, 0, "fail", "not found yet")
