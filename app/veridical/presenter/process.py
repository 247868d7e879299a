"""The presenter process: sets up, says that it is ready, runs the session, reports and ends."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError, VeridicalError
from veridical.domain.run import RunPlan
from veridical.domain.simulation import Disposition
from veridical.ipc.channel import Server
from veridical.ipc.messages import Abort, Command, PresenterState, Stop
from veridical.paths import RunPaths
from veridical.presenter.clock import Clock, LslClock
from veridical.presenter.desk import Desk
from veridical.presenter.headless_screen import HeadlessScreen
from veridical.presenter.marker_writer import MarkerWriter
from veridical.presenter.outcome import PresenterOutcome, versions
from veridical.presenter.screen import Screen
from veridical.presenter.session_runner import SessionEnd, SessionRunner, values_of
from veridical.presenter.simulated_participant import SimulatedParticipant
from veridical.presenter.stage import Stage
from veridical.presenter.texts import load_texts
from veridical.presenter.timing import summarise
from veridical.presenter.trigger import Trigger
from veridical.presenter.trigger_wires import open_wires
from veridical.storage.journal import Journal
from veridical.storage.run_folder import read_plan, write_outcome
from veridical.streaming.outlet import MarkerOutlet

# The recorder pulls the last markers and windows read the last state before the process is gone.
_LINGER_S = 3.0
_POLL_S = 0.01


class PresenterProcess:
    """One run from ``starting`` to its outcome; errors become a state, a line on stderr and exit status 1."""

    def __init__(self, paths: RunPaths, screenshots: Path | None = None, clock: Clock | None = None) -> None:
        self._paths = paths
        self._screenshots = screenshots
        self._clock = clock or LslClock()
        self._started_utc = _utc()
        self._is_interrupted = False
        self._server: Server | None = None
        self._trigger: Trigger | None = None

    def interrupt(self) -> None:
        """End the session as if the operator had aborted it (safe in a signal handler)."""
        self._is_interrupted = True

    # The channel, as the desk sees it ------------------------------------------------------------
    def publish(self, state: PresenterState) -> None:
        """Send a state to every window."""
        assert self._server is not None
        self._server.publish(state)

    def poll(self) -> list[Command]:
        """Take commands; an interrupt counts as one."""
        assert self._server is not None
        taken = self._server.poll()
        if self._is_interrupted:
            self._is_interrupted = False
            taken.append(Abort("interrupted"))
        return taken

    # The run --------------------------------------------------------------------------------------
    def run(self) -> int:
        """Run to the end and return the exit status (blocks)."""
        try:
            plan = read_plan(self._paths)
            self._server = Server(self._paths.connection("presenter"))
        except (VeridicalError, OSError) as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
        trials = plan.plan.trials
        n_trials = plan.n_before + len(trials)
        desk = Desk(self, self._clock, PresenterState("starting", n_trials=n_trials, n_before=plan.n_before))
        try:
            with self._reporting(desk, plan):
                self._present(desk, plan)
            if desk.state.phase == "failed":
                self._linger()
        finally:
            if self._trigger is not None:
                self._trigger.close()
            self._server.close()
        return 0 if desk.state.phase == "ended" else 1

    @contextlib.contextmanager
    def _reporting(self, desk: Desk, plan: RunPlan) -> Iterator[None]:
        """Turn an error into the state ``failed`` with one sentence, and an outcome."""
        try:
            yield
            return
        except VeridicalError as error:
            message = str(error)
        except Exception as error:  # whatever it is, windows and the session file must learn of it
            traceback.print_exc()
            message = (
                f"The presenter met an error it does not know ({type(error).__name__}: {error}); see presenter.log."
            )
        print(message, file=sys.stderr)  # noqa: T201
        desk.update(replace(desk.state, phase="failed", message=message))
        if not self._paths.outcome("presenter").exists():
            self._write_outcome(plan, "failed", message, None, None)

    def _present(self, desk: Desk, plan: RunPlan) -> None:
        texts = load_texts(plan.texts)
        with contextlib.closing(self._open_screen(plan)) as screen:
            screen.preload(plan.stimuli, texts.screen_scales(plan.scales, plan.plan), texts, plan.plan.familiarity)
            journal = Journal(Path(plan.journal))
            markers = MarkerWriter(MarkerOutlet(plan.marker_source_id), journal)
            participant = self._participant(plan, screen)
            self._trigger = self._open_trigger(plan)
            stage = Stage(
                screen,
                desk,
                markers,
                self._clock,
                participant,
                plan.shows_ratings,
                self._trigger,
                plan.screen.is_shared,
            )
            runner = SessionRunner(plan, stage, texts, screen.cue)
            words = screen.info.words
            desk.update(replace(desk.state, phase="ready", screen=words, remaining_s=runner.estimate_s))
            try:
                end = runner.run()
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                self._write_outcome(plan, "failed", reason, screen, runner.fail(reason), markers.problem)
                raise
            bad = self._write_outcome(plan, end.reason, end.detail, screen, end, markers.problem)
            with contextlib.suppress(OSError):
                journal.close()
            if markers.problem:
                print(markers.problem, file=sys.stderr)  # noqa: T201
            ended = replace(desk.state, phase="ended", message=markers.problem or end.detail, remaining_s=0.0)
            desk.update(replace(ended, values=values_of(end.results), timing_problem=bad))
            self._linger()

    def _open_trigger(self, plan: RunPlan) -> Trigger | None:
        choice = plan.trigger
        if choice.kind == "none":
            return None
        return Trigger(choice.kind, open_wires(choice), choice.width_s, self._clock.now)

    def _open_screen(self, plan: RunPlan) -> Screen:
        if plan.screen.kind == "headless":
            return HeadlessScreen(plan.screen, self._clock)
        # Imported here: PsychoPy takes seconds and must not load where there is no display.
        from veridical.presenter.psychopy_screen import PsychopyScreen

        return PsychopyScreen(plan.screen, self._clock, self._screenshots)

    def _participant(self, plan: RunPlan, screen: Screen) -> SimulatedParticipant | None:
        if not plan.has_simulated_participant:
            return None
        seed = plan.seed if plan.simulation is None else plan.simulation.seed
        disposition = Disposition() if plan.simulation is None else plan.simulation.true_disposition
        return SimulatedParticipant(
            screen,
            seed,
            {s.id: s for s in plan.stimuli},
            {s.id: s for s in plan.scales},
            plan.is_shortened,
            disposition,
            len(plan.plan.trials),
        )

    def _write_outcome(
        self, plan: RunPlan, reason: str, detail: str, screen: Screen | None, end: SessionEnd | None, problem: str = ""
    ) -> str:
        """Write what the presenter leaves behind; returns what was bad about its timing."""
        results = end.results if end is not None else ()
        pictures = tuple(r.picture for r in results if r.picture is not None)
        trigger = None if self._trigger is None else self._trigger.report()
        broken = "" if trigger is None else trigger.problem
        timing = None if screen is None else summarise(screen.report(), pictures)
        outcome = PresenterOutcome(
            reason=reason,
            detail=detail,
            started_utc=self._started_utc,
            ended_utc=_utc(),
            order=tuple(r.trial for r in results),
            n_trials_planned=len(plan.plan.trials),
            has_simulated_participant=plan.has_simulated_participant,
            is_shortened=plan.is_shortened,
            screen=None if screen is None else screen.info,
            timing=timing,
            problems=tuple(dict.fromkeys(p for p in (problem, *(r.problem for r in results), broken) if p)),
            versions=versions(),
            trigger=trigger,
        )
        try:
            write_outcome(self._paths, "presenter", msgspec.to_builtins(outcome))
        except StorageError as error:
            # A full disk must not hide from windows how the session ended.
            print(error, file=sys.stderr)  # noqa: T201
        return "" if timing is None else timing.problem

    def _linger(self) -> None:
        """Stay reachable for a moment, or until a window says that it has seen enough."""
        assert self._server is not None
        end_s = self._clock.now() + _LINGER_S
        while self._clock.now() < end_s and not self._is_interrupted:
            if any(isinstance(c, Stop) for c in self._server.poll()):
                return
            self._clock.sleep(_POLL_S)


def _utc() -> str:
    return datetime.now(UTC).isoformat()
