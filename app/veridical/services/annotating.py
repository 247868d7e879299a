"""Annotating one recording: marks with undo, saved at every edit, suggestions, and the rater's own review."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from veridical.domain.agreement import LabelAgreement, compare
from veridical.domain.annotation import Annotation, AnnotationSet, Edit, Suggestion
from veridical.domain.errors import StorageError
from veridical.domain.method_record import MethodRecord, judge_methods
from veridical.domain.participant import RunKey, check_label
from veridical.domain.progress import Progress, Work
from veridical.domain.recording import Recording
from veridical.domain.review import Review, ReviewNote, segments_again
from veridical.domain.spans import Spans
from veridical.domain.viewing import ViewedRecording
from veridical.services.consensus import CONSENSUS, agreed_marks, open_disagreements
from veridical.services.recovery import recording_file
from veridical.services.reviewing import enter_try, pace_of
from veridical.services.run_facts import onsets_as_shown, roles_of
from veridical.services.study import Study
from veridical.services.trial_list import TrialLine, list_trials
from veridical.services.viewing import RunViewing, Viewing
from veridical.signals.observations import suggest_observed
from veridical.signals.suggestions import suggest_artifacts_work
from veridical.storage.annotation_file import (
    Act,
    AnnotationHistory,
    AnnotationJournal,
    read_annotation_journal,
    write_annotation_table,
)
from veridical.storage.ledger import EntryKind
from veridical.storage.recording_file import load_recording
from veridical.storage.review_file import append_review, read_review
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
    again : spans
        Stretches that are judged a second time, while that is done; else empty.
    problem : str
        Why nothing can be changed; empty if marks are saved.
    pace_s : float or None
        Seconds that the rater usually takes for a decision; None before there are some.
    """

    annotations: AnnotationSet
    suggestions: tuple[Suggestion, ...]
    undo_text: str | None
    redo_text: str | None
    review: Review = Review()
    again: Spans = ()
    problem: str = ""
    pace_s: float | None = None


