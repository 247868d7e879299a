"""What is written to XDF comes back bit for bit: through pyxdf, which everyone uses, and through our reader."""

import logging
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_format import DTYPES, encode_chunk, encode_length
from veridical.storage.xdf_reader import XdfFile, read_xdf
from veridical.storage.xdf_writer import XdfWriter

logging.getLogger("pyxdf").setLevel(logging.CRITICAL)

_FORMATS: tuple[SampleFormat, ...] = ("float32", "double64", "int8", "int16", "int32", "int64", "string")


def _stream(
    format_: SampleFormat = "float32", n_channels: int = 2, nominal_hz: float = 100.0, name: str = "A"
) -> StreamDescription:
    return StreamDescription(name, "EEG", "id", "uid", "host", n_channels, nominal_hz, format_)


def _load(path: Path) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        # Its effective rate divides by the duration, which may be 0 here.
        warnings.simplefilter("ignore", RuntimeWarning)
        streams: list[dict[str, Any]] = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)[
            0
        ]
    return streams


def _assert_same_as_pyxdf(file: XdfFile) -> None:
    theirs = _load(file.path)
    assert len(theirs) == len(file.streams)
    for stream, other in zip(file.streams, theirs, strict=True):
        assert stream.name == (other["info"]["name"][0] or "")
        assert stream.timestamps.tobytes() == np.asarray(other["time_stamps"]).tobytes()
        if isinstance(stream.samples, list):
            assert [list(row) for row in zip(*stream.samples, strict=True)] == other["time_series"]
        elif stream.n_samples:
            assert stream.samples.dtype == other["time_series"].dtype
            assert stream.samples.T.tobytes() == other["time_series"].tobytes()
        assert stream.clock_offsets[:, 0].tolist() == other["clock_times"]
        assert stream.clock_offsets[:, 1].tolist() == other["clock_values"]


_STAMPS = st.floats(min_value=-1e9, max_value=1e9)


