"""What a model reads: a head for every stretch of time, and bars for named features."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from veridical.domain.arrays import FloatArray
from veridical.domain.chart import Chart, Series
from veridical.domain.electrodes import head_position
from veridical.domain.pattern import ModelPattern, ScalpPattern
from veridical.features.table import NAMED_FEATURES
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import GRID, SMALL_PT
from veridical.gui.common.widgets import card, clear_layout, label
from veridical.gui.common.wording import number
from veridical.gui.model.audit_chart import AuditChart
from veridical.signals.scalp import EDGE, interpolate_scalp

# Told apart with any colour vision (Brewer's PuOr): below, nothing, above.
_BELOW, _NOTHING, _ABOVE = (84, 39, 136), (247, 247, 247), (179, 88, 6)
_MOST_NAMED = 8
_TITLES = {f.name: f.title for f in NAMED_FEATURES}


def _colours(shares: FloatArray) -> NDArray[np.uint8]:
    """Colours of shares from -1 to 1, shape (..., 3)."""
    part = np.abs(np.clip(shares, -1, 1))[..., None]
    end = np.where((shares > 0)[..., None], _ABOVE, _BELOW)
    mixed = (1 - part) * np.array(_NOTHING) + part * end
    return np.asarray(mixed, dtype=np.uint8)


class HeadPattern(QWidget):
    """One head seen from above, nose up."""

    def __init__(self, appearance: Appearance, pattern: ScalpPattern, largest: float) -> None:
        super().__init__()
        self._appearance, self._pattern, self._largest = appearance, pattern, largest
        self._image = self._drawn()
        self.setMinimumSize(96, 116)
        peak = int(np.argmax(np.abs(pattern.values)))
        words = f"{number(1e6 * float(pattern.values[peak]), 1)} µV at {pattern.labels[peak]}"
        self.setAccessibleName(f"{self._title}: largest {words}")
        self.setToolTip(self.accessibleName())
        appearance.changed.connect(self.update)

    @property
    def _title(self) -> str:
        return f"{number(self._pattern.start_s, 2)}–{number(self._pattern.stop_s, 2)} s"

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(150, 176)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        room = QRectF(0, 0, self.width(), self.height() - 20)
        radius = min(room.width(), room.height() / 1.1) / 2 / 1.22
        centre = QPointF(room.center().x(), room.bottom() - 1.12 * radius)
        reach = EDGE * radius
        if self._image is not None:
            painter.drawImage(QRectF(centre.x() - reach, centre.y() - reach, 2 * reach, 2 * reach), self._image)
        painter.setPen(QPen(QColor(theme.quiet), 1.4))
        nose = [QPointF(centre.x() + x * radius, centre.y() - y * radius) for x, y in _NOSE]
        painter.drawPolyline(QPolygonF(nose))
        painter.drawEllipse(centre, reach, reach)
        dot = 1.6 if self._image is not None else 7.0
        for name, value in zip(self._pattern.labels, self._pattern.values, strict=True):
            place = head_position(name)
            if place is None:
                continue
            fill = QColor(theme.text)
            if self._image is None:
                fill = QColor(*(int(c) for c in _colours(np.array(value / self._largest))))
            painter.setBrush(fill)
            painter.drawEllipse(QPointF(centre.x() + place[0] * radius, centre.y() - place[1] * radius), dot, dot)
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(0, self.height() - 20, self.width(), 20), Qt.AlignmentFlag.AlignCenter, self._title)
        painter.end()

    def _drawn(self) -> QImage | None:
        grid = interpolate_scalp(self._pattern.labels, self._pattern.values, 96)
        if grid is None:
            return None
        pixels = np.zeros((*grid.shape, 4), dtype=np.uint8)
        inside = np.isfinite(grid)
        pixels[inside, :3] = _colours(grid[inside] / self._largest)
        pixels[inside, 3] = 255
        height, width = grid.shape
        return QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


_NOSE = ((-0.14, 1.05), (0.0, 1.2), (0.14, 1.05))


class ColourBar(QWidget):
    """What the colours mean."""

    def __init__(self, appearance: Appearance, largest: float, upper: str) -> None:
        super().__init__()
        self._appearance, self._largest, self._upper = appearance, largest, upper
        self.setFixedHeight(34)
        appearance.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setFont(make_font(SMALL_PT))
        size = number(1e6 * self._largest, 1)
        width = min(220.0, self.width() / 3)
        left = 52.0
        shades = _colours(np.linspace(-1, 1, 64))
        for k, shade in enumerate(shades):
            painter.fillRect(QRectF(left + k * width / 64, 8, width / 64 + 1, 14), QColor(*(int(c) for c in shade)))
        painter.setPen(QColor(self._appearance.theme.quiet))
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 4, left - 6, 22), Qt.AlignmentFlag.AlignRight | centre, f"−{size}")
        words = f"+{size} µV for one standard deviation towards “{self._upper}”"
        painter.drawText(QRectF(left + width + 6, 4, self.width() - left - width - 6, 22), centre, words)
        painter.end()


class PatternCard(QWidget):
    """The card of the Model page; hidden where there is nothing to draw."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        widget, column = card(margin=2 * GRID, spacing=GRID)
        outside.addWidget(widget)
        column.addWidget(label("What the model reads", "sectionTitle"))
        self._about = label(
            "How the signals move with the model's decision (activation patterns after Haufe et al. 2014), over the "
            "trials that it learned from. Weights would also show what it only uses to cancel noise.",
            "quiet",
            wraps=True,
        )
        column.addWidget(self._about)
        self._inside = QVBoxLayout()
        self._inside.setSpacing(GRID)
        column.addLayout(self._inside)

    def show_pattern(self, pattern: ModelPattern, upper: str) -> None:
        """Draw a pattern; ``upper`` names the class that positive values go with."""
        clear_layout(self._inside)
        self.setVisible(bool(pattern.scalp or pattern.named))
        largest = max((float(np.abs(m.values).max()) for m in pattern.scalp), default=0.0)
        if largest > 0:
            row = QWidget()
            heads = QHBoxLayout(row)
            heads.setContentsMargins(0, 0, 0, 0)
            for one in pattern.scalp:
                heads.addWidget(HeadPattern(self._appearance, one, largest), 1)
            self._inside.addWidget(row)
            self._inside.addWidget(ColourBar(self._appearance, largest, upper))
        if pattern.named:
            shown = pattern.named[:_MOST_NAMED]
            words = tuple(_TITLES.get(n.name, n.name) for n in shown)
            # A stem from nothing to the correlation, as long as that is.
            stems = tuple(
                Series(w, (float(k),), (c,), low=(min(c, 0.0),), high=(max(c, 0.0),), is_model=True)
                for k, (w, c) in enumerate(zip(words, (n.correlation for n in shown), strict=True))
            )
            told = "; ".join(f"{w} {n.correlation:.2f}" for w, n in zip(words, shown, strict=True))
            axis = f"Correlation with the decision towards “{upper}”"
            chart = Chart("", axis, stems, f"{axis}: {told}.", words, reference=0.0, reference_words="nothing")
            self._inside.addWidget(AuditChart(self._appearance, chart))
