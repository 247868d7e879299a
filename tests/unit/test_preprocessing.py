"""What study.toml says of the preparation of signals reaches the features, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal as scipy_signal
from tests.unit.test_features_extraction import CAP, N_TRIALS, SETTINGS, _onsets, _recording

from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError, StudyError
from veridical.domain.pipeline import PipelineName
from veridical.domain.preprocessing import MarkRule, Preprocessing
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.features.computing import compute_features
from veridical.features.extraction import TrialFeatures, extract_features
from veridical.services.sensitivity import vary
from veridical.signals.line_noise import detect_line_noise
from veridical.storage.study_file import read_study_file, write_study_file

LABELS = {"EEG": "muscle", "EDA": "eda-motion", "ECG": "ecg-missed"}


def extracted(
    choices: Preprocessing, marks: AnnotationSet | None = None, pipeline: PipelineName = "evoked"
) -> TrialFeatures:
    """Features under a study's choices."""
    settings = replace(SETTINGS, preprocessing=choices, analysis=AnalysisChoices(line_noise_hz=50))
    return extract_features(_recording(), marks or AnnotationSet(), settings, pipeline)


def evoked_of(features: TrialFeatures) -> FloatArray:
    """Evoked samples, shape (n_trials, n_channels, n_times)."""
    return features.evoked.reshape(N_TRIALS, len(features.evoked_labels), -1)


def test_the_default_reference_is_the_average_of_a_cap_and_nothing_of_few_channels() -> None:
    cap = extracted(Preprocessing())
    np.testing.assert_allclose(evoked_of(cap).mean(axis=1), 0, atol=1e-12)
    few = extracted(Preprocessing(channels=("Pz", "Cz", "Oz")))
    assert few.evoked_labels == tuple(c for c in CAP if c in ("Pz", "Cz", "Oz"))
    assert np.abs(evoked_of(few).mean(axis=1)).max() > 1e-7
    asked = extracted(Preprocessing(channels=("Pz", "Cz", "Oz"), reference="average"))
    np.testing.assert_allclose(evoked_of(asked).mean(axis=1), 0, atol=1e-12)
    assert "average reference" in cap.preparation
    assert "reference as recorded" in few.preparation


def test_a_named_reference_is_subtracted_and_is_no_feature() -> None:
    recorded = extracted(Preprocessing(reference="recorded"))
    named = extracted(Preprocessing(reference="TP9+TP10"))
    places = {label: k for k, label in enumerate(recorded.evoked_labels)}
    assert named.evoked_labels == tuple(c for c in CAP if c not in ("TP9", "TP10"))
    values = evoked_of(recorded)
    mean = (values[:, places["TP9"]] + values[:, places["TP10"]]) / 2
    for k, label in enumerate(named.evoked_labels):
        np.testing.assert_allclose(evoked_of(named)[:, k], values[:, places[label]] - mean, atol=1e-11)
    assert "reference TP9 and TP10" in named.preparation


@pytest.mark.parametrize("choices", [Preprocessing(reference="M1+M2"), Preprocessing(channels=("Pz", "M1"))])
def test_channels_that_are_not_there_are_named_with_the_file_and_the_remedy(choices: Preprocessing) -> None:
    with pytest.raises(AnalysisError, match=r"M1.*\[preprocessing\] of study.toml.*It has Fp1") as refused:
        extracted(choices)
    assert str(refused.value).startswith(_recording().file)


def test_a_bad_channel_is_left_out_of_the_choice_and_is_no_reference() -> None:
    bad = AnnotationSet(bad_channels=("Pz",))
    assert extracted(Preprocessing(channels=("Pz", "Cz")), bad).evoked_labels == ("Cz",)
    with pytest.raises(AnalysisError, match="no usable channel Pz"):
        extracted(Preprocessing(reference="Pz"), bad)


def test_filters_take_out_what_they_say() -> None:
    sharp, dull = extracted(Preprocessing(low_pass_hz=30)), extracted(Preprocessing(low_pass_hz=6))

    def fast_share(features: TrialFeatures) -> float:
        frequencies, power = scipy_signal.periodogram(evoked_of(features), 64.0)
        return float(power[..., frequencies > 12].sum() / power[..., frequencies > 0].sum())

    assert fast_share(dull) < 0.05 * fast_share(sharp)
    assert "below 6 Hz" in dull.preparation
    slow, steep = extracted(Preprocessing(high_pass_hz=0)), extracted(Preprocessing(high_pass_hz=4))
    assert "no high-pass" in slow.preparation
    assert evoked_of(steep).std() < evoked_of(slow).std()


@pytest.mark.parametrize("rule", ["drop", "keep", "flag"])
@pytest.mark.parametrize("modality", ["EEG", "EDA", "ECG"])
def test_marks_drop_keep_or_flag_by_modality(rule: MarkRule, modality: str) -> None:
    touched = {"EEG": 2, "EDA": 4, "ECG": 6}
    marks = AnnotationSet(tuple(sorted(Annotation(_onsets()[k] + 0.5, 0.2, LABELS[m]) for m, k in touched.items())))
    rules: dict[str, MarkRule] = {m: rule if m == modality else "drop" for m in touched}
    choices = Preprocessing(marked_eeg=rules["EEG"], marked_eda=rules["EDA"], marked_ecg=rules["ECG"])
    features = extracted(choices, marks, "interpretable")
    expected = {k for m, k in touched.items() if m != modality or rule == "drop"}
    assert set(np.flatnonzero(~features.kept)) == expected
    flagged = {k for k, flag in enumerate(features.flags) if flag}
    assert flagged == ({touched[modality]} if rule == "flag" else set())
    assert all(features.flags[k].startswith("flagged: ") for k in flagged)
    # The audit compares marked shares, whatever became of the trials.
    assert set(np.flatnonzero(features.is_marked)) == set(touched.values())


