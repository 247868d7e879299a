"""A session whose operator program or amplifier is killed with SIGKILL; what becomes of a killed presenter and
recorder stands in test_session_loop.py and test_resume.py."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import Protocol
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import StreamDescription
from veridical.domain.study import RecordingChoices, StudySettings
from veridical.gui.common.lab import Lab
from veridical.gui.common.workspace import Focus, Workspace
from veridical.gui.run.run_desk import RunDesk
from veridical.ipc.channel import ConnectionFile
from veridical.paths import RunPaths
from veridical.services.annotating import load_run, suggest_work
from veridical.services.session import RunRequest, start_run
from veridical.services.streams import SimulatorHandle, StreamWatch, start_simulator
from veridical.services.study import Study, create_study
from veridical.storage.journal import read_journal
from veridical.storage.session_file import find_session

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")

_PROTOCOL = Protocol(
    n_per_condition=5, n_blocks=1, n_practice=0, repeat_share=0, baseline_open_s=0, baseline_closed_s=0,
    fixation_s=(0.1, 0.15), picture_s=0.4, iti_s=(0.3, 0.4), rating_timeout_s=5.0, instruction_timeout_s=5.0,
)  # fmt: skip
_HEADLESS = ScreenChoice(kind="headless", fullscreen=False)
_BODY = SimulationPlan(seed=4, eeg_channels=4, eeg_hz=250.0, eda_hz=32.0, ecg_hz=128.0)
_KEY = RunKey("001")

# What a window does, without the window.
_OPERATOR = """
import pickle, sys, threading
from veridical.domain.progress import finish
from veridical.services.annotating import load_run, suggest_work
from veridical.services.session import start_run
from veridical.services.study import open_study
live = start_run(open_study(sys.argv[1]), pickle.load(sys.stdin.buffer))
live.begin()
threading.Event().wait()
"""


def _wait_for(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        pause.wait(0.02)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study in which a device that drops out pauses the session."""
    settings = StudySettings(protocol=_PROTOCOL, recording=RecordingChoices(pauses_when_lost=True), is_shortened=True)
    made = create_study(tmp_path / "study", settings)
    made.add_participant("001")
    return made


@dataclass
class Amplifier:
    """A simulated amplifier in a process that can be killed."""

    home: Study
    simulator: SimulatorHandle
    streams: tuple[StreamDescription, ...] = ()

    def start_again(self) -> None:
        self.simulator.stop()
        self.simulator = start_simulator(self.home, _BODY)


@pytest.fixture(scope="module")
def amplifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amplifier]:
    """One for both tests: the second one kills it."""
    home = create_study(tmp_path_factory.mktemp("body") / "s")
    made = Amplifier(home, start_simulator(home, _BODY))
    watch = StreamWatch()

    def is_enough(found: tuple[StreamDescription, ...]) -> bool:
        assert made.simulator.problem() == ""
        return sum(s.name.startswith("Sim") and bool(s.labels) for s in found) == 3

    assert watch.wait_for(is_enough, 40.0), [(s.name, s.labels) for s in watch.streams()]
    made.streams = tuple(s for s in watch.streams() if s.name.startswith("Sim"))
    watch.close()
    yield made
    made.simulator.stop()


def _pid(folder: Path, child: str) -> int:
    connection = RunPaths(folder).connection(child)
    _wait_for(connection.exists)
    return ConnectionFile.read(connection).pid


def _n_shown(study: Study) -> int:
    journal = study.paths.journal(_KEY)
    if not journal.exists():
        return 0
    return sum("picture/" in line.marker and "id=" in line.marker for line in read_journal(journal))


