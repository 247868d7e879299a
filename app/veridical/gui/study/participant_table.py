"""Participants as a table model."""

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont

from veridical.gui.common.appearance import Appearance
from veridical.gui.common.icons import draw_icon
from veridical.gui.study.view_model import NEXT_WORDS, ParticipantRow

AnyIndex = QModelIndex | QPersistentModelIndex
COLUMNS = ("Participant", "Group", "Recorded", "Annotated", "Model says", "Next step")


class ParticipantTable(QAbstractTableModel):
    """Draws resolved rows; knows no study."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self.rows: tuple[ParticipantRow, ...] = ()

    def show_rows(self, rows: tuple[ParticipantRow, ...]) -> None:
        """Replace the rows; nothing is redrawn if they are the same."""
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _words(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _words(row)[column] or None
        theme = self._appearance.theme
        if role == Qt.ItemDataRole.DecorationRole and column in (2, 3, 4):
            level = row.model_level if column == 4 else "good" if _done(row)[column - 2] else "unknown"
            return draw_icon(level, theme.status(level), 16, 2.0, theme.surface)
        if role == Qt.ItemDataRole.ForegroundRole:
            if row.is_withdrawn:
                return QColor(theme.disabled)
            if column == 5:
                return QColor(theme.accent)
            if column in (2, 3, 4) and not _done(row)[column - 2]:
                return QColor(theme.quiet)
        if role == Qt.ItemDataRole.FontRole and column in (0, 5):
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        return None


def _done(row: ParticipantRow) -> tuple[str, str, str]:
    return row.recorded, row.annotated, "" if row.is_withdrawn else row.model


def _words(row: ParticipantRow) -> tuple[str, ...]:
    return (
        row.id,
        row.group or "–",
        row.recorded or ("erased" if row.is_withdrawn else "not yet"),
        row.annotated or ("erased" if row.is_withdrawn else "not yet"),
        row.model or "not trained",
        NEXT_WORDS[row.next_step],
    )
