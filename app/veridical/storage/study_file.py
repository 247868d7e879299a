"""study.toml: what a study decided before its first recording, written for people to read and edit."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import msgspec
import tomlkit
from tomlkit.items import Table

from veridical.domain.errors import StudyError
from veridical.domain.intake import IntakeField, check_fields
from veridical.domain.protocol import Protocol
from veridical.domain.rating import Scale
from veridical.domain.stream import RoleAssignment
from veridical.domain.study import SCHEMA_VERSION, AnalysisChoices, RecordingChoices, StudySettings
from veridical.storage.atomic import write_atomically

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
    "iti_s": "pause between trials: shortest and longest, seconds",
    "rating_timeout_s": "0 waits without limit",
    "instruction_timeout_s": "0 waits for the participant's key",
    "include_sensitive": "whether pictures flagged as sensitive may be shown",
    "gate": 'what the start waits for: "required" any answer, "yes", "yes-if-sensitive", or "" nothing',
    "target": "id of the scale that the model learns",
    "label_rule": '"midpoint": above or below the middle of the scale; "median": split at the training median',
    "pipeline": '"evoked": samples of the evoked response; "interpretable": named features',
    "embargo_s": "trials nearer than this to a test block are left out of training",
    "smallest_effect": "balanced accuracy below which an effect is of no interest",
    "line_noise_hz": "50 or 60",
    "fallback": "folder, best on another disk, in which a recording goes on when its own disk fails; empty: none",
}


def write_study_file(path: Path, settings: StudySettings) -> None:
    """Write study.toml with a comment beside every choice (atomically; StorageError if that fails)."""
    document = tomlkit.document()
    for line in _HEAD:
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    values: dict[str, object] = msgspec.to_builtins(settings)
    protocol, analysis = values.pop("protocol"), values.pop("analysis")
    recording = values.pop("recording")
    roles, intake = values.pop("roles"), values.pop("intake")
    if not intake:
        values["intake"] = intake
    _fill(document, {"schema_version": values.pop("schema_version"), **values})
    document.add("protocol", _protocol_table(protocol))
    document.add("analysis", _fill(tomlkit.table(), analysis))
    document.add("recording", _fill(tomlkit.table(), recording))
    if intake:
        document.add("intake", _tables(intake))
    if roles:
        document.add("roles", _tables(roles))
    write_atomically(path, tomlkit.dumps(document).encode())


def _fill(table: "Table | tomlkit.TOMLDocument", values: object) -> "Table | tomlkit.TOMLDocument":
    assert isinstance(values, Mapping)
    for key, value in values.items():
        item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
        if key in _COMMENTS:
            item.comment(_COMMENTS[key])
        table.add(key, item)
    return table


def _tables(rows: object) -> tomlkit.items.AoT:
    assert isinstance(rows, tuple)
    several = tomlkit.aot()
    for row in rows:
        table = tomlkit.table()
        _fill(table, row)
        several.append(table)
    return several


def _protocol_table(values: object) -> Table:
    assert isinstance(values, dict)
    table = tomlkit.table()
    scales = values.pop("scales")
    _fill(table, values)
    table.add("scales", _tables(scales))
    return table


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
        content = tomllib.loads(text)
    except FileNotFoundError as error:
        raise StudyError(
            f"{path.parent} holds no study.toml; open a study's folder or make one with `veridical study new DIR`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} cannot be read ({error}); restore it from a backup.") from error
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
    for name, rule, is_met in _RULES:
        if not is_met(settings):
            raise StudyError(f"{path} line {_line_of(text, name)}: {name} must be {rule}; correct it.")
    return settings


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


_PARTS: dict[str, type] = {
    "protocol": Protocol, "analysis": AnalysisChoices, "recording": RecordingChoices,
    "roles": RoleAssignment, "protocol.scales": Scale,
    "intake": IntakeField,
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


def _is_span(span: tuple[float, float]) -> bool:
    return 0 <= span[0] <= span[1]


_RULES: tuple[tuple[str, str, Callable[[StudySettings], bool]], ...] = (
    ("seed", "0 or more", lambda s: s.seed >= 0),
    ("protocol.n_per_condition", "1 or more", lambda s: s.protocol.n_per_condition >= 1),
    ("protocol.n_blocks", "1 or more", lambda s: s.protocol.n_blocks >= 1),
    ("protocol.n_practice", "0 or more", lambda s: s.protocol.n_practice >= 0),
    ("protocol.repeat_share", "between 0 and 1", lambda s: 0 <= s.protocol.repeat_share <= 1),
    ("protocol.max_run", "1 or more", lambda s: s.protocol.max_run >= 1),
    ("protocol.baseline_open_s", "0 or more", lambda s: s.protocol.baseline_open_s >= 0),
    ("protocol.baseline_closed_s", "0 or more", lambda s: s.protocol.baseline_closed_s >= 0),
    ("protocol.fixation_s", "two numbers, the smaller first", lambda s: _is_span(s.protocol.fixation_s)),
    ("protocol.picture_s", "above 0", lambda s: s.protocol.picture_s > 0),
    ("protocol.iti_s", "two numbers, the smaller first", lambda s: _is_span(s.protocol.iti_s)),
    ("protocol.rating_timeout_s", "0 or more", lambda s: s.protocol.rating_timeout_s >= 0),
    ("protocol.instruction_timeout_s", "0 or more", lambda s: s.protocol.instruction_timeout_s >= 0),
    ("protocol.scales", "at least one scale", lambda s: len(s.protocol.scales) > 0),
    (
        "protocol.scales",
        "scales with an id of their own and maximum above minimum",
        lambda s: (
            len({c.id for c in s.protocol.scales}) == len(s.protocol.scales)
            and all(c.id and c.maximum > c.minimum for c in s.protocol.scales)
        ),
    ),
    (
        "analysis.target",
        "the id of one of the protocol's scales",
        lambda s: s.analysis.target in {c.id for c in s.protocol.scales},
    ),
    ("analysis.embargo_s", "0 or more", lambda s: s.analysis.embargo_s >= 0),
    (
        "analysis.n_permutations",
        "20 or more, for a p below .05",
        lambda s: s.analysis.n_permutations >= 20,
    ),
    ("analysis.smallest_effect", "between 0.5 and 1", lambda s: 0.5 < s.analysis.smallest_effect < 1),
    ("analysis.line_noise_hz", "50 or 60", lambda s: s.analysis.line_noise_hz in (50, 60)),
)
