"""What lies over and beside the signals: names, scales, time, events, tags, suggestions, beats, skin responses."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF, QStaticText, QTransform

from veridical.domain.annotation import Suggestion
from veridical.gui.annotate.band_painter import HEAT_FULL_Z, BandPicture, heat_shades
from veridical.gui.annotate.bands import PlacedBand
from veridical.gui.common import wording
from veridical.gui.common.appearance import make_font
from veridical.gui.common.lanes import Lane, labelled
from veridical.gui.common.scaling import time_ticks
from veridical.gui.common.tokens import SMALL_PT, Theme
from veridical.gui.common.trace_axes import GUTTER_PX, cosmetic, paint_scale_bars, tick_positions

Stretch = tuple[float, float, tuple[str, ...]]
# More of a kind than this would be a smear: lines become ticks, words are left out.
_MOST_LINES, _MOST_TAGS, _MOST_BOXES = 60, 400, 300
_BEATS_TO_S, _RESPONSES_TO_S = 60.0, 600.0


class LabelWords(Protocol):
    """Who knows the study's labels."""

    def label_colour(self, label: str) -> str:
        """Colour of a label."""
        ...

    def label_words(self, label: str) -> str:
        """A label as the rater reads it."""
        ...


@lru_cache(maxsize=2048)
def _laid_out(words: str) -> QStaticText:
    """Words whose glyphs are laid out once: half of a frame's time went into them."""
    text = QStaticText(words)
    text.setTextFormat(Qt.TextFormat.PlainText)
    text.prepare(QTransform(), make_font(SMALL_PT))
    return text


def paint_names(painter: QPainter, placed: PlacedBand, theme: Theme) -> None:
    """Write channel names beside their lanes; where they would touch, every second or third."""
    band, area = placed.band, placed.area
    painter.setFont(make_font(SMALL_PT, QFont.Weight.Medium))
    metrics = QFontMetricsF(painter.font())
    height = metrics.height()
    for lane in labelled(_named_lanes(placed), height):
        strip = band.strips[lane.group]
        factor = strip.factors[lane.index]
        words = lane.label if factor == 1 else f"{lane.label} ×{factor:g}"
        if band.kind(strip) == "rate":
            words = "Heart rate"
        painter.setPen(QColor(theme.role(lane.role)))
        box = QRectF(4, area.top() + lane.middle_px - height / 2, GUTTER_PX - 12, height)
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)


def _named_lanes(placed: PlacedBand) -> tuple[Lane, ...]:
    """One lane stands for all that share it."""
    if not placed.band.is_butterfly:
        return placed.band.lanes
    n = sum(lane.role == "EEG" for lane in placed.band.lanes)
    seen: list[Lane] = []
    for lane in placed.band.lanes:
        if lane.role != "EEG":
            seen.append(lane)
        elif lane.index == 0:
            seen.append(Lane(lane.role, f"{n} EEG", lane.group, 0, lane.top_px, lane.height_px))
    return tuple(seen)


def paint_scales(painter: QPainter, placed: PlacedBand, spans: Sequence[float], theme: Theme) -> None:
    """Draw at the right how much signal a height is: a bar, or the colours of a long window."""
    band, area = placed.band, placed.area
    spans = spans or [s.span for s in band.strips]
    if len(spans) != len(band.strips):
        return
    kinds = [band.kind(s) for s in band.strips]
    traced = [lane for lane in band.lanes if kinds[lane.group] == "traces"]
    if band.is_butterfly:
        traced = [lane for lane in traced if lane.role != "EEG" or lane.index == 0]
    paint_scale_bars(painter, traced, spans, area, theme)
    x = area.right() + 10
    painter.setFont(make_font(SMALL_PT))
    for group, kind in enumerate(kinds):
        own = [lane for lane in band.lanes if lane.group == group]
        if not own or kind == "traces":
            continue
        top = area.top() + own[0].top_px
        height = own[-1].top_px + own[-1].height_px - own[0].top_px
        if kind == "rate":
            painter.setPen(QPen(QColor(theme.role("ECG")), 2))
            painter.drawLine(QLineF(x, top, x, top + height))
            _write(painter, x + 8, top + height / 2 - 16, (f"{wording.number(spans[group], 0)}", "beats/min"), theme)
        else:
            _paint_shades(painter, QRectF(x, top + height / 2 - 60, 8, 120), theme)


