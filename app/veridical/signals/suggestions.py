"""Artifact suggestions: each method proposes stretches with a score and a reason; a rater decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import signal as scipy_signal

from veridical.domain.annotation import Suggestion
from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.progress import Progress, Work, finish
from veridical.domain.recording import Recording, Signal
from veridical.domain.timeline import Timeline
from veridical.signals.filters import FilterChoice, decimate_segments, decimation_factor, filter_segments
from veridical.signals.heart import find_beats
from veridical.signals.line_noise import detect_line_noise
from veridical.signals.montage import FRONTAL_POLE, find_channels
from veridical.signals.quality import EDA_RANGE_S

# Robust z above which a stretch is proposed, and the least size in volts that is worth a rater's look.
_BLINK_Z, _BLINK_V = 5.0, 40e-6
_MUSCLE_Z, _MUSCLE_RATIO = 5.0, 4.0
_SWING_Z, _SWING_V = 5.0, 150e-6
_LINE_Z, _LINE_V = 6.0, 10e-6
_FLAT_S, _RAIL_S = 1.0, 0.05
# Kleckner et al. 2018: steepest valid slope, and the radius around invalid data that is invalid too.
_EDA_SLOPE_S_PER_S = 10e-6
_EDA_RADIUS_S = 5.0
# Fast enough for 45 Hz, slow enough for a whole hour.
_WORKING_HZ = 120.0


@dataclass(frozen=True)
class _Bench:
    """What several methods share: the EEG at a lower rate, without offset and drift."""

    recording: Recording
    line_noise_hz: float
    eeg: Signal | None
    slow: FloatArray
    slow_timeline: Timeline


def suggest_artifacts(recording: Recording, line_noise_hz: float = 50.0) -> tuple[Suggestion, ...]:
    """Propose artifact marks by every method, in the order of their onsets (blocks; under 2 s for 5 min x 32 ch)."""
    return finish(suggest_artifacts_work(recording, line_noise_hz))


def suggest_artifacts_work(recording: Recording, line_noise_hz: float = 50.0) -> Work[tuple[Suggestion, ...]]:
    """Do the same step by step.

    Parameters
    ----------
    recording : Recording
    line_noise_hz : float
        50 or 60; 0 takes the one that stands out.

    Returns
    -------
    tuple of Suggestion
        Sorted by onset; onsets and durations in seconds on the recording's axis.
    """
    n_steps = len(_METHODS) + 1
    yield Progress(0, n_steps, "Reading the signals")
    eeg = recording.find_signal("EEG")
    slow: FloatArray = np.empty((0, 0))
    slow_timeline = Timeline(())
    if eeg is not None:
        factor = decimation_factor(eeg.sampling_hz, _WORKING_HZ)
        slow, slow_timeline = decimate_segments(eeg.samples, eeg.timeline, factor)
        slow = filter_segments(slow, slow_timeline, FilterChoice(high_pass_hz=0.5))
    if line_noise_hz == 0 and eeg is not None:
        line_noise_hz = detect_line_noise(eeg.samples, eeg.sampling_hz)
    bench = _Bench(recording, line_noise_hz, eeg, slow, slow_timeline)
    found: list[Suggestion] = []
    for k, (title, method) in enumerate(_METHODS):
        yield Progress(k + 1, n_steps, title)
        found.extend(method(bench, found))
    return tuple(sorted(found, key=lambda s: (s.onset_s, s.label, s.channels)))


# Tools -------------------------------------------------------------------------------------------
def _robust_z(values: FloatArray, axis: int = -1) -> FloatArray:
    """Distance from the typical value in robust standard deviations; 0 where nothing varies.

    Both are read from the 10th and 30th percentiles, as of a normal distribution: artifacts only add to what
    is measured here, so a recording of which a third is muscle keeps its scale, where median and median
    deviation would move along.
    """
    low, middle = np.nanquantile(values, [0.10, 0.30], axis=axis, keepdims=True)
    spread = (middle - low) / (1.2816 - 0.5244)
    z = (values - middle) / np.where(spread > 0, spread, np.inf) - 0.5244
    return np.asarray(np.nan_to_num(z))


def _runs(is_on: BoolArray, n_bridged: int = 0) -> list[tuple[int, int]]:
    """Half-open runs of True; runs at most ``n_bridged`` apart become one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_on.astype(np.int8), [0]])))
    merged: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if merged and start - merged[-1][1] <= n_bridged:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return merged


