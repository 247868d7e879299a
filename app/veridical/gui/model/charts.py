"""Charts of the Model page: the score on its scale, fold by fold, against shuffled labels."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.plots import QuietPlot
from veridical.gui.common.tokens import SMALL_PT
from veridical.gui.common.trace_axes import cosmetic
from veridical.gui.common.wording import number, percent
from veridical.gui.model.view_model import ConfusionScreen, ResultScreen, ScoreOnScale, histogram

_LEFT, _RIGHT = 0.3, 1.0


class ScoreScale(QWidget):
    """Score and interval on one axis with the chance band; what lies inside the band means nothing."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._shown: ScoreOnScale | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Validated balanced accuracy with interval and chance band")
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(520, 116)

    def show_score(self, score: ScoreOnScale) -> None:
        """Show a score."""
        self._shown = score
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._shown is None:
            return
        theme, shown = self._appearance.theme, self._shown
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(24, 26, self.width() - 48, 44)
        band = QRectF(area.left(), area.top(), self._x(shown.chance95, area) - area.left(), area.height())
        painter.fillRect(band, QColor(theme.hover))
        painter.setFont(make_font(SMALL_PT))
        for k in range(3, 11):
            x = self._x(k / 10, area)
            painter.setPen(cosmetic(theme.grid))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
            painter.setPen(QColor(theme.quiet))
            centre = Qt.AlignmentFlag.AlignCenter
            painter.drawText(QRectF(x - 30, area.bottom() + 4, 60, 18), centre, percent(k / 10))
        chance = self._x(shown.chance, area)
        painter.setPen(QPen(QColor(theme.quiet), 1.4, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(chance, area.top(), chance, area.bottom()))
        painter.setPen(QColor(theme.quiet))
        edge = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(band.right() - 260, area.top() - 22, 260, 18), edge, "chance band")
        y = area.center().y()
        painter.setPen(QPen(QColor(theme.accent), 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QLineF(self._x(shown.low, area), y, self._x(shown.high, area), y))
        painter.setPen(QPen(QColor(theme.surface), 2))
        painter.setBrush(QColor(theme.accent))
        painter.drawEllipse(QPointF(self._x(shown.score, area), y), 8, 8)
        painter.setFont(make_font(SMALL_PT, QFont.Weight.Medium))
        painter.setPen(QColor(theme.quiet))
        painter.drawText(
            QRectF(area.left(), area.bottom() + 22, area.width(), 20),
            Qt.AlignmentFlag.AlignCenter,
            "Validated balanced accuracy",
        )
        painter.end()

    def _x(self, share: float, area: QRectF) -> float:
        inside = min(max(share, _LEFT), _RIGHT)
        return area.left() + (inside - _LEFT) / (_RIGHT - _LEFT) * area.width()


class FoldChart(QuietPlot):
    """AUC of every outer fold, chance drawn."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Fold (block in time)", "AUC")
        self._shown: ResultScreen | None = None

    def show_result(self, screen: ResultScreen) -> None:
        """Show a result."""
        self._shown = screen
        self.redraw()

    def redraw(self) -> None:
        """Draw dots, their mean and the chance line."""
        plot, shown, theme = self.getPlotItem(), self._shown, self.appearance.theme
        plot.clear()
        if shown is None:
            return
        scores = np.asarray(shown.fold_scores, dtype=np.float64)
        n = len(scores)
        known = np.isfinite(scores)
        folds = np.arange(1, n + 1)
        plot.addItem(pg.InfiniteLine(0.5, 0, pen=self.pen(theme.quiet, 1.2, Qt.PenStyle.DashLine)))
        if known.any():
            mean = float(scores[known].mean())
            plot.addItem(pg.InfiniteLine(mean, 0, pen=self.pen(theme.accent, 1.2)))
        for fold, score in zip(folds[known], scores[known], strict=True):
            plot.plot([fold, fold], [0.5, score], pen=self.pen(theme.accent, 1.0))
        plot.plot(
            folds[known], scores[known], pen=None, symbol="o", symbolSize=9,
            symbolBrush=QColor(theme.accent), symbolPen=self.pen(theme.surface),
        )  # fmt: skip
        plot.setXRange(0.5, n + 0.5)
        plot.setYRange(0.0, 1.02)
        plot.getAxis("bottom").setTicks([[(int(k), str(k)) for k in folds]])
        plot.getAxis("left").setTicks([[(k / 4, f"{k / 4:g}") for k in range(5)]])


class NullChart(QuietPlot):
    """Scores of shuffled labels as a histogram, and where the real labels lie."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "AUC with shuffled or shifted labels", "Labelings")
        self._shown: ResultScreen | None = None

    def show_result(self, screen: ResultScreen) -> None:
        """Show a result."""
        self._shown = screen
        self.redraw()

    def redraw(self) -> None:
        """Draw the histogram and the line of the real labels."""
        plot, shown, theme = self.getPlotItem(), self._shown, self.appearance.theme
        plot.clear()
        if shown is None or not len(shown.null):
            return
        edges, counts = histogram(shown.null)
        plot.addItem(
            pg.BarGraphItem(
                x0=edges[:-1], x1=edges[1:], height=counts, y0=0,
                brush=QColor(theme.border), pen=self.pen(theme.surface),
            )
        )  # fmt: skip
        line = pg.InfiniteLine(
            shown.auc, 90, pen=self.pen(theme.accent, 2.0), label="real labels",
            labelOpts={"position": 0.9, "color": theme.text, "anchors": [(1.05, 0.5), (1.05, 0.5)]},
        )  # fmt: skip
        line.label.setFont(make_font(SMALL_PT))
        plot.addItem(line)
        plot.setXRange(min(float(edges[0]), 0.3), max(float(edges[-1]), shown.auc + 0.03, 0.8))
        plot.setYRange(0, float(counts.max()) * 1.12)


class RocChart(QuietPlot):
    """How many of one class are caught for how many false alarms, averaged over folds; the diagonal is guessing."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "False alarms", "Caught")
        self._shown: ResultScreen | None = None

    def show_result(self, screen: ResultScreen) -> None:
        """Show a result."""
        self._shown = screen
        lower, upper = screen.confusion.names
        self.rename(f"{lower} told as {upper}", f"{upper} told as {upper}")
        self.redraw()

    def redraw(self) -> None:
        """Draw the curve and the diagonal."""
        plot, shown, theme = self.getPlotItem(), self._shown, self.appearance.theme
        plot.clear()
        if shown is None:
            return
        false, true = shown.roc
        plot.plot([0, 1], [0, 1], pen=self.pen(theme.quiet, 1.2, Qt.PenStyle.DashLine))
        if len(false):
            plot.plot([0.0, *false.tolist()], [0.0, *true.tolist()], pen=self.pen(theme.accent, 2.0))
        words = pg.TextItem(f"area {number(shown.auc, 2)}", color=QColor(theme.text), anchor=(1, 1))
        words.setFont(make_font(SMALL_PT))
        words.setPos(1.0, 0.04)
        plot.addItem(words)
        plot.setXRange(0.0, 1.0)
        plot.setYRange(0.0, 1.02)
        ticks = [[(k / 4, percent(k / 4)) for k in range(5)]]
        for side in ("bottom", "left"):
            plot.getAxis(side).setTicks(ticks)


class ConfusionTable(QWidget):
    """Trials by true class and answer; the deeper the blue, the larger the share of the true class."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._shown: ConfusionScreen | None = None
        self.setMinimumHeight(160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Right and wrong answers by class")
        appearance.changed.connect(self.update)

    def show_result(self, screen: ResultScreen) -> None:
        """Show a result."""
        self._shown = screen.confusion
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._shown is None:
            return
        theme, shown = self._appearance.theme, self._shown
        painter = QPainter(self)
        painter.setFont(make_font(SMALL_PT))
        metrics = painter.fontMetrics()
        left = max(metrics.horizontalAdvance(f"rated {name}") for name in shown.names) + 16
        top, centre = 2 * metrics.height() + 8, Qt.AlignmentFlag.AlignCenter
        width, height = (self.width() - left) / 2, (self.height() - top) / 2
        painter.setPen(QColor(theme.quiet))
        painter.drawText(QRectF(left, 0, 2 * width, metrics.height()), centre, "model says")
        for k, name in enumerate(shown.names):
            painter.setPen(QColor(theme.quiet))
            painter.drawText(QRectF(left + k * width, metrics.height() + 2, width, metrics.height()), centre, name)
            middle = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top + k * height, left - 8, height), middle, f"rated {name}")
            for told in (0, 1):
                box = QRectF(left + told * width + 1, top + k * height + 1, width - 2, height - 2)
                share = shown.share(k, told)
                fill = QColor(theme.accent)
                fill.setAlphaF(0.06 + 0.34 * share)
                painter.fillRect(box, fill)
                painter.setPen(QColor(theme.text))
                words = f"{shown.counts[k][told]}\n{percent(share)}"
                painter.drawText(box, int(centre), words)
        painter.end()
