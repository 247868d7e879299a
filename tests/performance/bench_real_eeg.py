"""Real EEG, honest and flattering scores side by side: faces against houses on a 4-channel Muse, three runs.

Run ``python -m tests.performance.bench_real_eeg``. "Window-random" is what is often published: every trial is cut into
overlapping windows that are dealt to folds at random, so that those of one trial stand on both sides. "Blocked" are the
same windows in contiguous folds with an embargo, all windows of a trial on one side.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold
from tests.unit.test_validation_eeg import muse_problem

from veridical.domain.evaluation import Fold, Validation
from veridical.domain.progress import finish
from veridical.learning.problem import Problem
from veridical.learning.refinement import refine_problem
from veridical.learning.splits import outer_folds
from veridical.learning.validation import validate_problem

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "muse_n170"
N_CHANNELS, N_PERMUTATIONS = 4, 199
# Six windows of 0.6 s, each 31 ms after the one before, as sliding windows are cut to have more rows to learn from.
WINDOW, STEP, N_WINDOWS = 39, 2, 6


def windowed(problem: Problem) -> Problem:
    """Every trial as several overlapping windows, each a row of its own."""
    epochs = problem.features.reshape(problem.n_presented, N_CHANNELS, -1)
    starts = STEP * np.arange(N_WINDOWS)
    rows = np.stack([epochs[:, :, s : s + WINDOW].reshape(len(epochs), -1) for s in starts], axis=1)
    again = np.repeat(np.arange(problem.n_presented), N_WINDOWS)
    return replace(
        problem,
        features=rows.reshape(len(again), -1),
        ratings=problem.ratings[again],
        kept=problem.kept[again],
        groups=again,
        onsets_s=problem.onsets_s[again],
        runs=problem.runs[again],
    )


def shuffled_ratings(problem: Problem, seed: int) -> Problem:
    """The same trials with labels that mean nothing."""
    return replace(problem, ratings=np.random.default_rng(seed).permutation(problem.ratings))


def random_folds(problem: Problem) -> tuple[Fold, ...]:
    """Ten folds of windows at random, classes balanced."""
    split = StratifiedKFold(10, shuffle=True, random_state=0).split(problem.features, problem.ratings)
    return tuple(Fold(np.asarray(train), np.asarray(test)) for train, test in split)


def line(name: str, found: Validation) -> None:
    """Print one score."""
    p = "" if np.isnan(found.p_value) else f"p = {found.p_value:.3f}"
    sys.stdout.write(f"{name:68s} AUC {found.auc:.3f}  balanced accuracy {found.balanced_accuracy:.3f}  {p}\n")


def main() -> None:
    """Print the table."""
    problem = muse_problem(DATA)
    runs = tuple(Fold(np.flatnonzero(problem.runs != r), np.flatnonzero(problem.runs == r)) for r in range(3))
    line("evoked samples, blocked", finish(validate_problem(problem, N_PERMUTATIONS)))
    line("evoked samples, runs left out", finish(validate_problem(problem, N_PERMUTATIONS, folds=runs)))
    line("evoked covariance, runs left out", finish(refine_problem(problem, N_CHANNELS, N_PERMUTATIONS, folds=runs)))
    for name, whole in (("faces and houses", problem), ("meaningless labels", shuffled_ratings(problem, 1))):
        windows = windowed(whole)
        blocked = validate_problem(windows, 1, folds=outer_folds(windows), draws_null=False)
        random = validate_problem(windows, 1, folds=random_folds(windows), draws_null=False)
        line(f"windows of {name}, blocked", finish(blocked))
        line(f"windows of {name}, window-random", finish(random))


if __name__ == "__main__":
    main()
