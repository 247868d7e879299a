"""How good each channel looks, from signal statistics, in words an assistant can act on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import Role
from veridical.domain.timeline import Segment, Timeline
from veridical.signals.heart import find_beats
from veridical.signals.line_noise import detect_line_noise
from veridical.signals.power import band_power

# The same four levels as every light of the program.
QualityLight = Literal["good", "caution", "fail", "unknown"]
QualityFault = Literal[
    "", "missing", "flat", "saturated", "loose", "drift", "muscle", "line noise", "no contact", "out of range",
    "jumps", "no beats", "irregular beats",
]  # fmt: skip

# Thresholds for EEG in volts. Resting scalp EEG of 1-40 Hz has 5 to 30 uV RMS and about 2 uV of it at 20-45 Hz
# (Niedermeyer & da Silva 2011, ch. 9); tonic scalp muscle adds 10 uV and more (Goncharova et al. 2003).
_FLAT_V = 0.5e-6
_LINE_V = (8e-6, 30e-6)
_MUSCLE_V = (8e-6, 20e-6)
_DRIFT_V = (150e-6, 1000e-6)
_LOOSE_V = 75e-6
_LOOSE_RATIO = 5.0
# Three beats at 35 per minute, the slowest heart that is believed, and one interval to spare.
_BEATS_S = 6.0
# Valid range of skin conductance (Kleckner et al. 2018, rule 1), siemens.
EDA_RANGE_S = (0.05e-6, 60e-6)


@dataclass(frozen=True)
class ChannelQuality:
    """One channel's light, and why.

    Parameters
    ----------
    words : str
        "good", or what is wrong and what to do.
    fault : str
        What is wrong, in one word; empty if nothing is.
    """

    label: str
    light: QualityLight
    words: str
    fault: QualityFault = ""


def assess_channels(
    samples: FloatArray, sampling_hz: float, labels: tuple[str, ...], role: Role, line_noise_hz: float = 50.0
) -> tuple[ChannelQuality, ...]:
    """Judge every channel of a role from its last seconds.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        SI units, unfiltered; 5 to 30 s are meant. NaN counts as missing.
    sampling_hz : float
    labels : tuple of str
    role : Role
        EEG and EOG, EDA and ECG have rules of their own; other roles are only checked for life.
    line_noise_hz : float
        50 or 60; 0 takes the one that stands out.

    Returns
    -------
    tuple of ChannelQuality
        In the order of ``labels``; ``unknown`` with fewer than 2 s of samples.
    """
    if samples.shape[1] < 2 * sampling_hz:
        return tuple(ChannelQuality(label, "unknown", "not enough seconds seen yet") for label in labels)
    values = np.array(samples, dtype=np.float64)
    dead = [_find_dead(row, label, role) for row, label in zip(values, labels, strict=True)]
    alive = np.array([d is None for d in dead])
    found: list[ChannelQuality] = [d for d in dead if d is not None]
    names = tuple(label for label, is_alive in zip(labels, alive, strict=True) if is_alive)
    # What little is missing is bridged by the channel's median; much was called dead above.
    rows = np.where(np.isfinite(values[alive]), values[alive], np.nanmedian(values[alive], axis=1, keepdims=True))
    if role in ("EEG", "EOG"):
        found += _assess_eeg(rows, sampling_hz, names, line_noise_hz or detect_line_noise(rows, sampling_hz))
    elif role == "EDA":
        found += [_assess_eda(row, sampling_hz, name) for row, name in zip(rows, names, strict=True)]
    elif role == "ECG":
        found += [_assess_ecg(row, sampling_hz, name) for row, name in zip(rows, names, strict=True)]
    else:
        found += [ChannelQuality(name, "good", "good") for name in names]
    order = {label: k for k, label in enumerate(labels)}
    return tuple(sorted(found, key=lambda q: order[q.label]))


def _find_dead(row: FloatArray, label: str, role: Role) -> ChannelQuality | None:
    """Name what makes any further question idle: missing, flat or saturated."""
    finite = row[np.isfinite(row)]
    if len(finite) < 0.8 * len(row):
        return ChannelQuality(label, "fail", "samples are missing; check the device's connection", "missing")
    low, high = float(finite.min()), float(finite.max())
    if high == low or (role in ("EEG", "EOG", "ECG") and high - low < _FLAT_V):
        return ChannelQuality(label, "fail", "flat; check electrode and cable", "flat")
    # A clipped signal rests on its extremes in runs; a smooth one touches them once.
    at_rail = (finite == low) | (finite == high)
    runs = at_rail[1:] & at_rail[:-1] & (np.diff(finite) == 0)
    if role in ("EEG", "EOG", "ECG") and runs.mean() > 0.01:
        words = "saturated; re-gel the electrode or lower the amplifier's gain"
        return ChannelQuality(label, "fail", words, "saturated")
    return None


def _assess_eeg(
    rows: FloatArray, sampling_hz: float, names: tuple[str, ...], line_noise_hz: float
) -> list[ChannelQuality]:
    if not names:
        return []
    top_hz = min(45.0, 0.45 * sampling_hz)
    bands = [
        (1.0, top_hz),
        (20.0, top_hz),
        (line_noise_hz - 1, line_noise_hz + 1),
        (line_noise_hz - 6, line_noise_hz - 2),
    ]
    density = band_power(rows, sampling_hz, bands, window_s=2.0)
    broad_v = np.sqrt(density[:, 0] * (top_hz - 1))
    muscle_v = np.sqrt(density[:, 1] * max(top_hz - 20, 1.0))
    has_line = line_noise_hz + 1 < sampling_hz / 2
    line_v = np.sqrt(np.maximum(density[:, 2] - density[:, 3], 0) * 2) if has_line else np.zeros(len(names))
    n_second = max(1, round(sampling_hz))
    seconds = rows[:, : rows.shape[1] // n_second * n_second].reshape(len(names), -1, n_second).mean(axis=2)
    drift_v = np.ptp(seconds, axis=1)
    usual_v = float(np.median(broad_v))
    found = []
    for k, name in enumerate(names):
        is_far_off = len(names) >= 4 and broad_v[k] > _LOOSE_RATIO * usual_v and broad_v[k] > 30e-6
        if broad_v[k] > _LOOSE_V or is_far_off:
            words = f"looks loose ({1e6 * broad_v[k]:.0f} µV); press it on or re-gel"
            found.append(ChannelQuality(name, "fail", words, "loose"))
            continue
        # The worst of what is left speaks; at equal rank in the order in which it is mended.
        measured: tuple[tuple[QualityFault, float, tuple[float, float]], ...] = (
            ("drift", drift_v[k], _DRIFT_V),
            ("muscle", muscle_v[k], _MUSCLE_V),
            ("line noise", line_v[k], _LINE_V),
        )
        levels = [int(value > limits[0]) + int(value > limits[1]) for _, value, limits in measured]
        worst = int(np.argmax(levels))
        if levels[worst] == 0:
            found.append(ChannelQuality(name, "good", "good"))
            continue
        fault, value, _ = measured[worst]
        light: QualityLight = "fail" if levels[worst] == 2 else "caution"
        found.append(ChannelQuality(name, light, _EEG_WORDS[fault](value, line_noise_hz, light), fault))
    return found


def _drift_words(value: float, _hz: float, light: QualityLight) -> str:
    return f"drifts by {1e6 * value:.0f} µV" + ("; wait until it settles or re-gel" if light == "fail" else "")


def _muscle_words(value: float, _hz: float, light: QualityLight) -> str:
    size = f"({1e6 * value:.0f} µV)"
    return f"muscle activity {size}; ask to relax jaw and forehead" if light == "fail" else f"some muscle {size}"


def _line_words(value: float, hz: float, light: QualityLight) -> str:
    size = f"{hz:.0f} Hz noise ({1e6 * value:.0f} µV)"
    return f"{size}; check ground and cables" if light == "fail" else f"some {size}"


_EEG_WORDS: dict[QualityFault, Callable[[float, float, QualityLight], str]] = {
    "drift": _drift_words,
    "muscle": _muscle_words,
    "line noise": _line_words,
}


def _assess_eda(row: FloatArray, sampling_hz: float, name: str) -> ChannelQuality:
    median = float(np.median(row))
    if median < EDA_RANGE_S[0]:
        return ChannelQuality(
            name, "fail", f"{1e6 * median:.2f} µS is no skin contact; check the electrodes", "no contact"
        )
    if median > EDA_RANGE_S[1]:
        return ChannelQuality(
            name, "fail", f"{1e6 * median:.0f} µS is out of range; check unit and gain", "out of range"
        )
    n = max(1, round(sampling_hz))
    seconds = row[: len(row) // n * n].reshape(-1, n).mean(axis=1)
    if len(seconds) > 1 and np.abs(np.diff(seconds)).max() > 10e-6:
        return ChannelQuality(
            name, "caution", "jumps by more than 10 µS in a second; ask to keep the hand still", "jumps"
        )
    return ChannelQuality(name, "good", f"{1e6 * median:.1f} µS")


def _assess_ecg(row: FloatArray, sampling_hz: float, name: str) -> ChannelQuality:
    if len(row) < _BEATS_S * sampling_hz:
        return ChannelQuality(name, "unknown", "looking for heart beats")
    beats = find_beats(row, Timeline((Segment(0, len(row), 0.0, 1 / sampling_hz),)))
    if len(beats.times_s) < 3:
        return ChannelQuality(name, "fail", "no heart beats found; check electrodes and lead", "no beats")
    trusted = beats.is_plausible[1:]
    rate = 60 / float(np.median(beats.intervals_s))
    if trusted.mean() < 0.7 or not 35 <= rate <= 200:
        words = f"beats are irregular or unclear (about {rate:.0f} per minute)"
        return ChannelQuality(name, "caution", words, "irregular beats")
    return ChannelQuality(name, "good", f"{rate:.0f} beats per minute")
