"""Evoked covariance: xDAWN filters of either class, covariances, tangent space, ridge - for many labelings at once.

The filters and templates see the labels, so every labeling refits them (Barachant & Congedo 2014, "A plug&play P300 BCI
using information geometry"; Rivet et al. 2009 for xDAWN). What no label touches - whitening, limits, trend - is
computed once for a fold.
"""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.evaluation import Fold
from veridical.learning.confounds import design_of, winsor_limits
from veridical.learning.problem import Problem
from veridical.learning.scores import class_centre, round_ties

# Filters for each class (METHODS 4).
N_FILTERS = 2
# Ridge penalties per feature, strongest first; chosen inside the training rows by leave-one-out, in closed form.
_PENALTIES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
# Directions of the sensors with less than this share of the strongest one's power are rounding, not signal.
_RANK = 1e-8
_MEAN_STEPS = 12
_MEAN_TOLERANCE = 1e-4


@dataclass(frozen=True)
class CovarianceFold:
    """What of a fold no label touches.

    Parameters
    ----------
    train, test : ndarray, shape (n_trials, n_channels, n_times)
        Whitened epochs.
    residuals : tuple of ndarray
        Matrices that take trend and confounds out of training features, and of test features given training ones:
        shapes (n_train, n_train) and (n_test, n_train).
    """

    train: FloatArray
    test: FloatArray
    residuals: tuple[FloatArray, FloatArray]


def prepare_fold(problem: Problem, fold: Fold, n_channels: int) -> CovarianceFold:
    """Limit outliers, whiten, and prepare the regression of the trend on the training rows.

    Parameters
    ----------
    problem : Problem
        Features are evoked samples, channel by channel.
    """
    limits = winsor_limits(problem.features[fold.train])
    seen = np.clip(problem.features[fold.train], *limits).reshape(len(fold.train), n_channels, -1)
    new = np.clip(problem.features[fold.test], *limits).reshape(len(fold.test), n_channels, -1)
    power = np.einsum("nct,ndt->cd", seen, seen) / (seen.shape[0] * seen.shape[2])
    values, vectors = np.linalg.eigh(power)
    use = values > _RANK * values[-1]
    whiten = (vectors[:, use] / np.sqrt(values[use])).T
    design = design_of(problem, fold.train)
    inverse = np.linalg.pinv(design[fold.train], rcond=1e-10)
    fitted = np.eye(len(fold.train)) - design[fold.train] @ inverse
    return CovarianceFold(whiten @ seen, whiten @ new, (fitted, design[fold.test] @ inverse))


@dataclass(frozen=True)
class CovarianceOutcome:
    """Decisions of one fold; columns are labelings.

    Parameters
    ----------
    decisions : ndarray, shape (n_test, n_labelings)
        0 where a labeling trained on one class only.
    fitted, left_out : ndarray, shape (n_train, n_labelings)
        Decisions on the training rows, and those of leave-one-out.
    penalties : ndarray, shape (n_labelings,)
    """

    decisions: FloatArray
    fitted: FloatArray
    left_out: FloatArray
    penalties: FloatArray


def run_labelings(prepared: CovarianceFold, labels: FloatArray) -> CovarianceOutcome:
    """Fit and decide for every labeling.

    Parameters
    ----------
    labels : ndarray, shape (n_train, n_labelings)
        1, -1, or 0 = left out.
    """
    low, high = labels < 0, labels > 0
    is_one_class = ~(low.any(axis=0) & high.any(axis=0))
    # Labelings of one class get any second class, so that the shapes hold; their decisions are not looked at.
    high = np.where(is_one_class, np.arange(len(labels))[:, None] % 2 == 0, high)
    low = np.where(is_one_class, ~high, low)
    filters, templates = _xdawn(prepared.train, low, high)
    seen, new = (_covariances(filters, templates, epochs) for epochs in (prepared.train, prepared.test))
    is_used = low | high
    reference = _riemannian_mean(seen, is_used.T)
    x_train, x_test = _tangent(seen, reference), _tangent(new, reference)
    fit, predict = prepared.residuals
    # The trend is taken out of test features with the coefficients of the training rows.
    x_test = x_test - predict @ x_train
    x_train = fit @ x_train
    targets = np.where(high, 1.0, np.where(low, -1.0, 0.0))
    outcome = _ridge(x_train, x_test, targets.T, is_used.T)
    decisions = np.where(is_one_class, 0.0, outcome.decisions)
    return CovarianceOutcome(decisions, outcome.fitted, outcome.left_out, outcome.penalties)


