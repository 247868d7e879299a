"""study.toml: what a study decided before its first recording, written for people to read and edit."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import tomlkit
from tomlkit.items import AoT, Item, Table

from veridical.domain.annotation import ArtifactLabel
from veridical.domain.errors import StudyError
from veridical.domain.intake import IntakeField, check_fields
from veridical.domain.pipeline import PIPELINES
from veridical.domain.protocol import Protocol
from veridical.domain.rating import Scale, ScaleKind
from veridical.domain.stream import RoleAssignment
from veridical.domain.study import SCHEMA_VERSION, AnalysisChoices, RecordingChoices, StudySettings
from veridical.domain.trigger import TriggerChoice
from veridical.storage.atomic import write_atomically
from veridical.storage.study_rules import find_faults

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_HEAD = (
    "A Veridical study. Edit it with any text editor before the first recording;",
    "what stands under [analysis] is the primary analysis and should not change afterwards.",
)
_COMMENTS: dict[str, str] = {
    "seed": "the same seed gives the same pictures in the same order",
    "language": "of the participant's texts",
    "is_shortened": "durations were shortened for a demonstration; every report says so",
    "are_stimuli_validated": "false: the norms are made up (demo pictures)",
    "shows_ratings": "whether the operator may watch rating values during a session",
    "schema_version": "of this file",
    "n_per_condition": "different pictures of each class (negative, neutral, positive)",
    "n_practice": "practice trials, never analysed",
    "repeat_share": "share of pictures shown a second time, for label reliability",
    "max_run": "at most this many of one class in a row",
    "baseline_open_s": "resting with eyes open, seconds; 0 leaves it out",
    "baseline_closed_s": "resting with eyes closed, seconds; 0 leaves it out",
    "fixation_s": "shortest and longest, seconds",
    "picture_s": "seconds",
    "conditions": "classes that are shown",
    "repeat_distance": "trials from a picture to its repeat, at least",
    "n_pleasant_end": "the last pictures are pleasant, so many of them",
    "picture_order": '"random": drawn for each participant; "counterbalanced": all see the same, in rotating places',
    "blank_s": "between picture and first scale: shortest and longest, seconds",
    "min_onset_gap_s": "from one picture's onset to the next at least, seconds; 0 for no limit",
    "min_break_s": "a break cannot be ended earlier, seconds",
    "scale_order": '"fixed", "random" for every trial, or "counterbalanced" over participants',
    "n_attention_checks": 'trials after which "please choose 5" is asked',
    "has_familiarity_pass": "at the end, ask of every picture whether it was known and what it brings up",
    "n_clips": "videos and sounds of the transfer block after the pictures; the model never learns from them",
    "clip_s": "a longer video or sound is ended then, seconds",
    "is_optional": "may be left empty",
    "has_touch_screen": "the participant answers by touch",
    "iti_s": "pause between trials: shortest and longest, seconds",
    "rating_timeout_s": "0 waits without limit",
    "instruction_timeout_s": "0 waits for the participant's key",
    "include_sensitive": "whether pictures flagged as sensitive may be shown",
    "gate": 'what the start waits for: "required" any answer, "yes", "yes-if-sensitive", or "" nothing',
    "target": "id of the scale that the model learns",
    "label_rule": '"midpoint", "median", "tertiles" of own ratings; "norm": class of the picture; "agreement"',
    "dead_zone": "under midpoint: ratings this near to the middle are left out, in units of the scale",
    "pipeline": f"what is learned from: {', '.join(PIPELINES)}",
    "embargo_s": "trials nearer than this to a test block are left out of training",
    "smallest_effect": "balanced accuracy below which an effect is of no interest",
    "line_noise_hz": "50 or 60; 0 takes what the recording carries",
    "reference": '"average", "recorded", channels such as "TP9+TP10", or "automatic": average from 16 channels on',
    "channels": "EEG channels that are used; empty: all",
    "high_pass_hz": "of the EEG; above 0.1 it distorts slow potentials",
    "low_pass_hz": "of the evoked samples",
    "marked_eeg": 'trials that a mark touches: "drop", "keep", or "flag" (kept, and said in the feature table)',
    "looks": "blocks after which a look at the data is planned, before the last; looks share the error probability",
    "pauses_when_lost": "whether a device that drops out pauses the session before its next trial",
    "markers": "the study's own markers, written by the operator with the keys 1 to 9",
    "colour": "#rrggbb, told apart from the others by colour-blind people too",
    "fallback": "folder, best on another disk, in which a recording goes on when its own disk fails; empty: none",
    "required": 'roles without which no session begins: EEG, EDA, ECG, ...; "features": those that the features need',
    "gain": "multiplies the raw numbers to give volts or siemens; unit and scale say where it comes from",
    "minus": "of bipolar pairs: the channel that is subtracted, -1 for none",
}
_KINDS_COMMENT = '"likert", "visual-analogue", "affective-slider", "choice" or "text"'


def write_study_file(path: Path, settings: StudySettings) -> None:
    """Write study.toml with a comment beside every choice (atomically; StorageError if that fails)."""
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    values = _as_values(settings)
    _fill(document, {"schema_version": values.pop("schema_version"), **_plain(values)})
    for name, value in values.items():
        if _is_part(value):
            document.add(name, _part(value))
    write_atomically(path, tomlkit.dumps(document).encode())


def edit_study_file(path: Path, before: StudySettings, after: StudySettings) -> None:
    """Write into study.toml what differs between two settings, and nothing else (atomically).

    Comments, blank lines and the order of the file stay; so does what somebody else wrote there since ``before`` was
    read, unless it is the same setting.

    Raises
    ------
    StudyError
        If the file is missing, damaged, or what it would say is wrong; it is left as it was.
    StorageError
        If it cannot be written.
    """
    read_study_file(path)
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    _edit(document, _as_values(before), _as_values(after))
    text = tomlkit.dumps(document)
    parse_study(text, path)
    write_atomically(path, text.encode())


_Values: TypeAlias = dict[str, object]


def _as_values(settings: StudySettings) -> _Values:
    """Settings as TOML holds them: scalars, lists, tables, and lists of tables; scales without what does not apply."""
    values = _values(settings)
    protocol = values["protocol"]
    assert isinstance(protocol, dict)
    protocol["scales"] = tuple(_scale_values(s) for s in settings.protocol.scales)
    return {key: value for key, value in values.items() if value or key not in ("roles", "texts", "labels")}


def _values(whole: "DataclassInstance") -> _Values:
    """Fields of a dataclass by name, inner ones too; ``msgspec.to_builtins`` leaves out those it never decoded."""

    def plain(value: object) -> object:
        if is_dataclass(value) and not isinstance(value, type):
            return _values(value)
        return tuple(plain(v) for v in value) if isinstance(value, tuple) else value

    return {f.name: plain(getattr(whole, f.name)) for f in fields(whole)}


def _scale_values(scale: Scale) -> _Values:
    """A scale without the fields that its kind does not know, as long as they say nothing."""
    values, standard = _values(scale), _values(Scale(scale.id, scale.question))
    kept = {"id", "question", *_KIND_FIELDS[scale.kind]}
    return {key: value for key, value in values.items() if key in kept or value != standard[key]}


_KIND_FIELDS: dict[ScaleKind, tuple[str, ...]] = {
    "likert": ("low", "middle", "high", "minimum", "maximum"),
    "visual-analogue": ("kind", "low", "middle", "high", "minimum", "maximum", "n_steps"),
    "affective-slider": ("kind", "low", "middle", "high", "minimum", "maximum", "n_steps"),
    "choice": ("kind", "options"),
    "text": ("kind", "is_optional"),
}


def _is_part(value: object) -> bool:
    """Whether a value stands under a heading of its own: a table, or a list of tables."""
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, (tuple, list)) and len(value) > 0 and isinstance(value[0], Mapping)


def _plain(values: Mapping[str, object]) -> _Values:
    return {key: value for key, value in values.items() if not _is_part(value)}


def _part(value: object) -> Table | AoT:
    if not isinstance(value, Mapping):
        assert isinstance(value, (tuple, list))
        several = tomlkit.aot()
        for row in value:
            table = tomlkit.table()
            _fill(table, row)
            several.append(table)
        return several
    table = tomlkit.table()
    _fill(table, _plain(value))
    for name, inner in value.items():
        if _is_part(inner):
            table.add(name, _part(inner))
    return table


def _fill(table: "Table | tomlkit.TOMLDocument", values: Mapping[str, object]) -> None:
    for key, value in values.items():
        item = _item(key, value)
        if key == "kind" and "question" in values:
            item.comment(_KINDS_COMMENT)
        table.add(key, item)


def _item(key: str, value: object) -> Item:
    item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
    if key in _COMMENTS:
        item.comment(_COMMENTS[key])
    return item


def _edit(table: "Table | tomlkit.TOMLDocument", before: Mapping[str, object], after: Mapping[str, object]) -> None:
    """Write the difference between two sets of values into a table."""
    for key in before:
        if key not in after and key in table:
            table.remove(key)
    # Plain keys first: behind a heading they would belong to it.
    for key in sorted(after, key=lambda k: _is_part(after[k])):
        old, new = before.get(key), after[key]
        if old == new:
            continue
        if isinstance(new, Mapping):
            if not isinstance(table.get(key), Table):
                table[key] = tomlkit.table()
            _edit(table[key], old if isinstance(old, Mapping) else {}, new)
        elif _is_part(new):
            _edit_tables(table, key, old, new)
        elif key in table and not _is_part(old):
            table[key] = list(new) if isinstance(new, tuple) else new
        else:
            table.pop(key, None)
            _insert(table, key, new)


def _insert(table: "Table | tomlkit.TOMLDocument", key: str, value: object) -> None:
    """Add a plain key before the first heading inside the table."""
    headings = [k for k, item in table.items() if isinstance(item, (Table, AoT))]
    held = [(k, table[k]) for k in headings]
    for k in headings:
        table.remove(k)
    table.add(key, _item(key, value))
    for k, item in held:
        table.add(k, item)


def _edit_tables(table: "Table | tomlkit.TOMLDocument", key: str, old: object, new: object) -> None:
    """Change a list of tables; a table that stays (by its id, else by its place) keeps its comments."""
    assert isinstance(new, (tuple, list))
    there = table.get(key)
    present: list[Table] = list(there.body) if isinstance(there, AoT) else []
    olds = list(old) if isinstance(old, (tuple, list)) and len(old) == len(present) else [{}] * len(present)
    if len(present) == len(new) and all(t.get("id") == row.get("id") for t, row in zip(present, new, strict=True)):
        for kept, was, row in zip(present, olds, new, strict=True):
            _edit(kept, was, row)
        return
    free = list(range(len(present)))
    several = tomlkit.aot()
    for place, row in enumerate(new):
        match = next((k for k in free if "id" in row and present[k].get("id") == row["id"]), None)
        if match is None and "id" not in row and place in free:
            match = place
        if match is None:
            fresh = tomlkit.table()
            _fill(fresh, row)
            several.append(fresh)
            continue
        free.remove(match)
        kept = present[match]
        _edit(kept, olds[match], row)
        several.append(kept)
    if isinstance(there, AoT):
        table[key] = several
        return
    # An empty list stood there, or nothing.
    table.pop(key, None)
    table.add(key, several)


def read_study_file(path: Path) -> StudySettings:
    """Read study.toml.

    Raises
    ------
    StudyError
        If it is missing, not TOML, of another schema version, or holds an unknown name or an impossible value;
        the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise StudyError(
            f"{path.parent} holds no study.toml; open a study's folder or make one with `veridical study new DIR`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} cannot be read ({error}); restore it from a backup.") from error
    return parse_study(text, path)


