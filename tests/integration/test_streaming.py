"""Streams over real LSL: found, described, viewed and measured, with values and stamps untouched."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pylsl
import pytest

from veridical.domain.errors import StreamError
from veridical.domain.stream import RoleAssignment, StreamDescription, suggest_roles
from veridical.services.role_view import RoleView
from veridical.streaming.clock import local_clock
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawInlet, find_inlet
from veridical.streaming.outlet import MarkerOutlet, NumericOutlet
from veridical.streaming.scope import private_scope
from veridical.streaming.viewing import ViewingInlet
from veridical.streaming.vitals import Vitals


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    pause = threading.Event()
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited {timeout_s} s in vain for {what}"
        pause.wait(0.01)


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    """A resolver of this test's own."""
    made = Resolver()
    yield made
    made.close()


def _amplifier(source_id: str) -> StreamDescription:
    return StreamDescription(
        "Amp", "EEG", source_id, "", "", 3, 100.0, "float32",
        ("Fz", "Pz", "GSR"), ("EEG", "EEG", "AUX"), ("microvolts", "microvolts", "microsiemens"),
    )  # fmt: skip


def _find(resolver: Resolver, source_id: str) -> StreamDescription | None:
    return next((s for s in resolver.streams() if s.source_id == source_id), None)


def _open(resolver: Resolver, source_id: str) -> RawInlet:
    _wait(lambda: _find(resolver, source_id) is not None, "the stream")
    found = _find(resolver, source_id)
    assert found is not None
    inlet = resolver.inlet(found.uid)
    assert inlet is not None
    inlet.open(5.0)
    return inlet


def test_labels_types_and_units_of_a_new_stream_arrive_by_themselves(resolver: Resolver) -> None:
    sent = _amplifier("described")
    outlet = NumericOutlet(sent)
    _wait(lambda: bool((found := _find(resolver, "described")) and found.labels), "the header")
    found = _find(resolver, "described")
    assert found is not None
    assert (found.labels, found.types, found.units) == (sent.labels, sent.types, sent.units)
    assert (found.name, found.n_channels, found.nominal_hz, found.format) == ("Amp", 3, 100.0, "float32")
    roles = {role.role: role for role in suggest_roles((found,))}
    assert roles["EEG"].channels == (0, 1)
    assert roles["EDA"].gain == pytest.approx(1e-6)
    outlet.close()
    _wait(lambda: _find(resolver, "described") is None, "the stream to be forgotten")


@pytest.mark.parametrize("format_", ["float32", "double64", "int8", "int16", "int32", "int64"])
def test_values_and_stamps_arrive_bit_for_bit(resolver: Resolver, format_: str) -> None:
    kinds = {"float32": np.float32, "double64": np.float64}
    dtype = np.dtype(kinds.get(format_, format_))
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("raw", "x", 3, 0.0, format_, f"raw-{format_}"))
    inlet = _open(resolver, f"raw-{format_}")
    rng = np.random.default_rng(0)
    raw = rng.bytes(3 * 50 * dtype.itemsize)
    samples = np.frombuffer(raw, dtype).reshape(50, 3)
    stamps_s = local_clock() + rng.standard_normal(50)
    assert outlet.wait_for_consumers(5.0)
    outlet.push_chunk(samples, stamps_s.tolist())
    chunks = []
    _wait(lambda: chunks.append(inlet.pull()) or sum(map(len, chunks)) >= 50, "the samples")  # type: ignore[func-returns-value]
    got = np.concatenate([chunk.samples for chunk in chunks], axis=1)
    assert got.dtype == dtype
    assert got.T.tobytes() == samples.tobytes()
    assert np.concatenate([chunk.stamps_s for chunk in chunks]).tobytes() == stamps_s.tobytes()
    inlet.close()


def test_markers_carry_any_text_and_their_own_stamp(resolver: Resolver) -> None:
    outlet = MarkerOutlet("marker-test")
    assert not outlet.has_consumers
    inlet = _open(resolver, "marker-test")
    assert outlet.wait_for_consumers(5.0)
    assert outlet.has_consumers
    sent = [(f"picture/positiv id=Größe{k}", local_clock() - 10 + k) for k in range(20)] + [
        ("", 5.0),
        ("x" * 5000, 6.0),
    ]
    for text, stamp_s in sent:
        outlet.push(text, stamp_s)
    got: list[tuple[str, float]] = []

    def is_complete() -> bool:
        chunk = inlet.pull(0.05)
        got.extend((value.decode(), float(t)) for value, t in zip(chunk.samples[0], chunk.stamps_s, strict=True))
        return len(got) == len(sent)

    _wait(is_complete, "all markers")
    assert got == sent
    inlet.close()
    outlet.close()


def test_the_clock_of_this_machine_measures_as_this_clock(resolver: Resolver) -> None:
    outlet = NumericOutlet(_amplifier("clock"))
    inlet = _open(resolver, "clock")
    before_s = local_clock()
    measured = inlet.measure_clock(5.0)
    assert measured is not None
    assert before_s <= measured.collected_s <= local_clock()
    assert abs(measured.offset_s) < 5e-3
    assert 0 < measured.round_trip_s < 0.1
    inlet.close()
    outlet.close()


def test_no_measurement_is_none_and_not_zero(resolver: Resolver) -> None:
    outlet = NumericOutlet(_amplifier("unmeasured"))
    inlet = _open(resolver, "unmeasured")
    assert inlet.measure_clock(0.0) is None
    inlet.close()
    outlet.close()


