"""Colours keep their contrast, and icons differ in shape."""

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from veridical.domain.annotation import LABELS
from veridical.domain.arrays import FloatArray
from veridical.gui.common import wording
from veridical.gui.common.icons import draw_icon
from veridical.gui.common.stylesheet import build_stylesheet
from veridical.gui.common.tokens import DARK, LABEL_COLOURS, LIGHT, Theme, argb, contrast

BOTH = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@BOTH
def test_words_reach_wcag_aa_on_every_ground(theme: Theme) -> None:
    grounds: tuple[str, ...] = (theme.ground, theme.surface, theme.sunken, theme.rail, theme.hover, theme.selection)
    grounds += (theme.good_ground, theme.caution_ground, theme.fail_ground)
    for ground in grounds:
        assert contrast(theme.text, ground) >= 7
    for ground in grounds[:6]:
        assert contrast(theme.quiet, ground) >= 4.5
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    assert contrast(theme.on_accent, theme.accent_hover) >= 4.5
    assert contrast(theme.accent, theme.surface) >= 4.5


@BOTH
def test_status_and_roles_reach_the_contrast_of_text(theme: Theme) -> None:
    for colour in (theme.good, theme.caution, theme.fail, theme.unknown):
        assert contrast(colour, theme.surface) >= 4.5
        assert contrast(colour, theme.ground) >= 3
    for colour in (theme.eeg, theme.eda, theme.ecg, theme.markers, theme.ratings):
        assert contrast(colour, theme.sunken) >= 4.5


def test_every_label_has_a_colour_of_its_own() -> None:
    assert set(LABEL_COLOURS) == set(LABELS)
    assert len(set(LABEL_COLOURS.values())) == len(LABELS)


def test_status_icons_differ_without_their_colours(qapp: QApplication) -> None:
    def shape(name: str) -> FloatArray:
        image = draw_icon(name, "#000000", 24, ground="#ffffff").toImage()
        image = image.convertToFormat(QImage.Format.Format_ARGB32)
        blue_green_red_alpha = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(24, 24, 4) / 255
        alpha = blue_green_red_alpha[..., 3]
        return blue_green_red_alpha[..., 0] * alpha + 1 - alpha  # on white

    for one, other in combinations(("good", "caution", "fail", "unknown"), 2):
        assert np.mean(np.abs(shape(one) - shape(other)) > 0.25) > 0.1


@BOTH
def test_style_sheet_has_no_hole(theme: Theme) -> None:
    sheet = build_stylesheet(theme, "/a.png", "/b.png")
    assert "{t." not in sheet
    assert "/a.png" in sheet


def test_premultiplied_pixels() -> None:
    assert argb("#ff8000") == 0xFFFF8000
    assert argb("#ff8000", 128) == (128 << 24) | (128 << 16) | (64 << 8)


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        (wording.number(-0.0004, 2), "0.00"),
        (wording.number(-1.5, 1), "\N{MINUS SIGN}1.5"),
        (wording.p_value(0.0004), "p < .001"),
        (wording.p_value(0.0321), "p = .032"),
        (wording.p_value(1.0), "p = 1.000"),
        (wording.clock(3725.9), "1:02:05"),
        (wording.remaining(62), "about 2 min left"),
        (wording.remaining(21), "about 25 s left"),
        (wording.quantity(5e-5, "V"), "50\N{NARROW NO-BREAK SPACE}µV"),
        (wording.quantity(1e-6, "S"), "1\N{NARROW NO-BREAK SPACE}µS"),
        (wording.count(1, "mark"), "1 mark"),
        (wording.disk_hours(0.5), "30 min of disk"),
        (wording.disk_level(30), "good"),
        (wording.disk_level(0.5), "caution"),
        (wording.disk_level(0.1), "fail"),
    ],
)
def test_numbers_in_words(got: str, wanted: str) -> None:
    assert got == wanted
