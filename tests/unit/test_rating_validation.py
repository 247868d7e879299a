"""Predicting the ratings themselves: what scikit-learn says fold by fold, closed forms, and nothing from nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import nnls
from scipy.stats import binom
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from tests.unit.scikit_reference import Reference, problem_of

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Fold, RatingValidation
from veridical.domain.progress import finish
from veridical.learning.intervals import correlation_interval
from veridical.learning.permutation import circular_shifts, free_permutations
from veridical.learning.problem import Combination, Problem, View, problem_of_view
from veridical.learning.rating_validation import validate_ratings
from veridical.learning.ridge import penalties_for
from veridical.learning.splits import inner_folds, outer_folds
from veridical.learning.stacking import stack

N, N_FREE = 48, 5


class RatingReference(Reference):
    """The same with scikit-learn's ridge on the ratings, one fit at a time."""

    def __init__(self, problem: Problem, ratings: FloatArray) -> None:
        super().__init__(problem, np.nan_to_num(ratings))
        self._ratings = ratings

    def predict(self, train: IntArray, test: IntArray, alpha: float) -> FloatArray:
        """Return predictions of test rows."""
        x_train, x_test = self._prepare(train, test)
        known = np.isfinite(self._ratings[train])
        predicted: FloatArray = Ridge(alpha=alpha).fit(x_train[known], self._ratings[train][known]).predict(x_test)
        return predicted

    def inside(self, train: IntArray, alpha: float) -> tuple[FloatArray, FloatArray]:
        """Return inner out-of-fold predictions and the ratings."""
        inner = inner_folds(self._problem, train)
        predicted = np.concatenate([self.predict(f.train, f.test, alpha) for f in inner])
        return predicted, np.concatenate([self._ratings[f.test] for f in inner])

    def choose(self, train: IntArray) -> tuple[float, float]:
        """Return the penalty with the least inner squared error, and that error."""
        grid = penalties_for(self._features.shape[1])
        errors = [float(np.nansum((p - t) ** 2)) for p, t in (self.inside(train, alpha) for alpha in grid)]
        return grid[int(np.argmin(errors))], min(errors)


def refitted(problem: Problem, ratings: FloatArray) -> FloatArray:
    """Out-of-fold predictions, refitted with scikit-learn; views stacked by scipy's non-negative least squares."""
    predictions = np.full(len(ratings), np.nan)
    parts = [problem_of_view(problem, view) for view in problem.views] or [problem]
    references = [RatingReference(part, ratings) for part in parts]
    for fold in outer_folds(problem):
        choices = [r.choose(fold.train) for r in references]
        tested = [r.predict(fold.train, fold.test, a) for r, (a, _) in zip(references, choices, strict=True)]
        if len(tested) == 1:
            predictions[fold.test] = tested[0]
        elif problem.combines == "chosen":
            predictions[fold.test] = tested[int(np.argmin([error for _, error in choices]))]
        else:
            middle = float(np.nanmean(ratings[fold.train]))
            inside = [r.inside(fold.train, a) for r, (a, _) in zip(references, choices, strict=True)]
            known = np.isfinite(inside[0][1])
            weights = nnls(np.column_stack([p[known] - middle for p, _ in inside]), inside[0][1][known] - middle)[0]
            predictions[fold.test] = middle + sum(w * (t - middle) for w, t in zip(weights, tested, strict=True))
    return predictions


def correlation_of(folds: tuple[Fold, ...], ratings: FloatArray, predictions: FloatArray) -> float:
    """Correlate within the test blocks."""
    centred = [(v - v.mean(), p - p.mean()) for v, p in (_known(f, ratings, predictions) for f in folds)]
    own, told = (np.concatenate(part) for part in zip(*centred, strict=True))
    return float(np.corrcoef(own, told)[0, 1])


def _known(fold: Fold, ratings: FloatArray, predictions: FloatArray) -> tuple[FloatArray, FloatArray]:
    rows = fold.test[np.isfinite(ratings[fold.test])]
    return ratings[rows], predictions[rows]


def views(combines: Combination) -> Problem:
    """A problem of three views."""
    problem = problem_of(N, 20, midpoints=True, drops=True, seed=3, detrends=True)
    parts = (View("a", np.array([0, 3, 4, 5])), View("b", np.array([1, 6, 7])), View("c", np.arange(8, 20)))
    return replace(problem, views=parts, combines=combines)


