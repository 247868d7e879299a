"""Whole sessions with real child processes: nothing said is lost, and whatever dies, the rest is kept and told."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import pyxdf

from veridical.domain.errors import StorageError, StreamError, StudyError
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import StreamDescription
from veridical.domain.study import StudySettings
from veridical.domain.trigger import TriggerChoice
from veridical.ipc.channel import ConnectionFile
from veridical.services.annotating import load_run
from veridical.services.gate import check_before_run
from veridical.services.live_run import LiveRun, RunState
from veridical.services.session import RunRequest, find_live_runs, start_run
from veridical.services.streams import Scope, SimulatorHandle, StreamWatch, start_simulator
from veridical.services.study import Study, create_study
from veridical.storage.journal import read_journal
from veridical.storage.session_file import find_session
from veridical.storage.xdf_reader import read_xdf

_SHORT = Protocol(
    name="short",
    n_per_condition=2,
    n_blocks=2,
    n_practice=1,
    repeat_share=1 / 6,
    baseline_open_s=0.3,
    baseline_closed_s=0.3,
    fixation_s=(0.1, 0.15),
    picture_s=0.25,
    iti_s=(0.05, 0.1),
    rating_timeout_s=5.0,
    instruction_timeout_s=5.0,
)
_HEADLESS = ScreenChoice(kind="headless", fullscreen=False)
_BODY = SimulationPlan(seed=4, eeg_channels=8, eeg_hz=250.0)


def wait_for(condition: Callable[[], object], timeout_s: float = 40.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        pause.wait(0.02)


def wait_for_streams(watch: StreamWatch, simulator: SimulatorHandle, prefix: str) -> None:
    """Wait for the three streams of a simulated amplifier."""

    def is_enough(found: tuple[StreamDescription, ...]) -> bool:
        assert simulator.problem() == ""
        return sum(s.name.startswith(prefix) and bool(s.labels) for s in found) == 3

    assert watch.wait_for(is_enough, 40.0), [(s.name, s.labels) for s in watch.streams()]


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StreamDescription, ...]]:
    """EEG, EDA and ECG of a simulated amplifier, streaming as long as the module's tests run."""
    study = create_study(tmp_path_factory.mktemp("body") / "s")
    simulator = start_simulator(study, _BODY)
    watch = StreamWatch()
    wait_for_streams(watch, simulator, "Sim")
    yield tuple(s for s in watch.streams() if s.name.startswith("Sim"))
    watch.close()
    simulator.stop()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    settings = StudySettings(protocol=_SHORT, is_shortened=True, shows_ratings=False)
    made = create_study(tmp_path / "study", settings)
    made.add_participant("001")
    return made


def _request(streams: tuple[StreamDescription, ...], key: RunKey | None = None) -> RunRequest:
    return RunRequest(key or RunKey("001"), streams, _HEADLESS, _BODY, has_simulated_participant=True)


@pytest.fixture
def run(study: Study, streams: tuple[StreamDescription, ...]) -> Iterator[LiveRun]:
    """A started session; ended afterwards if a test leaves it alive."""
    live = start_run(study, _request(streams))
    live.begin()
    yield live
    live.abort("the test is over")
    if not live.wait_over(20.0):
        live.kill()
    live.close()


