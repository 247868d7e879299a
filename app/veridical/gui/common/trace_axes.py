"""Labels, scale bars and time axis around traces."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from veridical.gui.common import wording
from veridical.gui.common.appearance import make_font
from veridical.gui.common.lanes import Lane, labelled
from veridical.gui.common.scaling import UNITS, Tick
from veridical.gui.common.tokens import SMALL_PT, Theme

GUTTER_PX = 76.0
AXIS_PX = 30.0
SCALE_PX = 84.0


@dataclass(frozen=True)
class TraceFrame:
    """Where the parts of a trace view lie, in logical pixels."""

    width: float
    height: float
    top_px: float = 8.0
    right_px: float = SCALE_PX

    @property
    def traces(self) -> QRectF:
        """Rectangle of the traces."""
        return QRectF(
            GUTTER_PX,
            self.top_px,
            max(1.0, self.width - GUTTER_PX - self.right_px),
            max(1.0, self.height - self.top_px - AXIS_PX),
        )


def cosmetic(colour: str, alpha: int = 255, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A one-pixel pen at every scale."""
    tint = QColor(colour)
    tint.setAlpha(alpha)
    pen = QPen(tint)
    pen.setWidth(0)
    pen.setStyle(style)
    return pen


def paint_grid(painter: QPainter, area: QRectF, ticks: Sequence[tuple[float, str]], theme: Theme) -> None:
    """Draw light vertical lines at the time ticks and their words below the traces.

    Parameters
    ----------
    ticks : sequence of (x in pixels, words)
    """
    painter.setFont(make_font(SMALL_PT))
    metrics = QFontMetricsF(painter.font())
    for x, words in ticks:
        painter.setPen(cosmetic(theme.grid))
        painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
        painter.setPen(QColor(theme.quiet))
        width = metrics.horizontalAdvance(words) + 4
        left = min(max(area.left(), x - width / 2), area.right() - width)
        painter.drawText(QRectF(left, area.bottom() + 6, width, 20), Qt.AlignmentFlag.AlignCenter, words)


def tick_positions(ticks: Sequence[Tick], start_s: float, stop_s: float, area: QRectF) -> list[tuple[float, str]]:
    """Pixels and words of time ticks."""
    scale = area.width() / (stop_s - start_s)
    return [(area.left() + (t.value - start_s) * scale, t.text) for t in ticks]


def paint_labels(painter: QPainter, lanes: Sequence[Lane], area: QRectF, theme: Theme) -> None:
    """Write channel names beside their lanes; where they would touch, every second or third."""
    font = make_font(SMALL_PT, QFont.Weight.Medium)
    painter.setFont(font)
    height = QFontMetricsF(font).height()
    for lane in labelled(lanes, height):
        painter.setPen(QColor(theme.role(lane.role)))
        box = QRectF(4, area.top() + lane.middle_px - height / 2, GUTTER_PX - 12, height)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, lane.label)


def paint_zero_lines(painter: QPainter, lanes: Sequence[Lane], area: QRectF, theme: Theme) -> None:
    """Draw each lane's middle, faintly."""
    painter.setPen(cosmetic(theme.grid))
    for lane in lanes:
        y = round(area.top() + lane.middle_px) + 0.5
        painter.drawLine(QLineF(area.left(), y, area.right(), y))


def paint_scale_bars(
    painter: QPainter, lanes: Sequence[Lane], spans: Sequence[float], area: QRectF, theme: Theme
) -> None:
    """Draw one bar per role at the right: how much signal its height is.

    Parameters
    ----------
    spans : sequence of float
        Value range of one lane, by group.
    """
    painter.setFont(make_font(SMALL_PT))
    x = area.right() + 10
    for group in sorted({lane.group for lane in lanes}):
        own = [lane for lane in lanes if lane.group == group]
        role, span = own[0].role, spans[group]
        total = own[-1].top_px + own[-1].height_px - own[0].top_px
        # The bar stands for a round amount and is at least 24 px high, so that it can be read.
        n_lanes = next((n for n in (0.5, 1, 2, 5, 10) if n * own[0].height_px >= 24), 10)
        length = min(n_lanes * own[0].height_px, total)
        middle = area.top() + own[0].top_px + total / 2
        painter.setPen(QPen(QColor(theme.role(role)), 2))
        painter.drawLine(QLineF(x, middle - length / 2, x, middle + length / 2))
        painter.setPen(QColor(theme.text))
        words = _amount(span * length / own[0].height_px, role)
        painter.drawText(QPointF(x + 8, middle - 2), words)
        painter.setPen(QColor(theme.quiet))
        painter.drawText(QPointF(x + 8, middle + 13), role)


def _amount(value: float, role: str) -> str:
    """A height as the field writes it: skin conductance in microsiemens, whatever its size."""
    if role == "EDA":
        return f"{value * 1e6:.3g}{wording.THIN_SPACE}µS"
    return wording.quantity(value, UNITS.get(role, ""))
