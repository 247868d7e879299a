"""The parts of learning against closed forms, scipy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

from veridical.learning.calibration import fit_sigmoid
from veridical.learning.completion import complete
from veridical.learning.confounds import winsor_limits
from veridical.learning.intervals import accuracy_interval, balanced_accuracy_interval, binomial_chance
from veridical.learning.labels import median_labels, midpoint_labels, tertile_labels
from veridical.learning.patterns import activation_pattern
from veridical.learning.permutation import circular_shifts, free_permutations, p_value
from veridical.learning.ridge import factorise
from veridical.learning.scores import auc, brier_score, concordance, count_recalls


@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(1, 40), st.sampled_from([0.1, 1.0, 30.0]))
@settings(max_examples=60, deadline=None)
def test_completing_left_out_trials_is_leaving_them_out(seed: int, n: int, p: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    train, test = rng.standard_normal((n + 2, p)), rng.standard_normal((4, p))
    train -= train.mean(axis=0)
    targets = rng.choice([-1.0, 0.0, 1.0], size=(n + 2, 5))
    targets[0], targets[1] = 1.0, -1.0
    ridge = factorise(train, test)
    completed = complete(ridge.dual(penalty), targets, targets == 0)
    for column in range(5):
        used = targets[:, column] != 0
        reference = Ridge(alpha=penalty).fit(train[used], targets[used, column])
        np.testing.assert_allclose((ridge.smoother(penalty) @ completed)[:, column], reference.predict(test), atol=1e-8)
        # A trial left out gets the target that the model predicts for it.
        np.testing.assert_allclose(completed[~used, column], reference.predict(train)[~used], atol=1e-8)
        fitted = completed - penalty * (ridge.dual(penalty) @ completed)
        np.testing.assert_allclose(fitted[:, column], reference.predict(train), atol=1e-8)


def test_scores_agree_with_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    decisions = np.round(rng.standard_normal((40, 7)), 1)
    labels = rng.choice([-1.0, 0.0, 1.0], size=(40, 7))
    counts = concordance(decisions, labels)
    shares = auc(counts.wins, counts.pairs)
    recalls = count_recalls(np.where(decisions == 0, 0.01, decisions), labels).balanced_accuracy
    for k in range(7):
        used = labels[:, k] != 0
        truth, values = labels[used, k], decisions[used, k]
        assert shares[k] == pytest.approx(roc_auc_score(truth, values))
        assert recalls[k] == pytest.approx(balanced_accuracy_score(truth, np.where(values >= 0, 1, -1)))
    probabilities = rng.random(40)
    used = labels[:, 0] != 0
    expected = brier_score_loss(labels[used, 0] > 0, probabilities[used])
    assert brier_score(probabilities, labels[:, 0]) == pytest.approx(expected)


def test_one_class_has_no_pairs_and_scores_as_guessing() -> None:
    labels = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    counts = concordance(np.arange(6.0).reshape(3, 2), labels)
    assert auc(counts.wins, counts.pairs).tolist() == [0.5, 0.5]
    none = count_recalls(np.zeros((3, 2)), np.zeros((3, 2)))
    assert none.balanced_accuracy.tolist() == [0.5, 0.5]


def test_binomial_chance_levels_are_the_published_ones() -> None:
    published = {40: 0.65, 60: 0.617, 80: 0.60, 100: 0.59, 120: 0.583, 200: 0.565}
    for n, expected in published.items():
        assert binomial_chance(n) == pytest.approx(expected, abs=5e-4)
        k = round(binomial_chance(n) * n)
        assert stats.binom.sf(k - 1, n, 0.5) <= 0.05 < stats.binom.sf(k - 2, n, 0.5)


def test_interval_of_balanced_accuracy_is_the_widened_posterior_of_two_recalls() -> None:
    rng = np.random.default_rng(1)
    high, low = rng.beta(20 + 1, 10 + 1, 400_000), rng.beta(15 + 1, 25 + 1, 400_000)
    estimate = (20 / 30 + 15 / 40) / 2
    quantiles = np.quantile((high + low) / 2, [0.025, 0.975])
    expected = estimate + 1.45 * (quantiles - estimate)
    found = balanced_accuracy_interval(20, 30, 15, 40)
    assert [found.low, found.high] == pytest.approx(expected.tolist(), abs=2e-3)


def test_interval_of_accuracy_is_the_widened_clopper_pearson() -> None:
    exact = stats.binomtest(45, 70).proportion_ci(0.95, method="exact")
    found = accuracy_interval(45, 70)
    assert found.low == pytest.approx(45 / 70 - 1.45 * (45 / 70 - exact.low))
    assert found.high == pytest.approx(45 / 70 + 1.45 * (exact.high - 45 / 70))
    assert accuracy_interval(0, 10).low == 0.0
    assert accuracy_interval(10, 10).high == 1.0
    perfect = balanced_accuracy_interval(30, 30, 30, 30)
    assert perfect.high == 1.0
    assert 0.85 < perfect.low < 1.0


def test_free_permutations_stay_inside_their_recording() -> None:
    runs = np.repeat([0, 1], [5, 7])
    orders = free_permutations(runs, 200, np.random.default_rng(0))
    assert (np.sort(orders, axis=1) == np.arange(12)).all()
    assert (runs[orders] == runs).all()
    # Every trial comes to every place of its recording.
    assert {tuple(sorted(set(column.tolist()))) for column in orders.T} == {tuple(range(5)), tuple(range(5, 12))}


def test_circular_shifts_are_all_there_once_without_the_identity() -> None:
    rng = np.random.default_rng(0)
    single = circular_shifts(np.zeros(9, dtype=int), 2, rng)
    expected = {tuple(np.roll(np.arange(9), s).tolist()) for s in range(1, 9)}
    assert {tuple(row) for row in single.tolist()} == expected
    assert len(single) == 8
    pair = circular_shifts(np.repeat([0, 1], [4, 5]), 1000, rng)
    assert len({tuple(row) for row in pair.tolist()}) == len(pair) == 4 * 5 - 1
    assert list(range(9)) not in pair.tolist()
    many = circular_shifts(np.repeat([0, 1, 2], 30), 500, rng)
    assert 490 < len(many) <= 500
    assert (np.sort(many, axis=1) == np.arange(90)).all()


def test_p_value_counts_the_seen_labeling_and_ties() -> None:
    null = np.array([0.4, 0.5, 0.6 - 1e-12, 0.7])
    assert p_value(0.6, null) == 3 / 5
    assert p_value(0.9, null) == 1 / 5


def test_midpoint_and_missing_ratings_are_left_out() -> None:
    labels = midpoint_labels(np.array([1.0, 4.0, 5.0, np.nan]), 4.0)
    assert labels.tolist() == [-1.0, 0.0, 1.0, 0.0]


@given(st.lists(st.integers(1, 7), min_size=10, max_size=40), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_median_split_is_as_even_as_its_ties_allow(values: list[int], seed: int) -> None:
    ratings = np.array(values, dtype=float)[:, None]
    train = np.random.default_rng(seed).permutation(len(values))[: len(values) // 2 + 2]
    labels = median_labels(ratings, train)[:, 0]
    seen, own = ratings[train, 0], labels[train]
    assert (labels != 0).all()
    # Monotone: no lower rating is in a higher class.
    if (labels > 0).any() and (labels < 0).any():
        assert ratings[labels > 0, 0].min() > ratings[labels < 0, 0].max()
    cuts = [abs(int((seen > c).sum()) - int((seen <= c).sum())) for c in range(1, 7)]
    imbalance = abs(int((own > 0).sum()) - int((own < 0).sum()))
    assert imbalance <= min(cuts, default=0) + 1e-9 or np.unique(seen).size == 1


def test_sigmoid_is_logistic_regression_on_smoothed_targets() -> None:
    rng = np.random.default_rng(3)
    labels = np.where(rng.random(120) < 0.4, 1.0, -1.0)
    decisions = 0.02 * (rng.standard_normal(120) + labels)
    sigmoid = fit_sigmoid(decisions, labels)
    high, low = int((labels > 0).sum()), int((labels < 0).sum())
    soft = np.where(labels > 0, (high + 1) / (high + 2), 1 / (low + 2))
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(
        np.tile(decisions * 50, 2)[:, None], np.repeat([1, 0], 120), sample_weight=np.concatenate([soft, 1 - soft])
    )
    assert sigmoid.slope == pytest.approx(reference.coef_[0, 0] * 50, rel=1e-4)
    assert sigmoid.offset == pytest.approx(reference.intercept_[0], rel=1e-3)


@pytest.mark.parametrize("decisions", [np.zeros(10), -np.repeat([-1.0, 1.0], 5)])
def test_decisions_without_information_give_the_class_share(
    decisions: "np.ndarray[tuple[int], np.dtype[np.float64]]",
) -> None:
    labels = np.repeat([-1.0, 1.0], 5)
    sigmoid = fit_sigmoid(decisions, labels)
    np.testing.assert_allclose(sigmoid.probabilities(decisions), 0.5)


def test_pattern_recovers_the_source_that_weights_hide() -> None:
    # Haufe et al. 2014: channel 2 holds noise only, yet gets a large weight to cancel it in channel 1.
    rng = np.random.default_rng(4)
    source, noise = rng.standard_normal(20_000), rng.standard_normal(20_000)
    features = np.column_stack([source + noise, noise])
    pattern = activation_pattern(features, np.array([1.0, -1.0]))
    assert pattern == pytest.approx([1.0, 0.0], abs=0.03)
    covariance = np.cov(features.T, bias=True)
    weights = np.array([0.3, 2.0])
    expected = covariance @ weights / (weights @ covariance @ weights)
    np.testing.assert_allclose(activation_pattern(features, weights), expected, rtol=1e-9)
    assert activation_pattern(features, np.zeros(2)).tolist() == [0.0, 0.0]


def test_tertiles_keep_the_outer_thirds_of_the_training_trials() -> None:
    ratings = np.array([1.0, 2, 3, 4, 5, 6, 7, 7, np.nan])[:, None]
    assert tertile_labels(ratings, np.arange(9))[:, 0].tolist() == [-1, -1, -1, 0, 0, 1, 1, 1, 0]
    # Only training trials decide: with high ones alone, 7 is the upper third.
    assert tertile_labels(ratings, np.arange(4, 8))[:, 0].tolist() == [-1, -1, -1, -1, -1, -1, 1, 1, 0]
    same = np.array([3.0, 3, 3, 3, 3, 5, 1])[:, None]
    assert tertile_labels(same, np.arange(7))[:, 0].tolist() == [0, 0, 0, 0, 0, 1, -1]


def test_the_dead_zone_leaves_near_answers_out() -> None:
    assert midpoint_labels(np.array([2.0, 3, 4, 5, 6]), 4.0, 1.0).tolist() == [-1, 0, 0, 0, 1]


def test_one_wild_trial_does_not_outweigh_the_others() -> None:
    features = np.random.default_rng(0).standard_normal((400, 3))
    features[:, 2] = np.repeat([0.0, 1.0], [350, 50])
    low, high = winsor_limits(features)
    np.testing.assert_allclose([low[:2], high[:2]], [[-4, -4], [4, 4]], atol=0.6)
    # Half of its values are the same: no spread to judge by, so nothing is cut.
    assert not np.isfinite([low[2], high[2]]).any()
    wild = np.vstack([features, np.full((1, 3), 1e6)])
    np.testing.assert_allclose(winsor_limits(wild)[1][:2], high[:2], atol=0.1)
