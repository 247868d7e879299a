"""Electrodes on a head seen from above, each with a light of its own shape and colour."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QToolTip, QWidget

from veridical.domain.electrodes import head_position
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.icons import draw_icon
from veridical.gui.common.tokens import SMALL_PT, StatusLevel

# The lowest row of electrodes (mastoids) lies outside the circle through Fpz, T7, Oz and T8.
_REACH = 1.42
_DOT_PX = (18, 15, 12)
_CROWDED = (20, 40)


@dataclass(frozen=True)
class ElectrodeLight:
    """One electrode and how it does.

    Parameters
    ----------
    words : str
        The reason, for the tooltip.
    """

    label: str
    level: StatusLevel
    words: str


class HeadMap(QWidget):
    """Draws electrodes by their 10-20 places; what is not well carries its name.

    Parameters
    ----------
    chosen : callable or None
        Called with the label of an electrode that was clicked.
    """

    def __init__(self, appearance: Appearance, chosen: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._appearance, self._chosen = appearance, chosen
        self._shown: tuple[ElectrodeLight, ...] = ()
        self.setMinimumSize(190, 200)
        self.setMouseTracking(True)
        appearance.changed.connect(self.update)
        self.show_electrodes(())

    @property
    def shown(self) -> tuple[ElectrodeLight, ...]:
        """What is drawn."""
        return self._shown

    def show_electrodes(self, electrodes: Sequence[ElectrodeLight]) -> None:
        """Draw these electrodes; nothing is painted anew if nothing changed."""
        shown = tuple(e for e in electrodes if head_position(e.label) is not None)
        if shown == self._shown and self.accessibleName():
            return
        self._shown = shown
        n_good = sum(e.level == "good" for e in shown)
        poor = ", ".join(f"{e.label} {e.words}" for e in shown if e.level in ("caution", "fail"))
        self.setAccessibleName(f"Head map: {n_good} of {len(shown)} electrodes good. {poor}".strip())
        self.update()

    def place_of(self, label: str) -> QPointF | None:
        """Where an electrode is drawn, in the widget's coordinates; None if it is not on the map."""
        position = head_position(label)
        if position is None:
            return None
        centre, radius = self._head()
        return QPointF(centre.x() + position[0] * radius, centre.y() - position[1] * radius)

    def find_at(self, point: QPointF) -> ElectrodeLight | None:
        """The electrode under a point."""
        reach = max(9.0, self._dot_px())
        for electrode in self._shown:
            place = self.place_of(electrode.label)
            if place is not None and (place - point).manhattanLength() <= reach:
                return electrode
        return None

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(250, 260)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self.find_at(QPointF(event.pos()))
            if found is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), f"{found.label}: {found.words}", self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        found = self.find_at(event.position())
        if found is not None and self._chosen is not None:
            self._chosen(found.label)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_head(painter)
        painter.setFont(make_font(SMALL_PT))
        metrics = QFontMetricsF(painter.font())
        size, ratio = self._dot_px(), self.devicePixelRatioF()
        names_all = len(self._shown) <= _CROWDED[0]
        taken: list[QRectF] = []
        for electrode in self._shown:
            place = self.place_of(electrode.label)
            if place is None:
                continue
            corner = QPointF(place.x() - size / 2, place.y() - size / 2)
            icon = draw_icon(electrode.level, theme.status(electrode.level), size, ratio, theme.surface)
            painter.drawPixmap(corner, icon)
            taken.append(QRectF(corner, QSize(size, size).toSizeF()))
        # Poor ones first: their names must find room.
        for electrode in sorted(self._shown, key=lambda e: e.level == "good"):
            is_poor = electrode.level in ("caution", "fail")
            place = self.place_of(electrode.label)
            if place is None or not (names_all or is_poor):
                continue
            width, height = metrics.horizontalAdvance(electrode.label), metrics.height() - 2
            for corner in _spots(place, width, height, size):
                box = QRectF(corner.x(), corner.y(), width, height)
                if self.rect().toRectF().contains(box) and not any(box.intersects(t) for t in taken):
                    painter.setPen(QColor(theme.text if is_poor else theme.quiet))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, electrode.label)
                    taken.append(box)
                    break
        painter.end()

    def _paint_head(self, painter: QPainter) -> None:
        theme = self._appearance.theme
        centre, radius = self._head()
        pen = QPen(QColor(theme.border), 1.5)
        painter.setPen(pen)
        painter.setBrush(QColor(theme.sunken))
        nose = [QPointF(centre.x() + x * radius, centre.y() - y * radius) for x, y in _NOSE]
        painter.drawPolyline(QPolygonF(nose))
        for side in (-1, 1):
            painter.drawEllipse(QPointF(centre.x() + side * 1.07 * radius, centre.y()), 0.07 * radius, 0.18 * radius)
        painter.drawEllipse(centre, 1.06 * radius, 1.06 * radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _head(self) -> tuple[QPointF, float]:
        radius = min(self.width() - 20, self.height() - 12) / 2 / _reach_of(self._shown)
        return QPointF(self.width() / 2, self.height() / 2 + 4), max(20.0, radius)

    def _dot_px(self) -> int:
        n = len(self._shown)
        return _DOT_PX[0] if n <= _CROWDED[0] else _DOT_PX[1] if n <= _CROWDED[1] else _DOT_PX[2]


_NOSE = ((-0.14, 1.05), (0.0, 1.2), (0.14, 1.05))


def _reach_of(shown: Sequence[ElectrodeLight]) -> float:
    """Radius that must fit: that of the head with its nose, or of the lowest electrodes."""
    places = [p for p in (head_position(e.label) for e in shown) if p is not None]
    farthest = max(((x * x + y * y) ** 0.5 for x, y in places), default=1.0)
    return max(1.24, min(_REACH, farthest + 0.12))


def _spots(place: QPointF, width: float, height: float, size: float) -> tuple[QPointF, ...]:
    """Top left corners at which a name may stand beside its dot: below, above, right, left."""
    return (
        QPointF(place.x() - width / 2, place.y() + size / 2),
        QPointF(place.x() - width / 2, place.y() - size / 2 - height),
        QPointF(place.x() + size / 2 + 2, place.y() - height / 2),
        QPointF(place.x() - size / 2 - 2 - width, place.y() - height / 2),
    )
