"""The live scope: a thread reads, scales and rasterises; the widget only blits."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHideEvent, QImage, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import VeridicalError
from veridical.domain.event import Marker
from veridical.domain.stream import StreamDescription
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.lanes import Lane, lay_out
from veridical.gui.common.scaling import fitting_span, lane_offsets
from veridical.gui.common.tokens import SMALL_PT, Theme, argb
from veridical.gui.common.trace_axes import (
    TraceFrame,
    cosmetic,
    paint_grid,
    paint_labels,
    paint_scale_bars,
    paint_zero_lines,
)
from veridical.gui.common.trace_painter import Group, Run, Scene, TracePainter
from veridical.services.streams import Scope, ScopeTraces

SCOPE_SECONDS = 10.0
_FRAME_S = 1 / 30
# Offsets and scales are looked at once a second; more often they would only make traces jump.
_RESCALE_S = 1.0
_ORDER = {"EEG": 0, "EOG": 1, "EDA": 2, "ECG": 3}

OpenScope = Callable[[tuple[StreamDescription, ...], float], Scope]


@dataclass(frozen=True, eq=False)
class ScopeFrame:
    """One finished picture."""

    image: QImage
    lanes: tuple[Lane, ...]
    spans: tuple[float, ...]
    stop_s: float
    markers: tuple[tuple[float, str], ...]
    traces: tuple[ScopeTraces, ...]


@dataclass(frozen=True)
class Canvas:
    """Size and colours to draw with."""

    width_px: int
    height_px: int
    ratio: float
    theme: Theme


class ScopePainter:
    """Turns traces into frames; remembers scales and scrolls where it can. Belongs to one thread."""

    def __init__(self) -> None:
        self._painter = TracePainter()
        self._offsets: dict[str, FloatArray] = {}
        self._spans: dict[str, float] = {}
        self._scaled_at = -np.inf
        self._last: tuple[object, ...] = ()
        self._last_column = 0

    def take_scales(self, other: "ScopePainter") -> None:
        """Draw with another painter's offsets and spans."""
        self._offsets, self._spans = dict(other._offsets), dict(other._spans)
        self._scaled_at = other._scaled_at

    def paint(
        self, traces: tuple[ScopeTraces, ...], markers: tuple[tuple[float, str], ...], canvas: Canvas, now_s: float
    ) -> ScopeFrame:
        """Draw the newest seconds of every role.

        Parameters
        ----------
        now_s : float
            Any steady clock; decides when scales are looked at again.
        """
        # A stream that has sent nothing yet has no newest sample; its light says so.
        heard = (t for t in traces if t.labels and np.isfinite(t.stop_s) and t.samples.shape[1] > 1)
        shown = tuple(sorted(heard, key=lambda t: _ORDER.get(t.role, 9)))
        lanes = lay_out([(t.role, t.labels) for t in shown], canvas.height_px)
        was_rescaled = self._rescale(shown, now_s)
        newest = max((t.stop_s for t in shown), default=0.0)
        n_columns = max(1, round(canvas.width_px * canvas.ratio))
        per_column = SCOPE_SECONDS / n_columns
        column = int(np.floor(newest / per_column))
        stop_s = column * per_column
        groups = tuple(
            Group(
                (Run(t.samples, t.stop_s - (t.samples.shape[1] - 1) / t.sampling_hz, 1 / t.sampling_hz),),
                self._offsets[t.role],
                self._spans[t.role],
                argb(canvas.theme.role(t.role)),
            )
            for t in shown
        )
        scene = Scene(groups, lanes, stop_s - SCOPE_SECONDS, stop_s, canvas.width_px, canvas.height_px, canvas.ratio)
        oldest = min((t.stop_s for t in shown), default=newest)
        late = int(np.ceil((newest - oldest + 0.3) / per_column))
        layout = (canvas, lanes)
        step = column - self._last_column
        if layout != self._last or was_rescaled or not 0 <= step < n_columns:
            image = self._painter.paint(scene)
        else:
            image = self._painter.scroll(scene, step, late)
        self._last, self._last_column = layout, column
        return ScopeFrame(image, lanes, tuple(self._spans[t.role] for t in shown), stop_s, markers, traces)

    def _rescale(self, traces: tuple[ScopeTraces, ...], now_s: float) -> bool:
        is_new = any(self._offsets.get(t.role, np.empty(0)).shape != (len(t.labels),) for t in traces)
        if not is_new and now_s - self._scaled_at < _RESCALE_S:
            return False
        self._scaled_at = now_s
        changed = False
        for t in traces:
            thin = t.samples[:, :: max(1, t.samples.shape[1] // 600)]
            offsets = lane_offsets(thin, t.role)
            span = fitting_span(thin, t.role, self._spans.get(t.role))
            old = self._offsets.get(t.role)
            if (
                old is None
                or old.shape != offsets.shape
                or span != self._spans[t.role]
                or np.any(np.abs(offsets - old) > 0.25 * span)
            ):
                self._offsets[t.role], self._spans[t.role] = offsets, span
                changed = True
        return changed


class ScopeThread(QObject):
    """Reads a scope 30 times a second and paints; ``ready`` tells that ``take`` has a new frame."""

    ready = Signal()
    failed = Signal(str)

    def __init__(self, open_scope: OpenScope, canvas: Canvas) -> None:
        super().__init__()
        self._open_scope = open_scope
        self._canvas = canvas
        self._streams: tuple[StreamDescription, ...] = ()
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

    def resize(self, canvas: Canvas) -> None:
        """Draw at another size from the next frame on."""
        self._canvas = canvas

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
            if wanted != viewed:
                if scope is not None:
                    scope.close()
                scope, viewed = self._open(wanted), wanted
                painter = ScopePainter()
            if scope is not None and not self._is_paused:
                self._publish(painter.paint(scope.traces(), scope.markers(), self._canvas, began))
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
    """Newest 10 s of every role, with labels, time axis, scale bars and markers."""

    def __init__(self, appearance: Appearance, open_scope: OpenScope) -> None:
        super().__init__()
        self._appearance = appearance
        self._frame: ScopeFrame | None = None
        self.setMinimumSize(360, 240)
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

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.sunken))
        frame, area = self._frame, TraceFrame(self.width(), self.height(), top_px=24.0).traces
        ticks = [
            (area.right() - k * area.width() / 5, "now" if k == 0 else f"\N{MINUS SIGN}{k * SCOPE_SECONDS / 5:g} s")
            for k in range(5, -1, -1)
        ]
        paint_grid(painter, area, ticks, theme)
        if frame is None or not frame.lanes:
            painter.setPen(QColor(theme.quiet))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "No signals yet")
            painter.end()
            return
        paint_zero_lines(painter, [lane for lane in frame.lanes if lane.role != "EEG"], area, theme)
        self._paint_markers(painter, frame, area, theme)
        painter.drawImage(area.topLeft(), frame.image)
        paint_labels(painter, frame.lanes, area, theme)
        paint_scale_bars(painter, frame.lanes, frame.spans, area, theme)
        painter.end()

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
        area = TraceFrame(self.width(), self.height(), top_px=24.0).traces
        return Canvas(round(area.width()), round(area.height()), self.devicePixelRatioF(), self._appearance.theme)
