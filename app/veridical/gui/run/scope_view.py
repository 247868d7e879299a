"""The live scope: a thread reads, scales and rasterises; the widget only blits."""

import threading
import time
from collections.abc import Callable

from PySide6.QtCore import QLineF, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from veridical.domain.errors import VeridicalError
from veridical.domain.event import Marker
from veridical.domain.stream import StreamDescription
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.lanes import lane_at
from veridical.gui.common.scaling import step_span
from veridical.gui.common.tokens import SMALL_PT, Theme
from veridical.gui.common.trace_axes import (
    TraceFrame,
    cosmetic,
    paint_grid,
    paint_labels,
    paint_scale_bars,
    paint_zero_lines,
)
from veridical.gui.run.scope_painter import SCOPE_SECONDS, Canvas, ScopeFrame, ScopePainter, ScopeSettings
from veridical.services.live_quality import SECONDS, QualityWatch
from veridical.services.streams import Scope, ScopeTraces

# A little more than 30 a second, so that it stays 30 when the machine is busy.
_FRAME_S = 1 / 32

OpenScope = Callable[[tuple[StreamDescription, ...], float], Scope]


class ScopeThread(QObject):
    """Reads a scope 30 times a second and paints; ``ready`` tells that ``take`` has a new frame."""

    ready = Signal()
    failed = Signal(str)

    def __init__(self, open_scope: OpenScope, canvas: Canvas) -> None:
        super().__init__()
        self._open_scope = open_scope
        self._canvas = canvas
        self._streams: tuple[StreamDescription, ...] = ()
        self._is_outdated = False
        self._settings = ScopeSettings()
        self.quality = QualityWatch()
        self._lock = threading.Lock()
        self._frame: ScopeFrame | None = None
        self._is_taken = True
        self._stop = threading.Event()
        self._is_paused = True
        self._thread = threading.Thread(target=self._run, name="veridical-scope", daemon=True)
        self._thread.start()

    def show_streams(self, streams: tuple[StreamDescription, ...]) -> None:
        """View other streams from the next frame on."""
        self._streams = streams

    def reopen(self) -> None:
        """Open the scope anew with the next frame: its channels play other roles now."""
        self._is_outdated = True

    def resize(self, canvas: Canvas) -> None:
        """Draw at another size from the next frame on."""
        self._canvas = canvas

    def watch_quality(self, line_noise_hz: float) -> None:
        """Begin to judge the signals anew."""
        self.quality = QualityWatch(line_noise_hz)

    def show_settings(self, settings: ScopeSettings) -> None:
        """Scale and filter otherwise from the next frame on."""
        self._settings = settings

    def pause(self, is_paused: bool) -> None:
        """Stop painting while nobody looks."""
        self._is_paused = is_paused

    def take(self) -> ScopeFrame | None:
        """The newest frame."""
        with self._lock:
            self._is_taken = True
            return self._frame

    def close(self) -> None:
        """Stop the thread and the scope's inlets."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        scope: Scope | None = None
        viewed: tuple[StreamDescription, ...] = ()
        painter = ScopePainter()
        due = time.monotonic()
        while not self._stop.is_set():
            began = time.monotonic()
            # Frames are due at fixed times; after a stall the missed ones are left out.
            due = max(due + _FRAME_S, began)
            wanted = self._streams
            if wanted != viewed or self._is_outdated:
                self._is_outdated = False
                if scope is not None:
                    scope.close()
                scope, viewed = self._open(wanted), wanted
                painter = ScopePainter()
            if scope is not None and not self._is_paused:
                settings = self._settings
                traces = scope.traces(settings.filters)
                if self.quality.is_due(began):
                    self.quality.look(scope.raw_traces(SECONDS), began)
                self._publish(painter.paint(traces, scope.markers(), self._canvas, began, settings))
            self._stop.wait(max(0.002, due - time.monotonic()))
        if scope is not None:
            scope.close()

    def _open(self, streams: tuple[StreamDescription, ...]) -> Scope | None:
        if not streams:
            return None
        try:
            return self._open_scope(streams, SCOPE_SECONDS)
        except VeridicalError as error:
            self.failed.emit(str(error))
            return None

    def _publish(self, frame: ScopeFrame) -> None:
        with self._lock:
            self._frame = frame
            was_taken, self._is_taken = self._is_taken, False
        if was_taken:
            self.ready.emit()


def marker_words(name: str) -> str:
    """What stands beside a marker's line; empty for those that would only crowd it."""
    marker = Marker.parse(name)
    head, _, tail = marker.name.partition("/")
    if head == "practice":
        head, _, tail = tail.partition("/")
    if head == "picture":
        return "" if tail == "off" else "picture"
    return {"note": "note", "pause": "pause", "resume": "resume", "block": f"block {tail}"}.get(head, "")


