"""Matplotlib figures as inline SVG that follows the page's theme, light or dark.

Figures are drawn in placeholder colours; in the SVG these become CSS variables of the page. Text stays text, so that
it can be searched, read aloud and set in the page's font.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Placeholder -> CSS variable. The page defines the variables for both themes (resources/report/report.css).
INK = "#010101"
QUIET = "#020202"
LINE = "#030303"
PAPER = "#040404"
BAND = "#050505"
MODEL = "#060606"
NEGATIVE = "#070707"
POSITIVE = "#080808"
NEUTRAL = "#090909"
_VARIABLES = {
    INK: "--ink",
    QUIET: "--quiet",
    LINE: "--line",
    PAPER: "--paper",
    BAND: "--band",
    MODEL: "--model",
    NEGATIVE: "--negative",
    POSITIVE: "--positive",
    NEUTRAL: "--neutral",
}

_STYLE = {
    "svg.fonttype": "none",
    # Names inside the SVG follow from the contents, so that the same numbers give the same file.
    "svg.hashsalt": "veridical",
    "font.size": 10.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "text.color": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def figure(width_in: float, height_in: float) -> Iterator[Figure]:
    """Give an empty figure (inches, 72 CSS pixels each) in the report's style."""
    with matplotlib.rc_context(_STYLE):
        drawn = Figure(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasSVG(drawn)
        yield drawn


def to_svg(drawn: Figure, name: str, alt: str) -> str:
    """Return ``<svg>`` for pasting into the page.

    Parameters
    ----------
    drawn : Figure
        Made by ``figure``; call inside its ``with``.
    name : str
        Unique on the page; starts every id, so that figures do not borrow each other's shapes.
    alt : str
        What the figure shows, with its numbers, for people who do not see it.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # A glyph that the drawing font lacks is found by the page's font.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'((?:xlink:)?href=")#', rf"\1#{name}-", svg).replace("xlink:href", "href")
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, f"var({variable})")
    # The page's font, not the one the drawing was measured with.
    svg = re.sub(r"(font(?:-family)?: ?)([^;\"]*?)'DejaVu Sans'[^;\"]*", r"\1\2var(--sans)", svg)
    width = re.search(r'width="([\d.]+)pt"', svg)
    size = f"max-width:{float(width[1]) * 4 / 3:.0f}px" if width else ""
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    title = _escape(alt)
    head = f'<svg role="img" aria-label="{title}" style="{size}"'
    return svg.replace("<svg", head, 1).strip()


def calm(axes: Axes, grid: str = "") -> None:
    """Take away what carries no number: ticks, and the grid lines not asked for (``x``, ``y`` or none)."""
    axes.tick_params(length=0)
    if grid == "x":
        axes.grid(True, axis="x")
    elif grid == "y":
        axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def percent_axis(axes: Axes) -> None:
    """Write the x axis in percent."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.0f} %"))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
