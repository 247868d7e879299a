"""The checks on participants whose truth is known, made at feature level."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from veridical.audit import chance, ground_truth, noise, overfitting, too_little_data
from veridical.audit.artifact_bias import marked_per_class
from veridical.audit.checks import CHECKS, run_checks
from veridical.audit.context import AuditContext
from veridical.audit.families import MAX_COLUMNS, families_of, leading_components, n_artifact_columns
from veridical.domain.arrays import FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Finding, Verdict
from veridical.domain.progress import finish
from veridical.domain.rating import Rating
from veridical.domain.study import AnalysisChoices
from veridical.domain.trial_table import TrialRow
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem

Truth = Literal["responsive", "null", "laughing", "arousal"]
# Fewer than 60 trials make 5 folds instead of 10: half the work.
N_TRIALS = 59
N_FEATURES = 20
N_ARTIFACTS = 12
RELIABILITY = 0.6


def rating(scale: str, value: float | None) -> Rating:
    status: Literal["answered", "timed_out"] = "timed_out" if value is None else "answered"
    return Rating(scale, value, 1, 7, 0.5, 1.5, 1, "keyboard", status, 0)


def trial_row(number: int, valence: float | None, arousal: float | None, repeat_of: int | None = None) -> TrialRow:
    ratings = {"valence": rating("valence", valence), "arousal": rating("arousal", arousal)}
    return TrialRow(number, 1, f"p{number}", "neutral", 12.0 * number, 6.0, repeat_of, ratings)


def scale_of(latent: FloatArray) -> FloatArray:
    steps: FloatArray = np.clip(np.round(4 + 3 * latent), 1, 7)
    return steps


def make_context(truth: Truth, seed: int, n_permutations: int = 99) -> AuditContext:
    """A participant whose features follow valence, arousal, muscle or nothing."""
    rng = np.random.default_rng(seed)
    valence = rng.uniform(-1, 1, N_TRIALS)
    # The arousal-driven participant feels strongly about what is unpleasant, as people do.
    arousal = -0.8 * valence + 0.2 * rng.normal(size=N_TRIALS) if truth == "arousal" else rng.uniform(-1, 1, N_TRIALS)
    laughs = np.where(valence > 0.2, rng.random(N_TRIALS) < 0.8, 0.0)
    muscle = laughs if truth == "laughing" else rng.normal(size=N_TRIALS)
    muscle = (muscle - muscle.mean()) / muscle.std()
    driver = {"responsive": valence, "null": 0 * valence, "laughing": muscle, "arousal": arousal}[truth]
    pattern = rng.normal(size=N_FEATURES)
    features = 0.6 * driver[:, None] * pattern + rng.normal(size=(N_TRIALS, N_FEATURES))
    indices = np.sqrt(RELIABILITY) * muscle[:, None] + np.sqrt(1 - RELIABILITY) * rng.normal(
        size=(N_TRIALS, N_ARTIFACTS)
    )
    ratings = scale_of(valence)
    others = scale_of(arousal)
    problem = Problem(
        features=features,
        ratings=ratings,
        kept=np.ones(N_TRIALS, dtype=bool),
        midpoint=4.0,
        label_rule="midpoint",
        groups=np.arange(N_TRIALS),
        onsets_s=12.0 * np.arange(N_TRIALS),
        runs=np.zeros(N_TRIALS, dtype=int),
    )
    return AuditContext(
        problem=problem,
        validation=finish(validate_problem(problem, n_permutations, seed)),
        trials=tuple(trial_row(i + 1, float(ratings[i]), float(others[i])) for i in range(N_TRIALS)),
        reasons=("",) * N_TRIALS,
        is_marked=np.zeros(N_TRIALS, dtype=bool),
        artifacts=indices,
        artifact_names=tuple(f"muscle C{i}" for i in range(N_ARTIFACTS)),
        target="valence",
        analysis=AnalysisChoices(n_permutations=n_permutations),
        seed=seed,
    )


def audited(truth: Truth, seed: int) -> tuple[AuditContext, Verdict, dict[str, Finding]]:
    context = make_context(truth, seed)
    verdict, findings = finish(run_checks(context))
    return context, verdict, {f.threat: f for f in findings}


@pytest.mark.parametrize("seed", [1])
def test_a_responsive_participant_passes(seed: int) -> None:
    _, verdict, findings = audited("responsive", seed)
    assert verdict.kind == "above chance"
    assert "none of the three confound families measured explains it" in verdict.headline
    assert findings["chance"].verdict == "pass"
    assert findings["artifact bias"].evidence["p_after"] < 0.05


@pytest.mark.parametrize("seed", [1])
def test_a_model_of_laughter_is_called_explained_and_muscle_is_named(seed: int) -> None:
    _, verdict, findings = audited("laughing", seed)
    assert verdict.kind == "explained"
    assert "muscle" in verdict.headline
    assert findings["artifact bias"].verdict == "fail"
    assert "muscle" in findings["artifact bias"].summary


@pytest.mark.parametrize("seed", [1])
def test_a_model_of_arousal_is_called_explained_by_the_other_rating(seed: int) -> None:
    _, verdict, findings = audited("arousal", seed)
    assert verdict.kind == "explained"
    assert verdict.explained_by == ("the arousal rating",)
    assert findings["other rating"].verdict == "fail"


@pytest.mark.parametrize("seed", range(2))
def test_words_agree_with_the_p_value_on_null_participants(seed: int) -> None:
    context, verdict, findings = audited("null", seed)
    is_above = context.validation.p_value < 0.05
    assert verdict.headline.startswith("Above chance") == (verdict.kind in ("above chance", "explained"))
    assert is_above or verdict.kind in ("not above chance", "not enough data")
    assert (findings["chance"].verdict == "pass") == is_above


@pytest.mark.full
def test_null_participants_are_rarely_called_above_chance() -> None:
    """At most 6 of 60 seeds wrong at feature level."""
    wrong = [seed for seed in range(60) if audited("null", 1000 + seed)[1].kind == "above chance"]
    assert len(wrong) <= 6


@pytest.fixture(scope="module")
def null_context() -> AuditContext:
    return make_context("null", 7, n_permutations=19)


def test_every_threat_of_the_published_table_is_checked(null_context: AuditContext) -> None:
    table = {
        "overfitting", "chance", "too little data", "noise", "artifact bias", "picture confounds", "other rating",
        "time on task", "ground truth", "generalisation", "individual", "state mismatch", "analysis freedom",
        "calibration of probabilities",
    }  # fmt: skip
    checked = {check(null_context).threat for check in CHECKS}
    assert checked == table
    assert len(CHECKS) == len(table)


def test_a_check_without_its_data_says_so_instead_of_staying_silent(null_context: AuditContext) -> None:
    bare = replace(
        null_context,
        trials=tuple(replace(t, ratings={"valence": t.ratings["valence"]}) for t in null_context.trials),
        artifacts=np.empty((N_TRIALS, 0)),
        artifact_names=(),
    )
    verdict, findings = finish(run_checks(bare))
    by_threat = {f.threat: f for f in findings}
    assert len(findings) == len(CHECKS)
    assert by_threat["artifact bias"].verdict == "not enough data"
    assert by_threat["other rating"].verdict == "not enough data"
    assert verdict.kind in ("not above chance", "not enough data")


def test_training_accuracy_stands_only_in_the_overfitting_check(null_context: AuditContext) -> None:
    _, findings = finish(run_checks(null_context))
    with_it = [f.threat for f in findings if any("train" in key for key in f.evidence)]
    assert with_it == ["overfitting"]


def test_shuffled_folds_are_unmasked_where_time_leaks() -> None:
    """Slow drift in ratings and features that never meet again: shuffled folds find it, blocked ones do not."""
    rng = np.random.default_rng(3)
    context = make_context("null", 3, n_permutations=19)
    wave = np.sin(np.arange(N_TRIALS) / 2.2)
    slow = np.cumsum(rng.normal(size=(N_TRIALS, N_FEATURES)), axis=0)
    problem = replace(context.problem, features=slow, ratings=np.where(wave > 0, 6.0, 2.0))
    validation = finish(validate_problem(problem, 19, 0))
    context = replace(context, problem=problem, validation=validation)
    shuffled = finish(overfitting.validate_shuffled(context))
    assert shuffled is not None
    finding = overfitting.check(replace(context, shuffled=shuffled))
    assert finding.evidence["leakage_gap"] > overfitting.LARGE_LEAK
    assert finding.verdict != "pass"


def test_cancelling_the_audit_closes_the_validation_under_way(null_context: AuditContext) -> None:
    work = run_checks(null_context)
    assert next(work).total == 10
    next(work)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_progress_never_goes_back(null_context: AuditContext) -> None:
    shares = [step.share for step in run_checks(null_context)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_tables_of_another_length_are_refused(null_context: AuditContext) -> None:
    with pytest.raises(AnalysisError, match="extract the features anew"):
        replace(null_context, reasons=("",))


def test_binomial_thresholds_are_those_of_the_literature() -> None:
    """METHODS 5.5: 40 trials 65 %, 60 61.7 %, 80 60 %, 100 59 %, 120 58.3 %, 200 56.5 %."""
    known = {40: 0.65, 60: 0.617, 80: 0.60, 100: 0.59, 120: 0.583, 200: 0.565}
    assert {n: round(chance.binomial_threshold(n), 3) for n in known} == known


@pytest.mark.parametrize("effect", [0.58, 0.60, 0.68, 0.75])
def test_trials_needed_have_the_power_wanted(effect: float) -> None:
    n = too_little_data.trials_needed(effect)
    assert n is not None
    assert too_little_data.power(effect, n) >= 0.80 > too_little_data.power(effect, n - 1)


def test_power_at_chance_is_the_size_of_the_test() -> None:
    assert too_little_data.power(0.5, 80) == pytest.approx(0.05)
    assert too_little_data.trials_needed(0.5) is None


def test_lost_trials_are_counted_and_too_many_damage_the_verdict(null_context: AuditContext) -> None:
    kept = np.arange(N_TRIALS) % 5 < 2
    lossy = replace(
        null_context,
        problem=replace(null_context.problem, kept=kept),
        reasons=tuple("" if k else "marked: Muscle" for k in kept),
    )
    assert noise.lost_share(lossy) == pytest.approx(35 / 59)
    finding = noise.check(lossy)
    assert finding.verdict == "fail"
    assert finding.evidence["n_lost"] == 35
    assert "marked: Muscle" in finding.summary
    assert finish(run_checks(lossy))[0].kind == "damaged"


def test_marks_on_one_class_only_are_found_by_fishers_test(null_context: AuditContext) -> None:
    marked = (null_context.classes == 1) & (np.arange(N_TRIALS) % 2 == 0)
    shares = marked_per_class(replace(null_context, is_marked=marked))
    assert shares["marked_share_low"] == 0
    assert shares["p_marked"] < 0.001
    even = marked_per_class(replace(null_context, is_marked=np.arange(N_TRIALS) % 2 == 0))
    assert even["p_marked"] > 0.05


def with_ratings(context: AuditContext, trials: list[TrialRow]) -> AuditContext:
    """The same context with other answers; only what the ground-truth check looks at is made to fit."""
    values = np.array([np.nan if t.value("valence") is None else t.value("valence") for t in trials], dtype=float)
    n = len(trials)
    problem = replace(
        context.problem,
        features=np.zeros((n, 1)),
        ratings=values,
        kept=np.ones(n, dtype=bool),
        groups=np.arange(n),
        onsets_s=np.arange(n) * 12.0,
        runs=np.zeros(n, dtype=int),
    )
    return replace(
        context,
        problem=problem,
        trials=tuple(trials),
        reasons=("",) * n,
        is_marked=np.zeros(n, dtype=bool),
        artifacts=np.zeros((n, 1)),
        artifact_names=("eyes",),
    )


def test_fewer_than_24_repeats_cannot_tell_reliability(null_context: AuditContext) -> None:
    trials = [trial_row(i + 1, 1 + i % 7, 4) for i in range(60)]
    trials += [trial_row(61 + i, 1 + i % 7, 4, repeat_of=i + 1) for i in range(23)]
    finding = ground_truth.check(with_ratings(null_context, trials))
    assert finding.verdict == "not enough data"
    assert finding.evidence["n_repeat_pairs"] == 23
    assert "24" in finding.summary


def test_repeats_are_paired_across_the_break_of_one_session_and_no_further(null_context: AuditContext) -> None:
    def paired(runs: list[int], sessions: str, trials: list[TrialRow]) -> list[list[float]]:
        context = with_ratings(null_context, trials)
        problem = replace(context.problem, runs=np.array(runs))
        found = ground_truth.repeat_pairs(replace(context, problem=problem, sessions=tuple(sessions)))
        return [[float(a), float(b)] for a, b in found]

    def row(number: int, picture: str, value: float | None, repeat_of: int | None = None) -> TrialRow:
        return replace(trial_row(number, value, 4, repeat_of=repeat_of), stimulus_id=picture)

    first = [row(1, "a", 2), row(2, "b", 3), row(3, "c", None)]
    # Run 2 goes on with trial 3; trial 3 was interrupted before.
    after = [row(3, "c", 6), row(4, "b", 5, 2), row(5, "c", 7, 3)]
    assert paired([0] * 3 + [1] * 3, "111111", first + after) == [[3, 5], [6, 7]]
    # A session of its own counts anew: its trial 2 is another one.
    assert paired([0] * 3 + [1] * 3, "111222", first + after) == [[6, 7]]
    anew = [row(1, "x", 1), row(2, "b", None), row(3, "b", 5, 2)]
    assert paired([0] * 3 + [1] * 3, "111111", first + anew) == []


def test_failed_attention_checks_make_the_ratings_doubtful(null_context: AuditContext) -> None:
    trials = [trial_row(i + 1, 1 + i % 7, 4) for i in range(60)]
    trials += [trial_row(61 + i, 1 + i % 7, 4, repeat_of=i + 1) for i in range(28)]
    careful = [replace(t, has_passed_check=True if t.trial % 40 == 0 else None) for t in trials]
    finding = ground_truth.check(with_ratings(null_context, careful))
    assert finding.verdict == "pass"
    assert (finding.evidence["n_attention_checks"], finding.evidence["n_attention_passed"]) == (2, 2)
    careless = [replace(t, has_passed_check=False) if t.trial == 40 else t for t in careful]
    finding = ground_truth.check(with_ratings(null_context, careless))
    assert finding.verdict == "caution"
    assert "1 of 2 attention checks failed" in finding.summary


def test_faithful_repeats_pass_and_random_ones_do_not(null_context: AuditContext) -> None:
    first = [trial_row(i + 1, 1 + i % 7, 4) for i in range(60)]
    faithful = [trial_row(61 + i, 1 + i % 7, 4, repeat_of=i + 1) for i in range(28)]
    finding = ground_truth.check(with_ratings(null_context, first + faithful))
    assert finding.verdict == "pass"
    assert finding.evidence["test_retest_kappa"] == pytest.approx(1.0)
    rng = np.random.default_rng(5)
    shuffled = [trial_row(61 + i, float(v), 4, repeat_of=i + 1) for i, v in enumerate(rng.permutation(28) % 7 + 1)]
    finding = ground_truth.check(with_ratings(null_context, first + shuffled))
    assert finding.verdict == "caution"
    assert abs(finding.evidence["test_retest_kappa"]) < 0.4


def test_weighted_kappa_equals_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    first = rng.integers(1, 8, 40)
    second = np.clip(first + rng.integers(-2, 3, 40), 1, 7)
    expected = cohen_kappa_score(first, second, weights="quadratic")
    assert ground_truth.weighted_kappa(first.astype(float), second.astype(float)) == pytest.approx(expected)


def test_missing_answers_straight_lining_and_a_small_class_are_worries(null_context: AuditContext) -> None:
    trials = [trial_row(i + 1, None if i < 12 else 5 if i < 58 else 2, 4) for i in range(60)]
    finding = ground_truth.check(with_ratings(null_context, trials))
    assert finding.verdict == "caution"
    assert finding.evidence["n_timed_out"] == 12
    for words in ("missing", "one and the same step", "smaller class"):
        assert words in finding.summary


def test_leading_components_keep_what_channels_share_and_forget_dropped_rows() -> None:
    rng = np.random.default_rng(4)
    shared = rng.normal(size=80)
    values = rng.normal(size=(80, 30))
    values[:, :4] += 2 * shared[:, None]
    values[:, 7] = 3.0
    rows = np.arange(80) != 11
    values[11] = np.nan
    components = leading_components(values, rows, MAX_COLUMNS)
    assert components.shape == (80, MAX_COLUMNS)
    assert np.isnan(components[11]).all()
    fit = components[rows] @ np.linalg.lstsq(components[rows], shared[rows], rcond=None)[0]
    assert np.corrcoef(fit, shared[rows])[0, 1] > 0.9


def test_artifact_columns_grow_with_the_trials_up_to_ten() -> None:
    assert [n_artifact_columns(n) for n in (20, 40, 59, 72, 80, 160)] == [5, 5, 7, 9, 10, 10]


def test_eye_and_mark_indices_are_never_mixed_into_the_muscle_components(null_context: AuditContext) -> None:
    rng = np.random.default_rng(1)
    eyes = rng.normal(size=N_TRIALS)
    context = replace(
        null_context,
        artifacts=np.column_stack([rng.normal(size=(N_TRIALS, 32)), eyes]),
        artifact_names=(*(f"muscle C{i}" for i in range(32)), "eyes"),
    )
    values = families_of(context)[0].values
    assert values.shape == (N_TRIALS, n_artifact_columns(N_TRIALS)) == (59, 7)
    assert np.corrcoef(values[:, -1], eyes)[0, 1] == pytest.approx(1.0)