def _xdawn(epochs: FloatArray, low: BoolArray, high: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Filters (n_labelings, 2 * N_FILTERS, n_channels) and templates (..., n_times) of both classes.

    On whitened epochs the filters are the strongest directions of the class mean.
    """
    flat = epochs.reshape(len(epochs), -1)
    filters: list[FloatArray] = []
    templates: list[FloatArray] = []
    n_filters = min(N_FILTERS, epochs.shape[1])
    for members in (low, high):
        share = members / np.maximum(members.sum(axis=0), 1)
        mean = (share.T @ flat).reshape(-1, *epochs.shape[1:])
        vectors = np.linalg.eigh(mean @ np.swapaxes(mean, 1, 2))[1]
        own = np.swapaxes(vectors[:, :, ::-1][:, :, :n_filters], 1, 2)
        filters.append(own)
        templates.append(own @ mean)
    return np.concatenate(filters, axis=1), np.concatenate(templates, axis=1)


def _covariances(filters: FloatArray, templates: FloatArray, epochs: FloatArray) -> FloatArray:
    """Second moments of templates and filtered epochs, shrunken (OAS; Chen et al. 2010).

    Returns
    -------
    ndarray, shape (n_labelings, n_trials, p, p)
        Not centred over time: with a baseline taken off, the level of a slow wave is signal.
    """
    n_labelings, k, n_times = templates.shape
    n_trials = len(epochs)
    filtered = (filters.reshape(-1, filters.shape[2]) @ epochs).reshape(n_trials, n_labelings, k, n_times)
    filtered = np.swapaxes(filtered, 0, 1)
    own = np.broadcast_to(templates[:, None], filtered.shape)
    stacked = np.concatenate([own, filtered], axis=2)
    moments: FloatArray = stacked @ np.swapaxes(stacked, 2, 3) / n_times
    p = 2 * k
    mean_square = (moments**2).mean(axis=(2, 3))
    level = np.trace(moments, axis1=2, axis2=3) / p
    spread = (n_times + 1) * (mean_square - level**2 / p)
    share = np.where(spread > 0, np.minimum(1.0, (mean_square + level**2) / np.maximum(spread, 1e-300)), 1.0)
    shrunken: FloatArray = (1 - share)[:, :, None, None] * moments
    shrunken += (share * level)[:, :, None, None] * np.eye(p)
    return shrunken


def _riemannian_mean(matrices: FloatArray, is_used: BoolArray) -> FloatArray:
    """Affine-invariant mean over the used trials (Moakher 2005), shape (n_labelings, p, p)."""
    weight = is_used / np.maximum(is_used.sum(axis=1, keepdims=True), 1)
    mean: FloatArray = np.einsum("bn,bnij->bij", weight, matrices)
    for _ in range(_MEAN_STEPS):
        root, inverse = _roots(mean)
        inner = _log(inverse[:, None] @ matrices @ inverse[:, None])
        step = np.einsum("bn,bnij->bij", weight, inner)
        mean = root @ _exp(step) @ root
        if float(np.abs(step).max()) < _MEAN_TOLERANCE:
            break
    return mean


def _tangent(matrices: FloatArray, reference: FloatArray) -> FloatArray:
    """Tangent vectors at the reference, shape (n_labelings, n_trials, p (p + 1) / 2)."""
    inverse = _roots(reference)[1]
    logs = _log(inverse[:, None] @ matrices @ inverse[:, None])
    rows, columns = np.triu_indices(matrices.shape[-1])
    vectors: FloatArray = logs[:, :, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))
    return vectors


def _roots(matrices: FloatArray) -> tuple[FloatArray, FloatArray]:
    values, vectors = np.linalg.eigh(matrices)
    values = np.maximum(values, 1e-12)
    turned = np.swapaxes(vectors, -1, -2)
    roots = np.sqrt(values)[..., None, :]
    return (vectors * roots) @ turned, (vectors / roots) @ turned


def _log(matrices: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrices)
    logs: FloatArray = (vectors * np.log(np.maximum(values, 1e-12))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return logs


def _exp(matrices: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrices)
    powers: FloatArray = (vectors * np.exp(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return powers


def _ridge(x_train: FloatArray, x_test: FloatArray, targets: FloatArray, is_used: BoolArray) -> CovarianceOutcome:
    """Ridge with the penalty of the least leave-one-out error among the used rows, for every labeling.

    Parameters
    ----------
    x_train, x_test : ndarray, shape (n_labelings, n_trials, n_features)
    targets, is_used : ndarray, shape (n_labelings, n_train)
    """
    weight = is_used.astype(float)
    n_used = weight.sum(axis=1)
    mean = np.einsum("bn,bnf->bf", weight, x_train) / n_used[:, None]
    centred = x_train - mean[:, None]
    scale = np.sqrt(np.einsum("bn,bnf->bf", weight, centred**2) / n_used[:, None])
    scale[scale <= 1e-12] = np.inf
    centred /= scale[:, None]
    new = (x_test - mean[:, None]) / scale[:, None]
    used = centred * weight[:, :, None]
    level = (targets * weight).sum(axis=1) / n_used
    values, vectors = np.linalg.eigh(np.swapaxes(used, 1, 2) @ used)
    values = np.maximum(values, 0.0)
    turned, turned_new = centred @ vectors, new @ vectors
    right = np.einsum("bnf,bn->bf", turned * weight[:, :, None], targets - level[:, None])
    best = np.full(len(targets), np.inf)
    chosen: dict[str, FloatArray] = {}
    for per_feature in _PENALTIES:
        inverse = 1.0 / (values + per_feature * x_train.shape[2])
        fitted = np.einsum("bnf,bf->bn", turned, inverse * right) + level[:, None]
        hat = np.einsum("bnf,bf->bn", turned**2, inverse) + 1.0 / n_used[:, None]
        # Without its own trial: what is known of the left-out prediction from one fit (Allen 1974).
        alone = targets - (targets - fitted) / np.maximum(1 - hat, 1e-6)
        error = (weight * (targets - alone) ** 2).sum(axis=1)
        is_better = error < best - 1e-12
        best = np.where(is_better, error, best)
        found = {
            "fitted": fitted.T,
            "alone": np.where(is_used, alone, fitted).T,
            "new": (np.einsum("bnf,bf->bn", turned_new, inverse * right) + level[:, None]).T,
            "penalty": np.full(len(targets), per_feature * x_train.shape[2]),
        }
        chosen = {k: np.where(is_better, v, chosen[k]) for k, v in found.items()} if chosen else found
    masked = np.where(is_used, targets, 0.0).T
    centre = class_centre(chosen["fitted"], masked)
    return CovarianceOutcome(
        round_ties(chosen["new"] - centre),
        round_ties(chosen["fitted"] - centre),
        round_ties(chosen["alone"] - centre),
        chosen["penalty"],
    )
