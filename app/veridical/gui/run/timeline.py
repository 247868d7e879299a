"""The session's trials as a strip: answered, missed, current, ahead."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import SMALL_PT, Theme
from veridical.gui.run.view_model import TrialTick

_HEIGHT = 26.0
_LEGEND = (
    ("answered", "answered"), ("missed", "missed"), ("skipped", "skipped"), ("bad", "bad signals"),
    ("practice", "practice"), ("ahead", "ahead"),
)  # fmt: skip


class TrialTimeline(QWidget):
    """One cell per trial; height and fill tell the state, not colour alone."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._ticks: tuple[TrialTick, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Trials")
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(400, 56)

    def show_ticks(self, ticks: tuple[TrialTick, ...]) -> None:
        """Redraw if a trial changed."""
        if ticks != self._ticks:
            self._ticks = ticks
            answered = sum(1 for t in ticks if t.kind == "answered")
            self.setToolTip(f"{answered} of {sum(1 for t in ticks if 'practice' not in t.kind)} trials answered")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gaps = [self._gap_before(i) for i in range(len(self._ticks))]
        n = max(1, len(self._ticks))
        cell = min(22.0, (self.width() - sum(gaps) - 2) / n)
        x = 1.0
        for tick, gap in zip(self._ticks, gaps, strict=True):
            x += gap
            paint_tick(painter, tick.kind, QRectF(x, 0, max(2.0, cell - 2), _HEIGHT), theme)
            x += cell
        self._paint_legend(painter, theme)
        painter.end()

    def _gap_before(self, index: int) -> float:
        if index == 0:
            return 0.0
        before, here = self._ticks[index - 1], self._ticks[index]
        if here.kind == "ahead":
            return 0.0
        return 8.0 if before.block != here.block else 0.0

    def _paint_legend(self, painter: QPainter, theme: Theme) -> None:
        painter.setFont(make_font(SMALL_PT))
        x = 1.0
        for kind, words in _LEGEND:
            paint_tick(painter, kind, QRectF(x, _HEIGHT + 10, 8, 14), theme)
            painter.setPen(QColor(theme.quiet))
            width = painter.fontMetrics().horizontalAdvance(words)
            painter.drawText(
                QRectF(x + 14, _HEIGHT + 6, width + 4, 22),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
                words,
            )
            x += width + 36


def paint_tick(painter: QPainter, kind: str, box: QRectF, theme: Theme) -> None:
    """Draw one trial: answered full, missed half a frame, skipped dotted, bad crossed, practice low, ahead faint."""
    painter.setPen(Qt.PenStyle.NoPen)
    if kind == "answered":
        painter.setBrush(QColor(theme.good))
        painter.drawRoundedRect(box, 1.5, 1.5)
    elif kind == "missed":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.caution), 1.6))
        painter.drawRoundedRect(box.adjusted(0.8, box.height() * 0.45, -0.8, -0.8), 1.5, 1.5)
    elif kind == "skipped":
        painter.setPen(QPen(QColor(theme.unknown), 1.6, Qt.PenStyle.DotLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(0.8, 0.8, -0.8, -0.8), 1.5, 1.5)
    elif kind == "bad":
        painter.setPen(QPen(QColor(theme.fail), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inner = box.adjusted(0.8, 0.8, -0.8, -0.8)
        painter.drawRoundedRect(inner, 1.5, 1.5)
        painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.drawLine(inner.bottomLeft(), inner.topRight())
    elif kind.startswith("practice"):
        painter.setBrush(QColor(theme.unknown))
        painter.drawRoundedRect(box.adjusted(0, box.height() * 0.6, 0, 0), 1.5, 1.5)
    elif kind == "current":
        painter.setBrush(QColor(theme.selection))
        painter.setPen(QPen(QColor(theme.accent), 1.6))
        painter.drawRoundedRect(box.adjusted(0.8, 0.8, -0.8, -0.8), 1.5, 1.5)
    else:
        painter.setBrush(QColor(theme.border))
        painter.drawRoundedRect(box, 1.5, 1.5)