def test_a_killed_operator_program_is_missed_by_nobody(study: Study, amplifier: Amplifier) -> None:
    request = RunRequest(_KEY, amplifier.streams, _HEADLESS, _BODY, has_simulated_participant=True)
    operator = subprocess.Popen([sys.executable, "-c", _OPERATOR, str(study.root)], stdin=subprocess.PIPE)
    assert operator.stdin is not None
    operator.stdin.write(pickle.dumps(request))
    operator.stdin.close()
    _wait_for(lambda: _n_shown(study) >= 3)
    operator.kill()
    operator.wait(10)
    n_shown = _n_shown(study)
    # The new window.
    workspace = Workspace()
    workspace.set_focus(Focus(study, "001", "01"))
    desk = RunDesk(Lab(), workspace)
    began_s = time.monotonic()
    assert desk.attach_live_run(study)

    def knows_everything() -> bool:
        desk.poll()
        state = desk.state
        return state is not None and state.presenter is not None and state.recorder is not None

    _wait_for(knows_everything)
    took_s = time.monotonic() - began_s
    state = desk.state
    assert state is not None
    assert state.presenter is not None
    assert state.recorder is not None
    assert took_s < 2.0, f"the new window knew everything after {took_s:.2f} s"
    print(f"re-attached with full state after {took_s:.3f} s")  # noqa: T201
    assert len(state.presenter.done) >= n_shown - 1
    assert state.presenter.trial >= n_shown
    assert {s.name for s in state.recorder.streams} >= {"SimEEG", "SimEDA", "SimECG"}
    assert desk.screen.can_pause
    _wait_for(lambda: desk.poll() is not None and desk.mode == "summary", 90.0)
    assert desk.state is not None
    assert desk.state.problem == ""
    record = find_session(study.paths.session_file(_KEY))
    assert record is not None
    assert (record.presenter_ended.how, record.is_verified) == ("completed", True)
    assert _n_shown(study) == _PROTOCOL.n_trials
    desk.close()


def test_a_killed_amplifier_pauses_the_session_and_its_return_is_seen(study: Study, amplifier: Amplifier) -> None:
    live = start_run(study, RunRequest(_KEY, amplifier.streams, _HEADLESS, _BODY, has_simulated_participant=True))
    live.begin()
    _wait_for(lambda: _n_shown(study) >= 2)
    os.kill(_pid(amplifier.home.root / ".veridical" / "simulator", "simulator"), signal.SIGKILL)
    _wait_for(lambda: len(live.state().away) == 3)

    def phase() -> str:
        presenter = live.state().presenter
        return "" if presenter is None else presenter.phase

    _wait_for(lambda: phase() == "paused")
    assert live.state().is_paused_for_device
    n_shown = _n_shown(study)
    assert n_shown < _PROTOCOL.n_trials
    amplifier.start_again()
    _wait_for(lambda: live.state().away == ())
    assert phase() == "paused"
    assert live.state().is_paused_for_device
    assert _n_shown(study) == n_shown, "a session that waits for a device shows nothing"
    # What is written in the meantime is in the recording, and a suggestion to the rater.
    live.observe("laughs")
    live.mark("cable")
    # It rests after its last block, and ends when it is decided.
    live.linger(is_on=True)
    live.resume()
    _wait_for(lambda: phase() == "resting")
    live.decide("enough")
    assert live.wait_over(90.0)
    state = live.state()
    assert state.recorder is not None
    assert state.recorder.is_verified
    assert _n_shown(study) == _PROTOCOL.n_trials
    assert any(e.kind == "returned" for e in state.recorder.events)
    holes = [h for h in state.holes if h.stream == "SimEEG"]
    assert holes
    texts = [e.marker for e in load_run(study, _KEY).events]
    assert [m.details for m in texts if m.name == "custom"] == [{"name": "cable"}]
    assert [m.details["decision"] for m in texts if m.name == "rest/end"] == ["enough"]
    seen = [s.label for s in finish(suggest_work(study, _KEY)) if s.method == "operator"]
    assert seen == ["laughter"]
    assert max(h.stop_s - h.start_s for h in holes) > 1.0
    live.close()