@pytest.mark.parametrize("hz", [50.0, 60.0])
@pytest.mark.parametrize("sampling_hz", [128.0, 250.0, 1000.0])
def test_the_hum_is_found_whatever_the_device(hz: float, sampling_hz: float) -> None:
    rng = np.random.default_rng(0)
    times = np.arange(int(20 * sampling_hz)) / sampling_hz
    slow = np.cumsum(rng.standard_normal((4, len(times))), axis=1) * 1e-7
    hum = slow + 2e-6 * np.sin(2 * np.pi * (hz + 0.03) * times)
    assert detect_line_noise(hum, sampling_hz) == hz
    # One dead and one missing channel do not matter.
    hum[0], hum[1] = 0.0, np.nan
    assert detect_line_noise(hum, sampling_hz) == hz
    # One loose electrode is enough.
    assert detect_line_noise(np.vstack([slow, hum[2:3]]), sampling_hz) == hz


def test_without_a_visible_hum_it_is_50() -> None:
    rng = np.random.default_rng(1)
    assert detect_line_noise(np.zeros((2, 1000)), 250.0) == 50.0
    assert detect_line_noise(rng.standard_normal((2, 100)), 250.0) == 50.0
    assert detect_line_noise(rng.standard_normal((2, 2000)), 64.0) == 50.0


def test_real_recordings_carry_the_mains_of_where_they_were_made(shared_data: Path) -> None:
    # Recorded in Canada.
    found = [
        detect_line_noise(np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:5].T, 256.0)
        for path in sorted((shared_data / "muse_n170").glob("*.csv.gz"))
    ]
    assert found
    assert set(found) == {60.0}


def test_the_hum_that_was_found_is_taken_out_and_said() -> None:
    recording = _recording()
    eeg = next(s for s in recording.signals if s.role == "EEG")
    times = np.arange(eeg.samples.shape[1]) / eeg.sampling_hz
    hum = replace(eeg, samples=eeg.samples + 30e-6 * np.sin(2 * np.pi * 60 * times))
    loud = replace(recording, signals=tuple(hum if s is eeg else s for s in recording.signals))
    found = extract_features(loud, AnnotationSet(), SETTINGS)
    assert "hum of 60 Hz taken out, as detected" in found.preparation
    told = replace(SETTINGS, analysis=AnalysisChoices(line_noise_hz=60))
    np.testing.assert_allclose(extract_features(loud, AnnotationSet(), told).evoked, found.evoked)


@given(
    reference=st.sampled_from(["automatic", "average", "recorded", "TP9", "TP9+TP10"]),
    channels=st.lists(st.sampled_from(CAP), unique=True, max_size=4),
    rules=st.tuples(*[st.sampled_from(["drop", "keep", "flag"])] * 3),
    high=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_study_toml_keeps_every_choice(
    tmp_path_factory: pytest.TempPathFactory,
    reference: str,
    channels: list[str],
    rules: tuple[MarkRule, MarkRule, MarkRule],
    high: float,
) -> None:
    path = tmp_path_factory.mktemp("study") / "study.toml"
    choices = Preprocessing(reference, tuple(channels), high, 20.0, *rules)
    write_study_file(path, StudySettings(preprocessing=choices))
    assert read_study_file(path).preprocessing == choices


@pytest.mark.parametrize("pipeline", ["evoked", "interpretable", "ecg"])
def test_the_row_of_variants_is_what_a_study_with_that_choice_would_get(pipeline: PipelineName) -> None:
    marks = AnnotationSet((Annotation(_onsets()[2] + 0.5, 0.2, "muscle"), Annotation(_onsets()[6], 0.2, "ecg-missed")))
    computed = compute_features(_recording(), marks, replace(SETTINGS, analysis=AnalysisChoices(line_noise_hz=50)))
    found = {w: f for w, f in vary(computed, pipeline).items() if isinstance(f, TrialFeatures)}
    expected = {"marked trials kept": Preprocessing(marked_eeg="keep", marked_eda="keep", marked_ecg="keep")}
    if pipeline != "ecg":
        expected |= {
            "reference as recorded": Preprocessing(reference="recorded"),
            "slow drifts below 0.5 Hz cut": Preprocessing(high_pass_hz=0.5),
            "evoked samples below 12 Hz": Preprocessing(low_pass_hz=12),
        }
    assert set(found) - {"hum left in"} == set(expected)
    for words, choices in expected.items():
        told, asked = found[words], extracted(choices, marks, pipeline)
        assert told.learned_names == asked.learned_names
        np.testing.assert_array_equal(told.columns(told.learned_names), asked.columns(asked.learned_names))
        np.testing.assert_array_equal(told.kept, asked.kept)
    assert found["marked trials kept"].kept.all()
    if pipeline != "ecg":
        assert "hum left in" in found["hum left in"].preparation


@pytest.mark.parametrize(
    "wrong", [{"reference": "TP9+"}, {"low_pass_hz": 40.0}, {"high_pass_hz": -1.0}, {"channels": ("Pz", "Pz")}]
)
def test_a_choice_that_cannot_be_is_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "study.toml"
    write_study_file(path, replace(SETTINGS, preprocessing=replace(Preprocessing(), **wrong)))  # type: ignore[arg-type]
    with pytest.raises(StudyError, match=next(iter(wrong))):
        read_study_file(path)
