"""What a report says of recordings and marks, collected from their files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from veridical.domain.annotation import Annotation
from veridical.domain.participant import RunKey
from veridical.domain.recording import Recording, Signal
from veridical.reports.content import AnnotationSummary, RecordingFacts, StreamFacts
from veridical.services.annotating import merged_marks
from veridical.services.study import Study
from veridical.signals.quality import assess_channels
from veridical.storage.annotation_file import read_annotation_journal
from veridical.storage.session_file import find_session
from veridical.storage.suggestion_table import read_suggestions

# A stretch in the middle stands for the whole: caps are still being settled at the start.
_QUALITY_S = 30.0


def recording_facts(study: Study, key: RunKey, recording: Recording) -> RecordingFacts:
    """Collect what the session file and the recording say of one run."""
    session = find_session(study.paths.session_file(key))
    streams = [_stream_facts(s, study.settings.analysis.line_noise_hz) for s in recording.signals]
    markers = StreamFacts("markers", "veridical-markers", 1, 0.0, 0.0, len(recording.events))
    ending = None if session is None else session.presenter_ended
    ended = "" if ending is None else ": ".join(w for w in (ending.how, ending.detail) if w)
    return RecordingFacts(
        key=key,
        file=Path(recording.file).name,
        sha256=recording.sha256,
        seconds=recording.stop_s,
        streams=(*streams, markers),
        is_verified=None if session is None else session.is_verified,
        screen="" if session is None else session.screen_used,
        n_dropped_frames=None if session is None else session.n_dropped_frames,
        timing=recording.timing.words,
        timing_problem="" if session is None else session.timing_problem,
        ended=ended,
        defects=recording.defects,
        overrides=() if session is None else tuple(f"{o.title}: {o.words} ({o.reason})" for o in session.overrides),
        was=() if session is None else tuple(dict.fromkeys(r.was.folder for r in session.relabelled)),
        simulation=None if session is None else session.simulation,
        has_simulated_participant=session is not None and session.has_simulated_participant,
    )


def _stream_facts(signal: Signal, line_noise_hz: float) -> StreamFacts:
    hz = signal.sampling_hz
    n = signal.samples.shape[1]
    half = round(_QUALITY_S * hz / 2)
    middle = signal.samples[:, max(0, n // 2 - half) : n // 2 + half]
    poor = [q for q in assess_channels(middle, hz, signal.labels, signal.role, line_noise_hz) if q.light != "good"]
    words = "; ".join(f"{q.label}: {q.words}" for q in poor[:3]) + (f"; and {len(poor) - 3} more" * (len(poor) > 3))
    span_s = signal.timeline.stop_s - signal.timeline.start_s
    return StreamFacts(
        role=signal.role,
        name=signal.stream,
        n_channels=len(signal.labels),
        nominal_hz=float(round(hz)) if hz >= 1 else hz,
        effective_hz=n / span_s if span_s > 0 else 0.0,
        n_samples=n,
        words=words,
        poor=tuple(q.label for q in poor),
    )


def annotation_summary(study: Study, runs: Sequence[tuple[RunKey, float]]) -> AnnotationSummary:
    """Summarise how runs were marked.

    Parameters
    ----------
    runs : sequence of (RunKey, float)
        Runs with their length in seconds.
    """
    raters: set[str] = set()
    by_label: dict[str, int] = {}
    marked_s = reviewed_s = 0.0
    n_suggestions = n_undecided = 0
    for key, seconds in runs:
        marks, names = merged_marks(study, key)
        raters.update(names)
        for mark in marks.annotations:
            by_label[mark.label] = by_label.get(mark.label, 0) + 1
        marked_s += _covered(marks.annotations, seconds)
        histories = [read_annotation_journal(study.paths.annotation_journal(key, r)) for r in names]
        decided = {s for h in histories for s in h.decided}
        # Raters go from left to right: what lies before their furthest act has been looked at.
        ends = [m.stop_s for m in marks.annotations] + [s.onset_s + s.duration_s for s in decided]
        reviewed_s += min(seconds, max(ends, default=0.0))
        suggestions = read_suggestions(study.paths.suggestions(key))
        n_suggestions += len(suggestions)
        n_undecided += sum(s not in decided for s in suggestions)
    total_s = sum(seconds for _, seconds in runs) or 1.0
    return AnnotationSummary(
        raters=tuple(sorted(raters)),
        by_label=by_label,
        marked_share=marked_s / total_s,
        reviewed_share=reviewed_s / total_s,
        n_suggestions=n_suggestions,
        n_undecided=n_undecided,
    )


def _covered(marks: Sequence[Annotation], seconds: float) -> float:
    """Seconds under at least one mark."""
    spans = sorted((max(0.0, m.onset_s), min(seconds, m.stop_s)) for m in marks)
    covered, reach = 0.0, 0.0
    for start, stop in spans:
        covered += max(0.0, stop - max(start, reach))
        reach = max(reach, stop)
    return float(np.clip(covered, 0.0, seconds))
