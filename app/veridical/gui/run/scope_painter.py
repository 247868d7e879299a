"""From traces to frames: scales that keep still, and a picture that scrolls by the columns that are new."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtGui import QImage

from veridical.domain.arrays import FloatArray
from veridical.gui.common.lanes import Lane, lay_out
from veridical.gui.common.scaling import fitting_span, lane_offsets
from veridical.gui.common.tokens import Theme, argb
from veridical.gui.common.trace_painter import Group, Run, Scene, TracePainter
from veridical.services.streams import ScopeTraces
from veridical.signals.filters import FilterChoice

SCOPE_SECONDS = 10.0
# Offsets and scales are looked at once a second; more often they would only make traces jump.
_RESCALE_S = 1.0
# Time goes on when nothing comes, once this is more than a late packet.
_LATE_S = 0.5
_ORDER = {"EEG": 0, "EOG": 1, "EDA": 2, "ECG": 3}


@dataclass(frozen=True)
class ScopeSettings:
    """How the eye wants to see the roles; what is recorded knows nothing of it.

    Parameters
    ----------
    spans : mapping
        Value range of one lane by role; roles without one are fitted.
    filters : mapping
        By role.
    """

    spans: Mapping[str, float] = field(default_factory=dict)
    filters: Mapping[str, FilterChoice] = field(default_factory=dict)

    def with_span(self, role: str, span: float | None) -> "ScopeSettings":
        """Return settings with a role's span; None fits it again."""
        others = {r: s for r, s in self.spans.items() if r != role}
        return replace(self, spans=others if span is None else {**others, role: span})

    def with_filter(self, role: str, choice: FilterChoice | None) -> "ScopeSettings":
        """Return settings with a role's filter; None shows it as it is recorded."""
        others = {r: c for r, c in self.filters.items() if r != role}
        return replace(self, filters=others if choice is None else {**others, role: choice})


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
        self._settings = ScopeSettings()
        self._last: tuple[object, ...] = ()
        self._last_column = 0
        self._newest_s, self._newest_at_s = np.nan, 0.0

    def take_scales(self, other: "ScopePainter") -> None:
        """Draw with another painter's offsets and spans."""
        self._offsets, self._spans = dict(other._offsets), dict(other._spans)
        self._scaled_at, self._settings = other._scaled_at, other._settings

    def paint(
        self,
        traces: tuple[ScopeTraces, ...],
        markers: tuple[tuple[float, str], ...],
        canvas: Canvas,
        now_s: float,
        settings: ScopeSettings = ScopeSettings(),
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
        was_rescaled = self._rescale(shown, now_s, settings)
        newest = self._advance(max((t.stop_s for t in shown), default=0.0), now_s)
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
        # A stream that has stopped brings nothing late.
        oldest = min((t.stop_s for t in shown if newest - t.stop_s < _LATE_S), default=newest)
        late = int(np.ceil((newest - oldest + 0.3) / per_column))
        layout = (canvas, lanes, settings)
        step = column - self._last_column
        if layout != self._last or was_rescaled or not 0 <= step < n_columns:
            image = self._painter.paint(scene)
        else:
            image = self._painter.scroll(scene, step, late)
        self._last, self._last_column = layout, column
        return ScopeFrame(image, lanes, tuple(self._spans[t.role] for t in shown), stop_s, markers, traces)

    def _advance(self, newest_s: float, now_s: float) -> float:
        """Let time go on when nothing comes: the hole is seen to grow."""
        if newest_s != self._newest_s:
            self._newest_s, self._newest_at_s = newest_s, now_s
        return newest_s + max(0.0, now_s - self._newest_at_s - _LATE_S)

    def _rescale(self, traces: tuple[ScopeTraces, ...], now_s: float, settings: ScopeSettings) -> bool:
        is_new = settings != self._settings or any(
            self._offsets.get(t.role, np.empty(0)).shape != (len(t.labels),) for t in traces
        )
        self._settings = settings
        if not is_new and now_s - self._scaled_at < _RESCALE_S:
            return False
        self._scaled_at = now_s
        changed = False
        for t in traces:
            thin = t.samples[:, :: max(1, t.samples.shape[1] // 600)]
            offsets = lane_offsets(thin, t.role)
            span = settings.spans.get(t.role) or fitting_span(thin, t.role, self._spans.get(t.role))
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
