"""Draws the chart of a finding."""

import textwrap

import numpy as np
from matplotlib.axes import Axes

from veridical.domain.chart import Chart, Series
from veridical.reports.drawing import INK, LINE, MODEL, NEUTRAL, PAPER, QUIET, calm, figure, to_svg

_WIDTH_IN = 5.2
_HEIGHT_IN = 2.6
# Words of a category wrap here; longer ones would squeeze the axis.
_LETTERS = 34


def chart_svg(chart: Chart, name: str) -> str:
    """Draw a chart; categories lie along the vertical axis, so that their words can be read."""
    height = 0.75 + 0.42 * len(chart.categories) if chart.categories else _HEIGHT_IN
    with figure(_WIDTH_IN, height) as drawn:
        axes = drawn.subplots()
        if chart.categories:
            _draw_rows(axes, chart)
        else:
            _draw_curves(axes, chart)
        return to_svg(drawn, name, chart.alt)


def _draw_rows(axes: Axes, chart: Chart) -> None:
    if chart.reference is not None:
        axes.axvline(chart.reference, color=QUIET, lw=1)
    ends = [0.0 if chart.reference is None else chart.reference]
    for s in chart.series:
        colour = MODEL if s.is_model else QUIET
        for i, (row, value) in enumerate(zip(s.x, s.y, strict=True)):
            ends.append(value)
            if s.kind == "bars":
                axes.barh([row], [value], height=0.55, color=colour, alpha=0.75, lw=0)
            elif s.low:
                ends += [s.low[i], s.high[i]]
                axes.plot([s.low[i], s.high[i]], [row, row], color=colour, lw=2, alpha=0.5)
            if s.kind != "bars":
                axes.plot([value], [row], "o" if s.is_model else "s", color=colour, mfc=colour, ms=7)
            whole = float(value).is_integer() and chart.reference is None
            axes.annotate(
                f"{value:.0f}" if whole else f"{value:.2f}", (value, row), xytext=(0, 6), textcoords="offset points",
                ha="center", va="bottom", color=INK, fontsize=9,
            )  # fmt: skip
    margin = 0.08 * (max(ends) - min(ends) or 1.0)
    axes.set(
        xlim=(min(ends) - (margin if chart.reference is not None else 0.0), max(ends) + margin),
        ylim=(len(chart.categories) - 0.4, -0.75),
        xlabel=chart.y_label + (f" ({chart.reference:g}: {chart.reference_words})" if chart.reference_words else ""),
    )
    words = ["\n".join(textwrap.wrap(c, _LETTERS)) for c in chart.categories]
    axes.set_yticks(range(len(words)), words)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.spines["left"].set_visible(False)
    calm(axes, "x")


def _draw_curves(axes: Axes, chart: Chart) -> None:
    if chart.reference is not None:
        axes.axhline(chart.reference, color=QUIET, lw=1, ls=(0, (4, 3)))
    for s in chart.series:
        _draw_series(axes, s)
    axes.set(xlabel=chart.x_label, ylabel=chart.y_label)
    named = [s for s in chart.series if s.name]
    if len(named) > 1:
        axes.legend(frameon=False, fontsize=9)
    calm(axes, "y")


def _draw_series(axes: Axes, s: Series) -> None:
    colour = MODEL if s.is_model else NEUTRAL
    if s.kind == "bars":
        gaps = np.diff(s.x)
        width = 0.9 * float(gaps.min()) if len(gaps) else 0.8
        axes.bar(s.x, s.y, width=width, color=colour, alpha=0.6, lw=0, label=s.name)
    elif s.kind == "line":
        axes.plot(s.x, s.y, color=colour if s.is_model else LINE, lw=2, label=s.name)
    else:
        if s.low:
            axes.vlines(s.x, s.low, s.high, color=colour, alpha=0.5, lw=2)
        label = s.name or "_nolegend_"
        axes.plot(s.x, s.y, "o", color=colour, mec=PAPER, mew=0.6, ms=5.5, ls="none", label=label)
