"""The Run page's state: streams, choices, the simulator and the live run; knows no Qt."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from veridical.domain.errors import VeridicalError
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.run import Override, ScreenChoice
from veridical.domain.simulation import AmplifierLayout, Profile, SimulationPlan, simulation_behind
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.gui.common.lab import Lab
from veridical.gui.common.workspace import Workspace
from veridical.gui.run.view_model import RunMode, SessionScreen, can_start, resolve_session
from veridical.services.breath_check import BREATH_S, LENGTH_S, BreathCheck, judge_breath, step_at
from veridical.services.gate import GateItem, override_of
from veridical.services.live_run import Hole, LiveRun, RunState
from veridical.services.resuming import BrokenSession
from veridical.services.session import RunRequest
from veridical.services.streams import SimulatorHandle, StreamWatch
from veridical.services.study import Study
from veridical.services.verified_files import VerifiedFiles

if TYPE_CHECKING:
    from veridical.services.observer import Observation, Observer

# A stream is called new, and one that went is listed, for so long.
_NEW_S, _GONE_S = 10.0, 60.0


@dataclass(frozen=True)
class RunChoices:
    """What the operator chose before the session."""

    profile: Profile = "responsive"
    layout: AmplifierLayout = "separate"
    has_simulated_participant: bool = False
    screen: ScreenChoice = ScreenChoice()


class RunDesk:
    """Holds what the page shows; ``poll`` is called a few times a second and never blocks."""

    def __init__(self, lab: Lab, workspace: Workspace) -> None:
        self._lab, self._workspace = lab, workspace
        self.choices = RunChoices()
        self.intake: Mapping[str, str] = {}
        self.broken: BrokenSession | None = None
        self.streams: tuple[StreamDescription, ...] = ()
        self.gate: tuple[GateItem, ...] = ()
        self.state: RunState | None = None
        self.problem = ""
        self.has_markers = False
        # Stretches of failing quality, as the window saw them.
        self.poor: tuple[Hole, ...] = ()
        self.overrides: dict[str, Override] = {}
        self.breath: BreathCheck | None = None
        self.observer: Observer | None = None
        self.verified = VerifiedFiles()
        self._breath_began_s: float | None = None
        self._is_breath_asked = False
        self._seen: dict[str, float] = {}
        self._gone: dict[str, tuple[StreamDescription, float]] = {}
        self._watch: StreamWatch | None = None
        self._run: LiveRun | None = None
        self._simulator: SimulatorHandle | None = None

    @property
    def mode(self) -> RunMode:
        """Which face the page shows."""
        focus = self._workspace.focus
        if self._run is not None:
            return "summary" if self.state is not None and self.state.is_over else "session"
        if focus.study is None:
            return "no study"
        return "setup" if focus.participant else "no participant"

    @property
    def screen(self) -> SessionScreen:
        """What is drawn of the session."""
        return SessionScreen() if self.state is None else resolve_session(self.state)

    @property
    def has_simulator(self) -> bool:
        """Whether a simulated amplifier started here still streams."""
        return self._simulator is not None and self._simulator.is_alive()

    @property
    def has_simulated_streams(self) -> bool:
        """Whether a simulated body's streams are on the network, wherever they come from."""
        return simulation_behind(s.source_id for s in self.streams) is not None

    @property
    def is_session_live(self) -> bool:
        """Whether children run a session now."""
        return self.mode == "session"

    @property
    def may_start(self) -> bool:
        """Whether a session can be started."""
        return self.mode == "setup" and can_start(self.gate)

    def watch(self) -> None:
        """Begin to look for streams."""
        if self._watch is None:
            self._watch = self._lab.watch_streams()
        if self.observer is None:
            self.observer = self._lab.open_observer()

    def poll(self) -> bool:
        """Read the newest streams and states; returns whether anything changed."""
        before = (self.streams, self.state, self.problem)
        if self._watch is not None:
            # An earlier run's markers may linger on the network for a moment; they are never recorded anew.
            self._note_streams(tuple(s for s in self._watch.streams() if s.name != MARKER_STREAM_NAME))
            self.has_markers = any(s.name == MARKER_STREAM_NAME for s in self._watch.streams())
        if self._simulator is not None and not self._simulator.is_alive():
            self.problem = self._simulator.problem() or self.problem
            self._simulator = None
        if self._run is not None:
            self.state = replace(self._run.state(), poor=self.poor)
        self._observe()
        self._follow_breath()
        return before != (self.streams, self.state, self.problem)

    def _note_streams(self, streams: tuple[StreamDescription, ...]) -> None:
        """Take what is on the network now, and remember for a while what came and went."""
        now = time.monotonic()
        here = {s.uid for s in streams}
        is_first = not self._seen
        for stream in self.streams:
            if stream.uid not in here:
                self._gone[stream.uid] = (stream, now)
        for stream in streams:
            # What was there at the first look is not new.
            self._seen.setdefault(stream.uid, -_NEW_S if is_first else now)
        back = {(s.name, s.source_id) for s in streams}
        self._gone = {
            uid: (s, at)
            for uid, (s, at) in self._gone.items()
            if now - at < _GONE_S and uid not in here and (s.name, s.source_id) not in back
        }
        self.streams = streams

    @property
    def new_uids(self) -> tuple[str, ...]:
        """Streams that have just appeared."""
        now = time.monotonic()
        return tuple(s.uid for s in self.streams if now - self._seen.get(s.uid, now) < _NEW_S)

    @property
    def gone(self) -> tuple[StreamDescription, ...]:
        """Streams that went a moment ago."""
        return tuple(s for s, _ in self._gone.values())

    # The signals before the session -------------------------------------------------------------------
    @property
    def roles(self) -> tuple[RoleAssignment, ...]:
        """What the study decided."""
        study = self._workspace.focus.study
        return () if study is None else study.settings.roles

    def observation(self) -> "Observation | None":
        """What was seen last of the signals; None while nobody looks."""
        return None if self.observer is None else self.observer.observation()

    def _observe(self) -> None:
        study = self._workspace.focus.study
        if self.observer is None or study is None:
            return
        # While a session runs, scope and recorder watch.
        streams = self.streams if self.mode == "setup" else ()
        self.observer.look_at(streams, self.roles, study.settings.analysis.line_noise_hz)

    def assign(self, roles: tuple[RoleAssignment, ...]) -> None:
        """Keep other roles with the study; StudyError or StorageError if that fails."""
        focus = self._workspace.focus
        if focus.study is not None:
            self._workspace.set_focus(replace(focus, study=self._lab.remember_roles(focus.study, roles)))

    def pass_over(self, item: GateItem, reason: str) -> None:
        """Begin although an item fails; without a reason it stops the session again."""
        self.overrides.pop(item.id, None)
        if reason.strip():
            self.overrides[item.id] = override_of(item, reason)

    @property
    def has_skin(self) -> bool:
        """Whether skin conductance is seen."""
        seen = self.observation()
        return seen is not None and any(r.role == "EDA" and r.qualities for r in seen.roles)

    @property
    def is_breathing(self) -> bool:
        """Whether a deep-breath check runs."""
        return self._breath_began_s is not None

    def breathe(self) -> None:
        """Begin the deep-breath check."""
        self._breath_began_s, self._is_breath_asked = time.monotonic(), False

    def breath_words(self) -> str:
        """What to tell the participant now, or what the check found; empty before it."""
        if self._breath_began_s is not None:
            words, left_s = step_at(time.monotonic() - self._breath_began_s)
            return f"{words} ({left_s:.0f} s)"
        return "" if self.breath is None else f"{self.breath.words}. {self.breath.remedy}".strip()

    def _follow_breath(self) -> None:
        if self._breath_began_s is None or self.observer is None:
            return
        elapsed_s = time.monotonic() - self._breath_began_s
        if elapsed_s >= BREATH_S and not self._is_breath_asked:
            self._is_breath_asked = True
            if self._simulator is not None and self.has_simulator:
                # A person hears the operator; a simulated one is told here.
                self._simulator.breathe()
        if elapsed_s < LENGTH_S:
            return
        self._breath_began_s = None
        newest = self.observer.newest("EDA")
        if newest is None:
            self.problem = "Skin conductance went during the check; look after its device and repeat it."
            return
        length_s = len(newest.samples) / newest.sampling_hz
        breath_at_s = length_s - (elapsed_s - BREATH_S - newest.age_s)
        self.breath = judge_breath(newest.samples, newest.sampling_hz, breath_at_s)

    def choose(self, choices: RunChoices) -> None:
        """Take other choices."""
        self.choices = choices

    def answer(self, intake: Mapping[str, str]) -> None:
        """Take what was asked before the session."""
        self.intake = dict(intake)

    def propose_intake(self) -> None:
        """Begin with what stays true of the participant from session to session."""
        focus = self._workspace.focus
        if focus.study is not None and focus.participant:
            self.intake = dict(self._lab.remembered_intake(focus.study, focus.participant))

    @property
    def has_person(self) -> bool:
        """Whether a person, not a simulation, will answer."""
        return not (self.choices.has_simulated_participant and self.has_simulated_streams)

    def request(self, broken: BrokenSession | None = None) -> RunRequest | None:
        """What would be started now, or would go on with a broken session; None without study and participant."""
        focus = self._workspace.focus
        if focus.study is None or not focus.participant:
            return None
        # Read from the streams themselves: the simulator may have been started elsewhere.
        simulation = simulation_behind(s.source_id for s in self.streams)
        answers = self.choices.has_simulated_participant and simulation is not None
        return RunRequest(
            key=focus.study.next_run(focus.participant, focus.session),
            streams=self.streams,
            screen=self.choices.screen,
            simulation=simulation,
            has_simulated_participant=answers,
            intake=self.intake,
            broken=broken,
            overrides=tuple(self.overrides.values()),
            breath=self.breath,
        )

    def start_simulator(self) -> None:
        """Start a simulated amplifier; the simulated participant answers unless it was chosen otherwise."""
        focus = self._workspace.focus
        if focus.study is None or self.has_simulator:
            return
        digits = "".join(c for c in focus.participant if c.isdigit())
        plan = SimulationPlan(profile=self.choices.profile, seed=int(digits or 0), layout=self.choices.layout)
        try:
            self._simulator = self._lab.start_simulator(focus.study, plan)
        except VeridicalError as error:
            self.problem = str(error)
            return
        self.choices = replace(self.choices, has_simulated_participant=True)

    def stop_simulator(self) -> None:
        """End the simulated amplifier."""
        if self._simulator is not None:
            self._simulator.stop()
            self._simulator = None

    def take(self, run: LiveRun) -> None:
        """Watch a run that was started or found, and begin it as soon as it is ready."""
        self._run = run
        self.state = run.state()
        self.problem = ""
        # Begins when the recorder takes every stream; says nothing to a session that runs already.
        self._command(run.begin)

    def attach_live_run(self, study: Study) -> bool:
        """Attach to a run of this study that is still alive; returns whether there is one."""
        if self._run is not None:
            return False
        try:
            found = self._lab.find_live_runs(study)
            if found:
                self.take(self._lab.attach_run(study, found[-1]))
        except VeridicalError as error:
            self.problem = str(error)
            return False
        return bool(found)

    def pause(self) -> None:
        """Pause before the next trial."""
        if self._run is not None:
            self._command(self._run.pause)

    def resume(self) -> None:
        """Go on."""
        if self._run is not None:
            self._command(self._run.resume)

    def abort(self, reason: str) -> None:
        """End the session now."""
        run = self._run
        if run is not None:
            self._command(lambda: run.abort(reason))

    def note(self, text: str) -> None:
        """Write a note into the recording."""
        run = self._run
        if run is not None:
            self._command(lambda: run.note(text))

    def observe(self, observation: str) -> None:
        """Write that the participant did something."""
        run = self._run
        if run is not None:
            self._command(lambda: run.observe(observation))

    @property
    def own_markers(self) -> tuple[str, ...]:
        """Markers of the study's own, for the keys 1 to 9."""
        study = self._workspace.focus.study
        return () if study is None else study.settings.recording.markers

    def mark(self, place: int) -> None:
        """Write one of the study's own markers."""
        run = self._run
        if run is not None and place < len(self.own_markers):
            name = self.own_markers[place]
            self._command(lambda: run.mark(name))

    def linger(self, is_on: bool) -> None:
        """Rest after the last block until it is decided how to go on, or no longer."""
        run = self._run
        if run is not None:
            self._command(lambda: run.linger(is_on))

    def decide(self, choice: Literal["next", "enough"]) -> None:
        """End a rest: with the next planned block, or with no more of them."""
        run = self._run
        if run is not None:
            self._command(lambda: run.decide(choice))

    def leave(self) -> None:
        """Let go of a run that is over and go back to the set-up."""
        if self._run is not None:
            self._run.close()
        self._run, self.state, self.gate, self.broken = None, None, (), None
        self.overrides, self.breath = {}, None

    def close(self) -> None:
        """Detach; a live session goes on with its simulator, otherwise the simulator ends."""
        is_live = self.is_session_live
        if self._run is not None:
            self._run.close()
            self._run = None
        if not is_live:
            self.stop_simulator()
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self.observer is not None:
            self.observer.close()
            self.observer = None

    def _command(self, act: Callable[[], None]) -> None:
        try:
            act()
        except VeridicalError as error:
            self.problem = str(error)
