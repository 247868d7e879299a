"""Command palette and shortcut page: both are drawn from the actions table."""

from collections.abc import Callable

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QScrollArea,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from veridical.gui.common.actions import PAGES, Action, ActionTable, run_action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, label

AnyIndex = QModelIndex | QPersistentModelIndex
_PAGE_WORDS: dict[str, str] = {"": "Everywhere"} | {page: page.capitalize() for page in PAGES}


def key_words(key: str) -> str:
    """A key as this system writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def cast_shadow(frame: QFrame) -> None:
    """Lift a frame off the page below it."""
    shadow = QGraphicsDropShadowEffect(frame)
    shadow.setBlurRadius(48)
    shadow.setOffset(0, 8)
    shadow.setColor(QColor(0, 0, 0, 90))
    frame.setGraphicsEffect(shadow)


class _ActionList(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[Action, ...] = ()

    def show_rows(self, rows: tuple[Action, ...]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.rows[index.row()].text
        return None


class _ActionDelegate(QStyledItemDelegate):
    """Draws an action's words, its page and its key."""

    def __init__(self, appearance: Appearance, rows: _ActionList) -> None:
        super().__init__()
        self._appearance, self._rows = appearance, rows

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        return QSize(0, 5 * GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme = self._appearance.theme
        action = self._rows.rows[index.row()]
        box: QRect = option.rect
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        if is_current:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.selection))
            painter.drawRoundedRect(box.adjusted(2, 1, -2, -1), 5, 5)
        can = action.when()
        inner = box.adjusted(2 * GRID, 0, -2 * GRID, 0)
        painter.setPen(QColor(theme.text if can else theme.disabled))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, action.text)
        painter.setPen(QColor(theme.quiet if can else theme.disabled))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, key_words(action.key))
        place = inner.adjusted(0, 0, -150, 0)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, _PAGE_WORDS[action.page])
        painter.restore()


class CommandPalette(QFrame):
    """Type a few letters, press Enter: every action of the window is here."""

    def __init__(
        self, parent: QWidget, appearance: Appearance, table: ActionTable, before_run: Callable[[Action], None]
    ) -> None:
        super().__init__(parent)
        self._under = parent
        self.setObjectName("overlay")
        cast_shadow(self)
        self._table, self._before_run = table, before_run
        self._field = QLineEdit()
        self._field.setPlaceholderText("Type what you want to do")
        self._field.setAccessibleName("Search actions")
        self._rows = _ActionList()
        self._list = QListView()
        self._list.setModel(self._rows)
        self._delegate = _ActionDelegate(appearance, self._rows)
        self._list.setItemDelegate(self._delegate)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._help = label("", "small", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.addWidget(self._field)
        column.addWidget(self._list, 1)
        column.addWidget(self._help)
        self._field.textChanged.connect(self._on_typed)
        self._field.installEventFilter(self)
        self._list.clicked.connect(lambda _index: self._run())
        self.hide()

    @property
    def shown_actions(self) -> tuple[Action, ...]:
        """Actions in the list, in order."""
        return self._rows.rows

    def open(self) -> None:
        """Show all actions and take the keyboard."""
        parent = self._under
        width = min(640, parent.width() - 8 * GRID)
        self.setGeometry((parent.width() - width) // 2, 8 * GRID, width, min(520, parent.height() - 16 * GRID))
        self._field.clear()
        self._on_typed("")
        self.show()
        self.raise_()
        self._field.setFocus()

    def type_words(self, words: str) -> None:
        """Put words into the field."""
        self._field.setText(words)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Move through the list, run, or close, while the field keeps the keyboard."""
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = event.key()
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self._move(1 if key == Qt.Key.Key_Down else -1)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run()
                return True
            if key == Qt.Key.Key_Escape:
                self.hide()
                return True
        return super().eventFilter(watched, event)

    def _on_typed(self, text: str) -> None:
        self._rows.show_rows(self._table.find(text))
        self._select(0)

    def _move(self, by: int) -> None:
        if self._rows.rows:
            self._select((self._list.currentIndex().row() + by) % len(self._rows.rows))

    def _select(self, row: int) -> None:
        index = self._rows.index(row, 0)
        self._list.setCurrentIndex(index)
        action = self._rows.rows[row] if row < len(self._rows.rows) else None
        self._help.setText("Nothing is called that." if action is None else action.help or " ")

    def _run(self) -> None:
        row = self._list.currentIndex().row()
        if 0 <= row < len(self._rows.rows):
            action = self._rows.rows[row]
            self.hide()
            self._before_run(action)
            run_action(action)


class ShortcutPage(QFrame):
    """Every key, generated from the actions table."""

    def __init__(self, parent: QWidget, appearance: Appearance, table: ActionTable) -> None:
        super().__init__(parent)
        self._under = parent
        self.setObjectName("overlay")
        cast_shadow(self)
        head = QHBoxLayout()
        head.addWidget(label("Keyboard shortcuts", "pageTitle"))
        head.addStretch(1)
        head.addWidget(StepButton(appearance, "Close", self.hide, "cross", "quiet"))
        body = QWidget()
        body.setObjectName("scrolled")
        columns = QHBoxLayout(body)
        columns.setSpacing(5 * GRID)
        blocks = [("", *table.of_page(""))] + [(page, *table.of_page(page)) for page in PAGES]
        sides = [QVBoxLayout(), QVBoxLayout()]
        filled = [0, 0]
        for page, *actions in blocks:
            keyed = [a for a in actions if isinstance(a, Action) and a.key]
            if keyed:
                side = filled.index(min(filled))
                filled[side] += len(keyed) + 2
                sides[side].addLayout(_block(_PAGE_WORDS[str(page)], keyed))
        for side_layout in sides:
            side_layout.addStretch(1)
            columns.addLayout(side_layout, 1)
        area = QScrollArea()
        area.setWidget(body)
        area.setWidgetResizable(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.addLayout(head)
        column.addWidget(area, 1)
        self.hide()

    def open(self) -> None:
        """Show over the page."""
        parent = self._under
        width = min(920, parent.width() - 8 * GRID)
        height = min(680, parent.height() - 12 * GRID)
        self.setGeometry((parent.width() - width) // 2, (parent.height() - height) // 2, width, height)
        self.show()
        self.raise_()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)


def _block(title: str, actions: list[Action]) -> QGridLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(GRID)
    grid.setContentsMargins(0, GRID, 0, GRID)
    grid.setColumnStretch(1, 1)
    grid.addWidget(label(title, "sectionTitle"), 0, 0, 1, 2)
    for row, action in enumerate(actions, start=1):
        keys = " or ".join(key_words(key) for key in action.keys)
        grid.addWidget(label(keys, "key"), row, 0, Qt.AlignmentFlag.AlignLeft)
        words = label(action.text, wraps=True)
        words.setToolTip(action.help)
        grid.addWidget(words, row, 1)
    return grid
