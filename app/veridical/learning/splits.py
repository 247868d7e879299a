"""Blocked folds: contiguous test blocks, an embargo around them, and no group on both sides."""

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.evaluation import Fold
from veridical.learning.problem import EMBARGO_TRIALS, Problem

MANY_TRIALS = 60
N_INNER_FOLDS = 5
# An inner fold that trains on fewer trials than this says nothing about the penalty.
MIN_INNER_TRAIN = 8


def outer_folds(problem: Problem) -> tuple[Fold, ...]:
    """Cut the grid of presented trials into contiguous test blocks (METHODS 5.1).

    10 blocks from 60 presented trials, else 5; at least one for every recording. The folds look at neither ratings
    nor features, so that every labeling and every confound model of a participant is scored on the same ones.

    Returns
    -------
    tuple of Fold
        Kept trials only; the test rows of all folds together are all kept trials.
    """
    n_blocks = 10 if problem.n_presented >= MANY_TRIALS else 5
    leaking = near(problem, problem.embargo_s) | _same_group(problem.groups)
    folds: list[Fold] = []
    for block in _blocks(np.arange(problem.n_presented), problem.runs, n_blocks):
        test = block[problem.kept[block]]
        if not len(test):
            continue
        allowed = problem.kept & ~leaking[:, block].any(axis=1)
        folds.append(Fold(np.flatnonzero(allowed), test))
    return tuple(folds)


def inner_folds(problem: Problem, train: IntArray) -> tuple[Fold, ...]:
    """Cut training rows into up to 5 blocked folds for the choice of the penalty.

    The embargo is 2 trials here: seconds would leave too little to train on, and an inner leak can only choose a
    poorer penalty, never reach the outer test block.
    """
    leaking = near(problem, 0.0) | _same_group(problem.groups)
    folds: list[Fold] = []
    for test in _blocks(train, problem.runs[train], N_INNER_FOLDS):
        rest = train[~leaking[np.ix_(train, test)].any(axis=1)]
        if len(rest) >= MIN_INNER_TRAIN:
            folds.append(Fold(rest, test))
    return tuple(folds)


def embargo_trials(problem: Problem) -> int:
    """Largest number of trials that the embargo takes on one side of a test trial."""
    too_near = near(problem, problem.embargo_s)
    after = np.triu(too_near, 1).sum(axis=1)
    return int(after.max(initial=0))


def near(problem: Problem, embargo_s: float) -> BoolArray:
    """Mark pairs of trials of one recording that are at most 2 trials or less than ``embargo_s`` seconds apart.

    Returns
    -------
    ndarray of bool, shape (n_presented, n_presented)
        Symmetric; a trial is near itself.
    """
    index = np.arange(problem.n_presented)
    close: BoolArray = np.abs(index[:, None] - index) <= EMBARGO_TRIALS
    if embargo_s > 0 and np.isfinite(problem.onsets_s).all():
        close |= np.abs(problem.onsets_s[:, None] - problem.onsets_s) < embargo_s
    together: BoolArray = close & (problem.runs[:, None] == problem.runs)
    return together


def _same_group(groups: IntArray) -> BoolArray:
    same: BoolArray = groups[:, None] == groups
    return same


def _blocks(rows: IntArray, runs: IntArray, n_blocks: int) -> list[IntArray]:
    """Cut rows into blocks of about equal length, none of which straddles two recordings."""
    if not len(rows):
        return []
    members = [rows[runs == run] for run in dict.fromkeys(runs.tolist())]
    counts = _share_out(np.array([len(m) for m in members], dtype=float), n_blocks)
    return [b for m, n in zip(members, counts, strict=True) for b in np.array_split(m, n) if len(b)]


def _share_out(sizes: FloatArray, n_blocks: int) -> list[int]:
    """Deal blocks to recordings by their size, one at least (Sainte-Lague's rule)."""
    counts = np.ones(len(sizes), dtype=int)
    while counts.sum() < n_blocks:
        counts[int(np.argmax(sizes / (2 * counts + 1)))] += 1
    return [int(c) for c in counts]
