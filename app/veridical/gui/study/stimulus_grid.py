"""Stimuli as a grid of thumbnails; only what is in view is decoded and drawn."""

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from veridical.domain.stimulus import Stimulus
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.icons import draw_icon
from veridical.gui.common.plane import paint_condition
from veridical.gui.common.tokens import GRID, RADIUS, SMALL_PT
from veridical.gui.study.stimulus_thumbnails import ThumbnailLoader
from veridical.gui.study.stimulus_view_model import class_of

AnyIndex = QModelIndex | QPersistentModelIndex
CELL = QSize(148, 148)
_PICTURE = QSize(132, 106)
_KIND_ICONS = {"image": "picture", "video": "video", "audio": "sound"}
# A veiled picture keeps so many pixels: colours, no content.
_VEIL_PX = 6


class StimulusList(QAbstractListModel):
    """Shown stimuli as rows."""

    def __init__(self, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self.rows: tuple[Stimulus, ...] = ()
        self._row_of: dict[str, int] = {}
        thumbnails.loaded.connect(self._on_loaded)

    def show_rows(self, rows: tuple[Stimulus, ...]) -> None:
        """Replace the rows; those that keep their place are only drawn anew, so that scrolling and selection stay."""
        if rows == self.rows:
            return
        if [s.id for s in rows] == [s.id for s in self.rows]:
            self.rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self._row_of = {s.id: k for k, s in enumerate(rows)}
        self.endResetModel()

    def row_of(self, stimulus_id: str) -> int | None:
        """Row of a stimulus; None if it is not shown."""
        return self._row_of.get(stimulus_id)

    def rowCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        stimulus = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return stimulus.id
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            marks = ["sensitive"] if stimulus.sensitive else []
            marks += [f"left out: {stimulus.excluded}"] if stimulus.is_excluded else []
            return ", ".join([stimulus.theme or stimulus.category or stimulus.file, class_of(stimulus), *marks]).strip(
                ", "
            )
        return None

    def _on_loaded(self, stimulus_id: str) -> None:
        row = self._row_of.get(stimulus_id)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))


class ThumbnailDelegate(QStyledItemDelegate):
    """Draws a thumbnail with class, name, and what is special about it."""

    def __init__(self, appearance: Appearance, rows: StimulusList, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self._appearance, self._rows, self._thumbnails = appearance, rows, thumbnails
        self.shows_sensitive = False
        self.cell = CELL

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme, stimulus = self._appearance.theme, self._rows.rows[index.row()]
        cell: QRect = option.rect
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left = cell.left() + (cell.width() - CELL.width()) // 2
        frame = QRect(left, cell.top(), CELL.width(), CELL.height()).adjusted(2, 2, -2, -2)
        if is_selected:
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.setBrush(QColor(theme.selection))
            painter.drawRoundedRect(frame, RADIUS, RADIUS)
        elif option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.quiet), 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame, RADIUS, RADIUS)
        box = QRect(cell.left() + (cell.width() - _PICTURE.width()) // 2, cell.top() + 8, *_PICTURE.toTuple())
        painter.setOpacity(0.35 if stimulus.is_excluded else 1.0)
        self._paint_picture(painter, box, stimulus)
        painter.setOpacity(1.0)
        self._paint_caption(painter, QRect(box.left(), box.bottom() + 4, box.width(), 24), stimulus)
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRect, stimulus: Stimulus) -> None:
        theme = self._appearance.theme
        image = self._thumbnails.find(stimulus) if stimulus.kind != "audio" else None
        if image is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.hover))
            painter.drawRoundedRect(box, 4, 4)
            if stimulus.kind == "audio" or self._thumbnails.is_known(stimulus):
                broken = stimulus.kind != "audio"
                icon = draw_icon("fail" if broken else _KIND_ICONS[stimulus.kind], theme.quiet, 32, 2.0, theme.hover)
                painter.drawPixmap(box.center().x() - 16, box.center().y() - 22, icon)
                words = "not readable" if broken else _length(stimulus)
                painter.setFont(make_font(SMALL_PT))
                painter.setPen(QColor(theme.quiet))
                painter.drawText(box.adjusted(0, 62, 0, 0), Qt.AlignmentFlag.AlignHCenter, words)
            return
        if stimulus.sensitive and not self.shows_sensitive:
            image = _veiled(image)
        size = image.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(box.center().x() - size.width() // 2, box.center().y() - size.height() // 2, *size.toTuple())
        path = QPainterPath()
        path.addRoundedRect(target, 4, 4)
        painter.save()
        painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
        painter.drawImage(target, image)
        painter.restore()
        if stimulus.kind == "video":
            self._paint_length(painter, target, stimulus)

    def _paint_length(self, painter: QPainter, target: QRect, stimulus: Stimulus) -> None:
        """Tell a video from a picture, and how long it is, in its corner."""
        theme = self._appearance.theme
        words = _length(stimulus)
        painter.setFont(make_font(SMALL_PT))
        width = painter.fontMetrics().horizontalAdvance(words) + 30
        plate = QRect(target.right() - width - 3, target.bottom() - 25, width, 22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.surface))
        painter.drawRoundedRect(plate, 4, 4)
        painter.drawPixmap(plate.left() + 5, plate.top() + 4, draw_icon("video", theme.text, 14, 2.0, theme.surface))
        painter.setPen(QColor(theme.text))
        painter.drawText(plate.adjusted(23, 0, -4, 0), Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_caption(self, painter: QPainter, line: QRect, stimulus: Stimulus) -> None:
        theme = self._appearance.theme
        left = line.left()
        condition = class_of(stimulus)
        if condition:
            paint_condition(painter, QPointF(line.left() + 5.0, line.center().y()), 4.0, condition, theme)
            left += 14
        right = line.right()
        if stimulus.sensitive:
            right -= 18
            painter.drawPixmap(
                right + 4, line.center().y() - 7, draw_icon("caution", theme.caution, 14, 2.0, theme.surface)
            )
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(theme.quiet if stimulus.is_excluded else theme.text))
        room = QRect(left, line.top(), right - left, line.height())
        words = "left out" if stimulus.is_excluded else stimulus.theme or stimulus.category
        text = " ".join(p for p in (stimulus.id, words) if p)
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)


