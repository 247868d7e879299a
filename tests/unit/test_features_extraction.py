"""One row per trial: known effects come back, what does not fit is named, marks and gaps drop trials."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.event import Event, Marker
from veridical.domain.pipeline import PipelineName
from veridical.domain.recording import Recording, Signal
from veridical.domain.study import StudySettings
from veridical.domain.timeline import Segment, Timeline
from veridical.features.ecg import heart_rate_changes
from veridical.features.extraction import TrialFeatures, extract_features
from veridical.features.marks import marked_share
from veridical.features.table import ACCELERATION, DECELERATION, HEART_BINS, NAMED_FEATURES
from veridical.signals.heart import Beats
from veridical.signals.suggestions import suggest_artifacts

CAP = (
    "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC1", "FC2", "FC6", "T7", "C3", "Cz", "C4", "T8",
    "TP9", "CP5", "CP1", "CP2", "CP6", "TP10", "P7", "P3", "Pz", "P4", "P8", "PO9", "O1", "Oz", "O2", "PO10",
)  # fmt: skip
SETTINGS = StudySettings()
HZ, EDA_HZ, ECG_HZ = 250.0, 32.0, 256.0
N_TRIALS = 12


def _events(onsets_s: FloatArray, picture_s: float, fixation_s: float) -> tuple[Event, ...]:
    events = [Event(1.0, Marker("session/start"))]
    for k, onset in enumerate(onsets_s.tolist()):
        trial = {"trial": str(k + 1)}
        condition = ("negative", "positive")[k % 2]
        events += [
            Event(onset - fixation_s, Marker("fixation", trial)),
            Event(onset, Marker(f"picture/{condition}", {"id": f"demo{k + 1:02d}", **trial, "block": "1"})),
            Event(onset + picture_s, Marker("picture/off", trial)),
            Event(onset + picture_s + 1, Marker("rating/valence", {"value": "6", "status": "answered", **trial})),
        ]
    return tuple(events)


def _line(n: int, hz: float) -> Timeline:
    return Timeline((Segment(0, n, 0.0, 1 / hz),))


def _onsets(spacing_s: float = 14.0) -> FloatArray:
    return np.asarray(10 + spacing_s * np.arange(N_TRIALS) + 0.0013 * np.arange(N_TRIALS))


def _recording(
    picture_s: float = 6.0,
    fixation_s: float = 1.5,
    spacing_s: float = 14.0,
    labels: tuple[str, ...] = CAP,
    noise_v: float = 2e-6,
    has_body: bool = True,
    seed: int = 0,
) -> Recording:
    """EEG noise on a large offset; EDA and ECG that do nothing special."""
    rng = np.random.default_rng(seed)
    onsets = _onsets(spacing_s)
    seconds = onsets[-1] + picture_s + 12
    n = int(seconds * HZ)
    eeg = (0.05 + noise_v * rng.standard_normal((len(labels), n))).astype(np.float32)
    signals = [Signal("EEG", "TestEEG", labels, eeg, _line(n, HZ))]
    if has_body:
        n_eda, n_ecg = int(seconds * EDA_HZ), int(seconds * ECG_HZ)
        eda = 5e-6 + 1e-10 * rng.standard_normal((1, n_eda))
        signals.append(Signal("EDA", "TestEDA", ("EDA",), eda, _line(n_eda, EDA_HZ)))
        ecg = 1e-5 * rng.standard_normal((1, n_ecg))
        for beat in np.arange(0.5, seconds - 0.5, 0.8):
            first = int(beat * ECG_HZ) - 10
            ecg[0, first : first + 21] += 1e-3 * np.hanning(21)
        signals.append(Signal("ECG", "TestECG", ("ECG",), ecg, _line(n_ecg, ECG_HZ)))
    return Recording("test.xdf", "", 0.0, tuple(signals), _events(onsets, picture_s, fixation_s))


def _with_eeg(recording: Recording, samples: FloatArray) -> Recording:
    eeg = recording.signals[0]
    return replace(recording, signals=(replace(eeg, samples=samples), *recording.signals[1:]))


def _marked(*marks: Annotation) -> AnnotationSet:
    return AnnotationSet(marks)


def _column(features: TrialFeatures, name: str) -> FloatArray:
    return features.named[:, [f.name for f in features.features].index(name)]


def test_evoked_samples_have_exact_times_and_a_baseline() -> None:
    recording = _recording(noise_v=1e-9)
    samples = np.array(recording.signals[0].samples, dtype=np.float64)
    times = np.arange(samples.shape[1]) / HZ
    pz = CAP.index("Pz")
    for onset in _onsets():
        after = times - onset
        samples[pz] += 8e-6 * np.exp(-(((after - 0.5) / 0.15) ** 2)) * (after > -0.5)
    features = extract_features(_with_eeg(recording, samples), AnnotationSet(), SETTINGS)
    assert features.evoked.shape == (N_TRIALS, 32 * 64)
    assert features.kept.all()
    place = features.evoked_names.index("Pz 0.500 s")
    # The average reference takes a 32nd from every channel.
    np.testing.assert_allclose(features.evoked[:, place], 8e-6 * 31 / 32, rtol=0.05)
    curve = features.evoked.reshape(N_TRIALS, 32, 64)[:, pz]
    expected = 8e-6 * 31 / 32 * np.exp(-(((features.evoked_times_s - 0.5) / 0.15) ** 2))
    np.testing.assert_allclose(curve, np.broadcast_to(expected, curve.shape), atol=5e-7)


def test_named_features_recover_what_was_put_in() -> None:
    recording = _recording()
    samples = np.array(recording.signals[0].samples, dtype=np.float64)
    times = np.arange(samples.shape[1]) / HZ
    is_loud = np.arange(N_TRIALS) % 2 == 0
    for onset, loud in zip(_onsets(), is_loud, strict=True):
        window = (times > onset + 0.3) & (times < onset + 6)
        alpha = (4e-6 if loud else 2e-6) * np.sin(2 * np.pi * 10 * times)
        rest = (times > onset - 1.2) & (times < onset + 0.3)
        for name in ("P3", "Pz", "P4", "O1", "Oz", "O2"):
            samples[CAP.index(name)] += alpha * window + 2e-6 * np.sin(2 * np.pi * 10 * times) * rest
        for name in ("Pz", "CP1", "CP2"):
            samples[CAP.index(name)] += (10e-6 if loud else 0) * ((times > onset + 0.3) & (times < onset + 1.1))
    features = extract_features(_with_eeg(recording, samples), AnnotationSet(), SETTINGS, "interpretable")
    lpp = _column(features, "lpp")
    assert np.mean(lpp[is_loud]) - np.mean(lpp[~is_loud]) == pytest.approx(10e-6 * 29 / 32, rel=0.2)
    alpha_change = _column(features, "alpha_posterior")
    # Twice the amplitude is ln 4 in power, less what noise adds to the quieter one.
    assert np.mean(alpha_change[is_loud]) - np.mean(alpha_change[~is_loud]) == pytest.approx(np.log(4), abs=0.25)
    assert next(f for f in features.features if f.name == "lpp").channels == ("CP1", "CP2", "Pz")


def test_all_windows_of_the_autonomic_protocol_fit() -> None:
    features = extract_features(_recording(), AnnotationSet(), SETTINGS, "interpretable")
    assert {f.name for f in features.features} == {f.name for f in NAMED_FEATURES}
    assert features.left_out == ()
    assert features.kept.all()
    assert np.isfinite(features.named).all()
    assert np.isfinite(features.artifacts).all()
    assert features.artifact_names == (*(f"muscle {label}" for label in CAP), "eyes", "marked")
    assert "scl" not in features.learned_names
    learned = features.columns(features.learned_names)
    assert learned.shape == (N_TRIALS, len(NAMED_FEATURES) - 1)
    np.testing.assert_array_equal(learned[:, features.learned_names.index("lpp")], _column(features, "lpp"))


@pytest.mark.parametrize(
    ("pipeline", "modalities", "views"),
    [
        ("evoked", {"EEG"}, ["evoked samples"]),
        ("eeg", {"EEG"}, ["named EEG features"]),
        ("eda", {"EDA"}, ["skin conductance"]),
        ("ecg", {"ECG"}, ["heart rate"]),
        ("fusion", {"EEG", "EDA", "ECG"}, ["evoked samples", "skin conductance", "heart rate"]),
        (
            "chosen",
            {"EEG", "EDA", "ECG"},
            ["evoked samples", "named EEG features", "skin conductance", "heart rate", "all named features"],
        ),
    ],
)
def test_a_pipeline_looks_at_its_own_modalities_only(
    pipeline: PipelineName, modalities: set[str], views: list[str]
) -> None:
    recording = _recording()
    # One mark in a trial of its own for every modality.
    touched = {"EEG": 2, "EDA": 4, "ECG": 6}
    labels = {"EEG": "muscle", "EDA": "eda-motion", "ECG": "ecg-missed"}
    marks = AnnotationSet(
        tuple(
            sorted(Annotation(onset_s=_onsets()[k] + 0.5, duration_s=0.2, label=labels[m]) for m, k in touched.items())
        )
    )
    features = extract_features(recording, marks, SETTINGS, pipeline)
    assert [view.name for view in features.views] == views
    assert set(np.flatnonzero(~features.kept)) == {touched[m] for m in modalities}
    assert np.isfinite(features.columns(features.learned_names)[features.kept]).all()


def test_a_modality_that_is_missing_leaves_a_fusion_of_the_others() -> None:
    recording = _recording()
    without = replace(recording, signals=tuple(s for s in recording.signals if s.role not in ("EDA", "EEG")))
    assert [v.name for v in extract_features(without, AnnotationSet(), SETTINGS, "fusion").views] == ["heart rate"]
    with pytest.raises(AnalysisError, match=r"pipeline 'eda' can learn nothing .*no EDA was recorded"):
        extract_features(without, AnnotationSet(), SETTINGS, "eda")


def test_windows_that_do_not_fit_short_pictures_are_named() -> None:
    recording = _recording(picture_s=0.5, fixation_s=0.2, spacing_s=2.0)
    features = extract_features(recording, AnnotationSet(), SETTINGS)
    assert features.evoked.shape[1] == 32 * 32
    assert features.evoked_times_s[-1] < 0.5
    assert features.features == ()
    words = " ".join(features.left_out)
    for title in ("late positive potential", "frontal alpha asymmetry", "skin conductance response", "heart rate 0-"):
        assert title in words
    assert "pictures stayed 0.50 s" in words
    assert "0.20 s" in words
    assert features.kept.all()
    assert features.window_s[1] == pytest.approx(0.5)


def test_a_pipeline_without_a_fitting_feature_is_refused_with_the_way_out() -> None:
    recording = _recording(picture_s=0.5, fixation_s=0.2, spacing_s=2.0)
    with pytest.raises(AnalysisError, match="pipeline 'evoked'"):
        extract_features(recording, AnnotationSet(), SETTINGS, "interpretable")


@pytest.mark.parametrize("late_s", [-0.02, 0.0, 0.02])
def test_a_frame_more_or_less_does_not_change_the_columns(late_s: float) -> None:
    recording = _recording(picture_s=0.5 + late_s, fixation_s=0.2, spacing_s=2.0)
    assert extract_features(recording, AnnotationSet(), SETTINGS).evoked.shape[1] == 32 * 32


def test_one_aborted_trial_is_dropped_and_shortens_nobody() -> None:
    recording = _recording()
    events = [
        replace(e, onset_s=e.onset_s - 5.5) if e.marker.name == "picture/off" and e.marker.number("trial") == 12 else e
        for e in recording.events
    ]
    features = extract_features(replace(recording, events=tuple(events)), AnnotationSet(), SETTINGS)
    assert features.kept.tolist() == [True] * 11 + [False]
    assert "stayed only 0.50 s" in features.reasons[-1]


def test_a_picture_without_an_end_is_dropped() -> None:
    recording = _recording()
    events = tuple(
        e for e in recording.events if not (e.marker.name == "picture/off" and e.marker.number("trial") == 3)
    )
    features = extract_features(replace(recording, events=events), AnnotationSet(), SETTINGS)
    assert features.reasons[2] == "the picture's end is not marked"
    assert features.kept.sum() == N_TRIALS - 1


def test_without_any_end_the_protocol_says_how_long() -> None:
    recording = _recording()
    events = tuple(e for e in recording.events if e.marker.name != "picture/off")
    features = extract_features(replace(recording, events=events), AnnotationSet(), SETTINGS)
    assert features.kept.all()
    assert "6 s are taken from the study's protocol" in features.left_out[0]


def test_marks_drop_the_trials_they_touch_and_no_others() -> None:
    onsets = _onsets()
    marks = _marked(
        Annotation(onsets[1] + 0.9, 0.3, "muscle"),
        Annotation(onsets[4] + 1.1, 2.0, "muscle"),
        Annotation(onsets[6] - 0.1, 0.05, "blink", ("Fp1",)),
        Annotation(onsets[8], 1.0, "eda-motion"),
        Annotation(onsets[9], 1.0, "ecg-missed", ("ECG",)),
    )
    evoked = extract_features(_recording(), marks, SETTINGS, "evoked")
    assert np.flatnonzero(~evoked.kept).tolist() == [1, 6]
    assert evoked.reasons[1] == "marked: Muscle"
    assert evoked.is_marked.tolist() == (~evoked.kept).tolist()
    # From -0.2 to 1.0 s, 0.1 s is marked.
    assert evoked.artifacts[1, -1] == pytest.approx(0.1 / 1.2)
    named = extract_features(_recording(), marks, SETTINGS, "interpretable")
    assert np.flatnonzero(~named.kept).tolist() == [1, 4, 6, 8, 9]
    assert named.reasons[8] == "marked: EDA motion"


def test_a_channel_marked_throughout_is_left_out_instead_of_the_trials() -> None:
    recording = _recording()
    marks = _marked(Annotation(0.0, recording.stop_s, "flat", ("F7",)))
    features = extract_features(recording, marks, SETTINGS)
    assert features.kept.all()
    assert "F7" not in features.evoked_labels
    assert "muscle F7" not in features.artifact_names
    assert any("F7" in words and "marked bad" in words for words in features.left_out)


def test_a_dead_channel_is_left_out_by_name() -> None:
    recording = _recording()
    samples = np.array(recording.signals[0].samples)
    samples[3] = 0.02
    samples[5] = np.nan
    features = extract_features(_with_eeg(recording, samples), AnnotationSet(), SETTINGS)
    assert features.kept.all()
    assert len(features.evoked_labels) == 30
    assert any("F3: flat" in words for words in features.left_out)
    assert any("F4: mostly missing" in words for words in features.left_out)


def test_a_gap_drops_its_trial_only() -> None:
    recording = _recording()
    eeg = recording.signals[0]
    first = int((_onsets()[5] + 0.4) * HZ)
    lost = int(0.5 * HZ)
    kept = np.delete(eeg.samples, slice(first, first + lost), axis=1)
    timeline = Timeline(
        (Segment(0, first, 0.0, 1 / HZ), Segment(first, kept.shape[1] - first, (first + lost) / HZ, 1 / HZ))
    )
    broken = replace(recording, signals=(replace(eeg, samples=kept, timeline=timeline), *recording.signals[1:]))
    features = extract_features(broken, AnnotationSet(), SETTINGS)
    assert np.flatnonzero(~features.kept).tolist() == [5]
    assert "gap" in features.reasons[5]
    assert "EEG" in features.reasons[5]


def test_missing_samples_drop_their_trial() -> None:
    recording = _recording()
    samples = np.array(recording.signals[0].samples)
    at = int((_onsets()[2] + 0.3) * HZ)
    samples[0, at : at + 3] = np.nan
    features = extract_features(_with_eeg(recording, samples), AnnotationSet(), SETTINGS)
    assert np.flatnonzero(~features.kept).tolist() == [2]


def test_skin_response_is_the_log_of_its_amplitude() -> None:
    recording = _recording()
    eda = recording.signals[1]
    samples = np.array(eda.samples)
    times = np.arange(samples.shape[1]) / EDA_HZ
    for onset in _onsets()[::2]:
        after = np.clip(times - onset - 2.0, 0, None)
        shape = np.exp(-after / 2.0) - np.exp(-after / 0.75)
        samples[0] += 0.8e-6 * shape / shape.max()
    signals = (recording.signals[0], replace(eda, samples=samples), recording.signals[2])
    features = extract_features(replace(recording, signals=signals), AnnotationSet(), SETTINGS, "interpretable")
    scr = _column(features, "scr")
    np.testing.assert_allclose(scr[::2], np.log(1.8), rtol=0.1)
    assert (scr[1::2] == 0).all()
    np.testing.assert_allclose(_column(features, "scl")[:2], 5e-6, rtol=5e-3)


def test_heart_rate_phases_in_closed_form() -> None:
    # 60 a minute, 50 from 1 to 3 s after onset, 75 from 3 s on.
    before, slow = np.arange(-10, 1.01, 1.0), 1.0 + 1.2 * np.arange(1, 3)
    times = np.concatenate([before, slow, slow[-1] + 0.8 * np.arange(1, 20)])
    beats = Beats(times, np.zeros(len(times), bool), np.ones(len(times), bool), np.empty(0))
    wanted = (*HEART_BINS, DECELERATION, ACCELERATION)
    values = heart_rate_changes(beats, np.array([0.0]), wanted)[0]
    np.testing.assert_allclose(values[:2], 0, atol=1e-9)
    np.testing.assert_allclose(values[2:6], -10, atol=1e-9)
    assert values[-2] == pytest.approx(-10)
    assert values[-1] == pytest.approx(15)


def test_a_heart_that_cannot_be_heard_costs_its_features_not_the_trials() -> None:
    recording = _recording()
    ecg = recording.signals[2]
    silent = replace(ecg, samples=1e-9 * np.random.default_rng(0).standard_normal(ecg.samples.shape))
    broken = replace(recording, signals=(*recording.signals[:2], silent))
    features = extract_features(broken, AnnotationSet(), SETTINGS, "interpretable")
    assert not any(f.modality == "ECG" for f in features.features)
    assert any("unclear in most trials" in words for words in features.left_out)
    assert features.kept.sum() >= N_TRIALS - 1


def test_missing_modalities_are_said() -> None:
    features = extract_features(_recording(has_body=False), AnnotationSet(), SETTINGS, "interpretable")
    assert "skin conductance: no EDA was recorded" in features.left_out
    assert "heart rate: no ECG was recorded" in features.left_out
    assert features.kept.all()
    recording = _recording()
    without_eeg = replace(recording, signals=recording.signals[1:])
    body = extract_features(without_eeg, AnnotationSet(), SETTINGS)
    assert body.evoked.shape == (N_TRIALS, 0)
    assert body.kept.all()
    assert any("EEG" in words for words in body.left_out)


def test_without_pictures_the_analysis_says_so() -> None:
    recording = replace(_recording(), events=(Event(1.0, Marker("session/start")),))
    with pytest.raises(AnalysisError, match="no picture markers"):
        extract_features(recording, AnnotationSet(), SETTINGS)


def test_line_noise_and_few_channels_do_not_reach_the_features() -> None:
    recording = _recording(labels=("TP9", "AF7", "AF8", "TP10"), has_body=False)
    samples = np.array(recording.signals[0].samples, dtype=np.float64)
    clean = extract_features(_with_eeg(recording, samples), AnnotationSet(), SETTINGS, "interpretable")
    hum = 50e-6 * np.sin(2 * np.pi * 50 * np.arange(samples.shape[1]) / HZ)
    noisy = extract_features(_with_eeg(recording, samples + hum), AnnotationSet(), SETTINGS, "interpretable")
    np.testing.assert_allclose(noisy.evoked, clean.evoked, atol=5e-8)
    np.testing.assert_allclose(noisy.named, clean.named, atol=0.02)
    np.testing.assert_allclose(noisy.artifacts, clean.artifacts, atol=0.3)
    assert next(f for f in clean.features if f.name == "lpp").channels == ("TP9", "TP10")
    assert any("central" in words and "montage" in words for words in clean.left_out)


def test_marked_share_counts_overlaps_once() -> None:
    marks = (Annotation(0.0, 2.0, "muscle"), Annotation(0.5, 0.5, "blink"), Annotation(1.5, 1.5, "other"))
    np.testing.assert_allclose(marked_share(marks, np.array([0.0, 2.0]), np.array([4.0, 4.0])), [0.75, 0.5])


def _muse(path: Path) -> Recording:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    eeg = Signal("EEG", "Muse", ("TP9", "AF7", "AF8", "TP10"), 1e-6 * table[:, 1:5].T, _line(len(table), 256))
    at = np.flatnonzero(table[:, 6] > 0)
    kinds = np.where(table[at, 6] == 1, "face", "house")
    events = tuple(
        Event(row / 256, Marker(f"picture/{kind}", {"trial": str(k + 1)}))
        for k, (row, kind) in enumerate(zip(at.tolist(), kinds.tolist(), strict=True))
    )
    return Recording(str(path), "", 0.0, (eeg,), events)


def test_accepted_suggestions_bring_out_a_real_response(shared_data: Path) -> None:
    shown = replace(SETTINGS, protocol=replace(SETTINGS.protocol, picture_s=0.8))
    curves, is_face = [], []
    for path in sorted((shared_data / "muse_n170").glob("*.csv.gz")):
        recording = _muse(path)
        marks = [Annotation(s.onset_s, s.duration_s, s.label, s.channels) for s in suggest_artifacts(recording)]
        features = extract_features(recording, AnnotationSet(tuple(sorted(marks))), shown)
        assert 0.9 < features.kept.mean() < 1
        curves.append(features.evoked[features.kept])
        is_face += [t.condition == "face" for t, kept in zip(features.trials, features.kept, strict=True) if kept]
    values, faces = np.concatenate(curves), np.array(is_face)
    temporal = [k for k, name in enumerate(features.evoked_names) if name.startswith("TP")]
    evoked = stats.ttest_1samp(values[:, temporal], 0).statistic
    assert np.abs(evoked).max() > 6

    def largest(labels: BoolArray) -> float:
        return float(np.abs(stats.ttest_ind(values[labels], values[~labels]).statistic).max())

    # The N170 differs between faces and houses: more than 95 % of shuffled labels do.
    rng = np.random.default_rng(0)
    assert largest(faces) > np.quantile([largest(rng.permutation(faces)) for _ in range(60)], 0.95)


def test_a_whole_session_takes_seconds() -> None:
    rng = np.random.default_rng(0)
    n, onsets = 25 * 60 * 500, np.linspace(30, 24 * 60, 72)
    eeg = 1e-5 * rng.standard_normal((32, n), dtype=np.float32)
    recording = Recording("x.xdf", "", 0.0, (Signal("EEG", "E", CAP, eeg, _line(n, 500)),), _events(onsets, 6.0, 1.5))
    start = time.process_time()
    features = extract_features(recording, AnnotationSet(), SETTINGS)
    assert time.process_time() - start < 4.0
    assert features.kept.all()