def _blocks(samples: FloatArray, timeline: Timeline, seconds: float) -> tuple[FloatArray, FloatArray, int]:
    """Cut every segment into whole blocks: (n_channels, n_blocks, n_block), starts in seconds, and n_block."""
    n_block = max(2, round(seconds * timeline.sampling_hz))
    parts, starts = [], []
    for s in timeline.segments:
        n = s.n // n_block
        parts.append(samples[:, s.first : s.first + n * n_block].reshape(samples.shape[0], n, n_block))
        starts.append(s.time_at(np.arange(n, dtype=np.float64) * n_block))
    return np.concatenate(parts, axis=1), np.concatenate(starts), n_block


def _spans(starts_s: FloatArray, is_on: BoolArray, block_s: float, bridge_s: float) -> list[tuple[int, int]]:
    """Runs of blocks, as (first, last + 1), that never cross a gap in ``starts_s``."""
    n_bridged = int(bridge_s / block_s)
    spans: list[tuple[int, int]] = []
    breaks = np.flatnonzero(np.diff(starts_s) > 1.5 * block_s) + 1
    for part in np.split(np.arange(len(starts_s)), breaks):
        if len(part):
            spans += [(int(part[0]) + a, int(part[0]) + b) for a, b in _runs(is_on[part], n_bridged)]
    return spans


def _propose(
    starts_s: FloatArray, blocks: tuple[int, int], block_s: float, label: str, channels: tuple[str, ...],
    method: str, score: float, reason: str,
) -> Suggestion:  # fmt: skip
    """Turn a run of blocks into a suggestion."""
    onset_s = float(starts_s[blocks[0]])
    stop_s = float(starts_s[blocks[1] - 1]) + block_s
    return Suggestion(onset_s, stop_s - onset_s, label, channels, method, score, reason)


def _name(labels: Sequence[str], chosen: BoolArray) -> tuple[str, ...]:
    """Labels of the chosen channels; empty (all channels) if they are more than half."""
    return () if chosen.mean() > 0.5 else tuple(np.array(labels)[chosen].tolist())


