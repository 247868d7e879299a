"""From a recording to every feature that it has room for, whatever is learned from them later."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.annotation import AnnotationSet
from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.recording import Recording, Signal
from veridical.domain.study import StudySettings
from veridical.domain.trial_table import TrialRow, trials_from_events
from veridical.features.ecg import ecg_features
from veridical.features.eda import eda_features
from veridical.features.eeg import EvokedSamples, PreparedEeg, evoked_samples, named_features, prepare_eeg
from veridical.features.marks import find_bad_channels
from veridical.features.table import MODALITIES, NAMED_FEATURES, FeatureDefinition, Modality
from veridical.features.timing import TrialTiming, in_words, measure_timing, why_not

# A modality that is missing or unclear in more than this share of trials is left out instead of the trials.
_MOSTLY = 0.5


@dataclass(frozen=True)
class ComputedFeatures:
    """Everything that could be computed of a recording's trials.

    Parameters
    ----------
    annotations : AnnotationSet
        A rater's marks.
    bad_channels : tuple of str
    eeg : PreparedEeg or None
    evoked : EvokedSamples or None
        None without EEG.
    features : tuple of FeatureDefinition
        Columns of ``named``, shape (n_trials, n_features); NaN where a trial has no value.
    left_out : tuple of str
        Features, channels and modalities that were left out, in words.
    """

    recording: Recording
    annotations: AnnotationSet
    trials: tuple[TrialRow, ...]
    timing: TrialTiming
    bad_channels: tuple[str, ...]
    eeg: PreparedEeg | None
    evoked: EvokedSamples | None
    features: tuple[FeatureDefinition, ...]
    named: FloatArray
    left_out: tuple[str, ...]


def compute_features(recording: Recording, annotations: AnnotationSet, settings: StudySettings) -> ComputedFeatures:
    """Compute evoked samples and every named feature whose window fits.

    Raises
    ------
    AnalysisError
        If the recording shows no analysed picture or has none of EEG, EDA and ECG.
    """
    trials = trials_from_events(recording.events)
    if not trials:
        raise AnalysisError(
            f"{recording.file} holds no picture markers outside practice; check that the marker stream was recorded."
        )
    timing = measure_timing(trials, recording.events, settings.protocol.picture_s)
    bad = find_bad_channels(annotations, recording)
    left_out: list[str] = []
    if timing.is_assumed:
        left_out.append(f"no picture's end is marked: {timing.picture_s:g} s are taken from the study's protocol")
    eeg = _prepare(recording, bad, settings.analysis.line_noise_hz)
    if eeg is not None:
        left_out += eeg.dropped
    evoked = evoked_samples(eeg, timing) if eeg is not None else None
    features, named, refused = _named(recording, eeg, timing)
    left_out += refused
    if evoked is None and not features:
        raise AnalysisError(
            f"From {recording.file} no feature can be computed ({'; '.join(left_out)}); assign EEG, EDA or ECG "
            "channels in study.toml or show pictures for longer."
        )
    return ComputedFeatures(recording, annotations, trials, timing, bad, eeg, evoked, features, named, tuple(left_out))


def _prepare(recording: Recording, bad: tuple[str, ...], line_noise_hz: float) -> PreparedEeg | None:
    signal = recording.find_signal("EEG")
    if signal is None or signal.timeline.n_samples == 0:
        return None
    eeg = prepare_eeg(signal, bad, line_noise_hz)
    return eeg if eeg.labels else None


def _usable(recording: Recording, modality: Modality) -> Signal | None:
    signal = recording.find_signal(modality)
    return signal if signal is not None and signal.timeline.n_samples else None


_MISSING_WORDS: dict[Modality, str] = {
    "EEG": "EEG features: no usable EEG channels were recorded",
    "EDA": "skin conductance: no EDA was recorded",
    "ECG": "heart rate: no ECG was recorded",
}


def _named(
    recording: Recording, eeg: PreparedEeg | None, timing: TrialTiming
) -> tuple[tuple[FeatureDefinition, ...], FloatArray, list[str]]:
    """Compute the named features of every modality that is there and whose windows fit."""
    reasons = {d: why_not(d, timing) for d in NAMED_FEATURES}
    refused: list[tuple[FeatureDefinition, str]] = [(d, r) for d, r in reasons.items() if r]
    words: list[str] = []
    features: list[FeatureDefinition] = []
    columns: list[FloatArray] = []
    for modality in MODALITIES:
        wanted = tuple(d for d, r in reasons.items() if d.modality == modality and not r)
        signal = _usable(recording, modality)
        if signal is None or (modality == "EEG" and eeg is None):
            words.append(_MISSING_WORDS[modality])
            refused = [(d, r) for d, r in refused if d.modality != modality]
            continue
        if modality == "EEG" and eeg is not None:
            found, values, without = named_features(eeg, timing, wanted)
            refused += without
        elif modality == "EDA":
            found, values = wanted, eda_features(signal, timing, wanted)
        else:
            found, values = wanted, ecg_features(signal, timing, wanted)
        is_missing = np.isnan(values).mean(axis=0) > _MOSTLY
        refused += [(d, "missing or unclear in most trials") for d, gone in zip(found, is_missing, strict=True) if gone]
        features += [d for d, gone in zip(found, is_missing, strict=True) if not gone]
        columns.append(values[:, ~is_missing])
    table_of_all = np.concatenate(columns, axis=1) if columns else np.empty((len(timing.onsets_s), 0))
    return tuple(features), table_of_all, [*words, *in_words(refused)]
