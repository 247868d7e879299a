"""Colours, sizes and spacing as values, without Qt, so that contrast can be computed in a test.

Status colours are from the Okabe-Ito set (Okabe & Ito 2008), darkened on light ground until they reach
the contrast that WCAG 2.1 asks of graphics (3:1) and, where used for words, of text (4.5:1).
"""

from dataclasses import dataclass
from typing import Literal

from veridical.domain.annotation import SHIPPED_LABELS

ThemeName = Literal["light", "dark"]
StatusLevel = Literal["good", "caution", "fail", "unknown"]

GRID = 8
RAIL_WIDTH = 64
STATUS_HEIGHT = 36
TOP_HEIGHT = 56
BODY_PT = 10.5
SMALL_PT = 10.0
SECTION_PT = 13.0
PAGE_PT = 18.0
HEADLINE_PT = 32.0
RADIUS = 6

# The participant's screen is mid grey, whatever the operator's theme.
PARTICIPANT_GREY = "#808080"


@dataclass(frozen=True)
class Theme:
    """Every colour of the window, as ``#rrggbb``.

    Parameters
    ----------
    ground, surface, sunken : str
        Page background, cards, and the ground on which signals are drawn.
    text, quiet : str
        Words, and secondary words; both reach 4.5:1 on all three grounds.
    accent, on_accent : str
        "Do this next", and words on it.
    good, caution, fail, unknown : str
        Status; always beside an icon and a word.
    eeg, eda, ecg, markers, ratings : str
        One colour per role, everywhere.
    negative, neutral, positive : str
        Conditions on the valence x arousal plane.
    """

    name: ThemeName
    ground: str
    surface: str
    sunken: str
    rail: str
    border: str
    grid: str
    text: str
    quiet: str
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    hover: str
    good: str
    caution: str
    fail: str
    unknown: str
    good_ground: str
    caution_ground: str
    fail_ground: str
    eeg: str
    eda: str
    ecg: str
    markers: str
    ratings: str
    negative: str
    neutral: str
    positive: str

    def status(self, level: StatusLevel) -> str:
        """Colour of a status."""
        return {"good": self.good, "caution": self.caution, "fail": self.fail, "unknown": self.unknown}[level]

    def role(self, role: str) -> str:
        """Colour of a role; roles without one of their own are drawn quietly."""
        named = {"EEG": self.eeg, "EDA": self.eda, "ECG": self.ecg, "markers": self.markers, "ratings": self.ratings}
        return named.get(role, self.quiet)

    def condition(self, condition: str) -> str:
        """Colour of a condition; neutral for anything unknown."""
        return {"negative": self.negative, "positive": self.positive}.get(condition, self.neutral)


LIGHT = Theme(
    name="light",
    ground="#f5f6f8", surface="#ffffff", sunken="#fbfcfd", rail="#eceef2", border="#d9dde4", grid="#e6e9ee",
    text="#1a1d23", quiet="#545b68", disabled="#8f96a3",
    accent="#4a47c4", accent_hover="#3c39ad", on_accent="#ffffff", selection="#e4e3fa", hover="#eef0f4",
    good="#0072b2", caution="#9a6200", fail="#c04a00", unknown="#646b78",
    good_ground="#e5f1f8", caution_ground="#fdf2de", fail_ground="#fdebe0",
    eeg="#22577a", eda="#00795a", ecg="#9c3a7a", markers="#5b616d", ratings="#9a6200",
    negative="#c04a00", neutral="#646b78", positive="#0072b2",
)  # fmt: skip

DARK = Theme(
    name="dark",
    ground="#15171b", surface="#1d2026", sunken="#101215", rail="#0f1114", border="#2f343d", grid="#242830",
    text="#e8ebf0", quiet="#a9b0bd", disabled="#6b7280",
    accent="#a7a6ff", accent_hover="#bdbcff", on_accent="#15143a", selection="#2d2c52", hover="#262a32",
    good="#56b4e9", caution="#e69f00", fail="#ff8a4c", unknown="#a0a7b4",
    good_ground="#152c3a", caution_ground="#33270c", fail_ground="#3a2015",
    eeg="#8ecbf2", eda="#4fd1a5", ecg="#eba3d0", markers="#b4bac6", ratings="#f0b840",
    negative="#ff8a4c", neutral="#a0a7b4", positive="#56b4e9",
)  # fmt: skip

THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}

# Annotation labels keep one colour everywhere, and the label's word always stands beside the colour.
LABEL_COLOURS: dict[str, str] = {label.id: label.colour for label in SHIPPED_LABELS}


def rgb(colour: str) -> tuple[int, int, int]:
    """Read ``#rrggbb``."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def argb(colour: str, alpha: int = 255) -> int:
    """Write ``#rrggbb`` as the 32-bit premultiplied pixel that QImage's ARGB32_Premultiplied holds."""
    red, green, blue = (round(c * alpha / 255) for c in rgb(colour))
    return (alpha << 24) | (red << 16) | (green << 8) | blue


def relative_luminance(colour: str) -> float:
    """Relative luminance after WCAG 2.1, 0 to 1."""

    def linear(channel: int) -> float:
        c = channel / 255
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(c) for c in rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio after WCAG 2.1, 1 to 21."""
    bright, dark = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
