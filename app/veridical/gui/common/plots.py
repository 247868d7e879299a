"""Ordinary plots in the window's colours: thin, quiet, no menus."""

import os

# pyqtgraph takes PyQt6 by default, which breaks PySide6 in the same process.
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import SMALL_PT


class QuietPlot(pg.PlotWidget):  # type: ignore[misc]  # pyqtgraph is untyped
    """A plot without mouse, menu and frame; ``redraw`` is called whenever the theme changes."""

    def __init__(self, appearance: Appearance, x_title: str, y_title: str) -> None:
        super().__init__()
        self.appearance = appearance
        self._titles = {"bottom": x_title, "left": y_title}
        self.setMinimumHeight(160)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot = self.getPlotItem()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(False, False)
        plot.getViewBox().setDefaultPadding(0.04)
        for side in ("bottom", "left"):
            axis = plot.getAxis(side)
            axis.setStyle(tickFont=make_font(SMALL_PT), tickLength=0, autoExpandTextSpace=True)
            axis.enableAutoSIPrefix(False)
        appearance.changed.connect(self._on_theme)
        self._paint_frame()

    def redraw(self) -> None:
        """Draw the contents in the theme's colours."""

    def pen(self, colour: str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> object:
        """A pen for items."""
        return pg.mkPen(QColor(colour), width=width, style=style)

    def rename(self, x_title: str, y_title: str) -> None:
        """Give the axes other titles."""
        self._titles = {"bottom": x_title, "left": y_title}
        self._paint_frame()

    def _on_theme(self) -> None:
        self._paint_frame()
        self.redraw()

    def _paint_frame(self) -> None:
        theme = self.appearance.theme
        self.setBackground(QColor(theme.surface))
        plot = self.getPlotItem()
        for side, title in self._titles.items():
            axis = plot.getAxis(side)
            axis.setPen(pg.mkPen(QColor(theme.border)))
            axis.setTextPen(QColor(theme.quiet))
            axis.setLabel(title, color=theme.quiet, **{"font-size": f"{SMALL_PT}pt"})