@pytest.fixture(scope="module")
def finished(streams: tuple[StreamDescription, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, LiveRun]:
    """A study whose first run went from start to end."""
    study = create_study(tmp_path_factory.mktemp("finished") / "s", StudySettings(protocol=_SHORT, is_shortened=True))
    live = start_run(study, _request(streams))
    live.begin()
    assert live.wait_over(90.0)
    live.close()
    return study, live


def _pid(run: LiveRun, study: Study, child: str) -> int:
    connection = study.paths.run(run.plan.key).connection(child)
    wait_for(connection.exists)
    return ConnectionFile.read(connection).pid


def _is_running(state: RunState) -> bool:
    return state.presenter is not None and state.presenter.phase == "running" and state.presenter.trial >= 1


def test_every_marker_and_rating_stands_in_recording_and_journal_alike(finished: tuple[Study, LiveRun]) -> None:
    study, run = finished
    state = run.state()
    assert state.problem == ""
    assert state.recorder is not None
    assert state.recorder.is_verified
    key = RunKey("001")
    journal = read_journal(study.paths.journal(key))
    recorded, _ = pyxdf.load_xdf(
        str(study.paths.xdf(key)), synchronize_clocks=False, dejitter_timestamps=False, verbose=False
    )
    by_name = {s["info"]["name"][0]: s for s in recorded}
    assert set(by_name) == {"SimEEG", "SimEDA", "SimECG", "veridical-markers"}
    markers = by_name["veridical-markers"]
    assert [m[0] for m in markers["time_series"]] == [line.marker for line in journal]
    np.testing.assert_array_equal(markers["time_stamps"], [line.lsl_s for line in journal])
    names = [line.marker.split()[0] for line in journal]
    n_trials = len(run.plan.plan.trials)
    assert (names[0], names[-1]) == ("session/start", "session/end")
    assert sum(n.startswith("picture/") and n != "picture/off" for n in names) == n_trials
    for scale in ("valence", "arousal"):
        assert names.count(f"rating/{scale}") == n_trials
    for name, hz in (("SimEEG", 250), ("SimEDA", 128), ("SimECG", 512)):
        stamps = by_name[name]["time_stamps"]
        np.testing.assert_allclose(np.diff(stamps), 1 / hz, atol=1e-6)
        assert stamps[0] < journal[0].lsl_s
        assert stamps[-1] > journal[-1].lsl_s


def test_the_session_file_tells_how_the_run_came_about_and_ended(finished: tuple[Study, LiveRun]) -> None:
    study, run = finished
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert (session.presenter_ended.how, session.recorder_ended.how) == ("completed", "session-end")
    assert session.is_verified
    assert session.screen_used == "headless (no display)"
    assert session.order == run.plan.plan
    assert session.seed == run.plan.seed
    assert {r.role for r in session.roles} == {"EEG", "EDA", "ECG"}
    assert session.truth is not None
    assert session.truth.effects == _BODY.true_effects
    assert set(session.truth.feelings) == {s.id for s in run.plan.stimuli}
    assert session.presenter["timing"]
    assert {s["name"] for s in session.recorder["streams"]} >= {"SimEEG", "veridical-markers"}  # type: ignore[attr-defined]
    assert "numpy" in session.versions
    raw = json.loads(study.paths.session_file(RunKey("001")).read_bytes())
    assert os.uname().nodename not in json.dumps(raw["hardware"]) if os.name == "posix" else True


def test_a_window_may_go_and_another_one_takes_over(run: LiveRun, study: Study) -> None:
    wait_for(lambda: _is_running(run.state()))
    run.close()
    (paths,) = find_live_runs(study)
    second = LiveRun(study, paths)
    wait_for(lambda: second.state().presenter is not None and second.state().recorder is not None)
    second.note("taken over by a second window")
    assert second.wait_over(90.0)
    assert second.state().problem == ""
    assert find_live_runs(study) == ()
    second.close()
    notes = [line.marker for line in read_journal(study.paths.journal(RunKey("001"))) if line.marker.startswith("note")]
    assert notes == ["note text=taken%20over%20by%20a%20second%20window"]


def test_a_session_that_ends_while_no_window_looks_gets_its_session_file_later(run: LiveRun, study: Study) -> None:
    pids = [_pid(run, study, name) for name in ("presenter", "recorder")]
    wait_for(lambda: _is_running(run.state()))
    run.close()
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in pids), 90.0)
    assert find_session(study.paths.session_file(RunKey("001"))) is None
    assert find_live_runs(study) == ()
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert session.presenter_ended.how == "completed"


def test_pause_resume_and_abort_reach_the_session(run: LiveRun, study: Study) -> None:
    wait_for(lambda: _is_running(run.state()))
    run.pause()
    wait_for(lambda: (p := run.state().presenter) is not None and p.phase == "paused")
    run.resume()
    wait_for(lambda: (p := run.state().presenter) is not None and p.phase == "running")
    run.abort("the cap slipped")
    assert run.wait_over(40.0)
    assert run.state().problem == ""
    markers = [line.marker for line in read_journal(study.paths.journal(RunKey("001")))]
    assert markers[-1] == "session/end reason=aborted detail=the%20cap%20slipped"
    assert any(m.split()[0] == "pause" for m in markers)
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert (session.presenter_ended.how, session.presenter_ended.detail) == ("aborted", "the cap slipped")
    assert session.is_verified


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_killed_recorder_is_told_at_once_and_its_file_is_readable(run: LiveRun, study: Study) -> None:
    wait_for(lambda: _is_running(run.state()))
    os.kill(_pid(run, study, "recorder"), signal.SIGKILL)
    wait_for(lambda: run.state().problem, 3.0)
    assert re.search(
        r"recorder ended unexpectedly \(killed by signal 9\); what it recorded is kept", run.state().problem
    )
    assert _is_running(run.state()), "the participant's session is the operator's to end"
    run.abort("no recorder")
    assert run.wait_over(30.0)
    with read_xdf(study.paths.xdf(RunKey("001"))) as file:
        counts = {s.name: s.n_samples for s in file.streams}
    assert counts["SimEEG"] > 100
    assert counts["veridical-markers"] > 0
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert (session.recorder_ended.how, session.is_verified) == ("killed", False)


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_full_disk_rings_the_alarm_and_never_says_verified(
    study: Study, streams: tuple[StreamDescription, ...]
) -> None:
    import resource  # exists on POSIX only

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The children inherit the limit: no file of theirs may grow beyond 120 kB, about 4 s of these streams.
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, limits[1]))
    try:
        live = start_run(study, _request(streams))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    live.begin()
    try:
        wait_for(lambda: live.state().problem)
        assert "kept" in live.state().problem
        live.abort("the disk is full")
        assert live.wait_over(40.0)
    finally:
        live.kill()
        live.close()
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert not session.is_verified
    assert session.recorder_ended.how == "failure"
    with read_xdf(study.paths.xdf(RunKey("001"))) as file:
        assert all(s.n_samples > 0 for s in file.streams if s.name.startswith("Sim"))


