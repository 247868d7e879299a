"""Tables of stimuli as their authors publish them: OASIS, and the generic table of any other set.

Norms are put onto the scale of OASIS, 1 to 7, so that all stimuli of a study can be compared; what was
converted says so.
"""

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from veridical.domain.errors import StimulusError
from veridical.domain.stimulus import Stimulus, StimulusKind

SetFormat = Literal["oasis", "table"]

SCALE_MIN, SCALE_MAX = 1.0, 7.0
SUFFIXES: dict[StimulusKind, frozenset[str]] = {
    "image": frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"}),
    "video": frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".ogv"}),
    "audio": frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif"}),
}
_MISSING = ("", "n/a", "na", "nan", "none", "null", "-")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

# Names that authors give to the generic table's columns.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "id": ("id", "stimulus_id", "stim_id", "stimulus", "number", "no", "code", "iaps", "slide_no", "slide_number"),
    "file": ("file", "filename", "file_name", "path", "image", "picture", "stim_file"),
    "kind": ("kind", "type", "modality"),
    "category": ("category", "content", "class"),
    "theme": ("theme", "description", "desc"),
    "sha256": ("sha256",),
    "valence_mean": ("valence_mean", "valence", "valmn", "mean_valence", "v_mean", "valence_m"),
    "valence_sd": ("valence_sd", "valsd", "sd_valence", "v_sd"),
    "arousal_mean": ("arousal_mean", "arousal", "aromn", "mean_arousal", "a_mean", "arousal_m"),
    "arousal_sd": ("arousal_sd", "arosd", "sd_arousal", "a_sd"),
    "scale_min": ("scale_min", "min", "scale_minimum"),
    "scale_max": ("scale_max", "max", "scale_maximum"),
    "arousal_scale_min": ("arousal_scale_min", "arousal_min"),
    "arousal_scale_max": ("arousal_scale_max", "arousal_max"),
    "source": ("source", "author", "licence", "license"),
    "sensitive": ("sensitive",),
    "norm_scale": ("norm_scale",),
}
_OASIS_SOURCE = "OASIS (Kurdi, Lozano & Banaji 2017)"
_OASIS_COLUMNS = ("theme", "category", "valence_mean", "arousal_mean")


@dataclass(frozen=True)
class ListedStimulus:
    """One line of a published table.

    Parameters
    ----------
    line : int
        From 1.
    stimulus : Stimulus
        Its ``file`` is what the table names, which may lack folder or ending.
    has_kind, has_sensitive : bool
        Whether the table itself says what kind it is and whether it is sensitive.
    """

    line: int
    stimulus: Stimulus
    has_kind: bool
    has_sensitive: bool


