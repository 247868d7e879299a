"""Cut, corrupted and hostile files: opened as far as they go, named, never a crash and never memory beyond the file."""

import errno
import logging
import struct
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_format import encode_chunk, encode_length
from veridical.storage.xdf_inspection import inspect
from veridical.storage.xdf_reader import read_xdf
from veridical.storage.xdf_writer import XdfWriter

logging.getLogger("pyxdf").setLevel(logging.CRITICAL)

_EEG = StreamDescription("EEG", "EEG", "e", "u1", "h", 4, 100.0, "float32")
_MARKERS = StreamDescription("veridical-markers", "Markers", "m", "u2", "h", 1, 0.0, "string")


def _write(path: Path, n_chunks: int = 40) -> Path:
    """A recording of ``n_chunks`` tenths of a second, a boundary every second."""
    rng = np.random.default_rng(0)
    writer = XdfWriter(path)
    eeg, markers = writer.add_stream(_EEG), writer.add_stream(_MARKERS)
    for k in range(n_chunks):
        stamps_s = 100 + np.arange(10 * k, 10 * k + 10) / 100
        writer.write_samples(eeg, rng.standard_normal((4, 10)), stamps_s)
        writer.write_samples(markers, [[f"picture/é id={k}"]], stamps_s[:1])
        if k % 10 == 9:
            writer.write_clock_offset(eeg, stamps_s[0], 1e-5)
            writer.write_clock_offset(markers, stamps_s[0], 1e-5)
            writer.write_boundary()
    writer.close()
    return path


def _read_everything(path: Path) -> list[int]:
    with read_xdf(path) as file:
        for stream in file.streams:
            assert len(stream.timestamps) == stream.n_samples
            assert isinstance(stream.samples, list) or stream.samples.shape[1] == stream.n_samples
            assert isinstance(stream.defects, tuple)
        return [stream.n_samples for stream in file.streams]


def test_a_whole_recording_has_no_defect(tmp_path: Path) -> None:
    seen = inspect(_write(tmp_path / "a.xdf"))
    assert seen.defects == ()
    assert [stream.defects for stream in seen.streams] == [(), ()]
    eeg = seen.streams[0]
    assert (eeg.samples, eeg.footer, eeg.clock_offsets, eeg.gaps) == (400, True, 4, ())
    assert eeg.effective_hz == pytest.approx(100)
    assert eeg.first_timestamp == 100.0
    assert eeg.last_timestamp == pytest.approx(103.99)


def test_every_truncation_opens_with_all_whole_chunks(tmp_path: Path, is_full: bool) -> None:
    whole = _write(tmp_path / "a.xdf").read_bytes()
    cut = tmp_path / "cut.xdf"
    footers_at = whole.rindex(b"<?xml", 0, whole.rindex(b"<?xml"))
    before = [0, 0]
    for n_bytes in np.linspace(4, len(whole) - 1, 1000 if is_full else 300).astype(int).tolist():
        cut.write_bytes(whole[:n_bytes])
        counts = _read_everything(cut)
        # A longer file never holds less.
        assert counts + [0] * (2 - len(counts)) >= before or counts[0] >= before[0]
        before = counts + [0] * (2 - len(counts))
        with read_xdf(cut) as file:
            assert set(file.defects) <= {"truncated"}
            if n_bytes < footers_at - 100:
                assert all("no-footer" in stream.defects for stream in file.streams)
    assert before == [400, 40]


def test_corruption_never_crashes_and_never_invents_samples(tmp_path: Path, is_full: bool) -> None:
    whole = bytearray(_write(tmp_path / "a.xdf").read_bytes())
    rng = np.random.default_rng(1)
    bad = tmp_path / "bad.xdf"
    for _ in range(1000 if is_full else 300):
        damaged = whole.copy()
        at = int(rng.integers(4, len(whole) - 64))
        damaged[at : at + int(rng.integers(1, 64))] = rng.bytes(int(rng.integers(1, 64)))
        bad.write_bytes(damaged)
        counts = _read_everything(bad)
        assert all(count <= 400 for count in counts)


