"""The signals with marks, suggestions and events; drags and wheel become calls on the model."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from veridical.domain.annotation import Annotation, AnnotationSet
from veridical.domain.errors import VeridicalError
from veridical.domain.landmarks import Landmarks
from veridical.gui.annotate.band_painter import BandPainter, BandPicture
from veridical.gui.annotate.bands import TOP_PX, PlacedBand, Window, place_bands
from veridical.gui.annotate.mark_table import MarkTable
from veridical.gui.annotate.overlays import (
    paint_between,
    paint_cursor,
    paint_events,
    paint_landmarks,
    paint_names,
    paint_outline,
    paint_scales,
    paint_suggestions,
    paint_tags,
    paint_ticks,
)
from veridical.gui.annotate.view_model import AnnotateModel
from veridical.gui.annotate.view_settings import ViewSettings
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.lanes import lane_at
from veridical.gui.common.scene_renderer import SceneRenderer

_DRAG_PX = 4.0
# Nearer than this to an edge of the selected mark, a drag moves the edge.
_EDGE_PX = 5.0
_LATE_MS = 40
_Bands = tuple[PlacedBand, ...]
_Pictures = tuple[BandPicture, ...]


def _make_painter() -> Callable[[_Bands], _Pictures]:
    """One painter for each band, in the renderer's thread."""
    painters = (BandPainter(), BandPainter())

    def paint(bands: _Bands) -> _Pictures:
        return tuple(painter.paint(placed.band) for painter, placed in zip(painters, bands, strict=False))

    return paint