@st.composite
def _chunks(draw: st.DrawFn) -> list[tuple[int, NDArray[Any] | list[list[str]], list[float]]]:
    """Chunks of three streams in any order: (stream, samples, stamps)."""
    shapes = [(draw(st.sampled_from(_FORMATS)), draw(st.integers(1, 4))) for _ in range(3)]
    chunks: list[Any] = [shapes]
    for _ in range(draw(st.integers(0, 6))):
        k = draw(st.integers(0, 2))
        format_, n_channels = shapes[k]
        stamps_s = draw(st.lists(_STAMPS, max_size=5))
        if format_ == "string":
            rows = st.lists(st.text(max_size=8), min_size=len(stamps_s), max_size=len(stamps_s))
            samples: Any = [draw(rows) for _ in range(n_channels)]
        else:
            n_bytes = n_channels * len(stamps_s) * DTYPES[format_].itemsize
            raw = draw(st.binary(min_size=n_bytes, max_size=n_bytes))
            samples = np.frombuffer(raw, DTYPES[format_]).reshape(n_channels, len(stamps_s))
        chunks.append((k, samples, stamps_s))
    return chunks


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=_chunks(), offset=_STAMPS)
def test_any_chunks_come_back_bit_for_bit(tmp_path: Path, chunks: list[Any], offset: float) -> None:
    path = tmp_path / "a.xdf"
    path.unlink(missing_ok=True)
    shapes, *rest = chunks
    writer = XdfWriter(path)
    ids = [writer.add_stream(_stream(f, n, name=f"s{k}")) for k, (f, n) in enumerate(shapes)]
    for k, samples, stamps_s in rest:
        writer.write_samples(ids[k], samples, np.array(stamps_s))
        writer.write_clock_offset(ids[k], offset, -offset)
        writer.write_boundary()
    writer.close()
    with read_xdf(path) as file:
        assert file.defects == ()
        _assert_same_as_pyxdf(file)
        for k, stream in enumerate(file.streams):
            stamps = [s for j, _, stamps_s in rest if j == k for s in stamps_s]
            assert stream.timestamps.tolist() == stamps
            assert stream.footer is not None
            assert stream.footer.sample_count == len(stamps)
            written = [samples for j, samples, stamps_s in rest if j == k and stamps_s]
            if isinstance(stream.samples, list):
                channels = [[v for w in written for v in w[c]] for c in range(stream.description.n_channels)]
                assert stream.samples == (channels if written else [])
            elif written:
                assert stream.samples.tobytes() == np.concatenate(written, axis=1).tobytes()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flags=st.lists(st.lists(st.booleans(), min_size=1, max_size=40), min_size=1, max_size=5),
    nominal_hz=st.sampled_from([0.0, 10.0, 512.0, 1000.01]),
    format_=st.sampled_from(_FORMATS),
)
def test_deduced_stamps_match_pyxdf_to_the_bit(
    tmp_path: Path, flags: list[list[bool]], nominal_hz: float, format_: SampleFormat
) -> None:
    path = tmp_path / "deduced.xdf"
    stamp_s = 91_725.1234567
    parts = [xdf.MAGIC, encode_chunk(xdf.FILE_HEADER, b"<info><version>1.0</version></info>")]
    header = header_xml(_stream(format_, 2, nominal_hz)).encode()
    parts.append(encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", 7) + header))
    for chunk in flags:
        body = struct.pack("<I", 7) + encode_length(len(chunk))
        for k, is_explicit in enumerate(chunk):
            stamp_s += 0.0137
            body += struct.pack("<Bd", 8, stamp_s) if is_explicit else b"\x00"
            if format_ == "string":
                body += encode_length(1) + b"x" + encode_length(300) + b"\xff" * 300
            else:
                body += np.arange(k, k + 2).astype(DTYPES[format_]).tobytes()
        parts.append(encode_chunk(xdf.SAMPLES, body))
    path.write_bytes(b"".join(parts))
    with read_xdf(path) as file:
        assert file.streams[0].n_samples == sum(map(len, flags))
        _assert_same_as_pyxdf(file)


@pytest.mark.parametrize("name", ["minimal.xdf", "empty_streams.xdf"])
def test_real_files_read_as_pyxdf_reads_them(shared_data: Path, name: str) -> None:
    with read_xdf(shared_data / "xdf" / name) as file:
        assert file.defects == ()
        _assert_same_as_pyxdf(file)


def test_a_window_is_a_copy_of_the_samples(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((3, 1000)).astype(np.float32)
    writer = XdfWriter(tmp_path / "a.xdf")
    stream_id = writer.add_stream(_stream(n_channels=3))
    for first in range(0, 1000, 70):
        part = samples[:, first : first + 70]
        writer.write_samples(stream_id, part, np.arange(first, first + part.shape[1]) / 100)
    writer.close()
    with read_xdf(tmp_path / "a.xdf") as file:
        stream = file.streams[0]
        for first, last in ((0, 1000), (0, 1), (69, 71), (70, 140), (333, 800), (5, 5), (999, 1000)):
            assert np.array_equal(stream.window(first, last), samples[:, first:last])
        with pytest.raises(IndexError):
            stream.window(0, 1001)


def test_labels_units_and_types_come_back(tmp_path: Path) -> None:
    described = StreamDescription(
        "Größe <&>", "EEG", "é", "u", "h", 2, 250.0, "int16", ("Fz", "Čz"), ("EEG", "EOG"), ("microvolts", "")
    )
    writer = XdfWriter(tmp_path / "a.xdf")
    writer.add_stream(described)
    writer.close()
    with read_xdf(tmp_path / "a.xdf") as file:
        assert file.streams[0].description == described
        assert file.streams[0].defects == ("no-samples",)


def test_an_existing_recording_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.xdf").write_bytes(b"precious")
    with pytest.raises(StorageError, match="exists already"):
        XdfWriter(tmp_path / "a.xdf")
    assert (tmp_path / "a.xdf").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "header", ["<info><name>x", "<info/>", '<!DOCTYPE a [<!ENTITY b "c">]><info><name>&b;</name></info>']
)
def test_a_header_no_reader_can_parse_is_refused(tmp_path: Path, header: str) -> None:
    writer = XdfWriter(tmp_path / "a.xdf")
    with pytest.raises(RecordingError, match="header"):
        writer.add_stream(header)
    writer.close()
    assert read_xdf(tmp_path / "a.xdf").streams == ()
