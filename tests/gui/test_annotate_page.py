"""The Annotate page: mark, label, undo, suggestions, and a rater who stays blind."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from veridical.domain.event import Event, Marker
from veridical.domain.participant import RunKey
from veridical.domain.stream import StreamDescription
from veridical.gui.annotate.page import AnnotatePage
from veridical.gui.annotate.view_model import AnnotateModel, blind_events
from veridical.gui.common.workspace import Focus
from veridical.gui.shell.window import MainWindow
from veridical.services.recovery import recording_file
from veridical.storage.xdf_writer import XdfWriter

if TYPE_CHECKING:
    from tests.gui.conftest import World


@pytest.fixture
def page(window: MainWindow, world: "World", qtbot: QtBot) -> AnnotatePage:
    """The page in its window, where keys reach it, with a recording open."""
    study = world.study("001")
    world.record(study, "001")
    window.open_study(study.root)
    window.show_page("annotate")
    made = window.page
    assert isinstance(made, AnnotatePage)
    qtbot.waitUntil(lambda: made.model.is_open, timeout=5000)
    qtbot.waitUntil(lambda: made.canvas.is_current, timeout=20000)
    made.canvas.setFocus()
    return made


def _press(page: AnnotatePage, key: Qt.Key) -> None:
    QTest.keyClick(page.canvas, key)


@pytest.fixture
def model(page: AnnotatePage) -> AnnotateModel:
    """The page's model."""
    return page.model


def _labels(model: AnnotateModel) -> list[str]:
    return [a.label for a in model.screen.annotations.annotations]


def test_drag_and_key_make_a_mark_on_all_channels(page: AnnotatePage, model: AnnotateModel) -> None:
    canvas = page.canvas
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(canvas, left, pos=QPoint(300, 200))
    QTest.mouseMove(canvas, QPoint(420, 200))
    QTest.mouseRelease(canvas, left, pos=QPoint(420, 200))
    assert model.screen.pending is not None
    _press(page, Qt.Key.Key_3)
    assert _labels(model) == ["muscle"]
    mark = model.screen.annotations.annotations[0]
    assert mark.channels == ()
    assert 0 < mark.onset_s < mark.stop_s < 10
    assert model.screen.words == "1 mark, saved"
    assert model.screen.selected == mark


def test_undo_and_redo_bring_every_act_back(page: AnnotatePage, model: AnnotateModel) -> None:
    table = {a.id: a for a in page.page_actions()}
    model.drag(1.0, 2.0)
    table["annotate.label.blink"].run()
    table["annotate.label.muscle"].run()
    assert _labels(model) == ["muscle"]
    table["annotate.undo"].run()
    assert _labels(model) == ["blink"]
    table["annotate.undo"].run()
    assert _labels(model) == []
    assert not table["annotate.undo"].when()
    table["annotate.redo"].run()
    table["annotate.redo"].run()
    assert _labels(model) == ["muscle"]
    model.select_at(1.5, "Fp1")
    table["annotate.delete"].run()
    assert _labels(model) == []
    table["annotate.undo"].run()
    assert _labels(model) == ["muscle"]


def test_a_mark_on_one_channel_is_found_there_only(model: AnnotateModel) -> None:
    model.drag(3.0, 4.0, ("F3",))
    model.put_label("pop")
    model.select_at(3.5, "Oz")
    assert model.screen.selected is None
    model.select_at(3.5, "F3")
    assert model.screen.selected is not None


def test_a_click_is_no_mark(model: AnnotateModel) -> None:
    model.drag(3.0, 3.005)
    assert model.screen.pending is None


def test_suggestions_are_decided_with_one_key_each(page: AnnotatePage, model: AnnotateModel) -> None:
    assert len(model.screen.suggestions) == 2
    _press(page, Qt.Key.Key_BracketRight)
    assert model.screen.chosen == model.screen.suggestions[0]
    assert model.screen.start_s <= 12.0 <= model.screen.stop_s
    _press(page, Qt.Key.Key_A)
    assert _labels(model) == ["blink"]
    assert model.screen.chosen is not None
    assert model.screen.start_s <= 31.0 <= model.screen.stop_s
    _press(page, Qt.Key.Key_R)
    assert _labels(model) == ["blink"]
    assert not model.screen.suggestions


