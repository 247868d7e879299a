"""Begins a session: resolves the plan, starts the children, finds runs that are still alive."""

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from veridical.domain.errors import StimulusError, StorageError, StudyError
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Place, SessionPlan, expand
from veridical.domain.run import Override, RunPlan, ScreenChoice, StreamSelector
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import StreamDescription, resolve_roles
from veridical.paths import RunPaths
from veridical.services import preflight
from veridical.services.children import Child, spawn
from veridical.services.live_run import LiveRun
from veridical.services.resuming import BrokenSession
from veridical.services.session_record import finish_run
from veridical.services.study import Study
from veridical.storage.run_folder import read_plan, write_plan
from veridical.storage.session_file import find_session

if TYPE_CHECKING:
    from veridical.services.breath_check import BreathCheck

# A run without session file whose recording has not grown for so long has been left by its window.
_ORPHAN_AGE_S = 60.0
# A sentence names so many stimuli.
_SHOWN = 5


@dataclass(frozen=True)
class RunRequest:
    """What the operator chose for a session, and what was asked before it (``domain.intake``).

    Parameters
    ----------
    broken : BrokenSession or None
        The session that goes on with this run; None begins one.
    overrides : tuple of Override
        Failing items of the gate that the operator passes over, each with a reason.
    breath : BreathCheck or None
        The deep-breath check; None if it was not made.
    preflight : tuple of str
        How every item of the gate stands, for the session's file.
    """

    key: RunKey
    streams: tuple[StreamDescription, ...]
    screen: ScreenChoice = ScreenChoice()
    simulation: SimulationPlan | None = None
    has_simulated_participant: bool = False
    intake: Mapping[str, str] = field(default_factory=dict)
    broken: BrokenSession | None = None
    overrides: tuple[Override, ...] = ()
    breath: "BreathCheck | None" = None
    preflight: tuple[str, ...] = ()


def plan_session(study: Study, key: RunKey) -> SessionPlan:
    """Return the trials of a run: fixed by the study's seed and the run's name, so they can be looked at before."""
    return expand(study.settings.protocol, study.stimuli, _seed_of(study, key), place_of(study, key.participant))


def place_of(study: Study, participant: str) -> Place:
    """Return a participant's place in the counterbalancing: their line in participants.tsv, which never moves."""
    ids = [p.id for p in study.participants()]
    rank = ids.index(participant) if participant in ids else len(ids)
    return Place(rank, study.settings.seed)


def _seed_of(study: Study, key: RunKey) -> int:
    digest = hashlib.sha256(f"{study.settings.seed}/{key.folder}".encode()).digest()
    return int.from_bytes(digest[:4], "little")


def plan_of(study: Study, request: RunRequest) -> SessionPlan:
    """Return what a request would present: a whole session, or what is left of one."""
    return plan_session(study, request.key) if request.broken is None else request.broken.left


def shown_in(study: Study, plan: SessionPlan) -> tuple[Stimulus, ...]:
    """Return the stimuli that a plan shows, in the order of the table.

    Raises
    ------
    StimulusError
        If the table lacks one: it was removed since the session began.
    """
    ids = {t.stimulus_id for t in (*plan.practice, *plan.trials)} | set(plan.familiarity)
    shown = tuple(s for s in study.stimuli.stimuli if s.id in ids)
    lost = sorted(ids - {s.id for s in shown})
    if lost:
        names = ", ".join(lost[:_SHOWN]) + (f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else "")
        raise StimulusError(f"stimuli.tsv no longer holds {names}, which the session shows; put the lines back.")
    return shown


def remembered_intake(study: Study, participant: str) -> dict[str, str]:
    """Answers of the participant's newest session that are proposed again (handedness, not today's consent)."""
    kept = {field.id for field in study.settings.intake if field.is_remembered}
    for key in reversed(study.runs(participant)):
        try:
            record = find_session(study.paths.session_file(key))
        except StorageError:
            continue
        if record is not None and record.intake:
            return {k: v for k, v in record.intake.items() if k in kept}
    return {}


