"""The stimulus browser: what it shows, selection linked both ways, edits with undo, import and matched subsets."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.domain.study import StudySettings
from veridical.gui.common.page import Context
from veridical.gui.study.page import StudyPage
from veridical.gui.study.stimulus_browser import StimulusBrowser
from veridical.gui.study.stimulus_view_model import Filters, filter_stimuli, on_plane, resolve_details
from veridical.services.study import Study, create_study
from veridical.storage.stimuli_table import read_stimuli, write_stimuli


def draw_pictures(folder: Path, n_per_class: int = 8) -> Path:
    """Small pictures of noise with norms over the whole plane."""
    folder.mkdir()
    rng = np.random.default_rng(2)
    rows = []
    for k in range(3 * n_per_class):
        file = folder / f"p{k:02d}.png"
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(file)
        valence = (2.0, 4.0, 6.0)[k % 3] + float(rng.uniform(-0.3, 0.3))
        picture = Stimulus(file.stem, file.name, category=("Animal", "Object")[k % 2], sensitive=k == 0, theme="Noise")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        arousal = float(rng.uniform(2, 6))
        rows.append(replace(picture, sha256=digest, valence_mean=valence, valence_sd=1.0, arousal_mean=arousal))
    write_stimuli(folder / "stimuli.tsv", StimulusSet(tuple(rows)))
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study of 24 pictures."""
    return create_study(tmp_path / "browsed", StudySettings(title="Browsed"), draw_pictures(tmp_path / "noise"))


@pytest.fixture
def page(context: Context, qtbot: QtBot, study: Study) -> StudyPage:
    """The Study page with its browser in front."""
    made = StudyPage(context)
    made.resize(1180, 700)
    qtbot.addWidget(made, before_close_func=lambda widget: made.shut_down())
    made.show()
    made.open_study(study.root)
    made.show_stimuli()
    return made


def browser_of(page: StudyPage) -> StimulusBrowser:
    return page.browser


def stored(study: Study) -> StimulusSet:
    return read_stimuli(study.paths.stimuli_table)


def test_every_stimulus_is_shown_and_thumbnails_arrive_by_themselves(
    page: StudyPage, study: Study, qtbot: QtBot
) -> None:
    browser = browser_of(page)
    assert browser.isVisible()
    assert len(browser.grid.rows.rows) == 24
    assert "24 stimuli shown" in browser.count.text()
    first = study.stimuli.stimuli[0]
    qtbot.waitUntil(lambda: browser.thumbnails.is_known(first), timeout=10000)
    image = browser.thumbnails.find(first)
    assert image is not None
    assert (image.width(), image.height()) == (32, 24)
    pixel = Image.open(study.paths.stimuli / first.file).convert("RGB").getpixel((5, 7))
    colour = image.pixelColor(5, 7)
    assert (colour.red(), colour.green(), colour.blue()) == pixel


