"""Banner, plane and checklist."""

from typing import TYPE_CHECKING

from pytestqt.qtbot import QtBot

from veridical.gui.common.appearance import Appearance
from veridical.gui.common.plane import AffectPlane, RatedPoint, spread
from veridical.gui.common.widgets import Banner, StatusLight
from veridical.gui.common.workspace import Focus, StatusLine, Workspace
from veridical.gui.live.view_model import resolve_needs

if TYPE_CHECKING:
    from tests.gui.conftest import World


def test_banner_stays_until_it_is_dismissed(qtbot: QtBot, appearance: Appearance) -> None:
    banner = Banner(appearance)
    qtbot.addWidget(banner)
    assert banner.isHidden()
    banner.show_sentence("fail", "The disk is full; free space.")
    assert not banner.isHidden()
    assert banner.words == "The disk is full; free space."
    banner.clear()
    assert banner.isHidden()
    assert banner.words == ""


def test_a_light_says_its_state_in_words_too(qtbot: QtBot, appearance: Appearance) -> None:
    light = StatusLight(appearance, "EEG")
    qtbot.addWidget(light)
    light.show_state("caution", "no data for 3 s")
    assert light.accessibleName() == "EEG Caution no data for 3 s"
    assert light.level == "caution"


def test_equal_ratings_lie_side_by_side(qtbot: QtBot, appearance: Appearance) -> None:
    points = (RatedPoint(4, 4, "neutral"),) * 5 + (RatedPoint(2, 4, "negative"),)
    offsets = spread(points, 0.1)
    assert len(set(offsets[:5])) == 5
    assert offsets[5] == (0.0, 0.0)
    plane = AffectPlane(appearance)
    qtbot.addWidget(plane)
    empty = plane.grab().toImage()
    plane.show_points(points)
    assert plane.grab().toImage() != empty


def test_listeners_hear_of_real_changes_only() -> None:
    workspace = Workspace()
    heard: list[str] = []
    workspace.listen(lambda: heard.append("focus"), lambda: heard.append("status"))
    workspace.set_focus(Focus())
    workspace.set_status(StatusLine())
    assert heard == []
    workspace.set_focus(Focus(None, "001"))
    assert heard == ["focus"]


def test_live_says_what_is_missing_and_where_to_get_it(world: "World") -> None:
    assert [n.page for n in resolve_needs(Focus())] == ["study"]
    study = world.study("001")
    needs = resolve_needs(Focus(study, "001"))
    assert needs[0].page == "run"
    assert all(n.level != "good" for n in needs)
    world.record(study, "001")
    assert resolve_needs(Focus(study, "001"))[0].level == "good"
    assert resolve_needs(Focus(study, "001"))[-1].level != "good"
