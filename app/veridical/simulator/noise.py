"""Coloured noise and chance events that go on where they left off."""

import numpy as np
from scipy.signal import butter, sosfilt

from veridical.domain.arrays import FloatArray

_WARM_UP_S = 8.0
# Noise does not depend on what is shown, so it is made ahead: a call of the filter costs 0.1 ms however short.
_AHEAD_S = 0.5


class ColouredNoise:
    """Independent Gaussian noises through one filter, each of variance 1.

    Parameters
    ----------
    sections : ndarray, shape (n_sections, 6)
        Second-order sections.
    """

    def __init__(self, sections: FloatArray, n_noises: int, sampling_hz: float, rng: np.random.Generator) -> None:
        self._rng = rng
        self._n_noises = n_noises
        self._sections = np.array(sections, dtype=float)
        impulse = np.zeros(max(64, round(4 * _WARM_UP_S * sampling_hz)))
        impulse[0] = 1.0
        self._sections[0, :3] /= np.sqrt(np.sum(sosfilt(self._sections, impulse) ** 2))
        self._state = np.zeros((len(sections), 2, n_noises))
        # A filter at rest would begin with a swell; start in the middle of things.
        self._filter(round(_WARM_UP_S * sampling_hz))
        self._size = max(1, round(_AHEAD_S * sampling_hz))
        self._ahead = self._filter(self._size)

    def take(self, n_times: int) -> FloatArray:
        """Draw the next samples, shape (n_times, n_noises)."""
        while len(self._ahead) < n_times:
            self._ahead = np.concatenate((self._ahead, self._filter(self._size)))
        taken, self._ahead = self._ahead[:n_times], self._ahead[n_times:]
        return taken

    def _filter(self, n_times: int) -> FloatArray:
        white = self._rng.standard_normal((n_times, self._n_noises))
        coloured, self._state = sosfilt(self._sections, white, axis=0, zi=self._state)
        return np.asarray(coloured)


def one_over_f(exponent: float, sampling_hz: float, low_hz: float = 0.3, high_hz: float = 90.0) -> FloatArray:
    """Design a filter whose power falls as 1/f**exponent between two frequencies.

    Poles and zeros alternate at equal steps of log frequency (Keshner 1982), one pair in two octaves.

    Returns
    -------
    ndarray, shape (n_sections, 6)
        Second-order sections.
    """
    high_hz = min(high_hz, 0.45 * sampling_hz)
    n_pairs = max(2, round(np.log(high_hz / low_hz) / np.log(4)))
    pole_hz = low_hz * (high_hz / low_hz) ** (np.arange(n_pairs) / n_pairs)
    step = (high_hz / low_hz) ** (1 / n_pairs)
    zero_hz = pole_hz * step ** (exponent / 2)
    pole, zero = np.exp(-2 * np.pi * pole_hz / sampling_hz), np.exp(-2 * np.pi * zero_hz / sampling_hz)
    ones, nil = np.ones(n_pairs), np.zeros(n_pairs)
    return np.column_stack((ones, -zero, nil, ones, -pole, nil))


def band(low_hz: float, high_hz: float, sampling_hz: float) -> FloatArray:
    """Design a second-order Butterworth band, kept below the Nyquist frequency; second-order sections."""
    limit_hz = 0.45 * sampling_hz
    edges = [min(low_hz, 0.5 * limit_hz), min(high_hz, limit_hz)]
    return np.asarray(butter(2, edges, btype="bandpass", fs=sampling_hz, output="sos"))


def slow(corner_hz: float, sampling_hz: float) -> FloatArray:
    """Design a critically damped low-pass, which makes smooth drifts of white noise; one second-order section."""
    pole = np.exp(-2 * np.pi * corner_hz / sampling_hz)
    return np.array([[1.0, 0.0, 0.0, 1.0, -2 * pole, pole**2]])


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
