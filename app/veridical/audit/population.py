"""What participants say together: how many truly show it, and how many would by chance (METHODS 5.11)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from veridical.audit.verdict import ALPHA
from veridical.domain.arrays import BoolArray, FloatArray

_GRID = 20001


@dataclass(frozen=True)
class Prevalence:
    """Share of people in whom the effect is there.

    Parameters
    ----------
    n_positive, n_people : int
        Participants whose own test was below alpha, and all of them.
    estimate, low, high : float
        Most probable share, 0 to 1, and the 95 % highest-density interval.
    expected_by_chance : float
        Participants that would be positive if nobody showed the effect.
    p_value : float
        Chance of as many positive ones or more if nobody did.
    """

    n_positive: int
    n_people: int
    estimate: float
    low: float
    high: float
    expected_by_chance: float
    p_value: float


def prevalence(n_positive: int, n_people: int, alpha: float = ALPHA) -> Prevalence:
    """Infer the population prevalence from counts of tests (Ince et al. 2021).

    A share g of the population is positive whenever it is tested, everyone else with probability ``alpha``, so a
    test is positive with probability alpha + (1 - alpha) g. The prior of g is uniform. With tests that miss true
    effects the share is that of people in whom this test *finds* it.

    Parameters
    ----------
    n_positive, n_people : int
        0 <= n_positive <= n_people; at least one person.
    alpha : float
        False-positive rate of one test.
    """
    share = np.linspace(0.0, 1.0, _GRID)
    positive = alpha + (1 - alpha) * share
    with np.errstate(divide="ignore"):
        log_density = n_positive * np.log(positive) + _log_power(1 - positive, n_people - n_positive)
    density = np.exp(log_density - log_density.max())
    low, high = _densest(share, density)
    estimate = float(np.clip((n_positive / n_people - alpha) / (1 - alpha), 0.0, 1.0))
    return Prevalence(
        n_positive,
        n_people,
        estimate,
        low,
        high,
        alpha * n_people,
        float(binom.sf(n_positive - 1, n_people, alpha)),
    )


def _log_power(base: FloatArray, exponent: int) -> FloatArray:
    """``exponent * log(base)``, where 0 to the power of 0 is 1."""
    return np.zeros_like(base) if exponent == 0 else exponent * np.log(base)


def _densest(share: FloatArray, density: FloatArray, mass: float = 0.95) -> tuple[float, float]:
    """Ends of the shortest interval that holds ``mass`` of a density with one peak."""
    order = np.argsort(-density, kind="stable")
    held = np.cumsum(density[order])
    inside = order[: int(np.searchsorted(held, mass * held[-1])) + 1]
    return float(share[inside.min()]), float(share[inside.max()])


def holm(p_values: Sequence[float]) -> FloatArray:
    """Holm's adjusted p values (Holm 1979): below alpha, the familywise error over participants is below alpha."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    factors = len(p) - np.arange(len(p))
    stepped = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    adjusted = np.empty_like(stepped)
    adjusted[order] = stepped
    return adjusted


def survivors(p_values: Sequence[float], alpha: float = ALPHA) -> BoolArray:
    """Who is still positive after counting every participant's test."""
    return np.asarray(holm(p_values) < alpha, dtype=bool)
