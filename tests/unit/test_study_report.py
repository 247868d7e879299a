"""The study's report: prevalence against its definition, Holm against its step-down, and numbers that repeat."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from veridical.audit.population import holm, prevalence, survivors
from veridical.cli.app import app
from veridical.cli.demo import demo_settings
from veridical.domain.errors import AnalysisError
from veridical.domain.progress import finish
from veridical.services.study import Study, create_study
from veridical.services.study_reporting import study_report_work
from veridical.storage.ledger import Analysis, append_analysis


def test_two_of_forty_null_people_are_expected_by_luck_and_nobody_is_claimed() -> None:
    """METHODS 5.11: 40 null participants yield two "readers"."""
    found = prevalence(2, 40)
    assert found.expected_by_chance == pytest.approx(2.0)
    assert (found.estimate, found.low) == (0.0, 0.0)
    assert found.high < 0.15
    assert found.p_value > 0.5


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (14, 20), (20, 20)])
def test_prevalence_is_the_truncated_posterior_of_ince(k: int, n: int) -> None:
    found = prevalence(k, n)

    def density(g: float) -> float:
        return float(stats.binom.pmf(k, n, 0.05 + 0.95 * g))

    whole = integrate.quad(density, 0, 1)[0]
    held = integrate.quad(density, found.low, found.high)[0] / whole
    assert held == pytest.approx(0.95, abs=0.002)
    assert found.estimate == pytest.approx(max(0.0, (k / n - 0.05) / 0.95))
    assert found.low <= found.estimate <= found.high
    # The densest interval: both ends are equally likely, unless it touches an end of the scale.
    if found.low > 0 and found.high < 1:
        assert density(found.low) == pytest.approx(density(found.high), rel=0.02)


@given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=12))
def test_holm_rejects_what_its_step_down_rejects(p_values: list[float]) -> None:
    ordered = np.sort(p_values)
    n_rejected = 0
    for k, p in enumerate(ordered):
        if p * (len(ordered) - k) >= 0.05:
            break
        n_rejected += 1
    assert survivors(p_values).sum() == n_rejected
    adjusted = holm(p_values)
    assert (adjusted >= np.asarray(p_values) - 1e-12).all()
    assert (adjusted <= 1).all()


def add_person(study: Study, who: str, p_value: float, kind: str, pooled: float | None = None) -> None:
    """Leave what a training leaves: a line in the ledger and the report's numbers."""
    study.add_participant(who)
    headline = "Above chance, and none" if kind == "above chance" else "Not enough data to tell"
    model = "valence-001"
    append_analysis(
        study.paths.ledger(who),
        Analysis(1, "2026-01-01", "valence", "midpoint", "evoked", 0, True, 60, 0.7, p_value, headline, ("h",), model),
    )
    evidence = {} if pooled is None else {"auc_pooled": pooled, "p_pooled": 0.2, "n_other_participants": 3.0}
    numbers = {
        "verdict": kind, "headline": headline, "is_simulated": True, "n_trials": 60, "balanced_accuracy": 0.7,
        "interval95": [0.55, 0.82], "chance95": 0.61, "auc": 0.75, "p_value": p_value, "n_permutations": 999,
        "trials": [{}] * 72, "checks": [{"threat": "individual", "evidence": evidence}], "more": 1,
    }  # fmt: skip
    path = study.paths.report(who, model).with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(numbers))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Four participants with a model, one without, one whose numbers are damaged."""
    made = create_study(tmp_path / "study", demo_settings(is_fast=True, seed=1))
    for who, p, kind, pooled in (
        ("001", 0.002, "above chance", 0.6),
        ("002", 0.02, "above chance", 0.8),
        ("003", 0.4, "not enough data", None),
        ("004", 0.03, "explained", None),
    ):
        add_person(made, who, p, kind, pooled)
    made.add_participant("005")
    add_person(made, "006", 0.01, "above chance")
    made.paths.report("006", "valence-001").with_suffix(".json").write_text("{")
    return made


def test_a_study_joins_its_participants_and_names_whom_it_leaves_out(study: Study) -> None:
    result = finish(study_report_work(study))
    d = result.document
    assert [p.participant for p in d.people] == ["001", "002", "003", "004"]
    assert (d.above_chance.n_positive, d.unexplained.n_positive) == (3, 2)
    assert [p.p_holm for p in d.people] == pytest.approx([0.008, 0.06, 0.4, 0.06])
    assert d.n_after_holm == 1
    assert (d.n_compared, d.n_own_better) == (2, 1)
    assert d.smallest_p == pytest.approx(1 / 72)
    assert set(d.left_out) == {"005", "006"}
    assert "train this participant again" in d.left_out["006"]
    html = result.report.read_text(encoding="utf-8")
    assert "In simulation: in 2 of 4 participants the model is above chance" in html.replace("\u00a0", " ")
    assert html.count("<svg") >= 3
    assert "veridical report study --json" in html
    for outside in ("http://", "https://", "<script", "<img"):
        assert outside not in html
    for figure in html.split('<figure class="wide">')[1:]:
        assert 'role="img"' in figure
        assert "aria-label" in figure or "<title" in figure


def test_the_printed_command_gives_the_numbers_of_the_report_again(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    written = finish(study_report_work(study)).report.with_suffix(".json")
    first = json.loads(written.read_text())
    app(["report", str(study.root), "--json"], standalone_mode=False)
    again = json.loads(capsys.readouterr().out)
    for moving in ("created",):
        first.pop(moving), again.pop(moving)
    assert again == first


def test_a_study_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    made = create_study(tmp_path / "study", demo_settings(is_fast=True, seed=1))
    made.add_participant("001")
    with pytest.raises(AnalysisError, match="veridical train"):
        finish(study_report_work(made))
