"""A session from pre-flight to a verified recording: starts, watches and commands the children."""

import hashlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from veridical.domain.errors import StorageError, StudyError, VeridicalError
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan, expand
from veridical.domain.run import RunPlan, ScreenChoice, StreamSelector
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import Role, StreamDescription, suggest_roles
from veridical.ipc.messages import (
    Abort,
    Light,
    Note,
    Pause,
    PresenterState,
    RecorderState,
    Resume,
    Start,
    Stop,
)
from veridical.paths import RunPaths
from veridical.services import preflight
from veridical.services.children import Child, spawn
from veridical.services.session_record import finish_run
from veridical.services.streams import find_silent
from veridical.services.study import Study
from veridical.storage.run_folder import read_plan, write_plan

_WATCH_S = 0.05
_PROBE_S = 2.5
# A stream that the recorder has not picked up by then is said to be missing.
_PATIENCE_S = 10.0
# Between a child's end and our noticing, its last state may still be under way.
_SETTLE_S = 0.3
# A run without session file whose recording has not grown for so long has been left by its window.
_ORPHAN_AGE_S = 60.0


@dataclass(frozen=True)
class GateItem:
    """One line of the pre-flight gate.

    Parameters
    ----------
    id : str
        ``eeg``, ``eda``, ``ecg``, ``stimuli``, ``disk``, ``run``, ``screen``.
    remedy : str
        What to do; empty when the light is good.
    is_blocking : bool
        Whether a session cannot start as long as this fails.
    """

    id: str
    title: str
    light: Light
    words: str
    remedy: str = ""
    is_blocking: bool = False


@dataclass(frozen=True)
class RunRequest:
    """What the operator chose for a session."""

    key: RunKey
    streams: tuple[StreamDescription, ...]
    screen: ScreenChoice = ScreenChoice()
    simulation: SimulationPlan | None = None
    has_simulated_participant: bool = False


@dataclass(frozen=True)
class RunState:
    """Both children at one moment.

    Parameters
    ----------
    problem : str
        A sentence for the banner when a child died or an alarm rings; empty otherwise.
    is_over : bool
        Both children have ended (or died) and the session file is written.
    is_recorder_lost : bool
        The recorder died; its last state still says what it did then.
    """

    key: RunKey
    presenter: PresenterState | None
    recorder: RecorderState | None
    problem: str = ""
    is_over: bool = False
    is_recorder_lost: bool = False


def plan_session(study: Study, key: RunKey) -> SessionPlan:
    """Return the trials of a run: fixed by the study's seed and the run's name, so they can be looked at before."""
    return expand(study.settings.protocol, study.stimuli, _seed_of(study, key))


def _seed_of(study: Study, key: RunKey) -> int:
    digest = hashlib.sha256(f"{study.settings.seed}/{key.folder}".encode()).digest()
    return int.from_bytes(digest[:4], "little")


def _shown(study: Study, plan: SessionPlan) -> tuple[Stimulus, ...]:
    ids = {t.stimulus_id for t in (*plan.practice, *plan.trials)}
    return tuple(s for s in study.stimuli.stimuli if s.id in ids)


def check_before_run(study: Study, request: RunRequest) -> tuple[GateItem, ...]:
    """Answer every item of the pre-flight gate (takes up to 3 s when a stream is silent; run it off the Qt thread)."""
    silent = {s.uid for s in find_silent(request.streams, _PROBE_S)}
    items = [_role_item(role, request, silent) for role in ("EEG", "EDA", "ECG")]
    plan = SessionPlan()

    def streams() -> str:
        preflight.check_streams(request.streams)
        mute = sorted(s.name for s in request.streams if s.uid in silent)
        if mute:
            raise VeridicalError(f"No data arrive from {', '.join(mute)}; start the measurement on the device.")
        n = len(request.streams)
        return f"{n} streams send data" if n > 1 else "1 stream sends data"

    def stimuli() -> str:
        nonlocal plan
        plan = plan_session(study, request.key)
        preflight.check_stimuli(study.paths.stimuli, _shown(study, plan))
        return f"{len(plan.trials)} pictures to show, all readable"

    def run() -> str:
        preflight.check_run_is_new(study, request.key)
        return f"Run {request.key.run} is free"

    def disk() -> str:
        free = preflight.check_disk(study, request.streams, plan)
        hours = free / max(1.0, preflight.byte_rate(request.streams)) / 3600
        return f"{free / 2**30:.0f} GB free, enough for {min(hours, 9999):.0f} h"

    checks: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("streams", "Streams", streams),
        ("stimuli", "Pictures", stimuli),
        ("disk", "Disk", disk),
        ("run", "Run", run),
    )
    items.extend(_item(name, title, check) for name, title, check in checks)
    return (*items, _screen_item(request.screen))


