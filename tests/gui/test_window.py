"""The window: empty states, focus, closing, and nothing left behind."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from veridical.gui.app import build_window
from veridical.gui.common.actions import PAGES
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.widgets import EmptyState
from veridical.gui.run.page import RunPage
from veridical.gui.shell.window import MainWindow

if TYPE_CHECKING:
    from tests.gui.conftest import World


def test_every_page_says_what_it_is_for_before_a_study_is_open(window: MainWindow) -> None:
    for name in PAGES:
        window.show_page(name)
        shown = [e for e in window.page.findChildren(EmptyState) if e.isVisible()]
        if name == "live":
            words = " ".join(text.text() for text in window.page.findChildren(QLabel) if text.isVisible())
            assert "No study is open" in words
        else:
            assert len(shown) == 1
            assert len(shown[0].words) > 40


def test_opening_a_study_fills_the_top_bar_and_is_remembered(
    window: MainWindow, world: "World", tmp_path: Path
) -> None:
    study = world.study("001", "002")
    window.open_study(study.root)
    assert window.workspace.focus.participant == "001"
    assert window.windowTitle().startswith("Test study")
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    assert settings.value("study") == str(study.root)


def test_a_folder_that_is_no_study_is_a_banner(window: MainWindow, tmp_path: Path) -> None:
    window.show_page("model")
    window.open_study(tmp_path / "nothing")
    assert window.page.name == "study"
    assert "nothing" in window.page.banner.words


def test_theme_changes_everywhere_and_back(window: MainWindow) -> None:
    appearance = window.context.appearance
    appearance.toggle()
    assert appearance.theme.name == "dark"
    for name in PAGES:
        window.show_page(name)
        assert not window.grab().isNull()
    appearance.choose(None)
    assert appearance.theme.name in ("light", "dark")


def test_a_pages_keys_work_wherever_the_focus_is(window: MainWindow, world: "World", qtbot: QtBot) -> None:
    window.open_study(world.study("001").root)
    window.show_page("run")
    qtbot.waitUntil(lambda: window.table.get("run.start").when(), timeout=5000)
    window.table.get("run.start").run()
    qtbot.waitUntil(lambda: bool(world.runs), timeout=5000)
    run, page = world.runs[0], window.page
    assert isinstance(page, RunPage)
    run.show(5)
    qtbot.waitUntil(lambda: page.desk.screen.can_pause, timeout=5000)
    qtbot.waitUntil(window.isActiveWindow, timeout=5000)
    # As after a note: the field let go of the focus and nothing has it.
    page.session_panel.note_field.setFocus()
    page.session_panel.note_field.clearFocus()
    window.shortcut_page.open()
    QTest.keyClick(window.shortcut_page, Qt.Key.Key_P)
    window.shortcut_page.hide()
    assert "pause" not in run.commands
    qtbot.waitUntil(lambda: window.table.get("run.pause").when(), timeout=5000)
    QTest.keyClick(window, Qt.Key.Key_P)
    assert run.commands[-1] == "pause"


def test_closing_asks_only_in_a_session(window: MainWindow, world: "World", qtbot: QtBot) -> None:
    study = world.study("001")
    window.open_study(study.root)
    window.show_page("run")
    run_page = window.page
    qtbot.waitUntil(lambda: window.table.get("run.start").when(), timeout=5000)
    window.table.get("run.start").run()
    qtbot.waitUntil(lambda: bool(world.runs) and run_page.closing_question() != "", timeout=5000)
    world.prompt.says_yes = False
    assert not window.close()
    assert world.prompt.asked
    world.prompt.says_yes = True
    assert window.close()
    assert world.runs[0].commands[-1] == "close"


def test_a_closed_window_leaves_no_thread_and_no_widget(
    qapp: QApplication, appearance: Appearance, world: "World", tmp_path: Path, qtbot: QtBot
) -> None:
    before = {id(w) for w in qapp.topLevelWidgets()}
    window = build_window(
        appearance, world.lab(), QSettings(str(tmp_path / "w.ini"), QSettings.Format.IniFormat), world.prompt
    )
    window.show()
    study = world.study("001")
    world.record(study, "001")
    window.open_study(study.root)
    for name in PAGES:
        window.show_page(name)
    qtbot.waitUntil(lambda: bool(world.desks), timeout=5000)
    qtbot.waitUntil(lambda: bool(world.scopes), timeout=5000)
    window.close()
    window.deleteLater()
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name.startswith("veridical-")], timeout=5000)
    assert all(not scope.is_open for scope in world.scopes)
    assert all(not desk.is_open for desk in world.desks)
    leaked = [w for w in qapp.topLevelWidgets() if id(w) not in before and w is not window and w.isVisible()]
    assert not leaked
