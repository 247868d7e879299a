"""The reader on what recorders really write: mixed stamps, wide and narrow streams, compression; and its cost."""

import gzip
import logging
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from veridical.domain.errors import RecordingError
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_format import DTYPES, encode_chunk, encode_length
from veridical.storage.xdf_inspection import inspect
from veridical.storage.xdf_reader import read_xdf

logging.getLogger("pyxdf").setLevel(logging.CRITICAL)


def _header(id_: int, n_channels: int, format_: SampleFormat, nominal_hz: float) -> bytes:
    described = StreamDescription(f"s{id_}", "EEG", f"id{id_}", "u", "h", n_channels, nominal_hz, format_)
    return encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", id_) + header_xml(described).encode())


def _chunk(
    id_: int, flags: list[bool], stamp_s: float, values: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"
) -> bytes:
    parts = [struct.pack("<IBI", id_, 4, len(flags))]
    for k, is_explicit in enumerate(flags):
        parts += (struct.pack("<Bd", 8, stamp_s + k * 0.0021) if is_explicit else b"\0", values[k].tobytes())
    return encode_chunk(xdf.SAMPLES, b"".join(parts))


def _mixed_file(path: Path, n_chunks: int) -> Path:
    """Three streams whose chunks mix samples with and without a stamp in every way; chunks of very different size."""
    rng = np.random.default_rng(2)
    shapes: list[tuple[int, SampleFormat, float]] = [(3, "int16", 500.0), (1, "double64", 100.0), (1000, "int8", 30.0)]
    parts = [xdf.MAGIC, *(_header(k, *shape) for k, shape in enumerate(shapes))]
    for chunk in range(n_chunks):
        for id_, (n_channels, format_, _) in enumerate(shapes):
            n = int(rng.integers(1, 400 if chunk % 50 == 7 and id_ < 2 else 12))
            flags = (rng.random(n) < rng.choice([0.02, 0.5, 0.95, 1.0])).tolist()
            values = rng.integers(-100, 100, (n, n_channels)).astype(DTYPES[format_])
            parts.append(_chunk(id_, flags, float(chunk), values))
    path.write_bytes(b"".join(parts))
    return path


