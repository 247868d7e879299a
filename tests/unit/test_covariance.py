"""Evoked covariance against pyriemann, explicit refits and real EEG."""

from dataclasses import replace

import numpy as np
import pytest
from pyriemann.geometry.mean import mean_riemann
from pyriemann.geometry.tangentspace import tangent_space
from scipy.linalg import eigh
from sklearn.covariance import oas
from sklearn.linear_model import Ridge

from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Fold
from veridical.domain.progress import finish
from veridical.learning import covariance
from veridical.learning.confounds import winsor_limits
from veridical.learning.problem import Problem
from veridical.learning.refinement import refine_problem


def test_moments_mean_and_tangent_are_those_of_the_field() -> None:
    rng = np.random.default_rng(0)
    epochs = rng.standard_normal((20, 6, 40)) + rng.standard_normal((6, 1))
    filters, templates = rng.standard_normal((1, 4, 6)), rng.standard_normal((1, 4, 40))
    found = covariance._covariances(filters, templates, epochs)[0]
    stacked = np.stack([np.concatenate([templates[0], filters[0] @ epoch]) for epoch in epochs])
    np.testing.assert_allclose(found, [oas(x.T, assume_centered=True)[0] for x in stacked], rtol=1e-10)

    is_used = rng.random(20) < 0.7
    mean = covariance._riemannian_mean(found[None], is_used[None])[0]
    reference = mean_riemann(found[is_used], tol=1e-10)
    np.testing.assert_allclose(mean, reference, rtol=1e-3, atol=1e-5 * np.abs(reference).max())

    vectors = covariance._tangent(found[None], reference[None])[0]
    np.testing.assert_allclose(vectors, tangent_space(found, reference), rtol=1e-7, atol=1e-9)


def test_filters_on_whitened_epochs_are_xdawns() -> None:
    """Directions of the class mean against all power (Rivet et al. 2009), as a generalised eigenproblem."""
    rng = np.random.default_rng(1)
    raw = rng.standard_normal((60, 5, 30)) * np.array([1, 3, 0.5, 2, 1])[:, None]
    labels = np.where(np.arange(60) % 2, 1.0, -1.0)
    raw[labels > 0] += np.outer([0.5, 0, 0.4, 0, 0.2], np.sin(np.linspace(0, 3, 30)))
    problem = Problem(
        raw.reshape(60, -1), labels, np.ones(60, dtype=bool), 0.0, "midpoint", np.arange(60), np.full(60, np.nan),
        np.zeros(60, dtype=int), detrends=False,
    )  # fmt: skip
    everything = np.arange(60)
    prepared = covariance.prepare_fold(problem, Fold(everything, everything), 5)
    _, templates = covariance._xdawn(prepared.train, labels[:, None] < 0, labels[:, None] > 0)
    # Without its rare outliers the epochs are what was handed over.
    limits = winsor_limits(problem.features)
    epochs = np.clip(problem.features, *limits).reshape(60, 5, 30)
    mean = epochs[labels > 0].mean(axis=0)
    power = np.einsum("nct,ndt->cd", epochs, epochs)
    vectors = eigh(mean @ mean.T, power)[1][:, ::-1][:, :2].T
    expected = vectors @ mean
    found = templates[0, 2:]
    np.testing.assert_allclose(np.abs(np.corrcoef(np.vstack([found, expected])))[:2, 2:].diagonal(), 1.0, rtol=1e-6)


def test_leave_one_out_in_closed_form_is_refitting() -> None:
    rng = np.random.default_rng(2)
    x, new = rng.standard_normal((1, 40, 6)), rng.standard_normal((1, 7, 6))
    targets = np.where(rng.random((1, 40)) < 0.5, 1.0, -1.0)
    is_used = rng.random((1, 40)) < 0.8
    outcome = covariance._ridge(x, new, targets, is_used)
    rows = np.flatnonzero(is_used[0])
    scaled = (x[0] - x[0][rows].mean(axis=0)) / x[0][rows].std(axis=0)
    alpha = float(outcome.penalties[0])
    model = Ridge(alpha=alpha).fit(scaled[rows], targets[0, rows])
    alone = [
        Ridge(alpha=alpha).fit(scaled[rest], targets[0, rest]).predict(scaled[[row]])[0]
        for row in rows
        for rest in [rows[rows != row]]
    ]
    fitted = model.predict(scaled[rows])
    centre = (fitted[targets[0, rows] > 0].mean() + fitted[targets[0, rows] < 0].mean()) / 2
    # Leaving a trial out moves the intercept of centred features a little; the closed form keeps it exactly.
    np.testing.assert_allclose(outcome.left_out[rows, 0] + centre, alone, atol=1e-8)
    moved = (new[0] - x[0][rows].mean(axis=0)) / x[0][rows].std(axis=0)
    np.testing.assert_allclose(outcome.decisions[:, 0], model.predict(moved) - centre, atol=1e-9)


def test_nothing_is_found_in_nothing_and_the_search_ends_early() -> None:
    rng = np.random.default_rng(3)
    found = []
    for seed in range(4):
        problem = Problem(
            rng.standard_normal((48, 3 * 16)), rng.choice([-1.0, 1.0], 48), np.ones(48, dtype=bool), 0.0, "midpoint",
            np.arange(48), np.arange(48) * 12.0, np.zeros(48, dtype=int),
        )  # fmt: skip
        found.append(finish(refine_problem(problem, 3, 100, seed)))
    assert sum(v.p_value < 0.05 for v in found) <= 1
    assert all(v.n_free < 100 for v in found if v.p_free > 0.3)
    np.testing.assert_array_equal(finish(refine_problem(problem, 3, 100, seed)).null, found[-1].null)


def test_columns_that_are_no_samples_are_refused() -> None:
    problem = Problem(
        np.zeros((30, 7)), np.ones(30), np.ones(30, dtype=bool), 0.0, "midpoint", np.arange(30), np.full(30, np.nan),
        np.zeros(30, dtype=int),
    )  # fmt: skip
    with pytest.raises(AnalysisError, match="7 columns"):
        finish(refine_problem(problem, 4))
    with pytest.raises(AnalysisError, match="into one class"):
        finish(refine_problem(replace(problem, features=np.random.default_rng(0).standard_normal((30, 8))), 4))
