"""The validation's pipeline with scikit-learn's estimators, refitted fold by fold: the oracle of the batched one."""

import numpy as np
from sklearn.calibration import _SigmoidCalibration
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from veridical.domain.arrays import FloatArray, IntArray
from veridical.learning.problem import Problem
from veridical.learning.ridge import penalties_for
from veridical.learning.splits import inner_folds, outer_folds


def problem_of(n: int, n_features: int, *, midpoints: bool, drops: bool, seed: int, detrends: bool) -> Problem:
    """Draw a problem with a weak effect, repeats, and, if asked, midpoint ratings, gaps and dropped trials."""
    rng = np.random.default_rng(seed)
    ratings = rng.integers(1, 8, n).astype(float)
    if not midpoints:
        ratings[ratings == 4] = 6
    features = rng.standard_normal((n, n_features)) * rng.uniform(1e-6, 1e3, n_features)
    features[:, :3] += 0.8 * features[:, :3].std(axis=0) * np.sign(ratings - 4)[:, None]
    kept = np.ones(n, dtype=bool)
    if drops:
        kept[rng.choice(n, 5, replace=False)] = False
        ratings[rng.choice(n, 3, replace=False)] = np.nan
        features[~kept] = np.nan
    groups = np.arange(n)
    groups[-4:] = groups[5:9]
    onsets = np.cumsum(rng.uniform(6, 14, n))
    return Problem(features, ratings, kept, 4.0, "midpoint", groups, onsets, np.zeros(n, dtype=int), detrends=detrends)


class Reference:
    """The same pipeline with scikit-learn's estimators, one fit at a time."""

    def __init__(self, problem: Problem, labels: FloatArray) -> None:
        self._problem, self._labels = problem, labels
        index = np.linspace(-1.0, 1.0, problem.n_presented)
        columns = [index, index**2] if problem.detrends else []
        if problem.nuisance is not None:
            columns += list(problem.nuisance.T)
        self._design = np.column_stack(columns) if columns else None
        self._features = np.nan_to_num(problem.features)

    def _prepare(self, train: IntArray, test: IntArray) -> tuple[FloatArray, FloatArray]:
        # Robust standard deviations from the training rows' quartiles; four of them either way count.
        low, middle, high = (np.sort(self._features[train], axis=0)[q * len(train) // 4] for q in (1, 2, 3))
        reach = 4 * (high - low) / 1.349
        x_train, x_test = (np.clip(self._features[rows], middle - reach, middle + reach) for rows in (train, test))
        if self._design is not None:
            trend = LinearRegression().fit(self._design[train], x_train)
            x_train = x_train - trend.predict(self._design[train])
            x_test = x_test - trend.predict(self._design[test])
        scaler = StandardScaler().fit(x_train)
        return scaler.transform(x_train), scaler.transform(x_test)

    def _fit(self, prepared: FloatArray, train: IntArray, alpha: float) -> Ridge:
        labelled = self._labels[train] != 0
        return Ridge(alpha=alpha).fit(prepared[labelled], self._labels[train][labelled])

    def choose(self, train: IntArray) -> tuple[float, float]:
        """Return the penalty with the least inner squared error, and that error."""
        grid = penalties_for(self._features.shape[1])
        errors = np.zeros(len(grid))
        for inner in inner_folds(self._problem, train):
            x_train, x_test = self._prepare(inner.train, inner.test)
            truth = self._labels[inner.test]
            for k, alpha in enumerate(grid):
                predicted = self._fit(x_train, inner.train, alpha).predict(x_test)
                errors[k] += ((predicted - truth) ** 2)[truth != 0].sum()
        return grid[int(np.argmin(errors))], float(errors.min())

    def decide(self, train: IntArray, test: IntArray, alpha: float) -> FloatArray:
        """Return decisions on test rows, centred between the training classes."""
        x_train, x_test = self._prepare(train, test)
        ridge = self._fit(x_train, train, alpha)
        fitted, own = ridge.predict(x_train), self._labels[train]
        decisions: FloatArray = ridge.predict(x_test) - (fitted[own == 1].mean() + fitted[own == -1].mean()) / 2
        return decisions

    def slope(self, train: IntArray, alpha: float) -> float:
        """Return the slope of Platt's sigmoid on inner out-of-fold decisions; 0 where they say the contrary."""
        inner = inner_folds(self._problem, train)
        decisions = np.concatenate([self.decide(f.train, f.test, alpha) for f in inner])
        truth = np.concatenate([self._labels[f.test] for f in inner])
        sigmoid = _SigmoidCalibration().fit(decisions[truth != 0], truth[truth != 0] > 0)
        # scikit-learn's sigmoid is 1 / (1 + exp(a * decision + b)).
        return max(0.0, -float(sigmoid.a_))

    def scores(self) -> tuple[float, float, FloatArray]:
        """Return fold-wise AUC, balanced accuracy and decision values."""
        decisions = np.full(len(self._labels), np.nan)
        for fold in outer_folds(self._problem):
            decisions[fold.test] = self.decide(fold.train, fold.test, self.choose(fold.train)[0])
        return *scores_of(self._problem, self._labels, decisions), decisions


def scores_of(problem: Problem, labels: FloatArray, decisions: FloatArray) -> tuple[float, float]:
    """Return fold-wise AUC and balanced accuracy."""
    aucs, weights = [], []
    for fold in outer_folds(problem):
        rows = fold.test[labels[fold.test] != 0]
        if len(set(labels[rows])) == 2:
            aucs.append(roc_auc_score(labels[rows], decisions[rows]))
            weights.append((labels[rows] == 1).sum() * (labels[rows] == -1).sum())
    tested = np.isfinite(decisions) & (labels != 0)
    accuracy = balanced_accuracy_score(labels[tested], np.where(decisions[tested] > 0, 1.0, -1.0))
    return float(np.average(aucs, weights=weights)), float(accuracy)


def labels_of(problem: Problem, order: IntArray) -> FloatArray:
    """Split permuted ratings at the midpoint; 0 where left out or dropped."""
    signs = np.nan_to_num(np.sign(problem.ratings[order] - problem.midpoint))
    labels: FloatArray = np.where(problem.kept, signs, 0.0)
    return labels