def _length(stimulus: Stimulus) -> str:
    return f"{stimulus.duration_s:.1f} s" if stimulus.duration_s is not None else ""


def _veiled(image: QImage) -> QImage:
    smooth = Qt.TransformationMode.SmoothTransformation
    small = image.scaled(_VEIL_PX, _VEIL_PX, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    return small.scaled(image.size(), Qt.AspectRatioMode.IgnoreAspectRatio, smooth)


class StimulusGrid(QListView):
    """The grid; ``chosen`` is emitted with the ids of the selection, in table order."""

    chosen = Signal(tuple)

    def __init__(self, appearance: Appearance, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self.rows = StimulusList(thumbnails)
        self.delegate = ThumbnailDelegate(appearance, self.rows, thumbnails)
        self.setModel(self.rows)
        self.setItemDelegate(self.delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setGridSize(CELL)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(CELL.height() // 3)
        self.setMinimumWidth(2 * CELL.width() + 3 * GRID)
        self.setAccessibleName("Stimuli")
        self.selectionModel().selectionChanged.connect(self._on_selection)
        appearance.changed.connect(self.viewport().update)

    @property
    def selected_ids(self) -> tuple[str, ...]:
        """Ids of the selection, in table order."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return tuple(self.rows.rows[row].id for row in rows)

    def show_rows(self, rows: tuple[Stimulus, ...]) -> None:
        """Replace the stimuli; the selection stays as far as it is still shown."""
        chosen = self.selected_ids
        self.rows.show_rows(rows)
        if self.selected_ids != chosen:
            self.select(chosen)
            # A reset model tells nobody that it dropped the selection.
            self.chosen.emit(self.selected_ids)

    def select(self, ids: tuple[str, ...]) -> None:
        """Select these, as far as they are shown, and scroll to the first."""
        rows = sorted(row for i in ids if (row := self.rows.row_of(i)) is not None)
        selection = QItemSelection()
        start = 0
        for k in range(1, len(rows) + 1):
            if k == len(rows) or rows[k] != rows[k - 1] + 1:
                selection.select(self.rows.index(rows[start]), self.rows.index(rows[k - 1]))
                start = k
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            first = self.rows.index(rows[0])
            self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(first)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spread the columns over the whole width."""
        # Two pixels less than there are: a row that fits exactly is wrapped.
        width = self.viewport().width()
        self.delegate.cell = QSize((width - 2) // max(1, (width - 2) // CELL.width()), CELL.height())
        self.setGridSize(self.delegate.cell)
        super().resizeEvent(event)

    def _on_selection(self) -> None:
        self.chosen.emit(self.selected_ids)
