"""Ours beside mne-qt-browser on the same hour: 64 channels x 1 kHz + ECG + EDA + markers, 1600 x 900.

Run ``python tests/performance/bench_viewer.py`` (both, with ratios), ``--tool ours`` or ``--tool mne``. Each tool
runs in a process of its own, so that its memory is its own, under Xvfb unless ``--here`` is given. The hour is made
once (``--data``, seeded). A number is the time from a call to the moment when what was asked for has been painted and
no event is left; ours waits for the signals of the new window, not for an older picture moved there. Medians, and p95
where one is given; memory is anonymous (RssAnon) and its peak while the tool did what stands before it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TOOLS = ("ours", "mne")
WIDTH, HEIGHT = 1600, 900
_N_STEPS, _N_MARKS, _MANY = 40, 20, 5000
# Rows of the table: key, words, unit.
ROWS = (
    ("open_s", "open to first paint", "s"),
    ("open_mb", "memory then", "MB"),
    ("reopen_s", "open again", "s"),
    ("prepared_s", "until everything is prepared", "s"),
    ("page_ms", "page of 10 s", "ms"),
    ("page_p95_ms", "page of 10 s, p95", "ms"),
    ("scroll_ms", "scroll step of 0.5 s", "ms"),
    ("scroll_p95_ms", "scroll step of 0.5 s, p95", "ms"),
    ("filter_ms", "filters on or off", "ms"),
    ("mark_ms", "mark after release or key, on disk", "ms"),
    ("hour_ms", "whole hour", "ms"),
    ("hour_again_ms", "whole hour, moved by a second", "ms"),
    ("hour_mb", "memory then", "MB"),
    ("many_open_s", "5,000 marks: open", "s"),
    ("many_scroll_ms", "5,000 marks: scroll step", "ms"),
    ("many_add_ms", "5,000 marks: add one", "ms"),
)


def anonymous_mb() -> float:
    """Anonymous memory of this process (Linux)."""
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1]) / 1024


class Peak:
    """Largest anonymous memory, looked at every 5 ms."""

    def __init__(self) -> None:
        self.mb = anonymous_mb()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self.mb = max(self.mb, anonymous_mb())

    def stop(self) -> float:
        """Peak since the beginning."""
        self._over.set()
        self._thread.join()
        return self.mb


def summary(numbers_ms: list[float], name: str) -> dict[str, float]:
    """Median and 95th percentile."""
    ordered = sorted(numbers_ms)
    return {f"{name}_ms": statistics.median(ordered), f"{name}_p95_ms": ordered[int(0.95 * (len(ordered) - 1))]}


def spin(app: Any, is_done: Callable[[], bool], longest_s: float = 300.0) -> None:
    """Process events until something is true and no event is left."""
    until = time.perf_counter() + longest_s
    while not is_done():
        app.processEvents()
        if time.perf_counter() > until:
            raise TimeoutError
    app.processEvents()


# Ours -----------------------------------------------------------------------------------------------
class Ours:
    """The canvas of the Annotate page as a window, on a study with the recording."""

    def __init__(self, recording: Path, folder: Path) -> None:
        from PySide6.QtWidgets import QApplication

        from veridical.domain.participant import RunKey
        from veridical.gui.common.appearance import Appearance
        from veridical.gui.common.raster import warm_up
        from veridical.services.study import create_study

        self.paints = 0
        self.app = QApplication.instance() or QApplication([])
        self.appearance = Appearance(self.app)  # type: ignore[arg-type]
        # As the window does after it is shown.
        warm_up()
        self.study = create_study(folder / "study")
        self.study.add_participant("001")
        self.key = RunKey("001", "01", 1)
        place = self.study.paths.xdf(self.key)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(recording)

    def run(self) -> dict[str, float]:
        """All numbers."""
        found: dict[str, float] = {}
        found |= self._open()
        found |= self._look()
        found |= self._mark()
        found |= self._hour()
        self._shut()
        found |= self._many()
        return found

    def _open(self) -> dict[str, float]:
        peak = Peak()
        began = time.perf_counter()
        self._show()
        spin(self.app, lambda: self.canvas.is_current and self.paints > 0)
        opened = time.perf_counter() - began
        found = {"open_s": opened, "open_mb": peak.stop()}
        spin(self.app, lambda: not self.loader.is_running)
        found["prepared_s"] = time.perf_counter() - began
        self._shut()
        began = time.perf_counter()
        self._show()
        spin(self.app, lambda: self.canvas.is_current and self.paints > 0)
        found["reopen_s"] = time.perf_counter() - began
        spin(self.app, lambda: not self.loader.is_running)
        return found

    def _show(self) -> None:
        from PySide6.QtCore import QEvent, QObject

        from veridical.gui.annotate.canvas import TraceCanvas
        from veridical.gui.annotate.view_loader import ViewLoader
        from veridical.gui.annotate.view_model import AnnotateModel
        from veridical.services.annotating import AnnotationDesk

        bench = self
        bench.paints = 0

        class Watch(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
                bench.paints += event.type() == QEvent.Type.Paint
                return False

        self.model = AnnotateModel()
        self.canvas = TraceCanvas(self.appearance, self.model, lambda: False)
        self.watch = Watch()
        self.canvas.installEventFilter(self.watch)
        self.loader = ViewLoader(self.appearance)
        self.loader.grown.connect(self._on_grown)
        self.loader.landmarks_found.connect(self.canvas.show_landmarks)
        self.model.take(AnnotationDesk(self.study, self.key), self.key)
        self.canvas.resize(WIDTH, HEIGHT)
        self.canvas.show()
        self.canvas.redraw()
        self.loader.load(self.model.desk.viewing if self.model.desk else None)

    def _on_grown(self) -> None:
        self.model.refresh()
        self.canvas.redraw()

    def _shut(self) -> None:
        self.loader.close()
        self.canvas.close_renderer()
        self.model.close()
        self.canvas.close()

    def _timed(self, act: Callable[[], None]) -> float:
        """Milliseconds until the window asked for has been painted."""
        spin(self.app, lambda: True)
        began, before = time.perf_counter(), self.paints
        act()
        self.canvas.redraw()
        # The last paint must be one of the new picture.
        spin(self.app, lambda: self.canvas.is_current and self.paints > before)
        return (time.perf_counter() - began) * 1e3

    def _look(self) -> dict[str, float]:
        from dataclasses import replace

        self._timed(lambda: self.model.go_to(100.0))
        found = summary([self._timed(lambda: self.model.scroll(10.0)) for _ in range(_N_STEPS)], "page")
        found |= summary([self._timed(lambda: self.model.scroll(0.5)) for _ in range(_N_STEPS)], "scroll")

        def toggle() -> None:
            settings = self.canvas.settings
            self.canvas.show_settings(replace(settings, is_filtered=not settings.is_filtered))

        self._timed(toggle)
        found["filter_ms"] = statistics.median(self._timed(toggle) for _ in range(11))
        if self.canvas.settings.is_filtered:
            self._timed(toggle)
        return found

    def _mark(self) -> dict[str, float]:
        numbers = []
        for k in range(_N_MARKS):
            self._timed(lambda: self.model.scroll(10.0))
            start_s = self.model.screen.start_s + 3.0 + 0.01 * k
            self.model.drag(start_s, start_s + 1.0)
            numbers.append(self._timed(lambda: self.model.put_label("muscle")))
        return {"mark_ms": statistics.median(numbers)}

    def _hour(self) -> dict[str, float]:
        peak = Peak()
        first = self._timed(lambda: self.model.zoom(1e6, 0.0))
        self._timed(lambda: self.model.zoom(3590 / 3600, 0.0))
        again = statistics.median(self._timed(lambda: self.model.scroll(1.0)) for _ in range(5))
        return {"hour_ms": first, "hour_again_ms": again, "hour_mb": peak.stop()}

    def _many(self) -> dict[str, float]:
        import numpy as np

        from veridical.domain.annotation import LABELS, Annotation
        from veridical.services.annotating import AnnotationDesk

        desk = AnnotationDesk(self.study, self.key)
        labels = list(LABELS)
        # Written act by act, as a rater does, but synced once: what is timed is the reading.
        real, os.fsync = os.fsync, lambda fd: None
        for k, onset_s in enumerate(np.linspace(1.0, 3590.0, _MANY).tolist()):
            desk.mark(Annotation(onset_s, 0.3, labels[k % len(labels)]))
        os.fsync = real
        desk.close()
        began = time.perf_counter()
        self._show()
        spin(self.app, lambda: self.canvas.is_current and self.paints > 0)
        found = {"many_open_s": time.perf_counter() - began}
        spin(self.app, lambda: not self.loader.is_running)
        self._timed(lambda: self.model.go_to(2000.0))
        found["many_scroll_ms"] = statistics.median(
            self._timed(lambda: self.model.scroll(0.5)) for _ in range(_N_STEPS)
        )
        numbers = []
        for _ in range(_N_MARKS):
            self._timed(lambda: self.model.scroll(2.0))
            self.model.drag(self.model.screen.start_s + 4.0, self.model.screen.start_s + 4.2)
            numbers.append(self._timed(lambda: self.model.put_label("other")))
        found["many_add_ms"] = statistics.median(numbers)
        self._shut()
        return found


# mne-qt-browser -------------------------------------------------------------------------------------
class Mne:
    """mne-qt-browser with its defaults, all 64 EEG channels on screen."""

    def __init__(self, recording: Path, folder: Path) -> None:
        import mne
        from PySide6.QtWidgets import QApplication

        self.mne, self.path = mne, recording
        mne.set_log_level("error")
        mne.viz.set_browser_backend("qt", verbose="error")
        self.app = QApplication.instance() or QApplication([])
        self.paints = 0

    def run(self) -> dict[str, float]:
        """All numbers; what the tool cannot do is missing."""
        found: dict[str, float] = {}
        peak = Peak()
        found["open_s"] = self._show(0)
        found["open_mb"] = peak.stop()
        self._timed(lambda: self._go(100.0))
        found |= summary([self._timed(lambda: self._move(10.0)) for _ in range(_N_STEPS)], "page")
        found |= summary([self._timed(lambda: self._move(0.5)) for _ in range(_N_STEPS)], "scroll")
        found["mark_ms"] = self._marks()
        peak = Peak()
        self.figure.close()
        found["many_open_s"] = self._show(_MANY)
        self._timed(lambda: self._go(2000.0))
        found["many_scroll_ms"] = statistics.median(self._timed(lambda: self._move(0.5)) for _ in range(_N_STEPS))
        self.figure.close()
        self._show(0)
        found["hour_ms"] = self._timed(lambda: self.figure.mne.plt.setXRange(0, 3600, padding=0))
        found["hour_mb"] = peak.stop()
        return found

    def _show(self, n_marks: int) -> float:
        import numpy as np
        from PySide6.QtCore import QEvent, QObject

        bench = self
        bench.paints = 0

        class Watch(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
                bench.paints += event.type() == QEvent.Type.Paint
                return False

        began = time.perf_counter()
        self.raw = self.mne.io.read_raw_fif(self.path, preload=False, verbose="error")
        if n_marks:
            onsets = np.linspace(1.0, 3590.0, n_marks)
            self.raw.set_annotations(self.mne.Annotations(onsets, 0.3, ["BAD_mark"] * n_marks))
        self.figure = self.raw.plot(
            duration=10, n_channels=64, show=False, block=False, theme="light", verbose="error", clipping=None
        )
        self.watch = Watch()
        self.figure.mne.view.viewport().installEventFilter(self.watch)
        self.figure.resize(WIDTH, HEIGHT)
        self.figure.show()
        spin(self.app, lambda: self.paints > 0)
        return time.perf_counter() - began

    def _go(self, start_s: float) -> None:
        self.figure.mne.plt.setXRange(start_s, start_s + 10, padding=0)

    def _move(self, by_s: float) -> None:
        start_s, stop_s = self.figure.mne.viewbox.viewRange()[0]
        self.figure.mne.plt.setXRange(start_s + by_s, stop_s + by_s, padding=0)

    def _timed(self, act: Callable[[], None]) -> float:
        spin(self.app, lambda: True)
        began, before = time.perf_counter(), self.paints
        act()
        spin(self.app, lambda: self.paints > before)
        return (time.perf_counter() - began) * 1e3

    def _marks(self) -> float:
        from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
        from PySide6.QtGui import QMouseEvent

        self.figure._fake_keypress("a")
        self.app.processEvents()
        self.figure.mne.fig_annotation._add_description("BAD_hand")
        self.app.processEvents()
        view, box = self.figure.mne.view, self.figure.mne.viewbox
        left, none, kinds = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton, QEvent.Type

        def send(kind: Any, point: Any, button: Any, buttons: Any) -> None:
            target = view.viewport()
            place = QPointF(target.mapToGlobal(QPoint(int(point.x()), int(point.y()))))
            self.app.sendEvent(
                target, QMouseEvent(kind, QPointF(point), place, button, buttons, Qt.KeyboardModifier.NoModifier)
            )

        numbers = []
        for k in range(_N_MARKS):
            start_s = 2000.0 + 10 * k
            self._timed(lambda start_s=start_s: self._go(start_s))  # type: ignore[misc]
            (_, _), (low, high) = box.viewRange()
            places = [3.0 + k / 8 for k in range(9)]
            points = [view.mapFromScene(box.mapViewToScene(QPointF(start_s + at, (low + high) / 2))) for at in places]
            send(kinds.MouseMove, points[0], none, none)
            self.app.processEvents()
            send(kinds.MouseButtonPress, points[0], left, left)
            self.app.processEvents()
            for point in points[1:]:
                # As fast as a hand's events come.
                time.sleep(0.015)
                send(kinds.MouseMove, point, none, left)
                self.app.processEvents()
            n_before = len(self.raw.annotations)
            began, before = time.perf_counter(), self.paints
            send(kinds.MouseButtonRelease, points[-1], left, none)
            try:
                spin(self.app, lambda before=before: self.paints > before, 2.0)  # type: ignore[misc]
            except TimeoutError:
                continue
            if len(self.raw.annotations) > n_before:
                numbers.append((time.perf_counter() - began) * 1e3)
        return statistics.median(numbers) if numbers else float("nan")


def measure(tool: str, data: Path, seconds: int) -> dict[str, float]:
    """Run one tool in this process."""
    sys.path.insert(0, str(Path(__file__).parent))
    from viewer_hour import make_hour  # type: ignore[import-not-found]

    xdf_file, fif_file = make_hour(data, seconds)
    with tempfile.TemporaryDirectory() as folder:
        bench = Ours(xdf_file, Path(folder)) if tool == "ours" else Mne(fif_file, Path(folder))
        return bench.run()


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Numbers side by side, with how many times longer or larger the other tool's is."""
    lines = [f"{'':38}" + "".join(f"{tool:>14}" for tool in found) + ("         ratio" if len(found) > 1 else "")]
    for key, words, unit in ROWS:
        cells = [numbers.get(key) for numbers in found.values()]
        if all(c is None for c in cells):
            continue
        line = f"{words:38}" + "".join(f"{'–' if c is None else f'{c:.3g} {unit}':>14}" for c in cells)
        if len(cells) == 2 and cells[0] and cells[1]:
            line += f"{cells[1] / cells[0]:>14.1f}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", choices=(*TOOLS, "both"), default="both")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "veridical-viewer-hour")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--here", action="store_true", help="on the display that is set, not under Xvfb")
    parser.add_argument("--json", action="store_true", help="one tool in this process; prints its numbers only")
    chosen = parser.parse_args()
    if chosen.json:
        numbers = measure(chosen.tool, chosen.data, chosen.seconds)
        print(json.dumps(numbers), flush=True)  # noqa: T201
        # Qt's browsers leave threads behind that end with the process.
        os._exit(0)
    found: dict[str, dict[str, float]] = {}
    for tool in TOOLS if chosen.tool == "both" else (chosen.tool,):
        command = [
            sys.executable, __file__, "--tool", tool, "--json", "--data", str(chosen.data),
            "--seconds", str(chosen.seconds),
        ]  # fmt: skip
        if not chosen.here:
            command = ["xvfb-run", "-a", "-s", "-screen 0 1920x1080x24 +extension GLX", *command]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "QT_API": "pyside6"}
        )
        if done.returncode:
            raise SystemExit(f"{tool}:\n{done.stderr}")
        found[tool] = json.loads(done.stdout.splitlines()[-1])
    print(table(found))  # noqa: T201


if __name__ == "__main__":
    main()
