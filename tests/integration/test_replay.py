"""Replayed recordings over real LSL, received by pylsl: values bit for bit, stamps spaced as recorded, sent on time."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pylsl
import pytest
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.progress import Work, finish
from veridical.domain.run import StreamSelector
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.recorder.recording_loop import record
from veridical.simulator.replay import Replay, ReplayOutcome, open_replay, replay_work
from veridical.storage.xdf_format import DTYPES
from veridical.storage.xdf_reader import read_xdf
from veridical.storage.xdf_writer import XdfWriter
from veridical.streaming.clock import local_clock

_PATIENCE_S = 30.0
_NUMERIC: tuple[SampleFormat, ...] = ("float32", "double64", "int8", "int16", "int32", "int64")


@dataclass
class _Stored:
    """One stream of a test file: what was written, and how far its clock is from the recorder's."""

    stream: StreamDescription
    samples: Any
    stamps_s: FloatArray
    offset_s: float = 0.0

    @property
    def times_s(self) -> FloatArray:
        """Synchronised stamps, worked out here and not by the product."""
        return self.stamps_s + self.offset_s


def _stream(name: str, format_: SampleFormat, n_channels: int, hz: float, labels: tuple[str, ...] = ()) -> Any:
    return StreamDescription(name, "EEG", f"id-{name}", "recorded-uid", "lab", n_channels, hz, format_, labels)


def _write(path: Path, stored: list[_Stored]) -> Path:
    writer = XdfWriter(path)
    for one in stored:
        id_ = writer.add_stream(one.stream)
        for first in range(0, len(one.stamps_s), 37):
            part = slice(first, first + 37)
            writer.write_samples(id_, [row[part] for row in one.samples], one.stamps_s[part])
            writer.write_clock_offset(id_, float(one.stamps_s[first]), one.offset_s)
    writer.close()
    return path


def _bits(format_: SampleFormat, n_channels: int, n: int) -> NDArray[Any]:
    """Random bits: infinities, extremes and NaN with payloads among them."""
    raw = np.random.default_rng(n).bytes(n_channels * n * DTYPES[format_].itemsize)
    return np.frombuffer(raw, DTYPES[format_]).reshape(n_channels, n)


@dataclass
class _Receiver:
    """What one pylsl inlet received, and how long after its stamp the sample arrived."""

    inlet: pylsl.StreamInlet
    samples: list[Any] = field(default_factory=list)
    stamps_s: list[float] = field(default_factory=list)

    def pull(self) -> None:
        # Arrays: a detour through Python's floats would change signalling NaN.
        samples, stamps_s = self.inlet.pull_chunk(0.0, max_samples=4096, as_numpy=True)
        self.samples += list(samples)
        self.stamps_s += stamps_s.tolist()


class _Audience:
    """Inlets to streams found by their source ids."""

    def __init__(self, source_ids: list[str]) -> None:
        self.receivers: dict[str, _Receiver] = {}
        wanted = " or ".join(f"source_id='{id_}'" for id_ in source_ids)
        for info in pylsl.resolve_bypred(wanted, len(source_ids), _PATIENCE_S):
            # Recovery off would throw away what has not been pulled when the outlet goes; and without the full
            # header, pulling a chunk blocks for ever then (liblsl 1.18).
            inlet = pylsl.StreamInlet(info, recover=True)
            inlet.info(_PATIENCE_S)
            inlet.open_stream(_PATIENCE_S)
            self.receivers[info.source_id()] = _Receiver(inlet)
        assert sorted(self.receivers) == sorted(source_ids)

    def follow(self, work: Work[ReplayOutcome]) -> ReplayOutcome:
        """Run a replay to its end while receiving."""
        try:
            while True:
                next(work)
                for receiver in self.receivers.values():
                    receiver.pull()
        except StopIteration as stop:
            outcome: ReplayOutcome = stop.value
            return outcome


def _open(path: Path, speed: float = 1.0) -> Replay:
    replay, remarks = open_replay(path, lambda _: True, speed)
    assert remarks == ()
    return replay