class TraceCanvas(QWidget):
    """Draws the model's screen; decides nothing."""

    # Emitted after the model was changed by mouse or wheel.
    acted = Signal()
    # Emitted with a sentence when an act of the mouse could not be done.
    refused = Signal(str)
    # Emitted for the Tab key: go to the next suggestion.
    next_wanted = Signal()
    # Emitted with a sentence when signals cannot be drawn, empty when they can again.
    problem_changed = Signal(str)
    # Emitted after other signals came on screen.
    painted = Signal()

    def __init__(self, appearance: Appearance, model: AnnotateModel, marks_one_channel: Callable[[], bool]) -> None:
        super().__init__()
        self._appearance, self._model = appearance, model
        self._marks_one_channel = marks_one_channel
        self._settings = ViewSettings()
        self._landmarks = Landmarks()
        self._renderer: SceneRenderer[_Bands, _Pictures] = SceneRenderer(_make_painter)
        self._renderer.bell.ready.connect(self._on_ready, Qt.ConnectionType.QueuedConnection)
        self._renderer.bell.failed.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        self._pictures: _Pictures = ()
        self._bands: _Bands = ()
        self._table: tuple[AnnotationSet, MarkTable] | None = None
        self._backdrop: tuple[tuple[object, ...], QPixmap] | None = None
        self._problem = ""
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_LATE_MS)
        self._late.timeout.connect(self.update)
        self._pressed: QPointF | None = None
        self._edge: tuple[Annotation, float] | None = None
        self._is_dragging = False
        self.active_role = "EEG"
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(400, 260)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Signals")
        appearance.changed.connect(self.redraw)

    @property
    def is_current(self) -> bool:
        """Whether the signals shown are those asked for."""
        return bool(self._bands) and [p.band for p in self._pictures] == [b.band for b in self._bands]

    @property
    def bands(self) -> _Bands:
        """What is asked for: the main band, and skin conductance's own if it has one."""
        return self._bands

    @property
    def settings(self) -> ViewSettings:
        """How the signals are shown."""
        return self._settings

    def show_settings(self, settings: ViewSettings) -> None:
        """Show the signals otherwise."""
        self._settings = settings
        self.redraw()

    def show_landmarks(self, landmarks: Landmarks) -> None:
        """Show heart beats and skin responses."""
        self._landmarks = landmarks
        self.redraw()

    def redraw(self) -> None:
        """Ask for new signals and repaint what lies over them."""
        screen = self._model.screen
        if self._table is None or self._table[0] is not screen.annotations:
            self._table = screen.annotations, MarkTable.of(screen.annotations.annotations, self._model.label_colour)
        window = Window(
            self._model.signals, dict(screen.spans), screen.start_s, screen.seconds, screen.length_s, self._table[1],
            self._landmarks,
        )  # fmt: skip
        size = (self.width(), self.height())
        bands, problem = place_bands(window, self._settings, size, self.devicePixelRatioF(), self._appearance.theme)
        self._tell(problem)
        self._bands = bands
        if bands:
            self._renderer.request(bands)
        else:
            self._renderer.forget()
            self._pictures = ()
            self.update()
        # Painted once, with the new signals; if they take longer, the old ones are moved there meanwhile.
        self._late.start()

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
        theme, screen = self._appearance.theme, self._model.screen
        painter = QPainter(self)
        self._paint_backdrop(painter)
        for k, placed in enumerate(self._bands):
            self._paint_signals(painter, k, placed)
            paint_ticks(painter, placed, theme)
            painter.setClipRect(placed.area.adjusted(0, -TOP_PX if k == 0 else 0, 0, 0))
            paint_events(painter, placed, screen.events, theme, has_words=k == 0)
            paint_landmarks(painter, placed, self._pictures[k] if k < len(self._pictures) else None, theme)
            if k:
                paint_between(painter, placed, screen.start_s, screen.stop_s, theme)
            if screen.selected is not None:
                mark = screen.selected
                paint_outline(painter, placed, (mark.onset_s, mark.stop_s, mark.channels), theme.text)
            if screen.pending is not None:
                stretch = screen.pending
                paint_outline(
                    painter, placed, (stretch.start_s, stretch.stop_s, stretch.channels), theme.accent, is_open=True
                )
            if screen.cursor_s is not None and screen.pending is None:
                paint_cursor(painter, placed, screen.cursor_s, theme)
            paint_suggestions(painter, placed, screen.suggestions, screen.chosen, theme, self._model)
            if k == 0:
                paint_tags(painter, placed, theme, self._model)
            painter.setClipping(False)
        if not self._bands:
            painter.setPen(QColor(theme.quiet))
            words = "All channels are hidden" if self._model.signals else ""
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
        painter.end()

    def _paint_signals(self, painter: QPainter, k: int, placed: PlacedBand) -> None:
        if k >= len(self._pictures):
            return
        picture, area = self._pictures[k], placed.area
        shown = picture.band
        if (shown.start_s, shown.seconds) == (placed.band.start_s, placed.band.seconds):
            painter.drawImage(area.topLeft(), picture.image)
            return
        # An older picture is moved to where it belongs until the new one is there: nothing jumps.
        painter.save()
        painter.setClipRect(area)
        painter.fillRect(area, QColor(self._appearance.theme.sunken))
        left, right = placed.x(shown.start_s), placed.x(shown.start_s + shown.seconds)
        target = QRectF(left, area.top(), right - left, shown.height_px)
        painter.drawImage(target, picture.image, QRectF(picture.image.rect()))
        painter.restore()

    def _paint_backdrop(self, painter: QPainter) -> None:
        """Everything around the signals; what they cover is not drawn twice."""
        backdrop, ratio = self._find_backdrop(), self.devicePixelRatioF()
        covered = [
            QRectF(placed.area.topLeft(), picture.image.deviceIndependentSize())
            for placed, picture in zip(self._bands, self._pictures, strict=False)
        ]
        if len(covered) != len(self._bands) or not covered:
            painter.drawPixmap(0, 0, backdrop)
            return
        width, left, right = float(self.width()), covered[0].left(), covered[0].right()
        edges = [0.0, *(edge for box in covered for edge in (box.top(), box.bottom())), float(self.height())]
        strips = [QRectF(0, top, width, bottom - top) for top, bottom in zip(edges[::2], edges[1::2], strict=True)]
        for box in covered:
            strips.append(QRectF(0, box.top(), left, box.height()))
            strips.append(QRectF(right, box.top(), width - right, box.height()))
        for box in strips:
            source = QRectF(box.x() * ratio, box.y() * ratio, box.width() * ratio, box.height() * ratio)
            painter.drawPixmap(box, backdrop, source)

    def _find_backdrop(self) -> QPixmap:
        """Names and scales beside the signals, painted when they change."""
        theme, ratio = self._appearance.theme, self.devicePixelRatioF()
        spans = tuple(p.spans for p in self._pictures)
        parts = tuple((b.band.lanes, tuple(b.band.kind(s) for s in b.band.strips), b.area.top()) for b in self._bands)
        factors = tuple(s.factors for b in self._bands for s in b.band.strips)
        wanted = (self.width(), self.height(), ratio, theme, parts, spans, factors)
        if self._backdrop is None or self._backdrop[0] != wanted:
            pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(QColor(theme.sunken))
            painter = QPainter(pixmap)
            for k, placed in enumerate(self._bands):
                paint_names(painter, placed, theme)
                paint_scales(painter, placed, spans[k] if k < len(spans) else (), theme)
            painter.end()
            self._backdrop = (wanted, pixmap)
        return self._backdrop[1]

    # Mouse ------------------------------------------------------------------------------------------
    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton and self._band_at(event.position()) is not None:
            self._pressed, self._is_dragging = event.position(), False
            self._edge = self._edge_at(event.position())
            self._note_role(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pressed is None:
            is_edge = self._edge_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if is_edge else Qt.CursorShape.CrossCursor)
            return
        if abs(event.position().x() - self._pressed.x()) > _DRAG_PX:
            self._is_dragging = True
        if self._is_dragging:
            self._drag_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._pressed is None:
            return
        placed = self._band_at(self._pressed)
        if self._is_dragging and self._edge is not None:
            mark, fixed_s = self._edge
            start_s, stop_s = self._edge_span(event.position(), fixed_s)
            self._act(lambda: self._model.move_edge(mark, start_s, stop_s))
        elif self._is_dragging:
            self._drag_to(event)
        elif placed is not None:
            channels = self._channels_at(self._pressed)
            self._model.select_at(placed.time(self._pressed.x()), channels[0] if channels else "")
        self._pressed, self._edge = None, None
        self.redraw()
        self.acted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._note_role(event.position())
            self._model.scale(self.active_role, -1 if notches > 0 else 1)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._model.scroll(-notches * self._model.screen.seconds / 8)
        elif self._bands:
            self._model.zoom(0.8**notches, self._bands[0].time(event.position().x()))
        event.accept()
        self.redraw()
        self.acted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.redraw()

    def _drag_to(self, event: QMouseEvent) -> None:
        assert self._pressed is not None
        placed = self._band_at(self._pressed)
        if placed is None:
            return
        if self._edge is not None:
            # Shown as a stretch until the button is let go; the mark stays as it is.
            mark, fixed_s = self._edge
            self._model.show_stretch(*self._edge_span(event.position(), fixed_s), mark)
            self.update()
            return
        is_one = self._marks_one_channel() or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        channels = self._channels_at(self._pressed) if is_one else ()
        self._model.drag(placed.time(self._pressed.x()), placed.time(event.position().x()), channels)
        self.update()

    def _edge_at(self, position: QPointF) -> tuple[Annotation, float] | None:
        """The selected mark and its other edge, if one of its edges is under a point."""
        placed, mark = self._band_at(position), self._model.screen.selected
        if placed is None or mark is None:
            return None
        if abs(placed.x(mark.onset_s) - position.x()) <= _EDGE_PX:
            return mark, mark.stop_s
        return (mark, mark.onset_s) if abs(placed.x(mark.stop_s) - position.x()) <= _EDGE_PX else None

    def _edge_span(self, position: QPointF, fixed_s: float) -> tuple[float, float]:
        placed = self._band_at(self._pressed) if self._pressed is not None else None
        moved_s = self._model.snapped(placed.time(position.x())) if placed is not None else fixed_s
        return min(moved_s, fixed_s), max(moved_s, fixed_s)

    def _act(self, act: Callable[[], None]) -> None:
        """Do what changes marks; what goes wrong is told as a problem of the page."""
        try:
            act()
        except VeridicalError as error:
            self.refused.emit(str(error))

    def _band_at(self, position: QPointF) -> PlacedBand | None:
        return next((b for b in self._bands if b.area.contains(position)), None)

    def _channels_at(self, position: QPointF) -> tuple[str, ...]:
        """Recorded channels of the lane under a point; none where all channels share one lane."""
        placed = self._band_at(position)
        lane = lane_at(placed.band.lanes, position.y() - placed.area.top()) if placed is not None else None
        if placed is None or lane is None or (placed.band.is_butterfly and lane.role == "EEG"):
            return ()
        return placed.band.channels_of(lane)

    def _note_role(self, position: QPointF) -> None:
        placed = self._band_at(position)
        lane = lane_at(placed.band.lanes, position.y() - placed.area.top()) if placed is not None else None
        if lane is not None:
            self.active_role = lane.role

    def _on_ready(self) -> None:
        pictures = self._renderer.take()
        if pictures is not None and self._bands:
            self._pictures = pictures
            self._late.stop()
            self.update()
            self.painted.emit()

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self.problem_changed.emit(problem)