@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_a_killed_presenter_ends_the_recording_verified(run: LiveRun, study: Study) -> None:
    wait_for(lambda: _is_running(run.state()))
    os.kill(_pid(run, study, "presenter"), signal.SIGKILL)
    assert run.wait_over(20.0)
    assert re.search(r"presenter ended unexpectedly \(killed by signal 9\)", run.state().problem)
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert (session.presenter_ended.how, session.is_verified) == ("killed", True)
    assert study.next_run("001") == RunKey("001", run=2)


def test_a_used_run_is_never_overwritten(study: Study, streams: tuple[StreamDescription, ...]) -> None:
    study.paths.xdf(RunKey("001")).parent.mkdir(parents=True)
    study.paths.xdf(RunKey("001")).write_bytes(b"precious")
    with pytest.raises(StudyError, match="take run 2"):
        start_run(study, _request(streams))
    assert study.paths.xdf(RunKey("001")).read_bytes() == b"precious"


def test_streams_that_cannot_be_told_apart_or_are_missing_are_refused(
    study: Study, streams: tuple[StreamDescription, ...]
) -> None:
    with pytest.raises(StreamError, match="No streams were found"):
        start_run(study, _request(()))
    twin = replace(streams[0], source_id="another", uid="x")
    with pytest.raises(StreamError, match=rf"2 streams are named '{twin.name}' .*choose one by source_id"):
        start_run(study, _request((*streams, twin)))
    assert not study.paths.run(RunKey("001")).plan.exists()


def test_an_unreachable_disk_is_refused_before_anything_starts(
    study: Study, streams: tuple[StreamDescription, ...]
) -> None:
    # A file where the folder should be fails as a read-only disk does, also for root.
    (study.root / "sourcedata").write_text("")
    with pytest.raises(StorageError, match="cannot be"):
        start_run(study, _request(streams))


def test_a_silent_stream_is_found_and_the_gate_names_it(study: Study, tmp_path: Path) -> None:
    body = replace(_BODY, prefix="Mute", silent=("MuteEDA",))
    simulator = start_simulator(study, body)
    watch = StreamWatch()
    try:
        wait_for_streams(watch, simulator, "Mute")
        found = tuple(s for s in watch.streams() if s.name.startswith("Mute"))
        gate = {item.id: item for item in check_before_run(study, _request(found))}
    finally:
        watch.close()
        simulator.stop()
    assert (gate["eeg"].light, gate["ecg"].light, gate["eda"].light) == ("good", "good", "fail")
    assert "MuteEDA" in gate["eda"].words
    assert gate["eda"].stops
    assert gate["eda"].may_be_overridden
    assert (gate["clocks"].light, gate["markers"].light, gate["units"].light) == ("good", "good", "good")
    assert (gate["stimuli"].light, gate["disk"].light, gate["run"].light) == ("good", "good", "good")
    assert (gate["screen"].light, gate["screen"].is_blocking) == ("caution", False)


def test_the_scope_shows_every_role_in_si_units(streams: tuple[StreamDescription, ...]) -> None:
    scope = Scope(streams, seconds=2.0)
    try:
        wait_for(lambda: all(np.isfinite(t.samples).all() for t in scope.traces()))
        traces = {t.role: t for t in scope.traces()}
    finally:
        scope.close()
    assert set(traces) == {"EEG", "EDA", "ECG"}
    assert traces["EEG"].samples.shape == (8, 500)
    assert 1e-6 < traces["EEG"].samples.std() < 1e-3
    assert 1e-8 < np.median(traces["EDA"].samples) < 1e-4
    assert traces["EEG"].light in ("good", "unknown")


def test_pulses_that_were_recorded_become_the_clock_of_the_pictures(
    study: Study, streams: tuple[StreamDescription, ...]
) -> None:
    line = StreamDescription("veridical-loopback", "TTL", "veridical-loopback-pulses", "", "", 1, 1000.0, "float32")
    study = replace(study, settings=replace(study.settings, trigger=TriggerChoice("loopback", "pulses")))
    live = start_run(study, _request((*streams, line)))
    live.begin()
    assert live.wait_over(90.0)
    live.close()
    session = find_session(study.paths.session_file(RunKey("001")))
    assert session is not None
    assert session.presenter_ended.how == "completed"
    recording = load_run(study, RunKey("001"))
    n_shown = len(session.order.practice) + len(session.order.trials)
    assert (recording.timing.source, recording.timing.n_matched) == ("TTL", n_shown)
    # The line's samples are 1 ms apart.
    assert -0.002 < recording.timing.offset_s < 0.02
