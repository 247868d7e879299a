"""Who was recorded, and which recording it is."""

import re
from dataclasses import dataclass
from typing import Literal

from veridical.domain.errors import StudyError

# BIDS entity labels: letters and digits only, so an id can never leave its folder.
_LABEL = re.compile(r"[A-Za-z0-9]{1,32}")

ParticipantStatus = Literal["active", "withdrawn"]


def check_label(text: str, what: str) -> str:
    """Return ``text`` if it is a BIDS label (1 to 32 letters or digits), else raise StudyError.

    ``what`` names the field in the message ("participant id").
    """
    if not _LABEL.fullmatch(text):
        raise StudyError(f"The {what} {text!r} cannot be used: take 1 to 32 letters or digits, for example 001.")
    return text


@dataclass(frozen=True)
class Participant:
    """One row of participants.tsv; pseudonymous."""

    id: str
    group: str = ""
    status: ParticipantStatus = "active"

    def __post_init__(self) -> None:
        check_label(self.id, "participant id")


@dataclass(frozen=True, order=True)
class RunKey:
    """Participant, session and run: what names every file of a recording."""

    participant: str
    session: str = "01"
    run: int = 1

    def __post_init__(self) -> None:
        check_label(self.participant, "participant id")
        check_label(self.session, "session id")
        if self.run < 1:
            raise StudyError(f"The run number {self.run} cannot be used: runs count from 1.")

    @property
    def stem(self) -> str:
        """BIDS stem of the recording's files, e.g. ``sub-001_ses-01_task-affect_run-01``."""
        return f"sub-{self.participant}_ses-{self.session}_task-affect_run-{self.run:02d}"

    @property
    def folder(self) -> str:
        """Name of the run's folder, e.g. ``sub-001_ses-01_run-01``."""
        return f"sub-{self.participant}_ses-{self.session}_run-{self.run:02d}"
