"""The presenter as a program: real PsychoPy under Xvfb, real LSL markers, a real channel."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pylsl
import pytest
from PIL import Image

from veridical.domain.event import Event, Marker
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol, expand
from veridical.domain.rating import VALENCE
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import StimulusSet
from veridical.domain.trial_table import trials_from_events
from veridical.domain.view import View
from veridical.ipc.channel import Attachment
from veridical.ipc.messages import Abort, Note, PresenterState, Start, Stop
from veridical.paths import RunPaths, demo_stimuli
from veridical.presenter.texts import load_texts
from veridical.presenter.view_painter import ViewPainter
from veridical.storage.journal import JournalLine, read_journal
from veridical.storage.run_folder import read_outcome, write_plan
from veridical.storage.stimuli_table import read_stimuli

PROTOCOL = Protocol(
    n_per_condition=1,
    n_blocks=1,
    n_practice=1,
    repeat_share=0.0,
    baseline_open_s=0.3,
    baseline_closed_s=0.0,
    fixation_s=(0.2, 0.3),
    picture_s=0.5,
    iti_s=(0.1, 0.2),
)
# PsychoPy alone takes 4.5 s to start on a quiet machine.
READY_TIMEOUT_S = 120.0


def make_plan(folder: Path, name: str, screen: ScreenChoice) -> RunPlan:
    """Write a short run with demo pictures into a folder of its own."""
    demo = read_stimuli(demo_stimuli() / "stimuli.tsv")
    here = StimulusSet(tuple(replace(s, file=str(demo_stimuli() / s.file)) for s in demo.stimuli))
    session = expand(PROTOCOL, here, 3)
    shown = {t.stimulus_id for t in (*session.practice, *session.trials)}
    plan = RunPlan(
        key=RunKey("001"),
        plan=session,
        scales=PROTOCOL.scales,
        stimuli=tuple(s for s in here.stimuli if s.id in shown),
        seed=3,
        marker_source_id=f"markers-{name}-{os.getpid()}",
        streams=(),
        xdf=str(folder / "run.xdf"),
        journal=str(folder / "events.jsonl"),
        session_file=str(folder / "session.json"),
        screen=screen,
        simulation=SimulationPlan(seed=3),
        has_simulated_participant=True,
        is_shortened=True,
    )
    write_plan(RunPaths(folder), plan)
    return plan


def start(folder: Path, display: str | None, *options: str) -> subprocess.Popen[str]:
    """Start the presenter as services do."""
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    if display is not None:
        environment["DISPLAY"] = display
    with (folder / "presenter.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "veridical.presenter", str(folder), *options],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
        )


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait for a condition; fails when the time is up."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def attach(folder: Path, process: subprocess.Popen[str]) -> Attachment:
    """Attach as a window does, as soon as the child listens."""
    connection = RunPaths(folder).connection("presenter")
    wait_for(lambda: connection.exists() or process.poll() is not None, READY_TIMEOUT_S)
    return Attachment(connection)


def phase(window: Attachment) -> str:
    """The presenter's phase as the window knows it."""
    return window.state.phase if isinstance(window.state, PresenterState) else ""


def listen(source_id: str) -> pylsl.StreamInlet:
    """Open the presenter's marker stream."""
    found = pylsl.resolve_byprop("source_id", source_id, 1, 10.0)
    assert found, "the marker stream is not on the network"
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(10.0)
    return inlet


def drain(inlet: pylsl.StreamInlet) -> list[tuple[float, str]]:
    """Take every marker that has arrived."""
    texts, stamps = inlet.pull_chunk(0.2)
    return [(s, t[0]) for s, t in zip(stamps, texts, strict=True)]


@dataclass(frozen=True)
class Presented:
    """Everything a finished PsychoPy run left behind."""

    plan: RunPlan
    markers: tuple[tuple[float, str], ...]
    journal: tuple[JournalLine, ...]
    states: tuple[PresenterState, ...]
    screenshots: Path
    folder: Path
    returned: int
    mode: int