def _item(name: str, title: str, check: Callable[[], str]) -> GateItem:
    try:
        return GateItem(name, title, "good", check())
    except VeridicalError as error:
        found, remedy = preflight.sentence_of(error)
        return GateItem(name, title, "fail", found, remedy, is_blocking=True)


def _role_item(role: Role, request: RunRequest, silent: set[str]) -> GateItem:
    streams = {(s.name, s.source_id): s for s in request.streams}
    found = [r for r in suggest_roles(request.streams) if r.role == role]
    if not found:
        remedy = f"Switch on the device that measures {role}, or go on without it."
        return GateItem(role.lower(), role, "caution", "No stream carries it", remedy)
    first = found[0]
    stream = streams[first.stream, first.source_id]
    n = len(first.channels)
    words = f"{n} channel{'s' if n > 1 else ''} at {stream.nominal_hz:g} Hz from {stream.name}"
    if stream.uid in silent:
        return GateItem(
            role.lower(), role, "fail", f"{words}, but no data arrive", "Start the measurement on the device."
        )
    return GateItem(role.lower(), role, "good", words)


def _screen_item(screen: ScreenChoice) -> GateItem:
    if screen.kind == "headless":
        return GateItem(
            "screen", "Screen", "caution", "Headless: no picture is shown to anyone", "Choose a real screen."
        )
    if not has_display():
        words = "No display was found"
        return GateItem("screen", "Screen", "fail", words, "Log in to a desktop, or choose the headless screen.", True)
    return GateItem("screen", "Screen", "good", f"Display {screen.index + 1}{', full screen' * screen.fullscreen}")


