"""Paints questions: discs, lines with thumbs, options and a box to write in."""

from veridical.domain.rating import Scale
from veridical.presenter.canvas import FAINT, INK, LINE, PALE, SOFT, Canvas
from veridical.presenter.picture_files import GREY
from veridical.presenter.scale_layout import (
    Box,
    ScaleLayout,
    SliderLayout,
    lay_out,
    lay_out_choice,
    lay_out_sliders,
    lay_out_typing,
)
from veridical.presenter.texts import Texts
from veridical.presenter.typeface import Font, Typeface

_WIDEST = 0.88  # of the screen's width


class ScalePainter:
    """Paints on a canvas of its screen's size; decides nothing about where things lie (``scale_layout`` does)."""

    def __init__(self, typeface: Typeface, texts: Texts) -> None:
        self._face = typeface
        self._texts = texts

    def likert(self, canvas: Canvas, scale: Scale, selected: int | None) -> None:
        """Paint discs with numbers, their anchors and the button."""
        layout = lay_out(scale, canvas.width_px, canvas.height_px)
        self._question(canvas, scale.question, layout.question_y, self._face.strong)
        for value, x in layout.steps:
            is_chosen = value == selected
            canvas.disc(x, layout.steps_y, layout.radius, PALE if is_chosen else FAINT, INK if is_chosen else LINE)
            canvas.words(x, layout.steps_y, str(value), self._fitting(str(value), 1.7 * layout.radius))
        self._anchors(canvas, layout, scale)
        self.button(canvas, layout.button, is_ready=selected is not None)
        self.hint(canvas, "rating_hint", layout.hint_y)

    def choice(self, canvas: Canvas, scale: Scale, selected: int | None, *, has_picture: bool) -> None:
        """Paint options as pills, each with its number, and the button."""
        layout = lay_out_choice(scale, canvas.width_px, canvas.height_px, has_picture=has_picture)
        self._question(canvas, scale.question, layout.question_y, self._face.strong)
        for k, (box, words) in enumerate(zip(layout.boxes, scale.shown_options, strict=True), start=1):
            is_chosen = k == selected
            canvas.pill(box, PALE if is_chosen else FAINT, INK if is_chosen else LINE)
            left, top, right, bottom = box
            middle = (top + bottom) / 2
            inset = 0.45 * (bottom - top)
            if k < 10:
                canvas.words(left + inset, middle, str(k), self._face.small, SOFT)
            font = self._fitting(words, right - left - 3.2 * inset, self._face.body)
            canvas.words((left + right) / 2, middle, words, font)
        is_ready = selected is not None or scale.is_optional
        self.button(canvas, layout.button, is_ready=is_ready)
        if layout.hint_y is not None:
            self.hint(canvas, "choice_hint", layout.hint_y)

    def slider(self, canvas: Canvas, scales: tuple[Scale, ...], row: int) -> None:
        """Paint one row of a panel: question, line and anchors, without its thumb."""
        layout, scale = lay_out_sliders(scales, canvas.width_px, canvas.height_px), scales[row]
        place = layout.rows[row]
        self._question(canvas, scale.question, place.question_y, self._face.strong)
        half = max(1.0, 0.004 * canvas.height_px)
        if scale.kind == "affective-slider" and not (scale.low or scale.high):
            canvas.wedge(place.left, place.right, place.track_y + half, 0.03 * canvas.height_px)
        track = (place.left - half, place.track_y - half, place.right + half, place.track_y + half)
        canvas.box(track, LINE)
        tick = 0.012 * canvas.height_px
        for x in (place.left, place.right):
            canvas.box((x - half / 2, place.track_y - tick, x + half / 2, place.track_y + tick), LINE)
        room = (place.right - place.left) / 3
        # Words in the middle would invite to the middle; the ends suffice on a line.
        for x, words in ((place.left, scale.low), (place.right, scale.high)):
            lines = self._face.wrap(words, self._face.small, room)
            canvas.lines(x, place.anchors_y, lines, self._face.small)

    def slider_frame(self, canvas: Canvas, scales: tuple[Scale, ...], *, is_ready: bool) -> None:
        """Paint what a panel of sliders shares: the button and how to use it."""
        layout = lay_out_sliders(scales, canvas.width_px, canvas.height_px)
        self.button(canvas, layout.button, is_ready=is_ready)
        self.hint(canvas, "sliders_hint" if len(scales) > 1 else "slider_hint", layout.hint_y)

    def thumb(
        self, canvas: Canvas, layout: SliderLayout, at: tuple[float, float], *, is_touched: bool, is_focused: bool
    ) -> None:
        """Paint a thumb: grey and hollow until it was touched, white then; with a ring if the keys move it."""
        if is_focused:
            canvas.disc(*at, 1.35 * layout.thumb_radius, GREY, INK)
        canvas.disc(*at, layout.thumb_radius, PALE if is_touched else GREY, INK if is_touched else LINE)

    def typing(self, canvas: Canvas, scale: Scale, typed: str) -> None:
        """Paint the question and a box with what was typed."""
        layout = lay_out_typing(canvas.width_px, canvas.height_px)
        self._question(canvas, scale.question, layout.question_y, self._face.strong)
        canvas.pill(layout.box, FAINT, LINE, radius=0.012 * canvas.height_px)
        left, top, right, bottom = layout.box
        margin = 0.025 * canvas.height_px
        font, step = self._face.small, 1.35 * self._face.small.size
        n_lines = int((bottom - top - 1.5 * margin) / step)
        lines = self._face.wrap(typed, font, right - left - 2 * margin)[-n_lines:] or [""]
        for k, line in enumerate(lines):
            canvas.words(left + margin, top + margin + k * step, line, font, anchor="la")
        end = left + margin + font.getlength(lines[-1]) + 0.004 * canvas.height_px
        end_y = top + margin + (len(lines) - 1) * step
        canvas.box((end, end_y, end + canvas.line_px, end_y + font.size), INK)
        self.button(canvas, layout.button, is_ready=bool(typed.strip()) or scale.is_optional)
        self.hint(canvas, "text_hint", layout.hint_y)

    def button(self, canvas: Canvas, box: Box, *, is_ready: bool) -> None:
        """Paint the button that confirms; its words are faint until it would do something."""
        canvas.pill(box, PALE if is_ready else GREY, INK if is_ready else LINE)
        left, top, right, bottom = box
        words = self._texts.get("confirm")
        font = self._fitting(words, 0.8 * (right - left), self._face.small)
        canvas.words((left + right) / 2, (top + bottom) / 2, words, font, INK if is_ready else LINE)

    def hint(self, canvas: Canvas, key: str, y: float) -> None:
        """Write how to answer, in one or two lines."""
        lines = self._face.balance(self._texts.get(key), self._face.small, _WIDEST * canvas.width_px)
        canvas.lines(canvas.width_px / 2, y - self._face.small.size / 2, lines, self._face.small, SOFT)

    def _question(self, canvas: Canvas, words: str, y: float, font: Font) -> None:
        """Write a question, its last line centred on ``y``, so that a long one grows upwards."""
        lines = self._face.balance(words, font, _WIDEST * canvas.width_px)
        for k, line in enumerate(reversed(lines)):
            canvas.words(canvas.width_px / 2, y - 1.3 * font.size * k, line, font)

    def _anchors(self, canvas: Canvas, layout: ScaleLayout, scale: Scale) -> None:
        """Write the anchors under the first, middle and last step."""
        first, last = layout.steps[0][1], layout.steps[-1][1]
        room = max(1.6 * layout.spacing, (last - first) / 3)
        for x, words in ((first, scale.low), (canvas.width_px / 2, scale.middle), (last, scale.high)):
            # Two short words stand below each other, as on paper.
            is_short = words.count(" ") == 1
            lines = words.split(" ") if is_short else self._face.wrap(words, self._face.small, room)
            canvas.lines(x, layout.anchors_y, lines, self._face.small)

    def _fitting(self, words: str, room_px: float, largest: Font | None = None) -> Font:
        """The font in which words fit: smaller only where they would not."""
        font = largest or self._face.number
        length = font.getlength(words)
        return font if length <= room_px else font.font_variant(size=max(8, int(font.size * room_px / length)))
