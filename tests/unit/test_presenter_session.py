"""A whole session on the headless screen with a stepped clock: hours of protocol in milliseconds."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from veridical.domain.errors import StimulusError, StorageError
from veridical.domain.event import Event, Marker
from veridical.domain.items import COMMENT, EMOTION, of_kind
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol, expand
from veridical.domain.rating import AROUSAL, VALENCE
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.simulation import SimulationPlan, latent_feeling
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.domain.trial_table import trials_from_events
from veridical.domain.view import View
from veridical.ipc.messages import Abort, Command, Note, Pause, PresenterState, Resume, Start
from veridical.presenter.desk import Desk
from veridical.presenter.headless_screen import HeadlessScreen
from veridical.presenter.marker_writer import MarkerWriter
from veridical.presenter.screen import Input
from veridical.presenter.session_runner import SessionEnd, SessionRunner
from veridical.presenter.simulated_participant import SimulatedParticipant
from veridical.presenter.stage import Stage
from veridical.presenter.texts import load_texts
from veridical.services.resuming import remaining

PROTOCOL = Protocol(
    n_per_condition=3,
    n_blocks=2,
    n_practice=2,
    repeat_share=0.22,
    baseline_open_s=10.0,
    baseline_closed_s=5.0,
    picture_s=6.0,
    rating_timeout_s=4.0,
)


class SteppedClock:
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += max(0.0, seconds)


class Window:
    """An operator's window: keeps every state, gives commands when its script says so."""

    def __init__(self, script: Callable[[PresenterState], list[Command]] | None = None) -> None:
        self.states: list[PresenterState] = []
        self.waiting: list[Command] = [Start()]
        self._script = script

    def publish(self, state: PresenterState) -> None:
        self.states.append(state)
        if self._script is not None:
            self.waiting += self._script(state)

    def poll(self) -> list[Command]:
        taken, self.waiting = self.waiting, []
        return taken


class Stream:
    """A marker stream that remembers."""

    def __init__(self) -> None:
        self.pushed: list[tuple[float, str]] = []

    def push(self, text: str, lsl_s: float) -> None:
        self.pushed.append((lsl_s, text))


class Paper:
    """A journal whose disk can be full for a while."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []
        self.synced: list[int] = []
        self.is_full = False

    def append(self, lsl_s: float, marker: str) -> None:
        if self.is_full:
            raise StorageError("The journal cannot be written (no space left); the recording goes on.")
        self.lines.append((lsl_s, marker))

    def sync(self) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.synced.append(len(self.lines))


class Room:
    """A participant's room: screen, desk, markers and clock wired as the process wires them."""

    def __init__(
        self,
        plan: RunPlan,
        script: Callable[[PresenterState], list[Command]] | None = None,
        is_simulated: bool = True,
    ) -> None:
        self.plan = plan
        self.clock = SteppedClock()
        self.window, self.stream, self.paper = Window(script), Stream(), Paper()
        self.screen = HeadlessScreen(plan.screen, self.clock)
        texts = load_texts(plan.texts)
        self.screen.preload(plan.stimuli, plan.scales, texts)
        participant = None
        if is_simulated:
            assert plan.simulation is not None
            participant = SimulatedParticipant(
                self.screen,
                plan.simulation.seed,
                {s.id: s for s in plan.stimuli},
                {s.id: s for s in plan.scales},
                plan.is_shortened,
            )
        desk = Desk(self.window, self.clock, PresenterState("ready", n_trials=len(plan.plan.trials)))
        markers = MarkerWriter(self.stream, self.paper)
        self.stage = Stage(self.screen, desk, markers, self.clock, participant, plan.shows_ratings)
        self.runner = SessionRunner(plan, self.stage, texts, self.screen.cue)
        self.hidden = participant

    def run(self) -> SessionEnd:
        return self.runner.run()

    @property
    def markers(self) -> list[tuple[float, Marker]]:
        return [(s, Marker.parse(text)) for s, text in self.stream.pushed]

    @property
    def names(self) -> list[str]:
        return [marker.name for _, marker in self.markers]

    def named(self, start: str) -> list[tuple[float, Marker]]:
        return [(s, m) for s, m in self.markers if m.name.startswith(start)]


