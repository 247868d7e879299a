"""What the simulated body does when pictures are shown: every effect is found again, and only where it was put."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from scipy.signal import butter, find_peaks, sosfiltfilt, welch

from veridical.domain.arrays import FloatArray
from veridical.domain.event import Marker
from veridical.domain.simulation import EffectSizes, Profile, SimulationPlan, effects_of, latent_feeling
from veridical.domain.stimulus import Stimulus
from veridical.simulator.amplifier import Amplifier
from veridical.simulator.eeg import late_course
from veridical.simulator.head import LABELS
from veridical.simulator.skin import response_course

_SEED = 21
_N_CALM = 28
_STIMULI = tuple(
    Stimulus(f"p{k}", f"p{k}.jpg", valence_mean=(2.0, 4.0, 6.0)[k % 3], arousal_mean=1.5 + (k * 7 % 11) / 2)
    for k in range(90)
)
_FEELINGS = [latent_feeling(_SEED, s) for s in _STIMULI]
_VALENCE = np.array([f.valence for f in _FEELINGS])
_AROUSAL = np.array([f.arousal for f in _FEELINGS])


@dataclass(frozen=True)
class _Session:
    eeg: FloatArray
    eda: FloatArray
    ecg: FloatArray
    onsets_s: FloatArray


def _show(effects: EffectSizes, n: int, every_s: float, picture_s: float, has_eeg: bool = True) -> _Session:
    amplifier = Amplifier(SimulationPlan(seed=_SEED, effects=effects), _STIMULI)
    onsets_s = 2.0 + every_s * np.arange(n)
    parts: list[list[FloatArray]] = [[], [], []]
    for stimulus, onset_s in zip(_STIMULI, onsets_s, strict=False):
        amplifier.hear(onset_s, Marker("picture/neutral", {"id": stimulus.id}))
        amplifier.hear(onset_s + picture_s, Marker("picture/off"))
        for stream, own in list(zip(amplifier.streams, parts, strict=True))[0 if has_eeg else 1 :]:
            done = sum(p.shape[1] for p in own)
            own.append(stream.samples.take(stream.n_until(onset_s + every_s) - done))
    eeg, eda, ecg = (np.concatenate(p, axis=1).astype(float) if p else np.empty((32, 0)) for p in parts)
    return _Session(eeg, eda[0], ecg[0], onsets_s)


@cache
def _brisk(profile: Profile) -> _Session:
    """Ninety pictures of 0.8 s, one every 1.3 s; no blinks, so that few trials suffice."""
    return _show(replace(effects_of(profile), blinks_per_min=0.0, bursts_per_min=0.0), 90, 1.3, 0.8)


@cache
def _calm(profile: Profile) -> _Session:
    """Pictures of 6 s, one every 11 s, skin at rest between them; no EEG."""
    return _show(replace(effects_of(profile), spontaneous_scrs_per_min=0.0), _N_CALM, 11.0, 6.0, False)


def _windows(samples: FloatArray, onsets_s: FloatArray, start_s: float, stop_s: float, hz: float) -> FloatArray:
    """Cut windows, shape (n_windows, ..., n_times)."""
    first = np.rint((onsets_s + start_s) * hz).astype(int)
    n = round((stop_s - start_s) * hz)
    return np.stack([samples[..., f : f + n] for f in first])


def _late_v(session: _Session, label: str) -> FloatArray:
    """Mean potential 0.4 to 0.8 s after onset minus -0.2 to 0 s, microvolts, average reference."""
    channel = session.eeg[LABELS.index(label)]
    late = _windows(channel, session.onsets_s, 0.4, 0.8, 500).mean(-1)
    return np.asarray(late - _windows(channel, session.onsets_s, -0.2, 0.0, 500).mean(-1))


def _slope(y: FloatArray, *regressors: FloatArray) -> tuple[float, float]:
    """Least-squares slope on the first regressor and its standard error."""
    design = np.column_stack((*regressors, np.ones(len(y))))
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    residual = y - design @ beta
    error = np.sqrt(residual @ residual / (len(y) - design.shape[1]) * inverse[0, 0])
    return float(beta[0]), float(error)


def test_averaging_recovers_the_late_positive_potential() -> None:
    slope_uv, error_uv = _slope(_late_v(_brisk("responsive"), "Pz"), _VALENCE, _AROUSAL)
    assert abs(slope_uv - effects_of("responsive").lpp_v_per_valence * 1e6) < 3 * error_uv
    assert slope_uv > 5 * error_uv
    pleasant, unpleasant = _VALENCE > 0.3, _VALENCE < -0.3
    late_uv = _late_v(_brisk("responsive"), "Pz")
    assert late_uv[pleasant].mean() > late_uv[unpleasant].mean() + 5.0


@pytest.mark.parametrize("profile", ["null", "laughing"])
def test_without_a_neural_effect_the_late_potential_tells_nothing(profile: Profile) -> None:
    slope_uv, error_uv = _slope(_late_v(_brisk(profile), "Pz"), _VALENCE, _AROUSAL)
    assert abs(slope_uv) < 3 * error_uv
    assert error_uv < 3.0


def test_every_picture_evokes_p1_n1_and_p2_whatever_it_shows() -> None:
    session = _brisk("null")
    mean = _windows(session.eeg, session.onsets_s, 0.0, 0.4, 500).mean(0)
    mean -= _windows(session.eeg, session.onsets_s, -0.2, 0.0, 500).mean(0).mean(-1, keepdims=True)
    oz, p8, cz = (mean[LABELS.index(label)] for label in ("Oz", "P8", "Cz"))

    def peak_s(wave: FloatArray, low_s: float, high_s: float) -> float:
        first = round(low_s * 500)
        return (first + int(np.argmax(wave[first : round(high_s * 500)]))) / 500

    assert peak_s(oz, 0.07, 0.14) == pytest.approx(0.105, abs=0.02)
    assert peak_s(-p8, 0.13, 0.20) == pytest.approx(0.165, abs=0.02)
    assert peak_s(cz, 0.19, 0.28) == pytest.approx(0.230, abs=0.03)


def test_the_late_potential_holds_from_its_onset_to_one_second() -> None:
    since_s = np.arange(0, 6, 0.01)
    course = late_course(since_s, np.full(len(since_s), -np.inf))
    assert since_s[np.argmax(course > 0.5)] == pytest.approx(0.27, abs=0.02)
    assert course[(since_s > 0.4) & (since_s < 1.0)].min() > 0.99
    assert course[since_s < 0.15].max() < 0.01
    assert 0.3 < course[-1] < 0.4
    gone = late_course(since_s, since_s - 0.5)
    assert gone[since_s > 0.95].max() < 0.01


def _muscle_uv(session: _Session, label: str) -> FloatArray:
    """Root mean square of 20-100 Hz without the mains, 0.3 to 1.2 s after onset, microvolts."""
    channel = session.eeg[LABELS.index(label)]
    high = sosfiltfilt(butter(4, (55, 95), "bandpass", fs=500, output="sos"), channel)
    return np.asarray(np.sqrt((_windows(high, session.onsets_s, 0.3, 1.2, 500) ** 2).mean(-1)))


def test_laughter_is_muscle_on_pleasant_pictures_only() -> None:
    laughs = _muscle_uv(_brisk("laughing"), "T7")
    calm = _muscle_uv(_brisk("null"), "T7")
    # A laugh may last into the next picture; look at those that follow an unpleasant one.
    quiet_before = np.concatenate(([True], _VALENCE[:-1] <= 0))
    pleasant = laughs[(_VALENCE > 0) & quiet_before]
    others = laughs[(_VALENCE <= 0) & quiet_before]
    assert np.mean(pleasant > 3 * calm.max()) == pytest.approx(effects_of("laughing").laugh_probability, abs=0.2)
    assert others.max() < 1.5 * calm.max()
    assert np.median(laughs[_VALENCE > 0]) > 3 * np.median(_muscle_uv(_brisk("laughing"), "Pz")[_VALENCE > 0])


def test_laughter_is_broadband_from_20_to_100_hz() -> None:
    session = _brisk("laughing")
    laughing = (_muscle_uv(session, "T7") > 5) & (_VALENCE > 0)
    channel = session.eeg[LABELS.index("T7")]
    hz, power = welch(_windows(channel, session.onsets_s[laughing], 0.4, 0.9, 500), 500, nperseg=250, axis=-1)
    quiet_hz, quiet = welch(_windows(channel, session.onsets_s[_VALENCE < -0.3], 0.4, 0.9, 500), 500, nperseg=250)
    np.testing.assert_array_equal(hz, quiet_hz)
    ratio = power.mean(0) / np.median(quiet, axis=0)
    assert np.median(ratio[(hz >= 25) & (hz <= 95)]) > 10 * np.median(ratio[(hz >= 4) & (hz <= 12)])
    assert np.median(ratio[hz > 180]) < 0.1 * np.median(ratio[(hz >= 25) & (hz <= 95)])


def test_arousal_desynchronises_alpha() -> None:
    effects = replace(EffectSizes(), alpha_db_per_arousal=-6.0, blinks_per_min=0.0, background_v=2e-6)
    session = _show(effects, 45, 3.0, 2.0)
    oz = session.eeg[LABELS.index("Oz")]
    hz, power = welch(_windows(oz, session.onsets_s, 0.8, 2.0, 500), 500, nperseg=300)
    _, before = welch(_windows(oz, session.onsets_s, -0.7, 0.0, 500), 500, nperseg=300)
    alpha = (hz >= 8) & (hz <= 12)
    change_db = 10 * np.log10(power[:, alpha].mean(1) / before[:, alpha].mean(1))
    slope_db, error_db = _slope(change_db, _AROUSAL[:45])
    assert slope_db < -2 * error_db
    assert abs(slope_db + 6.0) < 3 * error_db


def test_drifting_electrodes_move_and_answers_tire() -> None:
    session = _brisk("drifting")
    moved_uv = np.abs(session.eeg[:, -2500:].mean(1) - session.eeg[:, :2500].mean(1))
    steady = _brisk("responsive")
    assert np.median(moved_uv) > 3 * np.median(np.abs(steady.eeg[:, -2500:].mean(1) - steady.eeg[:, :2500].mean(1)))
    tired = _show(replace(EffectSizes(), fatigue_per_min=1.0, evoked_v=20e-6, blinks_per_min=0.0), 60, 1.3, 0.8)
    epochs = _windows(tired.eeg[LABELS.index("P8")], tired.onsets_s, 0.15, 0.18, 500).mean(-1)
    epochs -= _windows(tired.eeg[LABELS.index("P8")], tired.onsets_s, -0.1, 0.0, 500).mean(-1)
    assert epochs[:20].mean() < 1.5 * epochs[-20:].mean() < 0


def test_skin_answers_after_one_to_four_seconds_and_follows_arousal() -> None:
    session = _calm("responsive")
    smooth = sosfiltfilt(butter(2, 2.0, fs=128, output="sos"), session.eda)
    rise = _windows(np.gradient(smooth, 1 / 128), session.onsets_s, 0.0, 8.0, 128)
    size_us = _windows(smooth, session.onsets_s, 1.0, 7.0, 128).max(-1) - _windows(
        smooth, session.onsets_s, 0.5, 1.0, 128
    ).mean(-1)
    clear = size_us > 0.15
    clear[0] = False  # the filter rings in at the start
    assert clear.sum() > 10
    onsets_s = np.array([np.argmax(r > 0.25 * r.max()) / 128 for r in rise[clear]])
    # Smoothing both ways moves the rise forward by about 0.15 s.
    assert onsets_s.min() > 0.8
    assert onsets_s.max() < 4.0
    slope_us, error_us = _slope(size_us, _AROUSAL[:_N_CALM])
    # Half of the response at full arousal lies between arousal 0 and 1.
    assert abs(slope_us - 0.5 * effects_of("responsive").scr_s_per_arousal * 1e6) < 3 * error_us + 0.03
    assert slope_us > 3 * error_us
    slope_us, error_us = _slope(
        _windows(_calm("null").eda, session.onsets_s, 1.0, 7.0, 128).max(-1)
        - _windows(_calm("null").eda, session.onsets_s, 0.5, 1.0, 128).mean(-1),
        _AROUSAL[:_N_CALM],
    )
    assert abs(slope_us) < 3 * error_us


def test_one_skin_response_is_bi_exponential() -> None:
    since_s = np.linspace(-1, 30, 3101)
    course = response_course(since_s)
    assert np.all(course[since_s <= 0] == 0)
    assert course.max() == pytest.approx(1.0, abs=1e-4)
    # The peak of exp(-t/3) - exp(-t/0.75) lies at ln(3/0.75) / (1/0.75 - 1/3).
    assert since_s[np.argmax(course)] == pytest.approx(np.log(4) / (1 / 0.75 - 1 / 3), abs=0.02)


def _beats_s(ecg: FloatArray) -> FloatArray:
    tops, _ = find_peaks(ecg, height=0.5, distance=150)
    return np.asarray(tops / 512)


def test_heart_beats_vary_with_breath() -> None:
    beats_s = _beats_s(_calm("null").ecg)
    intervals_s = np.diff(beats_s)
    assert intervals_s.min() > 0.6
    assert intervals_s.max() < 1.4
    assert 0.015 < intervals_s.std() < 0.12
    even_s = np.arange(beats_s[1], beats_s[-1], 0.25)
    hz, power = welch(np.interp(even_s, beats_s[1:], intervals_s), 4.0, nperseg=256)
    assert power[(hz > 0.18) & (hz < 0.34)].max() > 5 * np.median(power[(hz > 0.5) & (hz < 1.0)])


def _rate_change_bpm(session: _Session, start_s: float, stop_s: float) -> FloatArray:
    beats_s = _beats_s(session.ecg)
    even_s = np.arange(0.0, session.onsets_s[-1] + 12, 0.05)
    rate = np.interp(even_s, beats_s[1:] - 0.5 * np.diff(beats_s), 60 / np.diff(beats_s))
    after = _windows(rate, session.onsets_s, start_s, stop_s, 20).mean(-1)
    return np.asarray(after - _windows(rate, session.onsets_s, -1.5, 0.0, 20).mean(-1))


def test_unpleasant_pictures_slow_the_heart_and_pleasant_ones_speed_it_up_later() -> None:
    session, valence = _calm("responsive"), _VALENCE[:_N_CALM]
    early, late = _rate_change_bpm(session, 1.2, 2.8), _rate_change_bpm(session, 3.8, 5.5)
    assert early.mean() < -1.0
    assert early[valence < -0.3].mean() < early[valence > 0.3].mean() - 1.0
    assert late[valence > 0.3].mean() > late[valence < -0.3].mean() + 0.5


def test_an_electrocardiogram_has_its_waves_in_order() -> None:
    ecg = _calm("null").ecg
    beats = np.rint(_beats_s(ecg)[2:-2] * 512).astype(int)
    mean = np.mean([ecg[b - 154 : b + 256] for b in beats], axis=0)
    at: Callable[[float], float] = lambda s: float(mean[154 + round(s * 512)])  # noqa: E731
    assert at(0.0) == mean.max()
    assert at(-0.165) > at(-0.10)
    assert at(-0.033) < at(-0.10)
    assert at(0.032) < at(-0.10)
    late = mean[154 + 80 :]
    assert (np.argmax(late) + 80) / 512 == pytest.approx(0.27, abs=0.06)
