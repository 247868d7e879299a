"""The signals with marks, suggestions and events; drags and wheel become calls on the model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from veridical.domain.annotation import Annotation, Suggestion
from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Segment
from veridical.domain.viewing import ViewedSignal
from veridical.gui.annotate.view_model import AnnotateModel, AnnotateScreen, label_words
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.lanes import Lane, lane_at, lay_out
from veridical.gui.common.scaling import lane_offsets, time_ticks
from veridical.gui.common.scene_renderer import RenderedScene, SceneRenderer
from veridical.gui.common.tokens import LABEL_COLOURS, SMALL_PT, Theme, argb
from veridical.gui.common.trace_axes import (
    TraceFrame,
    cosmetic,
    paint_grid,
    paint_labels,
    paint_scale_bars,
    paint_zero_lines,
    tick_positions,
)
from veridical.gui.common.trace_painter import Group, Run, Scene

_TOP_PX = 26.0
_DRAG_PX = 4.0


@dataclass(frozen=True, eq=False)
class SceneRequest:
    """What the renderer needs; frozen, so that it can cross threads."""

    signals: tuple[ViewedSignal, ...]
    lanes: tuple[Lane, ...]
    spans: tuple[float, ...]
    start_s: float
    stop_s: float
    width_px: int
    height_px: int
    ratio: float
    theme: Theme

    def build(self) -> Scene:
        """Cut the window out of every signal, each channel around its own middle."""
        groups = []
        for signal, span in zip(self.signals, self.spans, strict=True):
            runs = tuple(
                self._read(signal, s)
                for segment in signal.timeline.segments_between(self.start_s, self.stop_s)
                for s in segment.straight_pieces()
            )
            offsets = lane_offsets(_thin(runs, len(signal.labels), self.start_s, self.stop_s), signal.role)
            groups.append(Group(runs, offsets, span, argb(self.theme.role(signal.role))))
        return Scene(tuple(groups), self.lanes, self.start_s, self.stop_s, self.width_px, self.height_px, self.ratio)

    def _read(self, signal: ViewedSignal, piece: Segment) -> Run:
        """Read the part of a straight stretch that is in the window."""
        first = max(0, int((self.start_s - piece.start_s) / piece.period_s) - 1)
        stop = min(piece.n, int((self.stop_s - piece.start_s) / piece.period_s) + 2)
        samples = signal.source.read(piece.first + first, piece.first + max(first, stop))
        return Run(samples, piece.start_s + first * piece.period_s, piece.period_s)


def _thin(runs: tuple[Run, ...], n_channels: int, start_s: float, stop_s: float) -> FloatArray:
    """Take at most some hundred samples of each run in the window."""
    parts = []
    for run in runs:
        first = max(0, int((start_s - run.start_s) / run.period_s))
        last = min(run.samples.shape[1], int((stop_s - run.start_s) / run.period_s) + 1)
        if last > first:
            parts.append(run.samples[:, first : last : max(1, (last - first) // 500)])
    return np.concatenate(parts, axis=1).astype(np.float64) if parts else np.empty((n_channels, 0))


class TraceCanvas(QWidget):
    """Draws the model's screen; decides nothing."""

    # Emitted after the model was changed by mouse or wheel.
    acted = Signal()
    # Emitted for the Tab key: go to the next suggestion.
    next_wanted = Signal()

    def __init__(self, appearance: Appearance, model: AnnotateModel, marks_one_channel: Callable[[], bool]) -> None:
        super().__init__()
        self._appearance, self._model = appearance, model
        self._marks_one_channel = marks_one_channel
        self._renderer = SceneRenderer()
        self._renderer.ready.connect(self._on_ready, Qt.ConnectionType.QueuedConnection)
        self._rendered: RenderedScene | None = None
        self._lanes: tuple[Lane, ...] = ()
        self._pressed: QPointF | None = None
        self._is_dragging = False
        self.active_role = "EEG"
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(400, 260)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Signals")
        appearance.changed.connect(self.redraw)

    @property
    def is_current(self) -> bool:
        """Whether the traces shown belong to the window asked for."""
        screen, rendered = self._model.screen, self._rendered
        return rendered is not None and (rendered.scene.start_s, rendered.scene.stop_s) == (
            screen.start_s,
            screen.stop_s,
        )

    def redraw(self) -> None:
        """Ask for new traces and repaint what lies over them."""
        area, screen = self._area(), self._model.screen
        self._lanes = lay_out([(s.role, s.labels) for s in self._model.signals], area.height())
        if self._model.signals and area.width() > 8:
            request = SceneRequest(
                self._model.signals,
                self._lanes,
                tuple(span for _, span in screen.spans),
                screen.start_s,
                screen.stop_s,
                round(area.width()),
                round(area.height()),
                self.devicePixelRatioF(),
                self._appearance.theme,
            )
            self._renderer.request(request.build)
        else:
            self._rendered = None
        self.update()

    def close_renderer(self) -> None:
        """Stop the thread."""
        self._renderer.close()

    def focusNextPrevChild(self, is_next: bool) -> bool:  # noqa: N802
        """Tab goes to the next suggestion while there is one; Shift+Tab leaves as usual."""
        if is_next and self._model.screen.suggestions:
            self.next_wanted.emit()
            return True
        return super().focusNextPrevChild(is_next)

    # Painting ---------------------------------------------------------------------------------------
    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme, screen, area = self._appearance.theme, self._model.screen, self._area()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.sunken))
        ticks = time_ticks(screen.start_s, screen.stop_s, area.width())
        paint_grid(painter, area, tick_positions(ticks, screen.start_s, screen.stop_s, area), theme)
        paint_zero_lines(painter, [lane for lane in self._lanes if lane.role != "EEG"], area, theme)
        painter.setClipRect(area.adjusted(0, -_TOP_PX, 0, 0))
        self._paint_events(painter, screen, area, theme)
        for annotation in screen.annotations.touching(screen.start_s, screen.stop_s):
            self._paint_mark(painter, annotation, annotation == screen.selected, area, theme)
        self._paint_traces(painter, screen, area)
        for annotation in screen.annotations.touching(screen.start_s, screen.stop_s):
            self._paint_tag_of(painter, annotation, area, theme)
        for suggestion in screen.suggestions:
            if suggestion.onset_s < screen.stop_s and suggestion.onset_s + suggestion.duration_s > screen.start_s:
                self._paint_suggestion(painter, suggestion, suggestion == screen.chosen, area, theme)
        if screen.pending is not None:
            pen = QPen(QColor(theme.accent), 1.5, Qt.PenStyle.DashLine)
            for box in self._boxes(screen.pending.start_s, screen.pending.stop_s, screen.pending.channels, area):
                painter.setPen(pen)
                painter.setBrush(_tint(theme.accent, 36))
                painter.drawRect(box)
        painter.setClipping(False)
        paint_labels(painter, self._lanes, area, theme)
        paint_scale_bars(painter, self._lanes, [span for _, span in screen.spans], area, theme)
        painter.end()

    def _paint_traces(self, painter: QPainter, screen: AnnotateScreen, area: QRectF) -> None:
        rendered = self._rendered
        if rendered is None:
            return
        # An older picture is moved to where it belongs until the new one is there: nothing jumps.
        scale = area.width() / screen.seconds
        left = area.left() + (rendered.scene.start_s - screen.start_s) * scale
        width = (rendered.scene.stop_s - rendered.scene.start_s) * scale
        image = rendered.image
        if self.is_current and image.deviceIndependentSize().width() == round(area.width()):
            painter.drawImage(area.topLeft(), image)
        else:
            painter.drawImage(QRectF(left, area.top(), width, area.height()), image, QRectF(image.rect()))

    def _paint_events(self, painter: QPainter, screen: AnnotateScreen, area: QRectF, theme: Theme) -> None:
        painter.setFont(make_font(SMALL_PT))
        metrics = QFontMetricsF(painter.font())
        free_from = area.left()
        for onset_s, words in screen.events:
            if not screen.start_s <= onset_s <= screen.stop_s:
                continue
            x = self._x(onset_s, area)
            if words == "rating":
                painter.setPen(cosmetic(theme.markers, 150))
                painter.drawLine(QLineF(x, area.top() - 6, x, area.top()))
                continue
            painter.setPen(cosmetic(theme.markers, 150, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
            width = metrics.horizontalAdvance(words) + 6
            if x >= free_from:
                painter.setPen(QColor(theme.markers))
                painter.drawText(QRectF(x + 3, area.top() - 22, width, 18), Qt.AlignmentFlag.AlignLeft, words)
                free_from = x + width + 6

    def _paint_mark(self, painter: QPainter, mark: Annotation, is_selected: bool, area: QRectF, theme: Theme) -> None:
        colour = LABEL_COLOURS.get(mark.label, LABEL_COLOURS["other"])
        for box in self._boxes(mark.onset_s, mark.stop_s, mark.channels, area):
            painter.setPen(QPen(QColor(theme.text if is_selected else colour), 2 if is_selected else 1))
            painter.setBrush(_tint(colour, 90 if is_selected else 56))
            painter.drawRect(box)

    def _paint_tag_of(self, painter: QPainter, mark: Annotation, area: QRectF, theme: Theme) -> None:
        colour = LABEL_COLOURS.get(mark.label, LABEL_COLOURS["other"])
        boxes = self._boxes(mark.onset_s, mark.stop_s, mark.channels, area)
        if boxes:
            _paint_tag(painter, boxes[0], label_words(mark.label), colour, theme, area)

    def _paint_suggestion(
        self, painter: QPainter, suggestion: Suggestion, is_chosen: bool, area: QRectF, theme: Theme
    ) -> None:
        colour = LABEL_COLOURS.get(suggestion.label, LABEL_COLOURS["other"])
        boxes = self._boxes(suggestion.onset_s, suggestion.onset_s + suggestion.duration_s, suggestion.channels, area)
        for box in boxes:
            painter.setPen(
                QPen(QColor(theme.accent if is_chosen else colour), 2 if is_chosen else 1, Qt.PenStyle.DashLine)
            )
            painter.setBrush(_tint(theme.accent, 20) if is_chosen else Qt.BrushStyle.NoBrush)
            painter.drawRect(box)
        if boxes and is_chosen:
            _paint_tag(painter, boxes[0], f"{label_words(suggestion.label)}?", theme.accent, theme, area)

    def _boxes(self, start_s: float, stop_s: float, channels: tuple[str, ...], area: QRectF) -> list[QRectF]:
        left, right = self._x(start_s, area), self._x(stop_s, area)
        left, right = max(left, area.left() - 4), min(right, area.right() + 4)
        width = max(2.0, right - left)
        if not channels:
            return [QRectF(left, area.top(), width, area.height())]
        rows = [lane for lane in self._lanes if lane.label in channels]
        return [QRectF(left, area.top() + lane.top_px, width, lane.height_px) for lane in rows]

    # Mouse ------------------------------------------------------------------------------------------
    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton and self._area().contains(event.position()):
            self._pressed, self._is_dragging = event.position(), False
            self._note_role(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pressed is None:
            return
        if abs(event.position().x() - self._pressed.x()) > _DRAG_PX:
            self._is_dragging = True
        if self._is_dragging:
            self._drag_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pressed is None:
            return
        if self._is_dragging:
            self._drag_to(event)
        else:
            lane = lane_at(self._lanes, self._pressed.y() - self._area().top())
            self._model.select_at(self._time(self._pressed.x()), lane.label if lane is not None else "")
        self._pressed = None
        self.update()
        self.acted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._note_role(event.position())
            self._model.scale(self.active_role, -1 if notches > 0 else 1)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._model.scroll(-notches * self._model.screen.seconds / 8)
        else:
            self._model.zoom(0.8**notches, self._time(event.position().x()))
        event.accept()
        self.redraw()
        self.acted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.redraw()

    def _drag_to(self, event: QMouseEvent) -> None:
        assert self._pressed is not None
        lane = lane_at(self._lanes, self._pressed.y() - self._area().top())
        is_one = self._marks_one_channel() or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        channels = (lane.label,) if is_one and lane is not None else ()
        self._model.drag(self._time(self._pressed.x()), self._time(event.position().x()), channels)
        self.update()

    def _note_role(self, position: QPointF) -> None:
        lane = lane_at(self._lanes, position.y() - self._area().top())
        if lane is not None:
            self.active_role = lane.role

    def _area(self) -> QRectF:
        return TraceFrame(self.width(), self.height(), top_px=_TOP_PX).traces

    def _x(self, time_s: float, area: QRectF) -> float:
        return area.left() + (time_s - self._model.screen.start_s) / self._model.screen.seconds * area.width()

    def _time(self, x: float) -> float:
        area = self._area()
        return self._model.screen.start_s + (x - area.left()) / area.width() * self._model.screen.seconds

    def _on_ready(self) -> None:
        self._rendered = self._renderer.take()
        self.update()


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
