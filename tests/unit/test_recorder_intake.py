"""What the recorder lets in: measurements of a clock, and a second connection when the first one is dead."""

from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest

from veridical.domain.stream import StreamDescription
from veridical.recorder.clock_gate import ClockGate
from veridical.recorder.connection import Connection
from veridical.recorder.selection import is_lookalike, returns_as
from veridical.streaming.inlet import ClockMeasurement, RawChunk, RawInlet


def _measure(at_s: float, round_trip_s: float = 2e-4) -> ClockMeasurement:
    return ClockMeasurement(at_s, round_trip_s / 2, round_trip_s)


def _run(gate: ClockGate, results: dict[float, ClockMeasurement], until_s: float) -> list[tuple[float, float]]:
    """Ask five times a second, as the loop does; (when written, its collection time)."""
    passed, newest = [], None
    for step in range(round(until_s * 5) + 1):
        now_s = step / 5
        newest = results.get(now_s, newest)
        measured = gate.sift(newest, now_s)
        if measured is not None:
            passed.append((now_s, measured.collected_s))
    return passed


def test_a_repeated_result_is_written_once_and_no_result_is_never_made_up() -> None:
    gate = ClockGate()
    assert _run(gate, {1.0: _measure(0.9)}, 20.0) == [(1.0, 0.9)]
    assert _run(ClockGate(), {}, 20.0) == []


def test_the_first_measurement_is_written_at_once_however_long_it_travelled() -> None:
    assert _run(ClockGate(), {1.0: _measure(0.9, 0.3)}, 2.0) == [(1.0, 0.9)]


def test_a_probe_that_travelled_long_is_passed_over_for_the_next_good_one() -> None:
    results = {0.0: _measure(0.0), 2.0: _measure(2.0, 0.3), 4.0: _measure(4.0), 6.0: _measure(6.0)}
    assert [collected_s for _, collected_s in _run(ClockGate(), results, 8.0)] == [0.0, 4.0, 6.0]


def test_when_no_better_one_comes_the_best_is_written_before_5_s_are_over() -> None:
    results = {0.0: _measure(0.0)} | {2.0 * k: _measure(2.0 * k, 0.1 + 0.01 * k) for k in range(1, 20)}
    passed = _run(ClockGate(), results, 38.0)
    assert max(b - a for (a, _), (b, _) in pairwise(passed)) <= 5.0
    # It becomes usual: a slow network is no fault.
    assert len(passed) > 12
    collected_s = [c for _, c in passed]
    assert collected_s == sorted(set(collected_s))


def test_harmless_round_trips_always_pass() -> None:
    results = {2.0 * k: _measure(2.0 * k, 1e-4 if k % 2 else 1.9e-3) for k in range(10)}
    assert len(_run(ClockGate(), results, 18.0)) == 10


class _Inlet:
    """An inlet whose arrivals the test decides."""

    is_patient = True

    def __init__(self, hz: float = 100.0) -> None:
        self.description = StreamDescription("EEG", "EEG", "amp", "uid", "lab", 1, hz, "int32")
        self.waiting: list[int] = []
        self.is_closed = False

    def arrive(self, *numbers: int) -> None:
        self.waiting += numbers

    def pull(self) -> RawChunk:
        numbers, self.waiting = self.waiting, []
        return RawChunk(np.array(numbers, float), np.array([numbers], np.int32))

    def is_full(self, chunk: RawChunk) -> bool:
        return False

    def n_unread(self) -> int:
        return len(self.waiting)

    def close(self, waits: bool = True) -> None:
        self.is_closed = True


def _connection(inlet: _Inlet) -> Connection:
    return Connection(cast("RawInlet", inlet), 0.0)


def _pulled(connection: Connection, now_s: float) -> list[int]:
    return [int(n) for chunk in connection.pull(now_s) for n in chunk.samples[0]]


def test_only_a_silent_regular_stream_is_stuck() -> None:
    assert not _connection(_Inlet()).is_stuck(2.9)
    assert _connection(_Inlet()).is_stuck(3.1)
    assert not _connection(_Inlet(0.5)).is_stuck(19.0)
    assert not _connection(_Inlet(0.0)).is_stuck(1e6)


def test_a_connection_that_was_only_slow_brings_all_and_the_second_nothing() -> None:
    first, second = _Inlet(), _Inlet()
    connection = _connection(first)
    first.arrive(0, 1)
    assert _pulled(connection, 1.0) == [0, 1]
    connection.add_second(cast("RawInlet", second))
    # An outage of 4 s: the new connection gets what is sent from now on, the old one all of it, a little later.
    second.arrive(400, 401)
    assert _pulled(connection, 5.0) == []
    assert _pulled(connection, 10.0) == []
    first.arrive(*range(2, 402))
    assert _pulled(connection, 10.5) == list(range(2, 402))
    assert second.is_closed
    assert connection.inlet is cast("Any", first)


def test_a_connection_that_is_surely_dead_gives_way_and_nothing_of_the_second_is_lost() -> None:
    first, second = _Inlet(), _Inlet()
    connection = _connection(first)
    connection.add_second(cast("RawInlet", second))
    second.arrive(400, 401)
    taken: list[int] = []
    now_s = 4.0
    while not taken and now_s < 60:
        taken = _pulled(connection, now_s)
        second.arrive(*([402] if now_s == 4.0 else []))
        now_s += 0.5
    assert taken == [400, 401, 402]
    assert first.is_closed
    # Not before a connection that an outage of 4 s has held up would have tried again.
    assert 10 < now_s < 15


def test_at_stop_the_second_connection_is_taken_at_once() -> None:
    first, second = _Inlet(), _Inlet()
    connection = _connection(first)
    connection.add_second(cast("RawInlet", second))
    connection.settle()
    assert connection.inlet is cast("Any", first)
    second.arrive(7)
    connection.settle()
    assert _pulled(connection, 5.0) == [7]


@pytest.mark.parametrize(
    ("change", "is_like", "is_same"),
    [
        ({"uid": "other"}, True, True),
        ({"uid": "other", "nominal_hz": 50.0}, True, False),
        ({"uid": "other", "source_id": "another"}, False, False),
        ({"uid": "other", "source_id": ""}, False, False),
        ({"uid": "other", "n_channels": 2}, False, False),
        ({"source_id": ""}, False, True),
    ],
)
def test_a_stream_returns_under_its_source_id_or_its_uid(change: dict[str, Any], is_like: bool, is_same: bool) -> None:
    old = StreamDescription("EEG", "EEG", "amp", "uid", "lab", 1, 100.0, "int32")
    new = StreamDescription(**{**{f: getattr(old, f) for f in old.__dataclass_fields__}, **change})
    assert is_lookalike(old, new) is is_like
    assert returns_as(old, new) is is_same
