"""A recording file becomes signals by role in SI units and events, all on one time axis."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.recording import Signal
from veridical.domain.stream import Role, RoleAssignment, SampleFormat, StreamDescription
from veridical.storage.recording_file import load_recording
from veridical.storage.xdf_writer import XdfWriter

START_S = 5000.0


def _description(
    name: str, kind: str, hz: float, labels: tuple[str, ...], units: tuple[str, ...], form: SampleFormat = "float32"
) -> StreamDescription:
    return StreamDescription(
        name, kind, f"{name}-id", f"{name}-uid", "lab", len(labels), hz, form, labels, ("",) * len(labels), units
    )


def _write(
    path: Path,
    streams: Sequence[tuple[StreamDescription, FloatArray, FloatArray]],
    markers: dict[str, list[tuple[float, str]]],
    offset_s: float = 0.0,
) -> None:
    """Write numeric streams and marker streams; ``offset_s`` is what numeric streams' clocks lag behind."""
    writer = XdfWriter(path)
    for description, samples, stamps in streams:
        number = writer.add_stream(description)
        for k in range(4):
            writer.write_clock_offset(number, float(stamps[0] if len(stamps) else 0) + k - offset_s, offset_s)
        writer.write_samples(number, samples, stamps - offset_s)
    for name, rows in markers.items():
        number = writer.add_stream(_description(name, "Markers", 0.0, ("marker",), ("",), "string"))
        writer.write_clock_offset(number, START_S, 0.0)
        writer.write_samples(number, [[text for _, text in rows]], np.array([t for t, _ in rows]))
    writer.close()


def _streams(seconds: float = 10.0) -> list[tuple[StreamDescription, FloatArray, FloatArray]]:
    rng = np.random.default_rng(0)
    rows: list[tuple[StreamDescription, FloatArray, FloatArray]] = []
    for name, kind, hz, labels, unit, late_s in (
        ("Amp", "EEG", 250.0, ("Fz", "Pz"), "microvolts", 0.5),
        ("Skin", "EDA", 32.0, ("EDA",), "microsiemens", 0.2),
        ("Heart", "ECG", 128.0, ("ECG",), "millivolts", 0.9),
    ):
        n = int(seconds * hz)
        samples = (100 + 10 * rng.standard_normal((len(labels), n))).astype(np.float32)
        rows.append(
            (_description(name, kind, hz, labels, (unit,) * len(labels)), samples, START_S + late_s + np.arange(n) / hz)
        )
    return rows


MARKERS = [(START_S + 2.0, "picture/positive id=demo%2001 trial=1 block=1"), (START_S + 3.0, "picture/off trial=1")]


def _signal(path: Path, role: Role) -> Signal:
    signal = load_recording(path).find_signal(role)
    assert signal is not None
    return signal


