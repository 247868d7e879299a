"""Paper to paint a view on, and the shapes that are painted smoothly."""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from veridical.presenter.picture_files import GREY
from veridical.presenter.scale_layout import Box
from veridical.presenter.typeface import Font

Colour = tuple[int, int, int]

# Black on mid grey has a contrast of 5.3 to 1, white 3.9: words are dark, white is kept for the choice.
INK: Colour = (13, 13, 13)
SOFT: Colour = (32, 32, 32)
PALE: Colour = (250, 250, 250)
LINE: Colour = (70, 70, 70)
FAINT: Colour = (152, 152, 152)
# Shapes are painted this many times larger and shrunk: PIL's own circles have jagged edges.
_SMOOTH = 4
# Everything but pictures is greyscale, which is three times faster to paint.
_GROUND = GREY[0]
_IS_PAINTED = [0 if level == _GROUND else 255 for level in range(256)]


@dataclass(frozen=True)
class Sprite:
    """An image and where its top left corner goes, in pixels from the screen's top left."""

    image: Image.Image
    left: int
    top: int


class Canvas:
    """A grey screen of one size."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px, self.height_px = width_px, height_px
        self.frame = Image.new("L", (width_px, height_px), _GROUND)
        self.draw = ImageDraw.Draw(self.frame)
        self.line_px = max(1, round(0.0022 * height_px))

    def words(self, x: float, y: float, text: str, font: Font, colour: Colour = INK, anchor: str = "mm") -> None:
        """Write a line of text."""
        self.draw.text((x, y), text, colour[0], font, anchor=anchor)

    def lines(self, x: float, y: float, lines: list[str], font: Font, colour: Colour = INK) -> None:
        """Write lines below each other, centred, the first one's top at ``y``."""
        step = 1.25 * font.size
        for k, line in enumerate(lines):
            self.draw.text((x, y + k * step), line, colour[0], font, anchor="ma")

    def box(self, corners: Box, fill: Colour) -> None:
        """Paint a rectangle; its corners are whole or broken pixels."""
        self.draw.rectangle(corners, fill=fill[0])

    def disc(self, x: float, y: float, radius: float, fill: Colour, outline: Colour) -> None:
        """Paint a circle."""
        side = round(2 * radius) + 2
        disc = Image.new("L", (side * _SMOOTH, side * _SMOOTH), _GROUND)
        edge = (_SMOOTH, _SMOOTH, (side - 1) * _SMOOTH, (side - 1) * _SMOOTH)
        ImageDraw.Draw(disc).ellipse(edge, fill=fill[0], outline=outline[0], width=self.line_px * _SMOOTH)
        corner = (round(x - side / 2), round(y - side / 2))
        self.frame.paste(disc.resize((side, side), Image.Resampling.LANCZOS), corner)

    def pill(self, box: Box, fill: Colour, outline: Colour, radius: float | None = None) -> None:
        """Paint a rounded box; without a radius its ends are half circles."""
        left, top, right, bottom = (round(v) for v in box)
        size = (right - left, bottom - top)
        pill = Image.new("L", (size[0] * _SMOOTH, size[1] * _SMOOTH), _GROUND)
        inner = (_SMOOTH, _SMOOTH, (size[0] - 1) * _SMOOTH, (size[1] - 1) * _SMOOTH)
        rounding = (size[1] / 2 if radius is None else radius) * _SMOOTH
        ImageDraw.Draw(pill).rounded_rectangle(inner, rounding, fill[0], outline[0], self.line_px * _SMOOTH)
        self.frame.paste(pill.resize(size, Image.Resampling.LANCZOS), (left, top))

    def wedge(self, left: float, right: float, y: float, height: float) -> None:
        """Paint a triangle that grows from left to right: more of something, without a word or a colour."""
        width, tall = round(right - left), round(height)
        wedge = Image.new("L", (width * _SMOOTH, tall * _SMOOTH), _GROUND)
        corners = ((0, tall * _SMOOTH - 1), (width * _SMOOTH - 1, 0), (width * _SMOOTH - 1, tall * _SMOOTH - 1))
        ImageDraw.Draw(wedge).polygon(corners, fill=FAINT[0])
        self.frame.paste(wedge.resize((width, tall), Image.Resampling.LANCZOS), (round(left), round(y)))

    def sprite(self) -> Sprite:
        """Cut away the grey around what was painted, to even sizes around whole pixels."""
        box = self.frame.point(_IS_PAINTED).getbbox()
        left, top, right, bottom = box or (0, 0, 2, 2)
        left, top = left - left % 2, top - top % 2
        right, bottom = right + right % 2, bottom + bottom % 2
        return Sprite(self.frame.crop((left, top, right, bottom)).convert("RGB"), left, top)