def has_display() -> bool:
    """Whether a window could be opened here (Windows and macOS always have a desktop)."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY"))


class LiveRun:
    """A run whose children are alive; the window may detach and attach again."""

    def __init__(self, study: Study, paths: RunPaths, children: tuple[Child, ...] = ()) -> None:
        self._study = study
        self._paths = paths
        self._plan = read_plan(paths)
        own = {child.name: child for child in children}
        self._presenter, self._recorder = (
            own.get(name) or Child(name, paths.connection(name), paths.log(name)) for name in ("presenter", "recorder")
        )
        self._wants_start = False
        self._was_aborted = False
        self._asked_recorder = False
        self._problem = ""
        self._is_over = False
        self._is_recorder_lost = False
        self._closing = threading.Event()
        for child in (self._presenter, self._recorder):
            child.attach()
        self._watcher = threading.Thread(target=self._watch, name="run-watcher", daemon=True)
        self._watcher.start()

    @property
    def plan(self) -> RunPlan:
        """The resolved run."""
        return self._plan

    def state(self) -> RunState:
        """The newest state; never blocks."""
        presenter, recorder = self._presenter.state, self._recorder.state
        return RunState(
            key=self._plan.key,
            presenter=presenter if isinstance(presenter, PresenterState) else None,
            recorder=recorder if isinstance(recorder, RecorderState) else None,
            problem=self._problem,
            is_over=self._is_over,
            is_recorder_lost=self._is_recorder_lost,
        )

    def begin(self) -> None:
        """Start the session as soon as the presenter is ready and the recorder takes its markers and every stream."""
        self._wants_start = True

    def pause(self) -> None:
        """Pause before the next trial."""
        self._presenter.send(Pause())

    def resume(self) -> None:
        """Go on after a pause."""
        self._presenter.send(Resume())

    def abort(self, reason: str) -> None:
        """End the session now; what was recorded is kept and verified."""
        self._was_aborted = True
        self._presenter.send(Abort(reason))

    def note(self, text: str) -> None:
        """Write a note marker."""
        self._presenter.send(Note(text))

    def wait_over(self, timeout_s: float) -> bool:
        """Wait until both children are gone and the session file is written, at most ``timeout_s`` seconds."""
        self._watcher.join(timeout_s)
        return self._is_over

    def kill(self) -> None:
        """End children that this window started and that follow no command any more."""
        for child in (self._presenter, self._recorder):
            child.kill()

    def close(self) -> None:
        """Detach; the children go on."""
        self._closing.set()
        self._watcher.join(2.0)
        for child in (self._presenter, self._recorder):
            child.detach()

    def _watch(self) -> None:
        begun = time.monotonic()
        while not self._closing.is_set():
            # Asked before the state is read: a child that ended has said its last by then.
            alive = {c.name: c.is_alive() or self._is_starting(c, begun) for c in (self._presenter, self._recorder)}
            for child in (self._presenter, self._recorder):
                child.attach()
            self._start_if_wanted(begun)
            self._close_what_is_done(alive)
            self._problem = self._find_problem(alive)
            if not any(alive.values()):
                self._closing.wait(_SETTLE_S)
                self._problem = self._find_problem(alive)
                self._finish()
                return
            self._closing.wait(_WATCH_S)

    def _is_starting(self, child: Child, begun: float) -> bool:
        """A child of another window is given a moment to be reached."""
        return child.state is None and not child.is_own and time.monotonic() - begun < _SETTLE_S

    def _start_if_wanted(self, begun: float) -> None:
        state = self.state()
        if not self._wants_start or state.presenter is None or state.presenter.phase != "ready":
            return
        recorder = state.recorder
        if recorder is None or recorder.phase != "recording" or self._missing(recorder):
            return
        self._wants_start = False
        self._presenter.send(Start())

    def _missing(self, recorder: RecorderState) -> list[str]:
        """What the recorder does not take yet: markers, and streams of the plan."""
        taken = recorder.streams
        missing = [
            s.name or s.source_id or s.type
            for s in self._plan.streams
            if not any(
                # An irregular stream may have nothing to say before the session, such as another program's markers.
                (t.n_samples > 0 or (t.uid and t.nominal_hz == 0))
                and (not s.name or t.name == s.name)
                and (not s.source_id or t.source_id == s.source_id)
                and (not s.type or t.type == s.type)
                for t in taken
            )
        ]
        if not any(t.source_id == self._plan.marker_source_id for t in taken):
            missing.append("the presenter's markers")
        return missing

    def _close_what_is_done(self, alive: dict[str, bool]) -> None:
        """End the child that only waits for the other."""
        state = self.state()
        if not alive["presenter"] and not self._asked_recorder:
            # After a normal end it is closing by itself already; after a killed presenter nobody else would tell it.
            self._asked_recorder = True
            self._recorder.send(Stop())
        is_presented = state.presenter is not None and state.presenter.phase in ("ended", "failed")
        is_recorded = state.recorder is not None and state.recorder.phase in ("ended", "failed")
        if alive["presenter"] and is_presented and (is_recorded or not alive["recorder"]):
            # It stays for the last markers to be pulled, which has happened.
            self._presenter.send(Stop())

    def _find_problem(self, alive: dict[str, bool]) -> str:
        state = self.state()
        presenter, recorder = state.presenter, state.recorder
        file = Path(self._plan.xdf)
        if recorder is not None and (recorder.alarm or recorder.phase == "failed"):
            return (
                recorder.alarm or recorder.message or "The recorder failed; end the session and look at recorder.log."
            )
        if not alive["recorder"] and (recorder is None or recorder.phase != "ended"):
            self._is_recorder_lost = True
            kept = f"what it recorded is kept in {file}" if file.exists() else "nothing was recorded"
            # Until the session has been ended, the next one cannot begin.
            remedy = "end the session" if alive["presenter"] else "start the next run"
            return f"The recorder ended unexpectedly{self._recorder.words_of_end()}; {kept}; {remedy}."
        if presenter is not None and presenter.phase == "failed":
            return presenter.message or "The presenter failed; look at presenter.log."
        if not alive["presenter"] and (presenter is None or presenter.phase != "ended"):
            words = self._presenter.words_of_end()
            return f"The presenter ended unexpectedly{words}; the recording is kept in {file}; start the next run."
        if recorder is not None and recorder.phase == "ended" and not recorder.is_verified:
            return (
                recorder.message or f"The recording {file} could not be verified; look at it with `veridical inspect`."
            )
        return ""

    def _finish(self) -> None:
        try:
            finish_run(self._study.paths, self._paths)
        except VeridicalError as error:
            self._problem = self._problem or str(error)
        self._is_over = True


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
    plan = plan_session(study, key)
    shown = _shown(study, plan)
    preflight.check_stimuli(study.paths.stimuli, shown)
    preflight.check_disk(study, request.streams, plan)
    paths = study.paths.run(key)
    write_plan(paths, _resolve(study, request, plan, shown))
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


def _resolve(study: Study, request: RunRequest, plan: SessionPlan, shown: tuple[Stimulus, ...]) -> RunPlan:
    key, settings = request.key, study.settings
    return RunPlan(
        key=key,
        plan=plan,
        scales=settings.protocol.scales,
        stimuli=tuple(replace(s, file=str(study.paths.stimuli / s.file)) for s in shown),
        seed=_seed_of(study, key),
        marker_source_id=f"veridical-{key.folder}-{secrets.token_hex(6)}",
        # Without the uid: a device that restarts gets a new one and must be picked up again.
        streams=tuple(StreamSelector(s.name, s.type, s.source_id, s.hostname) for s in request.streams),
        xdf=str(study.paths.xdf(key)),
        journal=str(study.paths.journal(key)),
        session_file=str(study.paths.session_file(key)),
        texts={"language": settings.language},
        roles=settings.roles or suggest_roles(request.streams),
        screen=request.screen,
        simulation=request.simulation,
        has_simulated_participant=request.has_simulated_participant,
        rating_timeout_s=settings.protocol.rating_timeout_s,
        instruction_timeout_s=settings.protocol.instruction_timeout_s,
        is_shortened=settings.is_shortened,
        shows_ratings=settings.shows_ratings,
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
