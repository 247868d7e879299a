"""Marks in the formats of other programs: MNE (FIF, CSV), EDF+, BIDS events, EEGLAB text.

Formats with a clock carry the recording's beginning, so that marks stay where they are on the original recording: MNE
takes the first onset of a CSV as time zero of a file without one, and every mark moves.
"""

import json
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.errors import StorageError
from veridical.storage.annotation_file import read_annotation_table, write_annotation_table
from veridical.storage.atomic import write_atomically
from veridical.storage.edf_annotations import encode_edf_annotations
from veridical.storage.tables import read_columns, read_table, write_table

if TYPE_CHECKING:
    import mne

MarkFormat = Literal["mne-fif", "mne-csv", "edf", "bids", "eeglab", "veridical"]
FORMAT_ENDINGS: dict[MarkFormat, str] = {
    "mne-fif": "-annot.fif",
    "mne-csv": ".csv",
    "edf": ".edf",
    "bids": "_events.tsv",
    "eeglab": ".txt",
    "veridical": ".tsv",
}
# A recording without a date: MNE's own stand-in is the epoch, too.
_NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
# BAD_ is MNE's word for what epochs may not touch.
_BAD = "BAD_"


@dataclass(frozen=True)
class MarkFile:
    """Marks as a file had them.

    Parameters
    ----------
    begun : datetime or None
        Wall clock of time zero; None if the file has none.
    recording : str
        SHA-256 of the recording that they belong to; empty if the file does not say.
    """

    marks: AnnotationSet
    begun: datetime | None = None
    recording: str = ""

    def on(self, begun: datetime | None) -> AnnotationSet:
        """The marks in seconds from the beginning of a recording that began at ``begun`` by the same clock."""
        if self.begun is None:
            return self.marks
        if begun is None and self.begun - _NO_DATE > timedelta(days=30):
            return self.marks
        # Without a date of its own a recording begins at the epoch, here as in what ``write_marks`` wrote of it.
        shift_s = (self.begun - (begun or _NO_DATE)).total_seconds()
        moved = (replace(m, onset_s=m.onset_s + shift_s) for m in self.marks.annotations)
        return replace(self.marks, annotations=tuple(sorted(moved)))


def format_of(path: Path) -> MarkFormat:
    """Tell a format by a file's name; StorageError names those that are known."""
    name = path.name.lower()
    for fmt, ending in FORMAT_ENDINGS.items():
        if name.endswith(ending):
            return fmt
    if name.endswith((".fif", ".fif.gz")):
        return "mne-fif"
    if name.endswith(".bdf"):
        return "edf"
    raise StorageError(
        f"{path.name}: marks are read from and written to files that end in {', '.join(FORMAT_ENDINGS.values())}; "
        "rename it or convert it."
    )


def write_marks(path: Path, marks: AnnotationSet, begun: datetime | None, fmt: MarkFormat | None = None) -> None:
    """Write marks for another program (atomically).

    Parameters
    ----------
    begun : datetime or None
        Wall clock (UTC) of the recording's time zero; None if nobody knows.
    fmt : str or None
        Taken from the name if None.

    Raises
    ------
    StorageError
        If the name's ending is unknown or the file cannot be written.
    """
    _WRITERS[fmt or format_of(path)](path, marks, begun)


def read_marks(path: Path) -> MarkFile:
    """Read marks that another program wrote.

    Raises
    ------
    StorageError
        If it is of no known format, or damaged.
    """
    fmt = format_of(path)
    if fmt in ("bids", "veridical"):
        # A name tells little of a table; its columns do.
        fmt = "bids" if "label" not in read_columns(path) else "veridical"
    if fmt == "eeglab" and _first_line(path).startswith("#"):
        fmt = "mne-csv"
    return _READERS[fmt](path)


# MNE ---------------------------------------------------------------------------------------------
def to_mne(marks: AnnotationSet, begun: datetime | None) -> "mne.Annotations":
    """The marks as MNE's annotations."""
    import mne

    own = marks.annotations
    return mne.Annotations(
        [m.onset_s for m in own],
        [m.duration_s for m in own],
        [f"{_BAD}{m.label}" for m in own],
        orig_time=begun,
        ch_names=[list(m.channels) for m in own],
        extras=[{"comment": m.comment, "source": m.source} for m in own],
    )


def from_mne(annotations: "mne.Annotations") -> MarkFile:
    """Marks from MNE's annotations."""
    found = []
    extras = getattr(annotations, "extras", None) or [{}] * len(annotations)
    for onset, duration, text, channels, extra in zip(
        annotations.onset, annotations.duration, annotations.description, annotations.ch_names, extras, strict=True
    ):
        comment, source = (str((extra or {}).get(key) or "") for key in ("comment", "source"))
        found.append(
            Annotation(float(onset), float(duration), _label(str(text)), tuple(channels), comment, source or "rater")
        )
    begun = annotations.orig_time
    return MarkFile(AnnotationSet(tuple(sorted(found))), begun.replace(tzinfo=UTC) if begun is not None else None)


def _write_mne(path: Path, marks: AnnotationSet, begun: datetime | None) -> None:
    annotations = to_mne(marks, begun if begun is not None or path.suffix != ".csv" else _NO_DATE)
    partial = path.with_name(f".{path.stem}{'-annot.fif' if path.suffix == '.fif' else '.csv'}")
    try:
        with warnings.catch_warnings():
            # Comments that are empty in some rows only.
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            annotations.save(partial, overwrite=True, verbose="error")
        write_atomically(path, partial.read_bytes())
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror or error}); choose another folder.") from error
    finally:
        partial.unlink(missing_ok=True)


