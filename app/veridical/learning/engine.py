"""One outer fold of a classification under every labeling: inner choice, fit, decision values, views put together."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import Fold
from veridical.learning.calibration import Sigmoid, fit_sigmoid
from veridical.learning.combining import ViewSummary, combine, contributions, shares_of
from veridical.learning.inner import Choice, choose_inside, predict, predict_inside, problems_of
from veridical.learning.problem import Problem
from veridical.learning.scores import class_centre, count_recalls


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


def run_fold(problem: Problem, fold: Fold, labels: FloatArray) -> FoldOutcome:
    """Choose penalties on inner folds, fit on the training rows and decide on the test rows, for all labelings.

    Parameters
    ----------
    labels : ndarray, shape (n_presented, n_labelings)
        1, -1, or 0 = left out, for kept rows; others are not looked at.
    """
    targets = targets_from_labels(labels)
    # Fused views are calibrated under every labeling; otherwise only the labeling seen wants probabilities.
    n_calibrated = labels.shape[1] if problem.views and problem.combines == "fused" else 1
    summaries: list[ViewSummary] = []
    tested: list[FloatArray] = []
    fitted: list[FloatArray] = []
    is_one_class = np.zeros(labels.shape[1], dtype=bool)
    for own in problems_of(problem):
        choice = choose_inside(own, fold.train, targets)
        summaries.append(summarise_view(own, choice, labels, n_calibrated))
        found = predict(own, fold, targets, choice)
        centre = class_centre(found.fitted, labels[fold.train])
        tested.append(found.predicted - centre)
        fitted.append((found.fitted - centre)[:, :1])
        is_one_class = found.targets.is_constant
    shares = shares_of(summaries, problem)
    decisions = combine(tested, shares)
    decisions[:, is_one_class] = 0.0
    train_score = 0.5
    if not is_one_class[0]:
        recalls = count_recalls(combine(fitted, shares[:, :1]), labels[fold.train, :1])
        train_score = float(recalls.balanced_accuracy[0])
    inside = combine([s.decisions[:, :1] for s in summaries], shares[:, :1])
    sigmoid = fit_sigmoid(inside[:, 0], summaries[0].labels[:, 0])
    counts = contributions([s.decisions[:, 0] for s in summaries], shares[:, 0])
    return FoldOutcome(decisions, labels[fold.test], train_score, sigmoid, counts)


def targets_from_labels(labels: FloatArray) -> FloatArray:
    """Turn labels (1, -1, 0 = left out) into targets of least squares, NaN where left out."""
    targets: FloatArray = np.where(labels == 0, np.nan, labels)
    return targets


def summarise_view(problem: Problem, choice: Choice, labels: FloatArray, n_calibrated: int = 1) -> ViewSummary:
    """Return what the inner folds say of a view: errors, and out-of-fold decisions of the first labelings.

    An inner fold whose labeling trained on one class only decides nothing: its test rows count as left out.
    """
    targets = targets_from_labels(labels[:, :n_calibrated])
    decisions: list[FloatArray] = [np.empty((0, n_calibrated))]
    truths: list[FloatArray] = [np.empty((0, n_calibrated))]
    for part in predict_inside(choice, problem, targets, n_calibrated):
        trained = np.where(part.targets.is_out, 0.0, part.targets.values)
        decisions.append(part.predicted - class_centre(part.fitted, trained))
        truths.append(np.where(part.targets.is_constant, 0.0, labels[part.test, :n_calibrated]))
    return ViewSummary(choice.errors, np.concatenate(decisions), np.concatenate(truths))
