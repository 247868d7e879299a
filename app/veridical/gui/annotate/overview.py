"""The whole recording as a bar: events, marks, suggestions, gaps, and the window to move."""

from itertools import pairwise

from PySide6.QtCore import QLineF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from veridical.gui.annotate.view_model import AnnotateModel
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.scaling import time_ticks
from veridical.gui.common.tokens import SMALL_PT
from veridical.gui.common.trace_axes import GUTTER_PX, SCALE_PX, cosmetic

_BAR_PX = 28.0


class Overview(QWidget):
    """Click or drag to go there."""

    acted = Signal()

    def __init__(self, appearance: Appearance, model: AnnotateModel) -> None:
        super().__init__()
        self._appearance, self._model = appearance, model
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Whole recording")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(400, 54)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme, screen = self._appearance.theme, self._model.screen
        if screen.length_s <= 0:
            return
        painter = QPainter(self)
        bar = self._bar()
        painter.fillRect(bar, QColor(theme.hover))
        scale = bar.width() / screen.length_s
        painter.setPen(cosmetic(theme.markers, 90))
        for onset_s, words in screen.events:
            if words == "picture":
                x = bar.left() + onset_s * scale
                painter.drawLine(QLineF(x, bar.top() + 18, x, bar.bottom()))
        for mark in screen.annotations.annotations:
            colour = QColor(self._model.label_colour(mark.label))
            left = bar.left() + mark.onset_s * scale
            painter.fillRect(QRectF(left, bar.top() + 2, max(2.0, mark.duration_s * scale), 10), colour)
        painter.setPen(cosmetic(theme.accent, 200))
        for suggestion in screen.suggestions:
            x = bar.left() + suggestion.onset_s * scale
            painter.drawLine(QLineF(x, bar.top() + 13, x, bar.top() + 17))
        self._paint_unseen(painter, bar, scale)
        self._paint_gaps(painter, bar, scale)
        window = QRectF(bar.left() + screen.start_s * scale, bar.top(), max(4.0, screen.seconds * scale), bar.height())
        painter.setPen(QPen(QColor(theme.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(window)
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(theme.quiet))
        for tick in time_ticks(0.0, screen.length_s, bar.width()):
            x = bar.left() + tick.value * scale
            left = min(max(bar.left(), x - 30), bar.right() - 60)
            painter.drawText(QRectF(left, bar.bottom() + 3, 60, 18), Qt.AlignmentFlag.AlignCenter, tick.text)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event)

    def _paint_unseen(self, painter: QPainter, bar: QRectF, scale: float) -> None:
        """Hatch what was not on screen yet, or frame what is to be judged again."""
        theme, screen = self._appearance.theme, self._model.screen
        for start_s, stop_s in screen.again or screen.review.unseen(screen.length_s):
            box = QRectF(bar.left() + start_s * scale, bar.top(), max(1.0, (stop_s - start_s) * scale), bar.height())
            if screen.again:
                painter.setPen(QPen(QColor(theme.caution), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box)
            else:
                hatch = QColor(theme.quiet)
                hatch.setAlpha(70)
                painter.fillRect(box, QBrush(hatch, Qt.BrushStyle.BDiagPattern))

    def _paint_gaps(self, painter: QPainter, bar: QRectF, scale: float) -> None:
        theme = self._appearance.theme
        for signal in self._model.signals:
            segments = signal.timeline.segments
            for one, following in pairwise(segments):
                width = max(1.0, (following.start_s - one.stop_s) * scale)
                box = QRectF(bar.left() + one.stop_s * scale, bar.top(), width, bar.height())
                painter.fillRect(box, QColor(theme.caution_ground))

    def _bar(self) -> QRectF:
        return QRectF(GUTTER_PX, 1, max(10.0, self.width() - GUTTER_PX - SCALE_PX), _BAR_PX)

    def _go(self, event: QMouseEvent) -> None:
        screen, bar = self._model.screen, self._bar()
        time_s = (event.position().x() - bar.left()) / bar.width() * screen.length_s
        self._model.go_to(time_s - screen.seconds / 2)
        self.acted.emit()