@pytest.fixture(scope="module")
def stimuli(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stimulus, ...]:
    folder = tmp_path_factory.mktemp("pictures")
    made = []
    for k in range(12):
        file = folder / f"{k}.png"
        Image.new("RGB", (5, 4), (20 * k, 128, 255 - 20 * k)).save(file)
        made.append(Stimulus(f"t{k:02d}", str(file), valence_mean=(2.0, 4.0, 6.0)[k % 3], arousal_mean=4.0))
    return tuple(made)


@pytest.fixture
def plan(stimuli: tuple[Stimulus, ...], tmp_path: Path) -> RunPlan:
    return RunPlan(
        key=RunKey("001"),
        plan=expand(PROTOCOL, StimulusSet(stimuli), 1),
        scales=PROTOCOL.scales,
        stimuli=stimuli,
        seed=1,
        marker_source_id="test",
        streams=(),
        xdf=str(tmp_path / "a.xdf"),
        journal=str(tmp_path / "a.jsonl"),
        session_file=str(tmp_path / "a.json"),
        screen=ScreenChoice(kind="headless"),
        simulation=SimulationPlan(seed=5),
        has_simulated_participant=True,
        rating_timeout_s=PROTOCOL.rating_timeout_s,
    )


def once(condition: Callable[[PresenterState], bool], *commands: Command) -> Callable[[PresenterState], list[Command]]:
    """A script that gives its commands the first time a state meets the condition."""
    waiting = list(commands)

    def script(state: PresenterState) -> list[Command]:
        if not waiting or not condition(state):
            return []
        given = list(waiting)
        waiting.clear()
        return given

    return script


def test_a_session_runs_in_the_order_of_its_plan(plan: RunPlan) -> None:
    room = Room(plan)
    end = room.run()
    assert end.reason == "completed"
    names = room.names
    assert names[0] == "session/start"
    assert names[-1] == "session/end"
    assert names[1:5] == [
        "baseline/eyes-open/start", "baseline/eyes-open/end", "baseline/eyes-closed/start", "baseline/eyes-closed/end",
    ]  # fmt: skip
    shown = [(m.details["id"], int(m.details["trial"])) for _, m in room.named("picture/") if "id" in m.details]
    assert shown == [(t.stimulus_id, t.number) for t in plan.plan.trials]
    practised = [m.details["id"] for _, m in room.named("practice/picture/") if "id" in m.details]
    assert practised == [t.stimulus_id for t in plan.plan.practice]
    assert [n for n in names if n.startswith(("block", "break"))] == [
        "block/start", "block/end", "break/start", "break/end", "block/start", "block/end",
    ]  # fmt: skip


def test_the_marker_stream_alone_rebuilds_every_trial_and_rating(plan: RunPlan) -> None:
    room = Room(plan)
    end = room.run()
    rows = trials_from_events([Event(s, m) for s, m in room.markers])
    assert [(r.trial, r.block, r.stimulus_id, r.condition, r.repeat_of) for r in rows] == [
        (t.number, t.block, t.stimulus_id, t.condition, t.repeat_of) for t in plan.plan.trials
    ]
    presented = [r for r in end.results if not r.trial.is_practice]
    for row, result in zip(rows, presented, strict=True):
        assert [row.ratings[s].value for s in result.trial.scales] == [r.value for r in result.ratings]
        assert [row.ratings[s].order for s in result.trial.scales] == [0, 1]


def test_flips_keep_the_planned_durations_within_half_a_frame(plan: RunPlan) -> None:
    room = Room(plan)
    end = room.run()
    for result in end.results:
        assert result.picture is not None
        assert abs(result.picture.true_s - result.picture.asked_s) <= 0.5 / 60 + 1e-6
    fixations = [s for s, _ in room.named("fixation")]
    onsets = [s for s, m in room.named("picture/") if "id" in m.details]
    asked = [t.fixation_s for t in plan.plan.trials]
    np.testing.assert_allclose(np.subtract(onsets, fixations), asked, atol=0.5 / 60 + 1e-6)
    (open_start, _), (open_end, _) = room.named("baseline/eyes-open")
    assert open_end - open_start == pytest.approx(10.0, abs=0.01)


