"""What is written to XDF comes back bit for bit: through pyxdf, which everyone uses, and through our reader."""

import logging
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import pyxdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


_STAMPS = st.one_of(
    st.floats(min_value=-1e9, max_value=1e9),
    st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308, float("nan"), float("inf"), float("-inf")]),
)
_OFFSETS = st.floats(min_value=-1e9, max_value=1e9)
_EXTREMES: dict[str, list[float | int]] = {
    "float32": [float("nan"), float("inf"), float("-inf"), -0.0, 1e-45, 3.4028234e38],
    "double64": [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 1.7976931348623157e308],
    **{name: [np.iinfo(name).min, np.iinfo(name).max, -1, 0] for name in ("int8", "int16", "int32", "int64")},
}
# Around every border of a length's encoding: 1 byte until 255, then 4.
_LENGTHS = [0, 1, 254, 255, 256, 257, 65_535, 65_536, 70_000]
_TEXTS = st.one_of(
    st.text(max_size=8),
    st.builds(lambda letter, n: letter * n, st.sampled_from("aé中😀\x00"), st.sampled_from(_LENGTHS)),
)


@dataclass(frozen=True)
class _Step:
    """One act of a recorder; ``stream`` counts the streams in the order of their headers."""

    kind: Literal["header", "samples", "offset", "boundary"]
    stream: int = 0
    samples: Any = None
    stamps_s: tuple[float, ...] = ()
    offset_s: float = 0.0


@st.composite
def _samples(draw: st.DrawFn, format_: SampleFormat, n_channels: int, n: int) -> Any:
    """Values of shape (n_channels, n): any bits, or the format's extremes; texts of any length."""
    if format_ == "string":
        return [draw(st.lists(_TEXTS, min_size=n, max_size=n)) for _ in range(n_channels)]
    dtype, n_values = DTYPES[format_], n_channels * n
    if draw(st.booleans()):
        values = draw(st.lists(st.sampled_from(_EXTREMES[format_]), min_size=n_values, max_size=n_values))
        return np.array(values, dtype).reshape(n_channels, n)
    raw = draw(st.binary(min_size=n_values * dtype.itemsize, max_size=n_values * dtype.itemsize))
    return np.frombuffer(raw, dtype).reshape(n_channels, n)


@st.composite
def _recordings(draw: st.DrawFn) -> tuple[list[StreamDescription], list[_Step]]:
    """Streams whose headers come at any time, and their chunks in any order, empty ones among them."""
    streams = [
        StreamDescription(
            draw(st.sampled_from(["A", "A", "Größe <&>", "脳波"])),
            "EEG",
            draw(st.sampled_from(["", "id"])),
            "uid",
            "host",
            draw(st.integers(1, 5)),
            draw(st.sampled_from([0.0, 4.0, 512.0, 1000.01])),
            draw(st.sampled_from(_FORMATS)),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    steps: list[_Step] = []
    n_open = 0
    for _ in range(draw(st.integers(0, 14))):
        kinds = ["boundary"]
        kinds += ["header"] if n_open < len(streams) else []
        kinds += ["samples", "samples", "samples", "offset"] if n_open else []
        kind: Any = draw(st.sampled_from(kinds))
        if kind == "header":
            steps.append(_Step("header", n_open))
            n_open += 1
            continue
        k = draw(st.integers(0, n_open - 1)) if n_open else 0
        if kind == "samples":
            stamps_s = tuple(draw(st.lists(_STAMPS, max_size=5)))
            samples = draw(_samples(streams[k].format, streams[k].n_channels, len(stamps_s)))
            steps.append(_Step("samples", k, samples, stamps_s))
        else:
            steps.append(_Step(kind, k, offset_s=draw(_OFFSETS)))
    return streams[:n_open], steps


def _write_steps(path: Path, streams: list[StreamDescription], steps: list[_Step]) -> None:
    writer = XdfWriter(path)
    ids: list[int] = []
    for step in steps:
        if step.kind == "header":
            ids.append(writer.add_stream(streams[step.stream]))
        elif step.kind == "samples":
            writer.write_samples(ids[step.stream], step.samples, np.array(step.stamps_s))
        elif step.kind == "offset":
            writer.write_clock_offset(ids[step.stream], step.offset_s, -step.offset_s)
        else:
            writer.write_boundary()
    writer.close()
    assert len(set(ids)) == len(ids)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(recording=_recordings())
def test_any_recording_comes_back_bit_for_bit(
    tmp_path: Path, recording: tuple[list[StreamDescription], list[_Step]]
) -> None:
    path = tmp_path / "a.xdf"
    path.unlink(missing_ok=True)
    streams, steps = recording
    _write_steps(path, streams, steps)
    with read_xdf(path) as file:
        assert file.remarks == ()
        _assert_same_as_pyxdf(file)
        assert [stream.description for stream in file.streams] == streams
        for k, stream in enumerate(file.streams):
            own = [step for step in steps if step.stream == k and step.kind == "samples" and step.stamps_s]
            stamps_s = np.array([stamp_s for step in own for stamp_s in step.stamps_s])
            assert stream.timestamps.tobytes() == stamps_s.tobytes()
            offsets = [(s.offset_s, -s.offset_s) for s in steps if s.stream == k and s.kind == "offset"]
            assert [tuple(row) for row in stream.clock_offsets.tolist()] == offsets
            assert stream.footer is not None
            assert stream.footer.sample_count == len(stamps_s)
            if stream.description.format == "string":
                rows = [list(row) for step in own for row in zip(*step.samples, strict=True)]
                assert stream.samples == ([list(channel) for channel in zip(*rows, strict=True)] if rows else [])
                assert stream.raw_texts(0, len(rows)) == [[text.encode() for text in row] for row in rows]
                assert stream.raw_texts(len(rows) // 2, len(rows)) == stream.raw_texts(0, len(rows))[len(rows) // 2 :]
            elif own:
                written = np.concatenate([step.samples for step in own], axis=1)
                assert np.asarray(stream.samples).tobytes() == written.tobytes()


@pytest.mark.full
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck))
@given(recording=_recordings())
def test_thousands_of_recordings_come_back_bit_for_bit(
    tmp_path: Path, recording: tuple[list[StreamDescription], list[_Step]]
) -> None:
    test_any_recording_comes_back_bit_for_bit.hypothesis.inner_test(tmp_path, recording)  # type: ignore[attr-defined]


def test_bytes_that_are_no_utf8_are_kept_and_shown_replaced(tmp_path: Path) -> None:
    writer = XdfWriter(tmp_path / "a.xdf")
    id_ = writer.add_stream(_stream("string", 1, 0.0))
    writer.write_samples(id_, [[b"Gr\xf6\xdfe", b"\xff" * 300]], np.array([1.0, 2.0]))
    writer.close()
    with read_xdf(tmp_path / "a.xdf") as file:
        _assert_same_as_pyxdf(file)
        assert file.streams[0].raw_texts(0, 2) == [[b"Gr\xf6\xdfe"], [b"\xff" * 300]]
        with pytest.raises(IndexError):
            file.streams[0].raw_texts(0, 3)


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
