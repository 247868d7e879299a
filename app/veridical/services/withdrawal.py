"""A participant withdraws: everything recorded from and computed for them is erased, and their id stays taken."""

import os
import re
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from veridical.domain.errors import StorageError, StudyError
from veridical.domain.participant import Participant, RunKey
from veridical.domain.progress import Progress, Work
from veridical.paths import RECORDING_ENDINGS
from veridical.services.recording_parts import find_elsewhere
from veridical.services.session import find_live_runs
from veridical.services.study import Study
from veridical.storage.participants_table import write_participants
from veridical.storage.run_folder import read_plan
from veridical.storage.study_log import StudyAct, append_act

_RUN = re.compile(r"sub-([A-Za-z0-9]+)_ses-([A-Za-z0-9]+)_(?:task-affect_)?run-(\d+)")


@dataclass(frozen=True)
class Holdings:
    """What a study holds of a participant.

    Parameters
    ----------
    folders : tuple of Path
        Raw files, derived files (mended copies among them), working folders of their runs.
    elsewhere : tuple of Path
        Files in which recordings went on outside the study, when its disk failed.
    absent : tuple of Path
        Such files that are not there, because their disk is not plugged in or somebody moved them.
    """

    participant: str
    folders: tuple[Path, ...]
    elsewhere: tuple[Path, ...]
    absent: tuple[Path, ...]
    n_recordings: int
    n_files: int
    n_bytes: int
    is_withdrawn: bool

    @property
    def words(self) -> str:
        """What would be erased, for the question that comes before."""
        recordings = f"{self.n_recordings} recording{'s' if self.n_recordings != 1 else ''}"
        where = f" ({len(self.elsewhere)} of them in {self.elsewhere[0].parent})" if self.elsewhere else ""
        files = f"{self.n_files} file{'s' if self.n_files != 1 else ''}{where}"
        return f"{recordings}, {files} and {self.n_bytes / 1e6:.1f} MB, raw and derived"

    @property
    def absent_words(self) -> str:
        """What cannot be erased because it is not there, in one sentence; empty if nothing is missing."""
        if not self.absent:
            return ""
        names = ", ".join(str(f) for f in self.absent)
        return f"Not found, so not erased: {names}. Plug in that disk before, or erase it there by hand."


def find_holdings(study: Study, participant_id: str) -> Holdings:
    """Look up what would be erased; StudyError if the study has never heard of the id."""
    participant = _find(study, participant_id)
    places = (
        study.paths.raw(RunKey(participant.id)).parent,
        study.paths.derivatives(participant.id),
        *sorted(study.paths.runs.glob(f"sub-{participant.id}_ses-*")),
    )
    folders = tuple(p for p in places if p.is_dir() and not p.is_symlink())
    away = _find_elsewhere(study, participant.id)
    elsewhere = tuple(f for f in away if f.is_file())
    inside = [f for folder in folders for f in folder.rglob("*") if f.is_symlink() or f.is_file()]
    files = [*inside, *elsewhere]
    return Holdings(
        participant.id,
        folders,
        elsewhere,
        absent=tuple(f for f in away if f not in elsewhere),
        n_recordings=sum(1 for f in files if f.suffix in RECORDING_ENDINGS),
        n_files=len(files),
        n_bytes=sum(f.lstat().st_size for f in files),
        is_withdrawn=participant.status == "withdrawn",
    )


def withdraw_work(study: Study, participant_id: str) -> Work[Holdings]:
    """Erase a participant's data and leave a tombstone: the row stays, withdrawn, so that the id is never used again.

    The tombstone comes first: if the machine stops halfway, nobody records under the id, and the same call erases
    what is left. Recordings that went on in a fallback folder go first, as long as the session files that name them
    are there. Copies made elsewhere (backups, exports) are not reached.

    Raises
    ------
    StudyError
        If there is no such participant, or a session of theirs is running.
    StorageError
        If a file refuses to go (named; what went before stays erased).
    """
    held = find_holdings(study, participant_id)
    for paths in find_live_runs(study):
        key = read_plan(paths).key
        if key.participant == held.participant:
            raise StudyError(f"A session of participant {held.participant} is running; end it, then withdraw them.")
    if held.is_withdrawn and not held.folders:
        raise StudyError(f"The participant {held.participant} has been withdrawn already; nothing of them is left.")
    _set_tombstone(study, held.participant)
    n_places = len(held.elsewhere) + len(held.folders)
    for number, file in enumerate(held.elsewhere):
        yield Progress(number, n_places, f"Erasing {file.name}")
        _erase_file(file)
    for number, folder in enumerate(held.folders, len(held.elsewhere)):
        yield Progress(number, n_places, f"Erasing {folder.name}")
        _erase(folder)
    act = StudyAct(
        datetime.now(UTC).isoformat(), "withdraw", held.participant, held.n_files, held.n_bytes, held.absent_words
    )
    append_act(study.paths.study_log, act)
    return held


def _find_elsewhere(study: Study, participant_id: str) -> tuple[Path, ...]:
    names = [
        *(f.name for f in study.paths.raw(RunKey(participant_id)).parent.glob("ses-*/*_session.json")),
        *(f.name for f in study.paths.runs.glob(f"sub-{participant_id}_ses-*")),
    ]
    # Working folders are called like the run, raw files have the task's name in between.
    found = (_RUN.match(name) for name in names)
    keys = sorted({RunKey(m[1], m[2], int(m[3])) for m in found if m is not None and m[1] == participant_id})
    return tuple(dict.fromkeys(f for key in keys for f in find_elsewhere(study, key)))


def _find(study: Study, participant_id: str) -> Participant:
    wanted = Participant(participant_id).id
    for participant in study.participants():
        if participant.id == wanted:
            return participant
    raise StudyError(f"The study has no participant {wanted}; check the id.")


def _set_tombstone(study: Study, participant_id: str) -> None:
    rows = study.participants()
    stones = tuple(replace(p, group="", status="withdrawn") if p.id == participant_id else p for p in rows)
    if stones != rows:
        write_participants(study.paths.participants, stones)


def _erase_file(file: Path) -> None:
    try:
        file.chmod(stat.S_IRWXU)
        file.unlink()
    except OSError as error:
        raise StorageError(
            f"{file} cannot be erased ({error.strerror or error}); close what has it open and withdraw the participant "
            "again."
        ) from error


def _erase(folder: Path) -> None:
    def retry(act: Callable[[str], object], path: str, _info: object) -> None:
        # Raw files may have been made read-only, which stops their removal on Windows.
        os.chmod(path, stat.S_IRWXU)
        act(path)

    try:
        shutil.rmtree(folder, onerror=retry)
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder} cannot be erased ({error.strerror or error}); close what has it open and "
            "withdraw the participant again."
        ) from error