def test_the_corner_square_is_bright_exactly_while_a_picture_is_shown(plan: RunPlan) -> None:
    room = Room(plan)
    room.run()
    views = [s.view for s in room.window.states]
    assert any(v.corner for v in views)
    assert all(v.corner == (v.kind == "picture") for v in views)


def test_the_journal_holds_what_the_stream_holds_and_is_synced_before_the_next_picture(plan: RunPlan) -> None:
    room = Room(plan)
    room.run()
    assert room.paper.lines == room.stream.pushed
    for k, (_, text) in enumerate(room.paper.lines):
        later = [j for j, (_, t) in enumerate(room.paper.lines) if j > k and "picture/" in t and " id=" in t]
        if "rating/" in text and later:
            assert any(k < n <= later[0] for n in room.paper.synced)


def test_the_simulated_participant_answers_everything_through_the_input_queue(plan: RunPlan) -> None:
    room = Room(plan)
    end = room.run()
    ratings = [r for result in end.results for r in result.ratings]
    assert len(ratings) == 2 * len(end.results)
    assert {r.status for r in ratings} == {"answered"}
    assert {r.device for r in ratings} == {"keyboard"}
    for rating in ratings:
        assert rating.first_touch_s is not None
        assert rating.submit_s is not None
        assert 0.2 < rating.first_touch_s < rating.submit_s


def test_simulated_answers_follow_the_feelings_that_the_simulated_body_has(plan: RunPlan) -> None:
    room = Room(plan)
    end = room.run()
    by_id = {s.id: s for s in plan.stimuli}
    feelings = [latent_feeling(5, by_id[r.trial.stimulus_id]).valence for r in end.results]
    values = [r.ratings[0].value or 0.0 for r in end.results]
    assert np.corrcoef(feelings, values)[0, 1] > 0.9


def test_the_same_seed_gives_the_same_answers(plan: RunPlan) -> None:
    first, second = Room(plan), Room(plan)
    first.run()
    second.run()
    assert first.stream.pushed == second.stream.pushed


def test_a_scale_nobody_touches_is_untouched_and_one_not_confirmed_is_timed_out(plan: RunPlan) -> None:
    room = Room(replace(plan, instruction_timeout_s=2.0), is_simulated=False)
    shown: list[View] = []
    flip = room.screen.flip

    def touching(view: View) -> float:
        flip_s = flip(view)
        if view.kind == "rating" and view.scale_id == "arousal" and view.selected is None:
            room.screen.put(Input("press", flip_s + 0.5, "6"))
        shown.append(view)
        return flip_s

    room.screen.flip = touching  # type: ignore[method-assign]
    end = room.run()
    for result in end.results:
        valence, arousal = result.ratings
        assert (valence.status, valence.value, valence.first_touch_s, valence.device) == (
            "untouched",
            None,
            None,
            "none",
        )
        assert (arousal.status, arousal.value, arousal.submit_s, arousal.device) == (
            "timed_out",
            None,
            None,
            "keyboard",
        )
    assert View("rating", scale_id="arousal", selected=6) in shown
    assert len(room.named("rating/")) == 2 * len(plan.plan.trials)


def test_pause_waits_for_the_trial_to_end_and_resume_goes_on(plan: RunPlan) -> None:
    picture_two = once(lambda s: s.trial == 2 and s.view.kind == "picture", Pause())
    paused = once(lambda s: s.phase == "paused", Note("chair moved"), Resume())
    room = Room(plan, lambda s: picture_two(s) + paused(s))
    end = room.run()
    names = room.names
    pause = names.index("pause")
    assert names[pause : pause + 3] == ["pause", "note", "resume"]
    # The trial that ran was finished first; the pause's own frame order follows.
    assert names[pause - 1] == "rating/arousal"
    assert names[pause + 3] == "fixation"
    assert end.reason == "completed"
    assert len(room.named("picture/")) == 2 * len(plan.plan.trials)
    phases = [s.phase for s in room.window.states]
    assert "pausing" in phases
    assert phases.index("pausing") < phases.index("paused")


