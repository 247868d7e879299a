"""Threats beyond the model's own trials: pictures, transfer, other people, other days, freedom, probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from veridical.audit import analysis_freedom, generalisation, individual, probability_calibration, state_mismatch
from veridical.audit.checks import run_checks
from veridical.audit.context import AuditContext, History, Peer, PictureFacts, Variant
from veridical.audit.too_little_data import fit_curve
from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import Finding, Verdict
from veridical.domain.progress import finish
from veridical.domain.rating import Rating
from veridical.domain.study import AnalysisChoices
from veridical.domain.trial_table import TrialRow
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem
from veridical.storage.learned_table import LearnedTable, read_learned_table, write_learned_table

N_PERMUTATIONS = 99


def rating(scale: str, value: float) -> Rating:
    return Rating(scale, value, 1, 7, 0.5, 1.5, 1, "keyboard", "answered", 0)


def built(features: FloatArray, ratings: FloatArray, seed: int = 1) -> AuditContext:
    """A participant with these features and ratings; arousal says nothing, and no artifact was measured."""
    n = len(ratings)
    arousal = np.random.default_rng([seed, 77]).integers(1, 8, n)
    problem = Problem(
        features=features,
        ratings=ratings,
        kept=np.ones(n, dtype=bool),
        midpoint=4.0,
        label_rule="midpoint",
        groups=np.arange(n),
        onsets_s=12.0 * np.arange(n),
        runs=np.zeros(n, dtype=int),
    )
    trials = tuple(
        TrialRow(
            i + 1, 1, f"p{i}", "neutral", 12.0 * i, 6.0, None,
            {"valence": rating("valence", float(v)), "arousal": rating("arousal", float(a))},
        )
        for i, (v, a) in enumerate(zip(ratings, arousal, strict=True))
    )  # fmt: skip
    return AuditContext(
        problem=problem,
        validation=finish(validate_problem(problem, N_PERMUTATIONS, seed)),
        trials=trials,
        reasons=("",) * n,
        is_marked=np.zeros(n, dtype=bool),
        artifacts=np.random.default_rng([seed, 78]).normal(size=(n, 4)),
        artifact_names=("muscle Fz", "muscle Cz", "muscle Pz", "eyes"),
        target="valence",
        analysis=AnalysisChoices(n_permutations=N_PERMUTATIONS),
        seed=seed,
    )


def steps(feeling: FloatArray) -> FloatArray:
    """A latent feeling on the 7-point scale."""
    answers: FloatArray = np.clip(np.round(4 + 2 * feeling), 1, 7)
    return answers


def pictures(n: int, statistics: FloatArray | None = None, n_themes: int = 4) -> PictureFacts:
    rng = np.random.default_rng(5)
    return PictureFacts(
        statistics=rng.normal(size=(n, 3)) if statistics is None else statistics,
        statistic_names=("luminance", "saturation", "entropy"),
        themes=tuple(f"theme {i % n_themes}" for i in rng.permutation(n)),
        kinds=("image",) * n,
        norm_arousal=np.full(n, np.nan),
        norm_valence=np.full(n, np.nan),
    )


def audited(context: AuditContext) -> tuple[Verdict, dict[str, Finding]]:
    verdict, findings = finish(run_checks(context))
    return verdict, {f.threat: f for f in findings}


@pytest.fixture(scope="module")
def base() -> AuditContext:
    rng = np.random.default_rng(1)
    feeling = rng.normal(size=72)
    return built(0.7 * feeling[:, None] * rng.normal(size=20) + rng.normal(size=(72, 20)), steps(feeling))


@pytest.fixture(scope="module")
def responsive(base: AuditContext) -> tuple[Verdict, dict[str, Finding]]:
    n = base.problem.n_presented
    return audited(replace(base, pictures=pictures(n)))


def test_a_model_of_brightness_is_called_explained_by_the_pictures() -> None:
    rng = np.random.default_rng(2)
    n = 100
    luminance = rng.normal(size=n)
    ratings = np.clip(np.round(4 + 2 * luminance + 0.5 * rng.normal(size=n)), 1, 7)
    features = 0.8 * luminance[:, None] * rng.normal(size=20) + rng.normal(size=(n, 20))
    facts = pictures(n, np.column_stack([luminance, rng.normal(size=(n, 2))]))
    verdict, findings = audited(replace(built(features, ratings), pictures=facts))
    assert verdict.kind == "explained"
    assert verdict.explained_by == ("brightness, colours and structure of the pictures",)
    assert findings["picture confounds"].verdict == "fail"
    assert "luminance" in findings["picture confounds"].summary


def test_pictures_that_do_not_go_along_with_the_rating_explain_nothing(
    responsive: tuple[Verdict, dict[str, Finding]],
) -> None:
    verdict, findings = responsive
    assert verdict.kind == "above chance"
    assert "none of the four confound families measured explains it" in verdict.headline
    assert findings["picture confounds"].verdict == "pass"


def test_every_finding_of_a_measured_threat_has_a_figure_with_words(
    responsive: tuple[Verdict, dict[str, Finding]],
) -> None:
    for threat, finding in responsive[1].items():
        if threat not in ("individual",):
            assert finding.chart is not None, threat
            assert finding.chart.alt.endswith(".")


def test_an_effect_of_all_themes_carries_over() -> None:
    rng = np.random.default_rng(3)
    n = 160
    feeling = rng.normal(size=n)
    ratings = steps(feeling)
    features = 0.8 * feeling[:, None] * rng.normal(size=20) + rng.normal(size=(n, 20))
    context = replace(built(features, ratings), pictures=pictures(n))
    transfers = finish(generalisation.measure_transfers(context))
    finding = generalisation.check(replace(context, transfers=transfers))
    assert finding.verdict == "pass"
    assert finding.evidence["p_theme"] < 0.05
    assert finding.evidence["n_theme"] == pytest.approx(n, abs=40)


def test_an_effect_that_turns_over_with_the_theme_does_not_carry_over() -> None:
    """Every theme has a response of its own: what is learned from the others says nothing about it."""
    rng = np.random.default_rng(4)
    n = 200
    facts = pictures(n)
    feeling = rng.normal(size=n)
    own = {f"theme {k}": rng.normal(size=40) * (np.arange(40) // 10 == k) for k in range(4)}
    features = 0.9 * feeling[:, None] * np.array([own[t] for t in facts.themes]) + rng.normal(size=(n, 40))
    # Which theme it is shows in the features too, so that the model may learn each theme's response.
    places = np.array([[t == f"theme {k}" for k in range(4)] for t in facts.themes], dtype=float)
    features = np.hstack([features, *(places[:, [k]] * features for k in range(4))])
    context = replace(built(features, steps(feeling)), pictures=facts)
    transfers = finish(generalisation.measure_transfers(context))
    finding = generalisation.check(replace(context, transfers=transfers))
    assert context.validation.p_value < 0.05
    assert finding.verdict in ("caution", "fail")
    assert "themes it was not trained on" in finding.summary


def test_folds_across_themes_share_neither_theme_nor_time() -> None:
    n = 96
    rng = np.random.default_rng(1)
    facts = pictures(n)
    context = replace(built(rng.normal(size=(n, 5)), steps(rng.normal(size=n))), pictures=facts)
    themes = np.array(facts.themes)
    for fold in generalisation._theme_folds(context):
        assert not set(themes[fold.train]) & set(themes[fold.test])
        assert np.abs(fold.train[:, None] - fold.test).min() > 1


def peer(seed: int, pattern: FloatArray) -> Peer:
    rng = np.random.default_rng([9, seed])
    feeling = rng.normal(size=60)
    features = 3 + 5 * (0.8 * feeling[:, None] * pattern + rng.normal(size=(60, len(pattern))))
    return Peer(f"{seed:03d}", features, steps(feeling), 4.0)


@pytest.mark.parametrize(("is_shared", "verdict"), [(True, "caution"), (False, "pass")])
def test_calibrating_pays_only_where_people_differ(is_shared: bool, verdict: str) -> None:
    rng = np.random.default_rng(8)
    n = 80
    pattern = rng.normal(size=20)
    feeling = rng.normal(size=n)
    features = 0.8 * feeling[:, None] * pattern + rng.normal(size=(n, 20))
    context = built(features, steps(feeling))
    others = tuple(peer(i, pattern if is_shared else np.random.default_rng(50 + i).normal(size=20)) for i in range(5))
    pooled = finish(individual.measure_pooled(replace(context, peers=others)))
    finding = individual.check(replace(context, pooled=pooled))
    assert finding.verdict == verdict
    assert finding.evidence["n_other_participants"] == 5
    assert finding.evidence["n_trials"] == context.validation.n_trials


def test_two_other_people_are_not_people(base: AuditContext) -> None:
    pattern = np.ones(base.problem.features.shape[1])
    pooled = finish(individual.measure_pooled(replace(base, peers=(peer(1, pattern), peer(2, pattern)))))
    finding = individual.check(replace(base, pooled=pooled))
    assert finding.verdict == "not enough data"
    assert "2 other participants" in finding.summary


def two_sessions(seed: int, shift: float, drift: float = 0.0) -> AuditContext:
    """80 trials of calibration, 80 of study; ``shift`` moves the study along the model's direction and others."""
    rng = np.random.default_rng([3, seed])
    n = 160
    feeling = rng.normal(size=n)
    pattern = rng.normal(size=20)
    features = 0.6 * feeling[:, None] * pattern + rng.normal(size=(n, 20))
    features += drift * np.linspace(0, 2, n)[:, None] * rng.normal(size=20)
    features[80:] += shift * (pattern + rng.normal(size=20))
    context = replace(built(features, steps(feeling)), sessions=("01",) * 80 + ("02",) * 80)
    problem = replace(context.problem, runs=np.repeat([0, 1], 80))
    return replace(context, problem=problem, validation=finish(validate_problem(problem, N_PERMUTATIONS, 1)))