# Methods -----------------------------------------------------------------------------------------
def _suggest_blinks(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Find blinks in the vertical EOG, or where there is none in the channels nearest to the eyes."""
    eog = bench.recording.find_signal("EOG")
    if eog is not None:
        factor = decimation_factor(eog.sampling_hz, _WORKING_HZ)
        rows, timeline = decimate_segments(eog.samples, eog.timeline, factor)
        named = [k for k, label in enumerate(eog.labels) if "V" in label.upper()]
        rows, place = rows[named or list(range(len(rows)))], "EOG"
    elif bench.eeg is not None:
        channels = find_channels(bench.eeg.labels, FRONTAL_POLE)
        rows, timeline = bench.slow[list(channels)], bench.slow_timeline
        place = ", ".join(bench.eeg.labels[k] for k in channels)
    else:
        return []
    hz = timeline.sampling_hz
    if len(rows) == 0 or hz < 25:
        return []
    trace = filter_segments(rows.mean(axis=0)[None, :], timeline, FilterChoice(high_pass_hz=1.0, low_pass_hz=10.0))[0]
    trace = np.nan_to_num(trace)
    # Blinks are large and one-sided, so the third moment tells the electrode's polarity.
    trace = trace * (1 if np.sum(trace**3) >= 0 else -1)
    spread = 1.4826 * float(np.median(np.abs(trace - np.median(trace))))
    suggestions: list[Suggestion] = []
    for s in timeline.segments:
        part = trace[s.first : s.first + s.n]
        peaks, shape = scipy_signal.find_peaks(
            part, height=max(_BLINK_Z * spread, _BLINK_V), distance=max(1, round(0.25 * hz)), width=0.03 * hz,
            rel_height=0.8, wlen=max(3, round(1.2 * hz)),
        )  # fmt: skip
        for k in range(len(peaks)):
            # An eyelid closes and opens in 0.1 to 0.4 s (Stern et al. 1984); longer bumps are no blinks.
            width_s = float(shape["widths"][k]) / hz
            if width_s > 0.6:
                continue
            start_s = s.start_s + float(shape["left_ips"][k]) / hz - 0.05
            height = float(shape["peak_heights"][k])
            z = height / spread if spread > 0 else 0.0
            reason = f"peak of {1e6 * height:.0f} µV at {place}, {z:.1f} SD of this recording"
            suggestions.append(Suggestion(start_s, width_s + 0.1, "blink", (), "blink", z, reason))
    return suggestions


def _suggest_muscle(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Find bursts of 20-45 Hz against each channel's own usual power, in the two strongest channels.

    Power must grow more at 20-45 Hz than at 5-15 Hz: an electrode's step grows at both, most at the lower.
    """
    if bench.eeg is None or bench.slow_timeline.sampling_hz < 95:
        return []
    levels = []
    for low_hz, high_hz in ((20.0, 45.0), (5.0, 15.0)):
        choice = FilterChoice(high_pass_hz=low_hz, low_pass_hz=high_hz)
        blocks, starts_s, n_block = _blocks(
            filter_segments(bench.slow, bench.slow_timeline, choice), bench.slow_timeline, 0.25
        )
        if blocks.shape[1] < 20:
            return []
        power = np.log(np.maximum(np.mean(blocks**2, axis=2), 1e-18))
        levels.append(power - np.quantile(power, 0.3, axis=1, keepdims=True))
    high, low = levels
    z = np.where(high > low, _robust_z(high), 0.0)
    # Two channels at least: muscle spreads, a single noisy electrode is no muscle.
    strongest = np.argsort(z, axis=0)[-2:]
    ratio = np.exp(np.take_along_axis(high, strongest, axis=0).mean(axis=0))
    score = np.take_along_axis(z, strongest, axis=0).mean(axis=0)
    block_s = n_block / bench.slow_timeline.sampling_hz
    suggestions = []
    for first, last in _spans(starts_s, (score > _MUSCLE_Z) & (ratio > _MUSCLE_RATIO), block_s, 0.5):
        worst = float(score[first:last].max())
        channels = _name(bench.eeg.labels, z[:, first:last].max(axis=1) > _MUSCLE_Z)
        reason = f"20-45 Hz power {worst:.1f} SD above this recording's median"
        suggestions.append(_propose(starts_s, (first, last), block_s, "muscle", channels, "muscle", worst, reason))
    return suggestions


def _suggest_swings(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Find seconds that swing much further than usual and are neither blink nor muscle."""
    if bench.eeg is None or bench.slow.size == 0:
        return []
    blocks, starts_s, n_block = _blocks(bench.slow, bench.slow_timeline, 1.0)
    if blocks.shape[1] < 10:
        return []
    swing_v = np.ptp(blocks, axis=2)
    z = _robust_z(np.log(np.maximum(swing_v, 1e-9)))
    block_s = n_block / bench.slow_timeline.sampling_hz
    for known in found:
        z[:, (starts_s < known.onset_s + known.duration_s) & (starts_s + block_s > known.onset_s)] = 0
    is_far = (z > _SWING_Z) & (swing_v > _SWING_V)
    suggestions = []
    for first, last in _spans(starts_s, is_far.any(axis=0), block_s, 1.0):
        touched = is_far[:, first:last].any(axis=1)
        row, column = np.unravel_index(np.argmax(np.where(is_far, z, 0)[:, first:last]), (len(z), last - first))
        label = "pop" if touched.sum() <= 2 else "movement"
        size, score = 1e6 * float(swing_v[row, first + column]), float(z[row, first + column])
        reason = f"swings by {size:.0f} µV at {bench.eeg.labels[row]}, {score:.1f} SD above its median"
        channels = _name(bench.eeg.labels, touched)
        suggestions.append(_propose(starts_s, (first, last), block_s, label, channels, "peak-to-peak", score, reason))
    return suggestions


def _suggest_line(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Find seconds with far more mains hum than usual."""
    hz = bench.slow_timeline.sampling_hz
    if bench.eeg is None or bench.line_noise_hz > 0.48 * hz:
        return []
    blocks, starts_s, n_block = _blocks(bench.slow, bench.slow_timeline, 1.0)
    if blocks.shape[1] < 10:
        return []
    wave = np.exp(-2j * np.pi * bench.line_noise_hz * np.arange(n_block) / hz) * scipy_signal.windows.hann(n_block)
    amplitude = np.abs(blocks @ wave) * 4 / n_block
    z = _robust_z(np.log(np.maximum(amplitude, 1e-9)))
    is_far = (z > _LINE_Z) & (amplitude > _LINE_V)
    suggestions = []
    for first, last in _spans(starts_s, is_far.any(axis=0), n_block / hz, 1.0):
        worst, size = float(z[:, first:last].max()), float(amplitude[:, first:last].max())
        touched = is_far[:, first:last].any(axis=1)
        channels = _name(bench.eeg.labels, touched)
        reason = f"{bench.line_noise_hz:.0f} Hz hum of {1e6 * size:.0f} µV, {worst:.1f} SD above its median"
        suggestions.append(
            _propose(starts_s, (first, last), n_block / hz, "line", channels, "line noise", worst, reason)
        )
    return suggestions


def _suggest_flat(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Find stretches in which a channel repeats one value, or rests on its largest or smallest."""
    suggestions = []
    for signal in bench.recording.signals:
        if signal.role not in ("EEG", "EOG", "ECG"):
            continue
        for row, label in zip(signal.samples, signal.labels, strict=True):
            low, high = np.min(row), np.max(row)
            still = row[1:] == row[:-1]
            if not still.any():
                continue
            for s in signal.timeline.segments:
                part = still[s.first : s.first + s.n - 1]
                for start, stop in _runs(part):
                    seconds = (stop - start + 1) * s.period_s
                    is_rail = row[s.first + start] in (low, high) and stop - start >= 4
                    if seconds < (_RAIL_S if is_rail else _FLAT_S):
                        continue
                    words = "rests on its largest or smallest value" if is_rail else "repeats one value"
                    reason = f"{label} {words} for {seconds:.2f} s"
                    onset_s = float(s.time_at(np.array([start]))[0])
                    suggestions.append(Suggestion(onset_s, seconds, "flat", (label,), "flat", seconds, reason))
    return suggestions


def _suggest_eda(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Apply rules 1, 2 and 4 of Kleckner et al. 2018: range, slope, and 5 s around either."""
    eda = bench.recording.find_signal("EDA")
    if eda is None or eda.timeline.n_samples == 0:
        return []
    suggestions = []
    slow, timeline = decimate_segments(eda.samples, eda.timeline, decimation_factor(eda.sampling_hz, 8.0))
    for row, label in zip(slow, eda.labels, strict=True):
        for s in timeline.segments:
            part = row[s.first : s.first + s.n]
            is_out = ~((part >= EDA_RANGE_S[0]) & (part <= EDA_RANGE_S[1]))
            slope = np.gradient(part, s.period_s) if s.n > 1 else np.zeros(s.n)
            is_steep = np.abs(slope) > _EDA_SLOPE_S_PER_S
            for start, stop in _runs(is_out | is_steep, round(2 * _EDA_RADIUS_S / s.period_s)):
                begin_s, over_s = s.time_at(np.array([start, stop])).tolist()
                onset_s, end_s = max(s.start_s, begin_s - _EDA_RADIUS_S), min(s.stop_s, over_s + _EDA_RADIUS_S)
                steepest = float(np.nanmax(np.abs(slope[start:stop]), initial=0.0))
                if is_out[start:stop].any():
                    score, reason = 1.0, f"outside 0.05-60 µS (median {1e6 * np.nanmedian(part[start:stop]):.2f} µS)"
                else:
                    score = steepest / _EDA_SLOPE_S_PER_S
                    reason = f"changes by {1e6 * steepest:.0f} µS/s, faster than skin can"
                suggestions.append(Suggestion(onset_s, end_s - onset_s, "eda-motion", (label,), "eda", score, reason))
    return suggestions


def _suggest_beats(bench: _Bench, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Find intervals between beats that no heart makes, and beats that were put in or taken out."""
    ecg = bench.recording.find_signal("ECG")
    if ecg is None or ecg.sampling_hz < 50:
        return []
    beats = find_beats(ecg.samples[0], ecg.timeline)
    channels = (ecg.labels[0],)
    suggestions = []
    for k in range(1, len(beats.times_s)):
        before, time = float(beats.times_s[k - 1]), float(beats.times_s[k])
        is_same_stretch = ecg.timeline.slice_within(before, time) is not None
        if is_same_stretch and (beats.is_inserted[k] or not beats.is_plausible[k]):
            words = "a beat seems missed" if beats.is_inserted[k] else f"{time - before:.2f} s between beats"
            suggestions.append(
                Suggestion(
                    before, time - before, "ecg-missed", channels, "beats", 1.0, f"{words}, unlike those around it"
                )
            )
    suggestions += [
        Suggestion(float(t) - 0.15, 0.3, "ecg-missed", channels, "beats", 1.0, "an extra beat was found here")
        for t in beats.removed_s
    ]
    return suggestions


_Method = Callable[[_Bench, Sequence[Suggestion]], list[Suggestion]]
_METHODS: tuple[tuple[str, _Method], ...] = (
    ("Looking for blinks", _suggest_blinks),
    ("Looking for muscle activity", _suggest_muscle),
    ("Looking for movement and electrode pops", _suggest_swings),
    ("Looking for line noise", _suggest_line),
    ("Looking for flat and saturated stretches", _suggest_flat),
    ("Checking skin conductance", _suggest_eda),
    ("Checking heart beats", _suggest_beats),
)
