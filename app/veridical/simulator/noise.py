"""Coloured noise, slow drifts and chance events that go on where they left off.

Made with numpy alone: a recursive filter would bring in all of scipy.signal, and a simulator that takes seconds to
start keeps a demonstration waiting.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from veridical.domain.arrays import FloatArray

# Amplitude (any scale) at frequencies in Hz, above 0.
Spectrum: TypeAlias = Callable[[FloatArray], FloatArray]

_BLOCK_S = 4.0
_N_WAVES = 16


class ColouredNoise:
    """Independent Gaussian noises of one spectrum, each of variance 1.

    Blocks of white noise are shaped in the frequency domain and added with half of each overlapping; sine windows
    keep the variance the same throughout.

    Parameters
    ----------
    spectrum : callable
        Finer structure than 1 / (4 s) is lost.
    """

    def __init__(self, spectrum: Spectrum, n_noises: int, sampling_hz: float, rng: np.random.Generator) -> None:
        self._rng = rng
        self._n_noises = n_noises
        self._half = max(8, round(_BLOCK_S * sampling_hz / 2))
        n_times = 2 * self._half
        gain = np.zeros(self._half + 1)
        gain[1:] = spectrum(np.fft.rfftfreq(n_times, 1 / sampling_hz)[1:])
        # By Parseval the variance is the mean of the squared gain over both halves of the spectrum.
        self._gain = gain / np.sqrt((2 * (gain[1:-1] ** 2).sum() + gain[-1] ** 2) / n_times)
        self._window = np.sin(np.pi * (np.arange(n_times) + 0.5) / n_times)
        self._overlap = self._shape()[self._half :]
        self._ahead = np.empty((0, n_noises))

    def take(self, n_times: int) -> FloatArray:
        """Draw the next samples, shape (n_times, n_noises)."""
        while len(self._ahead) < n_times:
            block = self._shape()
            self._ahead = np.concatenate((self._ahead, self._overlap + block[: self._half]))
            self._overlap = block[self._half :]
        taken, self._ahead = self._ahead[:n_times], self._ahead[n_times:]
        return taken

    def _shape(self) -> FloatArray:
        white = np.fft.rfft(self._rng.standard_normal((2 * self._half, self._n_noises)), axis=0)
        coloured = np.fft.irfft(white * self._gain[:, None], n=2 * self._half, axis=0)
        return np.asarray(coloured * self._window[:, None])


def one_over_f(exponent: float) -> Spectrum:
    """Return a spectrum whose power falls as 1/f**exponent."""
    return lambda hz: np.asarray(hz ** (-exponent / 2))


def band(low_hz: float, high_hz: float) -> Spectrum:
    """Return a band with the skirts of a fourth-order Butterworth filter."""
    return lambda hz: np.asarray(1 / np.sqrt((1 + (low_hz / hz) ** 8) * (1 + (hz / high_hz) ** 8)))


class SlowDrifts:
    """Independent smooth processes of variance 1: sums of slow waves, known at every time.

    Parameters
    ----------
    bands_hz : sequence of (float, float)
        For each process, the lowest and the highest frequency of its waves; below about 1 Hz.
    """

    def __init__(self, bands_hz: Sequence[tuple[float, float]], sampling_hz: float, rng: np.random.Generator) -> None:
        low_hz, high_hz = np.array(bands_hz).T
        self._omega = 2 * np.pi * rng.uniform(low_hz, high_hz, (_N_WAVES, len(bands_hz)))
        self._phase = rng.uniform(0, 2 * np.pi, (_N_WAVES, len(bands_hz)))
        self._sampling_hz = sampling_hz
        self._newest = (0.0, self._value(0.0))

    def at(self, times_s: FloatArray) -> FloatArray:
        """Return values at the times of one block, shape (n_times, n_processes).

        Straight lines between the starts of blocks: so short a piece of a slow wave is one.
        """
        start_s, stop_s = float(times_s[0]), float(times_s[0]) + len(times_s) / self._sampling_hz
        first = self._newest[1] if abs(self._newest[0] - start_s) < 1e-6 else self._value(start_s)
        self._newest = (stop_s, self._value(stop_s))
        share = np.arange(len(times_s))[:, None] / len(times_s)
        return np.asarray(first + share * (self._newest[1] - first))

    def _value(self, at_s: float) -> FloatArray:
        return np.asarray(np.sqrt(2 / _N_WAVES) * np.cos(self._omega * at_s + self._phase).sum(0))


class ChanceEvents:
    """Events at random times with a refractory period, drawn as time goes on.

    Parameters
    ----------
    per_min : float
        Mean rate; 0 for none.
    refractory_s : float
        Shortest time between two.
    kept_s : float
        How long an event matters.
    """

    def __init__(self, per_min: float, refractory_s: float, kept_s: float, rng: np.random.Generator) -> None:
        self._rng = rng
        self._refractory_s = refractory_s
        self._kept_s = kept_s
        self._mean_wait_s = max(60 / per_min - refractory_s, 0.1) if per_min > 0 else np.inf
        self._events: list[tuple[float, float]] = []
        self._next_s = float(rng.exponential(self._mean_wait_s)) if per_min > 0 else np.inf

    def until(self, start_s: float, stop_s: float) -> list[tuple[float, float]]:
        """Return (time in seconds, standard normal number) of the events that matter in a stretch.

        Stretches must follow one another.
        """
        while self._next_s < stop_s:
            self._events.append((self._next_s, float(self._rng.standard_normal())))
            self._next_s += self._refractory_s + float(self._rng.exponential(self._mean_wait_s))
        self._events = [e for e in self._events if e[0] + self._kept_s > start_s]
        return self._events
