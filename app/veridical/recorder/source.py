"""One stream on its way to the file."""

import logging
import statistics
from collections.abc import Sequence

from veridical.domain.errors import StreamError
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.ipc.messages import HealthFinding, RecordedStream
from veridical.recorder.clock_gate import ClockGate
from veridical.recorder.connection import Connection
from veridical.recorder.opener import OpenedStream
from veridical.recorder.outcome import StreamOutcome
from veridical.recorder.sink import Sink
from veridical.recorder.stream_watch import StreamWatch
from veridical.streaming.inlet import RawChunk, RawInlet
from veridical.streaming.vitals import Health

# A stream that is no longer announced and silent for so long is said to be lost.
_LOST_S = 1.0
# A stream with a rate that is silent for so long may be dead.
_SUSPECT_S = 0.7
_SUSPECT_PERIODS = 3

_log = logging.getLogger(__name__)


class Source:
    """Pulls one stream and writes it; survives the stream's loss and return.

    Parameters
    ----------
    id : int
        Number of the stream in the file.
    now_s : float
        LSL time.
    roles : sequence of RoleAssignment
        What the study's channels are for.
    """

    def __init__(self, id: int, opened: OpenedStream, now_s: float, roles: Sequence[RoleAssignment] = ()) -> None:
        self.id = id
        self.description: StreamDescription = opened.description
        self.n_drained = 0
        self.n_written = 0
        self._connection: Connection | None = Connection(opened.inlet, now_s)
        self._watch = StreamWatch(self.description, now_s, roles)
        self._gate = ClockGate()
        self._first_s: float | None = None
        self._last_s: float | None = None
        self._offset_s: float | None = None
        self._is_lost = False
        self._lost_since_s = now_s

    @property
    def is_connected(self) -> bool:
        """Whether samples may still come from where they came last."""
        return self._connection is not None

    @property
    def is_lost(self) -> bool:
        """Whether the network no longer knows it and nothing comes; it may still be connected."""
        return self._is_lost

    def is_suspect(self, now_s: float) -> bool:
        """Whether its program may be gone: it is lost, or sends nothing although it has a rate."""
        if self._is_lost:
            return True
        hz = self.description.nominal_hz
        return hz > 0 and self._watch.silent_s(now_s) > max(_SUSPECT_S, _SUSPECT_PERIODS / hz)

    @property
    def inlet(self) -> RawInlet | None:
        """Where its samples come from; None if it is not connected."""
        return None if self._connection is None else self._connection.inlet

    def lost_s(self, now_s: float) -> float:
        """Seconds since it was found lost; 0 if it is not."""
        return now_s - self._lost_since_s if self._is_lost else 0.0

    @property
    def is_volatile(self) -> bool:
        """Whether what has arrived is gone when the source dies."""
        return self._connection is not None and self._connection.is_volatile

    @property
    def last_local_s(self) -> float | None:
        """Newest stamp on this machine's clock; None before the first sample and the first measurement."""
        return None if self._last_s is None or self._offset_s is None else self._last_s + self._offset_s

    def is_stuck(self, now_s: float) -> bool:
        """Whether a second connection is worth a try."""
        return self._connection is not None and self._connection.is_stuck(now_s)

    def add_second(self, opened: OpenedStream) -> None:
        """Hold another connection to the same outlet ready."""
        if self._connection is None:
            opened.inlet.close(waits=False)
        else:
            self._connection.add_second(opened.inlet)

    def note_announced(self, is_announced: bool, now_s: float) -> None:
        """Take note of whether the network still knows the stream: if not, and nothing comes, it is lost."""
        if not is_announced and not self._is_lost and self._watch.silent_s(now_s) > _LOST_S:
            self._mark_lost(now_s)

    def reconnect(self, opened: OpenedStream, now_s: float) -> None:
        """Go on with the stream that came back; what the old connection brought must have been transferred."""
        self.disconnect()
        self._connection = Connection(opened.inlet, now_s)
        self.description = opened.description
        self._gate.restart()
        self._offset_s = None
        self._restart_watch(now_s)

    def transfer(self, sink: Sink | None, now_s: float) -> list[RawChunk]:
        """Take everything that has arrived, write it and return it (StorageError if the disk refuses).

        Parameters
        ----------
        sink : Sink or None
            None only takes.
        """
        if self._connection is None:
            return []
        try:
            taken = self._connection.pull(now_s)
        except StreamError:
            self.give_up(now_s)
            return []
        if taken and self._is_lost:
            # Stopped, not dead: its connection has outlasted the silence.
            self._restart_watch(now_s)
        for chunk in taken:
            if sink is not None:
                self._write(chunk, sink)
            self._count(chunk, now_s)
        return taken

    def transfer_clock(self, sink: Sink, now_s: float) -> None:
        """Write the newest measurement of the stream's clock if it is a new and good one; never waits.

        To be called right after ``transfer``, and oftener than twice a second.
        """
        if self._connection is None:
            return
        inlet = self._connection.inlet
        if inlet.is_patient and inlet.has_moved():
            # What the library has found elsewhere arrives half a second later at the earliest.
            self.give_up(now_s)
            return
        newest = inlet.measure_clock(0.0)
        if newest is not None and self._gate.is_new(newest):
            self._watch.clock(newest.collected_s, newest.offset_s, newest.round_trip_s, now_s)
        passed = self._gate.sift(newest, now_s)
        if passed is None:
            return
        sink.write_clock_offset(self.id, passed.collected_s, passed.offset_s)
        self._offset_s = passed.offset_s
        _log.debug(
            "clock of %r: %+.6f s, round trip %.6f s", self.description.name, passed.offset_s, passed.round_trip_s
        )

    def settle(self) -> None:
        """Nothing more can be waited for: take what a second connection may have brought."""
        if self._connection is not None:
            self._connection.settle()

    def state(self, now_s: float) -> RecordedStream:
        """For the window."""
        d = self.description
        health, rate_hz, findings = self._judge(now_s)
        return RecordedStream(
            name=d.name,
            type=d.type,
            source_id=d.source_id,
            uid=d.uid,
            n_channels=d.n_channels,
            nominal_hz=d.nominal_hz,
            effective_hz=rate_hz,
            n_samples=self.n_written,
            light=health.light,
            words=health.words,
            findings=findings,
        )

    def _judge(self, now_s: float) -> tuple[Health, float, tuple[HealthFinding, ...]]:
        """Ask the watch: the light, the rate, and what was found."""
        try:
            return self._watch.judge(now_s), self._watch.rate_hz() or 0.0, self._watch.findings(now_s)
        except Exception:
            # As in _count: nothing that the watch stumbles over may end the recording.
            _log.exception("%r cannot be judged", self.description.name)
            self._restart_watch(now_s)
            return Health("unknown", "cannot be judged"), 0.0, ()

    def outcome(self) -> StreamOutcome:
        """For the session file."""
        d, round_trips_s = self.description, self._gate.round_trips_s
        span_s = 0.0 if self._first_s is None or self._last_s is None else self._last_s - self._first_s
        return StreamOutcome(
            id=self.id,
            name=d.name,
            type=d.type,
            source_id=d.source_id,
            uid=d.uid,
            hostname=d.hostname,
            n_channels=d.n_channels,
            nominal_hz=d.nominal_hz,
            format=d.format,
            n_samples=self.n_written,
            n_drained=self.n_drained,
            first_s=self._first_s,
            last_s=self._last_s,
            effective_hz=(self.n_written - 1) / span_s if span_s > 0 else 0.0,
            n_clock_offsets=len(round_trips_s),
            round_trip_s=statistics.median(round_trips_s) if round_trips_s else None,
        )

    def disconnect(self) -> None:
        """Let go of the stream."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def give_up(self, now_s: float) -> None:
        """Let go of a stream whose outlet is gone."""
        if self._connection is not None:
            n_unread = self._connection.inlet.n_unread()
            if n_unread:
                _log.error("%r: %d samples that had arrived cannot be had any more", self.description.name, n_unread)
        self.disconnect()
        if not self._is_lost:
            self._mark_lost(now_s)

    def _write(self, chunk: RawChunk, sink: Sink) -> None:
        sink.write_samples(self.id, chunk.samples, chunk.stamps_s)
        self.n_written += len(chunk)
        if self._first_s is None:
            self._first_s = float(chunk.stamps_s[0])
        self._last_s = float(chunk.stamps_s[-1])

    def _count(self, chunk: RawChunk, now_s: float) -> None:
        try:
            self._watch.count(chunk.samples, chunk.stamps_s, now_s)
        except Exception:
            # No stamps are so strange that watching them may end the recording.
            _log.exception("%r cannot be watched", self.description.name)
            self._restart_watch(now_s)

    def _mark_lost(self, now_s: float) -> None:
        self._is_lost, self._lost_since_s = True, now_s
        self._watch.lose(now_s)

    def _restart_watch(self, now_s: float) -> None:
        self._is_lost = False
        self._watch.restart(now_s, self.description)
