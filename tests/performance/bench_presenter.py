"""How punctual the participant's screen is: marker against flip, flips beside a busy operator, a video's frames.

Opens a PsychoPy window on DISPLAY, or on an Xvfb of its own, and prints a table::

    python tests/performance/bench_presenter.py [--flips 600]

Without a vertical blank (Xvfb, most virtual machines) flips are paced by software: late ones are those more than half a
refresh of 60 Hz behind their time.
"""

# ruff: noqa: T201
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from veridical.cli.screens import demo_screen
from veridical.domain.event import Marker
from veridical.domain.run import ScreenChoice
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import View
from veridical.presenter.clock import LslClock
from veridical.presenter.psychopy_screen import PsychopyScreen
from veridical.presenter.texts import load_texts
from veridical.streaming.outlet import MarkerOutlet

HZ = 60.0
CLIP_S, CLIP_HZ, CLIP_SIZE = 6.0, 25, (640, 480)
# 64 curves of 10 s at 1 kHz, redrawn 30 times a second, and a stall of 150 ms every 2 s: more than our window asks for.
OPERATOR = """
import sys, time
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import pyqtgraph as pg
app = QApplication(sys.argv)
plot = pg.PlotWidget(); plot.resize(1200, 800); plot.show()
data = np.random.default_rng(0).normal(size=(64, 10000)).astype(np.float32)
curves = [plot.plot(data[k] + 8 * k) for k in range(64)]
ticks = 0
def draw():
    global ticks
    ticks += 1
    for k, curve in enumerate(curves):
        data[k] = np.roll(data[k], -33)
        curve.setData(data[k] + 8 * k)
    if ticks % 60 == 0:
        time.sleep(0.15)
timer = QTimer(); timer.timeout.connect(draw); timer.start(33)
print("drawing", flush=True)
app.exec()
"""


def lateness_s(screen: PsychopyScreen, clock: LslClock, outlet: MarkerOutlet, n: int) -> NDArray[np.float64]:
    """Flip n times at 60 Hz; shape (n, 2): flip after its time, marker after a stamp taken right behind the flip."""
    rows = []
    due_s = clock.now() + 0.1
    for k in range(n):
        while screen.wait(due_s):
            screen.poll()
        flip_s = screen.flip(View("blank", corner=bool(k % 2)))
        behind_s = clock.now()
        outlet.push(Marker("flash/on", {"trial": str(k)}).encode(), flip_s)
        rows.append((flip_s - due_s, flip_s - behind_s))
        due_s = max(due_s, flip_s) + 1 / HZ
    return np.array(rows)


def make_video(path: Path) -> None:
    """Write noise that moves."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=CLIP_HZ)
        stream.width, stream.height, stream.pix_fmt = *CLIP_SIZE, "yuv420p"
        for _ in range(round(CLIP_S * CLIP_HZ)):
            pixels = np.kron(rng.integers(0, 255, (30, 40, 3)), np.ones((16, 16, 1))).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def show_video(screen: PsychopyScreen, clock: LslClock) -> tuple[float, float, float]:
    """Prepare and play; seconds of preparing, and the longest without listening before and while it plays."""
    start_s = last_s = clock.now()
    longest_s = 0.0
    for _ in screen.prepare("clip", CLIP_S):
        longest_s, last_s = max(longest_s, clock.now() - last_s), clock.now()
    prepared_s = clock.now() - start_s
    onset_s = screen.flip(View("video", stimulus_id="clip", corner=True))
    worst_s, last_s = 0.0, clock.now()
    while screen.wait(onset_s + CLIP_S):
        worst_s, last_s = max(worst_s, clock.now() - last_s), clock.now()
    screen.flip(View("blank"))
    return prepared_s, longest_s, worst_s


def print_flips(name: str, rows: NDArray[np.float64]) -> None:
    """One line of the table."""
    late, marker = rows[:, 0], 1e6 * np.abs(rows[:, 1])
    n_late = int((late > 0.5 / HZ).sum())
    print(
        f"{name:28} {len(rows):6} {n_late:6} {1e3 * np.median(late):10.2f} {1e3 * late.max():10.2f} "
        f"{np.median(marker):12.1f} {marker.max():12.1f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, demo_screen():
        file = Path(folder) / "clip.mp4"
        make_video(file)
        clock = LslClock()
        screen = PsychopyScreen(ScreenChoice(fullscreen=False, width_px=1024, height_px=768), clock)
        screen.preload((Stimulus("clip", str(file), "video"),), (), load_texts({}))
        outlet = MarkerOutlet("bench-presenter")
        print(screen.info.words)
        print(f"{'':28} {'flips':>6} {'late':>6} {'median ms':>10} {'worst ms':>10} {'marker us':>12} {'worst us':>12}")
        print_flips("alone", lateness_s(screen, clock, outlet, options.flips))
        operator = subprocess.Popen(
            [sys.executable, "-c", OPERATOR],
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYQTGRAPH_QT_LIB": "PySide6"},
            stdout=subprocess.PIPE,
        )
        try:
            assert operator.stdout is not None
            operator.stdout.readline()
            print_flips("beside 64 plotted channels", lateness_s(screen, clock, outlet, options.flips))
            prepared_s, longest_s, worst_s = show_video(screen, clock)
        finally:
            operator.kill()
        what = f"video of {CLIP_S:g} s, {CLIP_SIZE[0]} x {CLIP_SIZE[1]} at {CLIP_HZ} Hz, beside the same operator"
        print(f"\n{what}: ready in {prepared_s:.2f} s (listening every {1e3 * longest_s:.0f} ms at worst);")
        print(f"while it played the screen was looked after every {1e3 * worst_s:.0f} ms at worst")
        screen.close()


if __name__ == "__main__":
    main()