@pytest.fixture(scope="module")
def presented(x_display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Presented]:
    folder = tmp_path_factory.mktemp("psychopy")
    plan = make_plan(folder, "psychopy", ScreenChoice(fullscreen=False, width_px=1280, height_px=800))
    process = start(folder, x_display, "--screenshots", str(folder / "shots"))
    try:
        window = attach(folder, process)
        mode = RunPaths(folder).connection("presenter").stat().st_mode & 0o777
        wait_for(lambda: phase(window) in ("ready", "failed"), READY_TIMEOUT_S)
        assert phase(window) == "ready", window.state
        inlet = listen(plan.marker_source_id)
        window.send(Note("cap on"))
        window.send(Start())
        states: list[PresenterState] = []
        markers: list[tuple[float, str]] = []
        end = time.monotonic() + READY_TIMEOUT_S
        while phase(window) != "ended":
            assert time.monotonic() < end
            assert phase(window) != "failed", window.state
            window.wait_change(0.05)
            if isinstance(window.state, PresenterState):
                states.append(window.state)
            markers += drain(inlet)
        markers += drain(inlet)
        assert isinstance(window.state, PresenterState)
        states.append(window.state)
        window.send(Stop())
        returned = process.wait(20)
        window.close()
        journal = read_journal(Path(plan.journal))
        yield Presented(plan, tuple(markers), journal, tuple(states), folder / "shots", folder, returned, mode)
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.display
def test_every_marker_arrives_over_lsl_with_the_journals_stamp(presented: Presented) -> None:
    # LSL carries the stamp as sent; the journal prints it to the last bit.
    assert presented.markers == tuple((line.lsl_s, line.marker) for line in presented.journal)
    assert presented.markers[0][1] == "note text=cap%20on"
    assert presented.markers[-1][1] == "session/end reason=completed"
    rows = trials_from_events([Event(s, Marker.parse(t)) for s, t in presented.markers])
    assert [r.stimulus_id for r in rows] == [t.stimulus_id for t in presented.plan.plan.trials]
    assert all(r.value("valence") is not None and r.value("arousal") is not None for r in rows)
    assert presented.returned == 0
    assert presented.mode == 0o600


@pytest.mark.display
def test_the_screen_shows_the_pictures_pixels_on_mid_grey(presented: Presented) -> None:
    for stimulus in presented.plan.stimuli:
        with Image.open(presented.screenshots / f"picture-{stimulus.id}.png") as shot:
            seen = np.asarray(shot.convert("RGB"), dtype=float)
        with Image.open(stimulus.file) as file:
            asked = np.asarray(file.convert("RGB").resize((800, 640), Image.Resampling.LANCZOS), dtype=float)
        assert seen.shape == (800, 1280, 3)
        middle = seen[80:720, 240:1040]
        assert np.abs(middle - asked).mean() < 2.0
        for border in (seen[:70], seen[80:700, :230], seen[:, 1050:]):
            assert np.abs(border - 128).max() <= 1
        assert (seen[-30:, :30] == 255).all(), "the photodiode's square is bright while a picture is shown"


@pytest.mark.display
def test_psychopy_draws_the_rating_screen_as_it_was_painted(presented: Presented) -> None:
    painter = ViewPainter(1280, 800, presented.plan.screen.width_cm, load_texts({}))
    expected = np.asarray(painter.paint(View("rating", scale_id="valence"), VALENCE), dtype=float)
    with Image.open(presented.screenshots / "rating-valence.png") as shot:
        seen = np.asarray(shot.convert("RGB"), dtype=float)
    assert np.abs(seen - expected).mean() < 0.5
    assert np.std(seen) > 5
    chosen = list(presented.screenshots.glob("rating-valence-*.png"))
    assert chosen, "the simulated participant's choice was shown before it was confirmed"


@pytest.mark.display
def test_the_presenter_loads_no_qt_and_no_analysis_library(presented: Presented) -> None:
    log = (presented.folder / "presenter.log").read_text()
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in log.splitlines() if "import time:" in line}
    assert "psychopy" in loaded
    assert not loaded & {"PySide6", "PyQt6", "PyQt5", "pyqtgraph", "sklearn"}


