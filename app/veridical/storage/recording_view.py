"""A recording opened for the eye: samples are read as they come on screen, times and pyramids in the background."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.progress import Progress, Work
from veridical.domain.recording import Signal
from veridical.domain.stream import Role, RoleAssignment
from veridical.domain.timeline import Timeline
from veridical.domain.viewing import ViewedRecording, ViewedSignal
from veridical.signals.pulses import measured_onsets
from veridical.signals.pyramid import build_pyramid_work
from veridical.storage.foreign_recording import ForeignFile, ForeignStream, foreign_format, open_foreign
from veridical.storage.pyramid_cache import PyramidFile, RecordingStamp, find_pyramids
from veridical.storage.recording_file import Stream, cast_roles, events_of, gain_of, hash_file
from veridical.storage.xdf_reader import XdfFile, XdfStream, read_xdf

# Fitting the times of the first minute takes 40 ms, of an hour two seconds.
_FIRST_LOOK_S = 60.0
# Signals whose pulses tell when pictures were on; read as a whole when there are any.
_PULSES: tuple[Role, ...] = ("photodiode", "TTL")


@dataclass(frozen=True, eq=False)
class StreamSamples:
    """Samples of a role in a file that stays open.

    Parameters
    ----------
    lock : Lock or None
        For readers that serve one thread at a time.
    """

    stream: Stream
    role: RoleAssignment
    gain: float
    lock: "threading.Lock | None" = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of channels and of samples."""
        return len(self.role.channels), self.stream.n_samples

    def read(self, first: int, stop: int) -> FloatArray:
        """Copy samples ``first`` to ``stop`` (excluded) of all channels: float32, SI units, any memory order."""
        with self.lock or contextlib.nullcontext():
            raw = self.stream.window(first, stop)
        if self.role.minus:
            return replace(self.role, gain=self.gain).apply(raw).astype(np.float32)
        rows = list(self.role.channels)
        part = raw if rows == list(range(len(raw))) else raw[rows]
        if part.dtype == np.float32 and not self.role.offset:
            if part.base is None or self.gain == 1.0:
                return np.asarray(part * np.float32(self.gain), dtype=np.float32)
            # The copy is ours: scaled in place, in the order in which it lies.
            part *= np.float32(self.gain)
            return np.asarray(part)
        # In float64: an offset of 150 mV on nanovolt steps must not be rounded before it is scaled.
        return np.asarray(part.astype(np.float64) * self.gain + self.role.offset, dtype=np.float32)


