"""participants.tsv with its JSON dictionary: who takes part, pseudonymously."""

from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError, StudyError, VeridicalError
from veridical.domain.participant import Participant, ParticipantStatus
from veridical.storage.atomic import write_atomically
from veridical.storage.tables import read_columns, read_table, write_table

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
    """Write participants.tsv and participants.json (each atomically).

    Columns that the researcher added (age, sex, ...) and their descriptions are kept; of a participant who
    withdrew, they are emptied.
    """
    present = read_table(path, _COLUMNS[:1]) if path.exists() else ()
    added = tuple(c for c in read_columns(path) if c not in _COLUMNS) if path.exists() else ()
    kept = {row["participant_id"].removeprefix("sub-"): row for row in present}
    rows = []
    for p in participants:
        old = kept.get(p.id, {}) if p.status == "active" else {}
        rows.append((f"sub-{p.id}", p.group, p.status, *(old.get(c, "") for c in added)))
    write_table(path, (*_COLUMNS, *added), rows)
    meanings = path.with_suffix(".json")
    write_atomically(meanings, msgspec.json.format(msgspec.json.encode(_described(meanings)), indent=2))


def _described(path: Path) -> dict[str, object]:
    """Our columns' meanings, and those that the researcher wrote for theirs."""
    if not path.exists():
        return dict(_MEANINGS)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object]) | _MEANINGS
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{path} cannot be read ({error}); mend it or move it away.") from error


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