def _read_mne(path: Path) -> MarkFile:
    import mne

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            return from_mne(mne.read_annotations(path))
    except (OSError, ValueError, KeyError, IndexError, RuntimeError, TypeError) as error:
        raise StorageError(f"{path} cannot be read as annotations ({error}); export it anew.") from error


# EDF+ --------------------------------------------------------------------------------------------
def _write_edf(path: Path, marks: AnnotationSet, begun: datetime | None) -> None:
    write_atomically(path, encode_edf_annotations(marks.annotations, begun or _NO_DATE))


def _read_edf(path: Path) -> MarkFile:
    # Onsets count from the first sample; ``text@@channel`` is one mark for each channel.
    channels: dict[Annotation, tuple[str, ...]] = {}
    for mark in _read_mne(path).marks.annotations:
        text, _, channel = mark.label.partition("@@")
        plain = replace(mark, label=text)
        channels[plain] = (*channels.get(plain, ()), *((channel,) if channel else mark.channels))
    return MarkFile(AnnotationSet(tuple(sorted(replace(m, channels=c) for m, c in channels.items()))))


# BIDS --------------------------------------------------------------------------------------------
_BIDS = ("onset", "duration", "trial_type", "channels", "comment", "source")


def _write_bids(path: Path, marks: AnnotationSet, _: datetime | None) -> None:
    rows = [
        (f"{m.onset_s:.6f}", f"{m.duration_s:.6f}", f"{_BAD}{m.label}", ",".join(m.channels), m.comment, m.source)
        for m in marks.annotations
    ]
    write_table(path, _BIDS, rows)
    levels = {f"{_BAD}{label}": label for label in sorted({m.label for m in marks.annotations})}
    words: dict[str, object] = {
        "onset": {"Description": "Beginning of the marked stretch from the first sample", "Units": "s"},
        "duration": {"Description": "Length of the marked stretch", "Units": "s"},
        "trial_type": {"LongName": "Artifact", "Description": "What a rater saw", "Levels": levels},
        "channels": {"Description": "Channels that the mark is on, separated by commas; n/a for all"},
        "comment": {"Description": "The rater's own words"},
        "source": {"Description": "Who or what proposed the stretch"},
        "BadChannels": list(marks.bad_channels),
    }
    write_atomically(path.with_suffix(".json"), json.dumps(words, indent=2, ensure_ascii=False).encode() + b"\n")


def _read_bids(path: Path) -> MarkFile:
    found = []
    for line, row in enumerate(read_table(path, ("onset", "duration")), 2):
        label = _label(row.get("trial_type", "") or row.get("value", "") or "other")
        found.append(_mark(path, line, row["onset"], row["duration"] or "0", label, row, ","))
    return MarkFile(AnnotationSet(tuple(sorted(found))))


# EEGLAB ------------------------------------------------------------------------------------------
_EEGLAB = ("latency", "type", "duration", "channels", "comment")


def _write_eeglab(path: Path, marks: AnnotationSet, _: datetime | None) -> None:
    # pop_importevent: fields as named in line 1, skipline 1, timeunit 1 (seconds). A blank would end a field.
    lines = ["\t".join(_EEGLAB)]
    for m in marks.annotations:
        cells = (f"{_BAD}{m.label}", f"{m.duration_s:.6f}", ",".join(m.channels) or "all", m.comment or "none")
        lines.append("\t".join([f"{m.onset_s:.6f}", *("_".join(c.split()) for c in cells)]))
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def _read_eeglab(path: Path) -> MarkFile:
    found = []
    for line, row in enumerate(read_table(path, ("latency", "type")), 2):
        channels = "" if row.get("channels", "all") == "all" else row["channels"]
        comment = "" if row.get("comment", "none") == "none" else row["comment"].replace("_", " ")
        rest = {"channels": channels, "comment": comment}
        found.append(_mark(path, line, row["latency"], row.get("duration") or "0", _label(row["type"]), rest, ","))
    return MarkFile(AnnotationSet(tuple(sorted(found))))


# Ours --------------------------------------------------------------------------------------------
def _write_own(path: Path, marks: AnnotationSet, _: datetime | None) -> None:
    write_annotation_table(path, marks, {})


def _read_own(path: Path) -> MarkFile:
    marks, recording = read_annotation_table(path)
    return MarkFile(marks, recording=recording)


def _mark(
    path: Path, line: int, onset: str, duration: str, label: str, row: Mapping[str, str], separator: str
) -> Annotation:
    try:
        onset_s, duration_s = float(onset), float(duration)
    except ValueError as error:
        raise StorageError(f"{path} line {line}: {error}; times are numbers in seconds.") from error
    if not math.isfinite(onset_s) or not math.isfinite(duration_s) or duration_s < 0:
        raise StorageError(f"{path} line {line}: onset {onset}, duration {duration}: no stretch of time; mend it.")
    channels = tuple(c for c in row.get("channels", "").split(separator) if c)
    return Annotation(onset_s, duration_s, label, channels, row.get("comment", ""), row.get("source") or "rater")


def _label(text: str) -> str:
    return text.removeprefix(_BAD).strip() or "other"


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read ({error}); choose another file.") from error


_WRITERS: dict[MarkFormat, Callable[[Path, AnnotationSet, datetime | None], None]] = {
    "mne-fif": _write_mne,
    "mne-csv": _write_mne,
    "edf": _write_edf,
    "bids": _write_bids,
    "eeglab": _write_eeglab,
    "veridical": _write_own,
}
_READERS: dict[MarkFormat, Callable[[Path], MarkFile]] = {
    "mne-fif": _read_mne,
    "mne-csv": _read_mne,
    "edf": _read_edf,
    "bids": _read_bids,
    "eeglab": _read_eeglab,
    "veridical": _read_own,
}
