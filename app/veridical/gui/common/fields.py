"""Fields that a page is scrolled past: the wheel moves the page, never a value that nobody meant to change."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox

from veridical.gui.common.tokens import GRID


class NumberField(QSpinBox):
    """A whole number, by typing and arrow keys; told when it is confirmed."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        # The style sheet's padding does not reach the line inside.
        self.lineEdit().setTextMargins(GRID, 0, GRID, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()


class DecimalField(QDoubleSpinBox):
    """A number that shows no more digits than it has: 60, 1.5, 0.125."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        # The style sheet's padding does not reach the line inside.
        self.lineEdit().setTextMargins(GRID, 0, GRID, 0)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        text, point = super().textFromValue(value), self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()


class ChoiceField(QComboBox):
    """One of a few words, by click and arrow keys."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        event.ignore()
