"""The events table that comes with a recording made elsewhere: pictures and ratings, turned into our markers."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from veridical.domain.errors import RecordingError
from veridical.domain.event import Event, Marker
from veridical.domain.rating import Rating, Scale
from veridical.domain.trial_table import rating_details

ONSET, DURATION, TRIAL_TYPE, STIMULUS, BLOCK = "onset", "duration", "trial_type", "stim_id", "block"
# Every column that may be named otherwise in a table.
KNOWN_COLUMNS = (ONSET, DURATION, TRIAL_TYPE, STIMULUS, BLOCK)
_MISSING = ("", "n/a", "nan", "na", "null", "none")
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_PICTURE = "picture"
# Names that a marker of ours uses for something else.
_TAKEN = ("off", "skipped")


@dataclass(frozen=True)
class ForeignEvents:
    """What the table says.

    Parameters
    ----------
    events : tuple of Event
        Seconds from the recording's first sample.
    n_rated : mapping
        Pictures with an answer, by scale.
    remarks : tuple of str
        What was left out or looks odd, in sentences.
    """

    events: tuple[Event, ...]
    n_pictures: int
    n_rated: Mapping[str, int]
    remarks: tuple[str, ...]


def read_foreign_events(
    path: Path, scales: Sequence[Scale], conditions: Mapping[str, str], columns: Mapping[str, str]
) -> ForeignEvents:
    """Read an events table: BIDS columns, and one column for each rating scale.

    A row shows a picture if it names a stimulus; without such a column, if it has a rating; without any of these
    columns every row does. The other rows stay as events of their own.

    Parameters
    ----------
    path : Path
        Separated by tabs, commas or semicolons; ``onset`` in seconds from the recording's first sample.
    scales : sequence of Scale
        The study's; columns of these names hold ratings.
    conditions : mapping
        Class of each of the study's stimuli by id, for tables without ``trial_type``.
    columns : mapping
        Own names of our columns, e.g. ``{"stim_id": "picture"}``.

    Raises
    ------
    RecordingError
        If the table cannot be read, or a cell cannot be understood: names the line.
    """
    header, rows = _read(path)
    known = {name: columns.get(name, name) for name in (*KNOWN_COLUMNS, *(s.id for s in scales))}
    absent = [theirs for ours, theirs in known.items() if ours in columns and theirs not in header]
    if absent or known[ONSET] not in header:
        missing = absent[0] if absent else known[ONSET]
        raise RecordingError(
            f"{path} has no column {missing!r} (it has {', '.join(header)}); name the column that holds it, "
            "for example --column onset=latency."
        )
    rated = tuple(s for s in scales if known[s.id] in header)
    table = _Table(path, known, rated, conditions, _picture_columns(header, known, rated))
    for number, row in rows:
        table.add(number, row)
    return table.finish(header)


def _picture_columns(header: Sequence[str], known: Mapping[str, str], rated: Sequence[Scale]) -> tuple[str, ...]:
    """Columns of which any must be filled for a row to be a picture; none if every row is one."""
    if known[STIMULUS] in header:
        return (known[STIMULUS],)
    return tuple(known[s.id] for s in rated)


def _read(path: Path) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(
            f"{path} cannot be read ({error}); check the path, and save the table as UTF-8."
        ) from error
    first = text.partition("\n")[0]
    separator = next((c for c in "\t;," if c in first), "\t")
    lines = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
    header = tuple(cell.strip() for cell in next(lines, []))
    rows: list[tuple[int, dict[str, str]]] = []
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise RecordingError(
                f"{path} line {lines.line_num}: {len(cells)} cells under {len(header)} columns; mend that line."
            )
        plain = {k: "" if v.strip().lower() in _MISSING else v.strip() for k, v in zip(header, cells, strict=True)}
        rows.append((lines.line_num, plain))
    if not rows:
        raise RecordingError(f"{path} holds no events; give a table with a header and one line per picture.")
    return header, rows


class _Table:
    """Turns rows into markers, in order."""

    def __init__(
        self,
        path: Path,
        known: Mapping[str, str],
        scales: Sequence[Scale],
        conditions: Mapping[str, str],
        picture_columns: Sequence[str],
    ) -> None:
        self._path, self._known, self._scales = path, known, scales
        self._conditions, self._picture_columns = conditions, picture_columns
        self._events: list[Event] = []
        self._first_shown: dict[str, int] = {}
        self._n_pictures = 0
        self._n_open_ended = 0
        self._n_rated = {s.id: 0 for s in scales}
        self._unknown: set[str] = set()

    def add(self, line: int, row: Mapping[str, str]) -> None:
        """Take one row."""
        onset_s = self._number(line, row, self._known[ONSET])
        if onset_s is None:
            raise RecordingError(
                f"{self._path} line {line}: the onset is missing; give it in seconds, or remove the line."
            )
        kind = row.get(self._known[TRIAL_TYPE], "")
        is_picture = not self._picture_columns or any(row[c] for c in self._picture_columns)
        if not is_picture:
            self._events.append(Event(onset_s, Marker(f"event/{_name(kind)}")))
            return
        if kind.partition("/")[0].lower() == "practice":
            self._events.append(Event(onset_s, Marker(f"practice/{_name(kind.partition('/')[2] or 'picture')}")))
            return
        self._add_picture(line, row, onset_s, kind)

    def _add_picture(self, line: int, row: Mapping[str, str], onset_s: float, kind: str) -> None:
        self._n_pictures += 1
        trial = self._n_pictures
        stimulus = row.get(self._known[STIMULUS], "")
        condition = kind.removeprefix(f"{_PICTURE}/") or self._conditions.get(stimulus, "") or "shown"
        block = self._number(line, row, self._known[BLOCK])
        details = {"id": stimulus or f"row{line}", "trial": str(trial), "block": f"{block or 1:g}"}
        if stimulus:
            first = self._first_shown.setdefault(stimulus, trial)
            details |= {"repeat_of": str(first)} if first != trial else {}
            if self._conditions and stimulus not in self._conditions:
                self._unknown.add(stimulus)
        self._events.append(Event(onset_s, Marker(f"{_PICTURE}/{_name(condition)}", details)))
        duration_s = self._number(line, row, self._known[DURATION])
        if duration_s is not None and duration_s < 0:
            raise RecordingError(f"{self._path} line {line}: the duration {duration_s:g} s is negative; correct it.")
        if duration_s:
            self._events.append(Event(onset_s + duration_s, Marker(f"{_PICTURE}/off", {"trial": str(trial)})))
        else:
            self._n_open_ended += 1
        for order, scale in enumerate(self._scales):
            self._add_rating(line, row, scale, order, onset_s + (duration_s or 0.0))

    def _add_rating(self, line: int, row: Mapping[str, str], scale: Scale, order: int, at_s: float) -> None:
        text = row[self._known[scale.id]]
        if scale.kind in ("choice", "text"):
            value = float(scale.options.index(text) + 1) if text in scale.options else None
            words = text
        else:
            value, words = self._number(line, row, self._known[scale.id]), ""
        if value is not None and not scale.low_value <= value <= scale.high_value:
            raise RecordingError(
                f"{self._path} line {line}: {scale.id} {value:g} lies outside the study's scale "
                f"({scale.low_value:g} to {scale.high_value:g}); correct the line, or minimum and maximum of the scale "
                "in study.toml."
            )
        is_answered = value is not None or bool(words)
        self._n_rated[scale.id] += is_answered
        rating = Rating(
            scale.id, value, scale.low_value, scale.high_value, None, None, 0, "none",
            "answered" if is_answered else "skipped", order, words,
        )  # fmt: skip
        details = rating_details(rating, self._n_pictures)
        self._events.append(Event(at_s, Marker(f"rating/{scale.id}", details)))

    def _number(self, line: int, row: Mapping[str, str], column: str) -> float | None:
        text = row.get(column, "")
        try:
            value = float(text) if text else None
        except ValueError:
            value = float("nan")
        if value is not None and not abs(value) < 1e9:
            raise RecordingError(f"{self._path} line {line}: {column} {text!r} is no number; correct it, or write n/a.")
        return value

    def finish(self, header: Sequence[str]) -> ForeignEvents:
        """What was found, and what is worth saying about it."""
        remarks: list[str] = []
        extra = [
            c for c in header if c not in self._known.values() and c not in ("sample", "value", "HED", "response_time")
        ]
        if extra:
            remarks.append(
                f"Columns that are neither events nor scales of the study were left out: {', '.join(extra)}."
            )
        if self._n_pictures and not self._scales:
            remarks.append("No column has the name of one of the study's scales, so no picture has a rating.")
        if self._n_open_ended:
            remarks.append(f"{self._n_open_ended} of {self._n_pictures} pictures have no duration.")
        if self._unknown:
            shown = ", ".join(sorted(self._unknown)[:3])
            remarks.append(
                f"{len(self._unknown)} pictures are not among the study's stimuli ({shown}); without them the audit "
                "cannot tell what the pictures' colours and norms explain."
            )
        events = tuple(sorted(self._events, key=lambda e: e.onset_s))
        return ForeignEvents(events, self._n_pictures, dict(self._n_rated), tuple(remarks))


def _name(text: str) -> str:
    """Text as a part of a marker's name."""
    plain = _NO_NAME.sub("-", text).strip("-") or "shown"
    return f"{plain}-" if plain in _TAKEN else plain
