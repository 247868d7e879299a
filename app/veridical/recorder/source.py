"""One stream on its way to the file."""

import queue
import statistics
import threading
from dataclasses import dataclass

from veridical.domain.errors import StreamError
from veridical.domain.stream import StreamDescription
from veridical.ipc.messages import RecordedStream
from veridical.recorder.outcome import StreamOutcome
from veridical.storage.xdf_writer import XdfWriter
from veridical.streaming.clock import local_clock
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawChunk, RawInlet
from veridical.streaming.vitals import Health, Vitals

_OPEN_TIMEOUT_S = 2.0
_RETRY_S = 0.5
# What an inlet keeps for us while the disk stalls, and the memory LSL takes for it at once.
_LONGEST_BUFFER_S = 360
_SHORTEST_BUFFER_S = 30
_BUFFER_VALUES = 4e6


@dataclass(frozen=True)
class OpenedStream:
    """A stream that answers: data are arriving in its inlet already."""

    inlet: RawInlet
    header: str


class Opener:
    """Connects to streams in threads of their own, so that one that hangs holds up no other."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._opened: queue.SimpleQueue[tuple[str, OpenedStream | None]] = queue.SimpleQueue()
        self._pending: set[str] = set()
        self._pause = threading.Event()

    def begin(self, stream: StreamDescription) -> None:
        """Start to connect, unless that is under way."""
        if stream.uid not in self._pending:
            self._pending.add(stream.uid)
            threading.Thread(target=self._open, args=(stream,), name=f"open-{stream.name}", daemon=True).start()

    def finished(self) -> list[OpenedStream]:
        """Take the streams that have answered; does not block."""
        taken: list[OpenedStream] = []
        while not self._opened.empty():
            uid, opened = self._opened.get()
            self._pending.discard(uid)
            if opened is not None:
                taken.append(opened)
        return taken

    def _open(self, stream: StreamDescription) -> None:
        n_values_per_s = max(1.0, stream.nominal_hz * stream.n_channels)
        buffered_s = int(min(_LONGEST_BUFFER_S, max(_SHORTEST_BUFFER_S, _BUFFER_VALUES / n_values_per_s)))
        opened: OpenedStream | None = None
        try:
            inlet = self._resolver.inlet(stream.uid, buffered_s)
            if inlet is not None:
                inlet.open(_OPEN_TIMEOUT_S)
                opened = OpenedStream(inlet, inlet.read_header(_OPEN_TIMEOUT_S))
        except StreamError:
            # It stays announced for some seconds after its program has died: ask again, but not at once.
            self._pause.wait(_RETRY_S)
        self._opened.put((stream.uid, opened))


class Source:
    """Pulls one stream and writes it; survives the stream's loss and return.

    Parameters
    ----------
    id : int
        Number of the stream in the file.
    """

    def __init__(self, id: int, opened: OpenedStream) -> None:
        self.id = id
        self.description = opened.inlet.description
        self.n_drained = 0
        self._inlet: RawInlet | None = opened.inlet
        self._vitals = Vitals(self.description.nominal_hz, local_clock())
        self._n_written = 0
        self._first_s: float | None = None
        self._last_s: float | None = None
        self._lost_s = 0.0
        self._offset_s = 0.0
        self._collected_s: float | None = None
        self._round_trips_s: list[float] = []

    @property
    def is_connected(self) -> bool:
        """Whether the stream has not been lost."""
        return self._inlet is not None

    @property
    def last_local_s(self) -> float | None:
        """Newest stamp on this machine's clock; None before the first sample."""
        return None if self._last_s is None else self._last_s + self._offset_s

    def silent_s(self, now_s: float) -> float:
        """Seconds since data arrived."""
        return self._vitals.silent_s(now_s)

    def reconnect(self, inlet: RawInlet) -> None:
        """Go on with the stream that came back."""
        if self._inlet is not None:
            self._inlet.close()
        self._inlet = inlet
        self.description = inlet.description
        self._collected_s = None
        self._vitals.restart(local_clock())

    def pull(self) -> list[RawChunk]:
        """Take everything that has arrived; marks the stream as lost if it is."""
        taken: list[RawChunk] = []
        if self._inlet is None:
            return taken
        try:
            while True:
                chunk = self._inlet.pull()
                if len(chunk):
                    taken.append(chunk)
                    self._vitals.count(chunk.stamps_s, local_clock())
                if not self._inlet.is_full(chunk):
                    return taken
        except StreamError:
            self._inlet.close()
            self._inlet = None
            self._lost_s = local_clock()
            return taken

    def write(self, chunks: list[RawChunk], writer: XdfWriter) -> None:
        """Write chunks as they came (StorageError if the disk refuses)."""
        for chunk in chunks:
            writer.write_samples(self.id, chunk.samples, chunk.stamps_s)
            self._n_written += len(chunk)
            if self._first_s is None:
                self._first_s = float(chunk.stamps_s[0])
            self._last_s = float(chunk.stamps_s[-1])

    def write_clock(self, writer: XdfWriter) -> None:
        """Write the newest measurement of the stream's clock if it is a new one; never waits."""
        if self._inlet is None:
            return
        measured = self._inlet.measure_clock(0.0)
        # The library repeats its last result until it has a new one; a repeat is no measurement.
        if measured is None or measured.collected_s == self._collected_s:
            return
        writer.write_clock_offset(self.id, measured.collected_s, measured.offset_s)
        self._collected_s = measured.collected_s
        self._offset_s = measured.offset_s
        self._round_trips_s.append(measured.round_trip_s)

    def judge(self, now_s: float) -> Health:
        """The stream's light."""
        if self._inlet is None:
            return Health("fail", f"lost for {now_s - self._lost_s:.0f} s; it is picked up when it returns")
        return self._vitals.judge(now_s)

    def state(self, now_s: float) -> RecordedStream:
        """For the window."""
        health, d = self.judge(now_s), self.description
        return RecordedStream(
            name=d.name,
            type=d.type,
            source_id=d.source_id,
            uid=d.uid,
            n_channels=d.n_channels,
            nominal_hz=d.nominal_hz,
            effective_hz=self._vitals.rate_hz() or 0.0,
            n_samples=self._n_written,
            light=health.light,
            words=health.words,
        )

    def outcome(self) -> StreamOutcome:
        """For the session file."""
        d = self.description
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
            n_samples=self._n_written,
            n_drained=self.n_drained,
            first_s=self._first_s,
            last_s=self._last_s,
            effective_hz=(self._n_written - 1) / span_s if span_s > 0 else 0.0,
            n_clock_offsets=len(self._round_trips_s),
            round_trip_s=statistics.median(self._round_trips_s) if self._round_trips_s else None,
        )

    def close(self) -> None:
        """Disconnect."""
        if self._inlet is not None:
            self._inlet.close()
            self._inlet = None
