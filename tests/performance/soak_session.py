"""An hour of sessions one after the other in the real window: does memory grow, and what does the window cost?

A simulated amplifier of 32 EEG channels at 1 kHz, EDA and ECG, real recorder and presenter (headless), a simulated
participant, and a
protocol shortened to about a second a picture. After every session the window's memory is told apart: what the
allocator has handed out (malloc), what Python keeps (objects, widgets), and what the process holds (RSS), so that
growth is either something that is kept or room that was not given back.

    python -m uv run python tests/performance/soak_session.py [SECONDS] [--trace]

``--trace`` prints the lines of code and the types whose memory grew since the second session (slower).
"""

import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

_WORLD = Path(tempfile.mkdtemp(prefix="veridical-soak-"))
os.environ.update(QT_QPA_PLATFORM="offscreen", PYQTGRAPH_QT_LIB="PySide6", MPLBACKEND="Agg", OPENBLAS_NUM_THREADS="1")

from veridical.streaming.scope import private_scope  # noqa: E402

os.environ["LSLAPICFG"] = str(private_scope(_WORLD))

import psutil  # noqa: E402
from PySide6.QtCore import QEventLoop, QSettings, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from veridical.domain.protocol import Protocol  # noqa: E402
from veridical.domain.simulation import SimulationPlan  # noqa: E402
from veridical.domain.study import StudySettings  # noqa: E402
from veridical.gui.app import build_window  # noqa: E402
from veridical.gui.common.appearance import Appearance  # noqa: E402
from veridical.gui.common.lab import Lab  # noqa: E402
from veridical.gui.common.workspace import Focus  # noqa: E402
from veridical.gui.run.page import RunPage  # noqa: E402
from veridical.ipc.channel import ConnectionFile  # noqa: E402
from veridical.services.streams import start_simulator  # noqa: E402
from veridical.services.study import create_study  # noqa: E402

PROTOCOL = Protocol(
    n_per_condition=20, n_blocks=3, n_practice=0, baseline_open_s=0, baseline_closed_s=0, fixation_s=(0.1, 0.2),
    picture_s=0.5, iti_s=(0.1, 0.2), rating_timeout_s=5.0, instruction_timeout_s=3.0,
)  # fmt: skip
BODY = SimulationPlan(seed=4, eeg_channels=32, eeg_hz=1000.0)


def rss_mb(pid: int) -> float:
    """Resident memory; 0 for a process that has gone."""
    try:
        return float(psutil.Process(pid).memory_info().rss / 1e6)
    except psutil.Error:
        return 0.0


