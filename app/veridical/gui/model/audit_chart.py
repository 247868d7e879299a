"""The figure of a finding in the window: the same chart as in the report."""

import textwrap

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics

from veridical.domain.chart import Chart, Series
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.plots import QuietPlot
from veridical.gui.common.tokens import SMALL_PT
from veridical.gui.common.wording import number

_ROW_PX = 46
_FRAME_PX = 72
_HEIGHT_PX = 240
_LETTERS = 30


class AuditChart(QuietPlot):
    """Draws one chart; words of categories stand at the left, one row each."""

    def __init__(self, appearance: Appearance, chart: Chart) -> None:
        self._chart = chart
        is_rows = bool(chart.categories)
        reference = f" ({chart.reference:g}: {chart.reference_words})" if chart.reference_words else ""
        super().__init__(
            appearance, f"{chart.y_label}{reference}" if is_rows else chart.x_label, "" if is_rows else chart.y_label
        )
        height = _FRAME_PX + _ROW_PX * len(chart.categories) if is_rows else _HEIGHT_PX
        self.setFixedHeight(max(130, height))
        self.setAccessibleName(chart.alt)
        self.setToolTip(chart.alt)
        self.redraw()

    def redraw(self) -> None:
        """Draw in the theme's colours."""
        self.getPlotItem().clear()
        if self._chart.categories:
            self._draw_rows()
        else:
            self._draw_curves()

    def _draw_rows(self) -> None:
        plot, chart, theme = self.getPlotItem(), self._chart, self.appearance.theme
        ends = [0.0 if chart.reference is None else chart.reference]
        if chart.reference is not None:
            plot.addItem(pg.InfiniteLine(chart.reference, 90, pen=self.pen(theme.quiet, 1.2, Qt.PenStyle.DashLine)))
        for s in chart.series:
            colour = theme.accent if s.is_model else theme.quiet
            for i, (row, value) in enumerate(zip(s.x, s.y, strict=True)):
                ends += [value, *s.low[i : i + 1], *s.high[i : i + 1]]
                if s.kind == "bars":
                    bar = pg.BarGraphItem(x0=[0.0], x1=[value], y=[row], height=0.5, brush=QColor(colour), pen=None)
                    plot.addItem(bar)
                else:
                    if s.low:
                        plot.plot([s.low[i], s.high[i]], [row, row], pen=self.pen(colour, 2.0))
                    plot.plot(
                        [value], [row], pen=None, symbol="o" if s.is_model else "s", symbolSize=10,
                        symbolBrush=QColor(colour), symbolPen=self.pen(theme.surface),
                    )  # fmt: skip
                whole = float(value).is_integer() and chart.reference is None
                text = pg.TextItem(number(value, 0 if whole else 2), color=theme.text, anchor=(0.5, 1.15))
                text.setFont(make_font(SMALL_PT))
                text.setPos(value, row)
                plot.addItem(text)
        margin = 0.1 * (max(ends) - min(ends) or 1.0)
        plot.setXRange(min(ends) - (margin if chart.reference is not None else 0.0), max(ends) + margin, padding=0.02)
        plot.setYRange(-0.75, len(chart.categories) - 0.5, padding=0)
        plot.invertY(True)
        words = ["\n".join(textwrap.wrap(c, _LETTERS)) for c in chart.categories]
        axis = plot.getAxis("left")
        axis.setTicks([list(enumerate(words))])
        # The axis measures one line of each word only.
        metrics = QFontMetrics(make_font(SMALL_PT))
        axis.setWidth(max(metrics.horizontalAdvance(part) for text in words for part in text.split("\n")) + 16)

    def _draw_curves(self) -> None:
        plot, chart, theme = self.getPlotItem(), self._chart, self.appearance.theme
        if chart.reference is not None:
            plot.addItem(pg.InfiniteLine(chart.reference, 0, pen=self.pen(theme.quiet, 1.2, Qt.PenStyle.DashLine)))
        for s in chart.series:
            self._draw_series(s)
        xs = [x for s in chart.series for x in s.x]
        ys = [y for s in chart.series for y in (*s.y, *s.low, *s.high)] + (
            [] if chart.reference is None else [chart.reference]
        )
        if any(s.kind == "bars" for s in chart.series):
            ys.append(0.0)
        if xs and ys:
            plot.setXRange(min(xs), max(xs), padding=0.05)
            plot.setYRange(min(ys), max(ys), padding=0.08)

    def _draw_series(self, s: Series) -> None:
        plot, theme = self.getPlotItem(), self.appearance.theme
        colour = theme.accent if s.is_model else theme.quiet
        if s.kind == "bars":
            gaps = np.diff(s.x)
            width = 0.9 * float(gaps.min()) if len(gaps) else 0.8
            plot.addItem(
                pg.BarGraphItem(
                    x=list(s.x), height=list(s.y), width=width, brush=QColor(theme.border), pen=self.pen(theme.surface)
                )
            )
        elif s.kind == "line":
            plot.plot(list(s.x), list(s.y), pen=self.pen(colour, 2.0))
        else:
            for x, low, high in zip(s.x, s.low, s.high, strict=False):
                plot.plot([x, x], [low, high], pen=self.pen(colour, 2.0))
            plot.plot(
                list(s.x), list(s.y), pen=None, symbol="o", symbolSize=7,
                symbolBrush=QColor(colour), symbolPen=self.pen(theme.surface),
            )  # fmt: skip
