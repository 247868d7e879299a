"""The valence x arousal plane: same orientation, limits and colours everywhere."""

import math
from collections import Counter
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import SMALL_PT, Theme
from veridical.gui.common.trace_axes import cosmetic

# The golden angle spreads points that share a place like sunflower seeds, without chance.
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class RatedPoint:
    """One picture's ratings; ``condition`` is its normative class."""

    valence: float
    arousal: float
    condition: str


def spread(points: tuple[RatedPoint, ...], spacing: float) -> tuple[tuple[float, float], ...]:
    """Offsets that lay points with equal ratings side by side, by place in the order given."""
    seen: Counter[tuple[float, float]] = Counter()
    offsets: list[tuple[float, float]] = []
    for point in points:
        k = seen[(point.valence, point.arousal)]
        seen[(point.valence, point.arousal)] += 1
        radius, angle = spacing * math.sqrt(k), k * _GOLDEN_ANGLE
        offsets.append((radius * math.cos(angle), radius * math.sin(angle)))
    return tuple(offsets)


class AffectPlane(QWidget):
    """Valence to the right, arousal upwards, one dot per picture; shape and colour tell the class."""

    def __init__(self, appearance: Appearance, minimum: float = 1.0, maximum: float = 7.0) -> None:
        super().__init__()
        self._appearance = appearance
        self._low, self._high = minimum, maximum
        self._points: tuple[RatedPoint, ...] = ()
        self.setMinimumSize(280, 280)
        self.setAccessibleName("Ratings on the valence and arousal plane")
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(420, 420)

    def show_points(self, points: tuple[RatedPoint, ...]) -> None:
        """Show ratings."""
        if points != self._points:
            self._points = points
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = min(self.width() - 96.0, self.height() - 96.0)
        area = QRectF((self.width() - edge) / 2 + 16, (self.height() - edge) / 2 - 20, edge, edge)
        self._paint_axes(painter, area, theme)
        step = edge / (self._high - self._low + 1)
        for point, (dx, dy) in zip(self._points, spread(self._points, 0.11), strict=True):
            x = area.left() + (point.valence - self._low + 0.5 + dx) * step
            y = area.bottom() - (point.arousal - self._low + 0.5 + dy) * step
            paint_condition(painter, QPointF(x, y), 4.0, point.condition, theme)
        self._paint_legend(painter, area, theme)
        painter.end()

    def _paint_axes(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        n = round(self._high - self._low) + 1
        step = area.width() / n
        painter.setPen(cosmetic(theme.border))
        painter.setBrush(QColor(theme.sunken))
        painter.drawRoundedRect(area, 4, 4)
        painter.setPen(cosmetic(theme.grid))
        for k in range(1, n):
            painter.drawLine(QLineF(area.left() + k * step, area.top(), area.left() + k * step, area.bottom()))
            painter.drawLine(QLineF(area.left(), area.top() + k * step, area.right(), area.top() + k * step))
        painter.setPen(QPen(QColor(theme.quiet), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(area.center().x(), area.top()), QPointF(area.center().x(), area.bottom()))
        painter.drawLine(QPointF(area.left(), area.center().y()), QPointF(area.right(), area.center().y()))
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(theme.quiet))
        centre = Qt.AlignmentFlag.AlignCenter
        for k in range(n):
            words = f"{self._low + k:g}"
            painter.drawText(QRectF(area.left() + k * step, area.bottom() + 2, step, 18), centre, words)
            painter.drawText(QRectF(area.left() - 24, area.bottom() - (k + 1) * step, 20, step), centre, words)
        painter.setFont(make_font(SMALL_PT, QFont.Weight.DemiBold))
        painter.setPen(QColor(theme.text))
        painter.drawText(
            QRectF(area.left(), area.bottom() + 20, area.width(), 20), centre, "Valence  (negative to positive)"
        )
        painter.save()
        painter.translate(area.left() - 36, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-area.height() / 2, -12, area.height(), 20), centre, "Arousal  (low to high)")
        painter.restore()

    def _paint_legend(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        painter.setFont(make_font(SMALL_PT))
        conditions = ("negative", "neutral", "positive")
        third = area.width() / 3
        for k, condition in enumerate(conditions):
            left = area.left() + k * third
            y = area.bottom() + 54
            paint_condition(painter, QPointF(left + third / 2 - 36, y), 4.0, condition, theme)
            painter.setPen(QColor(theme.quiet))
            painter.drawText(QRectF(left + third / 2 - 26, y - 10, third, 20), Qt.AlignmentFlag.AlignVCenter, condition)


def paint_condition(painter: QPainter, centre: QPointF, size: float, condition: str, theme: Theme) -> None:
    """Draw a condition's mark: negative a triangle, neutral a square, positive a disc."""
    colour = QColor(theme.condition(condition))
    colour.setAlpha(220)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if condition == "positive":
        painter.drawEllipse(centre, size, size)
    elif condition == "negative":
        painter.drawPolygon(
            [centre + QPointF(-size, -size * 0.8), centre + QPointF(size, -size * 0.8), centre + QPointF(0, size)]
        )
    else:
        painter.drawRect(QRectF(centre.x() - size * 0.85, centre.y() - size * 0.85, 1.7 * size, 1.7 * size))
