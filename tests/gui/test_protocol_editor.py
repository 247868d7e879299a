"""The protocol editor: what is typed stands in study.toml, and what the session amounts to beside it."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from veridical.domain.items import EMOTION
from veridical.domain.rating import Scale
from veridical.gui.common.actions import run_action
from veridical.gui.common.page import Context
from veridical.gui.common.workspace import Focus
from veridical.gui.study.page import StudyPage
from veridical.gui.study.protocol_form import ChoiceEditor, CountEditor, SecondsEditor, ShareEditor
from veridical.gui.study.protocol_view_model import SECTIONS, Draft, get_setting, titles, with_setting
from veridical.services.protocol import template_settings
from veridical.services.study import create_study
from veridical.storage.study_file import edit_study_file, read_study_file, write_study_file


@pytest.fixture
def page(context: Context, qtbot: QtBot, tmp_path: Path) -> StudyPage:
    """The page with the editor open on a new study of the template."""
    made = StudyPage(context)
    qtbot.addWidget(made)
    made.resize(1200, 700)
    made.show()
    study = create_study(tmp_path / "edited")
    for code in ("001", "002"):
        study.add_participant(code)
    context.workspace.set_focus(Focus(study, "001", "01"))
    made.show_protocol()
    return made


def on_disk(page: StudyPage) -> str:
    study = page.context.workspace.focus.study
    assert study is not None
    return study.paths.study_file.read_text(encoding="utf-8")


def editor_of(page: StudyPage, name: str) -> object:
    return next(form.editors[name] for form in page.protocol.sections if name in form.editors)


def test_what_is_typed_stands_in_study_toml_a_moment_later(page: StudyPage, qtbot: QtBot) -> None:
    blocks = editor_of(page, "protocol.n_blocks")
    assert isinstance(blocks, CountEditor)
    with qtbot.waitSignal(page.protocol.saved, timeout=5000):
        blocks.box.setValue(4)
    assert "n_blocks = 4" in on_disk(page)
    span = editor_of(page, "protocol.iti_s")
    assert isinstance(span, SecondsEditor)
    with qtbot.waitSignal(page.protocol.saved, timeout=5000):
        span.boxes[1].setValue(8.0)
    assert "iti_s = [4.0, 8.0] # pause between trials" in on_disk(page)
    order = editor_of(page, "protocol.scale_order")
    assert isinstance(order, ChoiceEditor)
    order.box.setCurrentIndex(2)
    with qtbot.waitSignal(page.protocol.saved, timeout=5000):
        order.box.activated.emit(2)
    assert 'scale_order = "counterbalanced"' in on_disk(page)
    focus = page.context.workspace.focus
    assert focus.study is not None
    assert focus.study.settings.protocol.n_blocks == 4


def test_undo_and_redo_change_form_and_file(page: StudyPage, qtbot: QtBot) -> None:
    before = on_disk(page)
    settings = page.protocol.settings
    assert settings is not None
    page.protocol.change(with_setting(settings, "protocol.n_practice", 9))
    page.protocol.finish()
    assert "n_practice = 9" in on_disk(page)
    actions = {a.id: a for a in page.page_actions()}
    assert run_action(actions["study.undo"])
    assert on_disk(page) == before
    practice = editor_of(page, "protocol.n_practice")
    assert isinstance(practice, CountEditor)
    assert practice.box.value() == 4
    assert run_action(actions["study.redo"])
    assert "n_practice = 9" in on_disk(page)
    assert not actions["study.redo"].when()


def test_a_wrong_value_is_said_and_not_saved(page: StudyPage) -> None:
    before = on_disk(page)
    settings = page.protocol.settings
    assert settings is not None
    page.protocol.change(with_setting(settings, "protocol.iti_s", (9.0, 2.0)))
    page.protocol.finish()
    assert page.protocol.state.words == "Pause after the answers must be two numbers, the smaller first. Not saved."
    assert on_disk(page) == before


def test_an_order_that_cannot_be_is_refused_with_its_reason(page: StudyPage) -> None:
    settings = page.protocol.settings
    assert settings is not None
    page.protocol.change(with_setting(settings, "protocol.repeat_distance", 70))
    page.protocol.finish()
    assert "With 9 repeats among 72 trials a repeat comes at most 63 trials" in page.protocol.state.words
    assert not page.protocol.strip.isVisible()


def test_the_preview_tells_length_classes_and_what_is_left_without_neutrals(page: StudyPage) -> None:
    editor = page.protocol
    assert editor.length.text() == "about 25 min"
    assert "24 negative · 24 neutral · 24 positive" in editor.counts.text()
    assert any("leaves 48 of 72 trials" in words for words in editor.warned)


def test_the_order_of_each_participant_can_be_looked_at(page: StudyPage) -> None:
    editor = page.protocol
    orders = []
    for index in range(editor.person.count()):
        editor.person.setCurrentIndex(index)
        editor.person.activated.emit(index)
        assert editor.strip._plan is not None
        orders.append(tuple(t.stimulus_id for t in editor.strip._plan.trials))
    assert [editor.person.itemText(k) for k in range(3)] == ["the next participant", "001", "002"]
    assert len(set(orders)) == 3


def test_questions_are_added_worded_moved_and_removed(page: StudyPage) -> None:
    questions = page.protocol.questions
    offered = next(k for k in range(questions.offer.count()) if questions.offer.itemData(k) == EMOTION)
    questions.offer.activated.emit(offered)
    questions.options.setText("good, bad, neither")
    questions.options.editingFinished.emit()
    questions._move(-1)
    page.protocol.finish()
    study = page.context.workspace.focus.study
    assert study is not None
    assert [s.id for s in study.settings.protocol.scales] == ["valence", "emotion", "arousal"]
    assert study.settings.protocol.scales[1].options == ("good", "bad", "neither")
    questions.list.setCurrentRow(0)
    questions._remove()
    page.protocol.finish()
    left = read_study_file(study.paths.study_file)
    assert [s.id for s in left.protocol.scales] == ["emotion", "arousal"]
    assert left.analysis.target == "arousal", "the analysis targets a question that is still asked"


def test_what_the_file_says_is_not_changed_by_editing_something_else(page: StudyPage) -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    words = Scale(
        "word", "Which?", kind="choice", options=("calm, sleepy", "tense"), option_words=("ruhig", "gespannt")
    )
    slide = Scale("liking", "How much?", minimum=0, maximum=1, kind="visual-analogue", n_steps=250)
    asked = (*study.settings.protocol.scales, words, slide)
    fine = replace(study.settings.protocol, repeat_share=0.125, iti_s=(0.125, 0.333), scales=asked)
    write_study_file(study.paths.study_file, replace(study.settings, protocol=fine))
    page.show_participants()
    page.show_protocol()
    editor, questions = page.protocol, page.protocol.questions
    boxes = {name: e for form in editor.sections for name, e in form.editors.items()}
    share, pause = boxes["protocol.repeat_share"], boxes["protocol.iti_s"]
    assert isinstance(share, ShareEditor)
    assert isinstance(pause, SecondsEditor)
    assert (share.box.text(), [b.text() for b in pause.boxes]) == ("12.5 %", ["0.125 s", "0.333 s"])
    pause.boxes[1].setValue(0.5)
    for row, scale in enumerate(asked):
        questions.list.setCurrentRow(row)
        questions.question.setText(f"{scale.question} Now")
        questions.question.editingFinished.emit()
    editor.finish()
    left = read_study_file(study.paths.study_file).protocol
    assert left == replace(
        fine, iti_s=(0.125, 0.5), scales=tuple(replace(s, question=f"{s.question} Now") for s in asked)
    )


def test_points_become_a_slider_from_0_to_1_and_back(page: StudyPage) -> None:
    questions, editor = page.protocol.questions, page.protocol
    questions.list.setCurrentRow(0)
    for kind, span in (("visual-analogue", (0, 1)), ("affective-slider", (0, 1)), ("likert", (1, 7))):
        questions.kind.setCurrentIndex(questions.kind.findData(kind))
        questions.kind.activated.emit(questions.kind.currentIndex())
        assert editor.settings is not None
        scale = editor.settings.protocol.scales[0]
        assert (scale.kind, (scale.minimum, scale.maximum)) == (kind, span)


def test_the_wheel_scrolls_past_fields_and_changes_none(page: StudyPage) -> None:
    editor = page.protocol
    before = editor.settings
    fields = [w for w in editor.findChildren(QWidget) if isinstance(w, (QAbstractSpinBox, QComboBox))]
    assert len(fields) > 20
    for field in fields:
        middle = QPointF(field.rect().center())
        angle = QPoint(0, -120)
        turn = QWheelEvent(
            middle, field.mapToGlobal(middle), QPoint(), angle, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(field, turn)
    editor.finish()
    assert editor.settings == before


def test_own_words_are_stored_and_the_shipped_ones_come_back(page: StudyPage) -> None:
    editor = page.protocol
    editor.text_key.setCurrentIndex(editor.text_key.findData("break"))
    editor.text.setPlainText("Drink some water.")
    editor.finish()
    assert '[texts]\nbreak = "Drink some water."' in on_disk(page)
    editor.text.setPlainText("")
    editor.finish()
    assert "[texts]" not in on_disk(page)
    editor.language.setCurrentIndex(editor.language.findData("ja"))
    editor.language.activated.emit(0)
    editor.finish()
    assert 'language = "ja"' in on_disk(page)
    assert editor.text.toPlainText().startswith("少し休憩")


def test_a_reset_takes_the_templates_protocol_and_can_be_undone(page: StudyPage) -> None:
    editor = page.protocol
    editor.template.setCurrentIndex(1)
    editor._reset()
    editor.finish()
    assert 'name = "eeg-only"' in on_disk(page)
    assert "asks for 48 negative pictures and the set has 24" in editor.state.words
    editor.undo()
    assert 'name = "autonomic"' in on_disk(page)


def test_what_somebody_wrote_into_the_file_is_shown_when_one_comes_back(page: StudyPage) -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    settings = study.settings
    edit_study_file(study.paths.study_file, settings, with_setting(settings, "protocol.max_run", 3))
    page.show_participants()
    page.show_protocol()
    run = editor_of(page, "protocol.max_run")
    assert isinstance(run, CountEditor)
    assert run.box.value() == 3


def test_every_field_of_the_form_is_a_setting_with_a_title_of_its_own() -> None:
    settings = template_settings("autonomic")
    names = [f.name for section in SECTIONS for f in section.fields]
    assert len(set(names)) == len(names)
    assert set(names) <= set(titles())
    for name in names:
        value = get_setting(settings, name)
        assert get_setting(with_setting(settings, name, value), name) == value
    shown = {n.removeprefix("protocol.") for n in names if n.startswith("protocol.")} | {"scales"}
    # A protocol's name says which template it came from.
    assert set(vars(settings.protocol)) - shown == {"name"}
    hardware = {n.removeprefix("trigger.") for n in names if n.startswith("trigger.")}
    assert hardware == set(vars(settings.trigger))


def test_a_draft_forgets_what_was_taken_back_once_something_else_is_done() -> None:
    first = template_settings("autonomic")
    draft = Draft(first)
    second, third = replace(first, seed=2), replace(first, seed=3)
    assert draft.change(second)
    assert not draft.change(second)
    draft.undo()
    assert draft.settings == first
    draft.change(third)
    assert not draft.can_redo
    draft.undo()
    draft.undo()
    assert draft.settings == first
