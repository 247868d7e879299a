"""A recording as live LSL streams: every sample leaves when its stamp says, at the recording's speed or another.

Stamps are the recorded, synchronised ones, moved to now (and, at another speed, divided by it), so that all streams
stay in step with each other; values are those of the file, bit for bit. A replayed stream carries its recorded name,
type, labels, units and source id, so that whatever chose the device finds the replay, and says what it is in
``desc/replay``. Only where a stream with that identity is live already is the source id changed: two streams that
claim to be one device would be mixed up by every program that reconnects.
"""

import bisect
import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias
from xml.etree.ElementTree import Element, SubElement

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.progress import Progress, Work
from veridical.domain.stream import StreamDescription
from veridical.simulator.replay_times import PlayTimes, play_times
from veridical.storage.xdf_reader import XdfFile, XdfStream, read_xdf
from veridical.streaming.clock import local_clock
from veridical.streaming.outlet import RawOutlet

# A sample is at most this late; half of it costs nearly twice the processor.
_STEP_S = 0.008
_LONGEST_SLEEP_S = 0.1
_TELL_S = 0.1
_WAIT_STEP_S = 0.02
# Receivers take what has left by then; LSL does not tell when they have.
_LINGER_S = 1.0
# Read ahead so much at once: an hour is never in memory as a whole.
_BLOCK_BYTES = 1 << 19
_TEXT_BLOCK = 256
_BUFFER_S = 60
_BUFFER_SAMPLES = 2e6
_IRREGULAR_BUFFER = 360
_MOST_CHANNELS = 100_000

PLAYING = "Replaying"

SampleBlock: TypeAlias = NDArray[Any] | list[list[bytes]]
StreamChoice: TypeAlias = Callable[[StreamDescription], bool]
ReplayEnd: TypeAlias = Literal["end", "stop"]


@dataclass(frozen=True)
class ReplayedStream:
    """One stream as it is announced.

    Parameters
    ----------
    n_samples : int
        In the file.
    n_sent : int
        Sent so far.
    """

    stream: StreamDescription
    n_samples: int
    n_sent: int = 0


@dataclass(frozen=True)
class ReplayOutcome:
    """How a replay went.

    Parameters
    ----------
    seconds : float
        Of the recording, however fast it was played.
    worst_late_s : float
        How long after its stamp the latest sample left.
    ended_by : str
        ``end`` after the last sample, ``stop`` before it.
    """

    streams: tuple[ReplayedStream, ...]
    seconds: float
    worst_late_s: float
    ended_by: ReplayEnd


