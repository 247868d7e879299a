"""Skin conductance, one row per trial."""

from collections.abc import Sequence

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.recording import Signal
from veridical.features import table
from veridical.features.table import FeatureDefinition
from veridical.features.timing import TrialTiming
from veridical.signals.epochs import cut_epochs
from veridical.signals.skin import find_responses

# Onset 1-4 s after the picture, peak up to 8 s (Boucsein 2012; METHODS 4).
_ONSET_S = (1.0, 4.0)
_LATEST_PEAK_S = 8.0


def eda_features(signal: Signal, timing: TrialTiming, wanted: Sequence[FeatureDefinition]) -> FloatArray:
    """Compute the wanted of SCR and SCL from the first EDA channel.

    Returns
    -------
    ndarray, shape (n_trials, n_wanted)
        NaN where samples are missing. A trial without a response has SCR 0.
    """
    conductance = signal.samples[0]
    n_before, hz = max(1, round(signal.sampling_hz)), signal.sampling_hz
    columns = []
    for definition in wanted:
        if definition == table.SCR:
            columns.append(_scr(conductance, signal, timing))
        else:
            before = cut_epochs(conductance[None, :], signal.timeline, timing.onsets_s, -n_before / hz, n_before)
            columns.append(before[:, 0].mean(axis=1))
    return np.stack(columns, axis=1) if columns else np.empty((len(timing.onsets_s), 0))


def _scr(conductance: FloatArray, signal: Signal, timing: TrialTiming) -> FloatArray:
    """log(1 + amplitude in uS) of the first response to each picture."""
    responses = find_responses(conductance, signal.timeline)
    sizes = np.full(len(timing.onsets_s), np.nan)
    for k, onset_s in enumerate(timing.onsets_s):
        span = signal.timeline.slice_within(onset_s, onset_s + _LATEST_PEAK_S)
        if span is not None and np.isfinite(conductance[span]).all():
            response = responses.first_in(float(onset_s), _ONSET_S, _LATEST_PEAK_S)
            sizes[k] = np.log1p(1e6 * response[1]) if response is not None else 0.0
    return sizes
