"""Pictures of views, painted with our own typeface, the same on every system and without a display.

A view is a few layers: what takes long to paint is painted once and kept; a slider's thumb is only moved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from veridical.domain.protocol import scale_groups
from veridical.domain.rating import Scale
from veridical.domain.view import View
from veridical.presenter.canvas import INK, SOFT, Canvas, Sprite
from veridical.presenter.picture_files import GREY
from veridical.presenter.scale_layout import GLANCE_SIZE, GLANCE_Y, lay_out_sliders
from veridical.presenter.scale_painter import ScalePainter
from veridical.presenter.texts import Texts
from veridical.presenter.typeface import Font, Typeface

__all__ = ["INK", "Layer", "Placed", "Sprite", "ViewPainter"]

_LINE_SPACING = 1.5
_TEXT_WIDTH = 1.05  # of the height, so that lines stay readable on wide screens
_PICTURE_SHARE = 0.8
_CORNER = 0.05

LayerKind = Literal["text", "fixation", "picture", "glance", "question", "typing", "slider", "slider-frame", "thumb"]


@dataclass(frozen=True)
class Layer:
    """What one painted image shows; equal layers look the same.

    Parameters
    ----------
    name : str
        Words of a text, id of a picture or scale.
    number : int or None
        The value chosen, or the row of a slider.
    among : tuple of str
        Ids of the sliders that share the panel, from top to bottom.
    is_on : bool
        A thumb that was touched, a panel that can be confirmed, a question with a picture above it.
    """

    kind: LayerKind
    name: str = ""
    number: int | None = None
    text: str = ""
    among: tuple[str, ...] = ()
    is_on: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether it is worth keeping: what is being typed is never seen again."""
        return self.kind != "typing" or not self.text


@dataclass(frozen=True)
class Placed:
    """A layer, and where its middle goes, in pixels from the top left; None: where it was painted."""

    layer: Layer
    centre: tuple[float, float] | None = None


def fit_inside(
    size: tuple[int, int], width_px: int, height_px: int, share: tuple[float, float] = (_PICTURE_SHARE, _PICTURE_SHARE)
) -> tuple[int, int, int, int]:
    """Fit a picture or video into the middle of a screen at its own aspect.

    Returns
    -------
    tuple of int
        Width, height, left and top in pixels from the screen's top left; even sizes fall on whole pixels.
    """
    factor = min(share[0] * width_px / size[0], share[1] * height_px / size[1])
    width, height = (max(2, 2 * round(side * factor / 2)) for side in size)
    return width, height, (width_px - width) // 2, (height_px - height) // 2


