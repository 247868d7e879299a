"""How long a full validation takes, beside scikit-learn's permutation_test_score in the same run.

Run ``python tests/performance/bench_validation.py``; add ``--quick`` for a smaller rival. The rival makes the same
choice of penalty on inner blocked folds for every labeling and is extrapolated from a few permutations; it leaves
repeated pictures, embargo, trend, circular shifts and left-out ratings aside, so the ratio is cautious.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, permutation_test_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from veridical.domain.progress import finish
from veridical.learning.problem import Problem
from veridical.learning.ridge import penalties_for
from veridical.learning.validation import validate_problem

N_PERMUTATIONS = 1000


@dataclass(frozen=True)
class Case:
    """A problem's size; ``has_midpoints`` leaves a seventh of the ratings out, others in every permutation."""

    name: str
    n_trials: int
    n_features: int
    has_midpoints: bool


CASES = (
    Case("72 trials x 32 ch evoked, all rated", 72, 2048, False),
    Case("72 trials x 32 ch evoked, midpoint left out", 72, 2048, True),
    Case("72 trials x 25 named features, midpoint left out", 72, 25, True),
    Case("160 trials x 32 ch evoked, midpoint left out", 160, 2048, True),
    Case("100 trials x 40 features, all rated", 100, 40, False),
)


def problem_of(case: Case) -> Problem:
    """Draw correlated features, as evoked samples are, and ratings without an effect."""
    rng = np.random.default_rng(0)
    n, p = case.n_trials, case.n_features
    sources = rng.standard_normal((n, 12)) @ rng.standard_normal((12, p))
    ratings = rng.integers(1, 8, n).astype(float)
    if not case.has_midpoints:
        ratings[ratings == 4] = 6
    return Problem(
        sources + rng.standard_normal((n, p)),
        ratings,
        np.ones(n, dtype=bool),
        4.0,
        "midpoint",
        np.arange(n),
        np.arange(n) * 13.0,
        np.zeros(n, dtype=int),
    )


def seconds_ours(problem: Problem) -> tuple[float, float]:
    """Return wall and CPU seconds of one full validation."""
    wall, cpu = time.perf_counter(), time.process_time()
    finish(validate_problem(problem, N_PERMUTATIONS))
    return time.perf_counter() - wall, time.process_time() - cpu


def seconds_sklearn(problem: Problem, n_permutations: int) -> tuple[float, float]:
    """Return wall and CPU seconds of scikit-learn's 1000 permutations, extrapolated from ``n_permutations``."""
    pipeline = make_pipeline(StandardScaler(), Ridge())
    grid = {"ridge__alpha": list(penalties_for(problem.features.shape[1]))}
    search = GridSearchCV(pipeline, grid, scoring="neg_mean_squared_error", cv=KFold(5))
    labels = np.sign(problem.ratings - problem.midpoint)
    wall, cpu = time.perf_counter(), time.process_time()
    permutation_test_score(
        search, problem.features, labels, cv=KFold(10), n_permutations=n_permutations, scoring="neg_mean_squared_error"
    )
    share = (N_PERMUTATIONS + 1) / (n_permutations + 1)
    return (time.perf_counter() - wall) * share, (time.process_time() - cpu) * share


def main() -> None:
    """Print one line per case, then the ratio."""
    finish(validate_problem(problem_of(CASES[-1]), 1))
    cpu = 0.0
    for case in CASES:
        wall, cpu = seconds_ours(problem_of(case))
        sys.stdout.write(f"{case.name:52s} {wall:7.2f} s wall {cpu:7.2f} s CPU\n")
    n_rival = 2 if "--quick" in sys.argv else 20
    wall, rival = seconds_sklearn(problem_of(CASES[-1]), n_rival)
    sys.stdout.write(
        f"{'the last by permutation_test_score (extrapolated)':52s} {wall:7.0f} s wall {rival:7.0f} s CPU\n"
    )
    sys.stdout.write(f"ratio of CPU time: {rival / cpu:.0f}\n")


if __name__ == "__main__":
    main()
