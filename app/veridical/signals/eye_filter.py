"""The zero-phase filters of a window on screen, as one multiplication of its spectrum."""

from functools import lru_cache

import numpy as np
import scipy.fft
from scipy import signal as scipy_signal

from veridical.domain.arrays import FloatArray
from veridical.signals.filters import FilterChoice, bridge, design_sections, ringing_s


def padding_samples(choice: FilterChoice, sampling_hz: float) -> int:
    """Samples on either side that a window needs to be filtered as the whole recording would be."""
    return int(np.ceil(ringing_s(choice) * sampling_hz))


def filter_window(samples: FloatArray, sampling_hz: float, choice: FilterChoice, first: int, stop: int) -> FloatArray:
    """Filter forward and backward and keep the middle.

    Equals ``filter_zero_phase`` on the whole recording but for ringing below 1e-3, if ``samples`` reach
    ``padding_samples`` beyond both sides; where they end earlier they are continued by a point reflection, as
    there. 64 channels x 16 s at 1 kHz with three filters took 15 ms, five times less than recursion.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        One stretch without a gap. NaN is bridged for the filter and stays NaN. Not modified.
    first, stop : int
        What to keep.

    Returns
    -------
    ndarray of float64, shape (n_channels, stop - first)
        Computed in float64 after the mean is removed; without a high-pass the mean is put back.
    """
    centred, missing, mean = bridge(samples)
    n = centred.shape[1]
    if n > 1:
        ringing = padding_samples(choice, sampling_hz)
        before, after = min(n - 1, max(0, ringing - first)), min(n - 1, max(0, ringing - (n - stop)))
        size = scipy.fft.next_fast_len(before + n + after, real=True)
        padded = np.empty((len(centred), size))
        padded[:, before : before + n] = centred
        padded[:, :before] = 2 * centred[:, :1] - centred[:, before:0:-1]
        padded[:, before + n : before + n + after] = 2 * centred[:, -1:] - centred[:, -2 : -after - 2 : -1]
        rest = size - before - n - after
        if rest:
            # The circle is closed by a straight line from the last to the first.
            ends, begins = padded[:, size - rest - 1, None], padded[:, :1]
            padded[:, size - rest :] = ends + (begins - ends) * (np.arange(1, rest + 1) / (rest + 1))
        spectrum = scipy.fft.rfft(padded, axis=1, overwrite_x=True, workers=2)
        spectrum *= _gain(choice, round(sampling_hz * 1e6), size)
        centred = scipy.fft.irfft(spectrum, size, axis=1, overwrite_x=True, workers=2)[:, before : before + n]
    kept = np.array(centred[:, first:stop])
    if choice.high_pass_hz is None:
        kept += mean
    if missing is not None:
        kept[missing[:, first:stop]] = np.nan
    return kept


@lru_cache(maxsize=16)
def _gain(choice: FilterChoice, sampling_uhz: int, size: int) -> FloatArray:
    """Squared amplitude response at the frequencies of a real transform: forward, then backward."""
    sampling_hz = sampling_uhz / 1e6
    sections = design_sections(choice, sampling_hz)
    if not len(sections):
        return np.ones(size // 2 + 1)
    _, response = scipy_signal.sosfreqz(sections, np.arange(size // 2 + 1) * sampling_hz / size, fs=sampling_hz)
    return np.asarray(np.abs(response) ** 2, dtype=np.float64)
