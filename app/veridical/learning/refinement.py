"""Validation of the evoked covariance: every labeling refits what the labels touch, and no more of them than needed.

Free permutations and circular shifts each end by the sequential rule of Besag & Clifford (1991, "Sequential Monte Carlo
p-values"): once enough of them reach the observed score, the p value is known well enough, and it is not small.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Fold, Validation
from veridical.domain.progress import Progress, Work
from veridical.learning.calibration import fit_sigmoid
from veridical.learning.covariance import CovarianceFold, CovarianceOutcome, prepare_fold, run_labelings
from veridical.learning.engine import FoldOutcome
from veridical.learning.problem import Problem, check_classes, check_problem, with_filled_rows
from veridical.learning.scores import auc, concordance, count_recalls
from veridical.learning.splits import outer_folds
from veridical.learning.validation import draw_labelings, seen_labels, summarise, usable_folds

# Exceedances after which a sequence of labelings ends; the p value's standard error is then a third of it.
ENOUGH = 10
_TIE = 1e-9
# Numbers that the stacked epochs of one batch may hold, for the processor's cache and the memory of a laptop.
_BATCH_NUMBERS = 6_000_000
_MOST_IN_BATCH = 64


@dataclass
class _Fold:
    """One outer fold while labelings come in; ``first`` is the labeling seen."""

    fold: Fold
    prepared: CovarianceFold
    decisions: list[FloatArray] = field(default_factory=list)
    labels: list[FloatArray] = field(default_factory=list)
    first: CovarianceOutcome | None = None
    train_labels: FloatArray = field(default_factory=lambda: np.empty(0))


def refine_problem(
    problem: Problem,
    n_channels: int,
    n_permutations: int = 1000,
    seed: int = 0,
    folds: Sequence[Fold] | None = None,
    n_threads: int = 2,
) -> Work[Validation]:
    """Validate xDAWN, covariance and tangent space on evoked samples; the same arguments give the same result.

    Parameters
    ----------
    problem : Problem
        Features are evoked samples, channel by channel, as the evoked pipeline has them.
    n_permutations : int
        Free permutations at most; circular shifts as in ``validate_problem``, on the same labelings.
    folds : sequence of Fold, optional
        Outer folds to use instead of ``outer_folds(problem)``.

    Raises
    ------
    AnalysisError
        As ``validate_problem``, or if the features are no samples of so many channels.
    """
    check_problem(problem)
    if n_channels < 1 or problem.features.shape[1] % n_channels or problem.features.shape[1] < 2 * n_channels:
        raise AnalysisError(
            f"Evoked samples of {n_channels} channels were expected and there are {problem.features.shape[1]} columns; "
            "choose the pipeline 'evoked'."
        )
    used = usable_folds(problem, outer_folds(problem) if folds is None else folds)
    labelings = draw_labelings(problem, n_permutations, seed)
    seen = seen_labels(problem, used)
    check_classes(problem, seen)
    problem = with_filled_rows(problem)
    parts = [_Fold(f, prepare_fold(problem, f, n_channels)) for f in used]
    n_free = labelings.n_free
    size = _batch_size(problem, n_channels)
    with ThreadPoolExecutor(n_threads) as pool:

        def run(columns: IntArray) -> FloatArray:
            ratings = type(labelings)(labelings.ratings[:, columns], 0)
            list(pool.map(lambda part: _run_part(problem, part, ratings.labels(problem, part.fold.train)), parts))
            return _scores(parts, len(columns))

        observed = float(run(np.zeros(1, dtype=int))[0])
        done: list[int] = []
        for sequence in (np.arange(1, 1 + n_free), np.arange(1 + n_free, labelings.ratings.shape[1])):
            n_done = n_reached = 0
            for columns in _batches(sequence, size):
                share = (n_free * len(done) + n_done) / (labelings.ratings.shape[1] - 1)
                yield Progress(share, 1, f"Refitting, labeling {sum(done) + n_done + 1}")
                n_reached += int((run(columns) >= observed - _TIE).sum())
                n_done += len(columns)
                if n_reached >= ENOUGH:
                    break
            done.append(n_done)
    outcomes = [_outcome(part) for part in parts]
    probabilities = np.full(problem.n_presented, np.nan)
    for fold, outcome in zip(used, outcomes, strict=True):
        probabilities[fold.test] = outcome.sigmoid.probabilities(outcome.decisions[:, 0])
    yield Progress(1, 1, "Refined")
    return summarise(problem, used, outcomes, probabilities, seen, done[0])


def _batch_size(problem: Problem, n_channels: int) -> int:
    n_times = problem.features.shape[1] // n_channels
    return int(np.clip(_BATCH_NUMBERS // (problem.n_presented * 8 * n_times), 1, _MOST_IN_BATCH))


def _batches(columns: IntArray, size: int) -> Iterator[IntArray]:
    """Batches that begin small: most null effects are known after a few labelings."""
    at, step = 0, min(size, 16)
    while at < len(columns):
        yield columns[at : at + step]
        at, step = at + step, size


def _run_part(problem: Problem, part: _Fold, labels: FloatArray) -> None:
    outcome = run_labelings(part.prepared, labels[part.fold.train])
    if part.first is None:
        part.first, part.train_labels = outcome, labels[part.fold.train, 0]
    part.decisions.append(outcome.decisions)
    part.labels.append(labels[part.fold.test])


def _scores(parts: Sequence[_Fold], n: int) -> FloatArray:
    """AUCs of the newest labelings."""
    orders = [concordance(p.decisions[-1], p.labels[-1]) for p in parts]
    scores: FloatArray = auc(np.sum([o.wins for o in orders], axis=0), np.sum([o.pairs for o in orders], axis=0))
    assert len(scores) == n
    return scores


def _outcome(part: _Fold) -> FoldOutcome:
    assert part.first is not None
    targets = part.train_labels[:, None]
    is_one_class = len(np.unique(targets[targets != 0])) < 2
    recalls = count_recalls(part.first.fitted, targets)
    labelled = targets[:, 0] != 0
    return FoldOutcome(
        decisions=np.concatenate(part.decisions, axis=1),
        labels=np.concatenate(part.labels, axis=1),
        train_balanced_accuracy=0.5 if is_one_class else float(recalls.balanced_accuracy[0]),
        # Leave-one-out decisions stand for new ones; the filters have seen the trial, so they are a little too sure.
        sigmoid=fit_sigmoid(part.first.left_out[labelled, 0], part.train_labels[labelled]),
        shares=np.ones(1),
    )