def test_abort_in_a_picture_leaves_complete_markers(plan: RunPlan) -> None:
    room = Room(plan, once(lambda s: s.trial == 3 and s.view.kind == "picture", Abort("fire alarm")))
    end = room.run()
    assert (end.reason, end.detail) == ("aborted", "fire alarm")
    assert room.names[-5:] == [
        "picture/negative",
        "picture/off",
        "rating/valence",
        "rating/arousal",
        "session/end",
    ] or (room.names[-4:] == ["picture/off", "rating/valence", "rating/arousal", "session/end"])
    assert [r.status for r in end.results[-1].ratings] == ["skipped", "skipped"]
    assert room.markers[-1][1].details == {"reason": "aborted", "detail": "fire alarm"}


def test_abort_before_the_start_ends_the_recording_too(plan: RunPlan) -> None:
    room = Room(plan)
    room.window.waiting = [Abort("wrong participant")]
    assert room.run().reason == "aborted"
    assert room.names == ["session/end"]


def hold_escape(room: Room, when: Callable[[View], bool], seconds: float) -> None:
    """Hold the stop key once, beginning with the first view that meets a condition."""
    flip, is_done = room.screen.flip, False
    poll = room.screen.poll
    release_s: list[float] = []

    def flipping(view: View) -> float:
        nonlocal is_done
        flip_s = flip(view)
        if not is_done and when(view):
            is_done = True
            room.screen.put(Input("press", flip_s, "escape"))
            release_s.append(flip_s + seconds)
        return flip_s

    def polling() -> list[Input]:
        if release_s and room.clock.now() >= release_s[0]:
            release_s.clear()
            room.screen.put(Input("release", room.clock.now(), "escape"))
        return poll()

    room.screen.flip = flipping  # type: ignore[method-assign]
    room.screen.poll = polling  # type: ignore[method-assign]


def test_holding_escape_shows_grey_at_once_and_waits_for_the_operator(plan: RunPlan) -> None:
    room = Room(plan, once(lambda s: s.phase == "stopped", Resume()))
    hold_escape(room, lambda v: v.kind == "picture" and v.stimulus_id == plan.plan.trials[1].stimulus_id, 1.5)
    end = room.run()
    assert end.reason == "completed"
    stopped = [s for s in room.window.states if s.phase == "stopped"]
    assert stopped
    assert all(s.view == View("blank") for s in stopped)
    pauses = [m for _, m in room.named("pause") if m.name == "pause"]
    assert [m.details["by"] for m in pauses] == ["participant"]
    # A picture that was seen is not shown again; its scales are marked as skipped.
    seen = [r for r in end.results if [x.status for x in r.ratings] == ["skipped", "skipped"]]
    assert len(seen) == 1
    assert seen[0].picture is not None
    assert seen[0].picture.true_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_shared_screen_is_the_operators_while_the_session_is_paused(plan: RunPlan, is_shared: bool) -> None:
    room = Room(plan, once(lambda s: s.phase == "stopped", Resume()))
    room.stage._is_shared = is_shared
    acts: list[str] = []
    room.screen.hand_over = lambda: acts.append(room.stage.desk.state.phase)  # type: ignore[method-assign]
    room.screen.take_back = lambda: acts.append("back")  # type: ignore[method-assign]
    hold_escape(room, lambda v: v.kind == "fixation", 1.2)
    assert room.run().reason == "completed"
    assert acts == (["stopped", "back"] if is_shared else [])


_HELD: tuple[tuple[float, Literal["press", "release"]], ...] = ((0.5, "press"), (1.7, "release"))