@pytest.mark.parametrize("seed", [1, 2])
def test_another_state_in_the_study_is_found(seed: int) -> None:
    context = two_sessions(seed, shift=1.0)
    finding = state_mismatch.check(replace(context, shift=finish(state_mismatch.measure_shift(context))))
    assert finding.verdict in ("caution", "fail")
    assert finding.evidence["auc_between_sessions"] > 0.9


@pytest.mark.parametrize("drift", [0.0, 0.5])
def test_a_session_that_only_goes_on_drifting_is_no_other_state(drift: float) -> None:
    context = two_sessions(3, shift=0.0, drift=drift)
    finding = state_mismatch.check(replace(context, shift=finish(state_mismatch.measure_shift(context))))
    assert finding.verdict == "pass"


def test_one_session_alone_tells_its_own_drift_and_asks_for_another(base: AuditContext) -> None:
    finding = state_mismatch.check(replace(base, shift=finish(state_mismatch.measure_shift(base))))
    assert finding.verdict == "not enough data"
    assert 0 <= finding.evidence["auc_within_calibration"] <= 1
    assert "Record the study session" in finding.remedy


def test_false_positives_of_trying_are_those_measured() -> None:
    """METHODS 5.9: 12 variants 24 %, 36 variants 40 %."""
    rates = [analysis_freedom.false_positive_rate(n) for n in (1, 12, 36)]
    assert rates == pytest.approx([0.05, 0.24, 0.40])
    assert analysis_freedom.false_positive_rate(200) == pytest.approx(0.40)


