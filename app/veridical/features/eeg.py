"""EEG: evoked samples, named features and artifact indices, one row per trial."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.preprocessing import AUTOMATIC, AVERAGE, Preprocessing
from veridical.domain.recording import Signal
from veridical.domain.timeline import Timeline
from veridical.features import table
from veridical.features.table import FeatureDefinition, Region
from veridical.features.timing import TrialTiming
from veridical.signals import montage
from veridical.signals.epochs import cut_epochs, sample_at_offsets
from veridical.signals.filters import FilterChoice, decimate_segments, decimation_factor, filter_segments
from veridical.signals.power import band_power, log_power

# High enough for 45 Hz after the anti-alias filter (flat to 0.38 of the rate), low enough to be quick.
_WORKING_HZ = 120.0
# Fewer channels do not surround the head, and their mean is no reference (Nunez & Srinivasan 2006, ch. 7).
_AVERAGE_FROM = 16
# A channel this many times noisier than the median one would carry its noise into the average reference.
_NOISY = 5.0
# Below these, only part of the 20-45 Hz band, or nothing, is there.
_MUSCLE_FROM_HZ = 60.0


@dataclass(frozen=True)
class PreparedEeg:
    """EEG ready for windows.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        Volts at the working rate: high-passed, notched, referenced.
    low_passed : ndarray, shape (n_channels, n_times)
        The same below 24 Hz, for evoked samples.
    dropped : tuple of str
        Channels left out, with the reason, in words.
    """

    labels: tuple[str, ...]
    samples: FloatArray
    low_passed: FloatArray
    timeline: Timeline
    is_average_reference: bool
    dropped: tuple[str, ...]

    @property
    def sampling_hz(self) -> float:
        """The working rate."""
        return self.timeline.sampling_hz


@dataclass(frozen=True)
class DecimatedEeg:
    """Usable EEG channels at the working rate, before anything was filtered.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        Volts.
    dropped : tuple of str
        Channels left out, with the reason, in words.
    recorded : tuple of str
        Every channel that was recorded.
    """

    labels: tuple[str, ...]
    samples: FloatArray
    timeline: Timeline
    dropped: tuple[str, ...]
    recorded: tuple[str, ...]


def decimate_eeg(signal: Signal, bad_channels: Sequence[str]) -> DecimatedEeg:
    """Bring the EEG to the working rate. Channels marked bad, flat throughout or mostly missing are left out."""
    is_good, dropped = _judge(signal, bad_channels)
    factor = decimation_factor(signal.sampling_hz, _WORKING_HZ)
    rows = signal.samples if is_good.all() else signal.samples[is_good]
    samples, timeline = decimate_segments(rows, signal.timeline, factor)
    labels = tuple(label for label, good in zip(signal.labels, is_good, strict=True) if good)
    return DecimatedEeg(labels, samples, timeline, dropped, signal.labels)


def prepare_eeg(eeg: DecimatedEeg, line_noise_hz: float, choices: Preprocessing | None = None) -> PreparedEeg:
    """Filter and reference the EEG.

    Noisy channels do not vote in an average reference.

    Parameters
    ----------
    eeg : DecimatedEeg
        Not modified.
    line_noise_hz : float
        Taken out by a notch where the working rate still carries it; 0 for none.
    choices : Preprocessing or None
        None takes the defaults.

    Raises
    ------
    AnalysisError
        If a channel that the choices name is not there.
    """
    choices = choices or Preprocessing()
    wanted, named = choices.channels or eeg.labels, choices.reference_channels
    # A channel that was left out as bad is no error, but no reference either.
    missing = [c for c in wanted if c not in eeg.recorded] + [c for c in named if c not in eeg.labels]
    if missing:
        raise AnalysisError(
            f"The EEG has no usable channel {', '.join(dict.fromkeys(missing))}, which [preprocessing] of study.toml "
            f"names; name others or none. It has {', '.join(eeg.labels)}."
        )
    used = [k for k, label in enumerate(eeg.labels) if label in wanted or label in named]
    labels = tuple(eeg.labels[k] for k in used)
    notch = FilterChoice(
        high_pass_hz=choices.high_pass_hz or None, notch_hz=(line_noise_hz,) if line_noise_hz > 0 else ()
    )
    samples = filter_segments(eeg.samples[used], eeg.timeline, notch)
    is_average = choices.reference == AVERAGE or (choices.reference == AUTOMATIC and len(samples) >= _AVERAGE_FROM)
    if is_average:
        spread = np.nanmedian(np.abs(samples), axis=1)
        samples -= samples[spread <= _NOISY * np.median(spread)].mean(axis=0)
    elif named:
        samples -= samples[[labels.index(c) for c in named]].mean(axis=0)
        # What is left of a reference channel says nothing of its own.
        kept = [k for k, label in enumerate(labels) if label not in named]
        samples, labels = samples[kept], tuple(labels[k] for k in kept)
    low_hz = min(choices.low_pass_hz, 0.4 * eeg.timeline.sampling_hz)
    low_passed = filter_segments(samples, eeg.timeline, FilterChoice(low_pass_hz=low_hz, order=4))
    return PreparedEeg(labels, samples, low_passed, eeg.timeline, is_average, eeg.dropped)


def _judge(signal: Signal, bad_channels: Sequence[str]) -> tuple[BoolArray, tuple[str, ...]]:
    """Return which channels can be used, and why the others cannot."""
    is_good = np.ones(len(signal.labels), dtype=bool)
    dropped: list[str] = []
    for k, (label, row) in enumerate(zip(signal.labels, signal.samples, strict=True)):
        finite = np.isfinite(row)
        reason = ""
        if label in bad_channels:
            reason = "marked bad over most of the recording"
        elif finite.mean() < 0.5:
            reason = "mostly missing"
        elif np.ptp(row[finite]) == 0:
            reason = "flat throughout"
        if reason:
            is_good[k] = False
            dropped.append(f"channel {label}: {reason}")
    return is_good, tuple(dropped)


@dataclass(frozen=True)
class EvokedSamples:
    """Evoked samples of every channel.

    Parameters
    ----------
    values : ndarray, shape (n_trials, n_channels * n_times)
        Volts, channel by channel; NaN rows where samples are missing.
    times_s : ndarray, shape (n_times,)
    """

    values: FloatArray
    names: tuple[str, ...]
    times_s: FloatArray
    baseline_s: float


def evoked_samples(eeg: PreparedEeg, timing: TrialTiming) -> EvokedSamples:
    """Sample every channel at 64 Hz from onset to the picture's end, at most 1 s, minus the baseline.

    The times are exact on every device: the low-passed signal is read between its samples.
    """
    stop_s = min(table.EVOKED_S, timing.picture_s)
    times_s = np.arange(max(1, int(np.ceil(stop_s * table.EVOKED_HZ - 1e-6)))) / table.EVOKED_HZ
    baseline_s = _baseline_s(timing)
    n_before = max(2, round(baseline_s * table.EVOKED_HZ))
    before_s = np.linspace(-baseline_s, 0.0, n_before, endpoint=False)
    offsets_s = np.concatenate([before_s, times_s])
    epochs = sample_at_offsets(eeg.low_passed, eeg.timeline, timing.onsets_s, offsets_s)
    values = epochs[:, :, n_before:] - epochs[:, :, :n_before].mean(axis=2, keepdims=True)
    names = tuple(f"{label} {time:.3f} s" for label in eeg.labels for time in times_s)
    return EvokedSamples(values.reshape(len(epochs), -1), names, times_s, baseline_s)


def _baseline_s(timing: TrialTiming) -> float:
    """Length of the evoked baseline: 0.2 s, or what the fixation leaves, but never below 0.05 s."""
    return float(np.clip(timing.before_s, 0.05, table.EVOKED_BASELINE_S))


def named_features(
    eeg: PreparedEeg, timing: TrialTiming, wanted: Sequence[FeatureDefinition]
) -> tuple[tuple[FeatureDefinition, ...], FloatArray, tuple[tuple[FeatureDefinition, str], ...]]:
    """Compute those of the wanted features for which the channels are there.

    Returns
    -------
    definitions : tuple of FeatureDefinition
        With the channels used.
    values : ndarray, shape (n_trials, n_definitions)
    refused : tuple of (FeatureDefinition, str)
        Features without channels, and why.
    """
    found: list[FeatureDefinition] = []
    columns: list[FloatArray] = []
    refused: list[tuple[FeatureDefinition, str]] = []
    powers = _PowerChange(eeg, timing)
    for definition in wanted:
        if definition in (table.LPP, table.SLOW_WAVE):
            channels = montage.find_channels(eeg.labels, montage.CENTRO_PARIETAL)
            compute = _window_mean
        elif definition == table.ASYMMETRY:
            channels = _left_and_right(eeg.labels)
            compute = powers.asymmetry
        else:
            channels = _region_channels(eeg.labels, definition)
            compute = powers.change
        if not channels:
            refused.append((definition, "needs EEG channels that this montage does not have"))
            continue
        columns.append(compute(eeg, timing, definition, channels))
        found.append(replace(definition, channels=tuple(eeg.labels[k] for k in channels)))
    values = np.stack(columns, axis=1) if columns else np.empty((len(timing.onsets_s), 0))
    return tuple(found), values, tuple(refused)


_REGION_GROUPS: dict[Region, tuple[tuple[str, ...], ...]] = {
    "frontal": montage.FRONTAL,
    "central": montage.CENTRAL,
    "posterior": montage.POSTERIOR,
}


def _region_channels(labels: Sequence[str], definition: FeatureDefinition) -> tuple[int, ...]:
    region = next(r for r in table.REGIONS if definition.name.endswith(r))
    return montage.find_channels(labels, _REGION_GROUPS[region])


def _left_and_right(labels: Sequence[str]) -> tuple[int, ...]:
    """F3 and F4, or the nearest symmetric pair."""
    for left, right in (("F3", "F4"), ("AF3", "AF4"), ("AF7", "AF8"), ("F7", "F8")):
        pair = (*montage.find_channels(labels, ((left,),)), *montage.find_channels(labels, ((right,),)))
        if len(pair) == 2:
            return pair
    return ()


def _window_mean(
    eeg: PreparedEeg, timing: TrialTiming, definition: FeatureDefinition, channels: Sequence[int]
) -> FloatArray:
    """Mean of a window minus the baseline before onset, averaged over channels; volts."""
    hz = eeg.sampling_hz
    rows = eeg.low_passed[list(channels)].mean(axis=0, keepdims=True)
    start_s, stop_s = definition.window_s
    n_window, n_before = max(1, round((stop_s - start_s) * hz)), max(1, round(_baseline_s(timing) * hz))
    window = cut_epochs(rows, eeg.timeline, timing.onsets_s, start_s, n_window)
    before = cut_epochs(rows, eeg.timeline, timing.onsets_s, -n_before / hz, n_before)
    change: FloatArray = (window.mean(axis=2) - before.mean(axis=2))[:, 0]
    return change


class _PowerChange:
    """Band power of 1-5 s and of the second before onset, computed once for all features."""

    def __init__(self, eeg: PreparedEeg, timing: TrialTiming) -> None:
        self._eeg, self._timing = eeg, timing
        self._during: FloatArray | None = None
        self._before: FloatArray | None = None

    def _powers(self) -> tuple[FloatArray, FloatArray]:
        if self._during is None or self._before is None:
            hz, bands = self._eeg.sampling_hz, list(table.BANDS_HZ.values())
            onsets_s = self._timing.onsets_s
            during = cut_epochs(self._eeg.samples, self._eeg.timeline, onsets_s, 1.0, round(4 * hz))
            before = cut_epochs(self._eeg.samples, self._eeg.timeline, onsets_s, -1.0, round(hz))
            self._during = log_power(band_power(during, hz, bands))
            self._before = log_power(band_power(before, hz, bands))
        return self._during, self._before

    def change(
        self, eeg: PreparedEeg, timing: TrialTiming, definition: FeatureDefinition, channels: Sequence[int]
    ) -> FloatArray:
        """Log power of a band minus that of the baseline, averaged over channels."""
        during, before = self._powers()
        band = list(table.BANDS_HZ).index(definition.name.partition("_")[0])
        return np.asarray((during - before)[:, list(channels), band].mean(axis=1))

    def asymmetry(
        self, eeg: PreparedEeg, timing: TrialTiming, definition: FeatureDefinition, channels: Sequence[int]
    ) -> FloatArray:
        """Log alpha power at the right minus at the left."""
        during, _ = self._powers()
        band = list(table.BANDS_HZ).index("alpha")
        return np.asarray(during[:, channels[1], band] - during[:, channels[0], band])


def artifact_indices(
    eeg: PreparedEeg, eog: Signal | None, timing: TrialTiming, stop_s: float
) -> tuple[tuple[str, ...], FloatArray, tuple[str, ...]]:
    """Compute what could pass for a brain signal: muscle at every channel, and eye activity.

    One averaged index is not enough: with a reliability of .4 muscle passed as neural in 13-44 % of
    simulations, ten channel-wise indices <= 8 % [measured, METHODS 4].

    Parameters
    ----------
    eog : Signal or None
        The foremost EEG channels stand in for a missing EOG.
    stop_s : float
        End of the window that the model looks at; it begins at onset.

    Returns
    -------
    names : tuple of str
    values : ndarray, shape (n_trials, n_names)
    left_out : tuple of str
        What could not be computed, in words.
    """
    names: list[str] = []
    columns: list[FloatArray] = []
    left_out: list[str] = []
    hz = eeg.sampling_hz
    if hz >= _MUSCLE_FROM_HZ:
        epochs = cut_epochs(eeg.samples, eeg.timeline, timing.onsets_s, 0.0, max(2, round(stop_s * hz)))
        band = (table.MUSCLE_HZ[0], min(table.MUSCLE_HZ[1], 0.45 * hz))
        columns += list(log_power(band_power(epochs, hz, [band], window_s=0.5))[:, :, 0].T)
        names += [f"muscle {label}" for label in eeg.labels]
    else:
        left_out.append(f"muscle activity: needs {_MUSCLE_FROM_HZ:.0f} Hz or more and the EEG has {hz:.0f} Hz")
    rows, timeline = _eye_rows(eeg, eog)
    if len(rows):
        eye_hz = timeline.sampling_hz
        choice = FilterChoice(high_pass_hz=0.5, low_pass_hz=10.0 if eye_hz > 25 else None)
        slow = filter_segments(rows, timeline, choice)
        epochs = cut_epochs(slow, timeline, timing.onsets_s, 0.0, max(2, round(stop_s * eye_hz)))
        # max - min over NaN stays NaN: the row says that samples are missing.
        swing = (epochs.max(axis=2) - epochs.min(axis=2)).max(axis=1)
        columns.append(np.log(np.maximum(swing, 1e-9)))
        names.append("eyes")
    else:
        left_out.append("eye activity: there is neither an EOG nor a frontal EEG channel")
    values = np.stack(columns, axis=1) if columns else np.empty((len(timing.onsets_s), 0))
    return tuple(names), values, tuple(left_out)


def _eye_rows(eeg: PreparedEeg, eog: Signal | None) -> tuple[FloatArray, Timeline]:
    if eog is not None and eog.timeline.n_samples:
        return decimate_segments(eog.samples, eog.timeline, decimation_factor(eog.sampling_hz, _WORKING_HZ))
    channels = montage.find_channels(eeg.labels, montage.FRONTAL_POLE)
    return eeg.samples[list(channels)], eeg.timeline
