"""Where the signals lie on the canvas: the main band, and skin conductance with a time scale of its own."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QRectF

from veridical.domain.landmarks import Landmarks
from veridical.domain.viewing import ViewedSignal
from veridical.gui.annotate.band_painter import Band
from veridical.gui.annotate.mark_table import MarkTable
from veridical.gui.annotate.view_settings import Strip, ViewSettings, lay_strips
from veridical.gui.common.lanes import Lane, lay_out
from veridical.gui.common.tokens import Theme
from veridical.gui.common.trace_axes import AXIS_PX, TraceFrame

TOP_PX = 26.0
# Share of the height that skin conductance's own band takes, and the least of it.
_OWN_SHARE, _LEAST_OWN_PX = 0.22, 90.0

# Lanes that make room for a butterfly; a single autonomic lane is worth four of them.
_BUTTERFLY_LANES = 24


@dataclass(frozen=True, eq=False)
class Window:
    """What the canvas is asked to show.

    Parameters
    ----------
    spans : dict of role to float
        Value range of one lane.
    bad : tuple of str
        Bad channels, which an average reference leaves out.
    """

    signals: tuple[ViewedSignal, ...]
    spans: dict[str, float]
    start_s: float
    seconds: float
    length_s: float
    marks: MarkTable
    landmarks: Landmarks
    bad: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PlacedBand:
    """A band and its traces' rectangle on the widget, in logical pixels."""

    band: Band
    area: QRectF

    def x(self, time_s: float) -> float:
        """Where a time lies on the widget."""
        return self.area.left() + (time_s - self.band.start_s) / self.band.seconds * self.area.width()

    def time(self, x: float) -> float:
        """Time at a place on the widget."""
        return self.band.start_s + (x - self.area.left()) / self.area.width() * self.band.seconds


def place_bands(
    window: Window, settings: ViewSettings, size: tuple[int, int], ratio: float, theme: Theme
) -> tuple[tuple[PlacedBand, ...], str]:
    """Lay out the canvas.

    Returns
    -------
    bands : tuple of PlacedBand
        The first is the main one; empty if nothing is to be shown.
    problem : str
        Why the reference cannot be shown; empty if it can.
    """
    strips, problem = lay_strips(window.signals, settings, window.spans, window.bad)
    area = TraceFrame(size[0], size[1], top_px=TOP_PX).traces
    own = tuple(s for s in strips if s.role == "EDA") if settings.eda_seconds else ()
    main = tuple(s for s in strips if s not in own)
    if not main:
        own, main = (), strips
    if not main or area.width() < 8:
        return (), problem
    blank = Band((), (), window.start_s, window.seconds, round(area.width()), 0, ratio, theme, window.marks,
                 window.landmarks, settings.is_butterfly)  # fmt: skip
    if not own:
        return (_placed(blank, main, settings, area),), problem
    height = min(area.height() / 2, max(_LEAST_OWN_PX, _OWN_SHARE * area.height()))
    upper = QRectF(area.left(), area.top(), area.width(), max(1.0, area.height() - height - AXIS_PX))
    lower = QRectF(area.left(), area.bottom() - height, area.width(), height)
    assert settings.eda_seconds is not None
    # Never less than the others see, and around their middle.
    seconds = min(max(settings.eda_seconds, window.seconds), max(window.length_s, window.seconds))
    middle_s = window.start_s + window.seconds / 2
    start_s = min(max(0.0, middle_s - seconds / 2), max(0.0, window.length_s - seconds))
    beside = replace(blank, start_s=start_s, seconds=seconds, is_butterfly=False)
    return (_placed(blank, main, settings, upper), _placed(beside, own, settings, lower)), problem


def _placed(blank: Band, strips: tuple[Strip, ...], settings: ViewSettings, area: QRectF) -> PlacedBand:
    height = round(area.height())
    names = [tuple(s.labels[k] for k in s.shown) for s in strips]
    if settings.is_butterfly and any(s.role == "EEG" for s in strips):
        lanes = _butterfly(strips, names, height)
    else:
        lanes = lay_out([(s.role, own) for s, own in zip(strips, names, strict=True)], height)
    return PlacedBand(replace(blank, strips=strips, lanes=lanes, height_px=height), area)


def _butterfly(strips: tuple[Strip, ...], names: list[tuple[str, ...]], height_px: int) -> tuple[Lane, ...]:
    """All EEG channels on one high lane."""
    ones = [
        (s.role, ("EEG",) * _BUTTERFLY_LANES if s.role == "EEG" else own) for s, own in zip(strips, names, strict=True)
    ]
    lanes: list[Lane] = []
    for lane in lay_out(ones, height_px):
        if lane.role != "EEG":
            lanes.append(lane)
        elif lane.index == 0:
            whole = [other for other in lay_out(ones, height_px) if other.group == lane.group]
            tall = whole[-1].top_px + whole[-1].height_px - lane.top_px
            lanes += [Lane("EEG", name, lane.group, k, lane.top_px, tall) for k, name in enumerate(names[lane.group])]
    return tuple(lanes)
