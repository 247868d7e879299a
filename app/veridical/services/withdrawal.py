"""A participant withdraws: everything recorded from and computed for them is erased, and their id stays taken."""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from veridical.domain.errors import StorageError, StudyError
from veridical.domain.participant import Participant, RunKey
from veridical.domain.progress import Progress, Work
from veridical.services.session import find_live_runs
from veridical.services.study import Study
from veridical.storage.participants_table import write_participants
from veridical.storage.run_folder import read_plan
from veridical.storage.study_log import StudyAct, append_act


@dataclass(frozen=True)
class Holdings:
    """What a study holds of a participant.

    Parameters
    ----------
    folders : tuple of Path
        Raw files, derived files, working folders of their runs.
    """

    participant: str
    folders: tuple[Path, ...]
    n_recordings: int
    n_files: int
    n_bytes: int
    is_withdrawn: bool

    @property
    def words(self) -> str:
        """What would be erased, for the question that comes before."""
        recordings = f"{self.n_recordings} recording{'s' if self.n_recordings != 1 else ''}"
        return f"{recordings}, {self.n_files} files and {self.n_bytes / 1e6:.1f} MB, raw and derived"


def find_holdings(study: Study, participant_id: str) -> Holdings:
    """Look up what would be erased; StudyError if the study has never heard of the id."""
    participant = _find(study, participant_id)
    places = (
        study.paths.raw(RunKey(participant.id)).parent,
        study.paths.derivatives(participant.id),
        *sorted(study.paths.runs.glob(f"sub-{participant.id}_ses-*")),
    )
    folders = tuple(p for p in places if p.is_dir() and not p.is_symlink())
    files = [f for folder in folders for f in folder.rglob("*") if f.is_symlink() or f.is_file()]
    return Holdings(
        participant.id,
        folders,
        n_recordings=sum(1 for f in files if f.suffix == ".xdf"),
        n_files=len(files),
        n_bytes=sum(f.lstat().st_size for f in files),
        is_withdrawn=participant.status == "withdrawn",
    )


def withdraw_work(study: Study, participant_id: str) -> Work[Holdings]:
    """Erase a participant's data and leave a tombstone: the row stays, withdrawn, so that the id is never used again.

    The tombstone comes first: if the machine stops halfway, nobody records under the id, and the same call erases
    what is left. Copies made elsewhere (backups, exports) are not reached.

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
    for number, folder in enumerate(held.folders):
        yield Progress(number, len(held.folders), f"Erasing {folder.name}")
        _erase(folder)
    act = StudyAct(datetime.now(UTC).isoformat(), "withdraw", held.participant, held.n_files, held.n_bytes)
    append_act(study.paths.study_log, act)
    return held


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
