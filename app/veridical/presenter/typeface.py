"""The participant's typeface in its sizes, and how lines of it are broken."""

from pathlib import Path

from PIL import ImageFont

from veridical.paths import resources
from veridical.presenter.texts import Texts

Font = ImageFont.FreeTypeFont

_STANDARD = "Inter"
_BODY = 0.042  # shares of the screen's height
_SMALL = 0.030
_NUMBER = 0.036
_MIN_POINTS = 18.0
# What may not begin a line, and what may not end one (JIS X 4051, the marks that occur in short texts).
_NOT_FIRST = "、。,.・:;?!゛゜ヽヾゝゞ々ー'\")〕]}〉》」』】…‥っッゃゅょャュョぁぃぅぇぉァィゥェォ%"
_NOT_LAST = "'\"(〔[{〈《「『【"


class Typeface:
    """Fonts of one language on a screen of one size.

    Parameters
    ----------
    width_cm : float
        Physical width of the screen, for letters of at least 18 pt.
    """

    def __init__(self, width_px: int, height_px: int, width_cm: float, texts: Texts) -> None:
        point_px = width_px / (width_cm / 2.54 * 72)
        # On a small window 18 pt of the whole monitor may be more than fits; the share of the height decides.
        least_px = min(_MIN_POINTS * point_px, 0.05 * height_px)
        self._family = texts.font or _STANDARD
        self._has_spaces = texts.has_spaces
        self.body = self._font("Regular", max(least_px, _BODY * height_px))
        self.small = self._font("Regular", max(least_px, _SMALL * height_px))
        self.strong = self._font("SemiBold", max(least_px, _BODY * height_px))
        self.number = self._font("Medium", max(least_px, _NUMBER * height_px))

    def _font(self, weight: str, size_px: float) -> Font:
        folder: Path = resources() / "fonts"
        file = folder / f"{self._family}-{weight}.otf"
        if not file.is_file():
            file = folder / f"{self._family}-Regular.otf"
        return ImageFont.truetype(str(file), round(size_px))

    def wrap(self, paragraph: str, font: Font, limit_px: float) -> list[str]:
        """Break a paragraph into lines that are no wider than ``limit_px``, unless one word is."""
        lines: list[str] = []
        for word, gap in self._words(paragraph):
            longer = f"{lines[-1]}{gap}{word}" if lines else word
            if lines and font.getlength(longer) <= limit_px:
                lines[-1] = longer
            elif font.getlength(word) <= limit_px or not word:
                lines.append(word)
            else:
                lines.extend(_cut(word, font, limit_px))
        return lines

    def balance(self, paragraph: str, font: Font, limit_px: float) -> list[str]:
        """Break a paragraph into as few lines as ``wrap`` does, of about the same width: no word stands alone."""
        lines = self.wrap(paragraph, font, limit_px)
        too_narrow_px, wide_px = limit_px / (len(lines) + 1), limit_px
        while wide_px - too_narrow_px > 0.01 * limit_px:
            middle_px = (too_narrow_px + wide_px) / 2
            tried = self.wrap(paragraph, font, middle_px)
            if len(tried) <= len(lines) and max(map(font.getlength, tried)) <= limit_px:
                lines, wide_px = tried, middle_px
            else:
                too_narrow_px = middle_px
        return lines

    def _words(self, paragraph: str) -> list[tuple[str, str]]:
        """Pieces that stay whole, each with what stands before it on the same line."""
        if self._has_spaces:
            return [(word, " ") for word in paragraph.split()]
        pieces: list[tuple[str, str]] = []
        for spaced in paragraph.split():
            for k, piece in enumerate(_unspaced(spaced)):
                pieces.append((piece, " " if k == 0 else ""))
        return pieces


def _unspaced(text: str) -> list[str]:
    """Cut text without blanks where a line may break: Latin words and numbers stay whole, marks stay with theirs."""
    pieces: list[str] = []
    for letter in text:
        is_joined = bool(pieces) and (
            letter in _NOT_FIRST
            or pieces[-1][-1] in _NOT_LAST
            or (letter.isascii() and letter.isalnum() and pieces[-1][-1].isascii() and pieces[-1][-1].isalnum())
        )
        if is_joined:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _cut(word: str, font: Font, limit_px: float) -> list[str]:
    """Cut one word that is wider than a line: nothing that was typed may leave the screen."""
    parts = [""]
    for letter in word:
        if parts[-1] and font.getlength(parts[-1] + letter) > limit_px:
            parts.append(letter)
        else:
            parts[-1] += letter
    return parts