class ActJournal(Protocol):
    """Where acts are written before they are shown."""

    def append(self, act: Act) -> Act:
        """Write one act and return it with its time."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class AnnotationDesk:
    """One rater at one recording; every act is on disk before the call returns.

    Where marks cannot be written (a read-only folder, another window at the same marks) they can be looked at, and
    ``state.problem`` says why.
    """

    viewing: Viewing
    # What the methods' records were computed from, and the records.
    _judged: tuple[AnnotationHistory, int, tuple[MethodRecord, ...]] | None = None

    def __init__(self, study: Study, key: RunKey, rater: str = "rater1") -> None:
        self.rater = check_label(rater, "rater name")
        self.settings = study.settings
        self._study, self._key = study, key
        paths = study.paths
        self.viewing = RunViewing(study, key)
        try:
            self._suggestions = read_suggestions(paths.suggestions(key))
            self._history = read_annotation_journal(paths.annotation_journal(key, rater))
            self._review = read_review(paths.review(key, rater))
        except BaseException:
            self.viewing.close()
            raise
        self._problem = ""
        self._journal: ActJournal | None = None
        try:
            self._journal = AnnotationJournal(paths.annotation_journal(key, rater))
        except StorageError as error:
            self._problem = str(error)
        self._again: tuple[ActJournal, AnnotationHistory, Spans] | None = None
        self._seen: list[tuple[float, float]] = []
        self._has_entered_edits = False
        self._similar: tuple[Suggestion, ...] = ()
        if rater == CONSENSUS:
            self._open_consensus()

    @property
    def recording(self) -> ViewedRecording:
        """What can be seen of the recording by now."""
        return self.viewing.recording

    @property
    def state(self) -> AnnotationState:
        """The current state."""
        history = self._history if self._again is None else self._again[1]
        decided = history.decided
        known = (*self._suggestions, *self._similar) if self._again is None else ()
        return AnnotationState(
            annotations=history.annotations,
            suggestions=tuple(s for s in known if s not in decided),
            undo_text=history.done[-1].text if history.done else None,
            redo_text=history.undone[-1].text if history.undone else None,
            review=self._review,
            again=self._again[2] if self._again is not None else (),
            problem=self._problem,
            pace_s=pace_of(history.done),
        )

    @property
    def trials(self) -> tuple[TrialLine, ...]:
        """The trials with what the marks do to them; without class, picture and ratings while the rater is blind."""
        is_blind = not self._review.is_unblinded
        return list_trials(self.recording, self._history.annotations, self.settings, is_blind=is_blind)

    # Marks ------------------------------------------------------------------------------------------
    def mark(self, annotation: Annotation) -> AnnotationState:
        """Add a mark (touching marks of the same label and channels merge)."""
        return self._edit(self._marks.add(self._inside(annotation))[1])

    def remove(self, annotation: Annotation) -> AnnotationState:
        """Remove a mark."""
        return self._edit(self._marks.remove(annotation)[1])

    def relabel(self, annotation: Annotation, label: str) -> AnnotationState:
        """Give a mark another label."""
        return self.change(annotation, replace(annotation, label=label))

    def change(self, annotation: Annotation, new: Annotation) -> AnnotationState:
        """Replace a mark: other edges, label, channels or comment."""
        return self._edit(self._marks.change(annotation, self._inside(new))[1])

    def split(self, annotation: Annotation, at_s: float) -> AnnotationState:
        """Cut a mark in two; nothing happens if the place is not inside it."""
        if not annotation.onset_s < at_s < annotation.stop_s:
            return self.state
        return self._edit(self._marks.split(annotation, at_s)[1])

    def merge(self, marks: Iterable[Annotation]) -> AnnotationState:
        """Make one mark of several of one label."""
        joined = tuple(marks)
        if len(joined) < 2 or len({m.label for m in joined}) > 1:
            return self.state
        return self._edit(self._marks.merge(joined)[1])

    def set_bad(self, channels: Iterable[str], is_bad: bool) -> AnnotationState:
        """Take channels out of the whole recording, or back in; features leave them out."""
        edit = self._marks.set_bad(channels, is_bad)[1]
        return self._edit(edit) if edit.newly_bad or edit.no_longer_bad else self.state

    def bring_in(self, annotations: AnnotationSet, source: str) -> AnnotationState:
        """Add marks from elsewhere as one act; what lies outside the recording is cut off, and equal marks stay single.

        Parameters
        ----------
        source : str
            Where from, e.g. a file's name.
        """
        stop_s = self.recording.stop_s
        present = {replace(m, source="") for m in self._marks.annotations}
        inside = annotations.clip(0.0, stop_s)[0].annotations
        new = tuple(replace(m, source=f"imported:{source}") for m in inside if replace(m, source="") not in present)
        bad = tuple(c for c in annotations.bad_channels if c not in self._marks.bad_channels)
        if not new and not bad:
            return self.state
        return self._edit(Edit("add", (), new, f"Import {len(new)} marks from {source}", (), bad))

    def undo(self) -> AnnotationState:
        """Take back the last act; nothing happens if there is none."""
        history = self._history if self._again is None else self._again[1]
        return self._do(Act("undo")) if history.done else self.state

    def redo(self) -> AnnotationState:
        """Do again what was taken back."""
        history = self._history if self._again is None else self._again[1]
        return self._do(Act("redo")) if history.undone else self.state

    # Suggestions ------------------------------------------------------------------------------------
    def accept(self, suggestion: Suggestion, label: str | None = None) -> AnnotationState:
        """Turn a suggestion into a mark, with another label if one is given."""
        proposed = suggestion.method if self.rater != CONSENSUS else suggestion.method.removeprefix("only ")
        mark = Annotation(
            onset_s=suggestion.onset_s,
            duration_s=suggestion.duration_s,
            label=label or suggestion.label,
            channels=suggestion.channels,
            source=f"suggested:{proposed}" if self.rater != CONSENSUS else f"resolved:{proposed}",
        )
        _, edit = self._marks.add(self._inside(mark))
        words = f"Accept {mark.label}" if label in (None, suggestion.label) else f"Accept as {mark.label}"
        return self._do(Act("accept", replace(edit, text=words), suggestion))

    def reject(self, suggestion: Suggestion) -> AnnotationState:
        """Drop a suggestion; the decision is stored."""
        return self._do(Act("reject", None, suggestion))

    def load_suggestions(self, suggestions: tuple[Suggestion, ...]) -> AnnotationState:
        """Take suggestions that were computed while the desk was open."""
        if self.rater != CONSENSUS:
            self._suggestions = suggestions
        return self.state

    def propose_similar(self, suggestions: tuple[Suggestion, ...]) -> AnnotationState:
        """Add stretches that look like a confirmed one, where nothing is marked or proposed yet."""
        taken = [(m.onset_s, m.stop_s) for m in self._marks.annotations]
        taken += [(s.onset_s, s.onset_s + s.duration_s) for s in (*self._suggestions, *self._similar)]
        new = [s for s in suggestions if not any(a < s.onset_s + s.duration_s and s.onset_s < b for a, b in taken)]
        if self.rater != CONSENSUS and self._again is None:
            self._similar = (*self._similar, *new)
        return self.state

    @property
    def methods(self) -> tuple[MethodRecord, ...]:
        """How each method did against this rater so far."""
        known = (*self._suggestions, *self._similar)
        if self._judged is None or self._judged[0] is not self._history or self._judged[1] != len(known):
            acts = [a for a in self._history.done if a.suggestion is not None]
            accepted = {a.suggestion for a in acts if a.kind == "accept" and a.suggestion is not None}
            rejected = {a.suggestion for a in acts if a.kind == "reject" and a.suggestion is not None}
            records = judge_methods(known, accepted, rejected, self._history.annotations.annotations)
            self._judged = self._history, len(known), records
        return self._judged[2]

    # Review -----------------------------------------------------------------------------------------
    def see(self, start_s: float, stop_s: float) -> Review:
        """Remember that a stretch was on screen; it is written with the next ``save_seen``."""
        note = ReviewNote("seen", max(0.0, start_s), min(stop_s, self.recording.stop_s))
        after = self._review.after(note)
        if after.seen != self._review.seen:
            self._review = after
            self._seen.append((note.start_s, note.stop_s))
        return self._review

    def save_seen(self) -> None:
        """Write what was on screen since the last time (at idle; ``close`` does it too)."""
        seen, self._seen = self._seen, []
        if self._problem:
            return
        for start_s, stop_s in seen:
            self._log(ReviewNote("seen", start_s, stop_s))

    def lock(self) -> AnnotationState:
        """Lock the recording as reviewed; what is changed after that is logged and counts as an analysis.

        Raises
        ------
        StorageError
            If it cannot be written, or not all of the recording was on screen.
        """
        self.save_seen()
        left = self._review.unseen(self.recording.stop_s)
        if left:
            raise StorageError(f"{len(left)} stretches were not on screen yet; look at all of it before you lock it.")
        if not self._review.is_locked:
            self._review = self._review.after(self._log(ReviewNote("locked")))
        return self.state

    def unblind(self) -> AnnotationState:
        """Show class, rating and picture from now on; logged, and counted as an analysis.

        Raises
        ------
        StorageError
            If the recording is not locked as reviewed, or the log cannot be written.
        """
        if not self._review.is_locked:
            raise StorageError("Classes and ratings are shown once the recording is locked as reviewed.")
        if not self._review.is_unblinded:
            self._review = self._review.after(self._log(ReviewNote("unblinded")))
            self._enter("unblinding", f"Rater {self.rater} saw classes and ratings of {self._key.stem}")
        return self.state

    # A tenth again ----------------------------------------------------------------------------------
    def start_again(self) -> AnnotationState:
        """Show a tenth of the recording a second time, without the marks of the first; both are compared at the end."""
        if self._again is None:
            path = self._study.paths.annotation_again(self._key, self.rater)
            history = read_annotation_journal(path)
            segments = segments_again(self.recording.stop_s, f"{self.rater} {self._key.stem}")
            self._again = AnnotationJournal(path), history, segments
        return self.state

    def end_again(self) -> tuple[LabelAgreement, ...]:
        """Go back to the first marks, and say how far the second ones agree with them in the stretches shown again."""
        if self._again is None:
            return ()
        journal, history, segments = self._again
        journal.close()
        self._again = None
        return compare(self._history.annotations.annotations, history.annotations.annotations, segments)

    # Files ------------------------------------------------------------------------------------------
    def find_mismatch(self) -> str:
        """Say so if the marks were made on another recording; empty if not, or not known yet.

        The first time that the recording's hash is known it is written into the journal.
        """
        found = self.recording.sha256
        if not found or self._problem:
            return ""
        if not self._history.recording:
            # Only beside marks: a rater who only looked leaves no file behind.
            if self._history.done:
                self._write_open(found)
            return ""
        if self._history.recording != found:
            return (
                f"These marks were made on another recording (SHA-256 {self._history.recording[:8]}…, this one is "
                f"{found[:8]}…). Nothing is lost; check that they lie where they should before you go on."
            )
        return ""

    def save_table(self) -> None:
        """Rewrite the table from the journal (at idle; ``close`` does it too)."""
        if self._problem:
            return
        about: dict[str, object] = {
            "RecordingSha256": self._history.recording or self.recording.sha256,
            "Rater": self.rater,
            "Review": {
                "ShareOnScreen": round(self._review.share(self.recording.stop_s), 4),
                "Locked": self._review.locked_utc,
                "Unblinded": self._review.is_unblinded,
                "EditsAfterLock": self._review.n_edits_after,
            },
        }
        if self.rater == CONSENSUS:
            about["Sources"] = [r for r in self._study.raters(self._key) if r != CONSENSUS]
        write_annotation_table(
            self._study.paths.annotation_table(self._key, self.rater), self._history.annotations, about
        )

    def close(self) -> None:
        """Rewrite the table and let go of the files."""
        if self._again is not None:
            self._again[0].close()
        try:
            self.save_seen()
            if self._history.done and not self._history.recording and self.recording.sha256 and not self._problem:
                self._write_open(self.recording.sha256)
            # A rater who only looked leaves no empty table behind.
            table = self._study.paths.annotation_table(self._key, self.rater)
            if self._history.done or self._history.undone or table.exists():
                self.save_table()
        finally:
            if self._journal is not None:
                self._journal.close()
            self.viewing.close()

    # Inside -----------------------------------------------------------------------------------------
    @property
    def _marks(self) -> AnnotationSet:
        return (self._history if self._again is None else self._again[1]).annotations

    def _edit(self, edit: Edit) -> AnnotationState:
        return self._do(Act("edit", edit))

    def _do(self, act: Act) -> AnnotationState:
        # First the disk, then the screen: what is shown is saved.
        if self._again is not None:
            journal, history, segments = self._again
            self._again = journal, history.after(journal.append(act)), segments
            return self.state
        if self._journal is None:
            raise StorageError(self._problem)
        if self._review.is_locked:
            text = act.text or act.kind
            self._review = self._review.after(self._log(ReviewNote("edited", text=text)))
            if not self._has_entered_edits:
                # One round of changes is one more try, however many marks it moves.
                self._has_entered_edits = True
                self._enter("marks changed", f"Rater {self.rater} changed marks of {self._key.stem} after the lock")
        if self.recording.sha256 and not self._history.recording:
            self._write_open(self.recording.sha256)
        self._history = self._history.after(self._journal.append(act))
        return self.state

    def _write_open(self, sha256: str) -> None:
        if self._journal is not None:
            self._history = self._history.after(self._journal.append(Act("open", recording=sha256)))

    def _log(self, note: ReviewNote) -> ReviewNote:
        return append_review(self._study.paths.review(self._key, self.rater), note)

    def _enter(self, kind: EntryKind, words: str) -> None:
        enter_try(self._study.paths.ledger(self._key.participant), kind, words)

    def _open_consensus(self) -> None:
        """Put in what all raters agree on, once, and propose the rest."""
        agreed = agreed_marks(self._study, self._key)
        self._suggestions = open_disagreements(self._study, self._key, self.recording.stop_s)
        if not self._history.done and not self._history.undone and agreed.annotations and self._journal is not None:
            new, bad = agreed.annotations, agreed.bad_channels
            self._edit(Edit("add", (), new, f"Take over {len(new)} marks that all raters made", (), bad))

    def _inside(self, annotation: Annotation) -> Annotation:
        """Cut a mark to the recording; StorageError if nothing is left of it."""
        end = self.recording.stop_s
        start = min(max(0.0, annotation.onset_s), end)
        stop = min(max(start, annotation.stop_s), end)
        if stop <= start:
            raise StorageError(
                f"{annotation.onset_s:.2f} to {annotation.stop_s:.2f} s lies outside the recording, which ends at "
                f"{end:.2f} s; nothing was marked."
            )
        return replace(annotation, onset_s=start, duration_s=stop - start)


def load_run(study: Study, key: RunKey) -> Recording:
    """Read a run's recording with its roles; RecordingError if there is none or it cannot be read."""
    recording = load_recording(recording_file(study, key), roles_of(study, key))
    events, timing = onsets_as_shown(study, key, recording)
    return replace(recording, events=events, timing=timing)


def merged_marks(study: Study, key: RunKey) -> tuple[AnnotationSet, tuple[str, ...]]:
    """The marks that count for a run, and whose they are: the consensus if there is one, else those of all raters."""
    raters = study.raters(key)
    if CONSENSUS in raters:
        raters = (CONSENSUS,)
    marks: set[Annotation] = set()
    bad: set[str] = set()
    for rater in raters:
        own = read_annotation_journal(study.paths.annotation_journal(key, rater)).annotations
        marks.update(own.annotations)
        bad.update(own.bad_channels)
    return AnnotationSet(tuple(sorted(marks)), tuple(sorted(bad))), raters


def suggest_work(study: Study, key: RunKey) -> Work[tuple[Suggestion, ...]]:
    """Compute artifact suggestions and write them to ``suggestions.tsv``."""
    yield Progress(0, 1, "Reading the recording")
    recording = load_run(study, key)
    found = yield from suggest_artifacts_work(recording, study.settings.analysis.line_noise_hz)
    seen = suggest_observed(recording.events, recording.stop_s)
    found = tuple(sorted((*found, *seen), key=lambda s: (s.onset_s, s.label, s.channels)))
    write_suggestions(study.paths.suggestions(key), found)
    return found
