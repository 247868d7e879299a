"""Recordings of a study that broke off, were damaged or went on elsewhere: found, and mended in a copy.

Raw files are never changed. The copy lies with the derivatives, and from then on every page and command reads it.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.participant import RunKey
from veridical.domain.progress import Work
from veridical.domain.protocol import SessionPlan
from veridical.services.preflight import check_fallback
from veridical.services.recording_parts import find_parts
from veridical.services.study import Study, open_study
from veridical.storage.foreign_recording import foreign_format
from veridical.storage.study_file import edit_study_file
from veridical.storage.xdf_reader import read_xdf
from veridical.storage.xdf_recovery import recover_work

# A file that has just grown is still being recorded, and has no end because it has not ended.
_STILL_S = 5.0
_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True)
class Damage:
    """Why a recording should be mended.

    Parameters
    ----------
    files : tuple of Path
        The recording, in order; more than one if it went on in a fallback folder.
    words : str
        What is wrong, in one sentence.
    """

    key: RunKey
    files: tuple[Path, ...]
    words: str


@dataclass(frozen=True)
class Mended:
    """What the copy holds.

    Parameters
    ----------
    words : str
        In one sentence.
    """

    key: RunKey
    file: Path
    words: str


def recording_file(study: Study, key: RunKey) -> Path:
    """The file to read for a run: its mended copy if there is one, else the raw recording (which may be missing)."""
    mended = study.paths.recovered(key)
    return mended if mended.is_file() else study.paths.recording(key)


def find_damage(study: Study, key: RunKey) -> Damage | None:
    """Look whether a run's recording should be mended (reads the chunk index); None if not, or if it has been.

    A recording that cannot be opened at all is not damage that can be mended: opening it says why.
    """
    raw = study.paths.recording(key)
    if study.paths.recovered(key).is_file() or foreign_format(raw):
        return None
    files = find_parts(study, key)
    if len(files) > 1 or files != (raw,):
        present = [file for file in files if file.is_file()]
        if len(present) < len(files):
            lost = ", ".join(str(file) for file in files if file not in present)
            words = f"This recording went on in another folder, and {lost} is not there: plug in the disk it lies on."
            return Damage(key, (), words)
        where = "another file" if len(files) == 2 else f"{len(files) - 1} other files" if len(files) > 2 else files[0]
        return Damage(key, files, f"This recording went on in {where} when its disk failed; together they are whole.")
    try:
        if not _has_ended(study, key) and time.time() - raw.stat().st_mtime < _STILL_S:
            return None
        with read_xdf(raw) as file:
            is_open_ended = any(s.footer is None or s.footer.sample_count != s.n_samples for s in file.streams)
            n_places = len(file.remarks) if file.defects else 0
            is_closed = bool(file.streams) and all(s.footer is not None for s in file.streams)
    except (OSError, RecordingError):
        return None
    if n_places > 1 or (n_places and is_closed):
        where = "one place" if n_places == 1 else f"{n_places} places"
        return Damage(key, files, f"This recording is damaged in {where}; all the rest of it can be used.")
    if n_places or is_open_ended:
        return Damage(key, files, "This recording broke off before the recorder could close the file.")
    return None


def mend_work(study: Study, damage: Damage) -> Work[Mended]:
    """Write the mended copy that ``recording_file`` returns from then on.

    Raises
    ------
    RecordingError, StorageError
        If nothing can be saved, or the disk refuses the copy.
    """
    if not damage.files:
        raise StorageError(damage.words)
    done = yield from recover_work(damage.files, study.paths.recovered(damage.key))
    n_samples = sum(stream.n_samples for stream in done.streams)
    n_streams = len(done.streams)
    left_out = f"; {done.n_cut_bytes} damaged bytes are left out" if done.n_cut_bytes else ""
    spaced = f"{n_samples:,}".replace(",", _THIN_SPACE)
    words = f"{n_streams} stream{'s' * (n_streams != 1)} with {spaced} samples are whole{left_out}."
    return Mended(damage.key, Path(done.recovered), words)


def set_fallback(study: Study, folder: Path | None) -> Study:
    """Name in study.toml the folder in which recordings go on when their disk fails, and return the study anew.

    Raises
    ------
    StorageError
        If the folder cannot be made or written, or study.toml cannot.
    StudyError
        If study.toml is damaged.
    """
    if folder is not None:
        check_fallback(folder, (), SessionPlan())
    named = replace(study.settings.recording, fallback="" if folder is None else str(folder))
    edit_study_file(study.paths.study_file, study.settings, replace(study.settings, recording=named))
    return open_study(study.root)


def _has_ended(study: Study, key: RunKey) -> bool:
    return study.paths.session_file(key).exists() or study.paths.run(key).outcome("recorder").exists()
