"""Annotating and training on a simulated recording: nothing is lost, nothing is half-written, marks count."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from veridical.cli.app import app
from veridical.cli.demo import demo_settings
from veridical.cli.train_command import as_json_object
from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.errors import AnalysisError, StudyError
from veridical.domain.label_rule import LABEL_RULES
from veridical.domain.participant import RunKey
from veridical.domain.preprocessing import Preprocessing
from veridical.domain.progress import finish
from veridical.domain.protocol import Protocol
from veridical.domain.simulation import SimulationPlan
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.learning.bundle import load_bundle
from veridical.services.annotating import AnnotationDesk, merged_marks, suggest_work
from veridical.services.auditing import audit_model
from veridical.services.comparing import ComparisonRequest, compare_work
from veridical.services.judging import TrainingRequest, _is_primary
from veridical.services.session import plan_session
from veridical.services.study import Study, create_study
from veridical.services.training import train_model, train_work
from veridical.services.trial_grid import labelled_ratings
from veridical.simulator.offline import simulate_recording
from veridical.simulator.performance import SHORTENED
from veridical.storage.annotation_file import read_annotation_journal
from veridical.storage.ledger import read_ledger
from veridical.storage.suggestion_table import read_suggestions
from veridical.storage.tables import read_table

_BODY = SimulationPlan(profile="responsive", seed=3, eeg_channels=12, eeg_hz=250.0, eda_hz=32.0, ecg_hz=128.0)


def _record(study: Study, key: RunKey) -> None:
    study.paths.xdf(key).parent.mkdir(parents=True, exist_ok=True)
    plan = plan_session(study, key)
    simulate_recording(study.paths.xdf(key), _BODY, plan, study.stimuli, study.settings.protocol.scales, 5, SHORTENED)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with one recording of participant 001 and few permutations."""
    settings = demo_settings(is_fast=True, seed=3)
    settings = replace(settings, analysis=replace(settings.analysis, n_permutations=99))
    study = create_study(tmp_path_factory.mktemp("recorded") / "study", settings)
    study.add_participant("001")
    _record(study, RunKey("001"))
    return study


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose pictures leave room for skin and heart."""
    protocol = Protocol(
        name="unhurried", n_per_condition=8, n_blocks=2, n_practice=0, baseline_open_s=1.0, baseline_closed_s=1.0,
        fixation_s=(1.2, 1.4), iti_s=(0.5, 0.8), min_onset_gap_s=0.0,
    )  # fmt: skip
    analysis = AnalysisChoices(label_rule="median", n_permutations=49)
    settings = StudySettings(protocol=protocol, analysis=analysis, intake=())
    study = create_study(tmp_path_factory.mktemp("unhurried") / "study", settings)
    study.add_participant("001")
    key, body = RunKey("001"), replace(_BODY, eeg_channels=8, eeg_hz=125.0)
    study.paths.xdf(key).parent.mkdir(parents=True)
    simulate_recording(study.paths.xdf(key), body, plan_session(study, key), study.stimuli, protocol.scales, 5)
    return study


@pytest.fixture
def clean(recorded: Study) -> Iterator[Study]:
    """The recorded study; what a test derives from it is removed afterwards."""
    yield recorded
    derived = recorded.root / "derivatives"
    for path in sorted(derived.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_fusion_says_what_it_was_put_together_from_and_its_model_opens(unhurried: Study) -> None:
    result = finish(train_work(unhurried, TrainingRequest("001", pipeline="fusion")))
    told = as_json_object(result, with_ratings=True)
    assert isinstance(told["shares"], dict)
    assert list(told["shares"]) == ["evoked samples", "skin conductance", "heart rate"]
    assert isinstance(told["ratings"], dict)
    assert result.ratings is not None
    assert told["ratings"]["correlation"] == result.ratings.correlation
    words = result.report.read_text(encoding="utf-8")
    assert "Put together from" in words
    assert "The rating itself" in words
    assert "late fusion: one ridge classifier each" in words
    freedom = next(f for f in result.findings if f.threat == "analysis freedom")
    assert freedom.evidence["n_variants"] == 5
    assert freedom.chart is not None
    assert "hum left in" in freedom.chart.categories
    kept = msgspec.json.decode(result.report.with_suffix(".json").read_bytes())
    assert kept["shares"] == told["shares"]
    assert kept["ratings"]["n_trials"] == told["ratings"]["n_trials"]
    bundle = load_bundle(result.model)
    assert bundle.pipeline == "fusion"
    assert {f.name.split("_")[0] for f in bundle.features if " " not in f.name} == {"heart", "scr"}
    assert np.isfinite(bundle.model.decide(np.zeros((1, len(bundle.features))))).all()


def test_models_are_compared_on_common_labelings_and_each_is_in_the_ledger(clean: Study) -> None:
    request = ComparisonRequest("001", ("valence", "arousal"), ("evoked", "eda"))
    found = finish(compare_work(clean, request))
    assert [(m.target, m.pipeline) for m in found.models] == [
        (target, pipeline) for target in ("valence", "arousal") for pipeline in ("evoked", "eda")
    ]
    valid = [m for m in found.models if m.validation is not None]
    # The demonstration's pictures are too short for a skin response.
    assert [m.pipeline for m in found.models if m.validation is None] == ["eda", "eda"]
    assert all("the pipeline 'eda' can learn nothing" in m.problem for m in found.models if m.validation is None)
    for model in valid:
        assert model.validation is not None
        assert model.familywise_p >= model.validation.p_value
    ledger = read_ledger(clean.paths.ledger("001"))
    assert [a.number for a in ledger] == [m.analysis for m in valid] == [1, 2]
    assert not any(a.is_primary for a in ledger)
    assert all("2 models compared" in a.headline for a in ledger)
    trained = finish(train_work(clean, TrainingRequest("001")))
    assert valid[0].validation is not None
    assert trained.validation.p_value == valid[0].validation.p_value
    assert (trained.is_primary, trained.analysis) == (True, 3)
    with pytest.raises(AnalysisError, match="has no scale 'joy'"):
        finish(compare_work(clean, ComparisonRequest("001", ("joy",))))


def _files(study: Study) -> set[Path]:
    return {p for p in (study.root / "derivatives").rglob("*") if p.is_file()}


def test_marks_are_on_disk_at_once_and_come_back_with_their_undo(clean: Study) -> None:
    desk = AnnotationDesk(clean, RunKey("001"))
    desk.mark(Annotation(1.0, 0.5, "blink"))
    desk.mark(Annotation(1.4, 0.6, "blink"))
    desk.mark(Annotation(5.0, 1.0, "muscle", ("T7",)))
    state = desk.relabel(Annotation(5.0, 1.0, "muscle", ("T7",)), "movement")
    desk.undo()
    # On disk before anything is closed.
    kept = read_annotation_journal(clean.paths.annotation_journal(RunKey("001"), "rater1"))
    desk.close()
    again = AnnotationDesk(clean, RunKey("001"))
    assert again.state.annotations == kept.annotations
    assert again.state.annotations.annotations == (
        Annotation(1.0, 1.0, "blink"),
        Annotation(5.0, 1.0, "muscle", ("T7",)),
    )
    assert again.state.redo_text == "Change muscle"
    assert again.redo().annotations == state.annotations
    while again.state.undo_text:
        again.undo()
    assert again.state.annotations == AnnotationSet()
    again.close()


def test_a_mark_is_cut_to_the_recording(clean: Study) -> None:
    desk = AnnotationDesk(clean, RunKey("001"))
    (mark,) = desk.mark(Annotation(-3.0, 1e6, "line")).annotations.annotations
    assert mark.onset_s == 0.0
    assert mark.stop_s == pytest.approx(desk.recording.stop_s)
    desk.close()
    (row,) = read_table(clean.paths.annotation_table(RunKey("001"), "rater1"))
    assert float(row["duration"]) == pytest.approx(desk.recording.stop_s, abs=1e-5)


def test_suggestions_are_decided_once_and_a_decision_can_be_undone(clean: Study) -> None:
    found = finish(suggest_work(clean, RunKey("001")))
    assert found
    assert read_suggestions(clean.paths.suggestions(RunKey("001"))) == found
    desk = AnnotationDesk(clean, RunKey("001"), rater="ab")
    assert desk.state.suggestions == found
    state = desk.accept(found[0])
    assert found[0] not in state.suggestions
    assert [m.source for m in state.annotations.annotations] == [f"suggested:{found[0].method}"]
    desk.reject(found[1])
    assert desk.undo().suggestions == found[1:]
    assert desk.undo().suggestions == found
    desk.redo()
    desk.close()
    marks, raters = merged_marks(clean, RunKey("001"))
    assert (len(marks.annotations), raters) == (1, ("ab",))
    assert clean.progress()[0].n_annotations == 1


def test_training_leaves_model_report_ledger_and_features(clean: Study) -> None:
    steps = []
    work = train_work(clean, TrainingRequest("001"))
    try:
        while True:
            steps.append(next(work))
    except StopIteration as stop:
        result = stop.value
    shares = [s.share for s in steps]
    assert all(s.text for s in steps)
    assert shares == sorted(shares)
    assert result.validation.n_trials >= 40
    assert load_bundle(result.model).scores.p_value == result.validation.p_value
    page = result.report.read_text(encoding="utf-8")
    assert result.headline in page
    assert "shortened" in page
    assert json.loads(result.report.with_suffix(".json").read_text(encoding="utf-8"))
    (line,) = read_ledger(clean.paths.ledger("001"))
    assert (line.number, line.is_primary, line.headline) == (1, True, result.headline)
    rows = read_table(clean.paths.features(RunKey("001")))
    assert len(rows) == len(plan_session(clean, RunKey("001")).trials)
    assert clean.progress()[0].report == result.report
    assert any("needs 1 s of picture" in words for words in result.left_out)


def test_the_printed_object_has_exactly_the_published_fields(clean: Study) -> None:
    printed = as_json_object(train_model(clean, "001", "arousal"))
    assert list(printed) == [
        "target", "n_trials", "classes", "balanced_accuracy", "interval95", "chance95", "p_value", "p_free",
        "p_circular", "auc", "train_balanced_accuracy", "folds", "embargo_trials", "model", "report",
    ]  # fmt: skip
    assert printed["target"] == "arousal"
    assert json.loads(msgspec.json.encode(printed)) == printed
    assert printed["p_value"] == max(printed["p_free"], printed["p_circular"])  # type: ignore[type-var]


def test_only_the_fixed_analysis_is_primary(clean: Study) -> None:
    first = train_model(clean, "001")
    again = train_model(clean, "001")
    assert again.is_primary, "the same analysis of the same recordings is no second look"
    np.testing.assert_array_equal(again.validation.null, first.validation.null)
    other = finish(train_work(clean, TrainingRequest("001", label_rule="median")))
    assert not other.is_primary
    assert [first.analysis, other.analysis] == [1, 3]
    assert first.model != other.model
    assert "exploratory" in other.report.read_text(encoding="utf-8").lower()
    # Whoever prepares the signals anew after a first result has tried something, whatever study.toml says by now.
    ledger = read_ledger(clean.paths.ledger("001"))
    fixed, hashes = clean.settings.analysis, ledger[0].recordings
    assert _is_primary(clean, fixed, ledger, hashes, Preprocessing().words)
    assert not _is_primary(clean, fixed, ledger, hashes, Preprocessing(high_pass_hz=0.5).words)
    assert not _is_primary(clean, fixed, ledger, (*hashes, "more"), Preprocessing().words)


def test_an_audit_is_the_analysis_that_it_looks_at(clean: Study, capsys: pytest.CaptureFixture[str]) -> None:
    first = audit_model(clean, "001")
    assert [a.model for a in read_ledger(clean.paths.ledger("001"))] == [""]
    trained = train_model(clean, "001")

    app(["audit", str(clean.root), "--participant", "001", "--json"], standalone_mode=False)

    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"verdict", "checks"}
    assert len(told["checks"]) == 14
    assert set(told["checks"][0]) == {"threat", "verdict", "evidence", "summary", "remedy"}
    assert [c["threat"] for c in told["checks"]] == [f.threat for f in trained.findings]
    np.testing.assert_equal(first.validation.null, trained.validation.null)
    # Looking again is no further analysis; training once more was.
    assert [a.number for a in read_ledger(clean.paths.ledger("001"))] == [1, 2]


def test_every_label_rule_is_counted_and_norms_can_be_learned(clean: Study) -> None:
    result = finish(train_work(clean, TrainingRequest("001", label_rule="norm")))
    counted = {c.rule: (c.n_low, c.n_high) for c in result.rule_counts}
    assert list(counted) == list(LABEL_RULES)
    assert dict(result.validation.classes) == dict(zip(("negative", "positive"), counted["norm"], strict=True))
    assert not result.is_primary


def test_norms_decide_or_agree() -> None:
    own, norms = np.array([1.0, 7, 7, 4, np.nan, 1, 7]), np.array([-0.9, 0.9, -0.5, 0.9, 0.9, 0.05, np.nan])
    np.testing.assert_array_equal(labelled_ratings(own, norms, 4.0, "norm"), [3, 5, 3, 5, 5, 4, np.nan])
    np.testing.assert_array_equal(labelled_ratings(own, norms, 4.0, "agreement"), [1, 7, 4, 4, np.nan, 4, 4])
    assert labelled_ratings(own, norms, 4.0, "tertiles") is own
    with pytest.raises(AnalysisError, match="needs norms"):
        labelled_ratings(own, np.full(7, np.nan), 4.0, "agreement")


def test_cancelling_leaves_no_model_report_or_ledger_line(clean: Study) -> None:
    work = train_work(clean, TrainingRequest("001"))
    for step in work:
        if step.text.startswith("Writing"):
            break
    work.close()
    left = {p.name for p in _files(clean)}
    assert left == {clean.paths.features(RunKey("001")).name}
    assert not clean.paths.ledger("001").exists()


def test_marked_trials_are_dropped_and_the_report_counts_them(clean: Study) -> None:
    before = train_model(clean, "001").validation.n_trials
    desk = AnnotationDesk(clean, RunKey("001"))
    onsets = [e.onset_s for e in desk.recording.events if e.marker.name.startswith("picture/p")][:5]
    for onset in onsets:
        desk.mark(Annotation(onset + 0.1, 0.2, "muscle"))
    desk.close()
    after = train_model(clean, "001")
    assert after.validation.n_trials < before
    assert any("marked: Muscle" in words for words in after.left_out)


@pytest.mark.parametrize(
    ("participant", "target", "words"),
    [
        ("002", None, "no participant 002"),
        ("001", "joy", "no scale 'joy'"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(
    clean: Study, participant: str, target: str | None, words: str
) -> None:
    with pytest.raises((AnalysisError, StudyError), match=words):
        finish(train_work(clean, TrainingRequest(participant, target)))


def test_a_participant_without_recording_is_told_to_record(tmp_path: Path) -> None:
    study = create_study(tmp_path / "s", StudySettings())
    study.add_participant("001")
    with pytest.raises(AnalysisError, match="record a session first"):
        train_model(study, "001")


def test_two_runs_are_trained_on_together(clean: Study) -> None:
    second = RunKey("001", run=2)
    _record(clean, second)
    try:
        result = train_model(clean, "001")
        assert result.validation.n_trials > 80
        assert read_ledger(clean.paths.ledger("001"))[0].recordings[0] != ""
        assert len(set(read_ledger(clean.paths.ledger("001"))[0].recordings)) == 2
    finally:
        clean.paths.xdf(second).unlink()