def test_damage_costs_the_damaged_chunk_and_no_other(tmp_path: Path) -> None:
    whole = bytearray(_write(tmp_path / "a.xdf").read_bytes())
    # The length of a chunk in the second second becomes nonsense.
    at = whole.index(b"picture/\xc3\xa9 id=12")
    start = whole.rindex(bytes([3, 0]) + struct.pack("<I", 2), 0, at)
    assert start > whole.index(xdf.BOUNDARY)
    whole[start - 1] = 0xFF
    (tmp_path / "bad.xdf").write_bytes(whole)
    with read_xdf(tmp_path / "bad.xdf") as file:
        assert file.defects == ("truncated",)
        assert str(start - 2) in file.remarks[0]
        assert file.skipped[0][0] == start - 2
        eeg, markers = file.streams
        assert eeg.n_samples == 400
        assert "count-mismatch" in markers.defects
        assert isinstance(markers.samples, list)
        assert markers.samples[0] == [f"picture/é id={k}" for k in range(40) if k != 12]


def test_what_pyxdf_refuses_still_opens(tmp_path: Path) -> None:
    whole = _write(tmp_path / "a.xdf").read_bytes()
    clock_at = whole.rindex(bytes([4, 0]) + struct.pack("<I", 2))
    cut = tmp_path / "cut.xdf"
    cut.write_bytes(whole[: clock_at + 10])
    with pytest.raises(struct.error):
        pyxdf.load_xdf(str(cut))
    assert _read_everything(cut) == [400, 40]


def test_a_file_that_is_no_recording_is_one_sentence(tmp_path: Path) -> None:
    for content in (b"", b"XDF", b"hello world", b"\x00" * 100):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(RecordingError, match="no XDF recording"):
            read_xdf(tmp_path / "x")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_xdf(tmp_path / "missing.xdf")


def _header(stream_id: int, xml: str) -> bytes:
    return encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", stream_id) + xml.encode())


def _hostile_files() -> dict[str, bytes]:
    good = header_xml(_EEG)
    samples = encode_chunk(
        xdf.SAMPLES, struct.pack("<I", 1) + encode_length(1) + struct.pack("<Bd4f", 8, 1.0, 1, 2, 3, 4)
    )
    bomb = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><info><name>&b;</name></info>'
    lying = struct.pack("<I", 1) + bytes([8]) + struct.pack("<Q", 1 << 60) + b"\x00" * 64
    many = good.replace("<channel_count>4<", "<channel_count>2000000000<")
    return {
        "bomb": _header(1, bomb) + samples,
        "lying count": _header(1, good) + encode_chunk(xdf.SAMPLES, lying) + samples,
        "lying length": _header(1, good) + bytes([8]) + struct.pack("<QH", (1 << 63) + 5, 3) + samples,
        "two billion channels": _header(1, many) + samples,
        "two billion texts": _header(1, many.replace("float32", "string")) + samples,
        "negative channels": _header(1, good.replace("<channel_count>4<", "<channel_count>-4<")) + samples,
        "a rate of nan": _header(1, good.replace("100.0", "nan")) + samples,
        "a tiny rate": _header(1, good.replace("100.0", "5e-324")) + samples,
        "samples before the header": samples + _header(1, good) + samples,
        "two headers": _header(1, good) + samples + _header(1, good) + samples,
        "deep nesting": _header(1, "<info>" + "<a>" * 20000 + "</a>" * 20000 + "</info>"),
        "two billion labels": _header(
            1,
            header_xml(replace(_EEG, labels=("Fz",), format="int8")).replace(
                "<channel_count>4<", "<channel_count>2000000000<"
            ),
        ),
        "no channels": _header(1, good.replace("<channel_count>4<", "<channel_count>0<"))
        + encode_chunk(xdf.SAMPLES, struct.pack("<I", 1) + encode_length(20_000) + bytes(20_000)),
    }