@pytest.fixture
def never() -> threading.Event:
    """A stop that nobody asks for."""
    return threading.Event()


def test_every_format_arrives_bit_for_bit_in_step_and_spaced_as_recorded(
    tmp_path: Path, never: threading.Event
) -> None:
    rng = np.random.default_rng(1)
    stored = [
        _Stored(_stream(f, f, 3, 200.0), _bits(f, 3, 200), 1000 + 100 * k + np.arange(200) / 200, -100.0 * k)
        for k, f in enumerate(_NUMERIC)
    ]
    texts = [["", "größe", "x" * 70_000], ["\u4e2d\u6587", "tab\there", "last"]]
    stored.append(_Stored(_stream("texts", "string", 2, 0.0), texts, np.array([1000.1, 1000.1, 1000.7])))
    irregular_s = 1000 + np.sort(rng.uniform(0, 1, 50))
    stored.append(_Stored(_stream("uneven", "double64", 1, 0.0), rng.standard_normal((1, 50)), irregular_s))
    replay = _open(_write(tmp_path / "a.xdf", stored))
    assert replay.announce(()) == ()
    audience = _Audience([one.stream.source_id for one in stored])
    outcome = audience.follow(replay_work(replay, never, _PATIENCE_S, False))
    assert outcome.ended_by == "end"
    assert [s.n_sent for s in outcome.streams] == [len(one.stamps_s) for one in stored]
    starts_s = []
    for one in stored:
        got = audience.receivers[one.stream.source_id]
        assert len(got.stamps_s) == len(one.stamps_s)
        shift_s = np.array(got.stamps_s) - one.times_s
        assert np.ptp(shift_s) < 1e-9
        starts_s.append(float(np.mean(shift_s)))
        if one.stream.format == "string":
            sent = [[text.encode() for text in sample] for sample in zip(*one.samples, strict=True)]
            assert [list(sample) for sample in got.samples] == sent
        else:
            dtype = DTYPES[one.stream.format]
            assert np.array(got.samples, dtype).tobytes() == one.samples.T.astype(dtype).tobytes()
    # One clock: the offsets of 0 to 500 s between the streams' clocks are gone.
    assert np.ptp(starts_s) < 1e-6


def test_samples_leave_when_their_stamps_say_and_never_before(tmp_path: Path, never: threading.Event) -> None:
    n = 600
    stored = [_Stored(_stream("timed", "float32", 4, 500.0), _bits("float32", 4, n), 50 + np.arange(n) / 500)]
    replay = _open(_write(tmp_path / "a.xdf", stored))
    replay.announce(())
    audience = _Audience(["id-timed"])
    inlet = audience.receivers["id-timed"].inlet
    late_s: list[float] = []

    def receive() -> None:
        while len(late_s) < n:
            _, stamp_s = inlet.pull_sample(_PATIENCE_S)
            late_s.append(local_clock() - stamp_s)

    receiving = threading.Thread(target=receive)
    receiving.start()
    finish(replay_work(replay, never, _PATIENCE_S, False))
    receiving.join()
    assert min(late_s) >= 0
    # Steps of 8 ms, a busy machine added; waiting for whole blocks of half a second would show.
    assert np.median(late_s) < 0.03


