"""The simulated skin's conductance, in siemens."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.simulation import EffectSizes
from veridical.simulator.course import FORGOTTEN_AFTER_S, Course, Shown
from veridical.simulator.noise import ChanceEvents, SlowDrifts

_RISE_S, _FALL_S = 0.75, 3.0  # time constants of one response (Alexander 2005: 0.75 and 2 to 4 s)
_SENSOR_S = 0.0015e-6
_DRIFT_S = 0.35e-6
# Typical response to a deep breath; few things draw a larger one.
_BREATH_S = 0.6e-6
_HABITUATION = 12.0  # pictures after which orienting has fallen to 1/e
_PEAK_AFTER_S = np.log(_FALL_S / _RISE_S) * _RISE_S * _FALL_S / (_FALL_S - _RISE_S)
_PEAK = np.exp(-_PEAK_AFTER_S / _FALL_S) - np.exp(-_PEAK_AFTER_S / _RISE_S)


class SkinOrgan:
    """One EDA channel: a tonic level that drifts, and responses (SCRs) on it."""

    n_channels = 1

    def __init__(self, effects: EffectSizes, sampling_hz: float, seed: int, course: Course) -> None:
        rng = np.random.default_rng([abs(seed), 3])
        noise_rng, chance_rng, drift_rng = rng.spawn(3)
        self._effects = effects
        self._course = course
        self._responses: dict[int, tuple[float, float]] = {}
        self._noise_rng = noise_rng
        self._level_s = float(np.exp(rng.normal(np.log(5e-6), 0.35)))
        self._drift = SlowDrifts([(0.0005, 0.012)], sampling_hz, drift_rng)
        self._seed = seed
        self._spontaneous = ChanceEvents(
            effects.spontaneous_scrs_per_min, refractory_s=1.0, kept_s=FORGOTTEN_AFTER_S, rng=chance_rng
        )

    def block(self, times_s: FloatArray) -> FloatArray:
        """Return the next samples in siemens, shape (n_times, 1)."""
        n_times = len(times_s)
        siemens = self._level_s + _DRIFT_S * self._drift.at(times_s)[:, 0]
        siemens += _SENSOR_S * self._noise_rng.standard_normal(n_times)
        responses = [
            (at_s, 0.12e-6 * np.exp(0.5 * chance)) for at_s, chance in self._spontaneous.until(times_s[0], times_s[-1])
        ]
        for picture in self._course.begun_within(FORGOTTEN_AFTER_S, now_s=times_s[0]):
            if picture.ordinal not in self._responses:
                self._responses[picture.ordinal] = self._response(picture)
            responses.append(self._responses[picture.ordinal])
        responses += [
            self._after_breath(k, at_s) for k, at_s in self._course.breaths_within(FORGOTTEN_AFTER_S, times_s[0])
        ]
        if responses:
            starts_s, sizes_s = np.array(responses).T
            siemens += sizes_s @ response_course(times_s - starts_s[:, None])
        return np.asarray(np.maximum(siemens, 0.05e-6)[:, None])

    def _response(self, picture: Shown) -> tuple[float, float]:
        """Return start (1 to 4 s after the picture's, Boucsein 2012) and amplitude of one picture's response."""
        latency_s = float(np.clip(1.9 + 0.35 * picture.chances.skin_latency, 1.0, 4.0))
        aroused = max(0.0, 0.5 * (1 + picture.feeling.arousal))
        orienting = self._effects.orienting_scr_s * np.exp(-picture.ordinal / _HABITUATION)
        fatigue = np.exp(-self._effects.fatigue_per_min * max(picture.onset_s, 0.0) / 60)
        size_s = (self._effects.scr_s_per_arousal * aroused + orienting) * fatigue
        return picture.onset_s + latency_s, float(size_s * np.exp(0.35 * picture.chances.skin_size))

    def _after_breath(self, number: int, at_s: float) -> tuple[float, float]:
        """Return start (1 to 3 s after the breath's) and amplitude of the response to a deep breath."""
        latency, size = np.random.default_rng([abs(self._seed), 6, number]).standard_normal(2)
        return at_s + float(np.clip(2.0 + 0.3 * latency, 1.2, 3.0)), float(_BREATH_S * np.exp(0.3 * size))


def response_course(since_s: FloatArray) -> FloatArray:
    """Return one skin conductance response: bi-exponential, 0 before its onset, 1 at its peak."""
    later = np.maximum(since_s, 0.0)
    return np.asarray((np.exp(-later / _FALL_S) - np.exp(-later / _RISE_S)) / _PEAK)
