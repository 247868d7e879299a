"""A session that was recorded under a wrong id gets the right one: every file, and what stands in them."""

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError, StudyError
from veridical.domain.participant import RunKey, check_label
from veridical.domain.progress import Progress, Work
from veridical.services.recording_parts import find_elsewhere
from veridical.services.session import find_live_runs
from veridical.services.study import Study
from veridical.storage.atomic import write_atomically
from veridical.storage.run_folder import read_plan, write_plan
from veridical.storage.session_file import Relabelled, find_session, rewrite_session
from veridical.storage.study_log import StudyAct, append_act, read_study_log

_PLACE = re.compile(r"([A-Za-z0-9]+)/([A-Za-z0-9]+)(?:/0*(\d+))?")
_RUN = re.compile(r"sub-([A-Za-z0-9]+)_ses-([A-Za-z0-9]+)_(?:task-affect_)?run-(\d+)")
# What of a participant's own folder belongs to all their sessions together.
_SHARED = ("ledger.jsonl", "models", "reports")
_TEXTS = (".json", ".jsonl", ".html", ".tsv", ".md")


@dataclass(frozen=True)
class Place:
    """Participant and session, and one run of it or all (None)."""

    participant: str
    session: str
    run: int | None = None

    def __str__(self) -> str:
        return f"{self.participant}/{self.session}" + ("" if self.run is None else f"/{self.run}")


@dataclass(frozen=True)
class Relabelling:
    """Everything that one relabelling does; written to disk before the first file moves.

    Parameters
    ----------
    id : str
        Tells whether the audit log has it already.
    runs : tuple of (RunKey, RunKey)
        Old and new key of every run.
    moves : tuple of (str, str)
        Old and new path, in order; absolute, or relative to the study.
    stays : str
        What keeps the old id, in a sentence; empty if nothing does.
    """

    id: str
    utc: str
    source: Place
    target: Place
    runs: tuple[tuple[RunKey, RunKey], ...]
    moves: tuple[tuple[str, str], ...]
    stays: str = ""

    @property
    def words(self) -> str:
        """What would be done, for the question that comes before."""
        n, files = len(self.runs), len(self.moves)
        runs = f"{n} run{'s' if n != 1 else ''}"
        return f"{runs} of {self.source} become {self.target}: {files} file{'s' if files != 1 else ''} get a new name"


def parse_place(text: str) -> Place:
    """Read ``001/01`` or ``001/01/2``; StudyError if it is neither."""
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise StudyError(f"{text!r} names no session; write participant/session, for example 001/01, or 001/01/2.")
    check_label(found[1], "participant id")
    check_label(found[2], "session id")
    return Place(found[1], found[2], int(found[3]) if found[3] else None)


def find_interrupted(study: Study) -> Relabelling | None:
    """Return a relabelling that was interrupted; None if there is none. StorageError if its file is damaged."""
    try:
        return msgspec.json.decode(_file(study).read_bytes(), type=Relabelling)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{_file(study)} is damaged ({error}); restore it from a backup.") from error


def plan_relabelling(study: Study, source: Place, target: Place) -> Relabelling:
    """Look up what a relabelling would do.

    Raises
    ------
    StudyError
        If there is nothing to relabel, the new id is in use or withdrawn, or one of the sessions is running.
    """
    if source.run is None and target.run is not None:
        raise StudyError(f"{target} names one run and {source} a whole session; name the run of both, or of neither.")
    if (source.participant, source.session) == (target.participant, target.session) and source.run == target.run:
        raise StudyError(f"{source} is called so already; give another id.")
    for p in study.participants():
        if p.id == target.participant and p.status == "withdrawn":
            raise StudyError(f"The participant {p.id} withdrew; choose another id.")
        if p.id.lower() == target.participant.lower() and p.id != target.participant:
            raise StudyError(f"The study has a participant {p.id}; write the id like that, or choose another.")
    runs = tuple((key, _renamed(key, target)) for key in _runs_of(study, source))
    if not runs:
        raise StudyError(f"The study holds nothing of {source}; check the id.")
    for paths in find_live_runs(study):
        if read_plan(paths).key in {key for pair in runs for key in pair}:
            raise StudyError(f"A session of {source} or {target} is running; end it, then relabel it.")
    moves: list[tuple[Path, Path]] = []
    for old, new in runs:
        if study.is_used(new):
            raise StudyError(
                f"Run {new.run} of participant {new.participant}, session {new.session} is used; nothing is "
                "overwritten. Choose another id, or relabel that run first."
            )
        moves += _moves_of(study, old, new)
    stays = ""
    if source.participant != target.participant:
        shared, stays = _shared(study, source, target, {old for old, _ in runs})
        moves += shared
    for _, to in moves:
        if to.exists():
            raise StudyError(f"{to} exists already and is never overwritten; move it away or choose another id.")
    return Relabelling(
        secrets.token_hex(8), datetime.now(UTC).isoformat(), source, target, runs,
        tuple((_text(study, a), _text(study, b)) for a, b in moves), stays,
    )  # fmt: skip


