"""Marking without a mouse, edges, jumps, the review and its lock, other raters: what the Annotate page does."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from veridical.domain.annotation import AnnotationSet, ArtifactLabel, Suggestion
from veridical.gui.annotate.page import AnnotatePage
from veridical.gui.annotate.view_model import AnnotateModel
from veridical.gui.shell.window import MainWindow

if TYPE_CHECKING:
    from tests.gui.conftest import World

_SHIFT, _CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
_NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def page(window: MainWindow, world: "World", qtbot: QtBot) -> AnnotatePage:
    """The page in its window, with a recording open."""
    study = world.study("001")
    world.record(study, "001")
    window.open_study(study.root)
    window.show_page("annotate")
    made = window.page
    assert isinstance(made, AnnotatePage)
    qtbot.waitUntil(lambda: made.model.is_open, timeout=5000)
    made.canvas.setFocus()
    return made


@pytest.fixture
def model(page: AnnotatePage) -> AnnotateModel:
    """The page's model."""
    return page.model


def _press(page: AnnotatePage, key: Qt.Key, modifier: Qt.KeyboardModifier = _NONE, n: int = 1) -> None:
    for _ in range(n):
        QTest.keyClick(page.canvas, key, modifier)


def _spans(model: AnnotateModel) -> list[tuple[float, float, str]]:
    return [(round(m.onset_s, 3), round(m.stop_s, 3), m.label) for m in model.screen.annotations.annotations]


def _run(page: AnnotatePage, name: str) -> None:
    action = next(a for a in page.page_actions() if a.id == f"annotate.{name}")
    assert action.when()
    action.run()


def test_a_mark_is_made_moved_split_joined_and_taken_back_by_keys_alone(
    page: AnnotatePage, model: AnnotateModel
) -> None:
    # From the middle of a 10-s window: ten steps of 0.1 s.
    _press(page, Qt.Key.Key_Right, _SHIFT, 10)
    assert model.screen.pending is not None
    _press(page, Qt.Key.Key_Left, _CTRL, 5)
    _press(page, Qt.Key.Key_3)
    assert _spans(model) == [(4.5, 6.0, "muscle")]
    # The mark is in hand now: both of its edges.
    _press(page, Qt.Key.Key_Left, _SHIFT, 2)
    _press(page, Qt.Key.Key_Right, _CTRL)
    assert _spans(model) == [(4.6, 5.8, "muscle")]
    _press(page, Qt.Key.Key_X)
    assert _spans(model) == [(4.6, 5.2, "muscle"), (5.2, 5.8, "muscle")]
    _press(page, Qt.Key.Key_J, _CTRL)
    assert _spans(model) == [(4.6, 5.8, "muscle")]
    _press(page, Qt.Key.Key_Z, _CTRL, 6)
    assert _spans(model) == []
    assert model.screen.undo_text is None


def test_keys_choose_channels_and_a_bad_one_is_a_decision_with_undo(page: AnnotatePage, model: AnnotateModel) -> None:
    _press(page, Qt.Key.Key_Right, _SHIFT, 5)
    _press(page, Qt.Key.Key_Down, _SHIFT, 2)
    assert ",".join(model.channels_in_hand) == "Fp2"
    _press(page, Qt.Key.Key_Down, _CTRL)
    assert ",".join(model.channels_in_hand) == "Fp2,F3"
    _press(page, Qt.Key.Key_Up, _CTRL)
    _press(page, Qt.Key.Key_B)
    assert ",".join(model.screen.annotations.bad_channels) == "Fp2"
    assert model.screen.undo_text == "Fp2 bad"
    _press(page, Qt.Key.Key_Z, _CTRL)
    assert not model.screen.annotations.bad_channels


def test_an_edge_is_dragged_with_the_mouse(page: AnnotatePage, model: AnnotateModel) -> None:
    model.drag(3.0, 5.0)
    model.put_label("muscle")
    page.canvas.redraw()
    placed = page.canvas.bands[0]
    row = round(placed.area.top()) + 40
    left = Qt.MouseButton.LeftButton
    start, stop = QPoint(round(placed.x(5.0)), row), QPoint(round(placed.x(7.0)), row)
    QTest.mousePress(page.canvas, left, pos=start)
    QTest.mouseMove(page.canvas, stop)
    QTest.mouseRelease(page.canvas, left, pos=stop)
    (onset, end, label) = _spans(model)[0]
    assert (onset, label) == (3.0, "muscle")
    assert end == pytest.approx(7.0, abs=0.02)
    assert model.screen.undo_text == "Change muscle"
    assert model.screen.selected is not None


