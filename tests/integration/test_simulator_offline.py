"""Whole simulated sessions: markers as the presenter writes them, and XDF files that pyxdf reads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from veridical.domain.errors import StorageError
from veridical.domain.event import Event
from veridical.domain.protocol import Protocol, SessionPlan, expand
from veridical.domain.simulation import SimulationPlan, ground_truth, latent_feeling
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.domain.trial_table import trials_from_events
from veridical.simulator.offline import simulate_in_memory, simulate_recording
from veridical.simulator.performance import SHORTENED, UNHURRIED, perform

_STIMULI = StimulusSet(
    tuple(
        Stimulus(f"demo{k:02d}", f"{k}.jpg", valence_mean=(2.0, 4.0, 6.0)[k % 3], arousal_mean=2 + k / 8)
        for k in range(24)
    )
)
_PROTOCOL = Protocol(
    n_per_condition=5,
    n_blocks=2,
    n_practice=2,
    baseline_open_s=1.5,
    baseline_closed_s=1.5,
    fixation_s=(0.15, 0.25),
    picture_s=0.5,
    iti_s=(0.05, 0.15),
)


@pytest.fixture(scope="module")
def session() -> SessionPlan:
    """Seventeen trials, of which two repeat a picture."""
    return expand(_PROTOCOL, _STIMULI, seed=5)


def test_markers_rebuild_the_plan_with_every_rating(session: SessionPlan) -> None:
    markers = perform(session, _STIMULI, _PROTOCOL.scales, participant_seed=8, seed=2, pace=SHORTENED)
    rows = trials_from_events([Event(m.at_s, m.marker) for m in markers])
    assert [(r.trial, r.block, r.stimulus_id, r.condition, r.repeat_of) for r in rows] == [
        (t.number, t.block, t.stimulus_id, t.condition, t.repeat_of) for t in session.trials
    ]
    for row in rows:
        assert row.duration_s == pytest.approx(0.5)
        assert [r.scale for r in row.ratings.values()] == ["valence", "arousal"]
        assert all(r.status == "answered" and 0.05 <= (r.submit_s or 0) <= 0.15 for r in row.ratings.values())
    names = [m.marker.name for m in markers]
    assert names[0] == "session/start"
    assert names[-1] == "session/end"
    assert names.count("practice/rating/valence") == 2
    assert names.count("break/start") == names.count("break/end") == 1
    assert [m.at_s for m in markers] == sorted(m.at_s for m in markers)


def test_ratings_follow_the_feelings_that_the_body_has(session: SessionPlan) -> None:
    protocol = Protocol(n_per_condition=8, n_blocks=2, repeat_share=0.0)
    plan = expand(protocol, _STIMULI, seed=1)
    markers = perform(plan, _STIMULI, protocol.scales, participant_seed=8, seed=2, pace=UNHURRIED)
    rows = trials_from_events([Event(m.at_s, m.marker) for m in markers])
    felt = [latent_feeling(8, _STIMULI.get(r.stimulus_id)) for r in rows]
    for scale, latent in (("valence", [f.valence for f in felt]), ("arousal", [f.arousal for f in felt])):
        assert np.corrcoef([r.value(scale) or 0.0 for r in rows], latent)[0, 1] > 0.85


@pytest.mark.parametrize("layout", ["separate", "aux"])
def test_pyxdf_reads_every_stream_marker_and_rating(tmp_path: Path, session: SessionPlan, layout: str) -> None:
    path = tmp_path / "sub-001.xdf"
    plan = SimulationPlan("drifting", seed=8, layout="aux" if layout == "aux" else "separate")
    truth = simulate_recording(path, plan, session, _STIMULI, _PROTOCOL.scales, seed=2, pace=SHORTENED)
    assert truth == ground_truth(plan, _STIMULI.stimuli)
    streams, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    by_name = {s["info"]["name"][0]: s for s in streams}
    expected = perform(session, _STIMULI, _PROTOCOL.scales, participant_seed=8, seed=2, pace=SHORTENED)
    marker_stream = by_name.pop("veridical-markers")
    assert [row[0] for row in marker_stream["time_series"]] == [m.marker.encode() for m in expected]
    assert set(by_name) == ({"SimEEG"} if layout == "aux" else {"SimEEG", "SimEDA", "SimECG"})
    start_s = by_name["SimEEG"]["time_stamps"][0]
    np.testing.assert_allclose(marker_stream["time_stamps"] - start_s, [m.at_s for m in expected], atol=1e-9)
    for stream in by_name.values():
        nominal_hz = float(stream["info"]["nominal_srate"][0])
        np.testing.assert_allclose(np.diff(stream["time_stamps"]), 1 / nominal_hz, atol=1e-9)
        assert stream["time_stamps"][-1] - start_s > expected[-1].at_s + 1.5
        channels = stream["info"]["desc"][0]["channels"][0]["channel"]
        assert len(channels) == stream["time_series"].shape[1]
        assert all(c["unit"][0] for c in channels)


def test_file_and_memory_hold_the_same_signals(tmp_path: Path, session: SessionPlan) -> None:
    path, plan = tmp_path / "a.xdf", SimulationPlan(seed=8, eeg_channels=4)
    simulate_recording(path, plan, session, _STIMULI, _PROTOCOL.scales, seed=2, pace=SHORTENED)
    markers = perform(session, _STIMULI, _PROTOCOL.scales, participant_seed=8, seed=2, pace=SHORTENED)
    recording = simulate_in_memory(plan, _STIMULI, markers)
    streams, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    for stream, role, gain in (("SimEEG", "EEG", 1e-6), ("SimEDA", "EDA", 1e-6), ("SimECG", "ECG", 1e-3)):
        raw = next(s for s in streams if s["info"]["name"][0] == stream)["time_series"].T
        signal = next(s for s in recording.signals if s.role == role)
        np.testing.assert_allclose(signal.samples, raw * gain, rtol=1e-5)
        assert signal.sampling_hz == pytest.approx({"EEG": 500.0, "EDA": 128.0, "ECG": 512.0}[role])
    assert len(recording.events) == len(markers)


def test_an_existing_file_is_never_overwritten(tmp_path: Path, session: SessionPlan) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(b"precious")
    write: Callable[[], object] = lambda: simulate_recording(  # noqa: E731
        path, SimulationPlan(), session, _STIMULI, _PROTOCOL.scales, seed=1
    )
    with pytest.raises(StorageError, match="exists already"):
        write()
    assert path.read_bytes() == b"precious"
