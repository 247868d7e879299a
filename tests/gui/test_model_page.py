"""The Model page: words first, number with chance and interval, cancel, and no flattery."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from veridical.domain.chart import Chart, Series
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Finding
from veridical.domain.participant import RunKey
from veridical.domain.pipeline import PIPELINES, PipelineName
from veridical.domain.progress import Progress, Work
from veridical.domain.remedy import MarkedSpan, Remedy
from veridical.gui.common.page import Context
from veridical.gui.common.widgets import StepButton
from veridical.gui.common.workspace import Focus
from veridical.gui.model.audit_chart import AuditChart
from veridical.gui.model.audit_rows import audit_rows
from veridical.gui.model.page import ModelPage
from veridical.gui.model.view_model import resolve_result
from veridical.services.study import Study
from veridical.services.training import TrainingResult

if TYPE_CHECKING:
    from tests.gui.conftest import World


@pytest.fixture
def page(context: Context, world: "World", qtbot: QtBot) -> Iterator[ModelPage]:
    """The page with a recorded participant in focus."""
    made = ModelPage(context)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    study = world.study("001")
    world.record(study, "001")
    context.workspace.set_focus(Focus(study, "001", "01"))
    yield made
    made.shut_down()


def _train(page: ModelPage, qtbot: QtBot) -> TrainingResult:
    page.train()
    qtbot.waitUntil(lambda: page.result is not None, timeout=5000)
    assert page.result is not None
    return page.result


def test_training_ends_in_words_and_a_number_with_its_chance(page: ModelPage, qtbot: QtBot) -> None:
    _train(page, qtbot)
    assert page.view.words.startswith("Above chance, and none of the 3 confounds measured explains it")
    assert "71" in page.view.words
    shown = " ".join(text.text() for text in page.view.findChildren(QLabel))
    for wanted in ("95 % interval", "guessing stays below", "p = .004", "Primary analysis", "54 (25 negative"):
        assert wanted in shown.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert not page.view.grab().isNull()


def test_training_accuracy_is_nowhere(page: ModelPage, qtbot: QtBot) -> None:
    _train(page, qtbot)
    shown = " ".join(text.text() for text in page.findChildren(QLabel))
    assert "93" not in shown


def test_findings_that_matter_stand_first(page: ModelPage, qtbot: QtBot) -> None:
    result = _train(page, qtbot)
    rows = audit_rows(result.findings, result.remedies)
    assert [r.level for r in rows] == ["caution", "unknown", "good"]
    assert rows[0].remedy
    assert [p.row.threat for p in page.view.audit.panels] == [r.threat for r in rows]


def test_exploratory_analyses_are_counted(page: ModelPage, qtbot: QtBot) -> None:
    result = replace(_train(page, qtbot), is_primary=False, analysis=3)
    assert resolve_result(result).kind_of_analysis == "Exploratory, analysis 3 of 3"


def test_models_are_compared_by_one_p_value_and_the_result_comes_back(
    page: ModelPage, world: "World", qtbot: QtBot
) -> None:
    _train(page, qtbot)
    assert world.pipelines == ["evoked"]
    compare = next(a for a in page.page_actions() if a.id == "model.compare")
    assert compare.when()
    compare.run()
    qtbot.waitUntil(lambda: page.comparison is not None, timeout=5000)
    assert page.comparison_view.isVisible()
    shown = [text.text() for text in page.comparison_view.findChildren(QLabel)]
    for wanted in (
        "2 models of valence, side by side", "p of all together", "p = .012", "p = .810", "analysis 3",
        "Skin conductance alone", "Only 12 of 54 trials can be used and at least 20 are needed; record more trials.",
    ):  # fmt: skip
        assert wanted in shown
    assert any("ledger holds 3 by now" in text for text in shown)
    (chart,) = page.comparison_view.findChildren(AuditChart)
    assert "Skin conductance alone 0.52 (95 % interval 0.38 to 0.66)" in chart.accessibleName()
    back = next(b for b in page.findChildren(StepButton) if b.text() == "Back to the result")
    back.click()
    assert page.view.isVisible()
    assert not page.comparison_view.isVisible()


def test_another_pipeline_can_be_trained(page: ModelPage, world: "World", qtbot: QtBot) -> None:
    chooser = next(c for c in page.findChildren(QComboBox) if c.accessibleName() == "Learns from")
    assert {chooser.itemData(k) for k in range(chooser.count())} == set(PIPELINES)
    assert chooser.currentData() == "evoked"
    chooser.setCurrentIndex(chooser.findData("fusion"))
    _train(page, qtbot)
    assert world.pipelines == ["fusion"]


def test_cancel_leaves_no_result_and_says_so(context: Context, world: "World", qtbot: QtBot) -> None:
    def forever(
        study: Study, participant: str, target: str | None, pipeline: PipelineName | None
    ) -> Work[TrainingResult]:
        while True:
            yield Progress(1, 10, "Permuting labels")

    study = world.study("001")
    world.record(study, "001")
    page = ModelPage(replace(context, lab=replace(context.lab, train=forever)))
    qtbot.addWidget(page)
    context.workspace.set_focus(Focus(study, "001", "01"))
    page.train()
    cancel = next(a for a in page.page_actions() if a.id == "model.cancel")
    assert cancel.when()
    cancel.run()
    qtbot.waitUntil(lambda: not page.runner.is_running, timeout=5000)
    assert page.result is None
    assert "cancelled" in page.banner.words
    page.shut_down()


def test_a_refusal_is_a_sentence(context: Context, world: "World", qtbot: QtBot) -> None:
    def refuse(
        study: Study, participant: str, target: str | None, pipeline: PipelineName | None
    ) -> Work[TrainingResult]:
        yield Progress(0, 1)
        raise AnalysisError("All ratings lie on one side of the midpoint; record more pictures.")

    study = world.study("001")
    world.record(study, "001")
    page = ModelPage(replace(context, lab=replace(context.lab, train=refuse)))
    qtbot.addWidget(page)
    context.workspace.set_focus(Focus(study, "001", "01"))
    page.train()
    qtbot.waitUntil(lambda: bool(page.banner.words), timeout=5000)
    assert page.banner.words.startswith("All ratings lie on one side")
    page.shut_down()


def test_without_a_recording_nothing_can_be_trained(context: Context, world: "World", qtbot: QtBot) -> None:
    page = ModelPage(context)
    qtbot.addWidget(page)
    context.workspace.set_focus(Focus(world.study("001"), "001", "01"))
    assert not next(a for a in page.page_actions() if a.id == "model.train").when()
    page.shut_down()


def test_a_finding_opens_with_its_figure_and_numbers(page: ModelPage, qtbot: QtBot) -> None:
    _train(page, qtbot)
    chart = Chart(
        "", "AUC", (Series("the model", (0.0,), (0.7,), is_model=True),), "AUC: the model 0.70.", ("it",), 0.5
    )
    finding = Finding(
        "artifact bias", "fail", {"auc_alone": 0.71, "n_alone": 54.0}, "It may be muscle.", "Mark.", chart
    )
    page.view.audit.show_rows(audit_rows([finding], []))
    (panel,) = page.view.audit.panels
    assert not panel.findChildren(AuditChart)
    panel.opener.click()
    assert panel.is_open
    assert panel.findChildren(AuditChart)[0].accessibleName() == chart.alt
    words = [text.text() for text in panel.findChildren(QLabel)]
    assert {"Fail", "AUC, confound alone", "0.71", "Trials, confound alone", "54"} <= set(words)
    panel.opener.click()
    assert not panel.is_open


def test_a_remedy_is_a_button_with_its_cost_and_trains_again(context: Context, world: "World", qtbot: QtBot) -> None:
    asked: list[Remedy] = []
    done: list[TrainingResult] = []

    def remedied(study: Study, participant: str, target: str | None, remedy: Remedy) -> Work[TrainingResult]:
        asked.append(remedy)
        yield Progress(0, 1, "Marking")
        return replace(done[0], is_primary=False, analysis=2)

    study = world.study("001")
    world.record(study, "001")
    page = ModelPage(replace(context, lab=replace(context.lab, remedy=remedied)))
    qtbot.addWidget(page)
    context.workspace.set_focus(Focus(study, "001", "01"))
    result = _train(page, qtbot)
    done.append(result)
    span = MarkedSpan(RunKey("001"), 3.0, 1.0, "muscle")
    offers = [
        Remedy("artifact bias", "mark trials", "Mark 1 trial and train again", "Costs 1 trial of 54.", (span,)),
        Remedy("ground truth", "record", "Record the next planned block", "Costs another look."),
    ]
    page.view.audit.show_rows(audit_rows(result.findings, offers))
    by_threat = {p.row.threat: p for p in page.view.audit.panels}
    assert by_threat["chance"].act is None
    shown = [text.text() for text in by_threat["artifact bias"].findChildren(QLabel)]
    assert "Costs 1 trial of 54." in shown
    places: list[str] = []
    page.asked_for.connect(places.append)
    record, mark = by_threat["ground truth"].act, by_threat["artifact bias"].act
    assert record is not None
    assert mark is not None
    record.click()
    assert (places, asked) == (["run"], [])
    mark.click()
    qtbot.waitUntil(lambda: page.result is not None and page.result.analysis == 2, timeout=5000)
    assert asked == [offers[0]]
    page.shut_down()