def test_another_speed_divides_stamps_multiplies_rates_and_keeps_gaps(tmp_path: Path) -> None:
    stamps_s = np.concatenate((np.arange(400) / 200, 5 + np.arange(400) / 200))
    stored = [
        _Stored(_stream("fast", "int32", 2, 200.0, ("Fz", "Größe")), np.tile(np.arange(800), (2, 1)), 10 + stamps_s),
        _Stored(_stream("words", "string", 1, 0.0), [["a", "b"]], np.array([10.5, 13.25])),
    ]
    path = _write(tmp_path / "a.xdf", stored)
    out = tmp_path / "out.xdf"
    stop = threading.Event()
    recording = threading.Thread(
        target=record,
        args=(
            out,
            (StreamSelector(source_id="id-fast"), StreamSelector(source_id="id-words")),
            None,
            stop,
            lambda _: 0,
        ),
    )
    recording.start()
    replay = _open(path, speed=4.0)
    replay.announce(())
    finish(replay_work(replay, threading.Event(), _PATIENCE_S, False))
    stop.set()
    recording.join()
    with read_xdf(out) as file:
        got = {stream.name: stream for stream in file.streams}
        fast = got["fast"]
        assert fast.nominal_hz == 800.0
        assert fast.labels == ("Fz", "Größe")
        assert np.asarray(fast.samples).tobytes() == np.tile(np.arange(800, dtype=np.int32), (2, 1)).tobytes()
        assert np.ptp(fast.timestamps - stored[0].stamps_s / 4) < 1e-9
        assert fast.timeline.sampling_hz == pytest.approx(800.0)
        assert len(fast.timeline.segments) == 2
        assert got["words"].samples == [["a", "b"]]
        marker_after_s = got["words"].timestamps - fast.timestamps[0]
        np.testing.assert_allclose(marker_after_s, [0.125, 0.8125], rtol=0, atol=1e-9)
        assert file.header is not None
        note = fast.header.find("desc/replay")
        assert note is not None
        assert (note.findtext("file"), note.findtext("speed")) == ("a.xdf", "4")
        assert note.findtext("recorded_uid") == "recorded-uid"
        assert fast.description.uid != "recorded-uid"


def test_a_stream_that_is_live_already_keeps_its_identity(tmp_path: Path) -> None:
    samples, stamps_s = _bits("int8", 1, 5), np.arange(5.0)
    stream = _stream("amp", "int8", 1, 1.0)
    path = _write(tmp_path / "a.xdf", [_Stored(stream, samples, stamps_s), _Stored(stream, samples, stamps_s)])
    replay = _open(path)
    remarks = replay.announce((stream,))
    try:
        assert [s.stream.source_id for s in replay.streams] == ["id-amp-replay", "id-amp-replay2"]
        assert len(remarks) == 2
        assert "'id-amp-replay'" in remarks[0]
    finally:
        replay.close()


def test_a_rich_header_arrives_as_it_was_recorded(tmp_path: Path, never: threading.Event) -> None:
    desc = (
        "<desc><manufacturer>A &amp; B</manufacturer><cap><name>x</name><labels><l>1</l><l>2</l></labels></cap>"
        "<channels><channel><label>Cz</label><unit>microvolts</unit><location><X>1.5</X></location></channel></channels>"
        "</desc>"
    )
    header = (
        "<?xml version='1.0'?><info><name>rich</name><type>EEG</type><channel_count>1</channel_count>"
        "<nominal_srate>512.0123456789</nominal_srate><channel_format>int16</channel_format>"
        f"<source_id>id-rich</source_id><uid>u</uid><hostname>h</hostname>{desc}</info>"
    )
    writer = XdfWriter(tmp_path / "a.xdf")
    writer.add_stream(header)
    writer.close()
    replay = _open(tmp_path / "a.xdf")
    replay.announce(())
    (info,) = pylsl.resolve_byprop("source_id", "id-rich", 1, _PATIENCE_S)
    received = fromstring(pylsl.StreamInlet(info).info(_PATIENCE_S).as_xml())
    replay.close()
    assert float(received.findtext("nominal_srate") or 0) == 512.0123456789
    got = received.find("desc")
    assert got is not None
    expected = [(e.tag, (e.text or "").strip()) for child in fromstring(desc) for e in child.iter()]
    assert [(e.tag, (e.text or "").strip()) for child in list(got)[:-1] for e in child.iter()] == expected
    assert list(got)[-1].tag == "replay"


