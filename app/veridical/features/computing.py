"""From a recording to every feature that it has room for, whatever is learned from them later."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.annotation import AnnotationSet
from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.preprocessing import Preprocessing
from veridical.domain.recording import Recording, Signal
from veridical.domain.study import StudySettings
from veridical.domain.trial_table import TrialRow, trials_from_events
from veridical.features.ecg import ecg_features
from veridical.features.eda import eda_features
from veridical.features.eeg import (
    DecimatedEeg,
    EvokedSamples,
    PreparedEeg,
    decimate_eeg,
    evoked_samples,
    named_features,
    prepare_eeg,
)
from veridical.features.marks import find_bad_channels
from veridical.features.table import MODALITIES, NAMED_FEATURES, FeatureDefinition, Modality
from veridical.features.timing import TrialTiming, in_words, measure_timing, why_not
from veridical.signals.line_noise import MAINS_HZ, detect_line_noise

# A modality that is missing or unclear in more than this share of trials is left out instead of the trials.
_MOSTLY = 0.5


@dataclass(frozen=True)
class Basis:
    """What every way to prepare a recording begins with.

    Parameters
    ----------
    decimated : DecimatedEeg or None
        None without usable EEG.
    line_noise_hz : float
        As the study says, or as detected.
    is_line_noise_detected : bool
    """

    recording: Recording
    annotations: AnnotationSet
    trials: tuple[TrialRow, ...]
    timing: TrialTiming
    bad_channels: tuple[str, ...]
    decimated: DecimatedEeg | None
    line_noise_hz: float
    is_line_noise_detected: bool


@dataclass(frozen=True)
class ComputedFeatures:
    """Everything that could be computed of a recording's trials.

    Parameters
    ----------
    basis : Basis
    preprocessing : Preprocessing
    eeg : PreparedEeg or None
    evoked : EvokedSamples or None
        None without EEG.
    features : tuple of FeatureDefinition
        Columns of ``named``, shape (n_trials, n_features); NaN where a trial has no value.
    left_out : tuple of str
        Features, channels and modalities that were left out, in words.
    preparation : str
        How the EEG was prepared, in words; empty without EEG.
    """

    basis: Basis
    preprocessing: Preprocessing
    eeg: PreparedEeg | None
    evoked: EvokedSamples | None
    features: tuple[FeatureDefinition, ...]
    named: FloatArray
    left_out: tuple[str, ...]
    preparation: str


def compute_features(recording: Recording, annotations: AnnotationSet, settings: StudySettings) -> ComputedFeatures:
    """Compute evoked samples and every named feature whose window fits.

    Raises
    ------
    AnalysisError
        If the recording shows no analysed picture, has none of EEG, EDA and ECG, or lacks a channel that the study's
        preprocessing names.
    """
    return compute_from(basis_of(recording, annotations, settings), settings.preprocessing)


def basis_of(recording: Recording, annotations: AnnotationSet, settings: StudySettings) -> Basis:
    """Find trials and bad channels, and bring the EEG to its working rate; AnalysisError without a picture."""
    trials = trials_from_events(recording.events)
    if not trials:
        raise AnalysisError(
            f"{recording.file} holds no picture markers outside practice; check that the marker stream was recorded."
        )
    timing = measure_timing(trials, recording.events, settings.protocol.picture_s)
    bad = find_bad_channels(annotations, recording)
    signal = _usable(recording, "EEG")
    decimated = None if signal is None else decimate_eeg(signal, bad)
    asked = settings.analysis.line_noise_hz
    detected = MAINS_HZ[0] if signal is None else detect_line_noise(signal.samples, signal.sampling_hz)
    return Basis(
        recording,
        annotations,
        trials,
        timing,
        bad,
        decimated if decimated is not None and decimated.labels else None,
        asked or detected,
        not asked and signal is not None,
    )


def compute_from(
    basis: Basis, preprocessing: Preprocessing, *, only_evoked: bool = False, removes_line_noise: bool = True
) -> ComputedFeatures:
    """Compute the features of a basis by some preprocessing.

    Parameters
    ----------
    only_evoked : bool
        Leave the named features out where there are evoked samples.
    removes_line_noise : bool
        Whether the hum is filtered out of the EEG.

    Raises
    ------
    AnalysisError
        As ``compute_features``.
    """
    timing = basis.timing
    left_out: list[str] = []
    if timing.is_assumed:
        left_out.append(f"no picture's end is marked: {timing.picture_s:g} s are taken from the study's protocol")
    eeg: PreparedEeg | None = None
    if basis.decimated is not None:
        left_out += basis.decimated.dropped
        try:
            eeg = prepare_eeg(basis.decimated, basis.line_noise_hz if removes_line_noise else 0.0, preprocessing)
        except AnalysisError as error:
            raise AnalysisError(f"{basis.recording.file}: {error}") from error
    evoked = evoked_samples(eeg, timing) if eeg is not None else None
    features: tuple[FeatureDefinition, ...] = ()
    named: FloatArray = np.empty((len(basis.trials), 0))
    if evoked is None or not only_evoked:
        features, named, refused = _named(basis.recording, eeg, timing)
        left_out += refused
    if evoked is None and not features:
        raise AnalysisError(
            f"From {basis.recording.file} no feature can be computed ({'; '.join(left_out)}); assign EEG, EDA or ECG "
            "channels in study.toml or show pictures for longer."
        )
    words = "" if eeg is None else _preparation(eeg, basis, preprocessing, removes_line_noise=removes_line_noise)
    return ComputedFeatures(basis, preprocessing, eeg, evoked, features, named, tuple(left_out), words)


def _preparation(eeg: PreparedEeg, basis: Basis, choices: Preprocessing, *, removes_line_noise: bool) -> str:
    reference = "average reference" if eeg.is_average_reference else "reference as recorded"
    if choices.reference_channels:
        reference = f"reference {' and '.join(choices.reference_channels)}"
    found = ", as detected" if basis.is_line_noise_detected else ""
    hum = f"hum of {basis.line_noise_hz:g} Hz taken out{found}" if removes_line_noise else "hum left in"
    high = f"high-pass {choices.high_pass_hz:g} Hz" if choices.high_pass_hz else "no high-pass"
    return f"EEG: {reference}, {high}, evoked samples below {choices.low_pass_hz:g} Hz, {hum}"


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
