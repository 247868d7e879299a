"""The simulated brain, eyes and face muscles under an EEG cap, in volts."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.simulation import EffectSizes
from veridical.simulator.course import Course, Shown
from veridical.simulator.head import EYES, bump_at, cortical_sources, positions, spread
from veridical.simulator.muscle import Muscles
from veridical.simulator.noise import ChanceEvents, ColouredNoise, SlowDrifts, Spectrum, one_over_f

_N_BACKGROUND = 24
_BACKGROUND_EXPONENT = 1.3  # of power over frequency; resting EEG has 1 to 2 (Donoghue 2020)
_LINE_HZ = 50.0
_SENSOR_V = 0.8e-6
_WANDER_V = 8e-6  # slow electrode potentials
_OFFSET_V = 300e-6
_BLINK_V = 120e-6
_WATCHES_S = 0.8
_WITHHELD_BELOW = 0.52  # of a standard normal number: seven blinks in ten
_CLOSED_ALPHA = 2.2  # Berger effect: alpha amplitude with eyes closed against open

_EARLY_LASTS_S = 0.45
_EVOKED_OUTLASTS_S = 1.0

_OCCIPITAL = ("O1", "Oz", "O2")


class EegOrgan:
    """Everything an EEG amplifier sees at one participant's head."""

    def __init__(
        self,
        effects: EffectSizes,
        labels: tuple[str, ...],
        sampling_hz: float,
        seed: int,
        course: Course,
        noise_seed: int | None = None,
    ) -> None:
        rng = np.random.default_rng([abs(seed), 1])
        # The head is the participant's, whatever the session; chance is the session's.
        chance = rng if noise_seed in (None, seed) else np.random.default_rng([abs(noise_seed or 0), 1])
        noise_rng, blink_rng, muscle_rng = chance.spawn(3)
        electrodes = positions(labels)
        self.n_channels = len(labels)
        self._effects = effects
        self._background_map = cortical_sources(electrodes, _N_BACKGROUND, rng) * effects.background_v
        self._background = ColouredNoise(one_over_f(_BACKGROUND_EXPONENT), _N_BACKGROUND, sampling_hz, noise_rng)
        self._rhythms = _Rhythms(effects, electrodes, sampling_hz, rng, noise_rng)
        self._wander = SlowDrifts([(0.005, 0.15)] * self.n_channels, sampling_hz, noise_rng)
        self._sensor_rng = noise_rng.spawn(1)[0]
        self._offset_v = _OFFSET_V * rng.standard_normal(self.n_channels)
        self._drift_v_per_s = effects.drift_v_per_min / 60 * rng.standard_normal(self.n_channels)
        # Mains reach the electrodes of high impedance most; a few have little to see.
        self._line_v = effects.line_v * rng.uniform(0.1, 1.0, self.n_channels)
        self._line_phase = rng.uniform(0, 2 * np.pi) + 0.4 * rng.standard_normal(self.n_channels)
        self._blinks = _Blinks(effects.blinks_per_min, electrodes, blink_rng)
        self._muscles = Muscles(effects, electrodes, sampling_hz, muscle_rng)
        self._evoked = EvokedResponses(effects, electrodes)
        self._course = course

    def block(self, times_s: FloatArray) -> FloatArray:
        """Return the next samples in volts, shape (n_times, n_channels)."""
        n_times = len(times_s)
        shown = self._course.shown_within(3.0, now_s=times_s[0])
        is_closed = self._course.are_eyes_closed(times_s[0])
        volts = self._background.take(n_times) @ self._background_map
        volts += self._rhythms.take(times_s, shown, is_closed)
        volts += _WANDER_V * self._wander.at(times_s)
        volts += self._muscles.take(times_s, shown)
        volts += _SENSOR_V * self._sensor_rng.standard_normal((n_times, self.n_channels))
        volts += self._line_v * np.sin(2 * np.pi * _LINE_HZ * times_s[:, None] + self._line_phase)
        volts += self._offset_v + self._drift_v_per_s * times_s[:, None]
        for picture in shown:
            if times_s[0] < picture.off_s + _EVOKED_OUTLASTS_S:
                volts += self._evoked.response(picture, times_s)
        if not is_closed:
            volts += self._blinks.take(times_s, shown)
        return volts


