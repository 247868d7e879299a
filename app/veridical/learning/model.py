"""The final model: fitted on every labelled trial, scored only by its validation."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Validation
from veridical.learning.calibration import Sigmoid, fit_sigmoid
from veridical.learning.combining import ViewSummary, shares_of
from veridical.learning.completion import complete
from veridical.learning.confounds import fit_regression
from veridical.learning.engine import summarise_view, targets_from_labels
from veridical.learning.inner import choose_inside, problems_of
from veridical.learning.labels import split_labels
from veridical.learning.patterns import activation_pattern
from veridical.learning.problem import Problem, check_classes, check_problem, with_filled_rows
from veridical.learning.ridge import factorise, penalties_for
from veridical.learning.scores import class_centre


@dataclass(frozen=True)
class LinearModel:
    """A linear decision on raw features.

    Parameters
    ----------
    weights, pattern : ndarray, shape (n_features,)
        Decision per feature unit; Haufe pattern in feature units per unit of decision.
    bias : float
    penalty : float
        Ridge penalty on standardised features, scikit-learn's ``alpha``; of several views that of the one which
        counts most.
    sigmoid : Sigmoid
        Probability of the upper class.
    threshold : float
        Rating that split the classes (the midpoint, or the median of all rated trials).
    limits : tuple of ndarray, shape (n_features,)
        Smallest and largest value that counts of each feature, as in training.
    """

    weights: FloatArray
    pattern: FloatArray
    bias: float
    penalty: float
    sigmoid: Sigmoid
    threshold: float
    limits: tuple[FloatArray, FloatArray]

    def decide(self, features: FloatArray) -> FloatArray:
        """Return decision values, above 0 for the upper class; features have shape (n_trials, n_features).

        Raises
        ------
        AnalysisError
            If the number of features differs.
        """
        if features.ndim != 2 or features.shape[1] != len(self.weights):
            raise AnalysisError(
                f"The model was trained on {len(self.weights)} features and these data have the shape "
                f"{features.shape}; extract the same features."
            )
        decisions: FloatArray = np.clip(features, *self.limits) @ self.weights + self.bias
        return decisions

    def probabilities(self, features: FloatArray) -> FloatArray:
        """Return the calibrated probability of the upper class, shape (n_trials,)."""
        return self.sigmoid.probabilities(self.decide(features))


def fit_model(problem: Problem, validation: Validation) -> LinearModel:
    """Fit ridge on every labelled trial of a problem that was validated; of several views, each and then their shares.

    Trend and confounds are regressed out of the training features, as in the folds; a new trial is decided on its
    raw features, because neither is known of a later session. The sigmoid comes from the validation's out-of-fold
    decisions, since decisions on training trials are too sure of themselves.

    Raises
    ------
    AnalysisError
        As ``validate_problem``.
    """
    check_problem(problem)
    problem = with_filled_rows(problem)
    rows = np.flatnonzero(problem.kept)
    ratings = np.asarray(problem.ratings, dtype=float)[:, None]
    labels = split_labels(ratings, rows, problem.label_rule, problem.midpoint, problem.dead_zone)
    threshold = problem.midpoint if problem.label_rule == "midpoint" else float(np.nanmedian(ratings[rows]))
    check_classes(problem, np.where(problem.kept, labels[:, 0], 0.0))
    parts = [_fit_view(part, rows, labels) for part in problems_of(problem)]
    shares = shares_of([part.summary for part in parts], problem)[:, 0]
    n_features = problem.features.shape[1]
    weights, low, high = np.zeros(n_features), np.full(n_features, -np.inf), np.full(n_features, np.inf)
    places = [view.columns for view in problem.views] or [np.arange(n_features)]
    for part, columns, share in zip(parts, places, shares, strict=True):
        weights[columns] += share * part.weights
        low[columns], high[columns] = part.limits
    tested = np.isfinite(validation.predictions)
    return LinearModel(
        weights=weights,
        pattern=activation_pattern(np.clip(problem.features[rows], low, high), weights),
        bias=float(sum(share * part.bias for part, share in zip(parts, shares, strict=True))),
        penalty=parts[int(np.argmax(shares))].penalty,
        sigmoid=fit_sigmoid(validation.predictions[tested], validation.labels[tested].astype(float)),
        threshold=threshold,
        limits=(low, high),
    )


@dataclass(frozen=True)
class _ViewModel:
    """One view's decision on its own columns; arrays of shape (n_columns,)."""

    weights: FloatArray
    bias: float
    penalty: float
    limits: tuple[FloatArray, FloatArray]
    summary: ViewSummary


def _fit_view(problem: Problem, rows: IntArray, labels: FloatArray) -> _ViewModel:
    targets = labels[rows]
    choice = choose_inside(problem, rows, targets_from_labels(labels))
    penalty = penalties_for(problem.features.shape[1])[int(choice.penalties[0])]
    regression = fit_regression(problem, rows)
    scaled = regression.apply(problem, rows)
    dual = factorise(scaled, scaled[:0]).dual(penalty)
    completed = complete(dual, targets, targets == 0)
    weights = (scaled.T @ (dual @ completed))[:, 0] / regression.scale
    centre = class_centre(completed - penalty * (dual @ completed), targets)[0]
    mean = np.clip(problem.features[rows], *regression.limits).mean(axis=0)
    # On standardised features the ridge intercept is the mean target; raw features are centred by hand instead.
    bias = float(completed.mean() - centre - mean @ weights)
    return _ViewModel(weights, bias, penalty, regression.limits, summarise_view(problem, choice, labels))