def test_a_session_that_the_participant_stopped_goes_on_only_if_both_agree(plan: RunPlan) -> None:
    n_resumes: list[int] = []

    def resume_twice(state: PresenterState) -> list[Command]:
        if state.phase == "stopped" and len(n_resumes) < 2 and (not n_resumes or room.named("pause/question")):
            n_resumes.append(1)
            return [Resume()]
        return []

    room = Room(plan, resume_twice)
    hold_escape(room, lambda v: v.kind == "fixation", 1.2)
    flip, poll = room.screen.flip, room.screen.poll
    asked: list[float] = []
    due: list[tuple[float, Input]] = []

    def flipping(view: View) -> float:
        flip_s = flip(view)
        if view == room.stage.question:
            asked.append(flip_s)
            # The first answer is no: the key is held again, and no hand gets to the space bar before.
            room.stage._participant = None if len(asked) == 1 else room.hidden
            if len(asked) == 1:
                due.extend((flip_s + s, Input(kind, flip_s + s, "escape")) for s, kind in _HELD)
        return flip_s

    def polling() -> list[Input]:
        while due and room.clock.now() >= due[0][0]:
            room.screen.put(due.pop(0)[1])
        return poll()

    room.screen.flip = flipping  # type: ignore[method-assign]
    room.screen.poll = polling  # type: ignore[method-assign]
    assert room.run().reason == "completed"
    assert len(asked) == 2
    assert [m.name for _, m in room.named("pause")] == ["pause", "pause/question", "pause", "pause/question"]
    assert len(room.named("resume")) == 1
    phases = [s.phase for s in room.window.states]
    assert "asking" in phases


def test_a_short_press_of_escape_stops_nothing(plan: RunPlan) -> None:
    room = Room(plan)
    hold_escape(room, lambda v: v.kind == "picture", 0.8)
    assert room.run().reason == "completed"
    assert not room.named("pause")


@pytest.mark.parametrize(("gap_s", "is_stopped"), [(0.0, True), (0.2, False)])
def test_a_held_key_that_repeats_stops_and_taps_of_it_do_not(plan: RunPlan, gap_s: float, is_stopped: bool) -> None:
    room = Room(plan, once(lambda s: s.phase == "stopped", Resume()))
    flip, poll = room.screen.flip, room.screen.poll
    pending: list[float] = []
    seen: list[View] = []

    def flipping(view: View) -> float:
        flip_s = flip(view)
        if view.kind == "picture" and not seen:
            seen.append(view)
            pending.extend(flip_s + 0.25 * k for k in range(1, 7))
        return flip_s

    def polling() -> list[Input]:
        while pending and room.clock.now() >= pending[0]:
            due_s = pending.pop(0)
            room.screen.put(Input("release", due_s - gap_s, "escape"))
            room.screen.put(Input("press", due_s, "escape"))
            if not pending:
                room.screen.put(Input("release", due_s + 0.01, "escape"))
        return poll()

    room.screen.flip = flipping  # type: ignore[method-assign]
    room.screen.poll = polling  # type: ignore[method-assign]
    room.run()
    assert bool(room.named("pause")) == is_stopped


def test_stopping_in_the_fixation_repeats_the_trial_from_its_fixation(plan: RunPlan) -> None:
    room = Room(plan, once(lambda s: s.phase == "stopped", Resume()))
    hold_escape(room, lambda v: v.kind == "fixation" and room.stage.desk.state.trial == 1, 1.2)
    end = room.run()
    presented = [r.trial.number for r in end.results if not r.trial.is_practice]
    assert presented == [t.number for t in plan.plan.trials]
    assert all(r.status == "answered" for result in end.results for r in result.ratings)
    firsts = [m for _, m in room.named("fixation") if m.details["trial"] == "1"]
    assert len(firsts) == (2 if room.named("pause") else 1)