@pytest.mark.parametrize("kind", sorted(_hostile_files()))
def test_hostile_files_end_in_a_named_defect_and_little_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "h.xdf"
    path.write_bytes(xdf.MAGIC + _hostile_files()[kind])
    tracemalloc.start()
    seen = inspect(path)
    _read_everything(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen.defects or any(stream.defects for stream in seen.streams)
    assert peak < 8e6


def _endless_files(n_bytes: int) -> dict[str, bytes]:
    """Files that make a reader look at the same bytes again and again, or keep a lot for every byte."""
    head = xdf.MAGIC + _header(1, header_xml(replace(_EEG, n_channels=1, format="int8")))
    texts = xdf.MAGIC + _header(1, header_xml(_MARKERS))
    tiny = header_xml(replace(_EEG, n_channels=1, format="int8"))

    def filled(begin: bytes, unit: bytes) -> bytes:
        return begin + unit * ((n_bytes - len(begin)) // len(unit))

    def nested(begin: bytes, size_of: int, content: bytes) -> bytes:
        """Chunks that all claim to reach to the end of the file."""
        out = bytearray(begin)
        while len(out) < n_bytes - 200:
            rest = n_bytes - len(out) - 5
            n = (rest - 11) // size_of
            while size_of == 6 and (rest - 11 - 2 * n) % 8:
                n -= 1
            out += struct.pack("<BIHIBI", 4, rest, xdf.SAMPLES, 1, 4, n) + content
        return bytes(out) + bytes(n_bytes - len(out))

    return {
        "nested chunks": nested(head, 6, bytes(24)),
        "nested texts": nested(texts, 12, b"\0\x01\x00" * 6),
        "chunks of one byte": filled(head, b"\x01\x01\x03"),
        "unknown chunks and boundaries": filled(
            head, b"\x01\x02\x63\x00" + encode_chunk(xdf.BOUNDARY_TAG, xdf.BOUNDARY)
        ),
        "damage at every boundary": filled(head, b"\x07" + xdf.BOUNDARY),
        "false beginnings": filled(head, struct.pack("<BIHI", 4, 32, xdf.SAMPLES, 1)),
        "headers without end": filled(xdf.MAGIC, struct.pack("<BIHI", 4, 1 << 31, xdf.STREAM_HEADER, 5) + b"<?xml"),
        "streams beyond count": b"".join([xdf.MAGIC, *(_header(k, tiny) for k in range(n_bytes // (len(tiny) + 13)))]),
        "stamps here and there": filled(
            head,
            encode_chunk(xdf.SAMPLES, struct.pack("<IB", 1, 1) + b"\x04" + (struct.pack("<Bd", 8, 1) + b"a\0a") * 2),
        ),
    }


@pytest.mark.parametrize("kind", sorted(_endless_files(1000)))
def test_no_file_keeps_the_reader_busy_or_fills_the_memory(tmp_path: Path, kind: str) -> None:
    path, n_bytes = tmp_path / "e.xdf", 300_000
    path.write_bytes(_endless_files(n_bytes)[kind])
    begun = time.process_time()
    with read_xdf(path) as file:
        for stream in file.streams:
            assert len(stream.timestamps) == stream.n_samples
    # A look at every byte for every chunk would take minutes.
    assert time.process_time() - begun < 10
    tracemalloc.start()
    read_xdf(path).close()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * n_bytes


def test_a_bare_ampersand_in_a_header_does_not_cost_the_data(tmp_path: Path) -> None:
    whole = _write(tmp_path / "a.xdf").read_bytes()
    (tmp_path / "b.xdf").write_bytes(whole.replace(b"<hostname>h</hostname>", b"<hostname>&</hostname>"))
    with pytest.raises(Exception, match="not well-formed"):
        pyxdf.load_xdf(str(tmp_path / "b.xdf"))
    assert _read_everything(tmp_path / "b.xdf") == [400, 40]
    assert "bad-header" in inspect(tmp_path / "b.xdf").streams[0].defects


class _Disk:
    """A file that takes so many bytes and then fails."""

    def __init__(self, file: Any, n_bytes: int, code: int) -> None:
        self._file, self._left, self._code = file, n_bytes, code

    def write(self, data: memoryview) -> int:
        if self._left <= 0:
            raise OSError(self._code, "fails")
        taken = int(self._file.write(data[: self._left]))
        self._left -= taken
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EIO, "error"), (errno.EROFS, "read-only")]
)
def test_a_failing_disk_is_told_at_once_and_leaves_whole_chunks(
    tmp_path: Path, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xdf"
    writer = XdfWriter(path)
    eeg = writer.add_stream(_EEG)
    monkeypatch.setattr(writer, "_file", _Disk(writer._file, 5000, code))
    stamps_s = 100 + np.arange(10) / 100
    # 13 bytes of chunk around ten samples of 25 bytes.
    n_kept = 10 * (5000 // (13 + 250))
    for _ in range(n_kept // 10):
        writer.write_samples(eeg, np.zeros((4, 10)), stamps_s)
    with pytest.raises(StorageError, match=words):
        writer.write_samples(eeg, np.zeros((4, 10)), stamps_s)
    for attempt in (writer.write_boundary, writer.sync, writer.close):
        with pytest.raises(StorageError, match=words):
            attempt()
    with read_xdf(path) as file:
        assert file.defects == ()
        assert file.streams[0].n_samples == n_kept