def _paint_shades(painter: QPainter, box: QRectF, theme: Theme) -> None:
    shades = heat_shades(theme)
    step = box.height() / len(shades)
    for k, shade in enumerate(shades.tolist()):
        painter.fillRect(
            QRectF(box.left(), box.bottom() - (k + 1) * step, box.width(), step + 1), QColor(shade & 0xFFFFFF)
        )
    x = box.right() + 6
    _write(painter, x, box.top() - 8, (f"≥ {HEAT_FULL_Z:g}",), theme)
    _write(painter, x, box.bottom() - 12, ("usual",), theme)
    _write(painter, x, box.center().y() - 16, ("Swing,", "robust z"), theme)


def _write(painter: QPainter, x: float, y: float, lines: tuple[str, ...], theme: Theme) -> None:
    for k, words in enumerate(lines):
        painter.setPen(QColor(theme.text if k == 0 else theme.quiet))
        painter.drawText(QRectF(x, y + 15 * k, 80, 16), Qt.AlignmentFlag.AlignLeft, words)


def paint_ticks(painter: QPainter, placed: PlacedBand, theme: Theme) -> None:
    """Write the times below the signals; their grid lines are in the picture."""
    band, area = placed.band, placed.area
    painter.setFont(make_font(SMALL_PT))
    painter.setPen(QColor(theme.quiet))
    stop_s = band.start_s + band.seconds
    for x, words in tick_positions(time_ticks(band.start_s, stop_s, area.width()), band.start_s, stop_s, area):
        text = _laid_out(words)
        width = text.size().width() + 4
        left = min(max(area.left(), x - width / 2), area.right() - width)
        painter.drawStaticText(QPointF(left + 2, area.bottom() + 7), text)


def paint_events(
    painter: QPainter, placed: PlacedBand, events: Sequence[tuple[float, str]], theme: Theme, *, has_words: bool
) -> None:
    """Draw events as lines; many of them as ticks at the top."""
    band, area = placed.band, placed.area
    stop_s = band.start_s + band.seconds
    seen = [(onset_s, words) for onset_s, words in events if band.start_s <= onset_s <= stop_s]
    painter.setFont(make_font(SMALL_PT))
    free_from = area.left()
    is_crowded = len(seen) > _MOST_LINES
    lines: list[QLineF] = []
    dotted: list[QLineF] = []
    for onset_s, words in seen:
        x = placed.x(onset_s)
        if words == "rating" or is_crowded:
            lines.append(QLineF(x, area.top() - 6, x, area.top()))
            continue
        dotted.append(QLineF(x, area.top(), x, area.bottom()))
        if has_words and x >= free_from:
            painter.setPen(QColor(theme.markers))
            text = _laid_out(words)
            painter.drawStaticText(QPointF(x + 3, area.top() - 22), text)
            free_from = x + text.size().width() + 12
    painter.setPen(cosmetic(theme.markers, 150))
    painter.drawLines(lines)
    painter.setPen(cosmetic(theme.markers, 150, Qt.PenStyle.DotLine))
    painter.drawLines(dotted)


def boxes_of(placed: PlacedBand, stretch: Stretch) -> list[QRectF]:
    """Where a stretch lies: over everything, or on the lanes of its channels."""
    start_s, stop_s, channels = stretch
    area, band = placed.area, placed.band
    if stop_s < band.start_s or start_s > band.start_s + band.seconds:
        return []
    left, right = max(placed.x(start_s), area.left() - 4), min(placed.x(stop_s), area.right() + 4)
    width = max(2.0, right - left)
    if not channels:
        return [QRectF(left, area.top(), width, area.height())]
    rows = [lane for lane in band.lanes if not set(channels).isdisjoint(band.channels_of(lane))]
    if band.is_butterfly and rows:
        rows = list({lane.top_px: lane for lane in rows}.values())
    return [QRectF(left, area.top() + lane.top_px, width, lane.height_px) for lane in rows]