class ViewPainter:
    """Paints views for a screen of one size.

    Parameters
    ----------
    width_px, height_px : int
        Size of the screen.
    width_cm : float
        Physical width, for letters of at least 18 pt.
    scales : sequence of Scale
        All that may be asked, in the participant's words.
    """

    def __init__(
        self, width_px: int, height_px: int, width_cm: float, texts: Texts, scales: Sequence[Scale] = ()
    ) -> None:
        self.width_px, self.height_px = width_px, height_px
        self.scales: dict[str, Scale] = {s.id: s for s in scales}
        self._groups = scale_groups(scales)
        self._face = Typeface(width_px, height_px, width_cm, texts)
        self._scale_painter = ScalePainter(self._face, texts)

    @property
    def fonts(self) -> tuple[Font, ...]:
        """Every font that is used."""
        return self._face.body, self._face.small, self._face.strong, self._face.number

    @property
    def corner_px(self) -> int:
        """Side of the photodiode's square in the bottom left corner."""
        return round(_CORNER * self.height_px)

    def layers(self, view: View) -> tuple[Placed, ...]:
        """Return what a view is made of, from back to front; nothing for a blank screen."""
        if view.kind == "sliders":
            return self._slider_layers(view)
        if view.kind == "rating":
            return self._question_layers(view)
        if view.kind == "text":
            return (Placed(Layer("text", view.text)),)
        if view.kind == "picture":
            return (Placed(Layer("picture", view.stimulus_id)),)
        # Whoever listens keeps their eyes on the cross.
        return (Placed(Layer("fixation")),) if view.kind in ("fixation", "sound") else ()

    def layers_of_scales(self, *, has_glances: bool) -> Iterator[Layer]:
        """Every layer that questions are made of, but for what is typed."""
        for group in self._groups:
            ids = tuple(s.id for s in group)
            for scale in group:
                if scale.is_slider:
                    for row in range(len(group)):
                        # Any slider may come to stand in any row; the others' order does not show in it.
                        yield self._slider_layer(scale.id, row, len(group))
                    continue
                values = (None, *range(round(scale.low_value), round(scale.high_value) + 1))
                for number in values if scale.kind != "text" else ():
                    yield Layer("question", scale.id, number)
                    if has_glances and scale.kind == "choice":
                        yield Layer("question", scale.id, number, is_on=True)
                if scale.kind == "text":
                    yield Layer("typing", scale.id)
            if group[0].is_slider:
                for is_on in (False, True):
                    yield Layer("slider-frame", number=len(ids), is_on=is_on)
                    yield from (Layer("thumb", number=focus, is_on=is_on) for focus in (0, 1))

    def paint(self, view: View, scale: Scale | None = None, picture: Image.Image | None = None) -> Image.Image:
        """Paint a whole screen; a view with a picture needs it, a question its scale, if it is not known yet."""
        if scale is not None:
            self.scales[scale.id] = scale
        frame = Image.new("RGB", (self.width_px, self.height_px), GREY)
        for placed in self.layers(view):
            sprite = self.sprite_of(placed.layer, picture)
            left, top = sprite.left, sprite.top
            if placed.centre is not None:
                left = round(placed.centre[0] - sprite.image.width / 2)
                top = round(placed.centre[1] - sprite.image.height / 2)
            frame.paste(sprite.image, (left, top))
        side = self.corner_px
        frame.paste((255, 255, 255) if view.corner else (0, 0, 0), (0, self.height_px - side, side, self.height_px))
        return frame

    def sprite_of(self, layer: Layer, picture: Image.Image | None = None) -> Sprite:
        """Paint one layer, cropped; one with a picture needs it."""
        if layer.kind in ("picture", "glance"):
            assert picture is not None
            share = (_PICTURE_SHARE, _PICTURE_SHARE) if layer.kind == "picture" else GLANCE_SIZE
            return self._picture(picture, share, 0.5 if layer.kind == "picture" else GLANCE_Y)
        canvas = Canvas(self.width_px, self.height_px)
        if layer.kind == "text":
            self._text(canvas, layer.name)
        elif layer.kind == "fixation":
            self._cross(canvas)
        elif layer.kind == "question":
            self._question(canvas, layer)
        elif layer.kind == "typing":
            self._scale_painter.typing(canvas, self.scales[layer.name], layer.text)
        else:
            self._slider_part(canvas, layer)
        return canvas.sprite()

    # Layers -----------------------------------------------------------------------------------------
    def _question_layers(self, view: View) -> tuple[Placed, ...]:
        scale = self.scales[view.scale_id]
        if scale.kind == "text":
            return (Placed(Layer("typing", scale.id, text=view.text)),)
        question = Placed(Layer("question", scale.id, view.selected, is_on=bool(view.stimulus_id)))
        return (Placed(Layer("glance", view.stimulus_id)), question) if view.stimulus_id else (question,)

    def _slider_layers(self, view: View) -> tuple[Placed, ...]:
        scales = [self.scales[s.scale_id] for s in view.sliders]
        layout = lay_out_sliders(scales, self.width_px, self.height_px)
        placed = [Placed(Layer("slider-frame", number=len(scales), is_on=view.is_ready))]
        placed += [Placed(self._slider_layer(s.id, row, len(scales))) for row, s in enumerate(scales)]
        for row, (place, slider, scale) in enumerate(zip(layout.rows, view.sliders, scales, strict=True)):
            step = scale.middle_step if slider.step is None else slider.step
            centre = (place.x_of(step), place.track_y)
            is_focused = len(scales) > 1 and row == view.focus
            placed.append(Placed(Layer("thumb", number=int(is_focused), is_on=slider.step is not None), centre))
        return tuple(placed)

    def _slider_layer(self, scale_id: str, row: int, n_rows: int) -> Layer:
        # Only the number of rows matters for where this one lies.
        return Layer("slider", scale_id, row, among=(scale_id,) * n_rows)

    # Painting ---------------------------------------------------------------------------------------
    def _picture(self, picture: Image.Image, share: tuple[float, float], middle: float) -> Sprite:
        """Fit a picture at its own aspect around the middle; even sizes fall on whole pixels."""
        width, height, left, top = fit_inside(picture.size, self.width_px, self.height_px, share)
        if middle != 0.5:
            top = round(middle * self.height_px) - height // 2
        return Sprite(picture.resize((width, height), Image.Resampling.LANCZOS), left, top)

    def _cross(self, canvas: Canvas) -> None:
        arm, half = round(0.03 * self.height_px), max(1, round(0.003 * self.height_px))
        x, y = self.width_px // 2, self.height_px // 2
        canvas.box((x - arm, y - half, x + arm - 1, y + half - 1), INK)
        canvas.box((x - half, y - arm, x + half - 1, y + arm - 1), INK)

    def _text(self, canvas: Canvas, text: str) -> None:
        """Paint paragraphs, centred; the last of several is the hint how to go on, smaller."""
        limit_px = min(_TEXT_WIDTH * self.height_px, 0.86 * self.width_px)
        paragraphs = text.split("\n\n")
        lines: list[tuple[str, Font]] = []
        for k, paragraph in enumerate(paragraphs):
            font = self._face.small if k == len(paragraphs) - 1 and k > 0 else self._face.body
            if k:
                lines.append(("", self._face.body))
            for words in paragraph.split("\n"):
                lines.extend((line, font) for line in self._face.balance(words, font, limit_px))
        step = self._face.body.size * _LINE_SPACING
        y = self.height_px / 2 - step * (len(lines) - 1) / 2
        for line, font in lines:
            canvas.words(self.width_px / 2, y, line, font, INK if font is self._face.body else SOFT)
            y += step

    def _question(self, canvas: Canvas, layer: Layer) -> None:
        scale = self.scales[layer.name]
        if scale.kind == "choice":
            self._scale_painter.choice(canvas, scale, layer.number, has_picture=layer.is_on)
        else:
            self._scale_painter.likert(canvas, scale, layer.number)

    def _slider_part(self, canvas: Canvas, layer: Layer) -> None:
        some = next(s for s in self.scales.values() if s.is_slider)
        if layer.kind == "slider":
            assert layer.number is not None
            scales = (self.scales[layer.name],) * len(layer.among)
            self._scale_painter.slider(canvas, scales, layer.number)
        elif layer.kind == "slider-frame":
            self._scale_painter.slider_frame(canvas, (some,) * (layer.number or 1), is_ready=layer.is_on)
        else:
            layout = lay_out_sliders((some,), self.width_px, self.height_px)
            middle = (self.width_px / 2, self.height_px / 2)
            self._scale_painter.thumb(canvas, layout, middle, is_touched=layer.is_on, is_focused=layer.number == 1)