def relabel_work(study: Study, source: Place, target: Place) -> Work[Relabelling]:
    """Give a session, or one run of it, another id everywhere in the study.

    File names, folders, session.json, run.json, tables, ledger, models and reports change; samples and markers of
    recordings do not: their bytes, and so their hashes, stay. What is to be done is written down first, so that the
    same call finishes what a crash interrupted. The audit log gets a line at the end, and session.json keeps the
    old id. Copies made elsewhere are not reached.

    Raises
    ------
    StudyError
        As ``plan_relabelling``, or if another relabelling was interrupted.
    StorageError
        If a file cannot be moved (named); calling again goes on there.
    """
    planned = find_interrupted(study)
    if planned is not None and (planned.source, planned.target) != (source, target):
        raise StudyError(
            f"Relabelling {planned.source} to {planned.target} was interrupted; finish it first with "
            f"`veridical relabel STUDY --from {planned.source} --to {planned.target}`."
        )
    if planned is None:
        planned = plan_relabelling(study, source, target)
        write_atomically(_file(study), msgspec.json.format(msgspec.json.encode(planned), indent=2))
    if all(p.id != target.participant for p in study.participants()):
        study.add_participant(target.participant)
    n = len(planned.moves) + len(planned.runs) + 1
    for number, (old, new) in enumerate(planned.moves):
        yield Progress(number, n, f"Renaming {Path(old).name}")
        _move(study.root / old, study.root / new)
    for number, (was, now) in enumerate(planned.runs, len(planned.moves)):
        yield Progress(number, n, f"Correcting {now.folder}")
        _correct_run(study, was, now, planned.utc)
    yield Progress(n - 1, n, "Correcting tables and reports")
    for old, new in planned.moves:
        _correct_texts(study.root / new, planned, is_shared=_is_shared(Path(old).name))
    _remove_empty(study, planned)
    if all(planned.id not in act.detail for act in read_study_log(study.paths.study_log)):
        detail = f"{planned.source} became {planned.target} ({planned.id}). {planned.stays}".strip()
        n_bytes = sum(f.stat().st_size for _, new in planned.moves if (f := study.root / new).is_file())
        act = StudyAct(
            datetime.now(UTC).isoformat(), "relabel", source.participant, len(planned.moves), n_bytes, detail
        )
        append_act(study.paths.study_log, act)
    _file(study).unlink(missing_ok=True)
    return planned


def _file(study: Study) -> Path:
    return study.root / ".veridical" / "relabelling.json"


def _renamed(key: RunKey, target: Place) -> RunKey:
    return RunKey(target.participant, target.session, key.run if target.run is None else target.run)


def _runs_of(study: Study, source: Place) -> tuple[RunKey, ...]:
    """Every run of which anything is there: a recording, marks, a working folder."""
    folder = study.paths.raw(RunKey(source.participant, source.session))
    derived = study.paths.derivatives(source.participant) / f"ses-{source.session}"
    names = [f.name for place in (folder, derived, study.paths.runs) if place.is_dir() for f in place.iterdir()]
    found = (_RUN.match(name) for name in names)
    keys = {RunKey(m[1], m[2], int(m[3])) for m in found if m is not None}
    return tuple(
        sorted(
            k
            for k in keys
            if (k.participant, k.session) == (source.participant, source.session) and source.run in (None, k.run)
        )
    )


def _moves_of(study: Study, old: RunKey, new: RunKey) -> Iterator[tuple[Path, Path]]:
    derived = (study.paths.derivatives(k.participant) / f"ses-{k.session}" for k in (old, new))
    # The fallback parts come first, as long as the session file that names them is there.
    for file in find_elsewhere(study, old):
        if file.is_file():
            yield file, file.with_name(file.name.replace(old.stem, new.stem))
    for source, target in ((study.paths.raw(old), study.paths.raw(new)), tuple(derived)):
        if source.is_dir():
            for file in sorted(source.iterdir()):
                if file.name.startswith((f"{old.stem}_", f"{old.stem}.")):
                    yield file, target / file.name.replace(old.stem, new.stem, 1)
    if study.paths.run(old).folder.is_dir():
        yield study.paths.run(old).folder, study.paths.run(new).folder


