"""Defects are named by their definitions, and a usable recording has none."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from veridical.cli.inspection_lines import inspection_lines
from veridical.domain.arrays import FloatArray
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.storage.xdf_inspection import XdfInspection, inspect
from veridical.storage.xdf_writer import XdfWriter


def _describe(name: str, nominal_hz: float, format_: SampleFormat = "float32") -> StreamDescription:
    return StreamDescription(name, "EEG", name, name, "h", 1, nominal_hz, format_)


def _inspect(path: Path, *streams: tuple[StreamDescription, FloatArray], has_offsets: bool = True) -> XdfInspection:
    """Write ramps at the given stamps and look at the file."""
    writer = XdfWriter(path)
    for description, stamps_s in streams:
        stream_id = writer.add_stream(description)
        values = np.arange(len(stamps_s))[None]
        is_string = description.format == "string"
        writer.write_samples(stream_id, values.astype(str).tolist() if is_string else values, stamps_s)
        if has_offsets and len(stamps_s):
            writer.write_clock_offset(stream_id, float(stamps_s[0]), 0.0)
    writer.close()
    return inspect(path)


_REGULAR = 100 + np.arange(30_000) / 500


def _damage(change: Callable[[FloatArray], FloatArray]) -> FloatArray:
    return change(_REGULAR.copy())


def _stall(stamps_s: FloatArray) -> FloatArray:
    stamps_s[5000:6500] = stamps_s[6500]
    return stamps_s


@pytest.mark.parametrize(
    ("stamps_s", "defects"),
    [
        (_REGULAR, ()),
        (np.delete(_REGULAR, slice(9000, 9010)), ()),
        (_damage(_stall), ()),
        (100 + np.arange(30_000) / 520, ()),
        (100 + np.arange(30_000) / 440, ("rate-off",)),
        (np.delete(_REGULAR, slice(9000, 9600)), ("gaps",)),
        (np.concatenate((_REGULAR, _REGULAR[-1] + 30 + _REGULAR - 100)), ("gaps",)),
        (np.concatenate((_REGULAR, _REGULAR - 20)), ("non-monotonic",)),
        (np.empty(0), ("no-samples",)),
    ],
)
def test_timing_defects_follow_their_definitions(
    tmp_path: Path, stamps_s: FloatArray, defects: tuple[str, ...]
) -> None:
    seen = _inspect(tmp_path / "a.xdf", (_describe("E", 500.0), stamps_s))
    assert seen.streams[0].defects == defects
    assert seen.defects == ()


def test_gaps_are_told_by_the_raw_stamps_on_both_sides(tmp_path: Path) -> None:
    seen = _inspect(tmp_path / "a.xdf", (_describe("E", 500.0), np.delete(_REGULAR, slice(9000, 9600))))
    (gap,) = seen.streams[0].gaps
    assert gap == (_REGULAR[8999], _REGULAR[9600])
    assert seen.streams[0].missing_share == pytest.approx(600 / 30_000)


def test_a_stream_on_another_clock_is_told(tmp_path: Path) -> None:
    seen = _inspect(
        tmp_path / "a.xdf",
        (_describe("E", 500.0), _REGULAR),
        (_describe("far", 500.0), _REGULAR + 5000),
        (_describe("m", 0.0, "string"), _REGULAR[::1000]),
    )
    assert [stream.defects for stream in seen.streams] == [(), ("clock-base-mismatch",), ()]


def test_markers_that_begin_late_are_no_other_clock(tmp_path: Path) -> None:
    long_s = 100 + np.arange(300_000) / 500
    seen = _inspect(
        tmp_path / "a.xdf", (_describe("E", 500.0), long_s), (_describe("m", 0.0, "string"), np.array([400.0, 401.0]))
    )
    assert [stream.defects for stream in seen.streams] == [(), ()]


def test_markers_alone_lack_a_role_and_no_offsets_are_told(tmp_path: Path) -> None:
    seen = _inspect(tmp_path / "a.xdf", (_describe("m", 0.0, "string"), np.array([1.0])), has_offsets=False)
    assert seen.defects == ("missing-role",)
    assert seen.streams[0].defects == ("no-clock-offsets",)


def test_a_flat_stream_is_told(tmp_path: Path) -> None:
    writer = XdfWriter(tmp_path / "a.xdf")
    stream_id = writer.add_stream(_describe("E", 500.0))
    writer.write_samples(stream_id, np.full((1, 30_000), 7.0), _REGULAR)
    writer.write_clock_offset(stream_id, 100.0, 0.0)
    writer.close()
    assert inspect(tmp_path / "a.xdf").streams[0].defects == ("flat",)


def test_the_json_has_the_documented_fields(tmp_path: Path) -> None:
    seen = _inspect(tmp_path / "a.xdf", (_describe("E", 500.0), _REGULAR))
    told = msgspec.to_builtins(seen)
    assert {"file", "streams", "defects"} <= set(told)
    assert set(told["streams"][0]) == {
        "id", "name", "type", "format", "channels", "nominal_hz", "effective_hz", "samples", "first_timestamp",
        "last_timestamp", "gaps", "missing_share", "clock_offsets", "footer", "defects",
    }  # fmt: skip


def test_lengths_are_told_on_the_clock_that_goes_on(tmp_path: Path) -> None:
    """A device that was switched off for 90 s, and whose clock began anew."""
    writer = XdfWriter(tmp_path / "a.xdf")
    stream_id = writer.add_stream(_describe("E", 100.0))
    rng = np.random.default_rng(0)
    for first_s, offset_s in ((5000.0, 0.0), (10.0, 5100.0)):
        stamps_s = first_s + np.arange(2000) / 100
        for k in range(4):
            part = slice(500 * k, 500 * (k + 1))
            writer.write_samples(stream_id, rng.standard_normal((1, 500)), stamps_s[part])
            writer.write_clock_offset(stream_id, float(stamps_s[part][-1]), offset_s)
    writer.close()
    seen = inspect(tmp_path / "a.xdf")
    assert seen.streams[0].effective_hz is None
    assert seen.spans[0].length_s == pytest.approx(130 - 0.01)
    assert seen.spans[0].longest_gap_s == pytest.approx(90.01)
    assert seen.spans[0].longest_gap_from == pytest.approx(5019.99)
    words = "\n".join(inspection_lines(seen))
    assert "the longest is 90.010 s at 5019.990 s" in words
    assert f"{3999 / 129.99:.3f} of 100" in words
