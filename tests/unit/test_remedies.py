"""What the audit offers to do: chosen without a look at ratings, counted in the ledger, taken back on cancel."""

from dataclasses import replace

import numpy as np
import pytest

from veridical.audit.evidence import evidence_words
from veridical.cli.demo import demo_settings
from veridical.domain.evaluation import Finding
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.remedy import AUDIT_RATER, MarkedSpan, Remedy
from veridical.domain.simulation import SimulationPlan
from veridical.domain.trial_table import TrialRow
from veridical.reports.content import RecordingFacts, StreamFacts
from veridical.services.annotating import merged_marks
from veridical.services.judging import TrainingRequest
from veridical.services.remedies import outlying_trials, remedies_of
from veridical.services.remedying import remedy_work
from veridical.services.session import plan_session
from veridical.services.study import Study, create_study
from veridical.services.trial_grid import TrialGrid
from veridical.simulator.offline import simulate_recording
from veridical.simulator.performance import SHORTENED
from veridical.storage.ledger import read_ledger

KEY = RunKey("001")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with one short recording of participant 001."""
    settings = demo_settings(is_fast=True, seed=3)
    settings = replace(settings, analysis=replace(settings.analysis, n_permutations=20))
    made = create_study(tmp_path_factory.mktemp("remedies") / "study", settings)
    made.add_participant("001")
    made.paths.xdf(KEY).parent.mkdir(parents=True)
    body = SimulationPlan("responsive", 3, eeg_channels=8, eeg_hz=250.0, eda_hz=32.0, ecg_hz=128.0)
    scales = made.settings.protocol.scales
    simulate_recording(made.paths.xdf(KEY), body, plan_session(made, KEY), made.stimuli, scales, 5, SHORTENED)
    return made


def grid_of(artifacts: np.ndarray, names: tuple[str, ...]) -> TrialGrid:
    n = len(artifacts)
    return TrialGrid(
        trials=tuple(TrialRow(i + 1, 1, f"p{i}", "neutral", 10.0 * i, 6.0, None, {}) for i in range(n)),
        kept=np.ones(n, dtype=bool),
        reasons=("",) * n,
        is_marked=np.zeros(n, dtype=bool),
        matrix=np.zeros((n, 1)),
        columns=(),
        artifacts=artifacts,
        artifact_names=names,
        runs=np.zeros(n, dtype=int),
        left_out=(),
        window_s=(-0.2, 1.0),
    )


def facts(poor: tuple[str, ...]) -> RecordingFacts:
    stream = StreamFacts("EEG", "Amp", 8, 250.0, 250.0, 1000, poor=poor)
    return RecordingFacts(KEY, "a.xdf", "0" * 64, 60.0, (stream,))


def test_trials_to_mark_are_those_whose_artifacts_stand_out() -> None:
    rng = np.random.default_rng(1)
    artifacts = rng.normal(size=(60, 12))
    artifacts[[7, 31], :4] += 9.0
    artifacts[50, 11] += 9.0
    names = (*(f"muscle C{i}" for i in range(10)), "marked", "eyes")
    grid = grid_of(artifacts, names)
    assert {7, 31, 50} <= set(outlying_trials(grid))
    assert len(outlying_trials(grid)) <= 6
    (offer,) = remedies_of([Finding("artifact bias", "fail")], grid, [KEY], [facts(())], 2)
    assert offer.kind == "mark trials"
    assert [offer.spans[0].onset_s, offer.spans[0].duration_s] == pytest.approx([69.8, 1.2])
    assert f"Costs {len(offer.spans)} trials of 60" in offer.cost
    assert "analysis 3 of this participant and exploratory" in offer.cost


def test_where_nothing_stands_out_a_person_has_to_look() -> None:
    grid = grid_of(np.zeros((40, 3)), ("muscle Fz", "muscle Cz", "eyes"))
    (offer,) = remedies_of([Finding("artifact bias", "caution")], grid, [KEY], [facts(())], 1)
    assert (offer.kind, offer.is_done_here) == ("annotate", False)


def test_poor_channels_are_left_out_by_name_in_every_run() -> None:
    grid = grid_of(np.zeros((40, 1)), ("eyes",))
    (offer,) = remedies_of([Finding("noise", "caution")], grid, [KEY], [facts(("T7", "F7"))], 1)
    assert offer.kind == "leave out channels"
    assert offer.spans == (MarkedSpan(KEY, 0.0, 60.0, "other", ("T7", "F7")),)
    assert "T7, F7" in offer.cost


def test_what_passes_and_what_nobody_can_mend_offers_nothing() -> None:
    grid = grid_of(np.zeros((40, 1)), ("eyes",))
    findings = [Finding("chance", "pass"), Finding("overfitting", "caution"), Finding("too little data", "caution")]
    offers = remedies_of(findings, grid, [KEY], [facts(())], 1)
    assert [(o.threat, o.kind) for o in offers] == [("too little data", "record")]


def test_a_remedy_is_an_exploratory_analysis_in_the_ledger_and_a_cancelled_one_leaves_no_mark(study: Study) -> None:
    remedy = Remedy(
        "artifact bias", "mark trials", "Mark 3 trials and train again", "", tuple(
            MarkedSpan(KEY, onset, 0.5, "muscle") for onset in (20.0, 30.0, 40.0)
        ),
    )  # fmt: skip
    work = remedy_work(study, TrainingRequest("001"), remedy)
    while "Extracting" not in next(work).text:
        pass
    assert len(merged_marks(study, KEY)[0].annotations) == 3
    work.close()
    assert not merged_marks(study, KEY)[0].annotations
    assert not read_ledger(study.paths.ledger("001"))

    after = finish(remedy_work(study, TrainingRequest("001"), remedy))
    marks, raters = merged_marks(study, KEY)
    assert raters == (AUDIT_RATER,)
    assert {m.comment for m in marks.annotations} == {remedy.button}
    assert (after.analysis, after.is_primary) == (1, False)
    assert read_ledger(study.paths.ledger("001"))[0].remedy == remedy.button
    freedom = next(f for f in after.findings if f.threat == "analysis freedom")
    assert freedom.verdict != "pass"


def test_numbers_of_a_finding_are_read_with_unit_interval_and_count() -> None:
    words = dict(
        evidence_words(
            {
                "auc_alone": 0.713, "p_alone": 0.0204, "interval95_low_alone": 0.57, "interval95_high_alone": 0.81,
                "n_alone": 119.0, "gap": -0.1, "ceiling": 0.8, "ceiling_low": 0.7, "ceiling_high": 0.9,
                "correlation": float("nan"), "is_primary": 1.0,
            }
        )
    )  # fmt: skip
    assert words == {
        "AUC, confound alone": "0.71",
        "p value, confound alone": ".020",
        "95 % interval, confound alone": "57 % to 81 %",
        "Trials, confound alone": "119",
        "Training minus validated": "\N{MINUS SIGN}10 %",
        "Ceiling of the balanced accuracy": "80 % (95 % interval 70 % to 90 %)",
        "Correlation with the other rating": "unknown",
        "Fixed before recording": "yes",
    }
