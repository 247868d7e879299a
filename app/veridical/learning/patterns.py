"""Haufe patterns: what a linear model reads, in the features' own space."""

import numpy as np

from veridical.domain.arrays import FloatArray


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
