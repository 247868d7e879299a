"""study_log.jsonl: acts on a study's data that must be answered for later; lines are only ever added."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from veridical.domain.errors import StorageError
from veridical.storage.append_only import AppendOnlyFile, read_lines


@dataclass(frozen=True)
class StudyAct:
    """One line.

    Parameters
    ----------
    utc : str
        ISO 8601.
    participant : str
        Whose id it was when it happened.
    n_files, n_bytes : int
        What the act touched.
    detail : str
        In words; never a participant's data.
    """

    utc: str
    act: Literal["withdraw", "relabel"]
    participant: str
    n_files: int = 0
    n_bytes: int = 0
    detail: str = ""


def read_study_log(path: Path) -> tuple[StudyAct, ...]:
    """Read every act; no file means none. StorageError names a damaged line."""
    acts: list[StudyAct] = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            acts.append(msgspec.json.decode(line, type=StudyAct))
        except msgspec.MsgspecError as error:
            raise StorageError(f"{path} line {number} is damaged ({error}); restore it from a backup.") from error
    return tuple(acts)


def append_act(path: Path, act: StudyAct) -> None:
    """Add a line and force it to disk; StorageError if that fails."""
    file = AppendOnlyFile(path)
    try:
        file.append(msgspec.json.encode(act))
    finally:
        file.close()
