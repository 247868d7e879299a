"""A session that is over, read back from its files: counts, gaps, markers, quality, and how many trials can be used."""

import contextlib
from dataclasses import dataclass

import numpy as np

from veridical.domain.annotation import AnnotationSet
from veridical.domain.errors import AnalysisError, RecordingError
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work
from veridical.domain.recording import Signal
from veridical.features.extraction import extract_features
from veridical.services.annotating import load_run
from veridical.services.recording_parts import find_parts
from veridical.services.report_facts import recording_facts
from veridical.services.study import Study
from veridical.storage.journal import read_journal
from veridical.storage.xdf_reader import read_xdf

# Both stamps are the same float64; text files keep more digits than this.
_SAME_S = 1e-6


@dataclass(frozen=True)
class ExaminedStream:
    """One role as it stands in the file.

    Parameters
    ----------
    n_gaps, missing_s : int, float
        Holes in its time, and how long they are together.
    quality : str
        Which channels were poor in the middle of the session; empty if none was.
    """

    role: str
    name: str
    n_channels: int
    n_samples: int
    effective_hz: float
    n_gaps: int
    missing_s: float
    quality: str


@dataclass(frozen=True)
class MarkerCheck:
    """The recording's markers beside the presenter's journal.

    Parameters
    ----------
    n_recorded, n_journal : int
        Markers in each.
    n_same : int
        Those that stand in both, with the same words and stamp.
    """

    n_recorded: int
    n_journal: int
    n_same: int

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing on either side."""
        return self.n_recorded == self.n_journal == self.n_same


@dataclass(frozen=True)
class Examination:
    """What the files of a session hold.

    Parameters
    ----------
    n_shown, n_usable : int
        Analysed trials, and those with an answer on the target scale and whole signals.
    unusable : tuple of str
        Why the others cannot be used: "3 trials: gap in EEG".
    """

    streams: tuple[ExaminedStream, ...]
    markers: MarkerCheck
    n_shown: int
    n_usable: int
    unusable: tuple[str, ...]


def examine_work(study: Study, key: RunKey) -> Work[Examination]:
    """Read a run back from disk, step by step; closing it cancels.

    Raises
    ------
    RecordingError
        If there is no recording, or it holds no signal.
    """
    yield Progress(0, 4, "Comparing markers with the journal")
    markers = check_markers(study, key)
    yield Progress(1, 4, "Reading the recording back")
    recording = load_run(study, key)
    yield Progress(2, 4, "Judging the signals")
    facts = recording_facts(study, key, recording)
    streams = tuple(
        _examine(signal, stream.words) for signal, stream in zip(recording.signals, facts.streams, strict=False)
    )
    yield Progress(3, 4, "Counting usable trials")
    n_shown, n_usable = 0, 0
    unusable: tuple[str, ...] = ()
    # A session that was given up before its first picture has none.
    with contextlib.suppress(AnalysisError):
        features = extract_features(recording, AnnotationSet(), study.settings)
        target = study.settings.analysis.target
        answered = np.array([t.value(target) is not None for t in features.trials], dtype=bool)
        kept = np.asarray(features.kept, dtype=bool)
        n_shown, n_usable = len(features.trials), int(np.sum(answered & kept))
        reasons = [r or "no answer" for r, u in zip(features.reasons, answered & kept, strict=True) if not u]
        unusable = tuple(f"{reasons.count(r)} × {r}" for r in dict.fromkeys(reasons))
    return Examination(streams, markers, n_shown, n_usable, unusable)


def check_markers(study: Study, key: RunKey) -> MarkerCheck:
    """Compare the recording's marker stream with the journal, word by word and stamp by stamp."""
    journal = study.paths.journal(key)
    written = [(line.lsl_s, line.marker) for line in read_journal(journal)] if journal.exists() else []
    recorded: list[tuple[float, str]] = []
    for part in find_parts(study, key):
        with contextlib.suppress(RecordingError, OSError), read_xdf(part) as file:
            for stream in file.streams:
                if stream.name == MARKER_STREAM_NAME and stream.description.format == "string" and stream.n_samples:
                    recorded += zip(stream.timestamps.tolist(), (str(s) for s in stream.samples[0]), strict=True)
    left = sorted(recorded)
    n_same = 0
    for lsl_s, text in sorted(written):
        match = next((k for k, (s, t) in enumerate(left) if t == text and abs(s - lsl_s) <= _SAME_S), None)
        if match is not None:
            left.pop(match)
            n_same += 1
    return MarkerCheck(len(recorded), len(written), n_same)


def _examine(signal: Signal, quality: str) -> ExaminedStream:
    segments = signal.timeline.segments
    n = signal.samples.shape[1]
    span_s = signal.timeline.stop_s - signal.timeline.start_s
    held_s = sum(s.n * s.period_s for s in segments)
    return ExaminedStream(
        role=signal.role,
        name=signal.stream,
        n_channels=len(signal.labels),
        n_samples=n,
        effective_hz=n / held_s if held_s > 0 else 0.0,
        n_gaps=max(0, len(segments) - 1),
        missing_s=max(0.0, span_s - held_s),
        quality=quality,
    )
