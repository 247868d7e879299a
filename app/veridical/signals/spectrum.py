"""Spectrum of a stretch of signal."""

import numpy as np
from scipy import signal as scipy_signal

from veridical.domain.arrays import FloatArray

# Half a hertz of resolution tells alpha from its neighbours; a shorter stretch is one window.
_WINDOW_S = 2.0


def power_spectrum(samples: FloatArray, sampling_hz: float) -> tuple[FloatArray, FloatArray]:
    """Estimate power spectral density (Welch 1967): Hann windows of 2 s, half overlapping, mean removed.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        Volts (or another unit).

    Returns
    -------
    frequencies_hz : ndarray, shape (n_frequencies,)
    density : ndarray, shape (n_channels, n_frequencies)
        Unit squared per hertz; NaN for a channel that holds NaN. Empty for fewer than 8 samples.
    """
    n_channels, n_times = samples.shape
    if n_times < 8:
        return np.empty(0), np.empty((n_channels, 0))
    n_window = min(n_times, round(_WINDOW_S * sampling_hz))
    found = np.full((n_channels, n_window // 2 + 1), np.nan)
    whole = np.isfinite(samples).all(axis=1)
    frequencies_hz = np.fft.rfftfreq(n_window, 1 / sampling_hz)
    if whole.any():
        _, found[whole] = scipy_signal.welch(samples[whole].astype(np.float64), sampling_hz, nperseg=n_window)
    return frequencies_hz, found
