"""simulation.json: what the simulator process reads when it starts."""

from pathlib import Path

import msgspec

from veridical.domain.errors import StudyError
from veridical.domain.simulation import SimulatorSetup
from veridical.storage.atomic import write_atomically


def setup_file(folder: Path) -> Path:
    """Return the setup's place in the simulator's folder."""
    return folder / "simulation.json"


def write_setup(folder: Path, setup: SimulatorSetup) -> None:
    """Write simulation.json (StorageError if that fails)."""
    write_atomically(setup_file(folder), msgspec.json.format(msgspec.json.encode(setup), indent=2))


def read_setup(folder: Path) -> SimulatorSetup:
    """Read simulation.json.

    Raises
    ------
    StudyError
        If it is missing or damaged.
    """
    path = setup_file(folder)
    try:
        return msgspec.json.decode(path.read_bytes(), type=SimulatorSetup)
    except OSError as error:
        raise StudyError(
            f"{folder} holds no simulation.json; start the simulator from the window or `veridical simulate`."
        ) from error
    except msgspec.MsgspecError as error:
        raise StudyError(f"{path} is damaged ({error}); start the simulator anew.") from error
