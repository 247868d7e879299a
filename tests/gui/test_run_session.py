"""The Run page during a session: keys, words, and what must not happen by accident."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from veridical.domain.observation import OBSERVATIONS
from veridical.gui.common.workspace import Focus
from veridical.gui.run.page import RunPage
from veridical.gui.shell.window import MainWindow
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


def test_one_key_writes_what_is_seen(live: "tuple[MainWindow, RunPage, FakeRun]") -> None:
    window, _, run = live
    for observation in OBSERVATIONS:
        QTest.keyClick(window, Qt.Key(ord(observation.key)))
    assert run.commands[1:] == [f"observe: {o.id}" for o in OBSERVATIONS]


def test_the_studys_own_markers_have_the_number_keys(live: "tuple[MainWindow, RunPage, FakeRun]") -> None:
    window, page, run = live
    QTest.keyClick(window, Qt.Key.Key_2)
    QTest.keyClick(window, Qt.Key.Key_3)
    assert run.commands[1:] == ["mark: cap moved"]
    assert "cap moved" in page.session_panel.observations._said.text()


def test_keys_in_a_note_are_letters(live: "tuple[MainWindow, RunPage, FakeRun]") -> None:
    window, page, run = live
    QTest.keyClick(window, Qt.Key.Key_N)
    QTest.keyClicks(page.session_panel.note_field, "calm")
    QTest.keyClick(page.session_panel.note_field, Qt.Key.Key_Return)
    assert run.commands[1:] == ["note: calm"]


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
