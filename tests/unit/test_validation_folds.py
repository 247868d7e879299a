"""Folds let nothing through: no group on both sides, no neighbour in training, no block over two recordings."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.learning.problem import Problem
from veridical.learning.splits import embargo_trials, inner_folds, outer_folds


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw any grid of trials: one to three recordings, repeats, dropped trials, uneven spacing."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    lengths = draw(st.lists(st.integers(12, 60), min_size=1, max_size=3))
    n = sum(lengths)
    n_groups = draw(st.integers(max(1, n // 3), 2 * n))
    kept = rng.random(n) > draw(st.floats(0, 0.4))
    onsets = np.concatenate([np.cumsum(rng.uniform(2, 20, k)) for k in lengths])
    return Problem(
        features=rng.standard_normal((n, 2)),
        ratings=rng.integers(1, 8, n).astype(float),
        kept=kept,
        midpoint=4.0,
        label_rule="midpoint",
        groups=rng.integers(0, n_groups, n),
        onsets_s=onsets,
        runs=np.repeat(np.arange(len(lengths)), lengths),
        embargo_s=draw(st.sampled_from([0.0, 20.0, 60.0])),
    )


@given(problems())
@settings(max_examples=60, deadline=None)
def test_training_never_sees_a_group_a_neighbour_or_the_embargo_of_its_test_block(problem: Problem) -> None:
    for fold in outer_folds(problem):
        assert not set(fold.train) & set(fold.test)
        assert not set(problem.groups[fold.train]) & set(problem.groups[fold.test])
        for test in fold.test:
            same_run = problem.runs[fold.train] == problem.runs[test]
            assert (np.abs(fold.train - test)[same_run] > 2).all()
            assert (np.abs(problem.onsets_s[fold.train] - problem.onsets_s[test])[same_run] >= problem.embargo_s).all()
        for inner in inner_folds(problem, fold.train):
            assert set(inner.train) | set(inner.test) <= set(fold.train)
            assert not set(problem.groups[inner.train]) & set(problem.groups[inner.test])
            near = np.abs(inner.train[:, None] - inner.test) <= 2
            assert not (near & (problem.runs[inner.train][:, None] == problem.runs[inner.test])).any()


@given(problems())
@settings(max_examples=60, deadline=None)
def test_every_kept_trial_is_tested_once_in_one_recording_s_contiguous_block(problem: Problem) -> None:
    folds = outer_folds(problem)
    tested = np.concatenate([f.test for f in folds])
    np.testing.assert_array_equal(np.sort(tested), np.flatnonzero(problem.kept))
    for fold in folds:
        assert len(set(problem.runs[fold.test])) == 1
        inside = np.arange(fold.test[0], fold.test[-1] + 1)
        np.testing.assert_array_equal(inside[problem.kept[inside]], fold.test)
    # Blocks of up to 3 recordings fit into 10 (5 below 60 trials).
    assert len(folds) <= (10 if problem.n_presented >= 60 else 5)


@given(problems(), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_folds_do_not_look_at_ratings_or_features(problem: Problem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = replace(
        problem, ratings=rng.permutation(problem.ratings), features=rng.standard_normal(problem.features.shape)
    )
    for one, two in zip(outer_folds(problem), outer_folds(other), strict=True):
        np.testing.assert_array_equal(one.train, two.train)
        np.testing.assert_array_equal(one.test, two.test)


def test_embargo_is_the_larger_of_two_trials_and_twenty_seconds() -> None:
    n = 60
    slow = Problem(
        features=np.zeros((n, 1)),
        ratings=np.ones(n),
        kept=np.ones(n, dtype=bool),
        midpoint=4.0,
        label_rule="midpoint",
        groups=np.arange(n),
        onsets_s=np.arange(n) * 13.0,
        runs=np.zeros(n, dtype=int),
    )
    assert embargo_trials(slow) == 2
    fast = replace(slow, onsets_s=np.arange(n) * 3.0)
    assert embargo_trials(fast) == 6
    unknown = replace(slow, onsets_s=np.full(n, np.nan))
    assert embargo_trials(unknown) == 2
    middle = outer_folds(fast)[4]
    assert middle.test.tolist() == list(range(24, 30))
    assert middle.train.tolist() == [*range(18), *range(36, 60)]
