"""Power in frequency bands."""

from collections.abc import Sequence

import numpy as np

from veridical.domain.arrays import FloatArray


def band_power(
    epochs: FloatArray, sampling_hz: float, bands_hz: Sequence[tuple[float, float]], window_s: float = 1.0
) -> FloatArray:
    """Return the mean power spectral density in bands (Welch 1967).

    Hann windows of ``window_s`` overlap by half; a shorter epoch is one window. With the same window for
    a long and a short epoch both are smoothed alike, so their ratio is not biased by resolution. (The
    logarithm of few windows lies lower on average than that of many, by the same amount in every trial.)

    Parameters
    ----------
    epochs : ndarray, shape (..., n_times)
        Volts (or another unit).
    sampling_hz : float
    bands_hz : sequence of (low, high)
        Bins with low <= f < high count; the nearest bin if none lies inside.
    window_s : float
        Length of one Hann window.

    Returns
    -------
    ndarray, shape (..., n_bands)
        Unit squared per hertz; NaN where the epoch holds NaN.
    """
    n_times = epochs.shape[-1]
    n_window = min(n_times, max(2, round(window_s * sampling_hz)))
    step = max(1, n_window // 2)
    # Periodic Hann, one-sided density, mean removed in every window: as scipy.signal.welch.
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_window) / n_window)
    scale = 2 / (sampling_hz * np.sum(taper**2))
    frequencies = np.fft.rfftfreq(n_window, 1 / sampling_hz)
    starts = range(0, n_times - n_window + 1, step)
    density = np.zeros((*epochs.shape[:-1], len(frequencies)))
    for start in starts:
        part = epochs[..., start : start + n_window]
        spectrum = np.fft.rfft((part - part.mean(axis=-1, keepdims=True)) * taper, axis=-1)
        density += scale * (spectrum.real**2 + spectrum.imag**2)
    density /= len(starts)
    density[..., 0] /= 2
    if n_window % 2 == 0:
        density[..., -1] /= 2
    columns = []
    for low_hz, high_hz in bands_hz:
        chosen = (frequencies >= low_hz) & (frequencies < high_hz)
        if not chosen.any():
            chosen[np.argmin(np.abs(frequencies - (low_hz + high_hz) / 2))] = True
        columns.append(density[..., chosen].mean(axis=-1))
    return np.stack(columns, axis=-1)


def log_power(power: FloatArray, floor: float = 1e-18) -> FloatArray:
    """Return the natural logarithm of power, at least ``floor``.

    The default floor is (1 nV)^2/Hz: an amplifier's noise lies ten times above, so only dead channels meet it.
    """
    return np.log(np.maximum(power, floor))
