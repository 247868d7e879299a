"""Levels of planned looks, against published bounds and against simulated studies."""

import numpy as np
import pytest
from scipy import stats

from veridical.learning.looks import nominal_levels, spent_alpha


@pytest.mark.parametrize(
    ("n_looks", "bounds"),
    [
        # Lan-DeMets bounds of O'Brien-Fleming type at .025 one-sided (Proschan, Lan & Wittes 2006, table 5.1).
        (2, (2.963, 1.969)),
        (3, (3.710, 2.511, 1.993)),
        (5, (4.877, 3.357, 2.680, 2.290, 2.031)),
    ],
)
def test_equal_looks_have_the_published_bounds(n_looks: int, bounds: tuple[float, ...]) -> None:
    levels = nominal_levels([(k + 1) / n_looks for k in range(n_looks)], 0.025)
    assert stats.norm.isf(levels) == pytest.approx(bounds, abs=2e-3)


def test_one_look_at_the_end_has_all_of_it() -> None:
    assert nominal_levels([1.0]) == pytest.approx([0.05], abs=1e-6)
    assert spent_alpha(1.0) == pytest.approx(0.05)


def test_a_null_study_errs_in_five_of_a_hundred_whatever_the_looks() -> None:
    shares = np.array([0.3, 0.45, 1.0])
    rng = np.random.default_rng(11)
    steps = rng.standard_normal((400_000, 3)) * np.sqrt(np.diff(shares, prepend=0))
    z = steps.cumsum(axis=1) / np.sqrt(shares)
    crossed = stats.norm.sf(z) < np.array(nominal_levels(shares.tolist()))
    # Four standard errors of the simulation.
    assert crossed.any(axis=1).mean() == pytest.approx(0.05, abs=0.0014)


@pytest.mark.parametrize("shares", [(), (0.5, 0.5), (0.5, 1.1), (0.0, 1.0)])
def test_shares_that_do_not_rise_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        nominal_levels(shares)
