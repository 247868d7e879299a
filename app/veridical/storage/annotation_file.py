"""A rater's annotations: a journal of every act (the truth) and a table made from it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from veridical.domain.annotation import Annotation, AnnotationSet, Edit, Suggestion
from veridical.domain.errors import StorageError
from veridical.storage.append_only import AppendOnlyFile, read_lines
from veridical.storage.atomic import write_atomically
from veridical.storage.tables import read_table, write_table

# ``open`` names the recording that the marks belong to; it is no act that undo would take back.
ActKind = Literal["edit", "accept", "reject", "undo", "redo", "open"]
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
    recording : str
        For ``open``: SHA-256 of the raw file.
    """

    kind: ActKind
    edit: Edit | None = None
    suggestion: Suggestion | None = None
    utc: str = ""
    recording: str = ""

    @property
    def text(self) -> str:
        """Name for the undo menu."""
        if self.kind == "accept" and self.suggestion is not None:
            return self.edit.text if self.edit is not None else f"Accept {self.suggestion.label}"
        if self.kind == "reject" and self.suggestion is not None:
            return f"Reject {self.suggestion.label}"
        return self.edit.text if self.edit is not None else ""


@dataclass(frozen=True)
class AnnotationHistory:
    """Where a rater stands: the marks, the acts that undo takes back, and those that redo does again.

    Parameters
    ----------
    recording : str
        SHA-256 of the recording that the marks belong to; empty if the journal does not say.
    """

    annotations: AnnotationSet = AnnotationSet()
    done: tuple[Act, ...] = ()
    undone: tuple[Act, ...] = ()
    recording: str = ""

    @property
    def decided(self) -> frozenset[Suggestion]:
        """Suggestions that were accepted or rejected."""
        return frozenset(a.suggestion for a in self.done if a.suggestion is not None)

    def after(self, act: Act) -> "AnnotationHistory":
        """Return the history after one more act; an undo or redo with nothing to move changes nothing."""
        if act.kind == "open":
            return replace(self, recording=self.recording or act.recording)
        if act.kind == "undo":
            if not self.done:
                return self
            last = self.done[-1]
            marks = self.annotations if last.edit is None else self.annotations.apply(last.edit.inverse)
            return replace(self, annotations=marks, done=self.done[:-1], undone=(*self.undone, last))
        if act.kind == "redo":
            if not self.undone:
                return self
            again = self.undone[-1]
            marks = self.annotations if again.edit is None else self.annotations.apply(again.edit)
            return replace(self, annotations=marks, done=(*self.done, again), undone=self.undone[:-1])
        marks = self.annotations if act.edit is None else self.annotations.apply(act.edit)
        return replace(self, annotations=marks, done=(*self.done, act), undone=())


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
    """The open journal of one rater; every act is on disk before ``append`` returns.

    Raises
    ------
    StorageError
        If it cannot be written, or another window has it open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = AppendOnlyFile(path, is_alone=True)

    def append(self, act: Act) -> Act:
        """Write one act and return it with its time; StorageError if that fails."""
        stamped = replace(act, utc=act.utc or datetime.now(UTC).isoformat())
        self._file.append(msgspec.json.encode(stamped))
        return stamped

    def close(self) -> None:
        """Close the file; one that nothing was written to does not stay."""
        is_empty = self._path.exists() and self._path.stat().st_size == 0
        self._file.close()
        if is_empty:
            self._path.unlink(missing_ok=True)


def write_annotation_table(path: Path, annotations: AnnotationSet, about: Mapping[str, object] | None = None) -> None:
    """Write the marks as a table (atomically); no channels means all of them.

    Parameters
    ----------
    about : mapping or None
        What stands in the JSON beside it, in BIDS' manner; None writes no such file.
    """
    rows = [
        (f"{a.onset_s:.6f}", f"{a.duration_s:.6f}", a.label, ",".join(a.channels), a.comment, a.source)
        for a in annotations.annotations
    ]
    write_table(path, _COLUMNS, rows)
    if about is not None:
        content = {**_COLUMN_WORDS, **about, "BadChannels": list(annotations.bad_channels)}
        write_atomically(path.with_suffix(".json"), json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def read_annotation_table(path: Path) -> tuple[AnnotationSet, str]:
    """Read a table and what stands beside it.

    Returns
    -------
    annotations : AnnotationSet
    recording : str
        SHA-256 of the recording that it belongs to; empty if nothing says so.

    Raises
    ------
    StorageError
        If it is damaged (names the line).
    """
    marks = []
    for line, row in enumerate(read_table(path, ("onset", "duration", "label")), 2):
        try:
            onset, duration = float(row["onset"]), float(row["duration"])
        except ValueError as error:
            raise StorageError(f"{path} line {line}: {error}; onset and duration are numbers in seconds.") from error
        if not (math.isfinite(onset) and math.isfinite(duration) and duration >= 0):
            raise StorageError(f"{path} line {line}: onset {onset}, duration {duration}: no stretch of time; mend it.")
        channels = tuple(c for c in row.get("channels", "").split(",") if c)
        marks.append(
            Annotation(onset, duration, row["label"], channels, row.get("comment", ""), row.get("source") or "rater")
        )
    about = _read_about(path.with_suffix(".json"))
    bad = about.get("BadChannels")
    names = tuple(sorted(str(b) for b in bad)) if isinstance(bad, list) else ()
    return AnnotationSet(tuple(sorted(marks)), names), str(about.get("RecordingSha256") or "")


def _read_about(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


_COLUMN_WORDS: dict[str, object] = {
    "onset": {"Description": "Beginning of the marked stretch from the recording's first regular sample", "Units": "s"},
    "duration": {"Description": "Length of the marked stretch", "Units": "s"},
    "label": {"Description": "What the rater saw"},
    "channels": {"Description": "Channels that the mark is on, separated by commas; n/a for all"},
    "comment": {"Description": "The rater's own words"},
    "source": {"Description": "Who or what proposed the stretch: rater, suggested:<method>, imported:<file>"},
}
