"""Validation of ridge on the ratings themselves: same folds, labelings and inner choice as the classification."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Fold, RatingValidation
from veridical.domain.progress import Progress, Work
from veridical.learning.inner import choose_inside, predict, predict_inside, problems_of
from veridical.learning.intervals import correlation_interval
from veridical.learning.parallel import each
from veridical.learning.permutation import p_value
from veridical.learning.problem import MIN_USABLE_TRIALS, Problem, check_problem, with_filled_rows
from veridical.learning.scores import round_ties
from veridical.learning.splits import outer_folds
from veridical.learning.stacking import stack
from veridical.learning.validation import draw_labelings, usable_folds


@dataclass(frozen=True)
class _FoldOutcome:
    """One outer fold; columns are labelings.

    Parameters
    ----------
    predictions, ratings : ndarray, shape (n_test, n_labelings)
        Ratings are NaN where unanswered.
    middle : tuple of float
        Mean and median of the training ratings, under the labeling seen.
    """

    predictions: FloatArray
    ratings: FloatArray
    middle: tuple[float, float]


def validate_ratings(
    problem: Problem, n_permutations: int = 1000, seed: int = 0, folds: Sequence[Fold] | None = None
) -> Work[RatingValidation]:
    """Validate ridge on the ratings of this problem; the same arguments give the same result.

    Label rule, midpoint and dead zone are not looked at. Several views are stacked, or one is chosen.

    Parameters
    ----------
    folds : sequence of Fold, optional
        Outer folds to use instead of ``outer_folds(problem)``.

    Raises
    ------
    AnalysisError
        Fewer than 20 usable trials, ratings that are all the same, NaN features: found and remedy in words.
    """
    check_problem(problem)
    used = usable_folds(problem, outer_folds(problem) if folds is None else folds)
    known = np.asarray(problem.ratings, dtype=float)[np.asarray(problem.kept, dtype=bool)]
    known = known[np.isfinite(known)]
    if len(known) < MIN_USABLE_TRIALS:
        raise AnalysisError(
            f"Only {len(known)} kept trials have a rating and at least {MIN_USABLE_TRIALS} are needed; record more."
        )
    if np.ptp(known) == 0:
        raise AnalysisError(f"All ratings are {known[0]:g}; there is nothing to predict. Choose another target.")
    labelings = draw_labelings(problem, n_permutations, seed)
    filled = with_filled_rows(problem)
    outcomes: list[_FoldOutcome] = []
    yield Progress(0, len(used), "Predicting the ratings themselves")
    found = each(used, lambda fold: _run_fold(filled, fold, labelings.ratings))
    with contextlib.closing(found):
        for i, outcome in enumerate(found, start=1):
            outcomes.append(outcome)
            yield Progress(i, len(used), "Predicting the ratings themselves")
    return _summarise(problem, used, outcomes, labelings.n_free)


def _run_fold(problem: Problem, fold: Fold, ratings: FloatArray) -> _FoldOutcome:
    middle = np.nanmean(ratings[fold.train], axis=0)
    tested: list[FloatArray] = []
    inside: list[FloatArray] = []
    errors: list[FloatArray] = []
    truth = np.empty((0, ratings.shape[1]))
    n_inside = ratings.shape[1] if problem.views and problem.combines == "fused" else 0
    for own in problems_of(problem):
        choice = choose_inside(own, fold.train, ratings)
        errors.append(choice.errors)
        tested.append(predict(own, fold, ratings, choice).predicted)
        if n_inside:
            parts = list(predict_inside(choice, own, ratings, n_inside))
            inside.append(np.concatenate([p.predicted for p in parts]) - middle)
            truth = np.concatenate([ratings[p.test] for p in parts]) - middle
    if not problem.views:
        predictions = tested[0]
    elif n_inside:
        weights = stack(inside, truth)
        predictions = middle + np.einsum("vl,vtl->tl", weights, np.stack(tested) - middle)
    else:
        best = np.argmin(errors, axis=0)
        predictions = np.take_along_axis(np.stack(tested), best[None, None, :], axis=0)[0]
    seen = ratings[fold.train, 0]
    return _FoldOutcome(
        round_ties(predictions), ratings[fold.test], (float(np.nanmean(seen)), float(np.nanmedian(seen)))
    )


def _summarise(
    problem: Problem, folds: Sequence[Fold], outcomes: Sequence[_FoldOutcome], n_free: int
) -> RatingValidation:
    correlations = _correlate(outcomes)
    null = correlations[1:]
    p_free, p_circular = p_value(correlations[0], null[:n_free]), p_value(correlations[0], null[n_free:])
    predictions = np.full(problem.n_presented, np.nan)
    errors: list[FloatArray] = []
    from_mean: list[FloatArray] = []
    from_median: list[FloatArray] = []
    for fold, outcome in zip(folds, outcomes, strict=True):
        predictions[fold.test] = outcome.predictions[:, 0]
        is_known = np.isfinite(outcome.ratings[:, 0])
        truth = outcome.ratings[is_known, 0]
        errors.append(truth - outcome.predictions[is_known, 0])
        from_mean.append(truth - outcome.middle[0])
        from_median.append(truth - outcome.middle[1])
    error, guess, middle = np.concatenate(errors), np.concatenate(from_mean), np.concatenate(from_median)
    correlation = float(correlations[0])
    interval = correlation_interval(correlation, len(error) - len(folds))
    return RatingValidation(
        n_trials=len(error),
        correlation=correlation,
        interval95=(interval.low, interval.high),
        p_value=max(p_free, p_circular),
        p_free=p_free,
        p_circular=p_circular,
        explained=1 - float(error @ error) / max(float(guess @ guess), np.finfo(float).tiny),
        mean_error=float(np.abs(error).mean()),
        mean_error_guessing=float(np.abs(middle).mean()),
        null=null,
        predictions=predictions,
    )


def _correlate(outcomes: Sequence[_FoldOutcome]) -> FloatArray:
    """Correlate ratings and predictions within the test blocks, shape (n_labelings,); 0 where either is constant."""
    together = of_ratings = of_predictions = np.zeros(outcomes[0].ratings.shape[1])
    for outcome in outcomes:
        is_known = ~np.isnan(outcome.ratings)
        n = np.maximum(is_known.sum(axis=0), 1)
        rating = np.where(is_known, outcome.ratings, 0.0)
        predicted = np.where(is_known, outcome.predictions, 0.0)
        rating = np.where(is_known, rating - rating.sum(axis=0) / n, 0.0)
        predicted = np.where(is_known, predicted - predicted.sum(axis=0) / n, 0.0)
        together = together + (rating * predicted).sum(axis=0)
        of_ratings = of_ratings + (rating**2).sum(axis=0)
        of_predictions = of_predictions + (predicted**2).sum(axis=0)
    size = np.sqrt(of_ratings * of_predictions)
    correlation: FloatArray = np.where(size > 1e-12, together / np.maximum(size, 1e-12), 0.0)
    return correlation