def test_trying_lowers_what_a_small_p_value_is_worth(base: AuditContext) -> None:
    first = analysis_freedom.check(base)
    assert first.verdict == "pass"
    fifth = analysis_freedom.check(replace(base, history=History(5, is_primary=False)))
    assert fifth.verdict == ("caution" if base.validation.p_value * 5 < 0.05 else "fail")
    assert "analysis 5" in fifth.summary
    looked = analysis_freedom.check(replace(base, history=History(3, is_primary=True, n_looks=3)))
    assert looked.verdict != "pass"
    shaky = tuple(Variant(f"variant {i}", 0.52, 0.4, 50) for i in range(5))
    hanging = analysis_freedom.check(replace(base, history=History(sensitivity=shaky)))
    assert hanging.verdict == "caution"
    assert "0 of 5 variants" in hanging.summary


def stated(base: AuditContext, probabilities: FloatArray, truth: FloatArray) -> Finding:
    labels = np.where(truth > 0, 1, -1)
    brier = float(np.mean((probabilities - truth) ** 2))
    validation = replace(base.validation, labels=labels, probabilities=probabilities, brier=brier)
    return probability_calibration.check(replace(base, validation=validation))


def test_true_probabilities_pass_and_boasting_ones_fail(base: AuditContext) -> None:
    rng = np.random.default_rng(6)
    p = rng.uniform(0.1, 0.9, 400)
    truth = (rng.random(400) < p).astype(float)
    assert stated(base, p, truth).verdict == "pass"
    boasting = np.clip(0.5 + 3 * (p - 0.5), 0.01, 0.99)
    assert stated(base, boasting, truth).verdict == "fail"
    few = stated(base, p[:100], truth[:100])
    assert few.verdict == "not enough data"
    assert "200" in few.summary


def test_the_calibration_error_is_its_definition_where_bins_are_known() -> None:
    p = np.repeat([0.2, 0.8], 50)
    truth = np.concatenate([np.tile([1, 0, 0, 0, 0], 10), np.tile([1, 0], 25)]).astype(float)
    assert probability_calibration.expected_calibration_error(p, truth, 2) == pytest.approx(0.5 * 0.3)
    curve = probability_calibration.abstention(np.array([0.9, 0.6, 0.4, 0.1]), np.array([1.0, 0.0, 1.0, 0.0]))
    assert curve[1.0] == 0.5
    assert curve[0.5] == 1.0


def test_a_learning_curve_is_fitted_back_to_the_numbers_it_was_made_of() -> None:
    n = np.array([15.0, 25.0, 40.0, 60.0, 90.0])
    found = fit_curve(n, 0.75 - 0.9 * n**-0.5)
    assert found is not None
    a, b, c = found
    assert a - b * 200.0**-c == pytest.approx(0.75 - 0.9 * 200.0**-0.5, abs=0.005)
    assert fit_curve(n[:3], n[:3]) is None


def test_what_was_learned_from_comes_back_and_damage_reads_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "learned-evoked.npz"
    table = LearnedTable(("a", "b"), np.arange(6.0).reshape(3, 2), {"valence": np.array([1.0, np.nan, 7.0])})
    write_learned_table(path, table)
    again = read_learned_table(path)
    assert again is not None
    chosen = again.select(("b", "a"))
    assert chosen is not None
    np.testing.assert_array_equal(chosen, table.features[:, ::-1])
    np.testing.assert_array_equal(again.ratings["valence"], table.ratings["valence"])
    assert again.select(("a", "c")) is None
    path.write_bytes(path.read_bytes()[:100])
    assert read_learned_table(path) is None
    assert read_learned_table(tmp_path / "none.npz") is None
