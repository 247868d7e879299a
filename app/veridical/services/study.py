"""Studies: making, opening, their participants and runs."""

import contextlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from veridical import paths as places
from veridical.domain.errors import StimulusError, StorageError, StudyError
from veridical.domain.participant import Participant, RunKey
from veridical.domain.stimulus import StimulusSet
from veridical.domain.study import StudySettings
from veridical.paths import StudyPaths
from veridical.storage.annotation_file import read_annotation_journal
from veridical.storage.ledger import read_ledger
from veridical.storage.participants_table import read_participants, write_participants
from veridical.storage.session_file import find_session
from veridical.storage.stimuli_table import check_stimulus_file, read_stimuli, write_stimuli
from veridical.storage.study_file import read_study_file, write_study_file
from veridical.storage.template_file import DEFAULT_TEMPLATE, read_template

_NAME = re.compile(r"sub-([A-Za-z0-9]+)_ses-([A-Za-z0-9]+)_task-affect_run-(\d+)(\..+)")


@dataclass(frozen=True)
class ParticipantProgress:
    """How far a participant has come; words for the Study page.

    Parameters
    ----------
    runs : tuple of RunKey
        Runs with a recording.
    n_annotations : int
        Marks over all runs and raters.
    headline : str
        Newest model's verdict in words; empty if none was trained.
    report : Path or None
        Newest report.
    """

    participant: Participant
    runs: tuple[RunKey, ...]
    n_annotations: int
    headline: str
    report: Path | None


@dataclass(frozen=True)
class Study:
    """An open study: what stands in its files, re-read on demand."""

    paths: StudyPaths
    settings: StudySettings
    stimuli: StimulusSet

    @property
    def root(self) -> Path:
        """The study's folder."""
        return self.paths.root

    def participants(self) -> tuple[Participant, ...]:
        """Rows of participants.tsv."""
        return read_participants(self.paths.participants)

    def get_participant(self, participant_id: str) -> Participant:
        """Return an active participant; StudyError if there is none of this id or they withdrew."""
        wanted = Participant(participant_id).id
        for participant in self.participants():
            if participant.id == wanted:
                if participant.status == "withdrawn":
                    raise StudyError(f"The participant {wanted} withdrew; choose another id.")
                return participant
        raise StudyError(f"The study has no participant {wanted}; add them on the Study page or check the id.")

    def add_participant(self, participant_id: str, group: str = "") -> Participant:
        """Add a participant; StudyError if the id is taken, withdrawn or badly formed."""
        new = Participant(participant_id, group)
        present = self.participants()
        for old in present:
            # Folder names differ only in case on Linux, and are the same on Windows and macOS.
            if old.id.lower() == new.id.lower():
                what = "withdrew" if old.status == "withdrawn" else "is in the study already"
                raise StudyError(f"The participant {old.id} {what}; choose another id.")
        write_participants(self.paths.participants, (*present, new))
        return new

    def progress(self) -> tuple[ParticipantProgress, ...]:
        """How far each participant has come, in table order."""
        return tuple(self._progress_of(p) for p in self.participants())

    def _progress_of(self, participant: Participant) -> ParticipantProgress:
        folder = self.paths.derivatives(participant.id)
        journals = sorted(folder.glob("ses-*/*_annotations-*.jsonl"))
        analyses = [a for a in read_ledger(self.paths.ledger(participant.id)) if a.kind == "analysis"]
        reports = [self.paths.report(participant.id, a.model) for a in reversed(analyses)]
        return ParticipantProgress(
            participant=participant,
            runs=self.runs(participant.id),
            n_annotations=sum(len(read_annotation_journal(j).annotations.annotations) for j in journals),
            headline=analyses[-1].headline if analyses else "",
            report=next((r for r in reports if r.is_file()), None),
        )

    def runs(self, participant: str) -> tuple[RunKey, ...]:
        """Runs of a participant that have a recording, in order."""
        keys: list[RunKey] = []
        raw = self.paths.raw(RunKey(participant)).parent
        for file in raw.glob("ses-*/sub-*"):
            name = _NAME.fullmatch(file.name)
            if name is None or name[4] not in places.RECORDING_ENDINGS:
                continue
            if name[1] == participant and file.parent.name == f"ses-{name[2]}":
                keys.append(RunKey(participant, name[2], int(name[3])))
        elsewhere = [key for key in self._runs_elsewhere(raw, participant) if key not in keys]
        return tuple(sorted((*keys, *elsewhere)))

    def _runs_elsewhere(self, raw: Path, participant: str) -> list[RunKey]:
        """Runs whose recording was removed or never could be begun here, and is kept in a fallback folder or mended."""
        found: list[RunKey] = []
        for file in raw.glob("ses-*/*_session.json"):
            name = _NAME.fullmatch(file.name.replace("_session.json", ".xdf"))
            if name is None or name[1] != participant:
                continue
            key = RunKey(participant, name[2], int(name[3]))
            if self.paths.recording(key).exists():
                continue
            with contextlib.suppress(StorageError):
                record = find_session(file)
                files = record.recorder.get("files") if record is not None else None
                if self.paths.recovered(key).is_file() or (
                    isinstance(files, list) and any(Path(str(f)).is_file() for f in files)
                ):
                    found.append(key)
        return found

    def raters(self, key: RunKey) -> tuple[str, ...]:
        """Raters who have marked a run, sorted."""
        folder = self.paths.annotation_journal(key, "x").parent
        return tuple(
            sorted(f.stem.rpartition("_annotations-")[2] for f in folder.glob(f"{key.stem}_annotations-*.jsonl"))
        )

    def next_run(self, participant: str, session: str = "01") -> RunKey:
        """The first unused run of a session."""
        key = RunKey(participant, session)
        while self.is_used(key):
            key = RunKey(participant, session, key.run + 1)
        return key

    def is_used(self, key: RunKey) -> bool:
        """Whether anything of this run exists already: it must never be overwritten."""
        return any(
            place.exists()
            for place in (
                self.paths.recording(key),
                self.paths.journal(key),
                self.paths.session_file(key),
                self.paths.run(key).plan,
            )
        )