def test_edges_snap_to_samples_always_and_to_pictures_when_asked(page: AnnotatePage, model: AnnotateModel) -> None:
    model.drag(4.8371, 7.0002)
    stretch = model.screen.pending
    assert stretch is not None
    assert [stretch.start_s, stretch.stop_s] == pytest.approx([4.838, 7.0])
    _press(page, Qt.Key.Key_S)
    model.drag(4.8371, 8.0)
    stretch = model.screen.pending
    assert stretch is not None
    # The first picture comes at 5 s.
    assert stretch.start_s == 5.0


def test_jumps_reach_trials_events_marks_and_what_was_not_looked_at(page: AnnotatePage, model: AnnotateModel) -> None:
    _press(page, Qt.Key.Key_N)
    assert model.screen.cursor_s == 11.0
    _press(page, Qt.Key.Key_N, _SHIFT)
    assert model.screen.cursor_s == 5.0
    _press(page, Qt.Key.Key_V)
    assert model.screen.cursor_s == 11.0
    for onset in (2.0, 30.0):
        model.drag(onset, onset + 1)
        model.put_label("blink")
    model.clear()
    model.go_to_time(11.0)
    _press(page, Qt.Key.Key_M)
    assert model.screen.selected is not None
    assert model.screen.selected.onset_s == 30.0
    _press(page, Qt.Key.Key_M, _SHIFT)
    assert model.screen.selected.onset_s == 2.0
    model.go_to(0.0)
    model.note_seen()
    _press(page, Qt.Key.Key_U)
    assert model.screen.start_s == pytest.approx(model.screen.review.seen[0][1])


def test_what_stays_on_screen_was_looked_at_and_all_of_it_can_be_locked(
    page: AnnotatePage, model: AnnotateModel, world: "World", qtbot: QtBot
) -> None:
    qtbot.waitUntil(lambda: model.screen.review.seen != (), timeout=20000)
    lock = next(a for a in page.page_actions() if a.id == "annotate.lock")
    unblind = next(a for a in page.page_actions() if a.id == "annotate.unblind")
    assert not lock.when()
    model.zoom(1000)
    model.note_seen()
    # All 62 s in one window are too many to see a blink in.
    assert not model.screen.review.is_complete(model.screen.length_s)
    model.zoom(1 / 3)
    for k in range(5):
        model.go_to(15.0 * k)
        model.note_seen()
    assert lock.when()
    assert not unblind.when()
    page.changed.emit()
    _press(page, Qt.Key.Key_L, _CTRL)
    assert model.screen.review.is_locked
    assert {words for _, words in model.screen.events} == {"picture"}
    assert all(not t.condition for t in model.trials)
    _press(page, Qt.Key.Key_U, _CTRL)
    assert {words for _, words in model.screen.events} == {"negative", "neutral", "positive"}
    assert {t.condition for t in model.trials} == {"negative", "neutral", "positive"}
    model.drag(1.0, 2.0)
    model.put_label("blink")
    desk = world.desks[-1]
    assert desk.entered == ["unblinding", "marks changed"]
    assert [n.kind for n in desk.log if n.kind != "seen"] == ["locked", "unblinded", "edited"]


def test_a_question_answered_with_no_keeps_the_rater_blind(
    page: AnnotatePage, model: AnnotateModel, world: "World"
) -> None:
    world.prompt.says_yes = False
    page.unblind()
    assert model.screen.is_blind


