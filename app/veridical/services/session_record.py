"""session.json from the plan, what both children left behind, and this machine."""

import importlib.metadata
import platform
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import psutil

from veridical.domain.run import RunPlan
from veridical.domain.simulation import ground_truth
from veridical.paths import RunPaths, StudyPaths
from veridical.storage.run_folder import read_outcome, read_plan
from veridical.storage.session_file import Ending, SessionRecord, find_session, write_session

_PACKAGES = ("veridical", "numpy", "scipy", "scikit-learn", "psychopy", "pylsl", "PySide6-Essentials", "msgspec")


class _Screen(msgspec.Struct):
    words: str = ""


class _Frames(msgspec.Struct):
    n_dropped: int | None = None


class _Timing(msgspec.Struct):
    frames: _Frames = msgspec.field(default_factory=_Frames)
    problem: str = ""


class _PresenterPart(msgspec.Struct):
    """What of the presenter's outcome stands in fields of its own."""

    reason: str = ""
    detail: str = ""
    screen: _Screen | None = None
    timing: _Timing | None = None


class _RecorderPart(msgspec.Struct):
    """What of the recorder's outcome stands in fields of its own."""

    ended_by: str = ""
    message: str = ""
    is_verified: bool = False


def package_versions() -> Mapping[str, str]:
    """Versions of Python, the system and the packages that matter for the numbers."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> Mapping[str, str]:
    """Processor and memory in words; no name of this machine or of its user."""
    return {
        "machine": platform.machine(),
        "processor": platform.processor() or "unknown",
        "n_processors": str(psutil.cpu_count() or "unknown"),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }


def finish_run(study: StudyPaths, paths: RunPaths) -> SessionRecord:
    """Merge run.json and both outcomes into session.json, once; call it when both children are gone.

    Raises
    ------
    StudyError, StorageError
        If run.json is damaged or session.json cannot be written.
    """
    plan = read_plan(paths)
    target = study.session_file(plan.key)
    present = find_session(target)
    if present is not None:
        return present
    record = _merge(paths, plan)
    write_session(target, record)
    return record


def _merge(paths: RunPaths, plan: RunPlan) -> SessionRecord:
    presenter, recorder = read_outcome(paths, "presenter"), read_outcome(paths, "recorder")
    shown = msgspec.convert(presenter or {}, _PresenterPart)
    recorded = msgspec.convert(recorder or {}, _RecorderPart)
    frames = shown.timing.frames if shown.timing is not None else None
    return SessionRecord(
        key=plan.key,
        written_utc=datetime.now(UTC).isoformat(),
        versions=package_versions(),
        hardware=hardware(),
        seed=plan.seed,
        order=plan.plan,
        scales=plan.scales,
        roles=plan.roles,
        screen=plan.screen,
        presenter_ended=Ending(shown.reason or "killed", shown.detail),
        recorder_ended=Ending(recorded.ended_by or "killed", recorded.message),
        screen_used=shown.screen.words if shown.screen is not None else "",
        n_dropped_frames=frames.n_dropped if frames is not None else None,
        timing_problem=shown.timing.problem if shown.timing is not None else "",
        is_verified=recorded.is_verified,
        is_shortened=plan.is_shortened,
        has_simulated_participant=plan.has_simulated_participant,
        continues=plan.continues,
        intake=plan.intake,
        overrides=plan.overrides,
        preflight=plan.preflight,
        simulation=plan.simulation,
        truth=ground_truth(plan.simulation, plan.stimuli) if plan.simulation is not None else None,
        presenter=presenter or {},
        recorder=recorder or {},
    )
