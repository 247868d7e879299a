"""A session killed at any moment goes on in the next run: no trial lost, doubled or reordered."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from veridical.domain.errors import StudyError
from veridical.domain.event import Marker
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import StreamDescription
from veridical.domain.study import StudySettings
from veridical.ipc.channel import ConnectionFile
from veridical.services.live_run import LiveRun
from veridical.services.resuming import find_broken
from veridical.services.session import RunRequest, plan_session, start_run
from veridical.services.streams import StreamWatch, start_simulator
from veridical.services.study import Study, create_study
from veridical.services.training import train_model
from veridical.storage.journal import read_journal
from veridical.storage.session_file import find_session
from veridical.storage.xdf_reader import read_xdf

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")

_SHORT = Protocol(
    name="short", n_per_condition=5, n_blocks=3, n_practice=1, repeat_share=0.2, baseline_open_s=0.1,
    baseline_closed_s=0.1, fixation_s=(0.02, 0.03), picture_s=0.08, iti_s=(0.02, 0.03), rating_timeout_s=5.0,
    instruction_timeout_s=5.0,
)  # fmt: skip
_BODY = SimulationPlan(seed=4, eeg_channels=4, eeg_hz=250.0)


def wait_for(condition: Callable[[], object], timeout_s: float = 40.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        pause.wait(0.01)


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StreamDescription, ...]]:
    """A simulated amplifier for all tests of the module."""
    simulator = start_simulator(create_study(tmp_path_factory.mktemp("body") / "s"), _BODY)
    watch = StreamWatch()
    assert watch.wait_for(lambda found: sum(s.name.startswith("Sim") and bool(s.labels) for s in found) == 3, 40.0)
    yield tuple(s for s in watch.streams() if s.name.startswith("Sim"))
    watch.close()
    simulator.stop()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = create_study(tmp_path / "study", StudySettings(protocol=_SHORT, is_shortened=True, intake=()))
    made.add_participant("001")
    return made


def _start(study: Study, streams: tuple[StreamDescription, ...], *, resumes: bool) -> LiveRun:
    broken = find_broken(study, "001") if resumes else None
    screen = ScreenChoice(kind="headless", fullscreen=False)
    live = start_run(study, RunRequest(study.next_run("001"), streams, screen, _BODY, True, broken=broken))
    live.begin()
    return live


def _kill_after(live: LiveRun, study: Study, n_trials: int, delay_s: float) -> None:
    """Kill the presenter some time after it began its n-th trial of this run."""

    def has_come() -> bool:
        shown = live.state().presenter
        return shown is not None and (len([t for t in shown.done if not t.is_practice]) >= n_trials)

    wait_for(lambda: has_come() or live.state().is_over)
    threading.Event().wait(delay_s)
    connection = study.paths.run(live.plan.key).connection("presenter")
    if connection.exists():
        os.kill(ConnectionFile.read(connection).pid, signal.SIGKILL)
    assert live.wait_over(40.0)
    live.close()


def _answered(texts: tuple[str, ...]) -> list[int]:
    markers = [Marker.parse(t) for t in texts]
    return [
        int(m.details["trial"]) for m in markers if m.name == "rating/arousal" and m.details["status"] == "answered"
    ]


def _texts(study: Study, run: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Markers of a run as the journal and as the recording have them."""
    key = RunKey("001", run=run)
    if not study.paths.journal(key).exists():
        # Killed before it could say anything.
        return (), ()
    with read_xdf(study.paths.xdf(key)) as file:
        found = [s for s in file.streams if s.name == "veridical-markers" and s.n_samples]
        recorded = tuple(str(t) for s in found for t in s.samples[0])
    return tuple(line.marker for line in read_journal(study.paths.journal(key))), recorded