def create_study(folder: Path, settings: StudySettings | None = None, stimuli: Path | None = None) -> Study:
    """Make a study from the template; the demo stimuli are copied unless others are given.

    Parameters
    ----------
    stimuli : Path or None
        Folder with a ``stimuli.tsv`` and the files that it names.

    Raises
    ------
    StudyError
        If the folder holds something already.
    StimulusError
        If a picture is missing or damaged.
    StorageError
        If the folder cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StudyError(f"{folder} holds something already; choose a new or an empty folder.")
    source = stimuli or places.demo_stimuli()
    chosen = read_stimuli(source / "stimuli.tsv")
    if not chosen.stimuli:
        raise StimulusError(f"{source / 'stimuli.tsv'} names no stimuli; add a line for each picture.")
    paths = StudyPaths(folder.resolve())
    was_there = folder.exists()
    try:
        _fill_study(paths, source, chosen, settings or read_template(DEFAULT_TEMPLATE).settings)
    except BaseException as error:
        # Half a study would be in the way of the next try. The folder was empty: all that goes is what we made.
        shutil.rmtree(paths.stimuli, ignore_errors=True)
        with contextlib.suppress(OSError):
            paths.study_file.unlink(missing_ok=True)
            paths.participants.unlink(missing_ok=True)
            paths.participants.with_suffix(".json").unlink(missing_ok=True)
            if not was_there:
                paths.root.rmdir()
        if isinstance(error, OSError):
            raise StorageError(
                f"{folder} cannot be written ({error.strerror or error}); free space or choose another folder."
            ) from error
        raise
    return open_study(folder)


def _fill_study(paths: StudyPaths, source: Path, chosen: StimulusSet, settings: StudySettings) -> None:
    for stimulus in chosen.stimuli:
        check_stimulus_file(source, stimulus)
        if stimulus.is_referenced:
            # It lies outside its set, and stays there.
            continue
        target = paths.stimuli / stimulus.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / stimulus.file, target)
    write_stimuli(paths.stimuli_table, chosen)
    write_participants(paths.participants, ())
    # Last: a folder without study.toml is no study, so an interrupted one is never taken for a whole one.
    write_study_file(paths.study_file, settings)


def open_study(folder: Path | str) -> Study:
    """Open a study; StudyError names what is missing and what to do."""
    root = Path(folder).expanduser()
    if root.name == "study.toml":
        root = root.parent
    if root.is_file():
        raise StudyError(f"{root} is a file; give the folder of a study.")
    if not root.is_dir():
        raise StudyError(f"{root} does not exist; check the name or make a study with `veridical study new {root}`.")
    paths = StudyPaths(root.resolve())
    settings = read_study_file(paths.study_file)
    return Study(paths, settings, read_stimuli(paths.stimuli_table))
