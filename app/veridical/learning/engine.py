"""One outer fold under every labeling: inner choice of the penalty, fit, decision values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.evaluation import Fold
from veridical.learning.calibration import Sigmoid, fit_sigmoid
from veridical.learning.confounds import prepare
from veridical.learning.problem import Problem
from veridical.learning.ridge import RidgeFold, complete, factorise, find_left_out, penalties_for
from veridical.learning.scores import class_centre, count_recalls, round_ties
from veridical.learning.splits import inner_folds


@dataclass(frozen=True)
class InnerFold:
    """An inner fold with its decomposed features, good for every penalty and labeling."""

    fold: Fold
    ridge: RidgeFold


@dataclass(frozen=True)
class FoldOutcome:
    """What one outer fold says; columns are labelings, the first is the one seen.

    Parameters
    ----------
    decisions : ndarray, shape (n_test, n_labelings)
        Ridge predictions minus the middle of the training classes; 0 where a labeling trained on one class only.
    labels : ndarray, shape (n_test, n_labelings)
        1, -1, or 0 = left out.
    penalties : ndarray, shape (n_labelings,)
        Chosen by the inner folds.
    train_balanced_accuracy : float
        Of the labeling seen.
    sigmoid : Sigmoid
        Of the labeling seen, fitted inside the training rows.
    """

    decisions: FloatArray
    labels: FloatArray
    penalties: FloatArray
    train_balanced_accuracy: float
    sigmoid: Sigmoid


def run_fold(problem: Problem, fold: Fold, labels: FloatArray) -> FoldOutcome:
    """Choose the penalty on inner folds, fit on the training rows and decide on the test rows, for all labelings.

    Parameters
    ----------
    labels : ndarray, shape (n_presented, n_labelings)
        1, -1, or 0 = left out, for kept rows; others are not looked at.
    """
    grid = penalties_for(problem.features.shape[1])
    inner = decompose_inner(problem, fold.train)
    chosen = choose_penalties(inner, labels, grid)
    prepared = prepare(problem, fold.train, fold.test)
    ridge = factorise(prepared.train, prepared.test)
    targets, is_one_class = _trainable(labels[fold.train])
    decisions = np.empty((len(fold.test), labels.shape[1]))
    train_score = 0.5
    for k in np.unique(chosen):
        columns = np.flatnonzero(chosen == k)
        own = targets[:, columns]
        fitted, predicted = _fit(ridge, own, grid[k])
        centre = class_centre(fitted, own)
        decisions[:, columns] = round_ties(predicted - centre)
        if columns[0] == 0 and not is_one_class[0]:
            train_score = float(count_recalls(round_ties(fitted - centre)[:, :1], own[:, :1]).balanced_accuracy[0])
    decisions[:, is_one_class] = 0.0
    sigmoid = _calibrate(inner, labels[:, 0], grid[chosen[0]])
    return FoldOutcome(decisions, labels[fold.test], np.array(grid)[chosen], train_score, sigmoid)


def decompose_inner(problem: Problem, train: IntArray) -> tuple[InnerFold, ...]:
    """Prepare and decompose every inner fold of some training rows."""
    inner: list[InnerFold] = []
    for fold in inner_folds(problem, train):
        prepared = prepare(problem, fold.train, fold.test)
        inner.append(InnerFold(fold, factorise(prepared.train, prepared.test)))
    return tuple(inner)


def choose_penalties(inner: Sequence[InnerFold], labels: FloatArray, grid: Sequence[float]) -> IntArray:
    """Return the index of the penalty with the least squared error on the inner folds, for every labeling.

    Squared error on targets of 1 and -1, because it is smooth where the AUC of a handful of trials is not.
    """
    errors = np.zeros((len(grid), labels.shape[1]))
    for part in inner:
        truth = labels[part.fold.test]
        is_used = truth != 0
        targets, _ = _trainable(labels[part.fold.train])
        left_out = find_left_out(targets)
        for k, penalty in enumerate(grid):
            # Without a left-out trial the dual matrix is not needed.
            completed = complete(part.ridge.dual(penalty), targets, left_out) if left_out.rows.size else targets
            predicted = part.ridge.smoother(penalty) @ completed
            errors[k] += np.where(is_used, (predicted - truth) ** 2, 0.0).sum(axis=0)
    # The strongest penalty comes first and wins ties.
    chosen: IntArray = np.argmin(errors, axis=0)
    return chosen


def _calibrate(inner: Sequence[InnerFold], labels: FloatArray, penalty: float) -> Sigmoid:
    """Fit the sigmoid on inner out-of-fold decision values of one labeling, shape (n_presented,)."""
    values: list[FloatArray] = [np.empty(0)]
    truths: list[FloatArray] = [np.empty(0)]
    for part in inner:
        targets, is_one_class = _trainable(labels[part.fold.train][:, None])
        if is_one_class[0]:
            continue
        fitted, predicted = _fit(part.ridge, targets, penalty)
        values.append((predicted - class_centre(fitted, targets))[:, 0])
        truths.append(labels[part.fold.test])
    return fit_sigmoid(np.concatenate(values), np.concatenate(truths))


def _fit(ridge: RidgeFold, targets: FloatArray, penalty: float) -> tuple[FloatArray, FloatArray]:
    """Return predictions of training and test rows."""
    dual = ridge.dual(penalty)
    completed = complete(dual, targets, find_left_out(targets))
    return completed - penalty * (dual @ completed), ridge.smoother(penalty) @ completed


def _trainable(labels: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return targets and which labelings hold one class only; these get constant targets, so that they predict it."""
    is_one_class = np.logical_not(np.any(labels > 0, axis=0) & np.any(labels < 0, axis=0)).astype(np.bool_)
    return np.where(is_one_class, 1.0, labels), is_one_class