def test_tab_goes_to_the_next_suggestion(page: AnnotatePage, model: AnnotateModel) -> None:
    page.canvas.setFocus()
    _press(page, Qt.Key.Key_Tab)
    assert model.screen.chosen is not None


def test_the_window_stays_inside_the_recording(model: AnnotateModel) -> None:
    model.scroll(-5)
    assert model.screen.start_s == 0
    model.go_to(1e6)
    assert model.screen.stop_s == pytest.approx(model.screen.length_s)
    model.zoom(1000)
    assert model.screen.seconds == pytest.approx(model.screen.length_s)
    model.zoom(1e-6)
    assert model.screen.seconds == pytest.approx(0.5)
    model.go_to(20)
    model.zoom(4, around_s=20.1)
    share = (20.1 - model.screen.start_s) / model.screen.seconds
    assert share == pytest.approx(0.2)


def test_amplitude_is_per_role(model: AnnotateModel) -> None:
    before = dict(model.screen.spans)
    model.scale("EDA", -1)
    after = dict(model.screen.spans)
    assert after["EDA"] < before["EDA"]
    assert after["EEG"] == before["EEG"]


def test_events_tell_nothing_of_class_or_rating() -> None:
    events = (
        Event(1.0, Marker("picture/positive", {"id": "demo01", "trial": "1"})),
        Event(2.0, Marker("picture/off", {"trial": "1"})),
        Event(3.0, Marker("rating/valence", {"value": "6"})),
        Event(4.0, Marker("practice/picture/negative", {"trial": "1"})),
    )
    assert blind_events(events) == ((1.0, "picture"), (3.0, "rating"), (4.0, "picture"))


def test_choosing_another_participant_closes_the_recording(page: AnnotatePage, world: "World") -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    study.add_participant("002")
    page.context.workspace.set_focus(Focus(study, "002", "01"))
    assert not page.model.is_open
    assert not world.desks[0].is_open
    assert page.model.key != RunKey("001")


def _record_crashed(path: Path) -> bytes:
    """A recording whose recorder was killed some time ago."""
    path.unlink(missing_ok=True)
    writer = XdfWriter(path)
    writer.add_stream(StreamDescription("EEG", "EEG", "e", "u", "h", 2, 100.0, "float32"))
    for k in range(40):
        writer.write_samples(1, np.zeros((2, 10)), 100 + np.arange(10 * k, 10 * k + 10) / 100)
    writer.release()
    os.utime(path, (1, 1))
    return path.read_bytes()


def test_opening_a_crashed_recording_offers_a_mended_copy_and_uses_it(
    page: AnnotatePage, world: "World", qtbot: QtBot
) -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    key = RunKey("001")
    raw = study.paths.xdf(key)
    assert not page.offer.words
    before = _record_crashed(raw)
    page.open_run(key)
    qtbot.waitUntil(page.offer.can_mend, timeout=5000)
    assert "broke off" in page.offer.words
    assert "the original stays as it is" in page.offer.words
    n_desks = len(world.desks)
    with qtbot.waitSignal(page.offer.mended, timeout=10000):
        next(a for a in page.page_actions() if a.id == "annotate.mend").run()
    qtbot.waitUntil(lambda: len(world.desks) > n_desks and page.model.is_open, timeout=5000)
    assert recording_file(study, key) == study.paths.recovered(key)
    assert raw.read_bytes() == before
    assert "mended copy is in use" in page.banner.words
    assert not page.offer.can_mend()
    assert not page.offer.words


def test_an_offer_that_is_put_off_comes_back_with_the_recording(page: AnnotatePage, qtbot: QtBot) -> None:
    study = page.context.workspace.focus.study
    assert study is not None
    key = RunKey("001")
    _record_crashed(study.paths.xdf(key))
    page.open_run(key)
    qtbot.waitUntil(page.offer.can_mend, timeout=5000)
    page.offer.put_off()
    assert not page.offer.can_mend()
    page.open_run(key)
    qtbot.waitUntil(page.offer.can_mend, timeout=5000)
    assert not study.paths.recovered(key).exists()