def test_selection_is_linked_both_ways(page: StudyPage, qtbot: QtBot) -> None:
    browser = browser_of(page)
    browser.grid.select(("p03",))
    assert "p03" in browser.details.words
    place = browser.plane.place_of("p05")
    assert place is not None
    QTest.mouseClick(browser.plane, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert browser.grid.selected_ids == ("p05",)
    assert "p05" in browser.details.words
    # A rectangle round the whole plane takes everything.
    corner = QPoint(browser.plane.width() - 2, browser.plane.height() - 2)
    QTest.mousePress(browser.plane, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    QTest.mouseMove(browser.plane, corner)
    QTest.mouseRelease(browser.plane, Qt.MouseButton.LeftButton, pos=corner)
    assert len(browser.grid.selected_ids) == 24
    assert "24 stimuli" in browser.details.words


def test_filters_narrow_the_grid_and_keep_the_selection_as_far_as_it_is_shown(page: StudyPage) -> None:
    browser = browser_of(page)
    browser.grid.select(("p00", "p01"))
    browser.filters.condition.setCurrentIndex(browser.filters.condition.findData("negative"))
    assert [s.id for s in browser.grid.rows.rows] == [f"p{k:02d}" for k in range(0, 24, 3)]
    assert browser.grid.selected_ids == ("p00",)
    browser.filters.search.setText("p1")
    assert [s.id for s in browser.grid.rows.rows] == ["p12", "p15", "p18"]
    browser.filters.search.setText("nothing like it")
    assert not browser.grid.isVisible()
    browser.filters.reset()
    assert len(browser.grid.rows.rows) == 24


def test_filters_of_every_kind() -> None:
    stimuli = StimulusSet(
        (
            Stimulus("a", "a.jpg", category="Animal", valence_mean=2.0, arousal_mean=5.0, sensitive=True),
            Stimulus("b", "b.mp4", kind="video", category="Scenery", valence_mean=6.0, arousal_mean=3.0),
            Stimulus("c", "c.wav", kind="audio", excluded="by hand"),
        )
    )

    def ids(filters: Filters) -> str:
        return "".join(s.id for s in filter_stimuli(stimuli, filters))

    assert ids(Filters()) == "abc"
    assert ids(Filters(kind="video")) == "b"
    assert ids(Filters(category="Animal")) == "a"
    assert ids(Filters(condition="positive")) == "b"
    assert ids(Filters(sensitivity="sensitive")) == "a"
    assert ids(Filters(sensitivity="not sensitive")) == "bc"
    assert ids(Filters(use="left out")) == "c"
    assert ids(Filters(valence=(1.0, 3.0))) == "a"
    assert ids(Filters(arousal=(1.0, 4.0))) == "b"
    assert ids(Filters(text="animal a.jpg")) == "a"
    assert on_plane(stimuli.get("a")) == (2.0, 5.0)
    assert on_plane(stimuli.get("c")) is None
    assert "left out: by hand" in "".join(line.words for line in resolve_details((stimuli.get("c"),)).lines)


def test_leaving_out_and_flagging_are_stored_and_undone(page: StudyPage, study: Study) -> None:
    browser = browser_of(page)
    browser.grid.select(("p01", "p02"))
    browser.toggle_use()
    assert [s.id for s in stored(study).stimuli if s.is_excluded] == ["p01", "p02"]
    # The rest of the window works with the new table.
    focused = page.context.workspace.focus.study
    assert focused is not None
    assert len(focused.stimuli.in_use) == 22
    browser.toggle_sensitive()
    assert stored(study).get("p01").sensitive
    browser.undo()
    browser.undo()
    assert not any(s.is_excluded for s in stored(study).stimuli)
    assert not stored(study).get("p01").sensitive
    browser.redo()
    assert stored(study).get("p02").is_excluded
    browser.toggle_use()
    assert not stored(study).get("p02").is_excluded


def test_a_matched_subset_is_drawn_shown_with_its_imbalance_and_used(
    page: StudyPage, study: Study, qtbot: QtBot
) -> None:
    browser = browser_of(page)
    browser.open_match()
    browser.match_panel.n_field.setValue(3)
    browser.match_panel.submit()
    qtbot.waitUntil(lambda: not browser.runner.is_running, timeout=60000)
    subset = browser.match_panel.subset
    assert subset is not None, browser.match_panel.problem.text()
    assert len(subset.ids) == 9
    assert browser.grid.selected_ids == subset.ids
    assert f"{subset.worst_after:.2f}" in browser.match_panel.verdict.words
    assert "p00" not in subset.ids  # sensitive
    browser.match_panel.use_button.click()
    assert [s.id for s in stored(study).in_use] == list(subset.ids)
    browser.undo()
    assert len(stored(study).in_use) == 24
    browser.match_panel.n_field.setValue(50)
    browser.match_panel.submit()
    qtbot.waitUntil(lambda: bool(browser.match_panel.problem.text()), timeout=60000)
    assert "were asked for" in browser.match_panel.problem.text()


def test_a_set_is_imported_from_the_panel_and_refusals_are_said_beside_the_fields(
    page: StudyPage, study: Study, tmp_path: Path, qtbot: QtBot
) -> None:
    browser = browser_of(page)
    browser.open_import()
    browser.import_panel.submit()
    assert "Choose the folder" in browser.import_panel.problem.text()
    browser.import_panel.source_field.setText(str(tmp_path / "nowhere"))
    browser.import_panel.submit()
    qtbot.waitUntil(lambda: "does not exist" in browser.import_panel.problem.text(), timeout=10000)
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (20, 20), (1, 2, 3)).save(other / "new.png")
    (other / "broken.png").write_bytes(b"x")
    (other / "set.csv").write_text("id,file,valence_mean,arousal_mean\nn1,new.png,4,4\nn2,broken.png,4,4\n")
    browser.import_panel.source_field.setText(str(other))
    browser.import_panel.submit()
    qtbot.waitUntil(lambda: not browser.runner.is_running, timeout=20000)
    assert browser.import_panel.report.isVisible(), browser.import_panel.problem.text()
    said = browser.import_panel.report.toPlainText()
    assert "1 stimuli imported" in said
    assert "broken.png" in said
    assert [s.id for s in stored(study).stimuli][-1] == "n1"
    assert browser.grid.rows.row_of("n1") is not None


def test_changed_files_are_found_and_selected(page: StudyPage, study: Study, qtbot: QtBot) -> None:
    browser = browser_of(page)
    (study.paths.stimuli / "p04.png").write_bytes(b"changed")
    (study.paths.stimuli / "p07.png").unlink()
    browser.check_files()
    qtbot.waitUntil(lambda: not browser.runner.is_running, timeout=10000)
    assert browser.grid.selected_ids == ("p04", "p07")
    assert "2 files" in page.banner.words


def test_going_back_shows_the_participants_again(page: StudyPage) -> None:
    assert page.page_actions()
    page.show_participants()
    assert not browser_of(page).isVisible()
    page.show_stimuli()
    assert browser_of(page).isVisible()
