"""Streams to one file, from the first announced stream to a verified recording.

One thread pulls and writes. Finding streams, connecting to them and probing their clocks happen
elsewhere and are only collected here, so that no stream can hold up another.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.stream import RoleAssignment, StreamDescription, StreamSelector
from veridical.ipc.messages import RecordedStream, RecorderPhase, RecorderState
from veridical.recorder.disk_supervisor import DiskSupervisor
from veridical.recorder.opener import OpenedStream, Opener
from veridical.recorder.outcome import EndedBy, RecorderOutcome, StreamOutcome
from veridical.recorder.selection import is_lookalike, is_wanted, missing, returns_as
from veridical.recorder.sink import Sink
from veridical.recorder.source import Source
from veridical.recorder.verification import verify
from veridical.recorder.watchdog import Watchdog
from veridical.streaming.clock import local_clock
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawChunk, RawInlet

# Bounds what a killed recorder loses; 5 ms would cost three times the processor (FORMATS 3).
_POLL_S = 0.1
# Streams whose unread samples die with their source are looked after in between, too.
_VOLATILE_POLLS = 6
_LOOK_S = 0.2
_CLOCK_S = 0.2
_BOUNDARY_S = 1.0
_SYNC_S = 0.8
_STATE_S = 0.5
# How long after its failure a disk is tried again, and again.
_RETRY_S = 2.0
_LONGEST_RETRY_S = 10.0
# Samples stamped before Stop may be sent after it (FORMATS 3.8).
_DRAIN_S = 0.15
# So long a stream is drained that still brings samples from before Stop: a connection that catches up.
_LONGEST_DRAIN_S = 0.35
# A stream whose samples are ahead of their time still gets so long.
_SHORTEST_DRAIN_S = 0.03
_DRAIN_POLL_S = 0.01
_AFTER_SESSION_END_S = 2.0
# How often it is asked whether a silent stream's program is gone, and how long one that does not answer is waited for.
_EXAMINE_S = 1.5
_PATIENCE_S = 120.0
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
    fallback: Path | None = None,
    roles: Sequence[RoleAssignment] = (),
) -> RecorderOutcome:
    """Record until ``seconds`` have passed, ``stop`` is set, or 2 s after the session's end (blocks).

    Parameters
    ----------
    output : Path
        Must not exist.
    selectors : sequence of StreamSelector
        Streams that match any of them are recorded whenever they appear; an empty selector takes all.
    stop : threading.Event
        Asked with ``is_set`` about 10 times a second.
    on_state : callable
        Called about twice a second, one call at a time: from this thread, or while the disk keeps it waiting from
        another one.
    marker_source_id : str
        The presenter's marker stream: always recorded, and its ``session/end`` ends the recording. With it, a
        disk that fails does not end the recorder: the session goes on, and the alarm stays.
    fallback : Path or None
        Folder in which the recording goes on when its file fails.
    roles : sequence of RoleAssignment
        What the channels are for, as the study resolved it; empty guesses by their names.

    Returns
    -------
    RecorderOutcome
        Never says verified unless the closed files were read back and agree.
    """
    started_utc = datetime.now(UTC).isoformat()
    try:
        sink = Sink(output, fallback)
    except StorageError as error:
        on_state(RecorderState("failed", alarm=str(error), message=str(error)))
        return RecorderOutcome(str(output), False, "failure", str(error), str(error), started_utc, 0.0, 0)
    loop = _RecordingLoop(sink, selectors, on_state, marker_source_id, roles)
    ended_by = loop.run(seconds, stop)
    return loop.finish(ended_by, started_utc)


class _RecordingLoop:
    """The state of one recording; one thread only."""

    def __init__(
        self,
        sink: Sink,
        selectors: Sequence[StreamSelector],
        on_state: Callable[[RecorderState], None],
        marker_source_id: str,
        roles: Sequence[RoleAssignment] = (),
    ) -> None:
        self._sink = sink
        self._roles = tuple(roles)
        self._asked = tuple(selectors)
        marker = (StreamSelector(source_id=marker_source_id),) if marker_source_id else ()
        self._selectors = self._asked + marker
        self._marker_source_id = marker_source_id
        self._on_state = on_state
        self._resolver = Resolver(reads_headers=False, is_prompt=True)
        self._opener = Opener(self._resolver)
        self._sources: list[Source] = []
        self._watchdog = Watchdog()
        self._started_s = local_clock()
        self._told_alarm = ""
        self._session_ended_s: float | None = None
        self._hours_left: float | None = None
        self._last_seen: tuple[RecordedStream, ...] | None = None
        self._due: dict[str, float] = {}
        self._next_try_s: float | None = None
        self._patience_s = _RETRY_S
        self._telling = threading.Lock()
        self._told: RecorderState | None = None
        self._supervisor = DiskSupervisor(sink, self._ring)

    def run(self, seconds: float | None, stop: threading.Event) -> EndedBy:
        """Record until there is a reason to end."""
        self._publish("waiting")
        while True:
            now_s = local_clock()
            self._step(now_s)
            if self._is_due("state", _STATE_S, now_s) or self._sink.alarm != self._told_alarm:
                self._publish("recording" if self._sources else "waiting")
            if stop.is_set():
                return "stop"
            if seconds is not None and now_s - self._started_s >= seconds:
                return "seconds"
            if self._session_ended_s is not None and now_s - self._session_ended_s >= _AFTER_SESSION_END_S:
                return "session-end"
            if self._sink.is_failed and not self._marker_source_id:
                return "failure"
            self._wait(stop)

    def finish(self, ended_by: EndedBy, started_utc: str) -> RecorderOutcome:
        """Drain, close, read back, and say how it went."""
        try:
            return self._finish(ended_by, started_utc)
        finally:
            self._supervisor.close()

    def _finish(self, ended_by: EndedBy, started_utc: str) -> RecorderOutcome:
        stopped_s = local_clock()
        self._adopt(stopped_s)
        self._opener.close()
        self._resolver.stop()
        self._publish("stopping")
        self._drain(stopped_s)
        # Once disconnected, every stream would look lost.
        self._last_seen = tuple(source.state(stopped_s) for source in self._sources)
        try:
            self._sink.close()
        except StorageError as error:
            _log.error("%s", error)
        for source in self._sources:
            source.disconnect()
        streams = tuple(source.outcome() for source in self._sources)
        parts = self._sink.parts
        problems = () if self._sink.is_failed else verify(parts, streams)
        is_verified = not problems and not self._sink.is_failed and not self._sink.lost_s
        files = tuple(str(part.path) for part in parts)
        message = _in_words(files, streams, problems, self._sink.alarm)
        outcome = RecorderOutcome(
            file=files[0],
            is_verified=is_verified,
            ended_by=ended_by if is_verified else "failure",
            alarm=self._sink.alarm or ("" if is_verified else message),
            message=message,
            started_utc=started_utc,
            seconds=stopped_s - self._started_s,
            file_bytes=self._sink.n_bytes,
            streams=streams,
            events=self._watchdog.events,
            files=files,
        )
        last = self._state("ended" if is_verified else "failed")
        self._tell(replace(last, is_verified=is_verified, alarm=outcome.alarm, message=message))
        self._resolver.close()
        return outcome

    def _step(self, now_s: float) -> None:
        """Collect streams, samples and clocks, and write them unless every disk has failed."""
        self._adopt(now_s)
        for source in self._sources:
            self._transfer(source, now_s)
        if stall := self._supervisor.take_stall():
            _log.warning("%s", stall)
            self._watchdog.note("disk", "caution", stall, now_s)
            self._publish("recording" if self._sources else "waiting")
        if self._sink.is_failed:
            if self._marker_source_id:
                self._retry(now_s)
            return
        try:
            self._sink.attend()
            if self._is_due("clock", _CLOCK_S, now_s):
                for source in self._sources:
                    source.transfer_clock(self._sink, now_s)
            if self._is_due("boundary", _BOUNDARY_S, now_s):
                self._sink.write_boundary()
            if self._is_due("sync", _SYNC_S, now_s):
                self._sink.sync()
                self._hours_left = self._estimate_hours(now_s)
        except StorageError:
            # The sink has its alarm, and the next state tells it.
            pass

    def _retry(self, now_s: float) -> None:
        """After a failure, see now and then whether there is room again: the session goes on meanwhile."""
        if self._next_try_s is None:
            self._next_try_s = now_s + self._patience_s
            self._patience_s = min(2 * self._patience_s, _LONGEST_RETRY_S)
        elif now_s >= self._next_try_s:
            self._next_try_s = None
            self._sink.retry()

    def _transfer(self, source: Source, now_s: float) -> list[RawChunk]:
        """Take what a stream has brought; also when nothing can be written, for the session's end is in there."""
        try:
            chunks = source.transfer(None if self._sink.is_failed else self._sink, now_s)
        except StorageError:
            return []
        if self._marker_source_id and source.description.source_id == self._marker_source_id:
            self._watch_for_end(chunks, now_s)
        return chunks

    def _wait(self, stop: threading.Event) -> None:
        volatile = [source for source in self._sources if source.is_volatile]
        if not volatile:
            # An event that is waited for with a limit costs five times as much as a sleep.
            time.sleep(_POLL_S)
            return
        for _ in range(_VOLATILE_POLLS):
            time.sleep(_POLL_S / _VOLATILE_POLLS)
            if stop.is_set():
                return
            for source in volatile:
                self._transfer(source, local_clock())

    def _adopt(self, now_s: float) -> None:
        """Connect to announced streams that are wanted, and take in those that have answered."""
        for opened in self._opener.finished():
            self._take_in(opened, now_s)
        if not self._is_due("look", _LOOK_S, now_s):
            return
        announced = self._resolver.streams()
        uids = {stream.uid for stream in announced}
        connected = {source.description.uid: source for source in self._sources if source.is_connected}
        for source in self._sources:
            source.note_announced(source.description.uid in uids, now_s)
        for stream in announced:
            known = connected.get(stream.uid)
            if known is not None:
                if known.is_stuck(now_s):
                    self._opener.begin(stream)
            elif is_wanted(self._selectors, stream):
                self._opener.begin(stream, self._lookalikes(stream))
        self._look_after_silent(now_s)

    def _lookalikes(self, new: StreamDescription) -> list[RawInlet]:
        inlets = [source.inlet for source in self._sources if is_lookalike(source.description, new)]
        return [inlet for inlet in inlets if inlet is not None]

    def _look_after_silent(self, now_s: float) -> None:
        """Find out which silent streams' programs are gone, and let go of those.

        Of a program that only stands still, what it has kept is still to come. But while the library
        looks for one that is gone, its questions take up ports of the range that other streams need.
        """
        gone = self._opener.gone()
        asks = self._is_due("examine", _EXAMINE_S, now_s)
        for source in self._sources:
            if source.inlet is None or not source.is_suspect(now_s):
                continue
            if source.description.uid in gone or source.lost_s(now_s) > _PATIENCE_S:
                self._transfer(source, now_s)
                source.give_up(now_s)
            elif asks:
                self._opener.examine(source.inlet)

    def _take_in(self, opened: OpenedStream, now_s: float) -> None:
        new = opened.inlet.description
        for source in self._sources:
            if source.is_connected and source.description.uid == new.uid:
                source.add_second(opened)
                return
        returned: Source | None = None
        for source in self._sources:
            if source.is_connected:
                is_dead = source.description.uid in opened.dead
                if not is_dead and not (source.is_lost and is_lookalike(source.description, new)):
                    continue
                # What it has sent is here; what the library would find in its place is not its own.
                self._transfer(source, now_s)
                source.disconnect()
            if returned is None and returns_as(source.description, new):
                returned = source
        if returned is not None:
            returned.reconnect(opened, now_s)
        elif self._sink.is_failed:
            opened.inlet.close(waits=False)
        else:
            self._add(opened, now_s)

    def _add(self, opened: OpenedStream, now_s: float) -> None:
        new = opened.inlet.description
        try:
            stream_id = self._add_stream(opened, now_s)
        except StorageError:
            opened.inlet.close(waits=False)
            return
        self._sources.append(Source(stream_id, opened, now_s, self._roles))
        _log.info("recording %r (%s) as stream %d", new.name, new.source_id or "no source id", stream_id)

    def _add_stream(self, opened: OpenedStream, now_s: float) -> int:
        try:
            return self._sink.add_stream(opened.header)
        except RecordingError as error:
            # One header that a reader chokes on would make the whole file unreadable (FORMATS 3.2).
            new = opened.inlet.description
            words = f"{error} Its core fields were kept."
            self._watchdog.note("bad-header", "caution", words, now_s, new.name, new.source_id, new.uid)
            return self._sink.add_stream(new)

    def _watch_for_end(self, chunks: list[RawChunk], now_s: float) -> None:
        for chunk in chunks:
            if any(bytes(value).startswith(b"session/end") for value in chunk.samples[0]):
                self._session_ended_s = now_s

    def _drain(self, stopped_s: float) -> None:
        """Pull each stream until a stamp after Stop arrives or it stays silent: then all sent before Stop is in."""
        draining = {source: stopped_s for source in self._sources if source.is_connected}
        pause = threading.Event()
        while draining and not self._sink.is_failed:
            now_s = local_clock()
            since_s = now_s - stopped_s
            for source, heard_s in list(draining.items()):
                if since_s >= _DRAIN_S:
                    source.settle()
                chunks = self._transfer(source, now_s)
                source.n_drained += sum(len(chunk) for chunk in chunks)
                if chunks:
                    draining[source] = heard_s = now_s
                is_past = since_s >= _SHORTEST_DRAIN_S and _is_past(source, stopped_s)
                is_silent = since_s >= _DRAIN_S and now_s - heard_s >= _DRAIN_S / 3
                if is_past or is_silent or since_s >= _LONGEST_DRAIN_S:
                    del draining[source]
            pause.wait(_DRAIN_POLL_S)
        try:
            for source in self._sources:
                source.transfer_clock(self._sink, local_clock())
        except StorageError:
            # The sink has its alarm.
            pass

    def _is_due(self, act: str, period_s: float, now_s: float) -> bool:
        if now_s < self._due.get(act, 0.0):
            return False
        self._due[act] = now_s + period_s
        return True

    def _estimate_hours(self, now_s: float) -> float | None:
        running_s = now_s - self._started_s
        # From the first moment on by what the streams promise, then by what they write.
        written = self._sink.n_bytes / running_s if running_s >= _RATE_KNOWN_S else 0.0
        rate = written or sum(source.description.nominal_bytes_per_s for source in self._sources)
        if not self._sources or rate <= 0:
            return None
        try:
            free = shutil.disk_usage(self._sink.path.parent).free
        except OSError:
            return None
        return free / rate / 3600

    def _state(self, phase: RecorderPhase) -> RecorderState:
        now_s = local_clock()
        recorded = self._last_seen
        if recorded is None:
            recorded = tuple(source.state(now_s) for source in self._sources)
        wanted = missing(self._asked, tuple(source.description for source in self._sources))
        absent = tuple(_absent(selector) for selector in wanted)
        self._told_alarm = self._sink.alarm
        if self._hours_left is None:
            self._hours_left = self._estimate_hours(now_s)
        for event in self._watchdog.look(recorded + absent, now_s, self._told_alarm):
            _log.warning("%s", event.sentence)
        return RecorderState(
            phase="failed" if self._sink.is_failed else phase,
            streams=recorded + absent,
            seconds=now_s - self._started_s,
            file_bytes=self._sink.n_bytes,
            hours_left=self._hours_left,
            alarm=self._told_alarm,
            message=self._told_alarm,
            events=self._watchdog.recent,
            n_events=self._watchdog.n_events,
        )

    def _publish(self, phase: RecorderPhase) -> None:
        self._tell(self._state(phase))

    def _tell(self, state: RecorderState) -> None:
        with self._telling:
            self._told = state
            self._on_state(state)

    def _ring(self, alarm: str) -> None:
        """Tell an alarm while the recording thread waits for the disk and cannot."""
        with self._telling:
            if self._told is not None:
                seconds = local_clock() - self._started_s
                self._on_state(replace(self._told, seconds=seconds, alarm=alarm, message=alarm))


def _is_past(source: Source, stopped_s: float) -> bool:
    last_s = source.last_local_s
    return last_s is not None and last_s > stopped_s


def _in_words(files: Sequence[str], streams: Sequence[StreamOutcome], problems: Sequence[str], alarm: str) -> str:
    n_samples = sum(stream.n_samples for stream in streams)
    if problems:
        alarm = f"{alarm} {files[0]} does not read back as written: {'; '.join(problems)}; keep every file.".strip()
    if alarm:
        return alarm
    return f"{len(streams)} streams, {n_samples} samples written and read back."


def _absent(selector: StreamSelector) -> RecordedStream:
    name = selector.name or selector.source_id or selector.type or selector.uid or selector.hostname
    return RecordedStream(name, selector.type, selector.source_id, "", 0, 0.0, 0.0, 0, "fail", "not found yet")
