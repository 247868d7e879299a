"""From nothing to a report with the window alone: real streams, real children, real analysis."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from veridical.gui.annotate.page import AnnotatePage
from veridical.gui.app import build_window
from veridical.gui.common.actions import run_action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.lab import Lab
from veridical.gui.model.page import ModelPage
from veridical.gui.run.page import RunPage
from veridical.gui.shell.window import MainWindow
from veridical.gui.study.view_model import DEMO_PROTOCOL, demo_settings
from veridical.services.study import create_study

if TYPE_CHECKING:
    from tests.gui.conftest import World

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@pytest.fixture
def real_window(appearance: Appearance, world: "World", tmp_path: Path) -> Iterator[MainWindow]:
    """The window on the real services."""
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    made = build_window(appearance, Lab(), settings, world.prompt)
    made.show()
    yield made
    made.shut_down()
    made.deleteLater()


def _act(window: MainWindow, action_id: str) -> None:
    assert run_action(window.table.get(action_id)), action_id


def test_a_new_user_gets_from_nothing_to_a_report(real_window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    settings = demo_settings()
    protocol = replace(
        DEMO_PROTOCOL,
        n_per_condition=14,
        baseline_open_s=1.0,
        baseline_closed_s=1.0,
        fixation_s=(0.2, 0.25),
        picture_s=0.5,
        iti_s=(0.1, 0.15),
    )
    analysis = replace(settings.analysis, embargo_s=1.5, n_permutations=200)
    study = create_study(tmp_path / "study", replace(settings, protocol=protocol, analysis=analysis))
    study.add_participant("001")
    real_window.open_study(study.root)
    _act(real_window, "go.run")
    run = real_window.page
    assert isinstance(run, RunPage)
    _act(real_window, "run.simulate")
    qtbot.waitUntil(lambda: len(run.desk.streams) == 3, timeout=30000)
    qtbot.waitUntil(lambda: run.desk.may_start, timeout=30000)
    _act(real_window, "run.start")
    qtbot.waitUntil(lambda: run.desk.screen.can_pause, timeout=60000)
    qtbot.waitUntil(lambda: run.scope.frame is not None, timeout=60000)
    run.desk.note("laughs")
    qtbot.waitUntil(lambda: run.desk.mode == "summary", timeout=180000)
    state = run.desk.state
    assert state is not None
    assert state.recorder is not None
    assert state.recorder.is_verified
    assert state.problem == ""
    assert len(run.desk.screen.points) == 42
    _act(real_window, "run.annotate")
    annotate = real_window.page
    assert isinstance(annotate, AnnotatePage)
    qtbot.waitUntil(lambda: annotate.model.is_open, timeout=60000)
    annotate.model.drag(2.0, 3.0)
    _act(real_window, "annotate.label.movement")
    assert annotate.model.screen.words == "1 mark, saved"
    _act(real_window, "go.model")
    model = real_window.page
    assert isinstance(model, ModelPage)
    _act(real_window, "model.train")
    qtbot.waitUntil(lambda: not model.runner.is_running, timeout=180000)
    assert model.banner.words == ""
    assert model.result is not None
    assert model.result.report.is_file()
    progress = study.progress()[0]
    assert progress.n_annotations == 1
    assert progress.report == model.result.report
    run.desk.stop_simulator()
