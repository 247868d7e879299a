"""run.json and the outcomes of the child processes."""

from typing import Any

import msgspec

from veridical.domain.errors import StudyError
from veridical.domain.run import RunPlan
from veridical.paths import RunPaths
from veridical.storage.atomic import write_atomically


def write_plan(paths: RunPaths, plan: RunPlan) -> None:
    """Write run.json (StorageError if that fails)."""
    write_atomically(paths.plan, msgspec.json.format(msgspec.json.encode(plan), indent=2))


def read_plan(paths: RunPaths) -> RunPlan:
    """Read run.json; StudyError if it is missing or damaged."""
    try:
        return msgspec.json.decode(paths.plan.read_bytes(), type=RunPlan)
    except FileNotFoundError as error:
        raise StudyError(
            f"{paths.folder} holds no run.json; start the run from the window or `veridical run`."
        ) from error
    except msgspec.MsgspecError as error:
        raise StudyError(f"{paths.plan} is damaged ({error}); start the run anew.") from error


def write_outcome(paths: RunPaths, child: str, outcome: dict[str, Any]) -> None:
    """Write what a child says of its part; values must be JSON-able."""
    write_atomically(paths.outcome(child), msgspec.json.format(msgspec.json.encode(outcome), indent=2))


def read_outcome(paths: RunPaths, child: str) -> dict[str, Any] | None:
    """Read a child's outcome; None if it left none (it was killed)."""
    try:
        outcome: dict[str, Any] = msgspec.json.decode(paths.outcome(child).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    return outcome
