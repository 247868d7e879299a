"""Studies: making, opening, their participants and runs."""

from dataclasses import dataclass
from pathlib import Path

from veridical.domain.participant import Participant, RunKey
from veridical.domain.stimulus import StimulusSet
from veridical.domain.study import StudySettings
from veridical.paths import StudyPaths


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
        raise NotImplementedError

    def add_participant(self, participant_id: str, group: str = "") -> Participant:
        """Add a participant; StudyError if the id is taken, withdrawn or badly formed."""
        raise NotImplementedError

    def progress(self) -> tuple[ParticipantProgress, ...]:
        """How far each participant has come, in table order."""
        raise NotImplementedError

    def runs(self, participant: str) -> tuple[RunKey, ...]:
        """Runs of a participant that have a recording, in order."""
        raise NotImplementedError

    def next_run(self, participant: str, session: str = "01") -> RunKey:
        """The first unused run of a session."""
        raise NotImplementedError


def create_study(folder: Path, settings: StudySettings | None = None, stimuli: Path | None = None) -> Study:
    """Make a study from the template; the demo stimuli are copied unless others are given.

    Raises
    ------
    StudyError
        If the folder holds something already.
    """
    raise NotImplementedError


def open_study(folder: Path | str) -> Study:
    """Open a study; StudyError names what is missing and what to do."""
    raise NotImplementedError