class ScopeView(QWidget):
    """Newest 10 s of every role, with labels, time axis, scale bars and markers.

    A click on a role chooses it, the wheel over it changes its scale.
    """

    role_chosen = Signal(str)
    settings_changed = Signal()

    def __init__(self, appearance: Appearance, open_scope: OpenScope) -> None:
        super().__init__()
        self._appearance = appearance
        self._frame: ScopeFrame | None = None
        self._settings = ScopeSettings()
        self._role = ""
        # Grid, labels and scale bars change once in a while only.
        self._backdrop: tuple[tuple[object, ...], QPixmap] | None = None
        self.setMinimumSize(360, 200)
        self.setAccessibleName("Live signals")
        self.thread_of_scope = ScopeThread(open_scope, self._canvas())
        self.thread_of_scope.ready.connect(self._on_ready, Qt.ConnectionType.QueuedConnection)
        appearance.changed.connect(self._on_resized)

    @property
    def traces(self) -> tuple[ScopeTraces, ...]:
        """Traces of the frame that is shown."""
        return self._frame.traces if self._frame is not None else ()

    @property
    def frame(self) -> ScopeFrame | None:
        """The frame that is shown."""
        return self._frame

    @property
    def settings(self) -> ScopeSettings:
        """How the roles are shown."""
        return self._settings

    @property
    def role(self) -> str:
        """The role that keys work on: the chosen one, else the first."""
        return self._role if self._role in self.roles else next(iter(self.roles), "")

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that are shown, from the top."""
        return () if self._frame is None else tuple(dict.fromkeys(lane.role for lane in self._frame.lanes))

    def choose_role(self, role: str) -> None:
        """Let the keys work on a role."""
        self._role = role
        self._backdrop = None
        self.role_chosen.emit(role)
        self.update()

    def show_settings(self, settings: ScopeSettings) -> None:
        """Scale and filter otherwise."""
        self._settings = settings
        self.thread_of_scope.show_settings(settings)
        self.settings_changed.emit()

    def rescale(self, direction: int) -> None:
        """Show the chosen role larger (+1) or smaller (-1)."""
        frame, role = self._frame, self.role
        if frame is None or not role:
            return
        held = self._settings.spans.get(role) or frame.spans[self.roles.index(role)]
        self.show_settings(self._settings.with_span(role, step_span(held, -direction)))

    def fit(self) -> None:
        """Fit the chosen role's scale to its signal again."""
        self.show_settings(self._settings.with_span(self.role, None))

    def show_streams(self, streams: tuple[StreamDescription, ...]) -> None:
        """View other streams."""
        self.thread_of_scope.show_streams(streams)
        if not streams:
            self._frame = None
            self.update()

    def close_scope(self) -> None:
        """Stop the thread."""
        self.thread_of_scope.close()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._on_resized()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        self.thread_of_scope.pause(False)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        self.thread_of_scope.pause(True)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        role = self._role_at(event.position().y())
        if role and event.angleDelta().y():
            self.choose_role(role)
            self.rescale(1 if event.angleDelta().y() > 0 else -1)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        role = self._role_at(event.position().y())
        if role:
            self.choose_role(role)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        frame, area = self._frame, self._area
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._find_backdrop(theme))
        if frame is None or not frame.lanes:
            painter.setPen(QColor(theme.quiet))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "No signals yet")
        else:
            self._paint_markers(painter, frame, area, theme)
            painter.drawImage(area.topLeft(), frame.image)
        painter.end()

    @property
    def _area(self) -> QRectF:
        return TraceFrame(self.width(), self.height(), top_px=24.0).traces

    def _role_at(self, y_px: float) -> str:
        lane = None if self._frame is None else lane_at(self._frame.lanes, y_px - self._area.top())
        return "" if lane is None else lane.role

    def _find_backdrop(self, theme: Theme) -> QPixmap:
        """Everything that stays from frame to frame, painted when it changes."""
        frame, ratio = self._frame, self.devicePixelRatioF()
        lanes, spans = (frame.lanes, frame.spans) if frame is not None else ((), ())
        wanted = (self.width(), self.height(), ratio, theme, lanes, spans, self.role)
        if self._backdrop is None or self._backdrop[0] != wanted:
            pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(QColor(theme.sunken))
            painter = QPainter(pixmap)
            self._paint_backdrop(painter, theme)
            painter.end()
            self._backdrop = (wanted, pixmap)
        return self._backdrop[1]

    def _paint_backdrop(self, painter: QPainter, theme: Theme) -> None:
        frame, area = self._frame, self._area
        ticks = [
            (area.right() - k * area.width() / 5, "now" if k == 0 else f"\N{MINUS SIGN}{k * SCOPE_SECONDS / 5:g} s")
            for k in range(5, -1, -1)
        ]
        paint_grid(painter, area, ticks, theme)
        if frame is None or not frame.lanes:
            return
        own = [lane for lane in frame.lanes if lane.role == self.role]
        if own and len(self.roles) > 1:
            # Which role the keys work on: a bar beside its labels.
            top, bottom = area.top() + own[0].top_px, area.top() + own[-1].top_px + own[-1].height_px
            painter.fillRect(QRectF(0, top, 3, bottom - top), QColor(theme.role(self.role)))
        paint_zero_lines(painter, [lane for lane in frame.lanes if lane.role != "EEG"], area, theme)
        paint_labels(painter, frame.lanes, area, theme)
        paint_scale_bars(painter, frame.lanes, frame.spans, area, theme)

    def _paint_markers(self, painter: QPainter, frame: ScopeFrame, area: QRectF, theme: Theme) -> None:
        painter.setFont(make_font(SMALL_PT))
        metrics = QFontMetricsF(painter.font())
        free_from = area.left()
        for time_s, name in frame.markers:
            x = area.right() + (time_s - frame.stop_s) / SCOPE_SECONDS * area.width()
            words = marker_words(name)
            if not area.left() <= x <= area.right() or not words:
                continue
            painter.setPen(cosmetic(theme.markers, 160, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
            width = metrics.horizontalAdvance(words)
            if x >= free_from and x + width < area.right() + 60:
                painter.setPen(QColor(theme.markers))
                painter.drawText(QRectF(x + 2, area.top() - 20, width + 6, 18), Qt.AlignmentFlag.AlignLeft, words)
                free_from = x + width + 10

    def _on_ready(self) -> None:
        self._frame = self.thread_of_scope.take()
        self.update()

    def _on_resized(self) -> None:
        self.thread_of_scope.resize(self._canvas())
        self.update()

    def _canvas(self) -> Canvas:
        area = self._area
        return Canvas(round(area.width()), round(area.height()), self.devicePixelRatioF(), self._appearance.theme)
