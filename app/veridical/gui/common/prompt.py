"""Questions to the human, behind one port so that tests can answer them."""

from pathlib import Path
from typing import Protocol

from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget


class Prompt(Protocol):
    """Asks the human; every answer may be "no"."""

    def confirm(self, title: str, consequence: str, yes: str) -> bool:
        """Ask before something that cannot be undone; ``yes`` names the act."""
        ...

    def ask_text(self, title: str, question: str, yes: str) -> str | None:
        """Ask for a line of text; None if it was cancelled."""
        ...

    def choose_folder(self, title: str, start: Path) -> Path | None:
        """Ask for a folder; None if it was cancelled."""
        ...

    def choose_file(self, title: str, start: Path) -> Path | None:
        """Ask for a file that exists; None if it was cancelled."""
        ...

    def choose_new_file(self, title: str, start: Path) -> Path | None:
        """Ask for the name of a file to write; None if it was cancelled."""
        ...


class QtPrompt:
    """Asks with dialogs on the window."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def confirm(self, title: str, consequence: str, yes: str) -> bool:
        """Ask before something that cannot be undone."""
        return _ask(_Question(self._parent, title, consequence, yes, has_text=False)) is not None

    def ask_text(self, title: str, question: str, yes: str) -> str | None:
        """Ask for a line of text."""
        return _ask(_Question(self._parent, title, question, yes, has_text=True))

    def choose_folder(self, title: str, start: Path) -> Path | None:
        """Ask for a folder with the system's own dialog."""
        chosen = QFileDialog.getExistingDirectory(self._parent, title, str(start))
        return Path(chosen) if chosen else None

    def choose_file(self, title: str, start: Path) -> Path | None:
        """Ask for a file with the system's own dialog."""
        chosen, _ = QFileDialog.getOpenFileName(self._parent, title, str(start))
        return Path(chosen) if chosen else None

    def choose_new_file(self, title: str, start: Path) -> Path | None:
        """Ask for a new file's name with the system's own dialog."""
        chosen, _ = QFileDialog.getSaveFileName(self._parent, title, str(start))
        return Path(chosen) if chosen else None


class _Question(QDialog):
    """A title, one sentence, at most one field, and two buttons; Cancel is what Enter does not do by accident."""

    def __init__(self, parent: QWidget, title: str, sentence: str, yes: str, *, has_text: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(440)
        head = QLabel(title)
        head.setObjectName("sectionTitle")
        words = QLabel(sentence)
        words.setWordWrap(True)
        self._field = QLineEdit()
        self._field.setVisible(has_text)
        # Made in reading order, which is the order of Tab; Enter presses the button that has the focus.
        cancel, accept = QPushButton("Cancel"), QPushButton(yes)
        accept.setProperty("kind", "primary")
        accept.setDefault(has_text)
        cancel.setDefault(not has_text)
        accept.clicked.connect(self.accept)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(accept)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(16)
        for widget in (head, words, self._field):
            column.addWidget(widget)
        column.addLayout(buttons)
        (self._field if has_text else cancel).setFocus()

    def text(self) -> str:
        """What was typed, without blanks at its ends."""
        return self._field.text().strip()


def _ask(question: _Question) -> str | None:
    """Wait for the answer; its text is read before the dialog goes."""
    answer = question.text() if question.exec() == QDialog.DialogCode.Accepted else None
    question.deleteLater()
    return answer
