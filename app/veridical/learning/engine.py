"""One outer fold under every labeling: inner choice of the penalty, fit, decision values, views put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.evaluation import Fold
from veridical.learning.calibration import Sigmoid, fit_sigmoid
from veridical.learning.combining import ViewSummary, combine, contributions, shares_of
from veridical.learning.completion import complete
from veridical.learning.confounds import prepare
from veridical.learning.problem import Problem, problem_of_view
from veridical.learning.ridge import RidgeFold, factorise, penalties_for
from veridical.learning.scores import class_centre, count_recalls
from veridical.learning.splits import inner_folds


@dataclass(frozen=True)
class InnerFold:
    """An inner fold with its decomposed features, good for every penalty and labeling."""

    fold: Fold
    ridge: RidgeFold


@dataclass(frozen=True)
class InnerChoice:
    """What the inner folds chose and found; columns are labelings.

    Parameters
    ----------
    penalties : ndarray of int, shape (n_labelings,)
        Places in the grid of penalties.
    errors : ndarray, shape (n_labelings,)
        Squared error of the chosen penalty, summed over the inner test rows.
    decisions, labels : ndarray, shape (n_inner_test, n_calibrated)
        Of the first labelings: centred decisions on rows that the inner model had not seen, and their classes.
    """

    penalties: IntArray
    errors: FloatArray
    decisions: FloatArray
    labels: FloatArray


@dataclass(frozen=True)
class FoldOutcome:
    """What one outer fold says; columns are labelings, the first is the one seen.

    Parameters
    ----------
    decisions : ndarray, shape (n_test, n_labelings)
        Ridge predictions minus the middle of the training classes; 0 where a labeling trained on one class only. Of
        several views, their decisions put together.
    labels : ndarray, shape (n_test, n_labelings)
        1, -1, or 0 = left out.
    train_balanced_accuracy : float
        Of the labeling seen.
    sigmoid : Sigmoid
        Of the labeling seen, fitted inside the training rows.
    shares : ndarray, shape (n_views,)
        What part of the decision's spread comes from each view under the labeling seen.
    """

    decisions: FloatArray
    labels: FloatArray
    train_balanced_accuracy: float
    sigmoid: Sigmoid
    shares: FloatArray


@dataclass(frozen=True)
class _ViewFold:
    """One view's part of a fold; ``fitted`` are the decisions on the training rows under the labeling seen."""

    decisions: FloatArray
    fitted: FloatArray
    inner: InnerChoice


def run_fold(problem: Problem, fold: Fold, labels: FloatArray) -> FoldOutcome:
    """Choose penalties on inner folds, fit on the training rows and decide on the test rows, for all labelings.

    Parameters
    ----------
    labels : ndarray, shape (n_presented, n_labelings)
        1, -1, or 0 = left out, for kept rows; others are not looked at.
    """
    targets, is_one_class = _trainable(labels[fold.train])
    # Fused views are calibrated under every labeling; otherwise only the labeling seen wants probabilities.
    n_calibrated = labels.shape[1] if problem.views and problem.combines == "fused" else 1
    parts = [_run_view(p, fold, labels, targets, n_calibrated) for p in problems_of(problem)]
    shares = shares_of([ViewSummary(p.inner.errors, p.inner.decisions, p.inner.labels) for p in parts], problem)
    decisions = combine([p.decisions for p in parts], shares)
    decisions[:, is_one_class] = 0.0
    train_score = 0.5
    if not is_one_class[0]:
        fitted = combine([p.fitted for p in parts], shares[:, :1])
        train_score = float(count_recalls(fitted, targets[:, :1]).balanced_accuracy[0])
    inner = combine([p.inner.decisions[:, :1] for p in parts], shares[:, :1])
    sigmoid = fit_sigmoid(inner[:, 0], parts[0].inner.labels[:, 0])
    counts = contributions([p.inner.decisions[:, 0] for p in parts], shares[:, 0])
    return FoldOutcome(decisions, labels[fold.test], train_score, sigmoid, counts)


def problems_of(problem: Problem) -> tuple[Problem, ...]:
    """Return the problem of every view; without views the problem itself."""
    return tuple(problem_of_view(problem, view) for view in problem.views) or (problem,)


