"""Planned looks share the error probability: the level at which each may say "above chance"."""

from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from veridical.domain.arrays import FloatArray

# Standard deviations beyond which nothing is left, and points per integral (errors below 1e-6 of a level).
_REACH = 8.0
_N_POINTS = 801


def spent_alpha(share: float, alpha: float = 0.05) -> float:
    """Error probability that may be spent by the time a share of the data is there, in the manner of O'Brien-Fleming.

    Parameters
    ----------
    share : float
        Of the planned trials, above 0 and up to 1.

    Notes
    -----
    ``2 - 2 Phi(z(1 - alpha / 2) / sqrt(share))``: Lan & DeMets 1983, Biometrika 70, 659.
    """
    return float(2 * stats.norm.sf(stats.norm.isf(alpha / 2) / np.sqrt(share)))


def nominal_levels(shares: Sequence[float], alpha: float = 0.05) -> tuple[float, ...]:
    """Return the p value below which each planned look counts, so that all together err in ``alpha`` of null studies.

    Parameters
    ----------
    shares : sequence of float
        Of the planned trials at each look, rising; the last one is 1 if the plan is followed to its end.
    alpha : float
        One-sided, over all looks.

    Returns
    -------
    tuple of float
        One for each look.

    Notes
    -----
    What is spent at each look is the increase of ``spent_alpha``; the bounds follow by integrating over the paths that
    no earlier look has stopped (Armitage, McPherson & Rowe 1969, JRSS A 132, 235).

    Raises
    ------
    ValueError
        If the shares do not rise from above 0 to at most 1.
    """
    if not shares or any(b <= a for a, b in zip((0.0, *shares), shares, strict=False)) or shares[-1] > 1:
        raise ValueError(f"the shares of the looks must rise from above 0 to at most 1, not {tuple(shares)}")
    levels: list[float] = []
    grid: FloatArray = np.zeros(1)
    weights: FloatArray = np.ones(1)
    before_share, before_alpha = 0.0, 0.0
    for share in shares:
        spent = spent_alpha(share, alpha)
        step = float(np.sqrt(share - before_share))

        def crossing(bound: float, grid: FloatArray = grid, weights: FloatArray = weights, step: float = step) -> float:
            """Probability that a path which goes on until now lies above the bound."""
            return float(weights @ stats.norm.sf((bound - grid) / step))

        wanted = spent - before_alpha
        reach = _REACH * np.sqrt(share)
        bound = float(optimize.brentq(lambda b, c=crossing, w=wanted: c(b) - w, -reach, 2 * reach, xtol=1e-10))
        levels.append(float(stats.norm.sf(bound / np.sqrt(share))))
        ahead = np.linspace(-reach, bound, _N_POINTS)
        density = (stats.norm.pdf((ahead[:, None] - grid[None, :]) / step) / step) @ weights
        grid, weights = ahead, density * _simpson(_N_POINTS) * (ahead[1] - ahead[0])
        before_share, before_alpha = share, spent
    return tuple(levels)


def _simpson(n: int) -> FloatArray:
    """Simpson's weights for an odd number of points."""
    weights = np.ones(n)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return weights / 3
