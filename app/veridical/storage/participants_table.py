"""participants.tsv with its JSON dictionary: who takes part, pseudonymously."""

from pathlib import Path

import msgspec

from veridical.domain.errors import StudyError, VeridicalError
from veridical.domain.participant import Participant, ParticipantStatus
from veridical.storage.atomic import write_atomically
from veridical.storage.tables import read_table, write_table

_COLUMNS = ("participant_id", "group", "status")
_MEANINGS = {
    "participant_id": {"Description": "Pseudonym; the key to names is kept elsewhere"},
    "group": {"Description": "Group within the study, if any"},
    "status": {
        "Description": "Whether the participant still takes part",
        "Levels": {"active": "takes part", "withdrawn": "withdrew; the data were erased"},
    },
}


def write_participants(path: Path, participants: tuple[Participant, ...]) -> None:
    """Write participants.tsv and participants.json (each atomically)."""
    write_table(path, _COLUMNS, [(f"sub-{p.id}", p.group, p.status) for p in participants])
    write_atomically(path.with_suffix(".json"), msgspec.json.format(msgspec.json.encode(_MEANINGS), indent=2))


def read_participants(path: Path) -> tuple[Participant, ...]:
    """Read participants.tsv; no file means no participants. StudyError names a bad line."""
    if not path.exists():
        return ()
    participants: list[Participant] = []
    for line, row in enumerate(read_table(path, _COLUMNS[:1]), 2):
        status = row.get("status") or "active"
        try:
            known = msgspec.convert(status, ParticipantStatus)
            participants.append(Participant(row["participant_id"].removeprefix("sub-"), row.get("group", ""), known))
        except (VeridicalError, msgspec.ValidationError) as error:
            raise StudyError(f"{path} line {line}: {error}") from error
    twice = {p.id for p in participants if sum(q.id == p.id for q in participants) > 1}
    if twice:
        raise StudyError(f"{path}: the participant {min(twice)} stands there twice; remove one of the lines.")
    return tuple(participants)
