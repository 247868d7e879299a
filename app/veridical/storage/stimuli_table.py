"""stimuli.tsv: the generic table of a stimulus set."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import msgspec

from veridical.domain.errors import StimulusError, StorageError
from veridical.domain.stimulus import Stimulus, StimulusKind, StimulusSet
from veridical.storage.tables import number, read_table, write_table

_COLUMNS = (
    "id", "file", "kind", "category", "sha256", "valence_mean", "valence_sd", "arousal_mean", "arousal_sd",
    "scale_min", "scale_max", "source", "sensitive",
)  # fmt: skip


def write_stimuli(path: Path, stimuli: StimulusSet) -> None:
    """Write the table (atomically)."""

    def text(value: float | None) -> str:
        return "" if value is None else f"{value:g}"

    rows = [
        (
            s.id, s.file, s.kind, s.category, s.sha256, text(s.valence_mean), text(s.valence_sd), text(s.arousal_mean),
            text(s.arousal_sd), text(s.scale_min), text(s.scale_max), s.source, str(s.sensitive).lower(),
        )
        for s in stimuli.stimuli
    ]  # fmt: skip
    write_table(path, _COLUMNS, rows)


def read_stimuli(path: Path) -> StimulusSet:
    """Read the table; further columns (image statistics) are left alone.

    Raises
    ------
    StimulusError
        If it is missing or a line is wrong (names it), or a file lies outside the set's folder.
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
    file = PurePosixPath(row["file"].replace("\\", "/"))
    if file.is_absolute() or ".." in file.parts or ":" in file.parts[0]:
        raise ValueError(f"the file {row['file']!r} lies outside the stimuli folder")
    low, high = number(row.get("scale_min", "")), number(row.get("scale_max", ""))
    scale_min, scale_max = 1.0 if low is None else low, 7.0 if high is None else high
    if scale_max <= scale_min:
        raise ValueError(f"scale_max {scale_max:g} is not above scale_min {scale_min:g}")
    sensitive = row.get("sensitive", "").lower()
    if sensitive not in ("", "true", "false", "1", "0", "yes", "no"):
        raise ValueError(f"sensitive is {sensitive!r}, expected true or false")
    return Stimulus(
        id=row["id"],
        file=str(file),
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
        sensitive=sensitive in ("true", "1", "yes"),
    )


def check_stimulus_file(folder: Path, stimulus: Stimulus) -> None:
    """Raise StimulusError if a stimulus' file is missing or its bytes changed since it was hashed."""
    path = folder / stimulus.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StimulusError(
            f"The picture {path} of {stimulus.id} cannot be read ({error.strerror}); put it back into stimuli/."
        ) from error
    if stimulus.sha256 and hashlib.sha256(data).hexdigest() != stimulus.sha256:
        raise StimulusError(
            f"The picture {path} of {stimulus.id} is damaged or was changed since it was imported; "
            "put the original file back."
        )