class _MallInfo(ctypes.Structure):
    """glibc's ``struct mallinfo2`` (malloc.h)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"
        )
    )  # fmt: skip


def malloc_mb() -> tuple[float, float]:
    """Memory that malloc has handed out, and what it holds free; zeros where the C library is not glibc."""
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return 0.0, 0.0
    ask.restype = _MallInfo
    told = ask()
    return (told.uordblks + told.hblkhd) / 1e6, told.fordblks / 1e6


class Growth:
    """What the window keeps, beside what it kept after an earlier session."""

    def __init__(self, is_traced: bool) -> None:
        self._is_traced = is_traced
        self._types: Counter[str] = Counter()
        self._lines: tracemalloc.Snapshot | None = None
        if is_traced:
            tracemalloc.start(12)

    def words(self, app: QApplication) -> str:
        """Objects that the collector knows, widgets, threads."""
        gc.collect()
        return f"{len(gc.get_objects()):8d} {len(app.allWidgets()):7d} {threading.active_count():7d}"

    def tell(self, n: int) -> None:
        """Print what grew since the second session."""
        if not self._is_traced:
            return
        types = Counter(type(o).__module__ + "." + type(o).__qualname__ for o in gc.get_objects())
        taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)])
        if n == 2:
            self._types, self._lines = types, taken
        elif n > 2 and self._lines is not None:
            for name, more in (types - self._types).most_common(12):
                sys.stdout.write(f"      {more:7d} x {name}\n")
            for line in taken.compare_to(self._lines, "traceback")[:8]:
                sys.stdout.write(f"      {line.size_diff / 1e3:9.1f} kB in {line.count_diff} blocks\n")
                for frame in list(line.traceback)[-6:]:
                    sys.stdout.write(f"                {frame}\n")


def main() -> None:
    """Print one line per session."""
    given = [a for a in sys.argv[1:] if not a.startswith("-")]
    seconds = float(given[0]) if given else 3600.0
    growth = Growth("--trace" in sys.argv)
    app = QApplication([])
    study = create_study(_WORLD / "study", StudySettings(protocol=PROTOCOL, is_shortened=True))
    study.add_participant("001")
    window = build_window(Appearance(app), Lab(), QSettings(str(_WORLD / "w.ini"), QSettings.Format.IniFormat))
    window.resize(1440, 900)
    window.show()
    window.open_study(study.root)
    window.workspace.set_focus(Focus(window.workspace.focus.study, "001", "01"))
    window.show_page("run")
    page = window.page
    assert isinstance(page, RunPage)
    simulator = start_simulator(study, BODY)

    def pump_until(is_met: Callable[[], bool], limit_s: float) -> None:
        # A loop as the program's own: without one Qt deletes nothing that was let go of (deleteLater).
        end, loop, timer = time.monotonic() + limit_s, QEventLoop(), QTimer()
        timer.timeout.connect(lambda: loop.quit() if is_met() or time.monotonic() > end else None)
        timer.start(20)
        loop.exec()
        assert is_met(), (page.desk.mode, page.desk.problem, page.banner.words, page.desk.gate)

    pump_until(lambda: len(page.desk.streams) == 3, 60)
    page.desk.choose(replace(page.desk.choices, has_simulated_participant=True,
                             screen=replace(page.desk.choices.screen, kind="headless")))  # fmt: skip
    began, me, n = time.monotonic(), psutil.Process(), 0
    sys.stdout.write(f"{'run':>4} {'min':>6} {'window MB':>10} {'presenter MB':>20} {'recorder MB':>20} ")
    sys.stdout.write(
        f"{'window CPU, %':>14} verified {'malloc MB':>10} {'free':>6} {'objects':>8} {'widgets':>7} threads\n"
    )
    while time.monotonic() - began < seconds:
        pump_until(lambda: page.desk.may_start, 60)
        page.start_session()
        pump_until(lambda: page.desk.screen.can_pause, 90)
        state = page.desk.state
        assert state is not None
        paths = study.paths.run(state.key)
        pids = {c: ConnectionFile.read(paths.connection(c)).pid for c in ("presenter", "recorder")}
        first = {c: rss_mb(pid) for c, pid in pids.items()}
        last = dict(first)
        cpu, wall = sum(me.cpu_times()[:2]), time.monotonic()
        while page.desk.mode == "session":
            looked_s = time.monotonic()
            pump_until(lambda: page.desk.mode != "session" or time.monotonic() - looked_s > 1, 60)  # noqa: B023
            last = {c: rss_mb(pid) or last[c] for c, pid in pids.items()}
        cpu, wall = sum(me.cpu_times()[:2]) - cpu, time.monotonic() - wall
        pump_until(lambda: not page.examiner.is_running, 120)
        n += 1
        state = page.desk.state
        is_verified = state is not None and state.recorder is not None and state.recorder.is_verified
        words, (kept, free) = growth.words(app), malloc_mb()
        grown = {c: f"{first[c]:.0f} -> {last[c]:.0f}" for c in pids}
        sys.stdout.write(
            f"{n:4d} {(time.monotonic() - began) / 60:6.1f} {rss_mb(os.getpid()):10.0f} {grown['presenter']:>20} "
            f"{grown['recorder']:>20} {100 * cpu / wall:14.1f} {is_verified!s:>8} {kept:10.1f} {free:6.1f} {words}\n"
        )
        growth.tell(n)
        sys.stdout.flush()
        study.paths.xdf(page.desk.state.key).unlink() if page.desk.state is not None else None
        next(a for a in page.page_actions() if a.id == "run.again").run()
    window.shut_down()
    simulator.stop()


if __name__ == "__main__":
    main()