class RecordingView:
    """An open recording; ``recording`` is what can be seen of it by now.

    Parameters
    ----------
    path : Path
    roles : sequence of RoleAssignment
        Who plays what; guessed if empty, as in ``load_recording``.
    cache : Path
        Where pyramids and times are kept.

    Raises
    ------
    RecordingError
        As ``load_recording``.

    Notes
    -----
    Opening takes the chunk index, the first minute's times and the markers. ``time_work`` fits all times,
    ``build_work`` the pyramids. What was kept from the last time makes both short.
    """

    def __init__(self, path: Path, roles: Sequence[RoleAssignment], cache: Path) -> None:
        self._cache = cache
        self._file: XdfFile | ForeignFile = open_foreign(path) if foreign_format(path) else read_xdf(path)
        self._data_file = self._file.data_file if isinstance(self._file, ForeignFile) else path
        self._building: PyramidFile | None = None
        self.is_kept = True
        try:
            self._stamp = RecordingStamp.of(self._data_file)
            cast, self._filled, _, is_guessed = cast_roles(self._file, path, roles, with_defects=False)
            lock = threading.Lock() if isinstance(self._file, ForeignFile) else None
            self._sources = [StreamSamples(s, r, gain_of(r, s, is_guessed)[0], lock) for r, s in cast]
            self._identities = [_identity(s) for s in self._sources]
            self.recording = self._first_look(path)
        except BaseException:
            self._close_file()
            raise

    def time_work(self) -> Work[ViewedRecording]:
        """Fit the times of the whole recording; the time axis' zero is then that of ``load_recording``."""
        recording = self.recording
        if not recording.is_timed:
            for k, stream in enumerate(self._filled):
                yield Progress(k, len(self._filled), "Reading the times")
                stream.timeline  # noqa: B018 - computed once, kept by the stream
            origin_s = min(segment.start_s for s in self._filled for segment in s.timeline.segments)
            signals = tuple(
                replace(signal, timeline=_shift(source.stream.timeline, origin_s))
                for signal, source in zip(recording.signals, self._sources, strict=True)
            )
            recording = replace(
                recording, origin_s=origin_s, signals=signals, is_timed=True, events=events_of(self._file, origin_s)
            )
        self.recording = self._with_pulses(recording)
        return self.recording

    def allocate(self) -> ViewedRecording:
        """Give every signal a pyramid that is still empty, so that it can be seen growing."""
        recording = self.recording
        if self._building is None and any(s.envelope is None for s in recording.signals):
            self._building = PyramidFile(
                self._cache,
                self._stamp,
                recording.origin_s,
                [
                    (identity, signal.timeline, len(signal.labels))
                    for identity, signal in zip(self._identities, recording.signals, strict=True)
                ],
            )
            signals = tuple(
                replace(signal, envelope=pyramid)
                for signal, pyramid in zip(recording.signals, self._building.pyramids, strict=True)
            )
            self.recording = replace(recording, signals=signals)
        return self.recording

    def build_work(self) -> Work[ViewedRecording]:
        """Fill the pyramids, smallest signals first, and keep them with the recording's hash."""
        building = self._building
        if building is not None:
            try:
                total = sum(s.stream.n_samples * len(s.role.channels) for s in self._sources)
                done = 0
                order = sorted(range(len(self._sources)), key=lambda k: self._sources[k].shape[0])
                for k in order:
                    source, work = self._sources[k], build_pyramid_work(building.pyramids[k], self._sources[k])
                    for step in work:
                        yield Progress(done + step.done * source.shape[0], total, "Preparing the overview")
                    done += source.stream.n_samples * source.shape[0]
                yield Progress(total, total, "Preparing the overview")
                sha256 = hash_file(self._data_file)
                building.finish(sha256)
                self.is_kept, self._building = building.is_kept, None
                self.recording = replace(self.recording, sha256=sha256)
            finally:
                if self._building is not None:
                    building.discard()
        return self.recording

    def close(self) -> None:
        """Let go of the file; what is on screen stays readable until its last reader is gone."""
        self._close_file()

    def _close_file(self) -> None:
        if isinstance(self._file, XdfFile):
            self._file.close()
        else:
            self._file.__exit__(None, None, None)

    def _first_look(self, path: Path) -> ViewedRecording:
        kept = find_pyramids(self._cache, self._stamp, self._identities)
        if kept is not None:
            signals = tuple(
                ViewedSignal(s.role.role, s.stream.name, s.role.labels, s, c.timeline, c.pyramid)
                for s, c in zip(self._sources, kept.signals, strict=True)
            )
            length_s = max(s.timeline.stop_s for s in signals)
            events = events_of(self._file, kept.origin_s)
            recording = ViewedRecording(str(path), kept.origin_s, signals, events, length_s, sha256=kept.sha256)
            return self._with_pulses(recording)
        timelines = {id(s): _first_timeline(s) for s in self._filled}
        origin_s = min(segment.start_s for t in timelines.values() for segment in t.segments)
        signals = tuple(
            ViewedSignal(s.role.role, s.stream.name, s.role.labels, s, _shift(timelines[id(s.stream)], origin_s))
            for s in self._sources
        )
        stops = [s.last_s if isinstance(s, XdfStream) else s.timeline.stop_s for s in self._filled]
        is_timed = all(s.timeline.n_samples == s.n_samples for s in signals)
        recording = ViewedRecording(
            str(path), origin_s, signals, events_of(self._file, origin_s), max(stops) - origin_s, is_timed
        )
        return self._with_pulses(recording) if is_timed else recording

    def _with_pulses(self, recording: ViewedRecording) -> ViewedRecording:
        """Let pulses or light that the amplifier saw be the clock of the pictures, as ``load_recording`` does."""
        seen = [s for s in recording.signals if s.role in _PULSES]
        held = [Signal(s.role, s.stream, s.labels, s.source.read(0, s.n_samples), s.timeline) for s in seen]
        events, timing = measured_onsets(recording.events, held)
        return replace(recording, events=events, timing=timing)


def pyramid_beside(recording: Path) -> Path:
    """Where the pyramid of a recording outside any study is kept."""
    return recording.with_name(f".{recording.name}.pyramid")


def _first_timeline(stream: Stream) -> Timeline:
    if isinstance(stream, ForeignStream):
        return stream.timeline
    return stream.timeline_of_first(max(64, round(_FIRST_LOOK_S * stream.nominal_hz)))


def _identity(source: StreamSamples) -> str:
    role = source.role
    return repr(
        (role.role, source.stream.name, source.stream.source_id, role.channels, source.gain, role.offset, role.minus)
    )


def _shift(timeline: Timeline, origin_s: float) -> Timeline:
    return Timeline(tuple(replace(s, start_s=s.start_s - origin_s) for s in timeline.segments))
