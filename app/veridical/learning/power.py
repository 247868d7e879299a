"""How likely this validation is to find an effect, by simulating the whole of it; the result ships as a table.

A binomial is optimistic: at a true balanced accuracy of .68 and 100 trials it says .98 (METHODS 5.5). In simulation,
40 independent features stand for what a model sees; a quarter of them differ between the classes.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import msgspec
import numpy as np
from scipy.stats import norm

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StorageError
from veridical.domain.progress import finish
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem
from veridical.paths import resources

ALPHA = 0.05
N_FEATURES, N_INFORMATIVE = 40, 10
# Of a session's trials, ten folds and their embargo leave about this share to train on.
_TRAINED_SHARE = 0.85
_MOST_TRIALS = 5000


def draw_effect(rng: np.random.Generator, n_trials: int, effect: float) -> tuple[FloatArray, FloatArray]:
    """Draw features and labels (1, -1), half of each.

    Parameters
    ----------
    effect : float
        By how many standard deviations the classes differ in each of the 10 informative features.

    Returns
    -------
    features : ndarray, shape (n_trials, 40)
    labels : ndarray, shape (n_trials,)
    """
    labels = np.where(rng.permutation(n_trials) < n_trials / 2, 1.0, -1.0)
    features = rng.standard_normal((n_trials, N_FEATURES))
    features[:, :N_INFORMATIVE] += effect / 2 * labels[:, None]
    return features, labels


def true_accuracy(features: FloatArray, labels: FloatArray, effect: float) -> float:
    """Balanced accuracy in endless new trials of ridge that was trained on a fold's share of these, in closed form.

    The decision ``x @ w`` of a new trial is normal around ``+-w @ effect / 2`` with a variance of ``w @ w``.
    """
    n = round(_TRAINED_SHARE * len(labels))
    x, y = features[:n] - features[:n].mean(axis=0), labels[:n] - labels[:n].mean()
    weights = np.linalg.solve(x.T @ x + N_FEATURES * np.eye(N_FEATURES), x.T @ y)
    apart = effect / 2 * weights[:N_INFORMATIVE].sum()
    return float(norm.cdf(apart / max(float(np.linalg.norm(weights)), 1e-12)))


def is_found(features: FloatArray, labels: FloatArray, n_permutations: int, seed: int) -> bool:
    """Whether the whole validation says p <= .05."""
    n = len(labels)
    problem = Problem(
        features,
        labels,
        np.ones(n, dtype=bool),
        0.0,
        "midpoint",
        np.arange(n),
        np.arange(n) * 13.0,
        np.zeros(n, dtype=int),
    )
    return finish(validate_problem(problem, n_permutations, seed)).p_value <= ALPHA


@dataclass(frozen=True)
class PowerTable:
    """Simulated power.

    Parameters
    ----------
    n_trials : tuple of int
        Labelled trials.
    accuracies : tuple of float
        True balanced accuracies.
    power : tuple of tuple of float
        By number of trials, then accuracy.
    n_sets : int
        Simulated sessions behind every number.
    """

    n_trials: tuple[int, ...]
    accuracies: tuple[float, ...]
    power: tuple[tuple[float, ...], ...]
    n_sets: int

    def at(self, accuracy: float, n_trials: float) -> float:
        """Interpolate, in probits over the accuracy and the root of the number of trials; .05 at chance and below."""
        if accuracy <= 0.5 or n_trials < 1:
            return ALPHA
        probits = norm.ppf(np.clip(np.array(self.power), 1e-4, 1 - 1e-4))
        accuracies = np.array([0.5, *self.accuracies])
        rows = [np.interp(accuracy, accuracies, np.array([norm.ppf(ALPHA), *row])) for row in probits]
        roots = np.sqrt(self.n_trials)
        root = sqrt(n_trials)
        if root <= roots[-1]:
            # Fewer trials than the table knows: towards chance.
            value = float(np.interp(root, [0.0, *roots], [norm.ppf(ALPHA), *rows]))
        else:
            # More: the distance from chance grows with the root.
            value = norm.ppf(ALPHA) + (rows[-1] - norm.ppf(ALPHA)) * root / roots[-1]
        return float(norm.cdf(value))

    def trials_for(self, accuracy: float, wanted: float) -> int | None:
        """Return the fewest trials with that power; None where 5000 are not enough."""
        if self.at(accuracy, _MOST_TRIALS) < wanted:
            return None
        low, high = 1, _MOST_TRIALS
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.at(accuracy, middle) >= wanted else (middle + 1, high)
        return low


@lru_cache(maxsize=1)
def power_table() -> PowerTable:
    """Return the table that ships; StorageError if it is damaged."""
    path = resources() / "power.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=PowerTable)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{path} cannot be read ({error}); install the program again.") from error
