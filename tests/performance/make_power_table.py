"""Makes resources/power.json: the power of the whole validation, simulated (about a quarter of an hour on 2 cores).

Run ``python -m tests.performance.make_power_table``. For every number of trials and every true balanced accuracy, the
effect that gives this accuracy on average is looked for, and sessions with it are drawn and validated. One surface is
fitted to all of it, so that a number does not hang on the 160 sessions behind it alone.
"""

import sys

import msgspec
import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from veridical.domain.arrays import FloatArray
from veridical.learning.power import ALPHA, PowerTable, draw_effect, is_found, true_accuracy
from veridical.paths import resources

N_TRIALS = (40, 60, 80, 100, 120, 160, 240)
ACCURACIES = (0.55, 0.6, 0.65, 0.68, 0.7, 0.75, 0.8)
N_SETS, N_PERMUTATIONS = 160, 199
_N_FOR_EFFECT, _N_STEPS = 200, 10
# Once nearly every session finds it, larger effects need no simulation.
_CERTAIN = 0.994


def find_effect(n_trials: int, accuracy: float) -> float:
    """Return the effect whose true accuracy is this on average over sessions of that length."""
    low, high = 0.0, 2.0
    for _ in range(_N_STEPS):
        middle = (low + high) / 2
        drawn = (draw_effect(np.random.default_rng([k, n_trials]), n_trials, middle) for k in range(_N_FOR_EFFECT))
        mean = np.mean([true_accuracy(features, labels, middle) for features, labels in drawn])
        low, high = (middle, high) if mean < accuracy else (low, middle)
    return (low + high) / 2


def simulate(n_trials: int, accuracy: float) -> float:
    """Return the share of sessions whose validation says p <= .05."""
    effect = find_effect(n_trials, accuracy)
    drawn = (draw_effect(np.random.default_rng([k, n_trials, 5]), n_trials, effect) for k in range(N_SETS))
    return sum(is_found(*one, N_PERMUTATIONS, k) for k, one in enumerate(drawn)) / N_SETS


def smooth(rows: FloatArray) -> FloatArray:
    """Fit probits that are .05 at chance, and rise with the accuracy above it, alone and times the root of trials.

    It leaves residuals of about one standard error in every cell from 60 trials on [measured]. With 40 trials and
    hardly any effect the test finds fewer than that: a circular p cannot fall below 1 / 40.
    """
    above = np.array(ACCURACIES)[None, :] - 0.5
    roots = np.sqrt(np.array(N_TRIALS, dtype=float))[:, None]

    def surface(steps: FloatArray) -> FloatArray:
        probits = norm.ppf(ALPHA) + roots * (steps[0] * above + steps[1] * above**2) + steps[2] * above
        return np.asarray(np.clip(norm.cdf(probits), 1e-6, 1 - 1e-6))

    def loss(steps: FloatArray) -> float:
        p = surface(steps)
        return -float((rows * np.log(p) + (1 - rows) * np.log(1 - p)).sum())

    options = {"maxiter": 50_000, "maxfev": 50_000, "xatol": 1e-7, "fatol": 1e-9}
    best = minimize(loss, np.array([2.0, 0.0, -5.0]), method="Nelder-Mead", options=options)
    return surface(best.x)


def main() -> None:
    """Simulate, print, smooth and write."""
    rows: list[list[float]] = []
    for n_trials in N_TRIALS:
        row: list[float] = []
        for accuracy in ACCURACIES:
            is_certain = bool(row) and row[-1] >= _CERTAIN
            row.append(1.0 if is_certain else simulate(n_trials, accuracy))
        rows.append(row)
        sys.stdout.write(f"{n_trials:4d} trials: {' '.join(f'{p:.2f}' for p in row)}\n")
        sys.stdout.flush()
    power = smooth(np.array(rows))
    table = PowerTable(N_TRIALS, ACCURACIES, tuple(tuple(round(float(p), 3) for p in row) for row in power), N_SETS)
    (resources() / "power.json").write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n")


if __name__ == "__main__":
    main()
