"""A session rests where a look at the data is planned, and goes on as the operator decides."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from veridical.domain.event import Marker
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol, expand
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.ipc.messages import Abort, Command, Decide, Linger, Mark, Observe, PresenterState, Start
from veridical.presenter.desk import Desk
from veridical.presenter.headless_screen import HeadlessScreen
from veridical.presenter.marker_writer import MarkerWriter
from veridical.presenter.session_runner import SessionEnd, SessionRunner
from veridical.presenter.simulated_participant import SimulatedParticipant
from veridical.presenter.stage import Stage
from veridical.presenter.texts import load_texts

PROTOCOL = Protocol(
    n_per_condition=3, n_blocks=3, n_practice=0, repeat_share=0, baseline_open_s=0, baseline_closed_s=0, picture_s=1.0,
    has_familiarity_pass=True,
)  # fmt: skip


class Clock:
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += max(0.0, seconds)


class Room:
    """A room with a simulated participant, and a window that follows a script."""

    def __init__(self, plan: RunPlan, script: Callable[[PresenterState], list[Command]] = lambda state: []) -> None:
        self.clock = Clock()
        self.states: list[PresenterState] = []
        self.pushed: list[tuple[float, str]] = []
        self.lines: list[tuple[float, str]] = []
        self._waiting: list[Command] = [Start()]
        self._script = script
        screen, texts = HeadlessScreen(plan.screen, self.clock), load_texts({})
        screen.preload(plan.stimuli, plan.scales, texts)
        scales = {s.id: s for s in plan.scales}
        participant = SimulatedParticipant(screen, 5, {s.id: s for s in plan.stimuli}, scales, False)
        desk = Desk(self, self.clock, PresenterState("ready", n_trials=len(plan.plan.trials)))
        stage = Stage(screen, desk, MarkerWriter(self, self), self.clock, participant)
        self._runner = SessionRunner(plan, stage, texts, screen.cue)

    def run(self) -> SessionEnd:
        return self._runner.run()

    # What the window, the stream and the journal are told.
    def publish(self, state: PresenterState) -> None:
        self.states.append(state)
        self._waiting += self._script(state)

    def poll(self) -> list[Command]:
        taken, self._waiting = self._waiting, []
        return taken

    def push(self, text: str, lsl_s: float) -> None:
        self.pushed.append((lsl_s, text))

    def append(self, lsl_s: float, marker: str) -> None:
        self.lines.append((lsl_s, marker))

    def sync(self) -> None:
        """The disk never fails here."""


@pytest.fixture
def plan(tmp_path: Path) -> RunPlan:
    """Three blocks with a look planned after the first two."""
    made = []
    for k in range(9):
        file = tmp_path / f"{k}.png"
        Image.new("RGB", (5, 4), (20 * k, 128, 255 - 20 * k)).save(file)
        made.append(Stimulus(f"t{k:02d}", str(file), valence_mean=(2.0, 4.0, 6.0)[k % 3], arousal_mean=4.0))
    return RunPlan(
        key=RunKey("001"),
        plan=expand(PROTOCOL, StimulusSet(tuple(made)), 1),
        scales=PROTOCOL.all_scales,
        stimuli=tuple(made),
        seed=1,
        marker_source_id="test",
        streams=(),
        xdf=str(tmp_path / "a.xdf"),
        journal=str(tmp_path / "a.jsonl"),
        session_file=str(tmp_path / "a.json"),
        screen=ScreenChoice(kind="headless"),
        simulation=SimulationPlan(seed=5),
        has_simulated_participant=True,
        looks=(1, 2),
    )


def _at_rest(*commands: Command) -> Callable[[PresenterState], list[Command]]:
    """A window that gives one command in every rest."""
    waiting = list(commands)
    was_resting = False

    def script(state: PresenterState) -> list[Command]:
        nonlocal was_resting
        begins = state.phase == "resting" and not was_resting
        was_resting = state.phase == "resting"
        return [waiting.pop(0)] if begins and waiting else []

    return script


def _markers(room: Room) -> list[Marker]:
    return [Marker.parse(text) for _, text in room.pushed]


def _names(room: Room) -> list[str]:
    return [m.name for m in _markers(room)]


def test_the_next_planned_block_follows_the_rest(plan: RunPlan) -> None:
    room = Room(plan, _at_rest(Decide("next"), Decide("next")))
    assert room.run().reason == "completed"
    rests = [m.details for m in _markers(room) if m.name.startswith("rest/")]
    assert [r.get("decision") for r in rests] == [None, "next", None, "next"]
    assert [m.details["block"] for m in _markers(room) if m.name == "block/start"] == ["1", "2", "3"]
    # The participant begins the block themselves, after the usual break.
    assert _names(room).count("break/start") == 2
    shown = [s for s in room.states if s.phase == "resting"]
    assert {(s.block, s.n_blocks_left) for s in shown} == {(1, 2), (2, 1)}
    assert all(s.view.kind == "text" and "rest" in s.view.text for s in shown)


def test_enough_leaves_the_other_blocks_out_and_ends_in_good_order(plan: RunPlan) -> None:
    room = Room(plan, _at_rest(Decide("enough")))
    end = room.run()
    assert end.reason == "completed"
    names = _names(room)
    assert names.count("block/start") == 1
    n_shown = len(plan.plan.blocks[0])
    assert len(end.results) == n_shown
    # Only pictures that were seen are asked about again.
    assert names.count("familiarity/picture") == len({t.stimulus_id for t in plan.plan.blocks[0]})
    assert names[-1] == "session/end"


def test_stop_ends_the_session_in_the_rest(plan: RunPlan) -> None:
    room = Room(plan, _at_rest(Abort("stopped after a look")))
    end = room.run()
    assert (end.reason, end.detail) == ("aborted", "stopped after a look")
    assert "familiarity/start" not in _names(room)


def test_a_rest_in_which_nobody_decides_goes_on_by_the_plan(plan: RunPlan) -> None:
    room = Room(plan)
    began_s = room.clock.now()
    assert room.run().reason == "completed"
    assert [m.details["by"] for m in _markers(room) if m.name == "rest/end"] == ["program"] * 2
    assert _names(room).count("block/start") == 3
    assert room.clock.now() - began_s > 2 * 600


def test_without_planned_looks_it_rests_after_the_last_block_if_asked_to(plan: RunPlan) -> None:
    plan = replace(plan, looks=())

    def script(state: PresenterState) -> list[Command]:
        if state.phase == "resting":
            return [Decide("enough")]
        return [Linger()] if state.trial == 2 and not state.lingers else []

    room = Room(plan, script)
    room.run()
    rests = [(s.block, s.n_blocks_left) for s in room.states if s.phase == "resting"]
    assert set(rests) == {(3, 0)}
    quiet = Room(plan)
    quiet.run()
    assert "rest/start" not in _names(quiet)


def test_observations_and_own_markers_reach_stream_and_journal_with_one_stamp(plan: RunPlan) -> None:
    def script(state: PresenterState) -> list[Command]:
        if state.trial == 1 and state.view.kind == "picture" and not said:
            said.append(1)
            return [Observe("laughs"), Mark("door opens")]
        return []

    said: list[int] = []
    room = Room(replace(plan, looks=()), script)
    room.run()
    own = [(s, t) for s, t in room.pushed if t.startswith(("observation/", "custom"))]
    assert [t for _, t in own] == ["observation/laughs", "custom name=door%20opens"]
    assert all(line in room.lines for line in own)


def test_every_trial_tells_when_its_picture_was_on_screen(plan: RunPlan) -> None:
    room = Room(replace(plan, looks=()))
    room.run()
    done = room.states[-1].done
    onsets = [s for s, t in room.pushed if t.startswith("picture/") and "id=" in t]
    assert [t.onset_s for t in done] == onsets
    assert all(t.stop_s is not None and t.onset_s is not None and t.stop_s - t.onset_s >= 0.9 for t in done)