def parse_study(text: str, path: Path) -> StudySettings:
    """Read what a study.toml says; StudyError names ``path`` and the line of a fault."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path} is no valid TOML: {error}; mend that line.") from error
    version = content.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise StudyError(
            f"{path} line {_line_of(text, 'schema_version')}: schema version {version!r} is not known here "
            f"({SCHEMA_VERSION} is); open the study with the version of Veridical that made it."
        )
    unknown = _unknown_name(content, StudySettings, "")
    if unknown:
        raise StudyError(
            f"{path} line {_line_of(text, unknown)}: {unknown!r} is no setting; correct the name or remove the line."
        )
    try:
        settings = msgspec.convert(content, StudySettings)
    except msgspec.ValidationError as error:
        words, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`")
        raise StudyError(f"{path} line {_line_of(text, name)}: {name}: {_lower(words)}; correct it.") from error
    try:
        check_fields(settings.intake)
    except StudyError as error:
        raise StudyError(f"{path} line {_line_of(text, 'intake')}: {error}") from error
    for name, fault in find_faults(settings):
        raise StudyError(f"{path} line {_line_of(text, name)}: {name} {fault}; correct it.")
    return settings


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


_PARTS: dict[str, type] = {
    "protocol": Protocol, "analysis": AnalysisChoices, "recording": RecordingChoices,
    "roles": RoleAssignment, "labels": ArtifactLabel, "protocol.scales": Scale,
    "intake": IntakeField, "trigger": TriggerChoice,
}  # fmt: skip


def _unknown_name(content: Mapping[str, object], shape: type, prefix: str) -> str:
    """Dotted name of the first key that ``shape`` does not have; empty if there is none."""
    assert is_dataclass(shape)
    known = {f.name for f in fields(shape)}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if key not in known:
            return name
        for table in value if isinstance(value, list) else [value]:
            if isinstance(table, Mapping) and name in _PARTS:
                inner = _unknown_name(table, _PARTS[name], f"{name}.")
                if inner:
                    return inner
    return ""


def _line_of(text: str, name: str) -> int:
    """Line (from 1) on which a dotted name such as ``protocol.scales[1].id`` stands; its table's line, or 1."""
    position = re.search(r"\[(\d+)\]", name)
    wanted_table, _, wanted_key = re.sub(r"\[[^\]]*\]", "", name).rpartition(".")
    nth, table, table_line, seen = int(position[1]) if position else 0, "", 1, -1
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]", line)
        if header:
            table = header[2]
            seen += table == wanted_table and header[1] == "[["
            if table in (wanted_table, f"{wanted_table}.{wanted_key}".lstrip(".")):
                table_line = number
        key = re.match(r"\s*([\w\-]+)\s*=", line)
        if key and table == wanted_table and key[1] == wanted_key and (not position or seen in (nth, -1)):
            return number
    return table_line
