"""Haufe patterns: what a linear model reads, in the features' own space."""

from collections.abc import Sequence

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.pattern import ModelPattern, NamedPattern, ScalpPattern

# The P1 and N1, the early posterior negativity, the P3 and the late positive potential (METHODS 4).
SCALP_WINDOWS_S = ((0.08, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))


def activation_pattern(features: FloatArray, weights: FloatArray) -> FloatArray:
    """Turn weights into an activation pattern (Haufe et al. 2014, "On the interpretation of weight vectors").

    A weight may be large only to cancel noise; the pattern says how a feature moves with the model's output.

    Parameters
    ----------
    features : ndarray, shape (n_trials, n_features)
    weights : ndarray, shape (n_features,)

    Returns
    -------
    ndarray, shape (n_features,)
        ``cov(features) @ weights / var(features @ weights)``, in feature units per unit of output; 0 for a model
        without output.
    """
    centred = features - features.mean(axis=0)
    output = centred @ weights
    power = float(output @ output)
    pattern: FloatArray = centred.T @ output / power if power > 0 else np.zeros(len(weights))
    return pattern


def read_pattern(
    features: FloatArray,
    decisions: FloatArray,
    names: Sequence[str],
    windows_s: Sequence[tuple[float, float]],
    is_used: Sequence[bool],
) -> ModelPattern:
    """Put an activation pattern into the form that people read: maps of evoked samples, correlations of the others.

    Parameters
    ----------
    features : ndarray, shape (n_trials, n_features)
        Of the trials learned from, outliers limited as in training.
    decisions : ndarray, shape (n_trials,)
        The model's, on these trials.
    names : sequence of str
        Of the columns; of an evoked sample "CHANNEL SECONDS s".
    windows_s : sequence of (float, float)
        An evoked sample's window has no length.
    is_used : sequence of bool
        Whether the model weighs the column at all.
    """
    spread = float(decisions.std())
    if spread == 0 or len(decisions) < 2:
        return ModelPattern()
    standard = (decisions - decisions.mean()) / spread
    # Covariance with the standardised decision: the pattern times the decision's standard deviation.
    moves = (features - features.mean(axis=0)).T @ standard / len(standard)
    sizes = features.std(axis=0)
    samples: dict[str, list[int]] = {}
    named: list[NamedPattern] = []
    for k, (name, (start_s, stop_s)) in enumerate(zip(names, windows_s, strict=True)):
        if not is_used[k]:
            continue
        if start_s == stop_s:
            samples.setdefault(name.rsplit(" ", 2)[0], []).append(k)
        else:
            named.append(NamedPattern(name, float(moves[k] / sizes[k]) if sizes[k] > 0 else 0.0))
    maps: list[ScalpPattern] = []
    last_s = max((windows_s[k][0] for columns in samples.values() for k in columns), default=0.0)
    for start_s, stop_s in SCALP_WINDOWS_S:
        # The last window may miss its last sample, one 64th of a second before its end.
        if stop_s > last_s + 0.02:
            break
        inside = {c: [k for k in columns if start_s <= windows_s[k][0] < stop_s] for c, columns in samples.items()}
        values = np.array([moves[columns].mean() for columns in inside.values()])
        maps.append(ScalpPattern(start_s, stop_s, tuple(inside), values))
    return ModelPattern(tuple(maps), tuple(sorted(named, key=lambda n: -abs(n.correlation))))