def _assert_identical(path: Path) -> None:
    theirs = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)[0]
    with read_xdf(path) as file:
        assert file.defects == ()
        for stream, other in zip(file.streams, theirs, strict=True):
            assert not isinstance(stream.samples, list)
            assert stream.timestamps.tobytes() == other["time_stamps"].tobytes()
            assert stream.samples.T.tobytes() == other["time_series"].tobytes()
            assert stream.samples.dtype == other["time_series"].dtype
            n = stream.n_samples
            for first, last in ((0, n), (1, n - 1), (n // 3, n // 3 + 1), (n // 2, min(n, n // 2 + 50))):
                assert np.array_equal(stream.window(first, last).T, other["time_series"][first:last])


@pytest.mark.parametrize("n_chunks", [3, 200])
def test_chunks_that_leave_out_stamps_at_will_read_as_pyxdf_reads_them(tmp_path: Path, n_chunks: int) -> None:
    _assert_identical(_mixed_file(tmp_path / "a.xdf", n_chunks))


def test_runs_longer_than_a_block_are_cut_without_a_seam(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 70_000
    parts = [xdf.MAGIC, *(_header(k, 2, "int16", 1000.01) for k in range(3))]
    values = rng.integers(-100, 100, (n, 2)).astype("<i2")
    parts.append(_chunk(0, [True] * n, 5.0, values))
    parts.append(_chunk(1, [True] + [False] * (n - 1), 5.0, values))
    parts.append(_chunk(2, [False] * n, 5.0, values))
    (tmp_path / "a.xdf").write_bytes(b"".join(parts))
    _assert_identical(tmp_path / "a.xdf")


def test_a_flipped_flag_in_a_mixed_chunk_costs_that_chunk_only(tmp_path: Path) -> None:
    flags, values = [True, False, True, False], np.ones((4, 2), "<f4")
    chunks = [_chunk(1, flags, float(k), values) for k in range(100)]
    head = xdf.MAGIC + _header(1, 2, "float32", 100.0)
    n_head = len(chunks[40]) - 2 * 17 - 2 * 9
    broken = bytearray(chunks[40])
    broken[n_head + 17] = 8
    (tmp_path / "a.xdf").write_bytes(head + b"".join([*chunks[:40], bytes(broken), *chunks[41:]]))
    with read_xdf(tmp_path / "a.xdf") as file:
        assert file.defects == ("truncated",)
        assert file.streams[0].n_samples == 4 * 99
        start = len(head) + 40 * len(broken) + n_head
        assert file.skipped == ((start, start + len(broken) - n_head),)
        assert str(start) in file.remarks[0]


@pytest.mark.parametrize("name", ["a.xdfz", "a.xdf.gz", "a.xdf"])
def test_a_compressed_recording_reads_as_the_plain_one(tmp_path: Path, name: str) -> None:
    plain = _mixed_file(tmp_path / "plain.xdf", 30)
    (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes()))
    with read_xdf(plain) as expected, read_xdf(tmp_path / name) as file:
        assert file.defects == ()
        for stream, other in zip(file.streams, expected.streams, strict=True):
            assert np.array_equal(stream.samples, other.samples)
            assert np.array_equal(stream.timestamps, other.timestamps)


def test_a_cut_compressed_recording_opens_as_far_as_it_goes(tmp_path: Path) -> None:
    plain = _mixed_file(tmp_path / "plain.xdf", 200)
    packed = gzip.compress(plain.read_bytes())
    (tmp_path / "cut.xdfz").write_bytes(packed[: len(packed) // 2])
    with read_xdf(plain) as whole, read_xdf(tmp_path / "cut.xdfz") as file:
        assert file.defects == ("truncated",)
        assert any("compressed" in remark for remark in file.remarks)
        assert 0 < file.streams[0].n_samples < whole.streams[0].n_samples


def test_a_compressed_bomb_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.xdfz").write_bytes(gzip.compress(xdf.MAGIC + bytes(300_000_000), 1))
    with pytest.raises(RecordingError, match="unpack it yourself"):
        read_xdf(tmp_path / "bomb.xdfz")


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="a folder"):
        read_xdf(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(RecordingError, match="no ordinary file"):
            read_xdf(tmp_path / "pipe")


def test_a_closed_recording_says_so(tmp_path: Path) -> None:
    with read_xdf(_mixed_file(tmp_path / "a.xdf", 3)) as file:
        early = file.streams[0].samples
    assert isinstance(early, np.ndarray)
    with pytest.raises(RecordingError, match="closed"):
        _ = file.streams[1].samples
    assert early.sum() == early.sum()


def test_reading_is_many_times_faster_than_pyxdf_in_little_more_memory_than_the_data() -> None:
    bench = Path(__file__).parents[1] / "performance" / "bench_reader.py"
    done = subprocess.run(
        [sys.executable, str(bench), "--quick", "--check"], capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _xml_variants() -> dict[str, tuple[bytes, str]]:
    """Headers of a stream with two float channels, and what must be wrong about them."""
    good = header_xml(
        StreamDescription("A", "EEG", "i", "u", "h", 2, 100.0, "float32", ("Fz", "Cz"), units=("uV", "uV"))
    )
    return {
        "bare ampersand": (good.replace("<hostname>h<", "<hostname>a & b<").encode(), "bad-header"),
        "control character": (good.replace("<hostname>h<", "<hostname>\x01<").encode(), "bad-header"),
        "latin-1": (good.replace("<hostname>h<", "<hostname>Größe<").encode("latin-1"), ""),
        "rate nan": (good.replace("100.0", "nan").encode(), "bad-header"),
        "rate inf": (good.replace("100.0", "inf").encode(), "bad-header"),
        "rate text": (good.replace("100.0", "fast").encode(), "bad-header"),
        "rate negative": (good.replace("100.0", "-1").encode(), "bad-header"),
        "no rate": (good.replace("<nominal_srate>100.0</nominal_srate>", "").encode(), "bad-header"),
    }


@pytest.mark.parametrize("kind", sorted(_xml_variants()))
def test_a_flawed_header_does_not_cost_the_samples(tmp_path: Path, kind: str) -> None:
    xml, defect = _xml_variants()[kind]
    values = np.arange(8, dtype="<f4").reshape(4, 2)
    chunk = _chunk(1, [True] * 4, 1.0, values)
    parts = (xdf.MAGIC, encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", 1) + xml), chunk)
    (tmp_path / "a.xdf").write_bytes(b"".join(parts))
    with read_xdf(tmp_path / "a.xdf") as file:
        (stream,) = file.streams
        assert np.array_equal(stream.samples, values.T)
        assert (stream.labels, stream.units) == (("Fz", "Cz"), ("uV", "uV"))
        assert ("bad-header" in stream.defects) == bool(defect)


@pytest.mark.parametrize("change", [-40, -1, 1, 30, 5000, 1 << 31])
def test_a_wrong_length_of_a_header_does_not_cost_the_stream(tmp_path: Path, change: int) -> None:
    values = np.arange(8, dtype="<f4").reshape(4, 2)
    header = _header(1, 2, "float32", 100.0)
    assert header[0] == 4
    told = struct.pack("<I", struct.unpack("<I", header[1:5])[0] + change)
    chunks = b"".join(_chunk(1, [True] * 4, float(k), values) for k in range(20))
    (tmp_path / "a.xdf").write_bytes(xdf.MAGIC + b"\x04" + told + header[5:] + chunks)
    with read_xdf(tmp_path / "a.xdf") as file:
        assert file.defects == ("bad-header",)
        assert [stream.n_samples for stream in file.streams] == [80]


def test_samples_before_their_header_and_a_second_header_lose_nothing(tmp_path: Path) -> None:
    chunk = _chunk(1, [True] * 4, 1.0, np.ones((4, 2), "<f4"))
    header = _header(1, 2, "float32", 100.0)
    (tmp_path / "late.xdf").write_bytes(xdf.MAGIC + chunk + header + chunk + header + chunk)
    seen = inspect(tmp_path / "late.xdf")
    assert "bad-header" in seen.defects
    assert "bad-header" in seen.streams[0].defects
    assert [stream.samples for stream in seen.streams] == [12]
    assert len(seen.remarks) == 2


def test_an_id_that_is_given_twice_makes_two_streams(tmp_path: Path) -> None:
    parts = (
        xdf.MAGIC, _header(1, 2, "float32", 100.0), _chunk(1, [True] * 4, 1.0, np.ones((4, 2), "<f4")),
        _header(1, 3, "int16", 50.0), _chunk(1, [True] * 5, 1.0, np.ones((5, 3), "<i2")),
    )  # fmt: skip
    (tmp_path / "a.xdf").write_bytes(b"".join(parts))
    seen = inspect(tmp_path / "a.xdf")
    assert [(s.id, s.channels, s.samples) for s in seen.streams] == [(1, 2, 4), (1, 3, 5)]
    assert all("bad-header" in s.defects for s in seen.streams)


def test_zeros_behind_a_closed_recording_are_remarked_and_no_defect(tmp_path: Path) -> None:
    footer = encode_chunk(xdf.STREAM_FOOTER, struct.pack("<I", 1) + b"<info><sample_count>4</sample_count></info>")
    chunk = _chunk(1, [True] * 4, 1.0, np.ones((4, 2), "<f4"))
    whole = xdf.MAGIC + _header(1, 2, "float32", 100.0) + chunk + footer
    (tmp_path / "closed.xdf").write_bytes(whole + bytes(4096))
    (tmp_path / "crashed.xdf").write_bytes(whole[: -len(footer)] + bytes(4096))
    with read_xdf(tmp_path / "closed.xdf") as file:
        assert (file.defects, len(file.remarks)) == ((), 1)
    with read_xdf(tmp_path / "crashed.xdf") as file:
        assert file.defects == ("truncated",)


def test_lengths_of_every_lying_kind_lose_one_chunk_only(tmp_path: Path) -> None:
    values = np.ones((4, 2), "<f4")
    chunks = [_chunk(1, [True] * 4, float(k), values) for k in range(9)]
    assert chunks[4][0] == 1
    lies = {
        "NumLengthBytes": b"\x07" + chunks[4][1:],
        "short": bytes((1, chunks[4][1] - 9)) + chunks[4][2:],
        "long": bytes((1, chunks[4][1] + 9)) + chunks[4][2:],
        "zero": b"\x01\x00" + chunks[4][2:],
        "huge": b"\x08" + struct.pack("<Q", (1 << 63) + 5) + chunks[4][2:],
        "NumSamples": chunks[4][:9] + struct.pack("<I", 1 << 31) + chunks[4][13:],
        "NumSampleBytes": chunks[4][:8] + b"\x02" + chunks[4][9:],
        "id": chunks[4][:4] + struct.pack("<I", 99) + chunks[4][8:],
        "tag": chunks[4][:2] + struct.pack("<H", 77) + chunks[4][4:],
    }
    for kind, lie in lies.items():
        parts = [xdf.MAGIC, _header(1, 2, "float32", 100.0), *chunks[:4], lie, *chunks[5:]]
        (tmp_path / "a.xdf").write_bytes(b"".join(parts))
        with read_xdf(tmp_path / "a.xdf") as file:
            assert file.streams[0].n_samples == 32, kind
            assert file.defects, kind
            assert file.remarks, kind


def test_an_announced_length_of_text_beyond_its_chunk_is_damage(tmp_path: Path) -> None:
    header = _header(1, 1, "string", 0.0)
    good = encode_chunk(xdf.SAMPLES, struct.pack("<IBBBd", 1, 1, 1, 8, 1.0) + encode_length(2) + b"ok")
    bad = encode_chunk(xdf.SAMPLES, struct.pack("<IBBBd", 1, 1, 1, 8, 1.0) + encode_length(1 << 40) + b"no")
    (tmp_path / "a.xdf").write_bytes(xdf.MAGIC + header + good + bad + good)
    with read_xdf(tmp_path / "a.xdf") as file:
        assert file.streams[0].samples == [["ok", "ok"]]
        assert file.defects == ("truncated",)
