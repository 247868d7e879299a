"""What the live scope costs beside a plain pyqtgraph scroll plot of the same data.

64 EEG channels at 1 kHz, EDA and ECG, in real time, on a window of 1280x800; CPU seconds of the whole process.

    python -m uv run python tests/performance/bench_scope.py [SECONDS]
"""

import os
import sys
import time
from collections.abc import Callable, Mapping

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from veridical.domain.stream import Role, RoleAssignment, StreamDescription
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.raster import warm_up
from veridical.gui.run.scope_painter import SCOPE_SECONDS, ScopeSettings
from veridical.gui.run.scope_view import ScopeView
from veridical.services.role_view import RoleView
from veridical.services.streams import Scope, ScopeTraces
from veridical.signals.filters import FilterChoice
from veridical.streaming.viewing import Fresh

HZ = 1000.0
ROLES: tuple[tuple[Role, int, float], ...] = (("EEG", 64, 2e-5), ("EDA", 1, 1e-7), ("ECG", 1, 5e-4))


class Source:
    """A ring of noise read by the wall clock, as an inlet that is never late."""

    def __init__(self, n_channels: int, size: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = round(30 * HZ)
        self.stream = StreamDescription("S", "EEG", "s", "u", "h", n_channels, HZ, "float32", (), (), ())
        self.samples = size * rng.standard_normal((n_channels, n)).cumsum(axis=1)
        self.samples = (self.samples - self.samples.mean(axis=1, keepdims=True)) * 0.05
        self.samples += size * rng.standard_normal((n_channels, n))
        self.began = time.perf_counter() - SCOPE_SECONDS

    def n_now(self) -> int:
        return round((time.perf_counter() - self.began) * HZ)

    def last(self, n_new: int, n_now: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        return self.samples[:, np.arange(n_now - n_new, n_now) % self.samples.shape[1]]

    def since(self, place: int) -> Fresh:
        n_now = self.n_now()
        return Fresh(self.last(min(n_now - place, round(SCOPE_SECONDS * HZ)), n_now), n_now / HZ, n_now)


class BenchScope(Scope):
    """The real reading path on made-up inlets."""

    def __init__(self) -> None:
        self.views = []
        for k, (role, n, size) in enumerate(ROLES):
            labels = tuple(f"{role}{i + 1}" for i in range(n))
            assignment = RoleAssignment(role, "S", "s", tuple(range(n)), labels, 1.0)
            self.views.append(RoleView(assignment, Source(n, size, k), SCOPE_SECONDS))

    def traces(self, filters: Mapping[str, FilterChoice] | None = None) -> tuple[ScopeTraces, ...]:
        found = []
        for view in self.views:
            samples = view.read((filters or {}).get(view.role.role))
            found.append(ScopeTraces(view.role.role, view.role.labels, HZ, samples, view.stop_s, "good", "1000 Hz"))
        return tuple(found)

    def markers(self) -> tuple[tuple[float, str], ...]:
        return ()

    def close(self) -> None:
        """Nothing to let go of."""


def run(app: QApplication, widget: QWidget, seconds: float, count: Callable[[], int]) -> tuple[float, float]:
    """Show a widget for so long; frames per second, and CPU seconds per second."""
    widget.resize(1280, 800)
    widget.show()
    end = time.perf_counter() + 3.0
    while time.perf_counter() < end:
        app.processEvents()
        time.sleep(0.001)
    n, cpu, wall = count(), time.process_time(), time.perf_counter()
    QTimer.singleShot(round(1000 * seconds), app.quit)
    app.exec()
    wall = time.perf_counter() - wall
    result = (count() - n) / wall, (time.process_time() - cpu) / wall
    widget.hide()
    return result


def ours(app: QApplication, seconds: float, filters: dict[str, FilterChoice]) -> tuple[float, float]:
    """Run the scope of the Run page."""
    shown = 0

    class Counting(ScopeView):
        def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
            nonlocal shown
            shown += 1
            super().paintEvent(event)

    view = Counting(Appearance(app), lambda streams, s: BenchScope())
    view.show_settings(ScopeSettings(filters=filters))
    view.show_streams((Source(1, 1.0, 0).stream,))
    result = run(app, view, seconds, lambda: shown)
    view.close_scope()
    return result


def pyqtgraph(app: QApplication, seconds: float) -> tuple[float, float]:
    """Run 66 curves that are set anew 30 times a second."""
    plot = pg.PlotWidget()
    sources = [Source(n, size, k) for k, (_, n, size) in enumerate(ROLES)]
    curves = [[plot.plot(pen="w") for _ in range(n)] for _, n, _ in ROLES]
    x = np.arange(round(SCOPE_SECONDS * HZ)) / HZ
    shown = 0

    def draw() -> None:
        nonlocal shown
        row = 0
        for source, own in zip(sources, curves, strict=True):
            data = source.last(len(x), source.n_now())
            for values, curve in zip(data, own, strict=True):
                curve.setData(x, values / (100e-6) + row)
                row += 1
        shown += 1

    timer = QTimer()
    timer.timeout.connect(draw)
    timer.start(33)
    result = run(app, plot, seconds, lambda: shown)
    timer.stop()
    return result


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    app = QApplication([])
    warm_up()
    eye = {"EEG": FilterChoice(high_pass_hz=0.5, low_pass_hz=40.0, notch_hz=(50.0,))}
    sys.stdout.write(f"{'':34} {'frames/s':>8} {'CPU, % of a core':>17} {'CPU ms a frame':>15}\n")
    for name, result in (
        ("scope", ours(app, seconds, {})),
        ("scope, EEG filtered for the eye", ours(app, seconds, eye)),
        ("pyqtgraph, 66 curves", pyqtgraph(app, seconds)),
    ):
        sys.stdout.write(
            f"{name:34} {result[0]:8.1f} {100 * result[1]:17.1f} {1000 * result[1] / max(result[0], 1e-9):15.2f}\n"
        )


if __name__ == "__main__":
    main()
