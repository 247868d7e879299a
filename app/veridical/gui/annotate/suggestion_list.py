"""Open suggestions as a list model."""

from collections.abc import Callable

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from veridical.domain.annotation import Suggestion
from veridical.gui.annotate.view_model import suggestion_words
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import GRID, SMALL_PT

AnyIndex = QModelIndex | QPersistentModelIndex


class SuggestionList(QAbstractListModel):
    """Suggestions that wait for a decision."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[Suggestion, ...] = ()

    def show_rows(self, rows: tuple[Suggestion, ...]) -> None:
        """Replace the rows if they changed."""
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        suggestion = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return suggestion_words(suggestion)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return suggestion.reason
        return None


class SuggestionDelegate(QStyledItemDelegate):
    """Draws what, when and where in one line and the reason below it."""

    def __init__(self, appearance: Appearance, rows: SuggestionList, colour_of: Callable[[str], str]) -> None:
        super().__init__()
        self._appearance, self._rows, self._colour_of = appearance, rows, colour_of

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        return QSize(0, 9 * GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme, suggestion = self._appearance.theme, self._rows.rows[index.row()]
        box = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.selection))
            painter.drawRoundedRect(box.adjusted(0, 1, -2, -1), 5, 5)
        painter.fillRect(box.left() + 8, box.top() + 12, 8, 8, QColor(self._colour_of(suggestion.label)))
        inner = box.adjusted(24, 6, -8, -6)
        painter.setFont(make_font())
        painter.setPen(QColor(theme.text))
        metrics = painter.fontMetrics()
        words = metrics.elidedText(suggestion_words(suggestion), Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, words)
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(theme.quiet))
        room = inner.adjusted(0, metrics.height() + 2, 0, 4)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft) | int(Qt.TextFlag.TextWordWrap), suggestion.reason)
        painter.restore()
