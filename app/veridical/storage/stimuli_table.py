"""stimuli.tsv: the generic table of a stimulus set."""

import hashlib
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from veridical.domain.errors import StimulusError, StorageError
from veridical.domain.image_statistics import STATISTIC_NAMES, ImageStatistics
from veridical.domain.stimulus import Stimulus, StimulusKind, StimulusSet, is_absolute
from veridical.storage.tables import number, read_table, write_table

_COLUMNS = (
    "id", "file", "kind", "category", "sha256", "valence_mean", "valence_sd", "arousal_mean", "arousal_sd",
    "scale_min", "scale_max", "source", "sensitive", "excluded", "theme", "norm_scale", "referenced", "duration_s",
    "width_px", "height_px",
)  # fmt: skip
_YES, _NO = ("true", "1", "yes"), ("", "false", "0", "no")
BY_HAND = "by hand"

# A file may change twice within one tick of its file system's clock (2 s on FAT) and keep its time stamps.
_YOUNG_NS = 3_000_000_000

FileState = Literal["sound", "missing", "changed", "not hashed"]


def write_stimuli(path: Path, stimuli: StimulusSet) -> None:
    """Write the table (atomically); image statistics stand in columns of their own at the end."""
    rows = [
        (
            s.id, s.file, s.kind, s.category, s.sha256, _text(s.valence_mean), _text(s.valence_sd),
            _text(s.arousal_mean), _text(s.arousal_sd), _text(s.scale_min), _text(s.scale_max), s.source,
            str(s.sensitive).lower(), s.excluded, s.theme, s.norm_scale, str(s.is_referenced).lower(),
            _text(s.duration_s), _text(s.width_px), _text(s.height_px),
            *(_text(getattr(s.statistics, name, None)) for name in STATISTIC_NAMES),
        )
        for s in stimuli.stimuli
    ]  # fmt: skip
    write_table(path, (*_COLUMNS, *STATISTIC_NAMES), rows)


def _text(value: float | None) -> str:
    # 10 digits: published norms have 9, and a number that is read and written again stays the same.
    return "" if value is None else f"{value:.10g}"


def read_stimuli(path: Path) -> StimulusSet:
    """Read the table; columns that are not known are left alone.

    Raises
    ------
    StimulusError
        If it is missing or a line is wrong (names it), or a file lies outside the set's folder without being
        marked as referenced.
    """
    if not path.exists():
        raise StimulusError(f"{path} is missing; put the study's pictures and their table there.")
    try:
        rows = read_table(path, ("id", "file"))
    except StorageError as error:
        raise StimulusError(str(error)) from error
    stimuli: list[Stimulus] = []
    for line, row in enumerate(rows, 2):
        try:
            stimuli.append(_stimulus(row))
        except (ValueError, msgspec.ValidationError) as error:
            raise StimulusError(f"{path} line {line}: {error}; mend that line.") from error
    return StimulusSet(tuple(stimuli))


def _stimulus(row: Mapping[str, str]) -> Stimulus:
    if not row["id"] or not row["file"]:
        raise ValueError("id or file is empty")
    low, high = number(row.get("scale_min", "")), number(row.get("scale_max", ""))
    scale_min, scale_max = 1.0 if low is None else low, 7.0 if high is None else high
    if scale_max <= scale_min:
        raise ValueError(f"scale_max {scale_max:g} is not above scale_min {scale_min:g}")
    excluded = row.get("excluded", "")
    return Stimulus(
        id=row["id"],
        file=_file(row["file"], _truth(row, "referenced")),
        kind=msgspec.convert(row.get("kind") or "image", StimulusKind),
        category=row.get("category", ""),
        sha256=row.get("sha256", ""),
        valence_mean=number(row.get("valence_mean", "")),
        valence_sd=number(row.get("valence_sd", "")),
        arousal_mean=number(row.get("arousal_mean", "")),
        arousal_sd=number(row.get("arousal_sd", "")),
        scale_min=scale_min,
        scale_max=scale_max,
        source=row.get("source", ""),
        sensitive=_truth(row, "sensitive"),
        excluded="" if excluded.lower() in _NO else BY_HAND if excluded.lower() in _YES else excluded,
        theme=row.get("theme", ""),
        norm_scale=row.get("norm_scale", ""),
        duration_s=number(row.get("duration_s", "")),
        width_px=_whole(row.get("width_px", "")),
        height_px=_whole(row.get("height_px", "")),
        statistics=_statistics(row),
    )


def _truth(row: Mapping[str, str], column: str) -> bool:
    word = row.get(column, "").lower()
    if word not in (*_YES, *_NO):
        raise ValueError(f"{column} is {word!r}, expected true or false")
    return word in _YES


def _file(text: str, is_referenced: bool) -> str:
    if is_referenced and is_absolute(text):
        return text
    file = PurePosixPath(text.replace("\\", "/"))
    if is_absolute(text) or file.is_absolute() or ".." in file.parts or not file.parts or ":" in file.parts[0]:
        raise ValueError(f"the file {text!r} lies outside the stimuli folder")
    return str(file)


def _whole(text: str) -> int | None:
    value = number(text)
    return None if value is None else int(value)


def _statistics(row: Mapping[str, str]) -> ImageStatistics | None:
    values = {name: number(row.get(name, "")) for name in STATISTIC_NAMES}
    if any(v is None for v in values.values()):
        return None
    return msgspec.convert({**values, "file_bytes": int(values["file_bytes"] or 0)}, ImageStatistics)


def stimulus_path(folder: Path, stimulus: Stimulus) -> Path:
    """Where a stimulus' file lies; ``folder`` is the study's stimuli folder."""
    return folder / stimulus.file


def find_file_state(folder: Path, stimulus: Stimulus) -> FileState:
    """Compare a stimulus' file with its hash.

    The bytes are read again only if size, modification or change time are not those of the last comparison in this
    process, so that asking often costs nothing.
    """
    path = stimulus_path(folder, stimulus)
    try:
        digest = _digest(path)
    except OSError:
        return "missing"
    if not stimulus.sha256:
        return "not hashed"
    return "sound" if digest == stimulus.sha256 else "changed"


def _digest(path: Path) -> str:
    stat = path.stat()
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) < _YOUNG_NS:
        return hash_file(path)
    return _digest_of(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=8192)
def _digest_of(path: str, size: int, modified_ns: int, changed_ns: int) -> str:
    return hash_file(Path(path))


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits; OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_stimulus_file(folder: Path, stimulus: Stimulus) -> None:
    """Raise StimulusError if a stimulus' file is missing or its bytes changed since it was hashed."""
    path = stimulus_path(folder, stimulus)
    what = {"image": "picture", "video": "video", "audio": "sound"}[stimulus.kind]
    try:
        digest = _digest(path)
    except OSError as error:
        remedy = (
            "put it back where it was, or find it with `veridical stimuli check --find FOLDER`"
            if stimulus.is_referenced
            else "put it back into stimuli/"
        )
        raise StimulusError(
            f"The {what} {path} of {stimulus.id} cannot be read ({error.strerror}); {remedy}."
        ) from error
    if stimulus.sha256 and digest != stimulus.sha256:
        raise StimulusError(
            f"The {what} {path} of {stimulus.id} is damaged or was changed since it was imported; "
            "put the original file back."
        )
