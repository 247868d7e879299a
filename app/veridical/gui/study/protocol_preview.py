"""The session ahead, drawn: its parts on a time axis, and every trial of one participant's order."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from veridical.domain.preview import Part, Preview
from veridical.domain.protocol import SessionPlan
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import SMALL_PT

_BAND_PX = 36
_AXIS_PX = 22
_ROW_PX = 58
_TICKS_MIN = (1, 2, 5, 10, 15, 30, 60)


class SessionBand(QWidget):
    """The parts of a session from left to right, with minutes underneath."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._preview: Preview | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Timeline of the session")
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(480, _BAND_PX + _AXIS_PX)

    def show_preview(self, preview: Preview | None) -> None:
        """Draw another session; None draws nothing."""
        self._preview = preview
        self.setToolTip("" if preview is None else "\n".join(map(_part_words, preview.parts)))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._preview is None or not self._preview.duration_s:
            return
        painter = QPainter(self)
        painter.setFont(make_font(SMALL_PT))
        per_s = (self.width() - 1) / self._preview.duration_s
        for part in self._preview.parts:
            self._paint_part(painter, part, per_s)
        self._paint_axis(painter, per_s)
        painter.end()

    def _paint_part(self, painter: QPainter, part: Part, per_s: float) -> None:
        theme = self._appearance.theme
        fill = {
            "block": theme.selection, "transfer": theme.selection, "practice": theme.hover,
            "familiarity": theme.hover, "baseline": theme.sunken,
        }  # fmt: skip
        box = QRectF(part.start_s * per_s, 0.5, max(1.0, part.duration_s * per_s - 1), _BAND_PX - 1)
        painter.setPen(QPen(QColor(theme.border), 1))
        painter.setBrush(QColor(fill.get(part.kind, theme.ground)))
        painter.drawRect(box)
        words = part.name
        if painter.fontMetrics().horizontalAdvance(words) < box.width() - 8:
            painter.setPen(QColor(theme.text if part.kind in ("block", "transfer") else theme.quiet))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_axis(self, painter: QPainter, per_s: float) -> None:
        assert self._preview is not None
        minutes = self._preview.duration_s / 60
        step = next((t for t in _TICKS_MIN if minutes / t <= 8), _TICKS_MIN[-1])
        painter.setPen(QColor(self._appearance.theme.quiet))
        for tick in range(0, int(minutes) + 1, step):
            x = tick * 60 * per_s
            words = f"{tick} min" if tick == 0 else str(tick)
            painter.drawLine(QPointF(x, _BAND_PX), QPointF(x, _BAND_PX + 4))
            width = painter.fontMetrics().horizontalAdvance(words)
            left = min(max(0.0, x - width / 2), self.width() - width)
            painter.drawText(QPointF(left, _BAND_PX + _AXIS_PX - 3), words)


def _part_words(part: Part) -> str:
    trials = f", {part.n_trials} trials" if part.n_trials else ""
    return f"{part.name}: {part.duration_s / 60:.1f} min{trials}"


class OrderStrip(QWidget):
    """Every trial of one order, a row for each block: pleasant pictures rise, unpleasant ones fall.

    Repeats are hollow; a dot underneath is an attention check.
    """

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._plan: SessionPlan | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Order of the pictures")
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        n_rows = len(self._plan.blocks) if self._plan is not None else 3
        return QSize(480, max(1, n_rows) * _ROW_PX)

    def show_plan(self, plan: SessionPlan | None) -> None:
        """Draw another order; None draws nothing."""
        self._plan = plan
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._plan is None or not self._plan.trials:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(make_font(SMALL_PT))
        label_px = painter.fontMetrics().horizontalAdvance("Block 00  ")
        longest = max(len(block) for block in self._plan.blocks)
        cell = min(22.0, (self.width() - label_px - 2) / longest)
        for row in range(len(self._plan.blocks)):
            self._paint_block(painter, row, label_px, cell)
        painter.end()

    def _paint_block(self, painter: QPainter, row: int, left: float, cell: float) -> None:
        assert self._plan is not None
        theme, middle = self._appearance.theme, (row + 0.5) * _ROW_PX - 4
        painter.setPen(QColor(theme.quiet))
        block = self._plan.blocks[row]
        painter.drawText(QPointF(0, middle + 5), "Clips" if block[0].is_clip else f"Block {row + 1}")
        painter.drawLine(QPointF(left, middle), QPointF(left + cell * len(block), middle))
        for k, trial in enumerate(block):
            colour = QColor(theme.condition(trial.condition))
            half = cell * 0.36
            tall = {"positive": -18.0, "negative": 18.0}.get(trial.condition, 0.0)
            x = left + (k + 0.5) * cell
            box = (
                QRectF(x - half, middle, 2 * half, tall).normalized()
                if tall
                else QRectF(x - half, middle - 4, 2 * half, 8)
            )
            painter.setPen(QPen(colour, 1.4))
            painter.setBrush(colour if trial.repeat_of is None else QColor(0, 0, 0, 0))
            painter.drawRect(box)
            if trial.check is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(theme.accent))
                painter.drawEllipse(QPointF(x, middle + 25), 3, 3)