class _Rhythms:
    """Posterior alpha that waxes and wanes, and some central beta."""

    def __init__(
        self,
        effects: EffectSizes,
        electrodes: FloatArray,
        sampling_hz: float,
        rng: np.random.Generator,
        noise_rng: np.random.Generator,
    ) -> None:
        self._effects = effects
        peak_hz = float(np.clip(rng.normal(10.0, 0.6), 8.8, 11.2))
        alpha_map = np.stack(
            [
                bump_at(electrodes, "O1", "PO3", width=0.5),
                bump_at(electrodes, "O2", "PO4", width=0.5),
                0.6 * bump_at(electrodes, "Pz", width=0.6),
            ]
        )
        at_oz = np.stack(
            [
                bump_at(positions(("Oz",)), "O1", "PO3", width=0.5),
                bump_at(positions(("Oz",)), "O2", "PO4", width=0.5),
                0.6 * bump_at(positions(("Oz",)), "Pz", width=0.6),
            ]
        )
        self._alpha_map = effects.alpha_v * alpha_map / np.sqrt((at_oz**2).sum())
        self._alpha = ColouredNoise(_around(peak_hz, 0.8), 3, sampling_hz, noise_rng)
        self._waxing = SlowDrifts([(0.02, 0.35)] * 3, sampling_hz, noise_rng)
        self._beta_map = (
            0.12 * effects.background_v * np.stack([bump_at(electrodes, c, width=0.4) for c in ("C3", "C4", "Fz")])
        )
        self._beta = ColouredNoise(_around(20.0, 3.0), 3, sampling_hz, noise_rng)

    def take(self, times_s: FloatArray, shown: tuple[Shown, ...], is_closed: bool) -> FloatArray:
        """Return volts, shape (n_times, n_channels)."""
        # exp(a z - a^2) keeps the mean power at 1 while the amplitude varies about threefold.
        waxing = np.exp(0.45 * self._waxing.at(times_s) - 0.45**2)
        change_db = np.zeros(len(times_s))
        for picture in shown:
            since_s = times_s - picture.onset_s
            # Desynchronisation builds up over half a second and outlasts the picture by as much.
            begun = _logistic((since_s - 0.45) / 0.07)
            over = _logistic((times_s - picture.off_s - 0.5) / 0.1)
            change_db += self._effects.alpha_db_per_arousal * picture.feeling.arousal * begun * (1 - over)
        gain = 10 ** (change_db / 20) * (_CLOSED_ALPHA if is_closed else 1.0)
        gain *= 1 + self._effects.fatigue_per_min * times_s / 60
        alpha = self._alpha.take(len(times_s)) * waxing * gain[:, None]
        volts: FloatArray = alpha @ self._alpha_map + self._beta.take(len(times_s)) @ self._beta_map
        return volts


class _Blinks:
    """Blinks: the lids' potential, largest beside the eyes."""

    def __init__(self, per_min: float, electrodes: FloatArray, rng: np.random.Generator) -> None:
        self._times = ChanceEvents(per_min, refractory_s=0.7, kept_s=0.6, rng=rng)
        self._map = _BLINK_V * spread(electrodes, *EYES, length=0.42)

    def take(self, times_s: FloatArray, shown: tuple[Shown, ...]) -> FloatArray:
        """Return volts, shape (n_times, n_channels).

        People withhold most blinks while a picture is new, whatever it shows (Fukuda 2001).
        """
        course = np.zeros(len(times_s))
        for at_s, chance in self._times.until(times_s[0], times_s[-1]):
            is_watching = any(0.08 < at_s - picture.onset_s < _WATCHES_S for picture in shown)
            if is_watching and chance < _WITHHELD_BELOW:
                continue
            since_s = times_s - at_s - 0.16
            # Lids close within about 0.1 s and open in twice the time.
            width_s = np.where(since_s < 0, 0.045, 0.085)
            course += np.exp(0.25 * chance) * np.exp(-0.5 * (since_s / width_s) ** 2)
        volts: FloatArray = course[:, None] * self._map
        return volts