def test_a_participant_who_stopped_and_is_not_resumed_ends_the_session_as_stopped(plan: RunPlan) -> None:
    room = Room(plan, once(lambda s: s.phase == "stopped", Abort("wants to go home")))
    hold_escape(room, lambda v: v.kind == "rating", 1.2)
    # Nobody answers while the key is held: the simulated participant would be faster.
    room.stage._participant = None
    room.runner._plan = replace(plan, instruction_timeout_s=1.0, rating_timeout_s=30.0)
    end = room.run()
    assert end.reason == "stopped"
    assert room.markers[-1][1].details == {"reason": "stopped", "detail": "wants to go home"}


def test_a_full_disk_pauses_with_a_message_and_loses_no_line(plan: RunPlan) -> None:
    room = Room(plan)
    polls_while_paused = 0
    poll = room.window.poll

    def polling() -> list[Command]:
        nonlocal polls_while_paused
        state = room.stage.desk.state
        if state.phase == "running" and state.trial == 2 and not polls_while_paused:
            room.paper.is_full = True
        if state.phase != "paused":
            return poll()
        polls_while_paused += 1
        # The operator resumes too early, then frees the disk and resumes again.
        room.paper.is_full = polls_while_paused < 10
        return [Resume()] if polls_while_paused in (5, 12) else []

    room.window.poll = polling  # type: ignore[method-assign]
    end = room.run()
    assert end.reason == "completed"
    assert polls_while_paused == 12
    assert room.paper.lines == room.stream.pushed
    assert any(s.phase == "paused" and "journal" in s.message for s in room.window.states)
    assert [m.details["by"] for _, m in room.named("pause")] == ["program"]
    assert len(room.named("picture/")) == 2 * len(plan.plan.trials)


def test_a_picture_that_fails_in_the_session_is_skipped_and_the_rest_goes_on(plan: RunPlan) -> None:
    room = Room(plan)
    broken = plan.plan.trials[0].stimulus_id
    del room.screen._stimuli[broken]
    end = room.run()
    times = sum(t.stimulus_id == broken for t in (*plan.plan.practice, *plan.plan.trials))
    skipped = [m for _, m in room.markers if m.name.endswith("picture/skipped")]
    assert len(skipped) == times
    assert skipped[-1].details["stimulus"] == broken
    rows = trials_from_events([Event(s, m) for s, m in room.markers])
    assert broken not in {r.stimulus_id for r in rows}
    assert len(rows) == sum(t.stimulus_id != broken for t in plan.plan.trials)
    assert end.reason == "completed"


def test_the_operator_sees_statuses_but_no_values(plan: RunPlan) -> None:
    room = Room(plan)
    room.run()
    states = room.window.states
    assert all(s.values == () and s.view.selected is None for s in states)
    assert all(p.statuses == ("answered", "answered") for p in states[-1].done)


def test_a_study_that_allows_it_shows_values_while_the_session_runs(plan: RunPlan) -> None:
    room = Room(replace(plan, shows_ratings=True))
    end = room.run()
    values = room.window.states[-1].values
    by_trial = {r.trial.number: r.ratings for r in end.results if not r.trial.is_practice}
    assert values
    assert all(by_trial[t][0].value == valence and by_trial[t][1].value == arousal for t, valence, arousal in values)


def test_windows_are_told_at_most_about_ten_times_a_second(plan: RunPlan) -> None:
    room = Room(plan)
    times: list[float] = []
    phases: list[str] = []
    publish = room.window.publish

    def timed(state: PresenterState) -> None:
        times.append(room.clock.now())
        phases.append(state.phase)
        publish(state)

    room.window.publish = timed  # type: ignore[method-assign]
    room.run()
    assert len(times) > 50
    gaps = np.diff(times)
    assert np.sum(gaps < 0.099) <= 1 + sum(a != b for a, b in pairwise(phases))


@pytest.mark.parametrize("damage", ["missing", "changed", "corrupt"])
def test_a_bad_picture_is_refused_before_the_session_by_name(
    plan: RunPlan, stimuli: tuple[Stimulus, ...], tmp_path: Path, damage: str
) -> None:
    file = tmp_path / "one.jpg"
    Image.new("RGB", (50, 40), (200, 30, 30)).save(file)
    bad = replace(stimuli[0], id="bad", file=str(file))
    if damage == "missing":
        file.unlink()
    elif damage == "changed":
        bad = replace(bad, sha256="0" * 64)
    else:
        file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(StimulusError, match=r"bad .*one\.jpg") as caught:
        Room(replace(plan, stimuli=(*stimuli, bad)))
    assert "\n" not in str(caught.value)


