"""A run whose children are alive: watches and commands them until the session file is written."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from veridical.domain.errors import VeridicalError
from veridical.domain.participant import RunKey
from veridical.domain.run import RunPlan
from veridical.ipc.messages import (
    Abort,
    Decide,
    HealthFinding,
    Linger,
    Mark,
    Note,
    Observe,
    Pause,
    PresenterState,
    RecordedStream,
    RecorderState,
    Resume,
    Start,
    Stop,
    TrialProgress,
)
from veridical.paths import RunPaths
from veridical.services.children import Child
from veridical.services.session_record import finish_run
from veridical.services.session_summary import SessionFacts, session_facts
from veridical.services.stream_losses import Hole, LossLog, StreamLoss, away_streams
from veridical.services.study import Study
from veridical.storage.run_folder import read_plan

# What pages see of the recorder: they do not speak to processes themselves.
StreamFinding: TypeAlias = HealthFinding
__all__ = ["Hole", "LiveRun", "RecordedStream", "RunState", "StreamFinding", "TrialProgress"]

_WATCH_S = 0.05
# Between a child's end and our noticing, its last state may still be under way.
_SETTLE_S = 0.3


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
    facts : SessionFacts or None
        What the session's files say of it, once it is over.
    away : tuple of str
        Streams from which nothing comes now.
    is_paused_for_device : bool
        The session was paused, or will be before its next trial, because one of them dropped out.
    losses, holes : tuple
        What was lost so far.
    poor : tuple of Hole
        Stretches in which most channels of a role were of failing quality, as the window saw it live.
    """

    key: RunKey
    presenter: PresenterState | None
    recorder: RecorderState | None
    problem: str = ""
    is_over: bool = False
    is_recorder_lost: bool = False
    facts: SessionFacts | None = None
    away: tuple[str, ...] = ()
    is_paused_for_device: bool = False
    losses: tuple[StreamLoss, ...] = ()
    holes: tuple[Hole, ...] = ()
    poor: tuple[Hole, ...] = ()


class LiveRun:
    """A run whose children are alive; the window may detach and attach again.

    Parameters
    ----------
    keeps_session : bool
        Whether the run leaves a session file; a display test does not.
    """

    def __init__(
        self, study: Study, paths: RunPaths, children: tuple[Child, ...] = (), keeps_session: bool = True
    ) -> None:
        self._keeps_session = keeps_session
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
        self._facts: SessionFacts | None = None
        self._log = LossLog()
        self._losses: tuple[StreamLoss, ...] = ()
        self._holes: tuple[Hole, ...] = ()
        self._away: tuple[str, ...] = ()
        self._is_paused_for_device = False
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
            facts=self._facts,
            away=self._away,
            is_paused_for_device=self._is_paused_for_device,
            losses=self._losses,
            holes=self._holes,
        )

    def begin(self) -> None:
        """Start the session as soon as the presenter is ready and the recorder takes its markers and every stream."""
        self._wants_start = True

    def pause(self) -> None:
        """Pause before the next trial."""
        self._presenter.send(Pause())

    def resume(self) -> None:
        """Go on after a pause, whatever it was for."""
        self._is_paused_for_device = False
        self._presenter.send(Resume())

    def abort(self, reason: str) -> None:
        """End the session now; what was recorded is kept and verified."""
        self._was_aborted = True
        self._presenter.send(Abort(reason))

    def note(self, text: str) -> None:
        """Write a note marker."""
        self._presenter.send(Note(text))

    def observe(self, observation: str) -> None:
        """Write that the participant did something, by the observation's id."""
        self._presenter.send(Observe(observation))

    def mark(self, name: str) -> None:
        """Write a marker of the study's own."""
        self._presenter.send(Mark(name))

    def linger(self, is_on: bool) -> None:
        """Let the session rest after its last block until it is decided how to go on, or no longer."""
        self._presenter.send(Linger(is_on))

    def decide(self, choice: Literal["next", "enough"]) -> None:
        """End a rest after a block: with the next planned block, or with no more of them."""
        self._presenter.send(Decide(choice))

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
            self._look_at_streams()
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

    def _look_at_streams(self) -> None:
        """Note what was lost; a device that drops out pauses the session if the study says so."""
        state = self.state()
        recorder, presenter = state.recorder, state.presenter
        if recorder is None or recorder.phase != "recording":
            self._away = ()
            return
        self._log.look(recorder)
        self._losses, self._holes = self._log.losses, self._log.holes
        before, self._away = self._away, away_streams(recorder.streams)
        is_running = presenter is not None and presenter.phase == "running"
        if set(self._away) - set(before) and is_running and self._study.settings.recording.pauses_when_lost:
            self._is_paused_for_device = True
            self._presenter.send(Pause())
        elif presenter is not None and presenter.phase not in ("pausing", "paused") and not self._away:
            self._is_paused_for_device = False

    def _missing(self, recorder: RecorderState) -> list[str]:
        """What the recorder does not take yet: markers, and streams of the plan."""
        taken = recorder.streams
        passed_over = {name for o in self._plan.overrides for name in o.streams}
        missing = [
            s.name or s.source_id or s.type
            for s in self._plan.streams
            if s.name not in passed_over
            and not any(
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
            if self._keeps_session:
                record = finish_run(self._study.paths, self._paths)
                self._facts = session_facts(self._study, self._plan, record.screen_used)
        except VeridicalError as error:
            self._problem = self._problem or str(error)
        self._is_over = True