def test_a_loop_goes_on_right_behind_the_end(tmp_path: Path) -> None:
    stored = [_Stored(_stream("round", "int16", 1, 100.0), np.arange(110)[None], 7 + np.arange(110) / 100)]
    replay = _open(_write(tmp_path / "a.xdf", stored), speed=4.0)
    replay.announce(())
    audience = _Audience(["id-round"])
    receiver = audience.receivers["id-round"]
    stop = threading.Event()
    work = replay_work(replay, stop, _PATIENCE_S, True)
    while len(receiver.stamps_s) < 250:
        next(work)
        receiver.pull()
    stop.set()
    outcome = audience.follow(work)
    assert outcome.ended_by == "stop"
    assert outcome.streams[0].n_sent == len(receiver.stamps_s)
    values = np.array(receiver.samples)[:, 0]
    assert values.tolist() == (np.arange(len(values)) % 110).tolist()
    np.testing.assert_allclose(np.diff(receiver.stamps_s), 0.0025, rtol=0, atol=1e-9)


class _Command:
    """``veridical replay`` as a person starts it."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "veridical", "replay", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Wait for it: status, stdout, stderr."""
        out, err = self.process.communicate(timeout=_PATIENCE_S)
        return self.process.returncode, out, err

    def close(self) -> None:
        """End it if the test did not."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def command() -> Iterator[Callable[..., _Command]]:
    """Starts commands and ends them."""
    started: list[_Command] = []

    def start(*words: str) -> _Command:
        started.append(_Command(*words))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_ends_it_cleanly_and_what_was_sent_is_said(tmp_path: Path, command: Callable[..., _Command]) -> None:
    stored = [_Stored(_stream("long", "float32", 1, 100.0), np.zeros((1, 9000), np.float32), np.arange(9000) / 100)]
    running = command(str(_write(tmp_path / "a.xdf", stored)), "--wait-for-consumers", "--json")
    audience = _Audience(["id-long"])
    receiver = audience.receivers["id-long"]
    end_s = time.monotonic() + _PATIENCE_S
    while len(receiver.stamps_s) < 50:
        assert time.monotonic() < end_s
        sample, stamp_s = receiver.inlet.pull_sample(1.0)
        receiver.samples.append(sample)
        receiver.stamps_s.append(stamp_s)
    running.process.send_signal(signal.SIGINT)
    status, out, err = running.end()
    receiver.pull()
    told = json.loads(out)
    assert status == 0
    assert (told["ended_by"], told["seconds"]) == ("stop", 89.99)
    assert told["streams"][0]["sent"] == len(receiver.samples)
    assert "Replaying, about 90 s left" in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_replayed_is_one_sentence(tmp_path: Path, command: Callable[..., _Command]) -> None:
    (tmp_path / "no.xdf").write_bytes(b"not at all")
    status, out, err = command(str(tmp_path / "no.xdf")).end()
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "no XDF recording" in err
    status, _, err = command(str(tmp_path / "no.xdf"), "--speed", "0").end()
    assert status == 2
    XdfWriter(tmp_path / "empty.xdf").close()
    with pytest.raises(RecordingError, match="no streams, so there is nothing to replay"):
        open_replay(tmp_path / "empty.xdf", lambda _: True, 1.0)
    path = _write(tmp_path / "a.xdf", [_Stored(_stream("EEG", "int8", 1, 1.0), _bits("int8", 1, 3), np.arange(3.0))])
    with pytest.raises(RecordingError, match="its streams are: 'EEG'"):
        open_replay(path, lambda stream: stream.name == "other", 1.0)


def test_a_truncated_file_plays_as_far_as_it_reads(tmp_path: Path, never: threading.Event) -> None:
    stored = [_Stored(_stream("cut", "int16", 2, 100.0), _bits("int16", 2, 60), np.arange(60) / 100)]
    path = _write(tmp_path / "a.xdf", stored)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with read_xdf(path) as file:
        n = file.streams[0].n_samples
    assert 0 < n < 60
    replay, remarks = open_replay(path, lambda _: True, 10.0)
    assert len(remarks) == 1
    assert "a.xdf is damaged" in remarks[0]
    replay.announce(())
    audience = _Audience(["id-cut"])
    audience.follow(replay_work(replay, never, _PATIENCE_S, False))
    assert np.array(audience.receivers["id-cut"].samples, np.int16).tobytes() == stored[0].samples[:, :n].T.tobytes()
