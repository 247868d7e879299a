"""A small chart as values: whoever shows it draws it, on a page or in the window."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

SeriesKind = Literal["bars", "points", "line", "band"]


@dataclass(frozen=True)
class Series:
    """Numbers that belong together.

    Parameters
    ----------
    x, y : tuple of float
        ``x`` counts the chart's categories from 0 where it has some.
    low, high : tuple of float
        Ends of an interval around every ``y`` (or the band itself); empty for none.
    is_model : bool
        Drawn in the model's colour; everything else is a rival or a reference.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: SeriesKind = "points"
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    is_model: bool = False


@dataclass(frozen=True)
class Chart:
    """One figure of one finding.

    Parameters
    ----------
    categories : tuple of str
        Words under the positions 0, 1, ...; empty for a numeric axis.
    reference : float or None
        A horizontal line with ``reference_words`` ("guessing").
    alt : str
        What the figure shows, for who cannot see it.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...]
    alt: str
    categories: tuple[str, ...] = ()
    reference: float | None = None
    reference_words: str = ""


def series(name: str, x: ArrayLike, y: ArrayLike, kind: SeriesKind = "points", is_model: bool = False) -> Series:
    """Make a series from arrays; points that are not finite are left out."""
    xs, ys = np.asarray(x, dtype=float).ravel(), np.asarray(y, dtype=float).ravel()
    known = np.isfinite(xs) & np.isfinite(ys)
    return Series(name, tuple(xs[known].tolist()), tuple(ys[known].tolist()), kind, is_model=is_model)


def score_chart(
    rows: Sequence[tuple[str, float, tuple[float, float] | None, bool]], y_label: str, reference: float | None = 0.5
) -> Chart | None:
    """Draw scores beside one another: words, score, interval, whether it is the model; None without a row."""
    known = [row for row in rows if np.isfinite(row[1])]
    if not known:
        return None
    drawn = tuple(
        Series(
            words,
            (float(i),),
            (float(score),),
            low=() if interval is None else (float(interval[0]),),
            high=() if interval is None else (float(interval[1]),),
            is_model=is_model,
        )
        for i, (words, score, interval, is_model) in enumerate(known)
    )
    told = "; ".join(
        f"{words} {score:.2f}"
        + ("" if interval is None else f" (95 % interval {interval[0]:.2f} to {interval[1]:.2f})")
        for words, score, interval, _ in known
    )
    guess = "" if reference is None else f", where {reference:g} is guessing"
    return Chart(
        x_label="",
        y_label=y_label,
        series=drawn,
        alt=f"{y_label}{guess}: {told}.",
        categories=tuple(words for words, *_ in known),
        reference=reference,
        reference_words="" if reference is None else "guessing",
    )
