"""An hour of sessions one after the other in the real window: does memory grow, and what does the window cost?

A simulated amplifier of 32 EEG channels at 1 kHz, EDA and ECG, real recorder and presenter (headless), a simulated
participant, and a
protocol shortened to about a second a picture.

    python -m uv run python tests/performance/soak_session.py [SECONDS]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

_WORLD = Path(tempfile.mkdtemp(prefix="veridical-soak-"))
os.environ.update(QT_QPA_PLATFORM="offscreen", PYQTGRAPH_QT_LIB="PySide6", MPLBACKEND="Agg", OPENBLAS_NUM_THREADS="1")

from veridical.streaming.scope import private_scope  # noqa: E402

os.environ["LSLAPICFG"] = str(private_scope(_WORLD))

import psutil  # noqa: E402
from PySide6.QtCore import QSettings  # noqa: E402
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


def main() -> None:
    """Print one line per session."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3600.0
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
        end = time.monotonic() + limit_s
        while not is_met():
            assert time.monotonic() < end, (page.desk.mode, page.desk.problem, page.banner.words, page.desk.gate)
            app.processEvents()
            time.sleep(0.005)

    pump_until(lambda: len(page.desk.streams) == 3, 60)
    page.desk.choose(replace(page.desk.choices, has_simulated_participant=True,
                             screen=replace(page.desk.choices.screen, kind="headless")))  # fmt: skip
    began, me, n = time.monotonic(), psutil.Process(), 0
    sys.stdout.write(f"{'run':>4} {'min':>6} {'window MB':>10} {'presenter MB':>20} {'recorder MB':>20} ")
    sys.stdout.write(f"{'window CPU, %':>14} verified\n")
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
        grown = {c: f"{first[c]:.0f} -> {last[c]:.0f}" for c in pids}
        sys.stdout.write(
            f"{n:4d} {(time.monotonic() - began) / 60:6.1f} {rss_mb(os.getpid()):10.0f} {grown['presenter']:>20} "
            f"{grown['recorder']:>20} {100 * cpu / wall:14.1f} {is_verified}\n"
        )
        sys.stdout.flush()
        study.paths.xdf(page.desk.state.key).unlink() if page.desk.state is not None else None
        next(a for a in page.page_actions() if a.id == "run.again").run()
    window.shut_down()
    simulator.stop()


if __name__ == "__main__":
    main()
