"""The labels with their keys: click or press."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QLayout, QLayoutItem, QPushButton, QSizePolicy, QWidget

from veridical.domain.annotation import SHIPPED_LABELS, ArtifactLabel
from veridical.gui.common.tokens import GRID


class FlowLayout(QLayout):
    """Lays widgets out in rows like words."""

    def __init__(self, spacing: int = GRID // 2) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._gap = spacing
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        return self._place(QRect(0, 0, width, 0), is_real=False)

    def setGeometry(self, rect: QRect) -> None:  # noqa: N802
        super().setGeometry(rect)
        self._place(rect, is_real=True)

    def sizeHint(self) -> QSize:  # noqa: N802
        return self.minimumSize()

    def minimumSize(self) -> QSize:  # noqa: N802
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _place(self, rect: QRect, *, is_real: bool) -> int:
        x, y, row = rect.left(), rect.top(), 0
        for item in self._items:
            hint = item.sizeHint()
            if x + hint.width() > rect.right() + 1 and row:
                x, y, row = rect.left(), y + row + self._gap, 0
            if is_real:
                item.setGeometry(QRect(QPoint(x, y), hint))
            x += hint.width() + self._gap
            row = max(row, hint.height())
        return y + row - rect.top()


class LabelBar(QWidget):
    """One button per label, with its colour and key."""

    def __init__(self, put_label: Callable[[str], None]) -> None:
        super().__init__()
        self._put_label = put_label
        self._labels: tuple[ArtifactLabel, ...] = ()
        self.buttons: dict[str, QPushButton] = {}
        self._row = FlowLayout()
        self.setLayout(self._row)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_labels(SHIPPED_LABELS)

    def show_labels(self, labels: tuple[ArtifactLabel, ...]) -> None:
        """Show a study's labels, if they are others than before."""
        if labels == self._labels:
            return
        self._labels = labels
        for old in self.buttons.values():
            self._row.removeWidget(old)
            old.deleteLater()
        self.buttons = {label.id: self._make_button(label) for label in labels}
        self.updateGeometry()

    def refresh(self, can_label: bool) -> None:
        """Enable while there is something to label."""
        for button in self.buttons.values():
            button.setEnabled(can_label)

    def _make_button(self, label: ArtifactLabel) -> QPushButton:
        button = QPushButton(f" {label.words}  {label.key}")
        button.setProperty("kind", "quiet")
        button.setIcon(_swatch(label.colour))
        button.setToolTip(f"Label the stretch, the selected mark or the chosen suggestion: {label.words} ({label.key})")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _=False, name=label.id: self._put_label(name))
        self._row.addWidget(button)
        return button


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(24, 24)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(4, 4, 16, 16, 4, 4)
    painter.end()
    icon = QIcon()
    icon.addPixmap(pixmap, QIcon.Mode.Normal)
    icon.addPixmap(pixmap, QIcon.Mode.Disabled)
    return icon
