"""A rater's annotations: a journal of every act (the truth) and a table made from it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from veridical.domain.annotation import AnnotationSet, Edit, Suggestion
from veridical.domain.errors import StorageError
from veridical.storage.append_only import AppendOnlyFile, read_lines
from veridical.storage.tables import write_table

ActKind = Literal["edit", "accept", "reject", "undo", "redo"]
_COLUMNS = ("onset", "duration", "label", "channels", "comment", "source")


@dataclass(frozen=True)
class Act:
    """One line of the journal.

    Parameters
    ----------
    kind : str
        ``undo`` and ``redo`` carry nothing else: they move along the acts before them.
    edit : Edit or None
        For ``edit`` and ``accept``.
    suggestion : Suggestion or None
        The one that was accepted or rejected.
    utc : str
        ISO 8601; filled in when it is written.
    """

    kind: ActKind
    edit: Edit | None = None
    suggestion: Suggestion | None = None
    utc: str = ""

    @property
    def text(self) -> str:
        """Name for the undo menu."""
        if self.kind == "accept" and self.suggestion is not None:
            return f"Accept {self.suggestion.label}"
        if self.kind == "reject" and self.suggestion is not None:
            return f"Reject {self.suggestion.label}"
        return self.edit.text if self.edit is not None else ""


@dataclass(frozen=True)
class AnnotationHistory:
    """Where a rater stands: the marks, the acts that undo takes back, and those that redo does again."""

    annotations: AnnotationSet = AnnotationSet()
    done: tuple[Act, ...] = ()
    undone: tuple[Act, ...] = ()

    @property
    def decided(self) -> frozenset[Suggestion]:
        """Suggestions that were accepted or rejected."""
        return frozenset(a.suggestion for a in self.done if a.suggestion is not None)

    def after(self, act: Act) -> "AnnotationHistory":
        """Return the history after one more act; an undo or redo with nothing to move changes nothing."""
        if act.kind == "undo":
            if not self.done:
                return self
            last = self.done[-1]
            marks = self.annotations if last.edit is None else self.annotations.apply(last.edit.inverse)
            return AnnotationHistory(marks, self.done[:-1], (*self.undone, last))
        if act.kind == "redo":
            if not self.undone:
                return self
            again = self.undone[-1]
            marks = self.annotations if again.edit is None else self.annotations.apply(again.edit)
            return AnnotationHistory(marks, (*self.done, again), self.undone[:-1])
        marks = self.annotations if act.edit is None else self.annotations.apply(act.edit)
        return AnnotationHistory(marks, (*self.done, act), ())


def read_annotation_journal(path: Path) -> AnnotationHistory:
    """Replay a journal; no file is an empty history, and a line cut off by a crash is left out.

    Raises
    ------
    StorageError
        If a whole line is damaged (names the line).
    """
    history = AnnotationHistory()
    for number, line in enumerate(read_lines(path), 1):
        try:
            history = history.after(msgspec.json.decode(line, type=Act))
        except msgspec.MsgspecError as error:
            raise StorageError(f"{path} line {number} is damaged ({error}); restore it from a backup.") from error
    return history


class AnnotationJournal:
    """The open journal of one rater; every act is on disk before ``append`` returns."""

    def __init__(self, path: Path) -> None:
        self._file = AppendOnlyFile(path)

    def append(self, act: Act) -> None:
        """Write one act; StorageError if that fails."""
        self._file.append(msgspec.json.encode(replace(act, utc=datetime.now(UTC).isoformat())))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_annotation_table(path: Path, annotations: AnnotationSet) -> None:
    """Write the marks as a table (atomically); no channels means all of them."""
    rows = [
        (f"{a.onset_s:.6f}", f"{a.duration_s:.6f}", a.label, ",".join(a.channels), a.comment, a.source)
        for a in annotations.annotations
    ]
    write_table(path, _COLUMNS, rows)