# Everything that can be asked ------------------------------------------------------------------------------
RICH = replace(
    PROTOCOL,
    scales=(
        of_kind(VALENCE, "affective-slider"),
        of_kind(AROUSAL, "affective-slider"),
        EMOTION,
        COMMENT,
        replace(of_kind(VALENCE, "visual-analogue"), id="liking"),
    ),
    n_attention_checks=2,
    has_familiarity_pass=True,
    rating_timeout_s=60.0,
    min_onset_gap_s=25.0,
    blank_s=(0.5, 1.0),
    min_break_s=8.0,
)


@pytest.fixture
def rich(plan: RunPlan) -> RunPlan:
    stimuli = StimulusSet(plan.stimuli)
    return replace(plan, plan=expand(RICH, stimuli, 2), scales=RICH.all_scales, rating_timeout_s=RICH.rating_timeout_s)


def test_every_kind_of_question_is_answered_through_the_queue_and_marked(rich: RunPlan) -> None:
    room = Room(rich)
    assert room.run().reason == "completed"
    rows = trials_from_events([Event(s, m) for s, m in room.markers])
    assert len(rows) == len(rich.plan.trials)
    for row, trial in zip(rows, rich.plan.trials, strict=True):
        assert set(row.ratings) == set(trial.scales)
        assert {r.status for r in row.ratings.values()} == {"answered"}
        assert [row.ratings[s].order for s in trial.scales] == list(range(5))
        both = [row.ratings[s] for s in ("valence", "arousal")]
        assert both[0].submit_s == both[1].submit_s
        assert all(r.device == "mouse" and 0 <= (r.value or -1) <= 1 for r in both)
        assert row.ratings["emotion"].text == EMOTION.options[int(row.ratings["emotion"].value or 0) - 1]
        assert row.ratings["comment"].value is None
        assert row.ratings["comment"].text in ("pleasant", "unpleasant")
        assert (row.has_passed_check is None) == (trial.check is None)
    assert sum(row.has_passed_check is True for row in rows) == 2
    assert [int(m.details["asked"]) for _, m in room.named("check/attention")] == [
        t.check for t in rich.plan.trials if t.check is not None
    ]


def test_onsets_keep_their_distance_and_a_blank_follows_the_picture(rich: RunPlan) -> None:
    room = Room(rich)
    room.run()
    rows = trials_from_events([Event(s, m) for s, m in room.markers])
    assert min(np.diff([r.onset_s for r in rows])) >= 25.0 - 0.5 / 60
    for row, trial in zip(rows, rich.plan.trials, strict=True):
        first = min(r.first_touch_s or 99 for r in row.ratings.values())
        answered_s = min(s for s, m in room.named("rating/") if m.number("trial") == row.trial)
        assert answered_s - (row.onset_s + row.duration_s) >= trial.blank_s + first - 1 / 60


def test_a_break_lasts_as_long_as_the_protocol_says(rich: RunPlan) -> None:
    room = Room(rich)
    room.run()
    ((start_s, _),) = room.named("break/start")
    ((end_s, _),) = room.named("break/end")
    assert end_s - start_s >= 8.0


def test_the_familiarity_pass_asks_both_questions_of_every_picture_outside_any_trial(rich: RunPlan) -> None:
    room = Room(rich)
    room.run()
    shown = [m.details["stimulus"] for _, m in room.named("familiarity/picture")]
    assert shown == list(rich.plan.familiarity)
    for question in ("seen", "reminds"):
        asked = room.named(f"familiarity/{question}")
        assert [m.details["stimulus"] for _, m in asked] == shown
        assert all(m.details["text"] in ("no", "unsure", "yes") and "trial" not in m.details for _, m in asked)
    last_trial_s = max(s for s, m in room.markers if m.number("trial") is not None)
    assert min(s for s, _ in room.named("familiarity/")) > last_trial_s


