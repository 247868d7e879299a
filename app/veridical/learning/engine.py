"""One outer fold under every labeling: inner choice of the penalty, fit, decision values."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.evaluation import Fold
from veridical.learning.calibration import Sigmoid, fit_sigmoid
from veridical.learning.confounds import prepare
from veridical.learning.problem import Problem
from veridical.learning.ridge import complete, factorise, find_left_out, penalties_for
from veridical.learning.scores import class_centre, count_recalls, round_ties
from veridical.learning.splits import inner_folds


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
    """

    decisions: FloatArray
    labels: FloatArray
    penalties: FloatArray
    train_balanced_accuracy: float


def run_fold(problem: Problem, fold: Fold, labels: FloatArray) -> FoldOutcome:
    """Choose the penalty on inner folds, fit on the training rows and decide on the test rows, for all labelings.

    Parameters
    ----------
    labels : ndarray, shape (n_presented, n_labelings)
        1, -1, or 0 = left out, for kept rows; others are not looked at.
    """
    grid = penalties_for(problem.features.shape[1])
    chosen = choose_penalties(problem, fold.train, labels)
    prepared = prepare(problem, fold.train, fold.test)
    ridge = factorise(prepared.train, prepared.test)
    targets, is_one_class = _trainable(labels[fold.train])
    decisions = np.empty((len(fold.test), labels.shape[1]))
    train_score = 0.5
    for k in np.unique(chosen):
        columns = np.flatnonzero(chosen == k)
        own = targets[:, columns]
        dual = ridge.dual(grid[k])
        completed = complete(dual, own, find_left_out(own))
        fitted = completed - grid[k] * (dual @ completed)
        centre = class_centre(fitted, own)
        decisions[:, columns] = round_ties(ridge.smoother(grid[k]) @ completed - centre)
        if columns[0] == 0:
            train_score = float(count_recalls(round_ties(fitted - centre)[:, :1], own[:, :1]).balanced_accuracy[0])
    decisions[:, is_one_class] = 0.0
    if is_one_class[0]:
        train_score = 0.5
    return FoldOutcome(decisions, labels[fold.test], np.array(grid)[chosen], train_score)


def choose_penalties(problem: Problem, train: IntArray, labels: FloatArray) -> IntArray:
    """Return the index of the penalty with the least squared error on the inner folds, for every labeling."""
    grid = penalties_for(problem.features.shape[1])
    errors = np.zeros((len(grid), labels.shape[1]))
    for inner in inner_folds(problem, train):
        truth = labels[inner.test]
        is_used = truth != 0
        for k, predicted in enumerate(_predict(problem, inner, labels, grid)):
            errors[k] += np.where(is_used, (predicted - truth) ** 2, 0.0).sum(axis=0)
    # The strongest penalty comes first and wins ties.
    chosen: IntArray = np.argmin(errors, axis=0)
    return chosen


def calibrate(problem: Problem, train: IntArray, labels: FloatArray, penalty: float) -> Sigmoid:
    """Fit the sigmoid on inner out-of-fold decision values of one labeling, shape (n_presented,)."""
    values: list[FloatArray] = [np.empty(0)]
    truths: list[FloatArray] = [np.empty(0)]
    for inner in inner_folds(problem, train):
        targets, is_one_class = _trainable(labels[inner.train][:, None])
        if is_one_class[0]:
            continue
        prepared = prepare(problem, inner.train, inner.test)
        ridge = factorise(prepared.train, prepared.test)
        dual = ridge.dual(penalty)
        completed = complete(dual, targets, find_left_out(targets))
        centre = class_centre(completed - penalty * (dual @ completed), targets)
        values.append((ridge.smoother(penalty) @ completed - centre)[:, 0])
        truths.append(labels[inner.test])
    return fit_sigmoid(np.concatenate(values), np.concatenate(truths))


def _predict(problem: Problem, fold: Fold, labels: FloatArray, grid: tuple[float, ...]) -> list[FloatArray]:
    """Predict a fold's test rows with every penalty."""
    prepared = prepare(problem, fold.train, fold.test)
    ridge = factorise(prepared.train, prepared.test)
    targets, _ = _trainable(labels[fold.train])
    left_out = find_left_out(targets)
    if left_out.rows.shape[1] == 0:
        return [ridge.smoother(penalty) @ targets for penalty in grid]
    return [ridge.smoother(p) @ complete(ridge.dual(p), targets, left_out) for p in grid]


def _trainable(labels: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return targets and which labelings hold one class only; these get constant targets, so that they predict it."""
    is_one_class = np.logical_not(np.any(labels > 0, axis=0) & np.any(labels < 0, axis=0)).astype(np.bool_)
    return np.where(is_one_class, 1.0, labels), is_one_class
