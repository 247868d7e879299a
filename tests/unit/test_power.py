"""The power that ships is what the whole validation reaches."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.linear_model import Ridge

from veridical.learning.power import N_FEATURES, draw_effect, is_found, power_table, true_accuracy


def test_power_rises_with_trials_and_with_the_effect() -> None:
    table = power_table()
    accuracies, trials = np.linspace(0.5, 0.85, 15), np.unique(np.geomspace(20, 600, 20).astype(int))
    power = np.array([[table.at(float(b), int(n)) for b in accuracies] for n in trials])
    assert (np.diff(power, axis=0) >= -1e-9).all()
    assert (np.diff(power, axis=1) >= -1e-9).all()
    assert power[:, 0] == pytest.approx(0.05)
    assert table.at(0.42, 100) == 0.05
    assert table.at(0.99, 100) > 0.99


def test_at_68_percent_and_100_trials_it_is_at_least_80_percent() -> None:
    # The plain binomial would say .98 (METHODS 5.5).
    assert 0.80 <= power_table().at(0.68, 100) <= 0.97


@pytest.mark.parametrize("accuracy", [0.55, 0.6, 0.68, 0.8])
def test_the_trials_for_a_power_have_it_and_one_fewer_has_not(accuracy: float) -> None:
    table = power_table()
    n = table.trials_for(accuracy, 0.8)
    assert n is not None
    assert table.at(accuracy, n) >= 0.8 > table.at(accuracy, n - 1)
    assert table.trials_for(0.5, 0.8) is None
    assert table.trials_for(0.501, 0.8) is None


def test_the_table_says_what_a_simulation_finds(is_full: bool) -> None:
    n_sets, n_trials, effect = (300, 100, 0.46) if is_full else (24, 60, 0.5)
    drawn = [draw_effect(np.random.default_rng([seed, 77]), n_trials, effect) for seed in range(n_sets)]
    accuracy = float(np.mean([true_accuracy(x, y, effect) for x, y in drawn]))
    found = sum(is_found(x, y, 199 if is_full else 59, seed) for seed, (x, y) in enumerate(drawn))
    expected = power_table().at(accuracy, n_trials)
    # The table has errors of its own: half as much again as this sample's.
    low, high = binom.ppf([0.0005, 0.9995], n_sets, expected)
    middle = n_sets * expected
    assert middle - 1.5 * (middle - low) <= found <= middle + 1.5 * (high - middle)


def test_the_closed_form_accuracy_is_that_of_new_trials() -> None:
    rng = np.random.default_rng(4)
    features, labels = draw_effect(rng, 100, 0.5)
    new, truth = draw_effect(rng, 40_000, 0.5)
    model = Ridge(alpha=float(N_FEATURES)).fit(features[:85], labels[:85])
    decided = model.predict(new) - model.predict(new).mean()
    assert true_accuracy(features, labels, 0.5) == pytest.approx((np.sign(decided) == truth).mean(), abs=0.01)