def _shared(study: Study, source: Place, target: Place, moved: set[RunKey]) -> tuple[list[tuple[Path, Path]], str]:
    """Ledger, models and reports go along if they are of this session only; else they stay, and that is said."""
    here, there = (study.paths.derivatives(p.participant) for p in (source, target))
    own = [f for f in here.iterdir() if _is_shared(f.name)] if here.is_dir() else []
    if not own:
        return [], ""
    others = [k for k in study.runs(source.participant) if k not in moved]
    if not others and not study.runs(target.participant) and not there.exists():
        return [(f, there / f.name) for f in sorted(own)], ""
    return [], (
        f"Models and reports of {source.participant} stay and learned from this session: train {source.participant} "
        f"and {target.participant} again."
    )


def _is_shared(name: str) -> bool:
    return name in _SHARED or name.startswith("learned-")


def _text(study: Study, path: Path) -> str:
    return str(path.relative_to(study.root)) if path.is_relative_to(study.root) else str(path)


def _move(old: Path, new: Path) -> None:
    if not old.exists() and new.exists():
        # Done before the interruption.
        return
    try:
        if new.exists():
            raise StorageError(f"{new} appeared while the session was relabelled; move it away and relabel again.")
        new.parent.mkdir(parents=True, exist_ok=True)
        old.rename(new)
    except OSError as error:
        raise StorageError(
            f"{old} cannot be renamed ({error.strerror or error}); close what has it open and relabel again."
        ) from error


def _correct_run(study: Study, was: RunKey, now: RunKey, utc: str) -> None:
    record = find_session(study.paths.session_file(now))
    if record is not None and record.key != now:
        rewrite_session(
            study.paths.session_file(now),
            replace(record, key=now, relabelled=(*record.relabelled, Relabelled(utc, was))),
        )

    if study.paths.run(now).plan.is_file():
        with contextlib.suppress(StudyError):
            plan = read_plan(study.paths.run(now))
            if plan.key != now:
                write_plan(study.paths.run(now), replace(plan, key=now))


def _correct_texts(path: Path, planned: Relabelling, is_shared: bool) -> None:
    files = [f for f in path.rglob("*") if f.is_file()] if path.is_dir() else [path]
    for file in files:
        if file.suffix not in _TEXTS or not file.is_file():
            continue
        with contextlib.suppress(UnicodeDecodeError):
            text = file.read_bytes().decode("utf-8")
            corrected = _corrected(text, planned, is_shared)
            if corrected != text:
                write_atomically(file, corrected.encode())


def _corrected(text: str, planned: Relabelling, is_shared: bool) -> str:
    """Replace names of files and folders, and in models and reports who it was.

    The marker stream's source id (``veridical-sub-...``) stays: it stands in the recording's bytes, by which the parts
    of a recording that went on elsewhere are recognised.
    """
    source, target = planned.source, planned.target
    for was, now in planned.runs:
        for a, b in ((was.stem, now.stem), (was.folder, now.folder)):
            text = re.sub(rf"(?<!veridical-){re.escape(a)}(?![0-9])", b, text)
        if is_shared:
            words = (f"Session {was.session}, run {was.run}", f"Session {now.session}, run {now.run}")
            text = re.sub(rf"{words[0]}(?![0-9])", words[1], text)
    for slash in ("/", "\\\\"):
        a, b = (f"sub-{p.participant}{slash}ses-{p.session}{slash}" for p in (source, target))
        text = text.replace(a, b)
    if is_shared:
        text = re.sub(rf'("participant":\s*)"{source.participant}"', rf'\g<1>"{target.participant}"', text)
        text = re.sub(rf"\b([Pp]articipant) {source.participant}\b", rf"\g<1> {target.participant}", text)
        text = re.sub(rf"\bsub-{source.participant}(?![A-Za-z0-9])(?!_ses-)", f"sub-{target.participant}", text)
    return text


def _remove_empty(study: Study, planned: Relabelling) -> None:
    """Take away the folders that are empty now; what somebody else put there stays."""
    key = RunKey(planned.source.participant, planned.source.session)
    raw, derived = study.paths.raw(key), study.paths.derivatives(key.participant)
    for folder in (raw, raw.parent, derived / f"ses-{key.session}", derived):
        with contextlib.suppress(OSError):
            folder.rmdir()
