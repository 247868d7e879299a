"""Annotating one recording: marks with undo, saved at every edit, and suggestions."""

from dataclasses import dataclass, replace

from veridical.domain.annotation import Annotation, AnnotationSet, Suggestion
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work
from veridical.domain.recording import Recording
from veridical.domain.viewing import ViewedRecording
from veridical.services.recovery import recording_file
from veridical.services.run_facts import onsets_as_shown, roles_of
from veridical.services.study import Study
from veridical.services.viewing import RunViewing, Viewing
from veridical.signals.observations import suggest_observed
from veridical.signals.suggestions import suggest_artifacts_work
from veridical.storage.annotation_file import Act, AnnotationJournal, read_annotation_journal, write_annotation_table
from veridical.storage.recording_file import load_recording
from veridical.storage.suggestion_table import read_suggestions, write_suggestions


@dataclass(frozen=True)
class AnnotationState:
    """What the Annotate page shows.

    Parameters
    ----------
    suggestions : tuple of Suggestion
        Those that the rater has not decided on.
    undo_text, redo_text : str or None
        Name of the act that undo or redo would take back; None if there is none.
    """

    annotations: AnnotationSet
    suggestions: tuple[Suggestion, ...]
    undo_text: str | None
    redo_text: str | None


class AnnotationDesk:
    """One rater at one recording; every act is on disk before the call returns."""

    viewing: Viewing

    def __init__(self, study: Study, key: RunKey, rater: str = "rater1") -> None:
        self._table = study.paths.annotation_table(key, rater)
        journal = study.paths.annotation_journal(key, rater)
        self.viewing = RunViewing(study, key)
        self._suggestions = read_suggestions(study.paths.suggestions(key))
        self._history = read_annotation_journal(journal)
        self._journal = AnnotationJournal(journal)

    @property
    def recording(self) -> ViewedRecording:
        """What can be seen of the recording by now."""
        return self.viewing.recording

    @property
    def state(self) -> AnnotationState:
        """The current state."""
        history = self._history
        decided = history.decided
        return AnnotationState(
            annotations=history.annotations,
            suggestions=tuple(s for s in self._suggestions if s not in decided),
            undo_text=history.done[-1].text if history.done else None,
            redo_text=history.undone[-1].text if history.undone else None,
        )

    def mark(self, annotation: Annotation) -> AnnotationState:
        """Add a mark (touching marks of the same label and channels merge)."""
        _, edit = self._history.annotations.add(self._inside(annotation))
        return self._do(Act("edit", edit))

    def remove(self, annotation: Annotation) -> AnnotationState:
        """Remove a mark."""
        _, edit = self._history.annotations.remove(annotation)
        return self._do(Act("edit", edit))

    def relabel(self, annotation: Annotation, label: str) -> AnnotationState:
        """Give a mark another label."""
        _, edit = self._history.annotations.change(annotation, replace(annotation, label=label))
        return self._do(Act("edit", edit))

    def undo(self) -> AnnotationState:
        """Take back the last act; nothing happens if there is none."""
        return self._do(Act("undo")) if self._history.done else self.state

    def redo(self) -> AnnotationState:
        """Do again what was taken back."""
        return self._do(Act("redo")) if self._history.undone else self.state

    def accept(self, suggestion: Suggestion) -> AnnotationState:
        """Turn a suggestion into a mark."""
        mark = Annotation(
            onset_s=suggestion.onset_s,
            duration_s=suggestion.duration_s,
            label=suggestion.label,
            channels=suggestion.channels,
            source=f"suggested:{suggestion.method}",
        )
        _, edit = self._history.annotations.add(self._inside(mark))
        return self._do(Act("accept", replace(edit, text=f"Accept {mark.label}"), suggestion))

    def reject(self, suggestion: Suggestion) -> AnnotationState:
        """Drop a suggestion; the decision is stored."""
        return self._do(Act("reject", None, suggestion))

    def load_suggestions(self, suggestions: tuple[Suggestion, ...]) -> AnnotationState:
        """Take suggestions that were computed while the desk was open."""
        self._suggestions = suggestions
        return self.state

    def save_table(self) -> None:
        """Rewrite the table from the journal (at idle; ``close`` does it too)."""
        write_annotation_table(self._table, self._history.annotations)

    def close(self) -> None:
        """Rewrite the table and let go of the files."""
        self._journal.close()
        self.viewing.close()
        # A rater who only looked leaves no empty table behind.
        if self._history.done or self._history.undone or self._table.exists():
            self.save_table()

    def _do(self, act: Act) -> AnnotationState:
        # First the disk, then the screen: what is shown is saved.
        self._journal.append(act)
        self._history = self._history.after(act)
        return self.state

    def _inside(self, annotation: Annotation) -> Annotation:
        """Cut a mark to the recording."""
        start = min(max(0.0, annotation.onset_s), self.recording.stop_s)
        stop = min(max(start, annotation.stop_s), self.recording.stop_s)
        return replace(annotation, onset_s=start, duration_s=stop - start)


def load_run(study: Study, key: RunKey) -> Recording:
    """Read a run's recording with its roles; RecordingError if there is none or it cannot be read."""
    recording = load_recording(recording_file(study, key), roles_of(study, key))
    events, timing = onsets_as_shown(study, key, recording)
    return replace(recording, events=events, timing=timing)


def merged_marks(study: Study, key: RunKey) -> tuple[AnnotationSet, tuple[str, ...]]:
    """All raters' marks of a run in one set, and who they are."""
    raters = study.raters(key)
    marks: set[Annotation] = set()
    for rater in raters:
        marks.update(read_annotation_journal(study.paths.annotation_journal(key, rater)).annotations.annotations)
    return AnnotationSet(tuple(sorted(marks))), raters


def suggest_work(study: Study, key: RunKey) -> Work[tuple[Suggestion, ...]]:
    """Compute artifact suggestions and write them to ``suggestions.tsv``."""
    yield Progress(0, 1, "Reading the recording")
    recording = load_run(study, key)
    found = yield from suggest_artifacts_work(recording, study.settings.analysis.line_noise_hz)
    seen = suggest_observed(recording.events, recording.stop_s)
    found = tuple(sorted((*found, *seen), key=lambda s: (s.onset_s, s.label, s.channels)))
    write_suggestions(study.paths.suggestions(key), found)
    return found