def test_units_become_si_and_zero_is_the_earliest_regular_stamp(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    streams = _streams()
    _write(path, streams, {"veridical-markers": MARKERS})
    recording = load_recording(path)
    assert recording.origin_s == pytest.approx(START_S + 0.2, abs=1e-6)
    assert [s.role for s in recording.signals] == ["EEG", "EDA", "ECG"]
    for signal, gain, late_s, (_, samples, _) in zip(
        recording.signals, (1e-6, 1e-6, 1e-3), (0.3, 0.0, 0.7), streams, strict=True
    ):
        np.testing.assert_allclose(signal.samples, gain * samples, rtol=1e-6)
        assert signal.samples.dtype == np.float32
        assert signal.timeline.start_s == pytest.approx(late_s, abs=1e-6)
        assert signal.timeline.n_samples == samples.shape[1]
    assert recording.signals[0].labels == ("Fz", "Pz")
    assert recording.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recording.defects == ()


def test_events_are_parsed_and_timed_from_the_same_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    others = {"veridical-markers": MARKERS, "keyboard": [(START_S, "space")]}
    _write(path, _streams(), others)
    events = load_recording(path).events
    assert [e.marker.name for e in events] == ["picture/positive", "picture/off"]
    assert events[0].marker.details["id"] == "demo 01"
    assert events[0].onset_s == pytest.approx(1.8, abs=1e-6)


def test_a_foreign_marker_stream_serves_where_there_is_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    _write(path, _streams(), {"keyboard": [(START_S + 1, "space pressed")]})
    (event,) = load_recording(path).events
    assert event.marker.name == "space"


def test_clocks_are_brought_together_as_pyxdf_does(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    _write(path, _streams(), {"veridical-markers": MARKERS}, offset_s=1234.5)
    recording = load_recording(path)
    theirs, _ = pyxdf.load_xdf(str(path), synchronize_clocks=True, dejitter_timestamps=True)
    by_name = {s["info"]["name"][0]: s["time_stamps"] for s in theirs}
    for signal in recording.signals:
        np.testing.assert_allclose(signal.timeline.times() + recording.origin_s, by_name[signal.stream], atol=1e-6)
    assert recording.events[0].onset_s + recording.origin_s == pytest.approx(MARKERS[0][0], abs=1e-6)


def test_given_roles_decide_channels_names_gain_and_offset(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    streams = _streams()
    _write(path, streams, {})
    roles = (
        RoleAssignment("EEG", "Amp", "Amp-id", (1,), ("POz",), 1e-6),
        RoleAssignment("EDA", "Amp", "another-computer", (0,), ("GSR",), 4e-8, offset=1e-6),
    )
    recording = load_recording(path, roles)
    assert [(s.role, s.labels) for s in recording.signals] == [("EEG", ("POz",)), ("EDA", ("GSR",))]
    np.testing.assert_allclose(recording.signals[1].samples[0], 4e-8 * streams[0][1][0] + 1e-6, rtol=1e-5)


def test_auxiliary_channels_of_the_amplifier_play_their_roles(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    description = _description(
        "Amp", "EEG", 250.0, ("Fz", "Pz", "EDA", "ECG"), ("microvolts", "microvolts", "microsiemens", "microvolts")
    )
    samples = np.random.default_rng(0).standard_normal((4, 2500)).astype(np.float32)
    _write(path, [(description, samples, START_S + np.arange(2500) / 250)], {})
    np.testing.assert_allclose(_signal(path, "EDA").samples, 1e-6 * samples[2:3], rtol=1e-6)
    assert _signal(path, "EEG").labels == ("Fz", "Pz")


def test_roles_of_another_recording_are_guessed_anew_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    _write(path, _streams(), {})
    absent = RoleAssignment("EEG", "OtherAmp", "x", (0,), ("Cz",), 1e-6)
    recording = load_recording(path, (absent,))
    assert recording.signals[0].labels == ("Fz", "Pz")
    assert "roles-guessed" in recording.defects
    kept = RoleAssignment("ECG", "Heart", "", (0,), ("ECG",), 1e-3)
    partly = load_recording(path, (absent, kept))
    assert [s.role for s in partly.signals] == ["ECG"]
    assert "missing-role: EEG" in partly.defects


def test_missing_units_are_presumed_aloud(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    rng = np.random.default_rng(0)
    eeg = (4000 + 15 * rng.standard_normal((2, 2500))).astype(np.float32)
    skin = (5 + 0.01 * rng.standard_normal((1, 320))).astype(np.float32)
    stamps = START_S + np.arange(2500) / 250
    rows = [
        (_description("Amp", "EEG", 250.0, ("Fz", "Pz"), ("", "")), eeg, stamps),
        (_description("Skin", "GSR", 32.0, ("c",), ("",)), skin, START_S + np.arange(320) / 32),
    ]
    _write(path, rows, {})
    recording = load_recording(path)
    np.testing.assert_allclose(recording.signals[0].samples, 1e-6 * eeg, rtol=1e-6)
    assert recording.signals[1].samples.mean() == pytest.approx(5e-6, rel=0.01)
    assert "Amp: no unit for EEG, taken as microvolts" in recording.defects


@pytest.mark.parametrize("form", ["int16", "int32", "double64"])
def test_wide_and_whole_numbers_are_scaled_exactly(tmp_path: Path, form: SampleFormat) -> None:
    path = tmp_path / "a.xdf"
    raw = (30000 + np.arange(2500) % 97)[None, :].astype({"double64": "f8"}.get(form, form))
    description = _description("Amp", "EEG", 250.0, ("Fz",), ("microvolts",), form)
    _write(path, [(description, raw, START_S + np.arange(2500) / 250)], {})
    np.testing.assert_allclose(_signal(path, "EEG").samples, 1e-6 * raw, rtol=1e-7)


def test_a_dropped_packet_is_a_gap_on_the_time_axis(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    stamps = START_S + np.arange(5000) / 250
    kept = np.r_[0:2000, 2500:5000]
    samples = np.arange(5000, dtype=np.float32)[None, kept]
    description = _description("Amp", "EEG", 250.0, ("Fz",), ("microvolts",))
    _write(path, [(description, samples, stamps[kept])], {})
    recording = load_recording(path)
    segments = recording.signals[0].timeline.segments
    assert [s.first for s in segments] == [0, 2000]
    assert segments[1].start_s == pytest.approx(10.0, abs=1e-4)
    assert any("gaps" in d for d in recording.defects)


def test_files_without_a_signal_are_refused_in_one_sentence(tmp_path: Path) -> None:
    only_markers = tmp_path / "markers.xdf"
    _write(only_markers, [], {"veridical-markers": MARKERS})
    with pytest.raises(RecordingError, match="no stream of regular rate"):
        load_recording(only_markers)
    silent = tmp_path / "silent.xdf"
    _write(silent, [(_streams()[0][0], np.empty((2, 0), dtype=np.float32), np.empty(0))], {})
    with pytest.raises(RecordingError, match="without samples"):
        load_recording(silent)
    unknown = tmp_path / "unknown.xdf"
    audio = _description("Mic", "Audio", 100.0, ("left",), ("",))
    _write(unknown, [(audio, np.ones((1, 500), dtype=np.float32), START_S + np.arange(500) / 100)], {})
    with pytest.raises(RecordingError, match="assign roles"):
        load_recording(unknown)
    too_far = RoleAssignment("EEG", "Mic", "", (7,), ("Fz",), 1e-6)
    with pytest.raises(RecordingError, match="channel 8"):
        load_recording(unknown, (too_far,))
    no_xdf = tmp_path / "no.xdf"
    no_xdf.write_bytes(b"not a recording")
    with pytest.raises(RecordingError, match="XDF"):
        load_recording(no_xdf)
    with pytest.raises(RecordingError, match="cannot be read"):
        load_recording(tmp_path / "absent.xdf")


def test_a_truncated_recording_keeps_what_is_whole(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.xdf", tmp_path / "cut.xdf"
    _write(path, _streams(), {"veridical-markers": MARKERS})
    whole = path.read_bytes()
    cut.write_bytes(whole[: whole.rfind(b"picture/off") - 30])
    recording = load_recording(cut)
    assert len(recording.signals) == 3
    assert any("truncated" in d for d in recording.defects)


def test_real_files_are_read_or_refused(shared_data: Path) -> None:
    with pytest.raises(RecordingError):
        load_recording(shared_data / "xdf" / "empty_streams.xdf")
    recording = load_recording(
        shared_data / "xdf" / "minimal.xdf", (RoleAssignment("EEG", "SendDataC", "", (0, 1, 2), ("a", "b", "c"), 1.0),)
    )
    assert recording.signals[0].samples.shape[0] == 3
    assert len(recording.events) > 0


def test_a_recorded_pulse_is_the_clock_and_the_marker_the_identity(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    hz, late_s = 1000.0, 0.0375
    times_s = START_S + np.arange(12_000) / hz
    shown_s = START_S + 2.0 + 1.5 * np.arange(6)
    volts = np.zeros(12_000, dtype=np.float32)
    for t in shown_s:
        volts[(times_s >= t + late_s) & (times_s < t + late_s + 0.01)] = 5.0
    rows = [(_description("Amp", "EEG", hz, ("Fz", "TRIG"), ("microvolts", "")), np.stack((volts * 0, volts)), times_s)]
    markers = [(t, f"picture/neutral id=p{k} trial={k + 1} block=1") for k, t in enumerate(shown_s)]
    _write(path, rows, {"veridical-markers": markers})
    recording = load_recording(path, [
        RoleAssignment("EEG", "Amp", "", (0,), ("Fz",), 1e-6), RoleAssignment("TTL", "Amp", "", (1,), ("TRIG",), 1.0),
    ])  # fmt: skip
    assert recording.timing.source == "TTL"
    assert recording.timing.offset_s == pytest.approx(late_s, abs=1 / hz)
    assert recording.timing.jitter_s < 1 / hz
    for k, event in enumerate(recording.events):
        assert event.marker.details["id"] == f"p{k}"
        assert event.onset_s == pytest.approx(shown_s[k] - START_S + late_s, abs=1 / hz)
    _write(tmp_path / "b.xdf", rows[:0] + _streams(), {"veridical-markers": MARKERS})
    assert not load_recording(tmp_path / "b.xdf").timing.is_measured