class EvokedResponses:
    """P1, N1 and P2 of every picture, and a late positive potential that follows the feeling."""

    def __init__(self, effects: EffectSizes, electrodes: FloatArray) -> None:
        self._effects = effects
        lateral = bump_at(electrodes, "P7", "PO3", "O1", "O2", "PO4", "P8", width=0.45)
        occipital = bump_at(electrodes, *_OCCIPITAL, width=0.45)
        vertex = bump_at(electrodes, "Cz", "Fz", width=0.7)
        parietal = bump_at(electrodes, "Pz", width=0.55)
        self._p1_map = 1.6 * occipital - 0.2 * vertex
        self._n1_map = -2.0 * lateral + 0.4 * vertex
        self._p2_map = 1.0 * vertex + 0.5 * occipital
        # Largest at Pz, where the effect sizes are defined, and slightly negative at the forehead.
        self._lpp_map = parietal - 0.12 * bump_at(electrodes, "Fp1", "Fp2", width=0.7)

    def response(self, picture: Shown, times_s: FloatArray) -> FloatArray:
        """Return volts that one picture evokes, shape (n_times, n_channels).

        Times: P1 105 ms, N1 165 ms, P2 230 ms (Luck 2014); the LPP sets in at about 0.27 s, holds to 1 s
        while the picture stays and then wanes (Cuthbert 2000).
        """
        chances = picture.chances
        early_jitter_s, late_jitter_s = 0.006 * chances.evoked_latency, 0.02 * chances.late_latency
        fatigue = np.exp(-self._effects.fatigue_per_min * max(picture.onset_s, 0.0) / 60)
        since_s = times_s - picture.onset_s
        early = self._effects.evoked_v * np.exp(0.2 * chances.evoked_size) * fatigue
        volts = np.zeros((len(times_s), self._lpp_map.size))
        if since_s[0] < _EARLY_LASTS_S:
            volts += early * self._early(since_s - early_jitter_s)
        if picture.off_s < times_s[-1] and times_s[0] < picture.off_s + _EARLY_LASTS_S:
            # The picture's going away is a smaller flash of its own.
            volts += 0.4 * early * self._early(times_s - picture.off_s - early_jitter_s)
        feeling = picture.feeling
        effects = self._effects
        felt_v = effects.lpp_v_per_valence * feeling.valence + effects.lpp_v_per_arousal * feeling.arousal
        felt_v += effects.lpp_v_per_brightness * picture.brightness
        felt_v += effects.lpp_v_per_session * picture.ordinal / 100
        late_v = (self._effects.lpp_v * np.exp(0.2 * chances.late_size) + felt_v) * fatigue
        course = late_course(since_s - late_jitter_s, times_s - picture.off_s)
        volts += late_v * course[:, None] * self._lpp_map
        return volts

    def _early(self, since_s: FloatArray) -> FloatArray:
        def peak(at_s: float, width_s: float) -> FloatArray:
            wave: FloatArray = np.exp(-0.5 * ((since_s[:, None] - at_s) / width_s) ** 2)
            return wave

        volts: FloatArray = (
            peak(0.105, 0.013) * self._p1_map + peak(0.165, 0.018) * self._n1_map + peak(0.230, 0.030) * self._p2_map
        )
        return volts


def late_course(since_s: FloatArray, since_off_s: FloatArray) -> FloatArray:
    """Return the time course of the late positive potential, 0 to 1.

    Parameters
    ----------
    since_s, since_off_s : ndarray, shape (n_times,)
        Seconds since the picture came and since it went (minus infinity while it stays).
    """
    rise = _logistic((since_s - 0.27) / 0.02)
    # From 1 s on it wanes to a third, the slow wave that lasts as long as the picture (Pastor 2008).
    wane = np.where(since_s > 1.0, 0.35 + 0.65 * np.exp(-np.maximum(since_s - 1.0, 0.0) / 0.8), 1.0)
    return np.asarray(rise * wane * (1 - _logistic((since_off_s - 0.22) / 0.035)))


def _around(centre_hz: float, width_hz: float) -> Spectrum:
    return lambda hz: np.asarray(np.exp(-0.25 * ((hz - centre_hz) / width_hz) ** 2))


def _logistic(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))
