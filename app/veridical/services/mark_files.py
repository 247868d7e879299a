"""Marks of a run to and from the files of other programs."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from veridical.domain.annotation import AnnotationSet
from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.participant import RunKey
from veridical.services.annotating import AnnotationDesk
from veridical.services.consensus import CONSENSUS
from veridical.services.study import Study
from veridical.storage.annotation_file import read_annotation_journal
from veridical.storage.journal import read_journal
from veridical.storage.mark_exchange import MarkFormat, format_of, read_marks, write_marks


@dataclass(frozen=True)
class BroughtIn:
    """What an import did: marks added, known already, outside the recording; and a doubt in words, or none."""

    n_added: int
    n_known: int
    n_outside: int
    doubt: str = ""

    @property
    def words(self) -> str:
        """One sentence."""
        parts = [f"{self.n_added} marks brought in"]
        if self.n_known:
            parts.append(f"{self.n_known} were there already")
        if self.n_outside:
            parts.append(f"{self.n_outside} lie outside the recording and were left out")
        return ", ".join(parts) + f". {self.doubt}".rstrip()


def begun_at(study: Study, key: RunKey, origin_s: float) -> datetime | None:
    """Wall clock (UTC) of a recording's time zero, from the journal of its session; None if nothing tells.

    A recording made elsewhere has a journal whose wall clock is that of the import, which tells nothing.
    """
    if study.paths.recording(key).suffix != ".xdf":
        return _begun_of_file(study.paths.recording(key))
    try:
        lines = read_journal(study.paths.journal(key))
    except (StorageError, OSError):
        return None
    if not lines:
        return None
    at = datetime.fromisoformat(lines[0].utc)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - timedelta(seconds=lines[0].lsl_s - origin_s)


def export_marks(study: Study, key: RunKey, rater: str, out: Path, origin_s: float, fmt: MarkFormat | None) -> int:
    """Write a rater's marks for another program; returns how many.

    Raises
    ------
    StorageError
        If the rater has marked nothing, the name's ending is unknown, or the file exists or cannot be written.
    """
    marks = read_annotation_journal(study.paths.annotation_journal(key, rater)).annotations
    if not marks.annotations and not marks.bad_channels:
        known = ", ".join(study.raters(key)) or "nobody yet"
        raise StorageError(f"{rater} has marked nothing in {key.stem}; it was marked by: {known}.")
    if out.exists():
        raise StorageError(f"{out} exists already; choose another name.")
    write_marks(out, marks, begun_at(study, key, origin_s), fmt)
    return len(marks.annotations)


def import_marks(study: Study, key: RunKey, desk: AnnotationDesk, file: Path) -> BroughtIn:
    """Bring marks from a file to a rater's own, as one act that undo takes back.

    Raises
    ------
    StorageError
        If the file is of no known format or damaged, or marks cannot be saved.
    """
    found = read_marks(file)
    marks = _with_known_labels(found.on(begun_at(study, key, desk.recording.origin_s)), desk)
    stop_s = desk.recording.stop_s
    n_inside = len(marks.clip(0.0, stop_s)[0].annotations)
    before = len(desk.state.annotations.annotations)
    desk.bring_in(marks, file.name)
    n_added = len(desk.state.annotations.annotations) - before
    doubt = ""
    recording = desk.recording.sha256
    if found.recording and recording and found.recording != recording:
        doubt = "The file names another recording (its SHA-256 differs): check where the marks lie, or undo."
    elif len(marks.annotations) > n_inside:
        doubt = "Check that the file belongs to this recording."
    return BroughtIn(n_added, n_inside - n_added, len(marks.annotations) - n_inside, doubt)


def check_rater(study: Study, key: RunKey, rater: str) -> str:
    """The rater to read: the one named, else the consensus, else the only one; StorageError names the choices."""
    raters = study.raters(key)
    if rater:
        return rater
    if CONSENSUS in raters:
        return CONSENSUS
    if len(raters) == 1:
        return raters[0]
    raise StorageError(
        f"{key.stem} was marked by {', '.join(raters)}; choose one with --rater."
        if raters
        else f"{key.stem} was marked by nobody yet; mark it on the Annotate page first."
    )


def _with_known_labels(marks: AnnotationSet, desk: AnnotationDesk) -> AnnotationSet:
    """Other programs' words for our labels; what fits none becomes ``other`` with the word as comment."""
    by_word = {word.lower(): label.id for label in desk.settings.artifact_labels for word in (label.id, label.words)}
    fallback = "other" if "other" in by_word.values() else desk.settings.artifact_labels[-1].id
    found = []
    for mark in marks.annotations:
        word = mark.label.removeprefix("BAD_").removeprefix("BAD ").removeprefix("bad_").removeprefix("bad ").strip()
        label = by_word.get(word.lower())
        comment = mark.comment if label else "; ".join(part for part in (word, mark.comment) if part)
        found.append(replace(mark, label=label or fallback, comment=comment))
    return replace(marks, annotations=tuple(sorted(found)))


def _begun_of_file(path: Path) -> datetime | None:
    import mne

    try:
        date = mne.io.read_raw(path, preload=False, verbose="error").info["meas_date"]
    except (RecordingError, OSError, ValueError, RuntimeError):
        return None
    return date.replace(tzinfo=UTC) if isinstance(date, datetime) else None


__all__ = ["BroughtIn", "begun_at", "check_rater", "export_marks", "format_of", "import_marks"]
