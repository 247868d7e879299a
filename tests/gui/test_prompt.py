"""The real dialogs, answered as a person answers them."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from veridical.gui.common.prompt import QtPrompt


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    """A window for the dialogs to stand on."""
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def _in_dialog(act: Callable[[QWidget], None]) -> None:
    def now() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        act(dialog)

    QTimer.singleShot(0, now)


def test_the_text_that_was_typed_is_the_answer(parent: QWidget) -> None:
    def answer(dialog: QWidget) -> None:
        QTest.keyClicks(dialog.focusWidget(), " felt sick ")
        QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)

    _in_dialog(answer)
    assert QtPrompt(parent).ask_text("End?", "Why?", "End it") == "felt sick"


@pytest.mark.parametrize(("key", "expected"), [(Qt.Key.Key_Escape, False), (Qt.Key.Key_Return, False)])
def test_neither_escape_nor_enter_confirms_by_accident(parent: QWidget, key: Qt.Key, expected: bool) -> None:
    _in_dialog(lambda dialog: QTest.keyClick(dialog, key))
    assert QtPrompt(parent).confirm("Close?", "It goes on.", "Close") is expected


def test_escape_gives_no_text(parent: QWidget) -> None:
    _in_dialog(lambda dialog: QTest.keyClick(dialog, Qt.Key.Key_Escape))
    assert QtPrompt(parent).ask_text("End?", "Why?", "End it") is None


def test_the_keyboard_alone_can_say_yes(parent: QWidget) -> None:
    def answer(dialog: QWidget) -> None:
        QTest.keyClick(dialog, Qt.Key.Key_Tab)
        QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)

    _in_dialog(answer)
    assert QtPrompt(parent).confirm("Close?", "It goes on.", "Close")
