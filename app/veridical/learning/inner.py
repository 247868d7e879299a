"""Ridge under every labeling on given rows, and the inner folds that choose its penalty."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.evaluation import Fold
from veridical.learning.completion import complete
from veridical.learning.confounds import prepare
from veridical.learning.problem import Problem, problem_of_view
from veridical.learning.ridge import RidgeFold, factorise, penalties_for
from veridical.learning.splits import inner_folds


@dataclass(frozen=True)
class Targets:
    """What training rows are fitted to; columns are labelings.

    Parameters
    ----------
    values : ndarray, shape (n_train, n_labelings)
        0 in rows left out.
    is_out : ndarray of bool, shape (n_train, n_labelings)
    is_constant : ndarray of bool, shape (n_labelings,)
        All rows say the same, so there is nothing to learn; no row of such a column is out, and it predicts itself.
    """

    values: FloatArray
    is_out: BoolArray
    is_constant: BoolArray


def targets_of(values: FloatArray) -> Targets:
    """Read targets, shape (n_train, n_labelings), of which NaN are left out."""
    is_out: BoolArray = np.isnan(values)
    low = np.where(is_out, np.inf, values).min(axis=0)
    high = np.where(is_out, -np.inf, values).max(axis=0)
    is_constant: BoolArray = np.logical_not(low < high)
    only = np.where(np.isfinite(low), low, 0.0)
    filled = np.where(is_constant, only, np.where(is_out, 0.0, values))
    return Targets(filled, is_out & ~is_constant, is_constant)


@dataclass(frozen=True)
class InnerFold:
    """An inner fold with its decomposed features, good for every penalty and labeling."""

    fold: Fold
    ridge: RidgeFold


@dataclass(frozen=True)
class Prediction:
    """Predictions of a fold's test rows by its training rows, for every labeling.

    Parameters
    ----------
    test : ndarray of int, shape (n_test,)
    targets : Targets
        Of the training rows.
    fitted, predicted : ndarray, shapes (n_train, n_labelings) and (n_test, n_labelings)
    """

    test: IntArray
    targets: Targets
    fitted: FloatArray
    predicted: FloatArray


@dataclass(frozen=True)
class Choice:
    """A penalty for every labeling, by inner folds.

    Parameters
    ----------
    penalties : ndarray of int, shape (n_labelings,)
        Places in ``penalties_for``'s grid.
    errors : ndarray, shape (n_labelings,)
        Squared error of the chosen penalty, summed over the inner test rows.
    inner : tuple of InnerFold
    """

    penalties: IntArray
    errors: FloatArray
    inner: tuple[InnerFold, ...]


def problems_of(problem: Problem) -> tuple[Problem, ...]:
    """Return the problem of every view; without views the problem itself."""
    return tuple(problem_of_view(problem, view) for view in problem.views) or (problem,)


def choose_inside(problem: Problem, train: IntArray, values: FloatArray) -> Choice:
    """Choose the penalty with the least squared error on inner folds of some training rows, for every labeling.

    Of classes, too, because squared error on targets of 1 and -1 is smooth where the AUC of a handful of trials is
    not. The strongest penalty wins ties.

    Parameters
    ----------
    values : ndarray, shape (n_presented, n_labelings)
        Targets; NaN are left out.
    """
    grid = penalties_for(problem.features.shape[1])
    inner = tuple(_decompose(problem, fold) for fold in inner_folds(problem, train))
    errors = np.zeros((len(grid), values.shape[1]))
    for part in inner:
        truth = values[part.fold.test]
        is_known = ~np.isnan(truth)
        known = np.where(is_known, truth, 0.0)
        targets = targets_of(values[part.fold.train])
        has_gaps = bool(targets.is_out.any())
        for k, penalty in enumerate(grid):
            # Without a gap the dual matrix is not needed.
            dual = part.ridge.dual(penalty) if has_gaps else np.empty((0, 0))
            completed = complete(dual, targets.values, targets.is_out) if has_gaps else targets.values
            missed = (part.ridge.smoother(penalty) @ completed - known) * is_known
            errors[k] += np.einsum("ij,ij->j", missed, missed)
    chosen: IntArray = np.argmin(errors, axis=0)
    return Choice(chosen, np.min(errors, axis=0), inner)


def predict_inside(choice: Choice, problem: Problem, values: FloatArray, n_labelings: int) -> Iterator[Prediction]:
    """Predict the inner folds' test rows by the chosen penalties, for the first labelings."""
    for part in choice.inner:
        targets = targets_of(values[part.fold.train, :n_labelings])
        yield _predict(problem, part, targets, choice.penalties[:n_labelings])


def predict(problem: Problem, fold: Fold, values: FloatArray, choice: Choice) -> Prediction:
    """Fit the training rows by the chosen penalties and predict the test rows."""
    return _predict(problem, _decompose(problem, fold), targets_of(values[fold.train]), choice.penalties)


def _decompose(problem: Problem, fold: Fold) -> InnerFold:
    prepared = prepare(problem, fold.train, fold.test)
    return InnerFold(fold, factorise(prepared.train, prepared.test))


def _predict(problem: Problem, part: InnerFold, targets: Targets, penalties: IntArray) -> Prediction:
    grid = penalties_for(problem.features.shape[1])
    fitted, predicted = np.empty(targets.values.shape), np.empty((len(part.fold.test), targets.values.shape[1]))
    for k in np.unique(penalties):
        columns = np.flatnonzero(penalties == k)
        dual = part.ridge.dual(grid[k])
        completed = complete(dual, targets.values[:, columns], targets.is_out[:, columns])
        fitted[:, columns] = completed - grid[k] * (dual @ completed)
        predicted[:, columns] = part.ridge.smoother(grid[k]) @ completed
    return Prediction(part.fold.test, targets, fitted, predicted)
