"""Looking at a recording: first a glance, then its times, pyramids, heart beats and skin responses."""

from dataclasses import replace

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.landmarks import Landmarks
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work
from veridical.domain.stream import Role
from veridical.domain.viewing import ViewedRecording, ViewedSignal
from veridical.services.recovery import recording_file
from veridical.services.run_facts import onsets_as_shown, roles_of
from veridical.services.study import Study
from veridical.signals.heart import find_beats
from veridical.signals.pyramid import Pyramid, PyramidLayout, build_pyramid_work
from veridical.signals.skin import find_responses
from veridical.storage.recording_view import RecordingView

_BLOCK = 1 << 18


class Viewing:
    """A recording that is in memory as a whole.

    Attributes
    ----------
    recording : ViewedRecording
        What can be seen by now; a new value whenever work has ended.
    is_kept : bool
        Whether what was prepared is kept for the next time.
    """

    def __init__(self, recording: ViewedRecording) -> None:
        self.recording = recording
        self.is_kept = True

    def time_work(self) -> Work[ViewedRecording]:
        """Find the times of all samples, and give every signal an envelope that is still empty."""
        yield Progress(0, 1, "Reading the times")
        signals = []
        for signal in self.recording.signals:
            layout = PyramidLayout.of(signal.timeline, len(signal.labels))
            pyramid = Pyramid(layout, np.full(layout.shape, np.nan, dtype=np.float32))
            signals.append(replace(signal, envelope=pyramid) if signal.envelope is None else signal)
        self.recording = replace(self.recording, signals=tuple(signals))
        return self.recording

    def build_work(self) -> Work[ViewedRecording]:
        """Fill the envelopes."""
        for signal in self.recording.signals:
            if isinstance(signal.envelope, Pyramid) and not signal.envelope.is_done:
                yield from build_pyramid_work(signal.envelope, signal.source, "Preparing the overview")
        return self.recording

    def landmarks_work(self) -> Work[Landmarks]:
        """Find heart beats and skin responses over the whole recording."""
        found = Landmarks()
        for signal in self.recording.signals:
            if signal.role == "ECG" and not len(found.beats_s):
                ecg = yield from _first_channel_work(signal, "Looking for heart beats")
                beats = find_beats(ecg, signal.timeline)
                intervals_s = np.concatenate([[np.nan], beats.intervals_s])[: len(beats.times_s)]
                intervals_s = np.where(beats.is_plausible, intervals_s, np.nan)
                own = ~beats.is_inserted
                found = replace(found, beats_s=beats.times_s[own], intervals_s=intervals_s[own])
            elif signal.role == "EDA" and not len(found.responses_s):
                eda = yield from _first_channel_work(signal, "Looking for skin responses")
                responses = find_responses(eda, signal.timeline)
                found = replace(
                    found,
                    responses_s=responses.onsets_s,
                    peaks_s=responses.peaks_s,
                    amplitudes_s=responses.amplitudes_s,
                )
        return found

    def close(self) -> None:
        """Nothing to let go of."""


class RunViewing(Viewing):
    """A run's recording, read from its file as it comes on screen.

    Raises
    ------
    RecordingError
        If there is none or it cannot be read.
    """

    def __init__(self, study: Study, key: RunKey) -> None:
        self._study, self._key = study, key
        self._view = RecordingView(recording_file(study, key), roles_of(study, key), study.paths.pyramid(key))
        super().__init__(self._corrected(self._view.recording))

    def time_work(self) -> Work[ViewedRecording]:
        """Find the times of all samples, and give every signal an envelope that is still empty."""
        yield from self._view.time_work()
        self.recording = self._corrected(self._view.allocate())
        return self.recording

    def build_work(self) -> Work[ViewedRecording]:
        """Fill the envelopes and keep them beside the annotations."""
        built = yield from self._view.build_work()
        self.recording, self.is_kept = self._corrected(built), self._view.is_kept
        return self.recording

    def close(self) -> None:
        """Let go of the file."""
        self._view.close()

    def _corrected(self, recording: ViewedRecording) -> ViewedRecording:
        events, timing = onsets_as_shown(self._study, self._key, recording)
        return replace(recording, events=events, timing=timing)


def signal_of(recording: ViewedRecording, role: Role) -> ViewedSignal | None:
    """The first signal of a role, None if there is none."""
    return next((s for s in recording.signals if s.role == role), None)


def _first_channel_work(signal: ViewedSignal, text: str) -> Work[FloatArray]:
    """Read a signal's first channel, block by block, so that its neighbours never fill the memory."""
    channel = np.empty(signal.n_samples, dtype=np.float32)
    for first in range(0, signal.n_samples, _BLOCK):
        stop = min(first + _BLOCK, signal.n_samples)
        channel[first:stop] = signal.source.read(first, stop)[0]
        yield Progress(stop, signal.n_samples, text)
    return channel
