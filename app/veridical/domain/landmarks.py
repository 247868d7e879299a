"""Where the heart beat and the skin responded, to be shown beside the signals."""

from dataclasses import dataclass, field

import numpy as np

from veridical.domain.arrays import FloatArray


def _none() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Places on the recording's time axis, ascending.

    Parameters
    ----------
    beats_s : ndarray, shape (n_beats,)
        R peaks; beats that were put where one had been missed are left out.
    intervals_s : ndarray, shape (n_beats,)
        RR interval that ends with each beat; NaN where it cannot be trusted.
    responses_s, peaks_s : ndarray, shape (n_responses,)
        Onset and peak of skin conductance responses.
    amplitudes_s : ndarray, shape (n_responses,)
        Siemens.
    """

    beats_s: FloatArray = field(default_factory=_none)
    intervals_s: FloatArray = field(default_factory=_none)
    responses_s: FloatArray = field(default_factory=_none)
    peaks_s: FloatArray = field(default_factory=_none)
    amplitudes_s: FloatArray = field(default_factory=_none)
