"""The Study page: create, open, list, add."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from veridical.domain.participant import Participant, RunKey
from veridical.gui.common.actions import run_action
from veridical.gui.common.page import Context
from veridical.gui.common.workspace import Focus
from veridical.gui.study.page import StudyPage
from veridical.gui.study.view_model import (
    demo_settings,
    resolve_facts,
    resolve_row,
    session_minutes,
    suggest_participant_id,
    unused_folder,
    verdict_level,
)
from veridical.services.relabelling import Place, find_interrupted, relabel_work
from veridical.services.study import ParticipantProgress, open_study

if TYPE_CHECKING:
    from tests.gui.conftest import World


@pytest.fixture
def page(context: Context, qtbot: QtBot) -> StudyPage:
    """The page alone."""
    made = StudyPage(context)
    qtbot.addWidget(made)
    made.show()
    return made


def _rows(page: StudyPage) -> list[str]:
    model = page.table_model
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def test_demo_study_is_made_with_a_participant_in_focus(page: StudyPage, world: "World", qtbot: QtBot) -> None:
    page.create_demo(world.folder)
    qtbot.waitUntil(lambda: page.context.workspace.focus.study is not None, timeout=10000)
    focus = page.context.workspace.focus
    assert focus.study is not None
    assert focus.study.settings.is_shortened
    assert focus.participant == "001"
    assert _rows(page) == ["001"]
    assert "Run page" in page.banner.words


def test_a_folder_in_use_is_refused_in_words(page: StudyPage, world: "World", qtbot: QtBot) -> None:
    (world.folder / "full").mkdir()
    (world.folder / "full" / "letter.txt").write_text("mine")
    page.create_study("Mine", world.folder / "full", is_short=False)
    qtbot.waitUntil(lambda: bool(page.banner.words), timeout=10000)
    assert "holds something already" in page.banner.words
    assert page.context.workspace.focus.study is None


def test_participants_are_added_and_bad_ids_explained(page: StudyPage, world: "World") -> None:
    study = world.study("001")
    page.open_study(study.root)
    page.add_participant("002", "patients")
    assert _rows(page) == ["001", "002"]
    assert page.context.workspace.focus.participant == "002"
    page.add_participant("../etc", "")
    assert _rows(page) == ["001", "002"]
    assert "participant id" in page.participant_panel.problem.text()


def test_a_participant_is_withdrawn_only_after_a_question_that_says_what_goes(
    page: StudyPage, world: "World", qtbot: QtBot
) -> None:
    study = world.study("001", "002")
    world.record(study, "002")
    page.open_study(study.root)
    page.context.workspace.set_focus(Focus(study, "002", "01"))
    withdraw = next(a for a in page.page_actions() if a.id == "study.withdraw")
    world.prompt.says_yes = False
    assert run_action(withdraw)
    assert "1 recording" in world.prompt.asked[-1]
    assert study.runs("002")
    world.prompt.says_yes = True
    assert run_action(withdraw)
    qtbot.waitUntil(lambda: "withdrew" in page.banner.words, timeout=10000)
    assert study.runs("002") == ()
    assert study.participants()[1].status == "withdrawn"
    assert not withdraw.when()


def test_row_names_the_next_step() -> None:
    participant = Participant("001")
    key = RunKey("001")
    assert resolve_row(ParticipantProgress(participant, (), 0, "", None)).next_step == "run"
    assert resolve_row(ParticipantProgress(participant, (key,), 0, "", None)).next_step == "annotate"
    assert resolve_row(ParticipantProgress(participant, (key,), 3, "", None)).next_step == "model"
    row = resolve_row(ParticipantProgress(participant, (key,), 3, "Not above chance", world_report()))
    assert row.next_step == "report"
    assert (row.model, row.model_level) == ("Not above chance", "fail")
    assert verdict_level("Above chance, and none of the three confound families measured explains it") == "good"
    assert (
        verdict_level("In simulation: above chance, and none of the three confound families measured explains it")
        == "good"
    )
    assert verdict_level("Above chance, but muscle activity explains it as well") == "caution"
    assert verdict_level("Not enough data to tell") == "unknown"
    gone = resolve_row(ParticipantProgress(Participant("002", status="withdrawn"), (key,), 0, "", None))
    assert gone.next_step == ""


def world_report() -> Path:
    """Any path."""
    return Path("report.html")


def test_demo_lasts_minutes_and_says_that_it_is_shortened(world: "World") -> None:
    settings = demo_settings()
    assert session_minutes(settings.protocol) < 10
    assert settings.protocol.n_trials >= 60
    words = " ".join(f.words for f in resolve_facts(world.study()))
    assert "norms not validated" in words


def test_free_names(world: "World") -> None:
    assert suggest_participant_id(("001", "007", "pilot")) == "008"
    first = unused_folder(world.folder, "demo")
    first.mkdir()
    (first / "x").write_text("x")
    assert unused_folder(world.folder, "demo").name == "demo-2"


def test_a_fallback_folder_is_chosen_and_taken_back(page: StudyPage, world: "World") -> None:
    study = world.study("001")
    page.open_study(study.root)
    table = {a.id: a for a in page.page_actions()}
    assert not table["study.no_fallback"].when()
    world.prompt.folder = world.folder / "stick"
    table["study.fallback"].run()
    assert open_study(study.root).settings.recording.fallback == str(world.folder / "stick")
    focused = page.context.workspace.focus.study
    assert focused is not None
    assert str(world.folder / "stick") in " ".join(f.words for f in resolve_facts(focused))
    (world.folder / "file").write_bytes(b"")
    world.prompt.folder = world.folder / "file"
    table["study.fallback"].run()
    assert "cannot be written" in page.banner.words
    assert table["study.no_fallback"].when()
    table["study.no_fallback"].run()
    assert open_study(study.root).settings.recording.fallback == ""
    assert not table["study.no_fallback"].when()


def _write_brainvision(header: Path) -> None:
    """A minute of two channels at 256 Hz."""
    header.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={header.stem}.eeg\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\n"
        "SamplingInterval=3906.25\n[Binary Infos]\nBinaryFormat=INT_16\n"
        "[Channel Infos]\nCh1=Cz,,0.1,µV\nCh2=Pz,,0.1,µV\n"
    )
    values = np.random.default_rng(0).integers(-300, 300, (256 * 60, 2))
    header.with_suffix(".eeg").write_bytes(values.astype("<i2").tobytes())


def test_a_recording_made_elsewhere_is_taken_in(page: StudyPage, world: "World", qtbot: QtBot) -> None:
    study = world.study("001")
    page.open_study(study.root)
    file, events = world.folder / "other.vhdr", world.folder / "events.csv"
    _write_brainvision(file)
    events.write_text("latency,duration,trial_type,stim_id,valence\n5,1,positive,p1,6\n8,1,negative,p2,2\n")
    assert run_action(next(a for a in page.page_actions() if a.id == "study.import"))
    panel = page.import_panel
    panel.submit()
    assert panel.problem.text() == "Choose the recording."
    panel.file_field.setText(str(file))
    panel.events_field.setText(str(events))
    panel.participant_field.setText("007")
    panel.submit()
    qtbot.waitUntil(lambda: bool(panel.problem.text()), timeout=20000)
    assert "no column 'onset'" in panel.problem.text()
    panel.columns_field.setText("onset = latency")
    panel.submit()
    qtbot.waitUntil(panel.report.isVisible, timeout=20000)
    assert "2 pictures, 2 with valence" in panel.report.toPlainText()
    assert _rows(page) == ["001", "007"]
    assert page.context.workspace.focus.participant == "007"


def test_a_wrong_id_is_corrected_from_the_table(page: StudyPage, world: "World", qtbot: QtBot) -> None:
    study = world.study("001", "002")
    world.record(study, "001")
    page.context.workspace.set_focus(Focus(study, "001", "01"))
    page._table.selectRow(0)
    action = next(a for a in page.page_actions() if a.id == "study.relabel")
    assert action.when()
    action.run()
    panel = page.relabel_panel
    assert panel.which.itemText(0) == "Participant 001, session 01, all runs"
    panel.participant.setText("001")
    assert "is called so already" in panel.problem.text()
    panel.participant.setText("002")
    assert "1 run of 001/01 become 002/01" in panel.words.text()
    panel.submit()
    qtbot.waitUntil(lambda: "002/01 now" in page.banner.words, timeout=5000)
    assert study.paths.xdf(RunKey("002")).is_file()
    assert not study.paths.xdf(RunKey("001")).exists()


def test_a_correction_that_was_interrupted_is_finished_when_the_study_opens(
    page: StudyPage, world: "World", qtbot: QtBot
) -> None:
    study = world.study("001", "002")
    world.record(study, "001")
    study.paths.journal(RunKey("001")).write_text("{}\n")
    half = relabel_work(study, Place("001", "01"), Place("002", "01"))
    # One of two files has its new name.
    next(half)
    next(half)
    half.close()
    page.context.workspace.set_focus(Focus(open_study(study.root), "001", "01"))
    assert page.banner.words == "Correcting 001/01 to 002/01 was interrupted; it is being finished."
    qtbot.waitUntil(lambda: "002/01 now" in page.banner.words, timeout=5000)
    assert find_interrupted(study) is None
    for file in (study.paths.xdf, study.paths.journal):
        assert file(RunKey("002")).is_file()
        assert not file(RunKey("001")).exists()