def test_kills_at_random_moments_lose_double_and_reorder_nothing(
    study: Study, streams: tuple[StreamDescription, ...], is_full: bool
) -> None:
    rng = np.random.default_rng()
    planned = [t.number for t in plan_session(study, RunKey("001")).trials]
    n_kills, run = (20 if is_full else 3), 0
    answered: list[int] = []
    while answered != planned:
        run += 1
        assert run <= n_kills + len(planned)
        live = _start(study, streams, resumes=run > 1)
        if run <= n_kills and len(planned) - len(answered) > 1:
            # Most runs are killed in their first trial or second, so that the session lasts for all kills.
            _kill_after(live, study, int(rng.random() < 0.5), float(rng.random() * 0.4))
        else:
            assert live.wait_over(90.0)
            assert live.state().problem == ""
            live.close()
        journal, recorded = _texts(study, run)
        assert set(recorded) <= set(journal)
        new = _answered(journal)
        # What was answered is on disk in both, but for the markers of the last moment of a killed process.
        assert new[: len(_answered(recorded))] == _answered(recorded)
        assert len(new) - len(_answered(recorded)) <= 1
        answered += new
        assert answered == planned[: len(answered)]
        if run > 1 and new:
            begun = next(Marker.parse(t) for t in journal if t.startswith("session/continue"))
            assert begun.details["continues"] == str(run - 1)
            assert any(t.startswith("session/continue") for t in recorded)
            session = find_session(study.paths.session_file(RunKey("001", run=run)))
            assert session is not None
            assert session.continues == run - 1
    assert run > n_kills or len(planned) - len(answered) <= 1