def test_a_lost_stream_is_an_error_in_words(resolver: Resolver) -> None:
    outlet = NumericOutlet(_amplifier("lost"))
    inlet = _open(resolver, "lost")
    outlet.close()
    words: list[str] = []

    def is_told() -> bool:
        try:
            inlet.pull()
        except StreamError as error:
            words.append(str(error))
        return bool(words)

    _wait(is_told, "the loss")
    assert "'Amp' is lost" in words[0]
    inlet.close()
    with pytest.raises(StreamError, match="gone"):
        find_inlet("no-such-uid", 0.1)


def test_the_view_shows_the_newest_seconds_and_says_when_data_stop(resolver: Resolver) -> None:
    outlet = NumericOutlet(_amplifier("viewed"))
    _wait(lambda: _find(resolver, "viewed") is not None, "the stream")
    found = _find(resolver, "viewed")
    assert found is not None
    view = ViewingInlet(found, seconds=2.0)
    assert view.snapshot().samples.shape == (3, 200)
    assert np.isnan(view.snapshot().samples).all()
    assert np.isnan(view.snapshot().stop_s)
    _wait(lambda: outlet.has_consumers, "the view")
    stamps_s = local_clock() - 3 + np.arange(300) / 100
    outlet.push(np.tile(np.arange(300), (3, 1)), stamps_s)
    _wait(lambda: view.snapshot().n_received == 300, "the samples")
    snapshot = view.snapshot()
    assert np.array_equal(snapshot.samples, np.tile(np.arange(100.0, 300.0), (3, 1)))
    assert snapshot.stop_s == pytest.approx(stamps_s[-1], abs=5e-3)
    assert view.health().light == "good"
    _wait(lambda: view.health().light == "fail", "the silence to be noticed", 6.0)
    assert view.health().words.startswith("no data for")
    view.close()
    outlet.close()


def test_lost_time_is_a_hole_in_the_view_and_a_role_reads_on_from_where_it_was(resolver: Resolver) -> None:
    outlet = NumericOutlet(_amplifier("holed"))
    _wait(lambda: _find(resolver, "holed") is not None, "the stream")
    found = _find(resolver, "holed")
    assert found is not None
    view = ViewingInlet(found, seconds=3.0)
    role = RoleView(RoleAssignment("EEG", "Amp", "holed", (1, 0), ("Pz", "Fz"), 1e-6), view, 3.0)
    _wait(lambda: outlet.has_consumers, "the view")
    begin_s = local_clock() - 2.5
    rows = np.array([[1.0], [2.0], [3.0]]) + np.arange(120) / 1000
    outlet.push(rows[:, :70], begin_s + np.arange(70) / 100)
    _wait(lambda: view.snapshot().n_received == 70, "the first samples")
    assert np.isnan(role.read()[:, :-70]).all()
    outlet.push(rows[:, 70:], begin_s + 1.5 + np.arange(50) / 100)
    _wait(lambda: view.snapshot().n_received == 120, "the others")
    shown = role.read()
    assert shown.shape == (2, 300)
    expected = np.concatenate([rows[:2, :70], np.full((2, 80), np.nan), rows[:2, 70:]], axis=1)[::-1] * 1e-6
    assert shown[:, -200:] == pytest.approx(expected, nan_ok=True, rel=1e-5)
    assert role.stop_s == pytest.approx(begin_s + 1.99, abs=5e-3)
    view.close()
    outlet.close()


def test_the_view_lists_markers(resolver: Resolver) -> None:
    outlet = MarkerOutlet("viewed-markers")
    _wait(lambda: _find(resolver, "viewed-markers") is not None, "the stream")
    found = _find(resolver, "viewed-markers")
    assert found is not None
    view = ViewingInlet(found, seconds=10.0)
    assert outlet.wait_for_consumers(10.0)
    now_s = local_clock()
    outlet.push("too old", now_s - 60)
    outlet.push("fixation trial=1", now_s)
    _wait(lambda: len(view.markers()) == 1, "the marker")
    ((stamp_s, text),) = view.markers()
    assert text == "fixation trial=1"
    assert stamp_s == pytest.approx(now_s, abs=5e-3)
    assert view.health().light == "good"
    view.close()
    outlet.close()


def test_the_rate_is_told_from_stamps_so_a_burst_is_no_fault() -> None:
    vitals = Vitals(100.0, 0.0)
    assert vitals.judge(1.0).light == "unknown"
    # Every second brings its hundred samples at once, and one second comes 0.9 s late.
    for second in range(1, 8):
        stamps_s = second - 1 + np.arange(100) / 100
        vitals.count(stamps_s, second + (0.9 if second == 5 else 0.0))
    assert vitals.judge(7.5).light == "good"
    assert vitals.judge(9.5).light == "fail"
    for second in range(8, 15):
        vitals.count(second - 1 + np.arange(90) / 90, float(second))
    told = vitals.judge(14.1)
    assert told.light == "caution"
    assert told.words.startswith("9")


def test_a_private_scope_is_a_file_with_a_session_of_its_own(tmp_path: Path) -> None:
    first, second = private_scope(tmp_path / "a"), private_scope(tmp_path / "b")
    assert first.read_text() != second.read_text()
    assert "ResolveScope = machine" in first.read_text()
    assert os.path.isabs(first)