def test_trials_say_whether_marks_drop_them_and_why(page: AnnotatePage, model: AnnotateModel) -> None:
    model.drag(5.5, 6.0)
    model.put_label("blink")
    _press(page, Qt.Key.Key_T, _CTRL)
    assert [(t.is_kept, t.reason) for t in model.trials[:2]] == [(False, "marked: Blink"), (True, "")]
    assert "7 of 8 trials kept" in page._suggestion_words.text()
    # After a second of the picture the mark touches no window.
    model.select_at(5.7, "Fp1")
    selected = model.screen.selected
    assert selected is not None
    model.move_edge(selected, 6.5, 7.0)
    assert all(t.is_kept for t in model.trials)


def test_a_label_key_takes_the_chosen_suggestion_as_that(page: AnnotatePage, model: AnnotateModel) -> None:
    _press(page, Qt.Key.Key_BracketRight)
    _press(page, Qt.Key.Key_3)
    assert [m.label for m in model.screen.annotations.annotations] == ["muscle"]
    assert model.screen.undo_text == "Accept as muscle"
    assert model.screen.chosen == model.screen.suggestions[0]


def test_judging_again_hides_marks_and_suggestions_and_tells_the_agreement(
    page: AnnotatePage, model: AnnotateModel
) -> None:
    model.drag(1.0, 2.0)
    model.put_label("blink")
    _press(page, Qt.Key.Key_G, _CTRL)
    assert model.screen.again
    assert model.screen.annotations == AnnotationSet()
    assert model.screen.suggestions == ()
    assert model.screen.start_s == pytest.approx(model.screen.again[0][0])
    _press(page, Qt.Key.Key_G, _CTRL)
    assert not model.screen.again
    assert len(model.screen.annotations.annotations) == 1
    assert "Judged again" in page.banner.words


def test_a_study_has_its_own_labels_keys_and_colours(page: AnnotatePage, model: AnnotateModel, world: "World") -> None:
    world.desks[-1].use_labels((ArtifactLabel("sniff", "Sniffing", "K", "#0072b2"),))
    page.do(lambda: model.drag(1.0, 2.0))
    _press(page, Qt.Key.Key_1)
    assert _spans(model) == []
    _press(page, Qt.Key.Key_K)
    assert _spans(model) == [(1.0, 2.0, "sniff")]
    assert list(page._labels.buttons) == ["sniff"]
    assert (model.label_words("sniff"), model.label_colour("sniff")) == ("Sniffing", "#0072b2")


def test_others_like_a_confirmed_mark_are_proposed(page: AnnotatePage, model: AnnotateModel) -> None:
    model.propose_similar((Suggestion(40.0, 1.0, "blink", (), "similar", 0.9, "alike"),))
    assert any(s.method == "similar" for s in model.screen.suggestions)
    model.propose_similar((Suggestion(40.5, 1.0, "blink", (), "similar", 0.9, "alike"),))
    assert sum(s.method == "similar" for s in model.screen.suggestions) == 1


def test_a_second_rater_marks_under_a_name_of_their_own(
    page: AnnotatePage, model: AnnotateModel, world: "World", qtbot: QtBot
) -> None:
    n_desks = len(world.desks)
    world.prompt.text = "ben"
    page.add_rater()
    qtbot.waitUntil(lambda: len(world.desks) > n_desks and model.is_open, timeout=5000)
    assert not world.desks[n_desks - 1].is_open
    world.prompt.text = None
    page.add_rater()
    assert model.is_open


def test_marks_are_carried_out_and_brought_in(
    page: AnnotatePage, model: AnnotateModel, world: "World", tmp_path: Path
) -> None:
    table = tmp_path / "theirs_events.tsv"
    table.write_text("onset\tduration\ttrial_type\n1.0\t0.5\tBAD_blink\n9999\t1\tmuscle\n")
    world.prompt.file = table
    _run(page, "import_marks")
    assert _spans(model) == [(1.0, 1.5, "blink")]
    assert model.screen.annotations.annotations[0].source == "imported:theirs_events.tsv"
    assert "outside the recording" in page.banner.words
    _press(page, Qt.Key.Key_Z, _CTRL)
    assert _spans(model) == []


def test_every_marking_action_has_a_key_and_stands_on_the_help_page(window: MainWindow, page: AnnotatePage) -> None:
    own = page.page_actions()
    assert all(a.key for a in own)
    assert {a.id for a in own} <= {a.id for a in window.table.of_page("annotate")}
