"""The files of a run's recording, wherever they lie: its own, and those in which it went on when its disk failed."""

import contextlib
from pathlib import Path

from veridical.domain.errors import RecordingError, StorageError, StudyError
from veridical.domain.participant import RunKey
from veridical.domain.run import RunPlan
from veridical.services.study import Study
from veridical.storage.run_folder import read_outcome, read_plan
from veridical.storage.session_file import find_session
from veridical.storage.xdf_reader import read_xdf

# As the recorder names them, in the order in which they follow the run's own file.
_ENDINGS = ("rescued", "continued")


def find_parts(study: Study, key: RunKey) -> tuple[Path, ...]:
    """Return the recording's files in order, as the recorder left word; files that it names need not be there.

    A recorder that was killed left none: then they are found by their names and the marker stream in them. Without
    any, the run's own file alone is returned, which may be missing too.
    """
    raw = study.paths.recording(key)
    # A study that was moved has its own recording still where it belongs.
    told = tuple(raw if file.name == raw.name else file for file in _named(study, key))
    return told or _found(study, key, raw) or (raw,)


def find_elsewhere(study: Study, key: RunKey) -> tuple[Path, ...]:
    """Return files of a run's recording that lie outside its folder, named or found; named ones need not be there."""
    home = study.paths.raw(key)
    files = dict.fromkeys((*_named(study, key), *_found(study, key, study.paths.recording(key))))
    return tuple(f for f in files if f.parent != home and _is_part_name(key, f))


def _is_part_name(key: RunKey, file: Path) -> bool:
    return file.suffix == ".xdf" and any(file.name.startswith(f"{key.stem}_{ending}") for ending in _ENDINGS)


def _named(study: Study, key: RunKey) -> tuple[Path, ...]:
    named: object = None
    with contextlib.suppress(StorageError):
        session = find_session(study.paths.session_file(key))
        named = session.recorder.get("files") if session is not None else None
    if not named:
        named = (read_outcome(study.paths.run(key), "recorder") or {}).get("files")
    return tuple(Path(name) for name in named if isinstance(name, str)) if isinstance(named, list | tuple) else ()


def _found(study: Study, key: RunKey, raw: Path) -> tuple[Path, ...]:
    try:
        plan: RunPlan | None = read_plan(study.paths.run(key))
    except StudyError:
        plan = None
    files = [raw] if raw.is_file() else []
    for ending in _ENDINGS:
        files += _by_age(raw.parent, f"{key.stem}_{ending}")
        if plan is not None and plan.fallback and Path(plan.fallback) != raw.parent:
            there = _by_age(Path(plan.fallback), f"{key.stem}_{ending}")
            files += [file for file in there if _is_of(plan, file)]
    return tuple(files)


def _by_age(folder: Path, stem: str) -> list[Path]:
    """Files of a name, then those numbered -2, -3, ...: so the recorder counts."""
    with contextlib.suppress(OSError):
        return sorted(folder.glob(f"{stem}*.xdf"), key=lambda f: (len(f.name), f.name))
    return []


def _is_of(plan: RunPlan, file: Path) -> bool:
    """Whether a file was recorded in this run: studies may share a fallback folder, and then names meet."""
    try:
        with read_xdf(file) as recording:
            return any(s.source_id == plan.marker_source_id for s in recording.streams)
    except (OSError, RecordingError):
        return False
