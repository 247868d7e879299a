"""The Run page during a session: keys, words, and what must not happen by accident."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from veridical.domain.observation import OBSERVATIONS
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan
from veridical.domain.view import View
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.workspace import Focus
from veridical.gui.run.alarm import samples_of
from veridical.gui.run.page import RunPage
from veridical.gui.run.scope_painter import Canvas, ScopePainter
from veridical.gui.run.view_model import quality_in_words, resolve_examination, resolve_session
from veridical.gui.shell.window import MainWindow
from veridical.ipc.messages import PresenterState
from veridical.services.live_quality import QualityWatch
from veridical.services.live_run import Hole, RunState, TrialProgress
from veridical.services.resuming import BrokenSession
from veridical.services.session import plan_session
from veridical.services.session_examination import Examination, MarkerCheck
from veridical.services.streams import ScopeTraces
from veridical.signals.filters import FilterChoice
from veridical.storage.study_file import edit_study_file

if TYPE_CHECKING:
    from tests.gui.conftest import FakeRun, World


@pytest.fixture
def live(window: MainWindow, world: "World", qtbot: QtBot) -> "Iterator[tuple[MainWindow, RunPage, FakeRun]]":
    """The whole window with a session that runs; keys go the way they go for a person."""
    study = world.study("001")
    own = replace(study.settings.recording, markers=("door opens", "cap moved"))
    edit_study_file(study.paths.study_file, study.settings, replace(study.settings, recording=own))
    window.open_study(study.root)
    window.workspace.set_focus(Focus(window.workspace.focus.study, "001", "01"))
    window.show_page("run")
    page = window.page
    assert isinstance(page, RunPage)
    qtbot.waitUntil(lambda: page.desk.may_start, timeout=5000)
    page.start_session()
    qtbot.waitUntil(lambda: page.desk.mode == "session", timeout=5000)
    run = world.runs[-1]
    run.show(5)
    page.poll()
    window.activateWindow()
    yield window, page, run
    run.show(12, "ended")


def test_keys_write_what_is_seen_and_are_letters_in_a_note(live: "tuple[MainWindow, RunPage, FakeRun]") -> None:
    window, page, run = live
    for observation in OBSERVATIONS:
        QTest.keyClick(window, Qt.Key(ord(observation.key)))
    assert run.commands[1:] == [f"observe: {o.id}" for o in OBSERVATIONS]
    # The study has two markers of its own.
    QTest.keyClick(window, Qt.Key.Key_2)
    QTest.keyClick(window, Qt.Key.Key_3)
    assert run.commands[5:] == ["mark: cap moved"]
    assert "cap moved" in page.session_panel.observations._said.text()
    QTest.keyClick(window, Qt.Key.Key_N)
    QTest.keyClicks(page.session_panel.note_field, "calm 1")
    QTest.keyClick(page.session_panel.note_field, Qt.Key.Key_Return)
    assert run.commands[6:] == ["note: calm 1"]


def test_no_key_ends_a_session_by_accident(live: "tuple[MainWindow, RunPage, FakeRun]", world: "World") -> None:
    window, page, run = live
    world.prompt.says_yes, world.prompt.text = False, ""
    none, ctrl = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
        QTest.keyClick(window, key, none)
    # Ctrl+E asks for a reason, and Enter on an empty line is none; Ctrl+Q asks and is thought better of.
    for key in (Qt.Key.Key_W, Qt.Key.Key_E, Qt.Key.Key_Q, Qt.Key.Key_S, Qt.Key.Key_Z):
        QTest.keyClick(window, key, ctrl)
    window.close()
    assert window.isVisible()
    assert run.commands == ["begin"]
    assert any("go on without the window" in words for words in world.prompt.asked)
    assert "goes on" in page.banner.words


def test_signals_are_scaled_by_keys_and_wheel_and_filtered_for_the_eye(
    live: "tuple[MainWindow, RunPage, FakeRun]", qtbot: QtBot
) -> None:
    window, page, _ = live
    qtbot.waitUntil(lambda: page.scope.frame is not None, timeout=20000)
    page.poll()
    assert page.scope.role == "EEG"
    fitted = page.scope.frame.spans[0] if page.scope.frame is not None else 0.0
    QTest.keyClick(window, Qt.Key.Key_Plus)
    larger = page.scope.settings.spans["EEG"]
    assert larger < fitted
    QTest.keyClick(window, Qt.Key.Key_S)
    QTest.keyClick(window, Qt.Key.Key_Minus)
    assert page.scope.role == "EDA"
    assert page.scope.settings.spans["EEG"] == larger

    def spans() -> dict[str, float]:
        frame = page.scope.frame
        return {} if frame is None else dict(zip(("EEG", "EDA", "ECG"), frame.spans, strict=True))

    wanted = dict(page.scope.settings.spans)
    qtbot.waitUntil(lambda: {r: spans().get(r) for r in wanted} == wanted, timeout=5000)
    QTest.keyClick(window, Qt.Key.Key_0)
    assert set(page.scope.settings.spans) == {"EEG"}
    ecg = next(lane for lane in page.scope.frame.lanes if lane.role == "ECG") if page.scope.frame else None
    assert ecg is not None
    at = QPointF(400, page.scope._area.top() + ecg.middle_px)
    wheel = QWheelEvent(
        at, page.scope.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(page.scope, wheel)
    assert (page.scope.role, "ECG" in page.scope.settings.spans) == ("ECG", True)


def test_filters_are_chosen_for_the_role_that_is_chosen(
    live: "tuple[MainWindow, RunPage, FakeRun]", qtbot: QtBot
) -> None:
    _, page, _ = live
    qtbot.waitUntil(lambda: page.scope.frame is not None, timeout=20000)
    page.poll()
    bar = page.scope_bar
    bar.high_pass.setCurrentText("from 0.5 Hz")
    bar.high_pass.activated.emit(0)
    bar.notch.setCurrentText("without 50 Hz")
    bar.notch.activated.emit(0)
    assert page.scope.settings.filters == {"EEG": FilterChoice(high_pass_hz=0.5, notch_hz=(50.0,))}
    page.scope.choose_role("EDA")
    assert bar.high_pass.currentData() is None
    page.scope.choose_role("EEG")
    assert (bar.high_pass.currentData(), bar.notch.currentData()) == (0.5, 50.0)


def test_the_picture_goes_on_when_nothing_comes(world: "World", appearance: Appearance) -> None:
    eeg = world.lab().open_scope(world.streams, 10.0).traces()[0]
    canvas, painter = Canvas(400, 300, 1.0, appearance.theme), ScopePainter()
    # The first frames, before anything has come.
    assert painter.paint((), (), canvas, -2.0).lanes == ()
    assert painter.paint((), (), canvas, -1.0).lanes == ()

    def filled(now_s: float) -> float:
        image = painter.paint((eeg,), (), canvas, now_s).image
        pixels = np.frombuffer(image.constBits(), dtype=np.uint32).reshape(300, 400)
        return float((pixels != 0).any(axis=0).mean())

    assert filled(0.0) == 1.0
    assert filled(0.4) == 1.0
    assert filled(5.5) == pytest.approx(0.5, abs=0.01)
    assert filled(5.6) == pytest.approx(0.49, abs=0.01)


def test_in_a_rest_the_operator_looks_and_decides(live: "tuple[MainWindow, RunPage, FakeRun]", qtbot: QtBot) -> None:
    window, page, run = live

    def can(action_id: str) -> bool:
        return window.table.get(f"run.{action_id}").when()

    assert not any(can(a) for a in ("look", "enough", "next_block", "stop_here"))
    run.show(8, "resting", View("text", text="Time for a rest."))
    page.poll()
    panel = page.look_panel
    assert panel.isVisible()
    assert "Look 2 of 3" in panel.words
    assert "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}.016" in panel.words
    assert "1 block is left" in panel.words
    assert all(can(a) for a in ("look", "enough", "next_block", "stop_here"))
    QTest.keyClick(window, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: "0" in panel.words and "reviewed by a rater" in panel.words, timeout=5000)
    for words in (
        "Nothing rejected",
        "Everything suggested rejected",
        "47 of 48 pictures used",
        "34 of 48",
        "disagree",
    ):
        assert words in panel.words
    assert "23 suggestions" in panel.words
    assert not can("look"), "a look is taken once"
    assert run.commands == ["begin"], "looking decides nothing"
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window, Qt.Key.Key_B, both)
    run.show(9)
    page.poll()
    assert not panel.isVisible()
    run.show(12, "resting", View("text", text="Time for a rest."))
    page.poll()
    QTest.keyClick(window, Qt.Key.Key_E, both)
    assert run.commands[1:] == ["decide: next", "decide: enough"]


def test_a_session_can_be_calibrated_after_its_end(live: "tuple[MainWindow, RunPage, FakeRun]", qtbot: QtBot) -> None:
    window, page, run = live
    QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert run.commands[1:] == ["linger: True"]
    run.show(12, "ended")
    page.poll()
    QTest.keyClick(window, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: "reviewed by a rater" in page._summary.look.words, timeout=5000)


def test_a_device_that_drops_out_sounds_says_so_and_is_seen_to_return(
    live: "tuple[MainWindow, RunPage, FakeRun]", monkeypatch: pytest.MonkeyPatch
) -> None:
    _, page, run = live
    heard: list[str] = []
    monkeypatch.setattr(page, "_alarm", heard.append)
    run.show(5, away=("SimEEG",))
    page.poll()
    page.poll()
    assert heard == ["lost"]
    assert "Nothing comes from SimEEG" in page.banner.words
    assert "the session goes on" in page.banner.words
    run.show(5, "paused", away=("SimEEG",), is_paused_for_device=True)
    page.poll()
    assert "the session is paused" in page.banner.words
    run.show(5, "paused", is_paused_for_device=True)
    page.poll()
    assert heard == ["lost", "back"]
    assert "The device is back" in page.banner.words
    assert all(np.abs(samples_of(tune)).max() <= 0.25 for tune in ("lost", "back"))


def test_trials_with_lost_or_failing_signals_are_bad_however_they_were_answered() -> None:
    done = [TrialProgress(k + 1, 1, "neutral", ("answered",), False, 10.0 * k, 10.0 * k + 6) for k in range(5)]
    done[3] = replace(done[3], statuses=("skipped", "skipped"))
    done.append(TrialProgress(6, 1, "neutral", ()))
    presenter = PresenterState("running", n_trials=7, trial=6, done=tuple(done))
    state = RunState(
        RunKey("001"), presenter, None,
        # Just before the second picture, and after the third one was over.
        holes=(Hole("SimEEG", 8.0, 9.2), Hole("SimEEG", 26.5, 28.0)),
        poor=(Hole("EEG", 43.0, math.inf),),
    )  # fmt: skip
    screen = resolve_session(state)
    assert [t.kind for t in screen.ticks] == ["answered", "bad", "answered", "skipped", "bad", "skipped", "ahead"]
    assert "2 bad" in screen.counts


def test_live_quality_is_counted_channel_by_channel() -> None:
    rng = np.random.default_rng(8)
    eeg = 1e-5 * rng.standard_normal((4, 2500))
    eeg[0] = 0.0
    traces = ScopeTraces("EEG", ("Fz", "Cz", "Pz", "Oz"), 500.0, eeg, 100.0, "good", "")
    watch = QualityWatch()
    watch.look((traces,), 0.0)
    level, words, details = quality_in_words(watch.roles)
    assert (level, watch.poor) == ("caution", ())
    assert words.startswith("EEG ")
    assert "Fz" in details
    eeg[:3] = 0.0
    for at_s in (2.0, 4.0, 20.0):
        assert watch.is_due(at_s)
        watch.look((replace(traces, stop_s=100.0 + at_s),), at_s)
    assert not watch.is_due(20.5)
    assert quality_in_words(watch.roles)[0] == "fail"
    assert [(h.start_s, h.stop_s) for h in watch.poor] == [(97.0, 104.0), (115.0, 120.0)]


def test_the_end_says_what_the_files_hold_and_offers_to_go_on_after_a_presenter_died(
    live: "tuple[MainWindow, RunPage, FakeRun]", world: "World", qtbot: QtBot
) -> None:
    window, page, run = live
    study = window.workspace.focus.study
    assert study is not None
    key = RunKey("001")
    plan = RunPlan(key, plan_session(study, key), (), (), 1, "m", (), "x.xdf", "x.jsonl", "x.json")
    world.broken = BrokenSession(plan, SessionPlan(blocks=(plan.plan.trials[3:],)), 3)
    run.show(3, is_over=True, problem="The presenter ended unexpectedly (killed by signal 9); start the next run.")
    page.poll()
    qtbot.waitUntil(lambda: window.table.get("run.continue").when() and bool(page._examined), timeout=5000)
    lines = {line.title: line for line in page._examined}
    assert "2 gaps, 3.40 s in all" in lines["EEG"].words
    assert lines["EEG"].level == "caution"
    assert lines["EDA"].level == "good"
    assert lines["Markers"].words.startswith("All 212 stand in recording and journal")
    assert "10 of 12" in lines["Usable trials"].words
    page.continue_session()
    qtbot.waitUntil(lambda: page.desk.mode == "session", timeout=10000)
    assert world.requests[-1].broken is world.broken


def test_markers_that_are_missing_are_counted() -> None:
    found = Examination((), MarkerCheck(10, 12, 10), 0, 0, ())
    markers, usable = resolve_examination(found)
    assert (markers.level, usable.level) == ("caution", "fail")
    assert "10 in the recording, 12 in the journal" in markers.words
