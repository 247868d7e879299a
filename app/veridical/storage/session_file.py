"""session.json: how a run came about and how it ended; written once, after both children are gone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.rating import Scale
from veridical.domain.run import Override, ScreenChoice
from veridical.domain.simulation import GroundTruth, SimulationPlan
from veridical.domain.stream import RoleAssignment
from veridical.storage.atomic import write_atomically

SESSION_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Ending:
    """How one child ended.

    Parameters
    ----------
    how : str
        ``completed``, ``aborted``, ``stopped``, ``failed``; ``killed`` if it left no outcome.
    detail : str
        Why, in words.
    """

    how: str
    detail: str = ""


@dataclass(frozen=True)
class Imported:
    """Where a recording made elsewhere came from.

    Parameters
    ----------
    format : str
        ``XDF``, ``EDF``, ``BDF``, ``BrainVision`` or ``FIF``.
    files : mapping
        Original file names and the SHA-256 of their contents.
    events : str
        Name of the events table; empty if the recording's own markers were taken.
    columns : mapping
        Columns of the table that were called otherwise.
    remarks : tuple of str
        What was left out, in sentences.
    """

    format: str
    files: Mapping[str, str]
    events: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relabelled:
    """The id that a run had until it was mended.

    Parameters
    ----------
    utc : str
        ISO 8601.
    """

    utc: str
    was: RunKey


@dataclass(frozen=True)
class SessionRecord:
    """Contents of session.json.

    Parameters
    ----------
    written_utc : str
        ISO 8601.
    versions : mapping
        Package name to version, Python and operating system included.
    hardware : mapping
        Processor, memory, display: in words.
    order : SessionPlan
        Every trial as it was planned, in order; what was really shown stands in the markers.
    screen_used : str
        ``psychopy 1920x1080, 60.0 Hz`` or ``headless (no display)``; empty if the presenter never told.
    timing_problem : str
        One sentence on what was bad about the timing of the screen; empty if nothing was.
    is_verified : bool
        The recording was read back after closing and its counts agreed.
    presenter, recorder : mapping
        The children's own outcomes, whole: timing report, streams, counts, health events; empty if killed.
    intake : mapping
        What was asked and agreed before the session, by the field's id in study.toml.
    overrides : tuple of Override
        Failing items of the pre-flight gate that the operator passed over, each with a reason.
    preflight : tuple of str
        How every item of the gate stood at the start.
    relabelled : tuple of Relabelled
        Under which ids the run went before a wrong one was mended, oldest first.
    truth : GroundTruth or None
        What is true of a simulated participant.
    imported : Imported or None
        Of a recording made elsewhere: its events stand in the journal.
    """

    key: RunKey
    written_utc: str
    versions: Mapping[str, str]
    hardware: Mapping[str, str]
    seed: int
    order: SessionPlan
    scales: tuple[Scale, ...]
    roles: tuple[RoleAssignment, ...]
    screen: ScreenChoice
    presenter_ended: Ending
    recorder_ended: Ending
    screen_used: str = ""
    n_dropped_frames: int | None = None
    timing_problem: str = ""
    is_verified: bool = False
    is_shortened: bool = False
    has_simulated_participant: bool = False
    continues: int | None = None
    intake: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    preflight: tuple[str, ...] = ()
    relabelled: tuple[Relabelled, ...] = ()
    simulation: SimulationPlan | None = None
    truth: GroundTruth | None = None
    presenter: Mapping[str, object] = field(default_factory=dict)
    recorder: Mapping[str, object] = field(default_factory=dict)
    imported: Imported | None = None
    schema_version: int = SESSION_SCHEMA_VERSION


def write_session(path: Path, record: SessionRecord) -> None:
    """Write session.json; StorageError if it exists already (raw files are written once) or cannot be written."""
    if path.exists():
        raise StorageError(f"{path} exists already and is never overwritten; take the next run number.")
    write_atomically(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def rewrite_session(path: Path, record: SessionRecord) -> None:
    """Replace a session.json whose id was mended (atomically); StorageError if that fails."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def find_session(path: Path) -> SessionRecord | None:
    """Read session.json; None if there is none (a run whose window died). StorageError if it is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SessionRecord)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{path} is damaged ({error}); restore it from a backup or move it away.") from error
