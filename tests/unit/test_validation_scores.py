"""Batched validation says what scikit-learn says, refitted fold by fold and labeling by labeling."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from tests.unit.scikit_reference import Reference, labels_of, problem_of

from veridical.domain.progress import finish
from veridical.learning.permutation import circular_shifts, free_permutations
from veridical.learning.problem import Problem
from veridical.learning.splits import outer_folds
from veridical.learning.validation import validate_problem

N = 48
N_FREE = 6


@pytest.mark.parametrize(
    ("n_features", "midpoints", "drops", "detrends"),
    [(12, False, False, False), (150, False, False, True), (12, True, True, True), (150, True, True, False)],
)
def test_every_labeling_scores_as_refitting_scikit_learn_does(
    n_features: int, midpoints: bool, drops: bool, detrends: bool
) -> None:
    problem = problem_of(N, n_features, midpoints=midpoints, drops=drops, seed=n_features, detrends=detrends)
    seed = 11
    validation = finish(validate_problem(problem, N_FREE, seed))

    auc, accuracy, decisions = Reference(problem, labels_of(problem, np.arange(N))).scores()
    assert validation.auc == pytest.approx(auc, abs=1e-9)
    assert validation.balanced_accuracy == pytest.approx(accuracy, abs=1e-9)
    np.testing.assert_allclose(validation.predictions, decisions, atol=1e-8)

    rng = np.random.default_rng(seed)
    free = free_permutations(problem.runs, N_FREE, rng)
    shifts = circular_shifts(problem.runs, N_FREE, rng)
    orders = np.concatenate([free[:2], shifts[:2]])
    null = np.concatenate([validation.null[:2], validation.null[N_FREE : N_FREE + 2]])
    expected = [Reference(problem, labels_of(problem, order)).scores()[0] for order in orders]
    np.testing.assert_allclose(null, expected, atol=1e-9)


def test_confounds_are_regressed_out_inside_the_folds() -> None:
    problem = problem_of(60, 12, midpoints=True, drops=False, seed=3, detrends=True)
    nuisance = np.random.default_rng(4).standard_normal((60, 4)) + 5
    problem = replace(problem, nuisance=nuisance)
    validation = finish(validate_problem(problem, 1))
    auc, accuracy, _ = Reference(problem, labels_of(problem, np.arange(60))).scores()
    assert validation.auc == pytest.approx(auc, abs=1e-9)
    assert validation.balanced_accuracy == pytest.approx(accuracy, abs=1e-9)


def test_regressing_out_the_cause_takes_the_effect_away() -> None:
    problem = problem_of(100, 10, midpoints=False, drops=False, seed=5, detrends=True)
    cause = np.sign(problem.ratings - 4)[:, None]
    before = finish(validate_problem(problem, 199))
    after = finish(validate_problem(replace(problem, nuisance=cause), 199))
    assert before.p_value < 0.05
    assert before.auc > 0.8
    assert after.p_value > 0.05


def test_more_confounds_than_trials_do_not_break_the_regression() -> None:
    problem = problem_of(60, 10, midpoints=True, drops=True, seed=6, detrends=True)
    nuisance = np.random.default_rng(6).standard_normal((60, 90))
    validation = finish(validate_problem(replace(problem, nuisance=nuisance), 19))
    assert 0 <= validation.auc <= 1


def test_train_score_flatters_and_validation_does_not() -> None:
    rng = np.random.default_rng(0)
    problem = problem_of(72, 400, midpoints=True, drops=False, seed=7, detrends=True)
    validation = finish(validate_problem(replace(problem, features=rng.standard_normal((72, 400))), 19))
    assert validation.train_balanced_accuracy > 0.85
    assert validation.balanced_accuracy < 0.7


def test_a_rare_class_is_not_predicted_less() -> None:
    rng = np.random.default_rng(8)
    n = 400
    high = rng.random(n) < 0.15
    features = rng.standard_normal((n, 5)) + high[:, None] * np.array([1.2, 0, 0, 0, 0])
    problem = Problem(
        features,
        np.where(high, 6.0, 2.0),
        np.ones(n, dtype=bool),
        4.0,
        "midpoint",
        np.arange(n),
        np.arange(n) * 12.0,
        np.zeros(n, dtype=int),
    )
    validation = finish(validate_problem(problem, 1))
    predicted_high = float((validation.predictions > 0).mean())
    assert 0.2 < predicted_high < 0.5
    # Two normal classes 1.2 standard deviations apart: the best threshold is right in 72.6 % of each.
    assert validation.balanced_accuracy == pytest.approx(0.726, abs=0.06)


def test_brier_score_of_calibrated_probabilities_beats_the_base_rate_only_with_an_effect() -> None:
    clear = finish(validate_problem(problem_of(150, 8, midpoints=False, drops=False, seed=9, detrends=True), 1))
    problem = problem_of(150, 8, midpoints=False, drops=False, seed=9, detrends=True)
    noise = np.random.default_rng(1).standard_normal((150, 8))
    none = finish(validate_problem(replace(problem, features=noise), 1))
    assert clear.brier < 0.2
    assert 0.24 < none.brier < 0.3


def test_same_seed_same_result_and_progress_reaches_its_end() -> None:
    problem = problem_of(60, 12, midpoints=True, drops=True, seed=1, detrends=True)
    work = validate_problem(problem, 20, seed=4)
    assert [step.share for step in work] == pytest.approx(np.arange(11) / 10)
    first, second = finish(validate_problem(problem, 20, seed=4)), finish(validate_problem(problem, 20, seed=4))
    np.testing.assert_array_equal(first.null, second.null)
    assert first.p_value == max(first.p_free, first.p_circular)
    assert len(first.null) == 20 + 59
    assert first.folds == len(first.fold_scores) == 10


def test_median_rule_splits_at_the_training_median_only() -> None:
    problem = replace(problem_of(60, 12, midpoints=True, drops=True, seed=2, detrends=True), label_rule="median")
    validation = finish(validate_problem(problem, 5))
    for fold in outer_folds(problem):
        seen = problem.ratings[fold.train]
        median = np.nanmedian(seen)
        expected = np.sign(problem.ratings[fold.test] - median)
        found = validation.labels[fold.test]
        clear = np.isfinite(expected) & (expected != 0)
        np.testing.assert_array_equal(found[clear], expected[clear])
        assert (found[np.isnan(expected)] == 0).all()
        assert len(set(found[expected == 0])) <= 1


def test_the_roc_curve_and_the_table_of_answers_say_what_the_headline_says() -> None:
    problem = problem_of(N, 12, midpoints=True, drops=True, seed=11, detrends=True)
    done = finish(validate_problem(problem, 20, 0))
    false, true = done.roc(20_001)
    assert np.trapezoid(true, false) == pytest.approx(done.auc, abs=1e-3)
    assert np.all(np.diff(true) >= 0)
    assert true[-1] == 1.0
    (low_right, low_wrong), (high_wrong, high_right) = done.confusion
    assert (low_right + low_wrong, high_wrong + high_right) == tuple(done.classes.values())
    recalls = low_right / (low_right + low_wrong), high_right / (high_wrong + high_right)
    assert np.mean(recalls) == pytest.approx(done.balanced_accuracy, abs=1e-12)
    for fold in range(done.folds):
        mine = done.fold_of == fold
        if len(set(done.labels[mine & (done.labels != 0)])) == 2:
            rows = mine & (done.labels != 0)
            assert roc_auc_score(done.labels[rows], done.predictions[rows]) == pytest.approx(done.fold_scores[fold])
