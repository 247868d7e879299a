"""Whatever does not fit ends in one sentence that says what was found and what to do."""

from dataclasses import replace

import numpy as np
import pytest

import veridical
from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.progress import finish
from veridical.learning.problem import Problem
from veridical.learning.validation import validate, validate_problem

RNG = np.random.default_rng(0)
FEATURES = RNG.standard_normal((48, 6))
LABELS = np.tile([0, 1, 1, 0], 12)


def with_value(row: int, column: int, value: float) -> FloatArray:
    """Copy the features with one number changed."""
    changed = FEATURES.copy()
    changed[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("features", "labels", "words"),
    [
        (FEATURES, np.zeros(48), "one class only"),
        (FEATURES, ["happy"] * 48, "one class only"),
        (FEATURES, ["a", "b", "c"] * 16, "3 classes"),
        (FEATURES, np.full(48, np.nan), "0 classes"),
        (FEATURES[:18], LABELS[:18], "at least 20"),
        (with_value(3, 2, np.nan), LABELS, "1 kept trials hold NaN"),
        (with_value(3, 2, np.inf), LABELS, "NaN or infinite"),
        (FEATURES[:, 0], LABELS, "shape"),
        (FEATURES[:, :0], LABELS, "at least one column"),
        (FEATURES, LABELS[:40], "40 ratings and 48 rows"),
        (FEATURES, LABELS[:, None], "one value per trial"),
        ([["a"] * 3] * 48, LABELS, "not a table of numbers"),
        (FEATURES, np.repeat([0, 1], [20, 28]), "not mixed in time"),
        (FEATURES, [0] * 47 + [1], "1 trial is '1'"),
    ],
)
def test_bad_data_is_refused_in_words(features: FloatArray, labels: FloatArray, words: str) -> None:
    with pytest.raises(AnalysisError, match=words):
        validate(features, labels, n_permutations=5)


def test_bad_options_are_refused_in_words() -> None:
    with pytest.raises(AnalysisError, match="no pipeline 'forest'"):
        validate(FEATURES, LABELS, pipeline="forest")
    with pytest.raises(AnalysisError, match="at least 1, better 1000"):
        validate(FEATURES, LABELS, n_permutations=0)
    with pytest.raises(AnalysisError, match="48 ratings and 3 rows of groups"):
        validate(FEATURES, LABELS, groups=[1, 2, 3])
    with pytest.raises(AnalysisError, match="presentation order"):
        validate(FEATURES, LABELS, onsets_s=np.arange(48)[::-1])
    with pytest.raises(AnalysisError, match="1 trials have no onset"):
        validate(FEATURES, LABELS, onsets_s=[np.nan, *range(47)])
    with pytest.raises(AnalysisError, match="embargo of 20 s"):
        validate(FEATURES, LABELS, onsets_s=np.arange(48) * 0.6)


def test_all_trials_dropped_is_said_so() -> None:
    problem = Problem(
        FEATURES,
        LABELS * 6.0 + 1,
        np.zeros(48, dtype=bool),
        4.0,
        "midpoint",
        np.arange(48),
        np.arange(48) * 12.0,
        np.zeros(48, dtype=int),
    )
    with pytest.raises(AnalysisError, match="48 were dropped for artifacts"):
        finish(validate_problem(problem))
    neutral = replace(problem, kept=np.ones(48, dtype=bool), ratings=np.full(48, 4.0))
    with pytest.raises(AnalysisError, match="Only 0 of 48 trials can be used"):
        finish(validate_problem(neutral))
    mixed = replace(problem, kept=np.ones(48, dtype=bool), runs=np.tile([0, 1], 24))
    with pytest.raises(AnalysisError, match="mixed"):
        finish(validate_problem(mixed))


def test_any_two_values_are_classes_and_more_numbers_are_ratings() -> None:
    words = veridical.validate(FEATURES, np.where(LABELS == 1, "pleasant", "unpleasant"), n_permutations=9)
    assert words.classes == {"pleasant": 24, "unpleasant": 24}
    numbers = validate(FEATURES, LABELS, n_permutations=9)
    assert numbers.classes == {"0": 24, "1": 24}
    assert numbers.n_trials == 48
    truths = validate(FEATURES, LABELS.astype(bool), n_permutations=9)
    assert truths.auc == numbers.auc
    ratings = validate(FEATURES, RNG.permutation(48) / 10.0, n_permutations=9)
    assert sum(ratings.classes.values()) == 48
    gaps = validate(FEATURES, np.where(np.arange(48) % 8 == 0, np.nan, LABELS), n_permutations=9)
    assert gaps.n_trials == 42
    assert numbers.embargo_trials == 2


def test_constant_and_duplicate_features_change_nothing() -> None:
    plain = validate(FEATURES, LABELS, n_permutations=9)
    constant = np.full((48, 1), 3.3e-6)
    doubled = validate(np.hstack([FEATURES, FEATURES, constant, constant * 0]), LABELS, n_permutations=9)
    # Twice the features with a penalty per feature is the same model; constants only raise the penalty by 1/6.
    assert doubled.auc == pytest.approx(plain.auc, abs=0.05)
    nothing = validate(np.hstack([constant, constant * 0]), LABELS, n_permutations=9)
    assert nothing.auc == 0.5
    assert nothing.p_value == 1.0


def test_a_labeling_may_train_on_one_class_only() -> None:
    labels = np.zeros(48)
    labels[[2, 45]] = 1
    validation = validate(FEATURES, labels, groups=np.arange(48), n_permutations=50)
    assert np.isfinite(validation.null).all()
    assert np.isfinite([validation.auc, validation.balanced_accuracy, validation.brier]).all()
    assert np.isnan(validation.fold_scores).sum() == 3
