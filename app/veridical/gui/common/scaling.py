"""Amplitude scales and time ticks that are round numbers and do not flicker."""

import math
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray

# What one lane spans by default: EEG after removing its mean stays within +-50 uV at rest (Niedermeyer),
# a chest ECG's R peak is about 1 mV, and phasic skin conductance moves by tenths of a microsiemens.
DEFAULT_SPAN: dict[str, float] = {"EEG": 100e-6, "ECG": 2e-3, "EDA": 1e-6, "EOG": 400e-6}
UNITS: dict[str, str] = {"EEG": "V", "ECG": "V", "EOG": "V", "EDA": "S"}


def nice_at_least(value: float) -> float:
    """Smallest of 1, 2, 5 x 10^k that is not below ``value`` (above 0)."""
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1.0, 2.0, 5.0):
        if factor * power >= value * (1 - 1e-9):
            return factor * power
    return 10.0 * power


def step_span(span: float, direction: int) -> float:
    """Next larger (+1) or smaller (-1) span of the 1-2-5 series."""
    if direction > 0:
        return nice_at_least(span * 1.01)
    return nice_at_least(span / 2.6)


def fitting_span(samples: FloatArray, role: str, held: float | None = None) -> float:
    """Choose how much one lane spans.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        NaN allowed.
    held : float or None
        The span in use; kept while the signal fills between a quarter and the whole of it, so that nothing jumps.
    """
    default = DEFAULT_SPAN.get(role, 1.0)
    known = samples[:, np.isfinite(samples).all(axis=0)] if samples.size else samples
    if known.shape[1] < 2:
        return held or default
    extent = _eeg_extent(known) if role == "EEG" else _whole_extent(known)
    if not extent > 0:
        return held or default
    if held is not None and 0.25 * held <= extent <= held:
        return held
    return nice_at_least(1.1 * extent)


def lane_offsets(samples: FloatArray, role: str) -> FloatArray:
    """Value drawn in the middle of each channel's lane.

    The median for most; the middle of the range for skin conductance, whose responses all go one way.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        NaN allowed; a thin sample of what is shown.
    """
    known = samples[:, np.isfinite(samples).all(axis=0)]
    if not known.shape[1]:
        return np.zeros(len(samples))
    if role == "EDA":
        return np.asarray((known.min(axis=1) + known.max(axis=1)) / 2, dtype=np.float64)
    return np.asarray(np.median(known, axis=1), dtype=np.float64)


def _whole_extent(samples: FloatArray) -> float:
    """Nearly the whole range, for an R peak is what one wants to see of an ECG."""
    low, high = np.percentile(samples, (0.1, 99.9), axis=1)
    return float(np.median(high - low))


def _eeg_extent(samples: FloatArray) -> float:
    """Range within a tenth of the stretch, so that slow drift does not flatten the rhythm."""
    pieces = np.array_split(samples, min(10, samples.shape[1] // 2), axis=1)
    ranges = [np.subtract(*np.percentile(piece, (98, 2), axis=1)) for piece in pieces]
    return float(np.median(np.array(ranges)))


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis."""

    value: float
    text: str


def time_ticks(start_s: float, stop_s: float, width_px: float, spacing_px: float = 110.0) -> tuple[Tick, ...]:
    """Ticks of a time axis, labelled in seconds or minutes:seconds."""
    span = stop_s - start_s
    if span <= 0 or width_px <= 0:
        return ()
    ideal = span * spacing_px / width_px
    steps = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((s for s in steps if s >= ideal), 7200)
    first = math.ceil(start_s / step - 1e-9)
    last = math.floor(stop_s / step + 1e-9)
    return tuple(Tick(k * step, _time_text(k * step, step, stop_s >= 60)) for k in range(first, last + 1))


def _time_text(seconds: float, step: float, in_minutes: bool) -> str:
    sign = "\N{MINUS SIGN}" if seconds < -1e-9 else ""
    seconds = abs(seconds)
    if step < 1 and not in_minutes:
        decimals = 2 if step < 0.1 else 1
        return f"{sign}{seconds:.{decimals}f} s"
    if step < 1:
        return f"{sign}{int(seconds) // 60}:{seconds % 60:04.1f}"
    whole = round(seconds)
    if not in_minutes:
        return f"{sign}{whole} s"
    return f"{sign}{whole // 60}:{whole % 60:02d}"


def value_ticks(low: float, high: float, n: int = 5) -> tuple[float, ...]:
    """About ``n`` round values between ``low`` and ``high``."""
    if not high > low:
        return ()
    step = nice_at_least((high - low) / n)
    return tuple(k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))