def paint_outline(
    painter: QPainter, placed: PlacedBand, stretch: Stretch, colour: str, *, is_open: bool = False
) -> None:
    """Draw around the selected mark, or dashed around a stretch that still waits for its label."""
    painter.setPen(
        QPen(QColor(colour), 1.5 if is_open else 2, Qt.PenStyle.DashLine if is_open else Qt.PenStyle.SolidLine)
    )
    painter.setBrush(_tint(colour, 36) if is_open else Qt.BrushStyle.NoBrush)
    painter.drawRects(boxes_of(placed, stretch))


def paint_cursor(painter: QPainter, placed: PlacedBand, time_s: float, theme: Theme) -> None:
    """Show where keys begin a stretch."""
    if placed.band.start_s <= time_s <= placed.band.start_s + placed.band.seconds:
        painter.setPen(cosmetic(theme.accent, 220, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(placed.x(time_s), placed.area.top(), placed.x(time_s), placed.area.bottom()))


def paint_between(painter: QPainter, placed: PlacedBand, start_s: float, stop_s: float, theme: Theme) -> None:
    """Show, in a band with a longer window, which part of it the others show."""
    area = placed.area
    painter.setPen(cosmetic(theme.accent, 160))
    painter.setBrush(_tint(theme.accent, 18))
    painter.drawRect(QRectF(placed.x(start_s), area.top(), placed.x(stop_s) - placed.x(start_s), area.height() - 1))


def paint_suggestions(
    painter: QPainter,
    placed: PlacedBand,
    suggestions: Sequence[Suggestion],
    chosen: Suggestion | None,
    theme: Theme,
    labels: LabelWords,
) -> None:
    """Outline what is suggested, the chosen one in the accent with its label."""
    band, area = placed.band, placed.area
    stop_s = band.start_s + band.seconds
    seen = [s for s in suggestions if s.onset_s < stop_s and s.onset_s + s.duration_s > band.start_s]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if len(seen) > _MOST_BOXES:
        painter.setPen(cosmetic(theme.accent, 200))
        painter.drawLines([QLineF(placed.x(s.onset_s), area.top(), placed.x(s.onset_s), area.top() + 5) for s in seen])
        seen = []
    for s in seen:
        painter.setPen(QPen(QColor(labels.label_colour(s.label)), 1, Qt.PenStyle.DashLine))
        painter.drawRects(boxes_of(placed, (s.onset_s, s.onset_s + s.duration_s, s.channels)))
    if chosen is not None:
        boxes = boxes_of(placed, (chosen.onset_s, chosen.onset_s + chosen.duration_s, chosen.channels))
        painter.setPen(QPen(QColor(theme.accent), 2, Qt.PenStyle.DashLine))
        painter.setBrush(_tint(theme.accent, 20))
        painter.drawRects(boxes)
        if boxes:
            _paint_tag(painter, boxes[0], f"{labels.label_words(chosen.label)}?", theme.accent, theme, area)


def paint_tags(painter: QPainter, placed: PlacedBand, theme: Theme, labels: LabelWords) -> None:
    """Write the label at each mark's top, where it fits without covering another."""
    band, area, table = placed.band, placed.area, placed.band.marks
    seen = table.between(band.start_s, band.start_s + band.seconds)
    if len(seen) > _MOST_TAGS:
        return
    painter.setFont(make_font(SMALL_PT, QFont.Weight.Medium))
    metrics = QFontMetricsF(painter.font())
    free: dict[float, float] = {}
    for k in seen.tolist():
        mark = table.marks[k]
        boxes = boxes_of(placed, (mark.onset_s, mark.stop_s, mark.channels))
        if not boxes:
            continue
        words = labels.label_words(mark.label)
        row = boxes[0].top()
        width = metrics.horizontalAdvance(words) + 20
        left = min(max(boxes[0].left(), area.left()), area.right() - width)
        if left < free.get(row, area.left()):
            continue
        free[row] = left + width + 2
        _paint_tag(painter, boxes[0], words, labels.label_colour(mark.label), theme, area)


def paint_landmarks(painter: QPainter, placed: PlacedBand, picture: BandPicture | None, theme: Theme) -> None:
    """Point at R peaks with their RR intervals, and at skin responses with their amplitudes."""
    band, area = placed.band, placed.area
    stop_s = band.start_s + band.seconds
    painter.setFont(make_font(SMALL_PT))
    for group, strip in enumerate(band.strips):
        own = [lane for lane in band.lanes if lane.group == group]
        if not own or picture is None:
            continue
        top, bottom = area.top() + own[0].top_px, area.top() + own[0].top_px + own[0].height_px
        if strip.role == "ECG" and band.seconds <= _BEATS_TO_S:
            _paint_beats(painter, placed, (top, bottom), stop_s, theme)
        elif strip.role == "EDA" and band.seconds <= _RESPONSES_TO_S:
            _paint_responses(painter, placed, (top, bottom), stop_s, theme)


def _paint_beats(painter: QPainter, placed: PlacedBand, rows: tuple[float, float], stop_s: float, theme: Theme) -> None:
    marks = placed.band.landmarks
    first, last = np.searchsorted(marks.beats_s, [placed.band.start_s, stop_s]).tolist()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.ecg))
    top = rows[0]
    places = [placed.x(s) for s in marks.beats_s[first:last].tolist()]
    for x in places:
        painter.drawPolygon(QPolygonF([QPointF(x - 4, top), QPointF(x + 4, top), QPointF(x, top + 6)]))
    painter.setPen(QColor(theme.quiet))
    for k, x in enumerate(places):
        interval_s = float(marks.intervals_s[first + k])
        if not np.isfinite(interval_s):
            continue
        text = _laid_out(f"{round(1000 * interval_s)} ms")
        room = interval_s / placed.band.seconds * placed.area.width()
        width = text.size().width()
        if width + 12 <= room:
            painter.drawStaticText(QPointF(x - room / 2 - width / 2, top - 3), text)