def test_a_check_that_is_answered_wrongly_or_not_at_all_is_not_passed(rich: RunPlan) -> None:
    room = Room(replace(rich, has_simulated_participant=False), is_simulated=False)
    answered = iter("1")

    def press(view: View) -> None:
        key = next(answered, "") if view.scale_id.startswith("attention") and view.selected is None else ""
        if view.kind == "text" or key:
            for one in (key, "return") if key else ("space",):
                room.screen.put(Input("press", room.clock.now(), one))

    show = room.stage.show

    def shown(view: View, *markers: Marker) -> float:
        flip_s = show(view, *markers)
        press(view)
        return flip_s

    room.stage.show = shown  # type: ignore[method-assign]
    room.run()
    first, second = (m.details for _, m in room.named("check/attention"))
    assert (first["status"], first["value"], first["result"]) == ("answered", "1", "failed")
    assert (second["status"], second["value"], second["result"]) == ("untouched", "", "failed")


def test_a_stop_on_a_panel_marks_both_of_its_scales_and_the_check_as_skipped(rich: RunPlan) -> None:
    trials = tuple(replace(t, check=3) for t in rich.plan.trials[:1])
    short = replace(rich, plan=replace(rich.plan, blocks=(trials,), practice=(), baselines=(), familiarity=()))
    room = Room(short, once(lambda s: s.view.kind == "sliders", Abort("ill")), is_simulated=False)
    show = room.stage.show

    def shown(view: View, *markers: Marker) -> float:
        flip_s = show(view, *markers)
        if view.kind == "text":
            room.screen.put(Input("press", room.clock.now(), "space"))
        return flip_s

    room.stage.show = shown  # type: ignore[method-assign]
    assert room.run().reason == "aborted"
    statuses = {m.name: m.details["status"] for _, m in room.named("rating/")}
    assert statuses == dict.fromkeys((f"rating/{s}" for s in trials[0].scales), "skipped")
    ((_, check),) = room.named("check/")
    assert (check.details["status"], check.details["result"]) == ("skipped", "failed")


@pytest.mark.parametrize("n_answered", [0, 1, 6, 10])
def test_a_session_killed_in_its_familiarity_pass_asks_only_what_is_left(rich: RunPlan, n_answered: int) -> None:
    first = Room(rich)
    first.run()
    whole = [m for _, m in first.markers]
    asked = [k for k, m in enumerate(whole) if m.name in ("familiarity/seen", "familiarity/reminds")]
    # Killed with some questions answered, the last picture perhaps by half.
    before = tuple(whole[: asked[n_answered]])
    left = remaining(rich.plan, before)
    assert not left.trials
    assert not left.practice
    assert not left.baselines
    n_before = len(rich.plan.trials)
    second = Room(replace(rich, plan=left, continues=1, n_before=n_before))
    assert second.run().reason == "completed"
    after = [m for _, m in second.markers]
    assert not [m for m in after if m.number("trial") is not None]
    went_on = next(m for m in after if m.name == "session/continue")
    assert went_on.details == {"continues": "1"}
    both = {
        q: [m.details["stimulus"] for m in (*before, *after) if m.name == f"familiarity/{q}"]
        for q in ("seen", "reminds")
    }
    assert both["reminds"] == list(rich.plan.familiarity)
    # Of the picture that was half asked about, the first question comes again.
    assert list(dict.fromkeys(both["seen"])) == list(rich.plan.familiarity)
    assert len(both["seen"]) == len(rich.plan.familiarity) + n_answered % 2
    assert remaining(rich.plan, (*before, *after)).familiarity == ()
    # Killed once more in the pass, which is all that the second run had.
    cut = next(k for k, m in enumerate(after) if m.name == "familiarity/reminds") + 1
    assert remaining(left, tuple(after[:cut])).familiarity == left.familiarity[1:]
