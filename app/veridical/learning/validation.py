"""Honest validation: blocked folds, two permutation tests, interval and chance level (METHODS 5)."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Fold, Validation
from veridical.domain.progress import Progress, Work, finish
from veridical.learning.engine import FoldOutcome, run_fold
from veridical.learning.intervals import balanced_accuracy_interval, binomial_chance
from veridical.learning.labels import group_numbers, ratings_from_labels, split_labels
from veridical.learning.parallel import each
from veridical.learning.permutation import circular_shifts, free_permutations, p_value
from veridical.learning.problem import MIN_USABLE_TRIALS, Problem, check_classes, check_problem, with_filled_rows
from veridical.learning.scores import Recalls, auc, brier_score, concordance, count_recalls
from veridical.learning.splits import embargo_trials, outer_folds

MIN_TRAIN = 10


@dataclass(frozen=True)
class Labelings:
    """Ratings of every labeling, shape (n_presented, n_labelings): seen, then free permutations, then shifts."""

    ratings: FloatArray
    n_free: int

    def labels(self, problem: Problem, train: IntArray) -> FloatArray:
        """Return classes as a fold that trains on ``train`` sees them."""
        return split_labels(self.ratings, train, problem.label_rule, problem.midpoint, problem.dead_zone)


def validate_problem(
    problem: Problem,
    n_permutations: int = 1000,
    seed: int = 0,
    folds: Sequence[Fold] | None = None,
    draws_null: bool = True,
) -> Work[Validation]:
    """Validate ridge on this problem; the same arguments give the same result.

    Parameters
    ----------
    n_permutations : int
        Free permutations; all circular shifts are made besides (of several recordings as many combinations).
    draws_null : bool
        False asks for the score alone, without permutations and shifts: ``null`` is empty and the p values are NaN.
    folds : sequence of Fold, optional
        Outer folds to use instead of ``outer_folds(problem)`` (leave-theme-out and the like). Rows that are not kept
        are left out of them.

    Raises
    ------
    AnalysisError
        One class only, fewer than 20 usable trials, NaN features, arrays that do not fit: found and remedy in words.
    """
    check_problem(problem)
    if n_permutations < 1:
        raise AnalysisError(f"{n_permutations} permutations give no p value; ask for at least 1, better 1000.")
    used = usable_folds(problem, outer_folds(problem) if folds is None else folds)
    seen_only = Labelings(np.asarray(problem.ratings, dtype=float)[:, None], 0)
    labelings = draw_labelings(problem, n_permutations, seed) if draws_null else seen_only
    seen = seen_labels(problem, used)
    check_classes(problem, seen)
    filled = with_filled_rows(problem)
    outcomes: list[FoldOutcome] = []
    probabilities = np.full(problem.n_presented, np.nan)
    yield Progress(0, len(used), f"Validating, block 1 of {len(used)}")
    found = each(used, lambda fold: run_fold(filled, fold, labelings.labels(filled, fold.train)))
    with contextlib.closing(found):
        for i, outcome in enumerate(found, start=1):
            fold = used[i - 1]
            probabilities[fold.test] = outcome.sigmoid.probabilities(outcome.decisions[:, 0])
            outcomes.append(outcome)
            if i < len(used):
                yield Progress(i, len(used), f"Validating, block {i + 1} of {len(used)}")
    yield Progress(len(used), len(used), "Validated")
    return summarise(problem, used, outcomes, probabilities, seen, labelings.n_free)


def validate(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    onsets_s: ArrayLike | None = None,
    pipeline: str = "ridge",
    n_permutations: int = 1000,
    seed: int = 0,
) -> Validation:
    """Validate any features against any labels (blocks until done).

    Parameters
    ----------
    features : array_like, shape (n_trials, n_features)
        In presentation order, one recording.
    labels : array_like, shape (n_trials,)
        Any two values (the smaller one is the low class), or more than two numbers: these are ratings and are split
        at the median of each training fold. NaN marks trials without a label, which still stand in the grid.
    groups : array_like, shape (n_trials,), optional
        Trials of the same picture share a value; by default none do.
    onsets_s : array_like, shape (n_trials,), optional
        Onsets in seconds; without them the embargo is 2 trials instead of at least 20 s.
    pipeline : str
        ``ridge``.

    Raises
    ------
    AnalysisError
        With what was found and what to do.
    """
    if pipeline != "ridge":
        raise AnalysisError(f"There is no pipeline '{pipeline}'; use 'ridge'.")
    try:
        matrix = np.asarray(features, dtype=float)
    except (TypeError, ValueError) as error:
        raise AnalysisError(f"The features are not a table of numbers ({error}); give one row per trial.") from error
    ratings, names, rule = ratings_from_labels(labels)
    n = len(ratings)
    try:
        onsets = np.full(n, np.nan) if onsets_s is None else np.asarray(onsets_s, dtype=float)
    except (TypeError, ValueError) as error:
        raise AnalysisError(f"The onsets are not numbers ({error}); give seconds.") from error
    problem = Problem(
        features=matrix,
        ratings=ratings,
        kept=np.ones(n, dtype=bool),
        midpoint=0.0,
        label_rule=rule,
        groups=np.arange(n) if groups is None else group_numbers(groups),
        onsets_s=onsets,
        runs=np.zeros(n, dtype=int),
        class_names=names,
    )
    return finish(validate_problem(problem, n_permutations, seed))


def usable_folds(problem: Problem, folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """Leave dropped rows out of folds and refuse folds that leave too little to train on."""
    if int(problem.kept.sum()) < MIN_USABLE_TRIALS:
        n_dropped = int((~problem.kept).sum())
        raise AnalysisError(
            f"Only {int(problem.kept.sum())} of {problem.n_presented} trials are left ({n_dropped} were dropped for "
            f"artifacts) and at least {MIN_USABLE_TRIALS} are needed; review the marks or record more trials."
        )
    kept = problem.kept
    used = tuple(Fold(f.train[kept[f.train]], f.test[kept[f.test]]) for f in folds)
    used = tuple(f for f in used if len(f.test))
    fewest = min(len(f.train) for f in used)
    if fewest < MIN_TRAIN:
        raise AnalysisError(
            f"With an embargo of {problem.embargo_s:g} s around every test block only {fewest} trials are left to "
            f"train on and at least {MIN_TRAIN} are needed; record more trials or space them wider."
        )
    return used


def draw_labelings(problem: Problem, n_permutations: int, seed: int) -> Labelings:
    """Apply permutations and shifts to the ratings on the grid of presented trials."""
    rng = np.random.default_rng(seed)
    free = free_permutations(problem.runs, n_permutations, rng)
    shifts = circular_shifts(problem.runs, n_permutations, rng)
    ratings = np.asarray(problem.ratings, dtype=float)
    return Labelings(np.column_stack([ratings, ratings[free].T, ratings[shifts].T]), n_permutations)


def seen_labels(problem: Problem, folds: Sequence[Fold]) -> FloatArray:
    """Return the class of every tested trial as its own fold sees it; 0 for the others."""
    ratings = np.asarray(problem.ratings, dtype=float)[:, None]
    labels = np.zeros(problem.n_presented)
    for fold in folds:
        labels[fold.test] = Labelings(ratings, 0).labels(problem, fold.train)[fold.test, 0]
    return labels


def summarise(
    problem: Problem,
    folds: Sequence[Fold],
    outcomes: Sequence[FoldOutcome],
    probabilities: FloatArray,
    seen: FloatArray,
    n_free: int,
) -> Validation:
    """Put the folds together."""
    orders = [concordance(o.decisions, o.labels) for o in outcomes]
    wins = np.stack([o.wins for o in orders])
    pairs = np.stack([o.pairs for o in orders])
    if not pairs[:, 0].any():
        raise AnalysisError(
            "Every test block holds one class only, because the classes were not mixed in time; "
            "nothing separates them from the time of presentation. Record them in mixed order."
        )
    scores = auc(wins.sum(axis=0), pairs.sum(axis=0))
    recalls = [count_recalls(o.decisions, o.labels) for o in outcomes]
    total: Recalls = sum(recalls[1:], start=recalls[0])
    accuracy = total.balanced_accuracy
    null, null_accuracy = scores[1:], accuracy[1:]
    p_free, p_circular = (p_value(scores[0], part) if len(null) else np.nan for part in (null[:n_free], null[n_free:]))
    n_low, n_high = int(total.n_low[0]), int(total.n_high[0])
    interval = balanced_accuracy_interval(float(total.high_right[0]), n_high, float(total.low_right[0]), n_low)
    parts = (null_accuracy[:n_free], null_accuracy[n_free:])
    by_null = [float(np.quantile(part, 0.95)) for part in parts if len(part)]
    predictions = np.full(problem.n_presented, np.nan)
    for fold, outcome in zip(folds, outcomes, strict=True):
        predictions[fold.test] = outcome.decisions[:, 0]
    fold_of = np.full(len(predictions), -1)
    for k, fold in enumerate(folds):
        fold_of[fold.test] = k
    with_pairs = pairs[:, 0] > 0
    return Validation(
        n_trials=n_low + n_high,
        classes={problem.class_names[0]: n_low, problem.class_names[1]: n_high},
        balanced_accuracy=float(accuracy[0]),
        interval95=(interval.low, interval.high),
        chance95=max([*by_null, binomial_chance(n_low + n_high)]),
        p_value=max(p_free, p_circular),
        p_free=p_free,
        p_circular=p_circular,
        auc=float(scores[0]),
        train_balanced_accuracy=float(np.mean([o.train_balanced_accuracy for o in outcomes])),
        folds=len(folds),
        embargo_trials=embargo_trials(problem),
        brier=brier_score(probabilities, seen),
        fold_scores=np.where(with_pairs, auc(wins[:, 0], pairs[:, 0]), np.nan),
        null=null,
        predictions=predictions,
        labels=seen.astype(int),
        probabilities=probabilities,
        n_free=min(n_free, len(null)),
        fold_of=fold_of,
        views=tuple(view.name for view in problem.views),
        shares=np.array([o.shares for o in outcomes]),
    )