class _Track:
    """One stream's way out: reads ahead, sends what is due."""

    def __init__(self, source: XdfStream, stream: StreamDescription, times_s: FloatArray, due_s: FloatArray) -> None:
        self.stream = stream
        self._source = source
        self._times_s, self._due_s = times_s, due_s
        self._outlet: RawOutlet | None = None
        self._n_sent = 0
        n_bytes = 8 * stream.n_channels
        self._n_block = _TEXT_BLOCK if stream.format == "string" else max(1, _BLOCK_BYTES // n_bytes)
        self._block_first = self._n_in_block = self._next = 0
        self._block: SampleBlock = []
        self._block_stamps_s = self._times_s[:0]
        self._block_due_s: list[float] = []

    @property
    def replayed(self) -> ReplayedStream:
        """The stream and what of it has been sent."""
        return ReplayedStream(self.stream, len(self._times_s), self._n_sent)

    @property
    def has_consumers(self) -> bool:
        """Whether anyone listens."""
        return self._outlet is not None and self._outlet.has_consumers

    @property
    def next_s(self) -> float:
        """LSL time at which the next sample is due; infinite after the last."""
        return self._block_due_s[self._next] if self._next < self._n_in_block else math.inf

    def announce(self, desc: Element) -> None:
        """Make the stream discoverable."""
        buffered_s = _IRREGULAR_BUFFER
        if self.stream.nominal_hz:
            buffered_s = int(min(_BUFFER_S, max(1, _BUFFER_SAMPLES / self.stream.nominal_hz)))
        self._outlet = RawOutlet(self.stream, desc, buffered_s)

    def start(self, start_s: float, speed: float) -> None:
        """Begin at the first sample; recorded time 0 is at ``start_s``."""
        self._start_s, self._speed = start_s, speed
        self._read_ahead(0)

    def send(self, until_s: float) -> None:
        """Send every sample that is due by then."""
        assert self._outlet is not None
        while self.next_s <= until_s:
            stop = bisect.bisect_right(self._block_due_s, until_s, self._next)
            self._outlet.push(self._block[self._next : stop], self._block_stamps_s[self._next : stop])
            self._n_sent += stop - self._next
            self._next = stop
            if stop == self._n_in_block:
                self._read_ahead(self._block_first + stop)

    def close(self) -> None:
        """Withdraw the stream."""
        if self._outlet is not None:
            self._outlet.close()

    def _read_ahead(self, first: int) -> None:
        last = min(first + self._n_block, len(self._times_s))
        if self.stream.format == "string":
            self._block = self._source.raw_texts(first, last)
        else:
            self._block = np.ascontiguousarray(self._source.window(first, last).T)
        self._block_stamps_s = self._start_s + self._times_s[first:last] / self._speed
        self._block_due_s = (self._start_s + self._due_s[first:last] / self._speed).tolist()
        self._block_first, self._n_in_block, self._next = first, last - first, 0


class Replay:
    """A recording ready to be played; nothing is announced before ``announce``.

    Parameters
    ----------
    file : XdfFile
        Open as long as the replay runs.
    chosen : sequence of XdfStream
        Of ``file``; not empty.
    times : PlayTimes
        When their samples are due.
    speed : float
        Above 0.
    """

    def __init__(self, file: XdfFile, chosen: Sequence[XdfStream], times: PlayTimes, speed: float) -> None:
        self.seconds = times.seconds
        self.worst_late_s = 0.0
        self._file = file
        self._speed = speed
        self._start_s = 0.0
        self._cycle_s = max(times.seconds + max((1 / s.nominal_hz for s in chosen if s.nominal_hz), default=0.0), 1.0)
        self._descs = [_desc_of(stream, file.path, speed) for stream in chosen]
        self._tracks = [
            _Track(source, _announced(source, speed), times_s, due_s)
            for source, times_s, due_s in zip(chosen, times.times_s, times.due_s, strict=True)
        ]

    @property
    def streams(self) -> tuple[ReplayedStream, ...]:
        """What is announced, and how much of it has been sent."""
        return tuple(track.replayed for track in self._tracks)

    @property
    def has_all_consumers(self) -> bool:
        """Whether somebody listens to every stream."""
        return all(track.has_consumers for track in self._tracks)

    @property
    def has_consumers(self) -> bool:
        """Whether somebody listens to any stream."""
        return any(track.has_consumers for track in self._tracks)

    @property
    def next_s(self) -> float:
        """LSL time at which the next sample is due; infinite after the last."""
        return min(track.next_s for track in self._tracks)

    def position_s(self, now_s: float) -> float:
        """Recorded time that is being played."""
        return min(self.seconds, max(0.0, (now_s - self._start_s) * self._speed))

    def announce(self, live: Sequence[StreamDescription]) -> tuple[str, ...]:
        """Make all streams discoverable; returns which had to take another source id, one sentence each.

        Parameters
        ----------
        live : sequence of StreamDescription
            What is on the network already.
        """
        taken = {_identity(stream) for stream in live}
        remarks: list[str] = []
        for track, desc in zip(self._tracks, self._descs, strict=True):
            recorded = track.stream
            track.stream = _distinct(recorded, taken)
            taken.add(_identity(track.stream))
            if track.stream != recorded:
                remarks.append(
                    f"Another stream is {recorded.name!r} with source id {recorded.source_id!r} as well; the replayed "
                    f"one has the source id {track.stream.source_id!r}."
                )
            track.announce(desc)
        return tuple(remarks)

    def start(self, now_s: float) -> None:
        """Let the recording's first sample be due now."""
        self._start_s = now_s
        for track in self._tracks:
            track.start(now_s, self._speed)

    def step(self, now_s: float) -> bool:
        """Send what is due; False after the last sample."""
        due_s = self.next_s
        if due_s <= now_s:
            self.worst_late_s = max(self.worst_late_s, now_s - due_s)
            for track in self._tracks:
                if track.next_s <= now_s:
                    track.send(now_s)
        return due_s < math.inf

    def rewind(self) -> None:
        """Play it once more, right behind what was played."""
        self.start(self._start_s + self._cycle_s / self._speed)

    def outcome(self, ended_by: ReplayEnd) -> ReplayOutcome:
        """How it went."""
        return ReplayOutcome(self.streams, self.seconds, self.worst_late_s, ended_by)

    def close(self) -> None:
        """Withdraw all streams and let go of the file."""
        for track in self._tracks:
            track.close()
        self._file.close()


def open_replay(path: Path, is_wanted: StreamChoice, speed: float) -> tuple[Replay, tuple[str, ...]]:
    """Open a recording for replay; the second value says what cannot be played as it was recorded.

    Parameters
    ----------
    is_wanted : callable
        Takes a stream's description.
    speed : float
        Above 0.

    Raises
    ------
    RecordingError
        If it is unreadable, or none of its streams is wanted or can be announced.
    """
    # Opened for the stamps alone first: what they cost to decode is not kept.
    with read_xdf(path) as file:
        remarks = [f"{path.name} is damaged: {remark}." for remark in file.remarks]
        playable = [stream.id for stream in file.streams if _can_be_announced(stream)]
        wanted = [s for s in file.streams if s.id in playable and is_wanted(s.description)]
        remarks += [
            f"{s.name!r} is left out: {s.description.n_channels} channels cannot be streamed."
            for s in file.streams
            if s.id not in playable and is_wanted(s.description)
        ]
        if not wanted:
            names = ", ".join(sorted({repr(s.name) for s in file.streams})) or "none"
            raise RecordingError(
                f"{path.name} has no stream to replay among those asked for; its streams are: {names}."
                if file.streams
                else f"{path.name} has no streams, so there is nothing to replay; choose another recording."
            )
        ids = [stream.id for stream in wanted]
        times = play_times([s.name for s in wanted], [s.times_s for s in wanted])
    file = read_xdf(path)
    by_id = {stream.id: stream for stream in file.streams}
    return Replay(file, [by_id[id_] for id_ in ids], times, speed), (*remarks, *times.remarks)


def replay_work(replay: Replay, stop: threading.Event, waits_s: float, is_looping: bool) -> Work[ReplayOutcome]:
    """Play an announced recording in real time, then stay until receivers have had time to take the end.

    Yields about every 100 ms; closing the work ends the replay at once.

    Parameters
    ----------
    stop : threading.Event
        Ends the replay early; receivers get the time to take what was sent.
    waits_s : float
        So long it waits for receivers of every stream before it starts; without end if infinite.
    is_looping : bool
        Start again after the end until stopped.
    """
    total_s = max(replay.seconds, 1e-9)
    try:
        end_s = local_clock() + waits_s
        while not (replay.has_all_consumers or stop.is_set() or local_clock() >= end_s):
            yield Progress(0.0, total_s, "Waiting for receivers")
            time.sleep(_WAIT_STEP_S)
        replay.start(local_clock())
        told_s = 0.0
        ended_by: ReplayEnd = "stop"
        while not stop.is_set():
            now_s = local_clock()
            if not replay.step(now_s):
                if not is_looping:
                    ended_by = "end"
                    break
                replay.rewind()
            if now_s - told_s >= _TELL_S:
                told_s = now_s
                yield Progress(replay.position_s(now_s), total_s, PLAYING)
            # Close neighbours leave together; one that stands alone leaves on time.
            wake_s = min(max(replay.next_s, now_s + _STEP_S), now_s + _LONGEST_SLEEP_S)
            time.sleep(max(0.0, wake_s - local_clock()))
        end_s = local_clock() + _LINGER_S
        while replay.has_consumers and local_clock() < end_s:
            yield Progress(replay.position_s(local_clock()), total_s, "Waiting for receivers to take the last samples")
            time.sleep(_LONGEST_SLEEP_S)
    finally:
        replay.close()
    return replay.outcome(ended_by)


def _can_be_announced(stream: XdfStream) -> bool:
    return 0 < stream.description.n_channels <= _MOST_CHANNELS


def _announced(source: XdfStream, speed: float) -> StreamDescription:
    recorded = source.description
    # LSL refuses a stream without a name.
    return replace(recorded, name=recorded.name or f"stream {source.id}", nominal_hz=recorded.nominal_hz * speed)


def _desc_of(stream: XdfStream, path: Path, speed: float) -> Element:
    """The recorded ``desc`` with a note on where it comes from."""
    desc = Element("desc")
    recorded = stream.header.find("desc")
    if recorded is not None:
        desc.extend(child for child in recorded if child.tag != "replay")
    note = SubElement(desc, "replay")
    for tag, text in (
        ("file", path.name),
        ("speed", f"{speed:g}"),
        ("recorded_uid", stream.description.uid),
        ("recorded_hostname", stream.description.hostname),
    ):
        SubElement(note, tag).text = text
    return desc


def _identity(stream: StreamDescription) -> tuple[str, str, str]:
    return stream.name, stream.type, stream.source_id


def _distinct(stream: StreamDescription, taken: set[tuple[str, str, str]]) -> StreamDescription:
    """Return the stream, under another source id if its own is taken; an empty one identifies nothing."""
    if not stream.source_id or _identity(stream) not in taken:
        return stream
    ids = itertools.chain(["-replay"], (f"-replay{k}" for k in itertools.count(2)))
    candidates = (replace(stream, source_id=stream.source_id + ending) for ending in ids)
    return next(candidate for candidate in candidates if _identity(candidate) not in taken)
