"""Pictures of views, painted with our own typeface, the same on every system and without a display."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont

from veridical.domain.rating import Scale
from veridical.domain.view import View
from veridical.paths import resources
from veridical.presenter.picture_files import GREY
from veridical.presenter.scale_layout import ScaleLayout, lay_out
from veridical.presenter.texts import Texts

Colour = tuple[int, int, int]

# Black on mid grey has a contrast of 5.3 to 1, white 3.9: words are dark, white is kept for the choice.
INK: Colour = (13, 13, 13)
_SOFT: Colour = (32, 32, 32)
_PALE: Colour = (250, 250, 250)
_LINE: Colour = (70, 70, 70)
_BODY = 0.042  # shares of the screen's height
_SMALL = 0.030
_LINE_SPACING = 1.5
_TEXT_WIDTH = 1.05  # of the height, so that lines stay readable on wide screens
_PICTURE_SHARE = 0.8
_CORNER = 0.05
# Discs are painted this many times larger and shrunk: PIL's own circles have jagged edges.
_SMOOTH = 4
_MIN_POINTS = 18.0


@dataclass(frozen=True)
class Sprite:
    """An image and where its top left corner goes, in pixels from the screen's top left."""

    image: Image.Image
    left: int
    top: int


class ViewPainter:
    """Paints views for a screen of one size.

    Parameters
    ----------
    width_px, height_px : int
        Size of the screen.
    width_cm : float
        Physical width, for letters of at least 18 pt.
    """

    def __init__(self, width_px: int, height_px: int, width_cm: float, texts: Texts) -> None:
        self.width_px, self.height_px = width_px, height_px
        self._texts = texts
        point_px = width_px / (width_cm / 2.54 * 72)
        # On a small window 18 pt of the whole monitor may be more than fits; the share of the height decides.
        least_px = min(_MIN_POINTS * point_px, 0.05 * height_px)
        self._body = _font("Regular", max(least_px, _BODY * height_px))
        self._small = _font("Regular", max(least_px, _SMALL * height_px))
        self._strong = _font("SemiBold", max(least_px, _BODY * height_px))
        self._number = _font("Medium", max(least_px, 0.036 * height_px))

    @property
    def corner_px(self) -> int:
        """Side of the photodiode's square in the bottom left corner."""
        return round(_CORNER * self.height_px)

    def paint(self, view: View, scale: Scale | None = None, picture: Image.Image | None = None) -> Image.Image:
        """Paint a whole screen; a picture view needs its picture, a rating view its scale."""
        frame = Image.new("RGB", (self.width_px, self.height_px), GREY)
        sprite = self.sprite(view, scale, picture)
        if sprite is not None:
            frame.paste(sprite.image, (sprite.left, sprite.top))
        side = self.corner_px
        frame.paste((255, 255, 255) if view.corner else (0, 0, 0), (0, self.height_px - side, side, self.height_px))
        return frame

    def sprite(self, view: View, scale: Scale | None = None, picture: Image.Image | None = None) -> Sprite | None:
        """Paint what is particular to a view, cropped; None for a blank screen."""
        if view.kind == "picture" and picture is not None:
            return self._picture(picture)
        if view.kind == "blank":
            return None
        frame = Image.new("RGB", (self.width_px, self.height_px), GREY)
        draw = ImageDraw.Draw(frame)
        if view.kind == "text":
            self._text(draw, view.text)
        elif view.kind == "fixation":
            self._cross(draw)
        elif view.kind == "rating" and scale is not None:
            self._rating(frame, draw, scale, view.selected)
        return _cropped(frame)

    def _picture(self, picture: Image.Image) -> Sprite:
        """Fit a picture into the middle of the screen at its own aspect; even sizes fall on whole pixels."""
        factor = min(_PICTURE_SHARE * self.width_px / picture.width, _PICTURE_SHARE * self.height_px / picture.height)
        width, height = (max(2, 2 * round(side * factor / 2)) for side in picture.size)
        fitted = picture.resize((width, height), Image.Resampling.LANCZOS)
        return Sprite(fitted, (self.width_px - width) // 2, (self.height_px - height) // 2)

    def _cross(self, draw: ImageDraw.ImageDraw) -> None:
        arm, half = round(0.03 * self.height_px), max(1, round(0.003 * self.height_px))
        x, y = self.width_px // 2, self.height_px // 2
        draw.rectangle((x - arm, y - half, x + arm - 1, y + half - 1), fill=INK)
        draw.rectangle((x - half, y - arm, x + half - 1, y + arm - 1), fill=INK)

    def _text(self, draw: ImageDraw.ImageDraw, text: str) -> None:
        """Paint paragraphs, centred; the last of several is the hint how to go on, smaller."""
        paragraphs = text.split("\n\n")
        lines: list[tuple[str, ImageFont.FreeTypeFont]] = []
        for k, paragraph in enumerate(paragraphs):
            font = self._small if k == len(paragraphs) - 1 and k > 0 else self._body
            if k:
                lines.append(("", self._body))
            lines.extend((line, font) for line in self._wrap(paragraph, font))
        step = self._body.size * _LINE_SPACING
        y = self.height_px / 2 - step * (len(lines) - 1) / 2
        for line, font in lines:
            draw.text((self.width_px / 2, y), line, INK if font is self._body else _SOFT, font, anchor="mm")
            y += step

    def _wrap(self, paragraph: str, font: ImageFont.FreeTypeFont) -> list[str]:
        limit_px = min(_TEXT_WIDTH * self.height_px, 0.86 * self.width_px)
        lines: list[str] = []
        for word in paragraph.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and font.getlength(longer) <= limit_px:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    def _rating(self, frame: Image.Image, draw: ImageDraw.ImageDraw, scale: Scale, selected: int | None) -> None:
        layout = lay_out(scale, self.width_px, self.height_px)
        middle = self.width_px / 2
        draw.text((middle, layout.question_y), scale.question, INK, self._strong, anchor="mm")
        self._discs(frame, layout, selected)
        for value, x in layout.steps:
            draw.text((x, layout.steps_y), str(value), INK, self._number, anchor="mm")
        self._anchors(draw, layout, scale)
        self._button(frame, layout, is_ready=selected is not None)
        left, top, right, bottom = layout.button
        label = INK if selected is not None else _LINE
        draw.text(((left + right) / 2, (top + bottom) / 2), self._texts.get("confirm"), label, self._small, anchor="mm")
        draw.text((middle, layout.hint_y), self._texts.get("rating_hint"), _SOFT, self._small, anchor="mm")

    def _anchors(self, draw: ImageDraw.ImageDraw, layout: ScaleLayout, scale: Scale) -> None:
        """Write the anchors under the first, middle and last step."""
        places = ((layout.steps[0][1], scale.low), (self.width_px / 2, scale.middle), (layout.steps[-1][1], scale.high))
        for x, words in places:
            draw.multiline_text(
                (x, layout.anchors_y), words.replace(" ", "\n", 1), INK, self._small, anchor="ma", align="center"
            )

    def _discs(self, frame: Image.Image, layout: ScaleLayout, selected: int | None) -> None:
        side = round(2 * layout.radius) + 2
        for value, x in layout.steps:
            disc = Image.new("RGB", (side * _SMOOTH, side * _SMOOTH), GREY)
            edge = (_SMOOTH, _SMOOTH, (side - 1) * _SMOOTH, (side - 1) * _SMOOTH)
            fill = _PALE if value == selected else (152, 152, 152)
            width = max(1, round(0.0022 * self.height_px)) * _SMOOTH
            ImageDraw.Draw(disc).ellipse(edge, fill=fill, outline=INK if value == selected else _LINE, width=width)
            corner = (round(x - side / 2), round(layout.steps_y - side / 2))
            frame.paste(disc.resize((side, side), Image.Resampling.LANCZOS), corner)

    def _button(self, frame: Image.Image, layout: ScaleLayout, is_ready: bool) -> None:
        left, top, right, bottom = (round(v) for v in layout.button)
        size = (right - left, bottom - top)
        pill = Image.new("RGB", (size[0] * _SMOOTH, size[1] * _SMOOTH), GREY)
        box = (_SMOOTH, _SMOOTH, (size[0] - 1) * _SMOOTH, (size[1] - 1) * _SMOOTH)
        width = max(1, round(0.0022 * self.height_px)) * _SMOOTH
        ImageDraw.Draw(pill).rounded_rectangle(
            box, size[1] * _SMOOTH / 2, _PALE if is_ready else GREY, INK if is_ready else _LINE, width
        )
        frame.paste(pill.resize(size, Image.Resampling.LANCZOS), (left, top))


def _font(weight: str, size_px: float) -> ImageFont.FreeTypeFont:
    file: Path = resources() / "fonts" / f"Inter-{weight}.otf"
    return ImageFont.truetype(str(file), round(size_px))


def _cropped(frame: Image.Image) -> Sprite:
    """Cut away the grey around what was painted, to even sizes around whole pixels."""
    painted = Image.new("RGB", frame.size, GREY)
    box = ImageChops.difference(frame, painted).getbbox()
    left, top, right, bottom = box or (0, 0, 2, 2)
    left, top = left - left % 2, top - top % 2
    right, bottom = right + right % 2, bottom + bottom % 2
    return Sprite(frame.crop((left, top, right, bottom)), left, top)
