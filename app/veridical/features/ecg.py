"""Heart rate after picture onset, one row per trial."""

from collections.abc import Sequence

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.recording import Signal
from veridical.features import table
from veridical.features.table import FeatureDefinition
from veridical.features.timing import TrialTiming
from veridical.signals.heart import Beats, find_beats


def ecg_features(signal: Signal, timing: TrialTiming, wanted: Sequence[FeatureDefinition]) -> FloatArray:
    """Compute the wanted heart-rate changes from the first ECG channel.

    Returns
    -------
    ndarray, shape (n_trials, n_wanted)
        Beats per minute minus the trial's own second before onset; NaN where beats are missing or unclear.
    """
    return heart_rate_changes(find_beats(signal.samples[0], signal.timeline), timing.onsets_s, wanted)


def heart_rate_changes(beats: Beats, onsets_s: FloatArray, wanted: Sequence[FeatureDefinition]) -> FloatArray:
    """Compute heart-rate changes from beats; shape (n_trials, n_wanted), beats per minute."""
    baseline = beats.rate_in(onsets_s - 1.0, onsets_s)

    def change(k: int) -> FloatArray:
        start_s = onsets_s + k * table.HEART_BIN_S
        return beats.rate_in(start_s, start_s + table.HEART_BIN_S) - baseline

    columns = []
    for definition in wanted:
        first, last = (round(t / table.HEART_BIN_S) for t in definition.window_s)
        bins = np.stack([change(k) for k in range(first, last)])
        # Deceleration is the deepest bin, acceleration the highest; NaN in any bin stays NaN.
        columns.append(bins.min(axis=0) if definition == table.DECELERATION else bins.max(axis=0))
    return np.stack(columns, axis=1) if columns else np.empty((len(onsets_s), 0))