def _paint_responses(
    painter: QPainter, placed: PlacedBand, rows: tuple[float, float], stop_s: float, theme: Theme
) -> None:
    marks = placed.band.landmarks
    first, last = np.searchsorted(marks.responses_s, [placed.band.start_s - 5, stop_s]).tolist()
    bottom = rows[1]
    free_from = placed.area.left()
    for onset_s, peak_s, amplitude_s in zip(
        marks.responses_s[first:last].tolist(), marks.peaks_s[first:last].tolist(),
        marks.amplitudes_s[first:last].tolist(), strict=True,
    ):  # fmt: skip
        left, right = placed.x(onset_s), placed.x(peak_s)
        painter.setPen(QPen(QColor(theme.eda), 2))
        painter.drawLine(QLineF(left, bottom - 4, right, bottom - 4))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.eda))
        painter.drawPolygon(
            QPolygonF([QPointF(left - 4, bottom), QPointF(left + 4, bottom), QPointF(left, bottom - 7)])
        )
        words = f"{amplitude_s * 1e6:.2f} µS"
        width = QFontMetricsF(painter.font()).horizontalAdvance(words)
        if left >= free_from and left + width < placed.area.right():
            painter.setPen(QColor(theme.quiet))
            painter.drawText(QPointF(left + 2, bottom - 9), words)
            free_from = left + width + 8


def _tint(colour: str, alpha: int) -> QColor:
    tint = QColor(colour)
    tint.setAlpha(alpha)
    return tint


def _paint_tag(painter: QPainter, box: QRectF, words: str, colour: str, theme: Theme, area: QRectF) -> None:
    """Write a label at a box's top, on the theme's ground so that it can be read on every tint."""
    painter.setFont(make_font(SMALL_PT, QFont.Weight.Medium))
    width = QFontMetricsF(painter.font()).horizontalAdvance(words) + 20
    left = min(max(box.left(), area.left()), area.right() - width)
    tag = QRectF(left, max(area.top(), box.top()), width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_tint(theme.surface, 225))
    painter.drawRect(tag)
    painter.setBrush(QColor(colour))
    painter.drawRect(QRectF(tag.left() + 5, tag.top() + 6, 8, 8))
    painter.setPen(QColor(theme.text))
    painter.drawText(tag.adjusted(16, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)