@pytest.mark.parametrize("kind", ["few", "many", "fused", "chosen"])
def test_every_labeling_predicts_as_refitting_scikit_learn_does(kind: str) -> None:
    if kind == "fused" or kind == "chosen":
        problem = views("fused" if kind == "fused" else "chosen")
    else:
        problem = problem_of(N, 12 if kind == "few" else 150, midpoints=True, drops=True, seed=4, detrends=True)
    done = finish(validate_ratings(problem, N_FREE, seed=7))
    folds = outer_folds(problem)
    expected = refitted(problem, problem.ratings)
    np.testing.assert_allclose(done.predictions, expected, rtol=1e-6)
    tested = np.isfinite(expected) & np.isfinite(problem.ratings)
    assert done.n_trials == tested.sum()
    assert done.correlation == pytest.approx(correlation_of(folds, problem.ratings, expected), abs=1e-8)
    assert done.mean_error == pytest.approx(mean_absolute_error(problem.ratings[tested], expected[tested]))
    means = np.full(N, np.nan)
    for fold in folds:
        means[fold.test] = np.nanmean(problem.ratings[fold.train])
    rest, guess = ((problem.ratings[tested] - told[tested]) ** 2 for told in (expected, means))
    assert done.explained == pytest.approx(1 - rest.sum() / guess.sum())
    assert r2_score(problem.ratings[tested], expected[tested]) <= done.explained + 1e-9
    rng = np.random.default_rng(7)
    free = free_permutations(problem.runs, N_FREE, rng)
    shifts = circular_shifts(problem.runs, N_FREE, rng)
    shuffles = [(free[1], done.null[1]), (shifts[2], done.null[N_FREE + 2])]
    # Views are refitted slowly: one shuffle of each kind is looked at, by one of the two ways to combine them.
    for order, found in {"fused": shuffles[:1], "chosen": shuffles[1:]}.get(kind, shuffles):
        permuted = problem.ratings[order]
        assert found == pytest.approx(correlation_of(folds, permuted, refitted(problem, permuted)), abs=1e-8)


def effect(noise: float, seed: int = 0, n: int = 120) -> RatingValidation:
    """Ratings that one feature tells with that much noise."""
    rng = np.random.default_rng(seed)
    problem = problem_of(n, 6, midpoints=True, drops=False, seed=seed, detrends=True)
    ratings = rng.integers(1, 8, n).astype(float)
    features = rng.standard_normal((n, 6))
    features[:, 0] = ratings + noise * rng.standard_normal(n)
    return finish(validate_ratings(replace(problem, ratings=ratings, features=features), 99, seed))


def test_a_clear_effect_is_found_and_its_size_is_right() -> None:
    done = effect(0.5)
    # Ratings from 1 to 7 have a variance of 4, the noise 0.25; the penalty and five idle features cost a little.
    assert done.explained == pytest.approx(4 / 4.25, abs=0.07)
    assert done.interval95[0] < np.sqrt(4 / 4.25) < done.interval95[1]
    assert done.p_value == pytest.approx(1 / 100)
    assert done.mean_error < 0.6 < 1.5 < done.mean_error_guessing


def test_nothing_is_found_in_nothing(is_full: bool) -> None:
    n_sets = 200 if is_full else 10
    hits = sum(effect(1e6, seed, 60).p_value < 0.05 for seed in range(n_sets))
    assert hits <= binom.ppf(0.999, n_sets, 0.05)


def test_ratings_that_are_all_the_same_are_refused() -> None:
    problem = problem_of(N, 6, midpoints=True, drops=False, seed=1, detrends=True)
    with pytest.raises(AnalysisError, match="All ratings are 4"):
        finish(validate_ratings(replace(problem, ratings=np.full(N, 4.0)), 9))
    few = np.where(np.arange(N) < 19, problem.ratings, np.nan)
    with pytest.raises(AnalysisError, match="Only 19 kept trials have a rating"):
        finish(validate_ratings(replace(problem, ratings=few), 9))


def test_stacking_is_non_negative_least_squares() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal((30, 40)) for _ in range(3)]
    truth = 0.7 * parts[0] + 0.2 * parts[1] - 0.5 * parts[2] + rng.standard_normal((30, 40))
    truth[rng.random((30, 40)) < 0.1] = np.nan
    weights = stack(parts, truth)
    for k in range(40):
        known = np.isfinite(truth[:, k])
        expected = nnls(np.column_stack([p[known, k] for p in parts]), truth[known, k])[0]
        np.testing.assert_allclose(weights[:, k], expected, atol=1e-6)
    np.testing.assert_array_equal(stack([np.zeros((5, 1))], np.ones((5, 1))), [[0.0]])


def test_the_interval_of_a_correlation_is_fishers_widened() -> None:
    found = correlation_interval(0.4, 103)
    reach = 1.45 * 1.959964 / 10
    assert found.low == pytest.approx(np.tanh(np.arctanh(0.4) - reach), abs=1e-6)
    assert found.high == pytest.approx(np.tanh(np.arctanh(0.4) + reach), abs=1e-6)