def start_run(study: Study, request: RunRequest) -> LiveRun:
    """Write run.json, start recorder and presenter and return at once; they get ready meanwhile.

    Raises
    ------
    VeridicalError
        One sentence: no streams, two streams with one name, a used run, a missing picture, a full disk.
    """
    key = request.key
    if not any(p.id == key.participant for p in study.participants()):
        study.add_participant(key.participant)
    study.get_participant(key.participant)
    preflight.check_streams(request.streams)
    preflight.check_run_is_new(study, key)
    plan = plan_of(study, request)
    shown = shown_in(study, plan)
    passed = {o.item for o in request.overrides}
    preflight.check_stimuli(study.paths.stimuli, shown, allows_changed="stimuli" in passed)
    if not request.has_simulated_participant:
        preflight.check_intake(study.settings.intake, intake_of(request), shown)
    preflight.check_disk(study, request.streams, plan, allows_little="disk" in passed)
    paths = study.paths.run(key)
    resolved = _resolve(study, request, plan, shown)
    write_plan(paths, resolved if request.broken is None else _go_on(resolved, request.broken))
    try:
        study.paths.raw(key).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{study.paths.raw(key)} cannot be made ({error.strerror}); choose another folder."
        ) from error
    children: list[Child] = []
    for name in ("recorder", "presenter"):
        process = spawn(f"veridical.{name}", paths.folder, paths.log(name))
        children.append(Child(name, paths.connection(name), paths.log(name), process))
    return LiveRun(study, paths, tuple(children))


def intake_of(request: RunRequest) -> Mapping[str, str]:
    """What was asked, now or when the session began."""
    return request.intake if request.broken is None else {**request.broken.plan.intake, **request.intake}


def _resolve(study: Study, request: RunRequest, plan: SessionPlan, shown: tuple[Stimulus, ...]) -> RunPlan:
    key, settings = request.key, study.settings
    return RunPlan(
        key=key,
        plan=plan,
        scales=settings.protocol.all_scales,
        stimuli=tuple(replace(s, file=str(study.paths.stimuli / s.file)) for s in shown),
        seed=_seed_of(study, key),
        marker_source_id=f"veridical-{key.folder}-{secrets.token_hex(6)}",
        # Without the uid: a device that restarts gets a new one and must be picked up again.
        streams=tuple(StreamSelector(s.name, s.type, s.source_id, s.hostname) for s in request.streams),
        xdf=str(study.paths.xdf(key)),
        journal=str(study.paths.journal(key)),
        session_file=str(study.paths.session_file(key)),
        texts={**settings.texts, "language": settings.language},
        roles=resolve_roles(request.streams, settings.roles),
        screen=replace(request.screen, is_touch=request.screen.is_touch or settings.has_touch_screen),
        simulation=request.simulation,
        has_simulated_participant=request.has_simulated_participant,
        rating_timeout_s=settings.protocol.rating_timeout_s,
        instruction_timeout_s=settings.protocol.instruction_timeout_s,
        is_shortened=settings.is_shortened,
        shows_ratings=settings.shows_ratings,
        trigger=settings.trigger,
        fallback=str(preflight.fallback_folder(study) or ""),
        looks=settings.analysis.looks,
        intake={k: v.strip() for k, v in request.intake.items() if v.strip()},
        overrides=request.overrides,
        preflight=request.preflight,
    )


def _go_on(new: RunPlan, broken: BrokenSession) -> RunPlan:
    """Ask and show as the run that broke off did, whatever study.toml says by now."""
    old = broken.plan
    return replace(
        new,
        continues=old.key.run,
        n_before=broken.n_done,
        seed=old.seed,
        scales=old.scales,
        texts=old.texts,
        rating_timeout_s=old.rating_timeout_s,
        instruction_timeout_s=old.instruction_timeout_s,
        is_shortened=old.is_shortened,
        looks=old.looks,
        intake={**old.intake, **new.intake},
    )


def find_live_runs(study: Study) -> tuple[RunPaths, ...]:
    """Runs of the study whose children are still alive, for re-attaching with ``LiveRun``.

    Runs whose children ended while no window was there get their session file.
    """
    live: list[RunPaths] = []
    for folder in sorted(study.paths.runs.glob("sub-*")):
        paths = RunPaths(folder)
        if not paths.plan.is_file():
            continue
        if any(_answers(paths, name) for name in ("presenter", "recorder")):
            live.append(paths)
        elif _is_left_alone(study, paths):
            finish_run(study.paths, paths)
    return tuple(live)


def _answers(paths: RunPaths, name: str) -> bool:
    child = Child(name, paths.connection(name), paths.log(name))
    try:
        return child.attach() and child.is_alive()
    finally:
        child.detach()


def _is_left_alone(study: Study, paths: RunPaths) -> bool:
    """Whether a run lacks its session file and nobody is about to write it."""
    try:
        plan = read_plan(paths)
    except StudyError:
        return False
    file = Path(plan.xdf)
    if study.paths.session_file(plan.key).exists() or not file.exists():
        return False
    return paths.outcome("recorder").exists() or time.time() - file.stat().st_mtime > _ORPHAN_AGE_S