@dataclass(frozen=True)
class NormTable:
    """A published table, read.

    Parameters
    ----------
    notes : tuple of str
        What was taken for granted or changed, one sentence each.
    """

    format: SetFormat
    rows: tuple[ListedStimulus, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Lines:
    """Cells by normalised column name."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]
    has_decimal_commas: bool


def recognise(data: bytes) -> SetFormat | None:
    """Tell by its first line which table this is; None if it is none."""
    try:
        columns = _read_lines(data, first_line_only=True).columns
    except StimulusError:
        return None
    if all(c in columns for c in _OASIS_COLUMNS) and "file" not in columns:
        return "oasis"
    names = _canonical(columns)
    return "table" if "file" in names or ("id" in names and "valence_mean" in names) else None


def read_norm_table(
    data: bytes, name: str, table_format: SetFormat, scale: tuple[float, float] | None = None
) -> NormTable:
    """Read a published table.

    Parameters
    ----------
    name : str
        Of the file, for errors.
    scale : tuple of float or None
        Smallest and largest value of the norms, if the table does not say so itself.

    Raises
    ------
    StimulusError
        If the table is no text, lacks a column or has a wrong cell (names the line).
    """
    lines = _read_lines(data, name)
    if not lines.rows:
        raise StimulusError(f"{name} names no stimuli; give a table with one line for each.")
    return _read_oasis(lines, name) if table_format == "oasis" else _read_generic(lines, name, scale)


# OASIS ----------------------------------------------------------------------------------------------------
def _read_oasis(lines: _Lines, name: str) -> NormTable:
    missing = [c for c in _OASIS_COLUMNS if c not in lines.columns]
    if missing:
        raise StimulusError(
            f"{name} has no column {missing[0]!r}, so it is not OASIS.csv; give the folder that holds OASIS.csv and "
            "the pictures, or import it with --format table."
        )
    rows: list[ListedStimulus] = []
    renamed = 0
    for count, (line, row) in enumerate(lines.rows, 1):
        # Some published themes end in a blank that their file names do not have.
        theme = " ".join(row["theme"].split())
        if not theme:
            raise StimulusError(f"{name} line {line}: the theme is empty; mend that line.")
        category = row["category"].strip()
        renamed += category == "Scene"
        number = _number_reader(name, line, row, lines.has_decimal_commas)
        rows.append(
            ListedStimulus(
                line,
                Stimulus(
                    id=row.get("", "").strip() or row.get("id", "").strip() or f"I{count}",
                    file=f"{theme}.jpg",
                    category="Scenery" if category == "Scene" else category,
                    theme=re.sub(r"\s*\d+$", "", theme) or theme,
                    valence_mean=_within(number("valence_mean"), SCALE_MIN, SCALE_MAX, name, line),
                    valence_sd=number("valence_sd"),
                    arousal_mean=_within(number("arousal_mean"), SCALE_MIN, SCALE_MAX, name, line),
                    arousal_sd=number("arousal_sd"),
                    source="; ".join(p for p in (_OASIS_SOURCE, row.get("source", "").strip()) if p),
                ),
                has_kind=True,
                has_sensitive=False,
            )
        )
    notes = (
        (f"{renamed} pictures of the category 'Scene' are filed under 'Scenery', its first name.",) if renamed else ()
    )
    return NormTable("oasis", _with_unique_ids(rows, name), notes)


# The generic table ------------------------------------------------------------------------------------------
def _read_generic(lines: _Lines, name: str, scale: tuple[float, float] | None) -> NormTable:
    names = _canonical(lines.columns)
    if "file" not in names and "id" not in names:
        raise StimulusError(
            f"{name} line 1: neither a column 'file' nor 'id' is there; name each stimulus' file in a column 'file'."
        )
    rows: list[ListedStimulus] = []
    converted: set[str] = set()
    for line, cells in lines.rows:
        row = {known: cells[column].strip() for known, column in names.items()}
        listed = _generic_row(row, name, line, lines.has_decimal_commas, scale)
        converted.add(listed.stimulus.norm_scale)
        rows.append(listed)
    has_norms = any(r.stimulus.valence_mean is not None or r.stimulus.arousal_mean is not None for r in rows)
    notes = [
        f"Norms given on a scale of {given} were converted to {SCALE_MIN:g} to {SCALE_MAX:g}."
        for given in sorted(converted - {""})
    ]
    if has_norms and scale is None and not {"scale_min", "scale_max"} <= names.keys():
        notes.append(
            f"{name} does not say on which scale its norms are; {SCALE_MIN:g} to {SCALE_MAX:g} was taken. Give another "
            "one with the columns scale_min and scale_max, or with --scale."
        )
    return NormTable("table", _with_unique_ids(rows, name), tuple(notes))


def _generic_row(
    row: Mapping[str, str], name: str, line: int, has_decimal_commas: bool, scale: tuple[float, float] | None
) -> ListedStimulus:
    number = _number_reader(name, line, row, has_decimal_commas)
    file = row.get("file", "").replace("\\", "/") or row.get("id", "")
    given = PurePosixPath(file)
    if not file:
        raise StimulusError(f"{name} line {line}: file and id are empty; mend that line.")
    if given.is_absolute() or ".." in given.parts or ":" in given.parts[0]:
        raise StimulusError(
            f"{name} line {line}: the file {file!r} lies outside the set; put all files into the table's folder or "
            "below and name them relative to it."
        )
    low, high = scale or (SCALE_MIN, SCALE_MAX)
    low, high = _or(number("scale_min"), low), _or(number("scale_max"), high)
    arousal_low, arousal_high = _or(number("arousal_scale_min"), low), _or(number("arousal_scale_max"), high)
    for least, most in ((low, high), (arousal_low, arousal_high)):
        if not least < most:
            raise StimulusError(
                f"{name} line {line}: scale_max {most:g} is not above scale_min {least:g}; mend it (turn a scale that "
                "runs the other way round before)."
            )
    said = row.get("sensitive", "").lower()
    if said not in _MISSING and said not in _WORDS:
        raise StimulusError(f"{name} line {line}: sensitive is {said!r}; write true or false.")
    kind = row.get("kind", "").lower()
    valence, arousal = _Conversion(low, high), _Conversion(arousal_low, arousal_high)
    scales = [c.words for c in (valence, arousal) if not c.is_identity]
    stimulus = Stimulus(
        id=" ".join(row.get("id", "").split()) or given.stem,
        file=file,
        kind=_kind(kind, name, line) if kind not in _MISSING else kind_by_name(file) or "image",
        category=row.get("category", ""),
        theme=row.get("theme", ""),
        sha256=row.get("sha256", "").lower().replace("n/a", ""),
        valence_mean=valence.mean(_within(number("valence_mean"), low, high, name, line)),
        valence_sd=valence.deviation(number("valence_sd")),
        arousal_mean=arousal.mean(_within(number("arousal_mean"), arousal_low, arousal_high, name, line)),
        arousal_sd=arousal.deviation(number("arousal_sd")),
        source=row.get("source", "").replace("n/a", ""),
        sensitive=_WORDS.get(said, False),
        norm_scale=" and ".join(dict.fromkeys(scales)) or row.get("norm_scale", "").replace("n/a", ""),
    )
    return ListedStimulus(line, stimulus, has_kind=kind not in _MISSING, has_sensitive=said in _WORDS)


@dataclass(frozen=True)
class _Conversion:
    """A straight line from a set's scale to 1 to 7."""

    low: float
    high: float

    @property
    def is_identity(self) -> bool:
        return (self.low, self.high) == (SCALE_MIN, SCALE_MAX)

    @property
    def words(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    @property
    def _factor(self) -> float:
        return (SCALE_MAX - SCALE_MIN) / (self.high - self.low)

    def mean(self, value: float | None) -> float | None:
        if value is None or self.is_identity:
            return value
        return SCALE_MIN + (value - self.low) * self._factor

    def deviation(self, value: float | None) -> float | None:
        return value if value is None or self.is_identity else value * self._factor


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _kind(text: str, name: str, line: int) -> StimulusKind:
    usual: dict[str, str] = {
        "picture": "image",
        "photo": "image",
        "img": "image",
        "movie": "video",
        "film": "video",
        "clip": "video",
    }
    usual |= {"sound": "audio", "music": "audio"}
    try:
        known: StimulusKind = msgspec.convert(usual.get(text, text), StimulusKind)
    except msgspec.ValidationError:
        raise StimulusError(f"{name} line {line}: kind is {text!r}; write image, video or audio.") from None
    return known


def kind_by_name(file: str) -> StimulusKind | None:
    """Tell what a file is by its ending; None if it has none that is known."""
    suffix = PurePosixPath(file).suffix.lower()
    return next((kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes), None)


# Cells ------------------------------------------------------------------------------------------------------
def _read_lines(data: bytes, name: str = "", *, first_line_only: bool = False) -> _Lines:
    text = _decode(data, name)
    # OASIS.csv ends its lines in bare carriage returns, which no parser takes unless told.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    head = text.partition("\n")[0]
    if first_line_only:
        text = head
    delimiter = max("\t,;", key=head.count)
    try:
        table = list(csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter))
    except csv.Error as error:
        raise StimulusError(f"{name} is no table ({error}); save it as UTF-8 text with tabs or commas.") from error
    columns = tuple(_normalise(c) for c in table[0]) if table else ()
    rows: list[tuple[int, Mapping[str, str]]] = []
    for line, cells in enumerate(table[1:], 2):
        if not any(c.strip() for c in cells):
            continue
        if len(cells) > len(columns) and any(c.strip() for c in cells[len(columns) :]):
            raise StimulusError(f"{name} line {line}: {len(cells)} cells under {len(columns)} columns; mend that line.")
        padded = [*cells, *[""] * (len(columns) - len(cells))]
        rows.append((line, dict(zip(columns, padded, strict=False))))
    return _Lines(columns, tuple(rows), delimiter != ",")


def _decode(data: bytes, name: str) -> str:
    for mark in (b"\xff\xfe", b"\xfe\xff"):
        if data.startswith(mark):
            return data.decode("utf-16", errors="replace")
    if b"\0" in data[:4096]:
        raise StimulusError(f"{name} is no text; save the table as UTF-8 text with tabs or commas.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _normalise(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_")


def _canonical(columns: Sequence[str]) -> dict[str, str]:
    """The generic table's names of those columns that are there."""
    return {
        known: next(c for c in spellings if c in columns)
        for known, spellings in _SYNONYMS.items()
        if any(c in columns for c in spellings)
    }


def _number_reader(
    name: str, line: int, row: Mapping[str, str], has_decimal_commas: bool
) -> Callable[[str], float | None]:
    def number(column: str) -> float | None:
        text = row.get(column, "").strip()
        if text.lower() in _MISSING:
            return None
        if has_decimal_commas and text.count(",") == 1 and "." not in text:
            text = text.replace(",", ".")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise StimulusError(f"{name} line {line}: {column} is {text!r}, which is no number; mend that cell.")
        return value

    return number


def _within(value: float | None, low: float, high: float, name: str, line: int) -> float | None:
    if value is not None and not low <= value <= high:
        raise StimulusError(
            f"{name} line {line}: the norm {value:g} lies outside its scale, {low:g} to {high:g}; give the scale in "
            "the columns scale_min and scale_max, or with --scale."
        )
    return value


def _with_unique_ids(rows: Sequence[ListedStimulus], name: str) -> tuple[ListedStimulus, ...]:
    first: dict[str, int] = {}
    for row in rows:
        if row.stimulus.id in first:
            raise StimulusError(
                f"{name}: the id {row.stimulus.id!r} stands in lines {first[row.stimulus.id]} and {row.line}; make ids "
                "unique."
            )
        first[row.stimulus.id] = row.line
    return tuple(rows)
