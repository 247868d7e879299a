"""Face and neck muscles: a little all the time, bursts now and then, and laughter."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.simulation import EffectSizes
from veridical.simulator.course import Shown
from veridical.simulator.head import positions, spread
from veridical.simulator.noise import ChanceEvents, ColouredNoise, band

# Left and right temporal, left and right frontal muscle.
_SITES = (("T7", "F7"), ("T8", "F8"), ("Fp1", "AF3"), ("Fp2", "AF4"))
_FRONTAL_SHARE = np.array([1.0, 1.0, 0.6, 0.6])
_TONIC_V = 0.7e-6
_BURST_V = 8e-6
_LAUGH_HZ = 5.0  # syllables of laughter (Bachorowski 2001)


class Muscles:
    """20-100 Hz noise at temporal and frontal sites."""

    def __init__(
        self,
        effects: EffectSizes,
        electrodes: FloatArray,
        sampling_hz: float,
        rng: np.random.Generator,
    ) -> None:
        self._effects = effects
        self._map = np.stack([spread(electrodes, *positions(site), length=0.4) for site in _SITES])
        self._shift_map = self._map[:2].sum(0)
        self._noise = ColouredNoise(band(20.0, 100.0), len(_SITES), sampling_hz, rng)
        self._bursts = ChanceEvents(effects.bursts_per_min, refractory_s=2.0, kept_s=1.5, rng=rng.spawn(1)[0])

    def take(self, times_s: FloatArray, shown: tuple[Shown, ...]) -> FloatArray:
        """Return volts, shape (n_times, n_channels)."""
        size_v = np.full(len(times_s), _TONIC_V)
        for at_s, chance in self._bursts.until(times_s[0], times_s[-1]):
            size_v += _BURST_V * np.exp(0.4 * chance) * _plateau(times_s - at_s, 0.3 + 0.8 * (chance % 1.0))
        laughing = np.zeros(len(times_s))
        for picture in shown:
            laughing += self._laughter(picture, times_s)
        size_v += self._effects.laugh_v * laughing
        noise = self._noise.take(len(times_s)) * _FRONTAL_SHARE
        volts: FloatArray = (size_v[:, None] * noise) @ self._map
        if self._effects.laugh_shift_v:
            volts += self._effects.laugh_shift_v * laughing[:, None] * self._shift_map
        return volts

    def _laughter(self, picture: Shown, times_s: FloatArray) -> FloatArray:
        """Return the envelope of this picture's laughter; zeros if it draws none."""
        chances = picture.chances
        if picture.feeling.valence <= 0 or chances.laughs >= self._effects.laugh_probability:
            return np.zeros(len(times_s))
        since_s = times_s - picture.onset_s - float(np.clip(0.30 + 0.05 * chances.laugh_onset, 0.2, 0.45))
        lasts_s = float(np.clip(1.6 + 0.4 * chances.laugh_length, 0.6, 3.0))
        syllables = 1 + 0.4 * np.sin(2 * np.pi * _LAUGH_HZ * since_s)
        return np.asarray(np.exp(0.3 * chances.laugh_size) * syllables * _plateau(since_s, lasts_s))


def _plateau(since_s: FloatArray, lasts_s: float) -> FloatArray:
    """Return an envelope that is 1 from 0 to ``lasts_s``, with raised-cosine edges of 80 ms."""
    rise = np.clip(since_s / 0.08, 0, 1)
    fall = np.clip((lasts_s - since_s) / 0.08, 0, 1)
    return np.asarray(np.sin(0.5 * np.pi * rise) ** 2 * np.sin(0.5 * np.pi * fall) ** 2)
