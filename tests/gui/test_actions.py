"""One table of actions feeds keys, palette and shortcut page."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from veridical.gui.common.actions import PAGES, Action, ActionTable, find_clashes, run_action
from veridical.gui.shell.window import MainWindow


def _do_nothing() -> None:
    """Stand for an act."""


def test_clashes_are_named() -> None:
    one = Action("a", "One", "A", _do_nothing, page="run")
    same_id = Action("a", "Two", "B", _do_nothing, page="run")
    same_key = Action("b", "Three", "C", _do_nothing, page="run", also="A")
    elsewhere = Action("c", "Four", "A", _do_nothing, page="study")
    assert len(find_clashes([one, same_id])) == 1
    assert len(find_clashes([one, same_key])) == 1
    assert not find_clashes([one, elsewhere])
    with pytest.raises(ValueError, match="meanings"):
        ActionTable([one, Action("d", "Five", "A", _do_nothing)])


def test_ids_and_keys_of_the_window_are_unique_and_complete(window: MainWindow) -> None:
    actions = window.table.actions
    assert not find_clashes(actions)
    assert max(Counter(a.id for a in actions).values()) == 1
    for action in actions:
        assert action.key, f"{action.id} has no key"
        assert not QKeySequence(action.key).isEmpty()
        assert action.text
    assert {a.page for a in actions} >= {"", "study", "run", "annotate", "model"}


def test_an_action_that_cannot_be_done_is_not_run() -> None:
    done: list[str] = []
    blocked = Action("a", "A", "A", lambda: done.append("a"), when=lambda: False)
    free = Action("b", "B", "B", lambda: done.append("b"))
    assert not run_action(blocked)
    assert run_action(free)
    assert done == ["b"]


def test_palette_lists_every_action_and_finds_by_words(window: MainWindow, qtbot: QtBot) -> None:
    palette = window.palette_of_commands
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(palette.isVisible)
    assert set(palette.shown_actions) == set(window.table.actions)
    palette.type_words("light dark")
    assert [a.id for a in palette.shown_actions] == ["window.theme"]
    palette.type_words("annotate go")
    assert "go.annotate" in [a.id for a in palette.shown_actions]
    palette.hide()


def test_shortcut_page_shows_every_key(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_F1)
    page = window.shortcut_page
    qtbot.waitUntil(page.isVisible)
    shown = {text.text() for text in page.findChildren(QLabel)}
    assert {a.text for a in window.table.actions} <= shown
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert page.isHidden()


def test_control_and_a_number_go_to_a_page(window: MainWindow) -> None:
    for number, name in enumerate(PAGES, start=1):
        QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        assert window.page.name == name
