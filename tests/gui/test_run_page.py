"""The Run page: gate, session, end, and a window that comes back."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from veridical.domain.arrays import IntArray
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.domain.view import View
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.page import Context
from veridical.gui.common.workspace import Focus, StreamLight
from veridical.gui.run.display_dialog import DisplayDialog
from veridical.gui.run.page import RunPage
from veridical.gui.run.scope_painter import Canvas, ScopeFrame, ScopePainter
from veridical.gui.run.scope_view import marker_words
from veridical.gui.run.setup_panel import _beside_the_operator
from veridical.gui.run.view_model import gate_summary, resolve_session, resolve_status, resolve_streams, resolve_summary
from veridical.ipc.messages import HealthFinding, RecordedStream
from veridical.paths import RunPaths
from veridical.services.gate import GateItem
from veridical.services.resuming import BrokenSession
from veridical.services.session import plan_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gui.conftest import FakeRun, World


@pytest.fixture
def page(context: Context, world: "World", qtbot: QtBot) -> "Iterator[RunPage]":
    """The page with a study and a participant in focus."""
    made = RunPage(context)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    study = world.study("001")
    context.workspace.set_focus(Focus(study, "001", "01"))
    yield made
    made.shut_down()


def _start(page: RunPage, world: "World", qtbot: QtBot) -> "FakeRun":
    qtbot.waitUntil(lambda: page.desk.may_start, timeout=5000)
    page.start_session()
    qtbot.waitUntil(lambda: page.desk.mode == "session", timeout=5000)
    return world.runs[-1]


def _can(page: RunPage) -> set[str]:
    return {a.id.removeprefix("run.") for a in page.page_actions() if a.when()}


def test_a_failing_item_blocks_the_start_and_says_why(page: RunPage, world: "World", qtbot: QtBot) -> None:
    bad = GateItem("eeg", "EEG", "fail", "No data arrive", "Start the measurement on the device.", is_blocking=True)
    world.gate = (bad,)
    page.on_shown()
    qtbot.waitUntil(lambda: page.desk.gate == (bad,), timeout=5000)
    assert not page.desk.may_start
    assert "start" not in _can(page)
    assert "must be mended" in gate_summary(page.desk.gate)
    caution = replace(bad, light="caution", is_blocking=False)
    assert gate_summary((caution,)) == "Ready, with 1 caution"


def test_simulated_amplifier_answers_with_its_participant(page: RunPage, qtbot: QtBot) -> None:
    assert "simulate" in _can(page)
    page.desk.start_simulator()
    page.poll()
    request = page.desk.request()
    assert request is not None
    assert request.has_simulated_participant
    assert request.simulation is not None
    assert {"stop_simulator"} <= _can(page)
    page.desk.stop_simulator()
    assert "simulate" in _can(page)


def test_the_display_test_leads_from_the_channel_to_the_delay(page: RunPage, world: "World", qtbot: QtBot) -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    assert "display" in _can(page)
    amplifier = StreamDescription(
        "Amp", "EEG", "a", "u", "h", 3, 500.0, "float32", ("Fz", "AUX1", "Pz"), ("EEG", "AUX", "EEG"), ("", "", "")
    )
    dialog = DisplayDialog(page, page.context, study, (amplifier,), ScreenChoice())
    qtbot.addWidget(dialog)
    assert dialog.channel.currentText() == "Amp · AUX1"
    assert "software timing only" in dialog.verdict.words
    dialog.start()
    qtbot.waitUntil(lambda: dialog.verdict.level == "good", timeout=5000)
    assert "34.1 ms after the marker" in dialog.verdict.words
    assert "Amp, channel AUX1" in dialog.verdict.words
    empty = DisplayDialog(page, page.context, study, (), ScreenChoice())
    qtbot.addWidget(empty)
    assert not empty.start_button.isEnabled()
    assert "start the amplifier" in empty.verdict.words


def test_a_session_that_broke_off_is_offered_to_go_on(page: RunPage, world: "World", qtbot: QtBot) -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    assert "continue" not in _can(page)
    key = RunKey("001", "02", 1)
    plan = RunPlan(key, plan_session(study, key), (), (), 1, "m", (), "x.xdf", "x.jsonl", "x.json")
    world.broken = BrokenSession(plan, SessionPlan(blocks=(plan.plan.trials[3:],)), 3)
    page.context.workspace.set_focus(Focus(study, "001", "02"))
    page.poll()
    qtbot.waitUntil(lambda: "continue" in _can(page), timeout=5000)
    assert "Run 1 broke off after 3 of 6 pictures" in page.banner.words
    page.continue_session()
    qtbot.waitUntil(lambda: page.desk.mode == "session", timeout=5000)
    assert world.requests[-1].broken is world.broken


def test_what_was_asked_before_goes_along_with_the_session(page: RunPage, world: "World") -> None:
    world.remembered = {"handedness": "left"}
    page.context.workspace.set_focus(replace(page.context.workspace.focus, session="02"))
    page.poll()
    card = page._setup.intake
    assert card.answer_of("handedness") == "left"
    assert card.answer_of("consent") == ""
    consent, version = card._widgets["consent"], card._widgets["consent_version"]
    assert isinstance(consent, QComboBox)
    assert isinstance(version, QLineEdit)
    consent.setCurrentText("yes")
    version.setText("2.1")
    version.editingFinished.emit()
    page.poll()
    request = page.desk.request()
    assert request is not None
    assert {k: v for k, v in request.intake.items() if v} == {
        "consent": "yes", "consent_version": "2.1", "handedness": "left",
    }  # fmt: skip
    assert card.isVisibleTo(page)


def test_session_goes_from_start_to_summary(page: RunPage, world: "World", qtbot: QtBot) -> None:
    run = _start(page, world, qtbot)
    assert run.commands == ["begin"]
    run.show(5)
    page.poll()
    assert {"pause", "abort", "note"} <= _can(page)
    assert "start" not in _can(page)
    page.desk.pause()
    page.desk.note("laughs")
    run.show(5, "paused")
    page.poll()
    assert "resume" in _can(page)
    page.desk.resume()
    page.abort_session()
    assert run.commands == ["begin", "pause", "note: laughs", "resume", "abort: because"]
    run.show(12, "ended")
    page.poll()
    assert page.desk.mode == "summary"
    assert {"annotate", "train", "again"} <= _can(page)
    with qtbot.waitSignal(page.asked_for) as asked:
        next(a for a in page.page_actions() if a.id == "run.train").run()
    assert asked.args == ["model"]


def test_a_key_pressed_right_after_the_start_is_no_note(page: RunPage, world: "World", qtbot: QtBot) -> None:
    next(b for a, b in page._buttons.items() if a == "run.start").setFocus()
    _start(page, world, qtbot)
    assert QApplication.focusWidget() is not page.session_panel.note_field


def test_the_participants_window_leaves_room_on_a_small_screen() -> None:
    small = _beside_the_operator(ScreenChoice("psychopy", 0, True, 1280, 800))
    assert (small.fullscreen, small.width_px, small.height_px) == (False, 960, 600)
    large = _beside_the_operator(ScreenChoice("psychopy", 0, True, 3840, 2160))
    assert (large.width_px, large.height_px) == (1280, 800)


def test_timing_without_a_vertical_blank_is_not_called_good(page: RunPage, world: "World", qtbot: QtBot) -> None:
    _start(page, world, qtbot).show(12, "ended")
    page.poll()
    state = page.desk.state
    assert state is not None
    assert state.presenter is not None
    levels = []
    for screen in ("psychopy 1920x1080, 60.0 Hz", "psychopy 1920x1080, no vertical blank"):
        lines = resolve_summary(replace(state, presenter=replace(state.presenter, screen=screen, n_dropped_frames=0)))
        levels += [line.level for line in lines if line.title == "Timing"]
    assert levels == ["good", "caution"]


def test_a_recorder_that_died_is_not_said_to_record(page: RunPage, world: "World", qtbot: QtBot) -> None:
    _start(page, world, qtbot).show(3)
    page.poll()
    state = page.desk.state
    assert state is not None
    assert resolve_status((), True, (), state).recorder == "Recording"
    status = resolve_status((), True, (), replace(state, is_recorder_lost=True))
    assert (status.recorder, status.recorder_level) == ("Recorder gone", "fail")


def test_lights_say_what_the_recorder_found_and_where(page: RunPage, world: "World", qtbot: QtBot) -> None:
    amplifier = StreamDescription(
        "Amp", "EEG", "a", "u", "h", 3, 500.0, "float32", ("Fp1", "Fp2", "GSR"), ("EEG", "EEG", "GSR"), ("", "", "")
    )
    flat = HealthFinding("flat", "caution", "Fp1 flat for 3 s", 1.0, channels=("Fp1",))
    gone = HealthFinding("no-data", "fail", "no data for 4 s", 2.0)
    run = _start(page, world, qtbot)
    run.show(3)
    page.poll()
    state = page.desk.state
    assert state is not None
    recorder = state.recorder
    assert recorder is not None

    def lights(*findings: HealthFinding) -> dict[str, StreamLight]:
        told = replace(state, recorder=replace(recorder, streams=(_amplifier_stream(*findings),)))
        assert resolve_session(told).faults == tuple((f.light, f"Amp: {f.words}") for f in findings)
        return {light.name: light for light in resolve_status((amplifier,), True, (), told).lights}

    assert [(lights()[r].level, lights()[r].words) for r in ("EEG", "EDA")] == [("good", "500 Hz")] * 2
    one = lights(flat)
    assert (one["EEG"].level, one["EEG"].words) == ("caution", "Fp1 flat for 3 s")
    assert one["EDA"].level == "good", "the flat electrode is none of the skin's"
    both = lights(gone, flat)
    assert (both["EEG"].level, both["EDA"].level) == ("fail", "fail")
    assert both["EEG"].details == "no data for 4 s\nFp1 flat for 3 s"
    # A study that took Fp1 for the skin, and calls it something else, gets its light there.
    skin = RoleAssignment("EDA", "Amp", "a", (0,), ("finger",), 1e-6)
    head = RoleAssignment("EEG", "Amp", "a", (1,), ("Cz",), 1e-6)
    told = replace(state, recorder=replace(recorder, streams=(_amplifier_stream(flat),)))
    decided = {light.name: light for light in resolve_status((amplifier,), True, (), told, (skin, head)).lights}
    assert [(decided[r].level, decided[r].words) for r in ("EEG", "EDA")] == [
        ("good", "500 Hz"),
        ("caution", "Fp1 flat for 3 s"),
    ]


def _amplifier_stream(*findings: HealthFinding) -> RecordedStream:
    worst = findings[0] if findings else HealthFinding("flat", "good", "500 Hz", 0.0)
    return RecordedStream("Amp", "EEG", "a", "u", 3, 500.0, 500.0, 9, worst.light, worst.words, findings)


def test_abort_can_be_thought_better_of(page: RunPage, world: "World", qtbot: QtBot) -> None:
    run = _start(page, world, qtbot)
    world.prompt.text = None
    page.abort_session()
    assert run.commands == ["begin"]


def test_a_problem_is_a_banner(page: RunPage, world: "World", qtbot: QtBot) -> None:
    run = _start(page, world, qtbot)
    run.show(4, problem="The disk is full; free space and start the next run.")
    page.poll()
    assert "disk is full" in page.banner.words
    run.show(4, "stopped")
    page.poll()
    assert "stop key" in page.banner.words


def test_a_new_window_attaches_to_a_live_run(context: Context, world: "World", qtbot: QtBot) -> None:
    study = world.study("001")
    world.live = (RunPaths(study.paths.runs / "sub-001_ses-01_run-01"),)
    page = RunPage(context)
    qtbot.addWidget(page)
    context.workspace.set_focus(Focus(study, "001", "01"))
    assert page.desk.mode == "session"
    assert "attached" in page.banner.words
    page.shut_down()


def test_values_stay_hidden_until_the_end(page: RunPage, world: "World", qtbot: QtBot) -> None:
    run = _start(page, world, qtbot)
    run.show(7)
    assert resolve_session(run.state()).points == ()
    mirror = page.session_panel.mirror
    mirror.show_view(View("rating", scale_id="valence", selected=2))
    one = mirror.grab().toImage()
    mirror.show_view(View("rating", scale_id="valence", selected=6))
    assert mirror.grab().toImage() == one
    run.show(12, "ended")
    assert len(resolve_session(run.state()).points) == 12


def test_ticks_tell_answered_missed_current_and_ahead(page: RunPage, world: "World", qtbot: QtBot) -> None:
    run = _start(page, world, qtbot)
    run.show(5)
    kinds = [t.kind for t in resolve_session(run.state()).ticks]
    assert kinds == ["practice"] * 2 + ["answered"] * 3 + ["missed", "answered", "current"] + ["ahead"] * 6
    assert resolve_session(run.state()).counts == "4 answered, 1 missed"


def test_summary_never_calls_an_unverified_file_safe(page: RunPage, world: "World", qtbot: QtBot) -> None:
    run = _start(page, world, qtbot)
    run.show(12, "ended")
    assert resolve_summary(run.state())[0].title == "Recording verified"
    state = run.state()
    assert state.recorder is not None
    unsafe = replace(state, recorder=replace(state.recorder, is_verified=False, message="Counts differ."))
    first = resolve_summary(unsafe)[0]
    assert (first.level, first.title) == ("fail", "Recording not verified")
    assert "Counts differ." in first.words
    assert resolve_summary(replace(state, recorder=None))[0].level == "fail"


def test_streams_and_status_in_words(world: "World") -> None:
    rows = resolve_streams((*world.streams, world.streams[0]))
    assert rows[0].words == "EEG · 8 channels · 500 Hz, same name twice (source id SimEEG-responsive-1)"
    status = resolve_status(world.streams[:1], False, (), None)
    assert [light.words for light in status.lights] == ["opening", "not seen", "not seen", "not seen"]
    assert status.recorder == "Not recording"


def test_scope_shows_frames_of_every_role(page: RunPage, world: "World", qtbot: QtBot) -> None:
    page.poll()

    def frame() -> ScopeFrame | None:
        return page.scope.frame

    qtbot.waitUntil(lambda: frame() is not None, timeout=20000)
    first = frame()
    assert first is not None
    assert [t.role for t in first.traces] == ["EEG", "EDA", "ECG"]
    qtbot.waitUntil(lambda: frame() is not first, timeout=5000)
    assert not page.scope.grab().isNull()


def test_a_stream_that_never_sent_is_no_reason_to_stop_drawing(world: "World", appearance: Appearance) -> None:
    scope = world.lab().open_scope(world.streams, 10.0)
    eeg, eda, ecg = scope.traces()
    silent = replace(eda, samples=np.full_like(eda.samples, np.nan), stop_s=float("nan"), light="fail", words="silent")
    canvas = Canvas(400, 300, 1.0, appearance.theme)
    painter = ScopePainter()
    frame = painter.paint((eeg, silent, ecg), (), canvas, 0.0)
    assert {lane.role for lane in frame.lanes} == {"EEG", "ECG"}
    assert frame.traces[1].words == "silent"
    assert painter.paint((silent,), (), canvas, 0.1).lanes == ()


def test_scope_scrolls_to_the_same_picture_as_painted_anew(world: "World", appearance: Appearance) -> None:
    rng = np.random.default_rng(5)
    samples = (1e-5 * rng.standard_normal((4, 6000))).astype(np.float32)
    eeg = world.lab().open_scope(world.streams, 10.0).traces()[0]
    canvas = Canvas(400, 300, 1.0, appearance.theme)
    scrolling = ScopePainter()

    def pixels(frame: ScopeFrame) -> IntArray:
        return np.frombuffer(frame.image.constBits(), dtype=np.uint32).reshape(300, 400).copy()

    for step in range(20):
        last = 5000 + 17 * step
        now = replace(eeg, labels=tuple("abcd"), samples=samples[:, last - 5000 : last], stop_s=(last - 1) / 500)
        scrolled = scrolling.paint((now,), (), canvas, 0.0)
        fresh = ScopePainter()
        fresh.take_scales(scrolling)
        one, other = pixels(fresh.paint((now,), (), canvas, 0.0)), pixels(scrolled)
        # The leftmost column has lost the sample before it, and positions differ by rounding.
        assert np.mean(one[:, 1:] != other[:, 1:]) < 1e-3
        assert (one[:, 1:] != 0).any(axis=0).all()


def test_markers_are_named_without_class() -> None:
    assert marker_words("picture/positive") == "picture"
    assert marker_words("practice/picture/negative") == "picture"
    assert marker_words("picture/off") == ""
    assert marker_words("rating/valence") == ""
    assert marker_words("pause") == "pause"
