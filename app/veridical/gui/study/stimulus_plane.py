"""The valence x arousal plane of norms: a click selects a stimulus, dragging selects an area."""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen

from veridical.domain.stimulus import Stimulus
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.plane import AffectPlane, paint_condition
from veridical.gui.common.tokens import GRID
from veridical.gui.study.stimulus_view_model import class_of, on_plane

# A click within this many pixels of a point means it.
_REACH_PX = 12.0
# Rings around more points than this hide the points.
_MAX_RINGS = 75


class StimulusPlane(AffectPlane):
    """Draws one mark per stimulus; ``chosen`` is emitted with the ids that the mouse selected."""

    chosen = Signal(tuple)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance)
        self._stimuli: tuple[Stimulus, ...] = ()
        self._places: tuple[tuple[float, float], ...] = ()
        self._selected: frozenset[str] = frozenset()
        self._drag: QRectF | None = None
        self.setAccessibleName("Norms on the valence and arousal plane")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def show_stimuli(self, stimuli: tuple[Stimulus, ...]) -> None:
        """Show those stimuli that have norms."""
        placed = tuple((s, p) for s in stimuli if (p := on_plane(s)) is not None)
        self._stimuli, self._places = tuple(s for s, _ in placed), tuple(p for _, p in placed)
        self.update()

    def show_selection(self, ids: tuple[str, ...]) -> None:
        """Emphasise these."""
        if self._selected != frozenset(ids):
            self._selected = frozenset(ids)
            self.update()

    def place_of(self, stimulus_id: str) -> QPointF | None:
        """Where a stimulus' mark is, in the widget's pixels; None if it is not shown."""
        area = self._area()
        for stimulus, place in zip(self._stimuli, self._places, strict=True):
            if stimulus.id == stimulus_id:
                return self._point(area, place)
        return None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        self._paint_axes(painter, area, theme)
        has_selection = bool(self._selected)
        has_rings = len(self._selected) <= _MAX_RINGS
        for front in (False, True):
            for stimulus, place in zip(self._stimuli, self._places, strict=True):
                is_selected = stimulus.id in self._selected
                if is_selected is not front:
                    continue
                faint = stimulus.is_excluded or (has_selection and not is_selected)
                painter.setOpacity(0.25 if faint and not is_selected else 0.9)
                point = self._point(area, place)
                paint_condition(painter, point, 4.5 if is_selected else 3.0, class_of(stimulus), theme)
                if is_selected and has_rings:
                    painter.setOpacity(1.0)
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(QColor(theme.text), 1.2))
                    painter.drawEllipse(point, 6.5, 6.5)
        painter.setOpacity(1.0)
        self._paint_legend(painter, area, theme)
        if self._drag is not None:
            painter.setPen(QPen(QColor(theme.accent), 1, Qt.PenStyle.DashLine))
            ground = QColor(theme.accent)
            ground.setAlpha(30)
            painter.setBrush(ground)
            painter.drawRect(self._drag.normalized())
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag = QRectF(event.position(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag is not None:
            self._drag.setBottomRight(event.position())
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._drag is None or event.button() != Qt.MouseButton.LeftButton:
            return
        box, self._drag = self._drag.normalized(), None
        is_click = max(box.width(), box.height()) < GRID / 2
        hits = self._nearest(event.position()) if is_click else self._inside(box)
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            wanted = self._selected ^ set(hits) if is_click else self._selected | set(hits)
        else:
            wanted = frozenset(hits)
        self.chosen.emit(tuple(s.id for s in self._stimuli if s.id in wanted))
        self.update()

    def _area(self) -> QRectF:
        # Room for numbers and titles at the left and below.
        edge = max(40.0, min(self.width() - 60.0, self.height() - 84.0))
        return QRectF(48 + (self.width() - 56 - edge) / 2, (self.height() - 76 - edge) / 2, edge, edge)

    def _point(self, area: QRectF, place: tuple[float, float]) -> QPointF:
        step = area.width() / (self._high - self._low + 1)
        valence, arousal = place
        return QPointF(
            area.left() + (valence - self._low + 0.5) * step, area.bottom() - (arousal - self._low + 0.5) * step
        )

    def _nearest(self, at: QPointF) -> list[str]:
        area = self._area()
        distances = [
            ((self._point(area, place) - at).manhattanLength(), stimulus.id)
            for stimulus, place in zip(self._stimuli, self._places, strict=True)
        ]
        nearest = min(distances, default=(_REACH_PX + 1, ""))
        return [nearest[1]] if nearest[0] <= _REACH_PX else []

    def _inside(self, box: QRectF) -> list[str]:
        area = self._area()
        return [
            stimulus.id
            for stimulus, place in zip(self._stimuli, self._places, strict=True)
            if box.contains(self._point(area, place))
        ]