def _run_view(problem: Problem, fold: Fold, labels: FloatArray, targets: FloatArray, n_calibrated: int) -> _ViewFold:
    grid = penalties_for(problem.features.shape[1])
    inner = choose_inside(problem, fold.train, labels, n_calibrated)
    prepared = prepare(problem, fold.train, fold.test)
    ridge = factorise(prepared.train, prepared.test)
    decisions = np.empty((len(fold.test), labels.shape[1]))
    seen = np.empty((len(fold.train), 1))
    for k in np.unique(inner.penalties):
        columns = np.flatnonzero(inner.penalties == k)
        own = targets[:, columns]
        fitted, predicted = _fit(ridge, own, grid[k])
        centre = class_centre(fitted, own)
        decisions[:, columns] = predicted - centre
        if columns[0] == 0:
            seen = (fitted - centre)[:, :1]
    return _ViewFold(decisions, seen, inner)


def choose_inside(problem: Problem, train: IntArray, labels: FloatArray, n_calibrated: int = 1) -> InnerChoice:
    """Choose the penalty of one view by inner folds of some training rows, for every labeling."""
    grid = penalties_for(problem.features.shape[1])
    inner = decompose_inner(problem, train)
    errors = inner_errors(inner, labels, grid)
    # The strongest penalty comes first and wins ties.
    chosen: IntArray = np.argmin(errors, axis=0)
    decisions, truths = _decide_inside(inner, labels[:, :n_calibrated], grid, chosen[:n_calibrated])
    return InnerChoice(chosen, np.min(errors, axis=0), decisions, truths)


def decompose_inner(problem: Problem, train: IntArray) -> tuple[InnerFold, ...]:
    """Prepare and decompose every inner fold of some training rows."""
    inner: list[InnerFold] = []
    for fold in inner_folds(problem, train):
        prepared = prepare(problem, fold.train, fold.test)
        inner.append(InnerFold(fold, factorise(prepared.train, prepared.test)))
    return tuple(inner)


def inner_errors(inner: Sequence[InnerFold], labels: FloatArray, grid: Sequence[float]) -> FloatArray:
    """Return the squared error on the inner folds, shape (n_penalties, n_labelings).

    Squared error on targets of 1 and -1, because it is smooth where the AUC of a handful of trials is not.
    """
    errors = np.zeros((len(grid), labels.shape[1]))
    for part in inner:
        truth = labels[part.fold.test]
        is_used = truth != 0
        targets, _ = _trainable(labels[part.fold.train])
        is_out: BoolArray = targets == 0
        for k, penalty in enumerate(grid):
            # Without a left-out trial the dual matrix is not needed.
            completed = complete(part.ridge.dual(penalty), targets, is_out) if is_out.any() else targets
            predicted = part.ridge.smoother(penalty) @ completed
            errors[k] += np.where(is_used, (predicted - truth) ** 2, 0.0).sum(axis=0)
    return errors


def _decide_inside(
    inner: Sequence[InnerFold], labels: FloatArray, grid: Sequence[float], chosen: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return out-of-fold decisions and classes of the inner folds, each of shape (n_inner_test, n_labelings).

    The class is 0 where a labeling trained on one class only.
    """
    decisions: list[FloatArray] = [np.empty((0, labels.shape[1]))]
    truths: list[FloatArray] = [np.empty((0, labels.shape[1]))]
    for part in inner:
        targets, is_one_class = _trainable(labels[part.fold.train])
        values = np.empty((len(part.fold.test), labels.shape[1]))
        for k in np.unique(chosen):
            columns = np.flatnonzero(chosen == k)
            fitted, predicted = _fit(part.ridge, targets[:, columns], grid[k])
            values[:, columns] = predicted - class_centre(fitted, targets[:, columns])
        decisions.append(values)
        truths.append(np.where(is_one_class, 0.0, labels[part.fold.test]))
    return np.concatenate(decisions), np.concatenate(truths)


def _fit(ridge: RidgeFold, targets: FloatArray, penalty: float) -> tuple[FloatArray, FloatArray]:
    """Return predictions of training and test rows."""
    dual = ridge.dual(penalty)
    completed = complete(dual, targets, targets == 0)
    return completed - penalty * (dual @ completed), ridge.smoother(penalty) @ completed


def _trainable(labels: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return targets and which labelings hold one class only; these get constant targets, so that they predict it."""
    is_one_class = np.logical_not(np.any(labels > 0, axis=0) & np.any(labels < 0, axis=0)).astype(np.bool_)
    return np.where(is_one_class, 1.0, labels), is_one_class
