"""Late fusion and the choice among views say what scikit-learn says, refitted fold by fold; the choice is honest."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom
from tests.unit.scikit_reference import Reference, labels_of, problem_of, scores_of

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.progress import finish
from veridical.learning.calibration import fit_sigmoid, fit_sigmoids
from veridical.learning.model import fit_model
from veridical.learning.permutation import circular_shifts, free_permutations
from veridical.learning.problem import Combination, Problem, View, problem_of_view
from veridical.learning.splits import outer_folds
from veridical.learning.validation import validate_problem

N = 48
N_FREE = 6


def viewed(combines: Combination, seed: int = 3, n: int = N, *, midpoints: bool = True) -> Problem:
    """A problem of three views, of which the first tells something, the second a little and the third nothing."""
    problem = problem_of(n, 20, midpoints=midpoints, drops=True, seed=seed, detrends=True)
    views = (View("a", np.array([0, 3, 4, 5])), View("b", np.array([1, 6, 7])), View("c", np.arange(8, 20)))
    return replace(problem, views=views, combines=combines)


def refitted(problem: Problem, labels: FloatArray) -> FloatArray:
    """Combined decisions, every view refitted with scikit-learn."""
    decisions = np.full(problem.n_presented, np.nan)
    references = [Reference(problem_of_view(problem, view), labels) for view in problem.views]
    for fold in outer_folds(problem):
        choices = [reference.choose(fold.train) for reference in references]
        parts = [r.decide(fold.train, fold.test, alpha) for r, (alpha, _) in zip(references, choices, strict=True)]
        if problem.combines == "chosen":
            decisions[fold.test] = parts[int(np.argmin([error for _, error in choices]))]
        else:
            slopes = [r.slope(fold.train, alpha) for r, (alpha, _) in zip(references, choices, strict=True)]
            decisions[fold.test] = sum(slope * part for slope, part in zip(slopes, parts, strict=True))
    return decisions


@pytest.mark.parametrize("combines", ["fused", "chosen"])
def test_every_labeling_is_combined_as_refitting_scikit_learn_does(combines: Combination) -> None:
    problem = viewed(combines)
    done = finish(validate_problem(problem, N_FREE, seed=5))
    # scikit-learn's sigmoid ends its descent earlier than Newton's steps do.
    labels = labels_of(problem, np.arange(N))
    expected = refitted(problem, labels)
    np.testing.assert_allclose(done.predictions, expected, rtol=2e-3, atol=2e-4)
    assert done.auc == pytest.approx(scores_of(problem, labels, expected)[0], abs=1e-9)
    rng = np.random.default_rng(5)
    orders = [free_permutations(problem.runs, N_FREE, rng)[0], circular_shifts(problem.runs, N_FREE, rng)[0]]
    found = [done.null[0], done.null[N_FREE]]
    for order, score in zip(orders, found, strict=True):
        permuted = labels_of(problem, order)
        assert score == pytest.approx(scores_of(problem, permuted, refitted(problem, permuted))[0], abs=1e-9)


@pytest.mark.parametrize("combines", ["fused", "chosen"])
def test_the_shares_say_which_view_counts(combines: Combination) -> None:
    rng = np.random.default_rng(1)
    n = 80
    ratings = rng.choice([2.0, 6.0], n)
    features = rng.standard_normal((n, 8))
    features[:, 0] += 1.5 * np.sign(ratings - 4)
    problem = replace(
        problem_of(n, 8, midpoints=False, drops=False, seed=1, detrends=True),
        features=features, ratings=ratings, combines=combines,
        views=(View("telling", np.arange(4)), View("idle", np.arange(4, 8))),
    )  # fmt: skip
    done = finish(validate_problem(problem, 99))
    assert done.views == ("telling", "idle")
    assert done.shares.shape == (10, 2)
    assert (done.shares[:, 0] > 0.6).all()
    np.testing.assert_allclose(done.shares.sum(axis=1), 1.0)
    assert done.p_value < 0.05
    if combines == "chosen":
        alone = finish(validate_problem(problem_of_view(problem, problem.views[0]), 99))
        np.testing.assert_array_equal(done.predictions, alone.predictions)


def test_one_view_alone_ranks_as_the_same_model_without_views() -> None:
    problem = viewed("fused")
    only = replace(problem, views=problem.views[:1])
    alone = finish(validate_problem(problem_of_view(problem, problem.views[0]), 19))
    fused = finish(validate_problem(only, 19))
    # A sigmoid's slope changes no order within a fold, but for folds where it found nothing at all.
    speaks = fused.shares[:, 0] > 0
    np.testing.assert_allclose(fused.fold_scores[speaks], alone.fold_scores[speaks])


@pytest.mark.parametrize("combines", ["fused", "chosen"])
def test_null_views_are_not_believed(combines: Combination, is_full: bool) -> None:
    rng = np.random.default_rng(0)
    n_sets, n_permutations, hits = (100, 199, 0) if is_full else (10, 39, 0)
    for seed in range(n_sets):
        problem = viewed(combines, seed, 72 if is_full else 40, midpoints=False)
        problem = replace(problem, features=rng.standard_normal(problem.features.shape))
        hits += finish(validate_problem(problem, n_permutations, seed)).p_value <= 0.05
    # More would be a true rate above .05 with a certainty of 99.9 %.
    assert hits <= binom.ppf(0.999, n_sets, 0.05)


@pytest.mark.parametrize("combines", ["fused", "chosen"])
def test_the_final_model_decides_as_its_views_do(combines: Combination) -> None:
    problem = viewed(combines, n=72)
    done = finish(validate_problem(problem, 19))
    model = fit_model(problem, done)
    assert len(model.weights) == 20
    rows = np.flatnonzero(problem.kept)
    decisions = model.decide(problem.features[rows])
    fold = np.isfinite(done.predictions[rows])
    assert np.corrcoef(decisions[fold], done.predictions[rows][fold])[0, 1] > 0.5
    if combines == "chosen":
        used = [view for view in problem.views if np.any(model.weights[view.columns] != 0)]
        assert len(used) == 1
        alone = fit_model(problem_of_view(problem, used[0]), done)
        np.testing.assert_allclose(model.weights[used[0].columns], alone.weights)
        assert model.bias == pytest.approx(alone.bias)


def test_views_of_columns_that_are_not_there_are_refused() -> None:
    problem = replace(viewed("fused"), views=(View("elsewhere", np.array([20])),))
    with pytest.raises(AnalysisError, match="elsewhere"):
        finish(validate_problem(problem, 19))


def test_many_sigmoids_at_once_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    decisions, labels = rng.standard_normal((40, 30)) * 3, rng.choice([-1.0, 0.0, 1.0], (40, 30))
    decisions += labels
    decisions[:, 0], labels[:, 1] = 0.7, 1.0
    labels[:, 2] = -np.sign(decisions[:, 2])
    slopes, offsets = fit_sigmoids(decisions, labels)
    for k in range(30):
        one = fit_sigmoid(decisions[:, k], labels[:, k])
        assert (one.slope, one.offset) == pytest.approx((slopes[k], offsets[k]), rel=1e-9, abs=1e-12)
    assert slopes[0] == slopes[2] == 0.0
    assert slopes[1] < 1e-6
