"""Which hum a recording carries: 50 or 60 Hz."""

import numpy as np
from scipy.signal import welch

from veridical.domain.arrays import FloatArray

MAINS_HZ = (50.0, 60.0)
# The hum is a line: 0.5 Hz around it hold all of it; 2 to 4 Hz away is what there is without it.
_LINE_HZ = 0.5
_BESIDE_HZ = (2.0, 4.0)
_RESOLUTION_S = 4.0
_SHORTEST_S = 2.0
# A minute is enough to see a line, and quick to look at.
_MOST_S = 60.0


def detect_line_noise(samples: FloatArray, sampling_hz: float) -> float:
    """Return 50 or 60, whichever stands out more from its surroundings in the channel that carries it most.

    Where neither can be seen (too low a rate, no signal) it is 50, the mains of most countries.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        Any unit; NaN and constant channels are left out.
    """
    n = int(min(samples.shape[1], _MOST_S * sampling_hz))
    start = (samples.shape[1] - n) // 2
    middle = np.asarray(samples[:, start : start + n], dtype=float)
    usable = middle[np.isfinite(middle).all(axis=1) & (np.ptp(middle, axis=1) > 0)] if n else middle[:0]
    if not len(usable) or n < _SHORTEST_S * sampling_hz:
        return MAINS_HZ[0]
    n_window = int(min(_RESOLUTION_S * sampling_hz, n))
    usable = usable - usable.mean(axis=1, keepdims=True)
    frequencies, power = welch(usable, sampling_hz, nperseg=n_window)
    standing = [_standing(frequencies, power, hz) for hz in MAINS_HZ]
    return MAINS_HZ[int(np.argmax(standing))]


def _standing(frequencies: FloatArray, power: FloatArray, hz: float) -> float:
    """How many times the power of its surroundings the line has, at most of all channels; 0 if it is out of reach."""
    distance = np.abs(frequencies - hz)
    line, beside = distance <= _LINE_HZ, (distance >= _BESIDE_HZ[0]) & (distance <= _BESIDE_HZ[1])
    if hz + _LINE_HZ > frequencies[-1] or not beside.any():
        return 0.0
    around = np.median(power[:, beside], axis=1)
    # One loose electrode may carry all of it.
    return float((power[:, line].max(axis=1) / np.maximum(around, np.finfo(float).tiny)).max())