@pytest.mark.display
def test_the_outcome_tells_order_screen_and_timing(presented: Presented) -> None:
    outcome = read_outcome(RunPaths(presented.folder), "presenter")
    assert outcome is not None
    assert outcome["reason"] == "completed"
    session = presented.plan.plan
    assert [t["stimulus_id"] for t in outcome["order"]] == [t.stimulus_id for t in (*session.practice, *session.trials)]
    assert outcome["screen"]["kind"] == "psychopy"
    # Xvfb has no vertical blank, however fast or slow it happens to flip.
    assert outcome["screen"]["has_vsync"] is False
    assert outcome["timing"]["frames"]["words"] == "software timing only"
    onsets = [s for s, t in presented.markers if "picture/" in t and " id=" in t]
    assert [p["onset_lsl_s"] for p in outcome["timing"]["pictures"]] == onsets
    assert all(p["asked_s"] == 0.5 and p["true_s"] > 0.49 for p in outcome["timing"]["pictures"])


@pytest.mark.display
def test_windows_see_progress_and_no_values_before_the_end(presented: Presented) -> None:
    running = [s for s in presented.states if s.phase == "running"]
    assert all(s.values == () for s in running)
    assert max(s.trial for s in running) == len(presented.plan.plan.trials)
    last = presented.states[-1]
    assert [v[0] for v in last.values] == [t.number for t in presented.plan.plan.trials]
    assert last.screen == "psychopy 1280x800, no vertical blank"


def run_to_failure(folder: Path, display: str | None) -> tuple[str, int, Path]:
    """Run a presenter that cannot start; returns its sentence, its exit status and its journal."""
    process = start(folder, display)
    try:
        window = attach(folder, process)
        wait_for(lambda: phase(window) == "failed", READY_TIMEOUT_S)
        assert isinstance(window.state, PresenterState)
        message = window.state.message
        window.send(Stop())
        returned = process.wait(20)
        window.close()
        return message, returned, folder / "events.jsonl"
    finally:
        process.kill()
        process.wait(10)


def test_without_a_display_the_real_screen_fails_with_a_remedy(tmp_path: Path) -> None:
    make_plan(tmp_path, "nodisplay", ScreenChoice())
    message, returned, journal = run_to_failure(tmp_path, None)
    assert "no display" in message
    assert "headless" in message
    assert returned == 1
    assert not journal.exists()
    outcome = read_outcome(RunPaths(tmp_path), "presenter")
    assert outcome is not None
    assert (outcome["reason"], outcome["detail"]) == ("failed", message)


@pytest.mark.display
def test_a_screen_that_is_not_there_is_never_replaced_by_another(x_display: str, tmp_path: Path) -> None:
    make_plan(tmp_path, "noscreen", ScreenChoice(index=1))
    message, returned, journal = run_to_failure(tmp_path, x_display)
    assert "Screen 2" in message
    assert returned == 1
    assert not journal.exists()


def test_a_missing_picture_fails_before_anything_starts(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, "missing", ScreenChoice(kind="headless"))
    gone = replace(plan.stimuli[0], file=str(tmp_path / "gone.jpg"))
    write_plan(RunPaths(tmp_path), replace(plan, stimuli=(gone, *plan.stimuli[1:])))
    message, returned, journal = run_to_failure(tmp_path, None)
    assert "gone.jpg" in message
    assert "is missing" in message
    assert returned == 1
    assert not journal.exists()


def test_a_window_that_dies_does_not_stop_the_session_and_another_can_abort_it(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, "headless", ScreenChoice(kind="headless"))
    process = start(tmp_path, None)
    try:
        first = attach(tmp_path, process)
        wait_for(lambda: phase(first) == "ready", READY_TIMEOUT_S)
        first.send(Start())
        wait_for(lambda: phase(first) == "running", 10)
        first.close()
        second = attach(tmp_path, process)
        wait_for(lambda: isinstance(second.state, PresenterState) and second.state.trial >= 1, 30)
        second.send(Abort("test over"))
        wait_for(lambda: phase(second) == "ended", 30)
        second.send(Stop())
        assert process.wait(20) == 0
        second.close()
        assert read_journal(Path(plan.journal))[-1].marker == "session/end reason=aborted detail=test%20over"
        outcome = read_outcome(RunPaths(tmp_path), "presenter")
        assert outcome is not None
        assert outcome["screen"]["words"] == "headless (no display)"
        assert json.dumps(outcome["timing"]).count("headless") == 1
    finally:
        process.kill()
        process.wait(10)
