"""The simulated heart and breath, in volts of an ECG lead."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.simulation import EffectSizes
from veridical.simulator.course import Course, Shown
from veridical.simulator.noise import ColouredNoise, SlowDrifts, band

_R_V = 1.1e-3
_R_AFTER_S = 0.20  # from the beat's beginning (before P) to its R peak

# Waves of lead II: place relative to R in seconds (T's for a beat of 1 s), width, share of R
# (values of the dynamical model of McSharry 2003, in seconds).
_WAVES = (
    ("P", -0.165, 0.022, 0.13),
    ("Q", -0.033, 0.009, -0.12),
    ("R", 0.0, 0.011, 1.0),
    ("S", 0.032, 0.010, -0.24),
    ("T", 0.290, 0.050, 0.30),
)
_BREATHS_HZ = 0.25
_RESPIRATORY_BPM = 3.5  # respiratory sinus arrhythmia
_LOW_FREQUENCY_BPM = 2.0  # around 0.1 Hz
_VERY_LOW_BPM = 1.5


class HeartOrgan:
    """One ECG channel: beats timed by integral pulse frequency modulation (Bayly 1968)."""

    n_channels = 1

    def __init__(self, effects: EffectSizes, sampling_hz: float, seed: int, course: Course) -> None:
        rng = np.random.default_rng([abs(seed), 2])
        noise_rng, breath_rng = rng.spawn(2)
        self._effects = effects
        self._course = course
        self._responses: dict[int, tuple[float, float, float]] = {}
        self._rest_bpm = float(np.clip(rng.normal(70, 7), 55, 88))
        self._period_s = 1 / sampling_hz
        self._breath_phase = float(rng.uniform(0, 2 * np.pi))
        # Breathing rate, blood pressure waves, very slow changes of rate, and the electrodes' wander.
        self._drifts = SlowDrifts([(0.005, 0.05), (0.06, 0.14), (0.003, 0.03), (0.02, 0.3)], sampling_hz, breath_rng)
        self._muscle = ColouredNoise(band(20.0, 100.0), 1, sampling_hz, noise_rng)
        self._beat_phase = float(rng.uniform())
        self._beats: list[tuple[float, float]] = []

    def block(self, times_s: FloatArray) -> FloatArray:
        """Return the next samples in volts, shape (n_times, 1)."""
        n_times = len(times_s)
        breathing, low_frequency, very_low, wander = self._drifts.at(times_s).T
        breaths_hz = _BREATHS_HZ * np.exp(0.12 * breathing)
        breath = self._breath_phase + 2 * np.pi * self._period_s * np.cumsum(breaths_hz)
        self._breath_phase = float(breath[-1] % (2 * np.pi))
        rate_bpm = self._rest_bpm + _RESPIRATORY_BPM * np.sin(breath)
        rate_bpm += _LOW_FREQUENCY_BPM * low_frequency + _VERY_LOW_BPM * very_low
        rate_bpm += self._evoked_bpm(times_s)
        self._time_beats(times_s, np.clip(rate_bpm, 40, 150))
        volts = _R_V * self._waves(times_s)
        volts += 0.05e-3 * np.sin(breath + 0.6) + 0.04e-3 * wander
        volts += 8e-6 * self._muscle.take(n_times)[:, 0] + 4e-6 * np.sin(2 * np.pi * 50 * times_s)
        return volts[:, None]

    def _evoked_bpm(self, times_s: FloatArray) -> FloatArray:
        """Return the change of heart rate that the pictures cause, beats per minute."""
        responses: list[tuple[float, float, float]] = []
        for picture in self._course.begun_within(12.0, now_s=times_s[0]):
            if picture.ordinal not in self._responses:
                self._responses[picture.ordinal] = self._response(picture)
            responses.append(self._responses[picture.ordinal])
        if not responses:
            return np.zeros(len(times_s))
        onsets_s, slows_bpm, speeds_bpm = np.array(responses).T
        since_s = times_s - onsets_s[:, None]
        change: FloatArray = speeds_bpm @ _swell(since_s, 4.5, 6) - slows_bpm @ _swell(since_s, 1.8, 2)
        return change

    def _response(self, picture: Shown) -> tuple[float, float, float]:
        """Return onset, deceleration (deepest after 1.8 s) and acceleration (highest after 4.5 s) of one picture.

        Unpleasant pictures slow the heart more, pleasant ones speed it up later (Bradley & Lang 2007).
        """
        size = np.exp(0.25 * picture.chances.heart_size)
        size *= np.exp(-self._effects.fatigue_per_min * max(picture.onset_s, 0.0) / 60)
        unpleasant, pleasant = max(0.0, -picture.feeling.valence), max(0.0, picture.feeling.valence)
        slows_bpm = self._effects.orienting_bpm + self._effects.deceleration_bpm * unpleasant
        speeds_bpm = 0.3 * self._effects.orienting_bpm + 0.5 * self._effects.deceleration_bpm * pleasant
        return picture.onset_s, float(size * slows_bpm), float(size * speeds_bpm)

    def _time_beats(self, times_s: FloatArray, rate_bpm: FloatArray) -> None:
        """Add the beats that begin in a block; each comes when the integral of the rate passes a whole number."""
        phase = self._beat_phase + np.cumsum(rate_bpm) / 60 * self._period_s
        before = np.concatenate(([self._beat_phase], phase[:-1]))
        for k in np.flatnonzero(np.floor(phase) > np.floor(before)):
            part = (np.floor(phase[k]) - before[k]) / (phase[k] - before[k])
            begins_s = times_s[k] + (part - 1) * self._period_s
            self._beats.append((begins_s + _R_AFTER_S, 60 / rate_bpm[k]))
        self._beat_phase = float(phase[-1] % 1.0)
        self._beats = [b for b in self._beats if b[0] > times_s[0] - 1.5]

    def _waves(self, times_s: FloatArray) -> FloatArray:
        course = np.zeros(len(times_s))
        for r_s, interval_s in self._beats:
            # QT shortens with the root of the interval (Bazett 1920).
            stretch = np.sqrt(interval_s)
            for name, place_s, width_s, share in _WAVES:
                scale = stretch if name == "T" else 1.0
                course += share * np.exp(-0.5 * ((times_s - r_s - place_s * scale) / (width_s * scale)) ** 2)
        return course


def _swell(since_s: FloatArray, peak_s: float, order: int) -> FloatArray:
    """Return a gamma-shaped response that starts at 0 and is 1 at ``peak_s``."""
    x = np.maximum(since_s, 0.0) / peak_s
    return np.asarray(x**order * np.exp(order * (1 - x)))