def test_the_command_resumes_and_refuses_when_nothing_is_left(
    study: Study, streams: tuple[StreamDescription, ...]
) -> None:
    _kill_after(_start(study, streams, resumes=False), study, 3, 0.05)
    n_before = len(_answered(_texts(study, 1)[0]))
    command = [
        *(sys.executable, "-m", "veridical", "run", str(study.root), "--participant", "001", "--headless"),
        *("--simulate-participant", "--resume", "--json", "--stream", f"source_id={streams[0].source_id}"),
        *("--override", "eeg=only the heart is recorded here"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["run"], told["continues"]) == (2, 1)
    assert "broke off after" in done.stderr
    assert n_before + told["n_answered"] == len(plan_session(study, RunKey("001")).trials)
    session = find_session(study.paths.session_file(RunKey("001", run=2)))
    assert session is not None
    assert [(o.item, o.reason) for o in session.overrides] == [("eeg", "only the heart is recorded here")]
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert again.returncode == 1
    assert "nothing to resume" in again.stderr


_EVOKED = Protocol(
    name="eeg-only", n_per_condition=16, n_blocks=3, n_practice=2, repeat_share=0.12, baseline_open_s=1.0,
    baseline_closed_s=1.0, fixation_s=(0.05, 0.1), picture_s=1.05, iti_s=(0.05, 0.1), rating_timeout_s=5.0,
    instruction_timeout_s=2.0, min_break_s=1.5, n_attention_checks=3, has_familiarity_pass=True, n_pleasant_end=2,
)  # fmt: skip
# What the presenter's journal says where it is killed, and how often before; the rest follows at random.
_PARTS = (
    "baseline/eyes-closed/start", "practice/picture", "block/start", "break/start", "picture/", "check/attention",
    "familiarity/picture", "familiarity/seen",
)  # fmt: skip


def _kill_at(live: LiveRun, study: Study, start: str, nth: int, delay_s: float) -> None:
    """Kill the presenter after the n-th marker of a kind, as the journal has it."""
    journal = study.paths.journal(live.plan.key)

    def has_come() -> bool:
        lines = read_journal(journal) if journal.exists() else ()
        return sum(line.marker.startswith(start) for line in lines) >= nth

    wait_for(lambda: has_come() or live.state().is_over, 150.0)
    threading.Event().wait(delay_s)
    connection = study.paths.run(live.plan.key).connection("presenter")
    if connection.exists():
        os.kill(ConnectionFile.read(connection).pid, signal.SIGKILL)
    assert live.wait_over(60.0)
    live.close()


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_session_killed_in_every_part_keeps_its_order_and_trains_as_one(
    tmp_path: Path, streams: tuple[StreamDescription, ...]
) -> None:
    study = create_study(tmp_path / "s", StudySettings(protocol=_EVOKED, is_shortened=True, intake=()))
    study.add_participant("001")
    plan = plan_session(study, RunKey("001"))
    rng = np.random.default_rng()
    for k, start in enumerate(_PARTS):
        live = _start(study, streams, resumes=k > 0)
        nth = int(rng.integers(1, 6)) if start in ("picture/", "familiarity/seen") else 1
        _kill_at(live, study, start, nth, float(rng.random() * 0.6))
    last = _start(study, streams, resumes=True)
    assert last.wait_over(200.0)
    facts = last.state().facts
    last.close()
    every = [[Marker.parse(line.marker) for line in read_journal(study.paths.journal(k))] for k in study.runs("001")]
    asked = [m for run in every for m in run if m.name == "check/attention"]
    answered = [int(m.details["trial"]) for run in every for m in run if m.name == "rating/arousal"
                and m.details["status"] == "answered"]  # fmt: skip
    assert answered == [t.number for t in plan.trials]
    known = [m.details["stimulus"] for run in every for m in run if m.name == "familiarity/reminds"]
    assert known == list(plan.familiarity)
    assert facts is not None
    # Only a check that was on the screen when the process was killed may be missing.
    assert len(asked) >= _EVOKED.n_attention_checks - len(_PARTS)
    assert (facts.n_checks, facts.n_passed) == (len(asked), len(asked))
    with pytest.raises(StudyError, match="nothing to resume"):
        find_broken(study, "001")
    result = train_model(study, "001")
    assert len(result.validation.predictions) >= len(plan.trials)
    evidence = next(f.evidence for f in result.findings if f.threat == "ground truth")
    assert evidence["n_repeat_pairs"] == _EVOKED.n_repeats
    tables = [study.paths.features(key) for key in study.runs("001")]
    rows = [line.split("\t") for f in tables if f.exists() for line in f.read_text().splitlines()[1:]]
    kept = [int(float(row[2])) for row in rows if row[7] == "true"]
    assert len(kept) == len(set(kept)), "no trial takes part twice"


def _own_display() -> tuple[subprocess.Popen[bytes], str]:
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "800x600x24", "+extension", "GLX"]
    server = subprocess.Popen(
        [*command, "-nolisten", "tcp"], pass_fds=(write_end,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        return server, f":{pipe.readline().strip()}"


def _ask_to_close(display: str, window_id: int) -> None:
    """Send WM_DELETE_WINDOW."""
    from Xlib import X
    from Xlib.display import Display
    from Xlib.protocol.event import ClientMessage

    connection = Display(display)
    window = connection.create_resource_object("window", window_id)
    kind, asked = (connection.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
    window.send_event(ClientMessage(window=window, client_type=kind, data=(32, [asked, X.CurrentTime, 0, 0, 0])))
    connection.flush()
    connection.close()


def _n_done(live: LiveRun) -> int:
    shown = live.state().presenter
    return 0 if shown is None else len([t for t in shown.done if not t.is_practice])


@pytest.mark.full
@pytest.mark.display
def test_a_window_asked_to_close_stays_and_a_display_that_goes_away_costs_no_answer(
    study: Study, streams: tuple[StreamDescription, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, display = _own_display()
    monkeypatch.setenv("DISPLAY", display)
    screen = ScreenChoice(kind="psychopy", fullscreen=False, width_px=400, height_px=300)
    live = start_run(study, RunRequest(study.next_run("001"), streams, screen, _BODY, True))
    live.begin()
    wait_for(lambda: _n_done(live) >= 1 or live.state().is_over, 90.0)
    # What a window manager sends when somebody clicks the cross: only the operator ends a session.
    windows = subprocess.run(
        ["xdotool", "search", "--name", "Pictures"], capture_output=True, text=True, check=True
    ).stdout.split()
    _ask_to_close(display, int(windows[-1]))
    before = _n_done(live)
    wait_for(lambda: _n_done(live) > before + 1 or live.state().is_over)
    assert not live.state().is_over
    server.kill()
    server.wait()
    assert live.wait_over(40.0)
    assert "presenter ended" in live.state().problem
    live.close()
    monkeypatch.delenv("DISPLAY")
    journal, recorded = _texts(study, 1)
    assert set(recorded) <= set(journal)
    answered = _answered(journal)
    assert len(answered) > before + 1
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert session.is_verified
    live = _start(study, streams, resumes=True)
    assert live.wait_over(90.0)
    live.close()
    planned = [t.number for t in plan_session(study, RunKey("001")).trials]
    assert answered + _answered(_texts(study, 2)[0]) == planned
