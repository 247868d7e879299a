"""Every defect has its definition, stands at the right object, and is found where it is."""

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from veridical.cli.file_commands import run_inspect
from veridical.cli.inspection_lines import inspection_lines
from veridical.domain.arrays import FloatArray
from veridical.domain.stream import StreamDescription
from veridical.storage import xdf_format as xdf
from veridical.storage.xdf_defects import DEFECTS
from veridical.storage.xdf_inspection import XdfInspection, inspect
from veridical.storage.xdf_writer import XdfWriter

_EEG = StreamDescription("EEG", "EEG", "e", "e", "h", 3, 250.0, "float32", ("Fz", "Cz", "Pz"), ("EEG",) * 3)
_ECG = StreamDescription("ECG", "ECG", "c", "c", "h", 1, 500.0, "float32")
_EDA = StreamDescription("EDA", "EDA", "d", "d", "h", 1, 4.0, "float32")
_MARKERS = StreamDescription("markers", "Markers", "m", "m", "h", 1, 0.0, "string")
_STAMPS = 1000 + np.arange(15_000) / 250

Offsets = list[tuple[float, float]]


def _every_5_s(stamps_s: FloatArray, offset_s: float = 0.0) -> Offsets:
    return [(float(at_s), offset_s) for at_s in np.arange(stamps_s[0], stamps_s[-1], 5.0)]


def _write(
    path: Path, *streams: tuple[StreamDescription, FloatArray, Offsets], flat: tuple[int, ...] = ()
) -> XdfInspection:
    rng = np.random.default_rng(0)
    writer = XdfWriter(path)
    for description, stamps_s, offsets in streams:
        id_ = writer.add_stream(description)
        values = rng.normal(size=(description.n_channels, len(stamps_s)))
        values[list(flat)] = 3.0
        is_text = description.format == "string"
        writer.write_samples(id_, [["x"] * len(stamps_s)] if is_text else values, stamps_s)
        for at_s, offset_s in offsets:
            writer.write_clock_offset(id_, at_s, offset_s)
    writer.close()
    return inspect(path)


def _markers(first_s: float = 1000.0, last_s: float = 1060.0) -> tuple[StreamDescription, FloatArray, Offsets]:
    return _MARKERS, np.linspace(first_s, last_s, 13), [(first_s, 0.0)]


def _named(seen: XdfInspection) -> dict[str, tuple[str, ...]]:
    return {stream.name: stream.defects for stream in seen.streams if stream.defects}


def _swap(stamps_s: FloatArray) -> FloatArray:
    stamps_s[[7000, 7001]] = stamps_s[[7001, 7000]]
    return stamps_s


def _swap_chunks(stamps_s: FloatArray) -> FloatArray:
    return np.concatenate((stamps_s[:5000], stamps_s[5050:5100], stamps_s[5000:5050], stamps_s[5100:]))


def _no_number(stamps_s: FloatArray) -> FloatArray:
    stamps_s[9000] = np.nan
    return stamps_s


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        (_swap, "non-monotonic"),
        (_swap_chunks, "non-monotonic"),
        (_no_number, "non-monotonic"),
        (lambda s: np.delete(s, slice(5000, 5510)), "gaps"),
        (lambda s: np.delete(s, np.arange(500, 15_000, 500)[:, None] + np.arange(6)), "gaps"),
        (lambda s: 1000 + (s - 1000) * 1.06, "rate-off"),
        (lambda s: 1000 + (s - 1000) * 0.94, "rate-off"),
    ],
)
def test_the_time_of_a_stream_is_judged(
    tmp_path: Path, change: Callable[[FloatArray], FloatArray], defect: str
) -> None:
    stamps_s = change(_STAMPS.copy())
    seen = _write(tmp_path / "a.xdf", (_EEG, stamps_s, _every_5_s(_STAMPS)), _markers())
    assert (seen.defects, _named(seen)) == ((), {"EEG": (defect,)})


def test_time_that_only_runs_backwards_is_told(tmp_path: Path) -> None:
    seen = _write(tmp_path / "a.xdf", (_EEG, _STAMPS[::-1].copy(), _every_5_s(_STAMPS)))
    assert "non-monotonic" in _named(seen)["EEG"]


def test_a_clock_that_was_set_anew_is_told_and_explains_the_step_back(tmp_path: Path) -> None:
    stamps_s = np.where(np.arange(15_000) < 7500, _STAMPS, _STAMPS - 500)
    offsets = [(at_s, 0.0) for at_s in (1001.0, 1006, 1011, 1016, 1021, 1026)]
    offsets += [(at_s - 500, 500.0) for at_s in (1031.0, 1036, 1041, 1046, 1051, 1056)]
    seen = _write(tmp_path / "a.xdf", (_EEG, stamps_s, offsets), _markers())
    assert (seen.defects, _named(seen)) == ((), {"EEG": ("clock-reset",)})


@pytest.mark.parametrize("position", [0, 4, 11])
def test_a_fabricated_offset_of_labrecorder_is_no_reset_and_moves_no_stamp(tmp_path: Path, position: int) -> None:
    offsets = _every_5_s(_STAMPS - 9000.0, 9000.0)
    offsets.insert(position, (0.0, 0.0))
    seen = _write(tmp_path / "a.xdf", (_EEG, _STAMPS - 9000.0, offsets), _markers())
    assert (seen.defects, _named(seen)) == ((), {})
    assert seen.streams[0].clock_offsets == 13


def test_only_fabricated_offsets_are_none(tmp_path: Path) -> None:
    seen = _write(tmp_path / "a.xdf", (_EEG, _STAMPS, [(0.0, 0.0)]))
    assert _named(seen) == {"EEG": ("no-clock-offsets",)}


@pytest.mark.parametrize("apart_s", [-90_000.0, 130.0, 5e8])
def test_the_stream_on_another_clock_is_told_and_no_other(tmp_path: Path, apart_s: float) -> None:
    # Its offsets say that its clock is this one; its stamps come from elsewhere.
    far = (_ECG, 1000 + np.arange(30_000) / 500 + apart_s, _every_5_s(_STAMPS))
    seen = _write(tmp_path / "a.xdf", (_EEG, _STAMPS, _every_5_s(_STAMPS)), far)
    assert (seen.defects, _named(seen)) == ((), {"ECG": ("clock-base-mismatch",)})


def test_two_streams_on_another_clock_do_not_vouch_for_each_other(tmp_path: Path) -> None:
    strangers = [
        (replace(_ECG, name=name, source_id=name), 7000 + np.arange(30_000) / 500, [(7000.0, 0.0)]) for name in "ab"
    ]
    known = [(_EEG, _STAMPS, _every_5_s(_STAMPS)), _markers(), (_EDA, 1000 + np.arange(240) / 4, [(1000.0, 0.0)])]
    seen = _write(tmp_path / "a.xdf", *strangers, *known)
    assert _named(seen) == {"a": ("clock-base-mismatch",), "b": ("clock-base-mismatch",)}


def test_a_stream_that_came_back_after_minutes_is_no_other_clock(tmp_path: Path) -> None:
    later_s = _STAMPS + 400
    seen = _write(tmp_path / "a.xdf", (_EEG, _STAMPS, _every_5_s(_STAMPS)), (_EEG, later_s, _every_5_s(later_s)))
    assert (seen.defects, _named(seen)) == ((), {})


def test_a_single_stamp_from_nowhere_is_told(tmp_path: Path) -> None:
    stamps_s = _STAMPS.copy()
    stamps_s[7000] = 1.0
    seen = _write(tmp_path / "a.xdf", (_EEG, stamps_s, _every_5_s(_STAMPS)), _markers())
    assert set(_named(seen)["EEG"]) >= {"clock-base-mismatch", "non-monotonic"}


def test_a_dead_channel_is_told_by_its_name(tmp_path: Path) -> None:
    seen = _write(tmp_path / "a.xdf", (_EEG, _STAMPS, _every_5_s(_STAMPS)), flat=(1,))
    assert _named(seen) == {"EEG": ("flat",)}
    assert seen.remarks == ("EEG: flat channels Cz",)


def test_empty_streams_are_told_markers_too(tmp_path: Path) -> None:
    nothing = np.empty(0)
    seen = _write(tmp_path / "a.xdf", (_EEG, nothing, []), (_MARKERS, nothing, []))
    assert (seen.defects, _named(seen)) == ((), {"EEG": ("no-samples",), "markers": ("no-samples",)})


def test_a_file_without_anything_lacks_a_role(tmp_path: Path) -> None:
    (tmp_path / "a.xdf").write_bytes(xdf.MAGIC)
    seen = inspect(tmp_path / "a.xdf")
    assert (seen.defects, seen.streams) == (("missing-role",), ())


def test_a_wrong_count_and_a_missing_footer_are_told(tmp_path: Path) -> None:
    _write(tmp_path / "a.xdf", (_EEG, _STAMPS, _every_5_s(_STAMPS)), (_ECG, _STAMPS, _every_5_s(_STAMPS)))
    whole = (tmp_path / "a.xdf").read_bytes()
    wrong = whole.replace(b"<sample_count>15000<", b"<sample_count>15001<", 1)
    footer_at = wrong.rindex(struct.pack("<HI", xdf.STREAM_FOOTER, 2))
    (tmp_path / "b.xdf").write_bytes(wrong[: footer_at - 5])
    seen = inspect(tmp_path / "b.xdf")
    assert (seen.streams[0].defects, seen.streams[1].defects[0]) == (("count-mismatch",), "no-footer")


def test_every_name_is_explained_here_and_in_the_documents() -> None:
    documents = Path(__file__).parents[2] / "docs" / "formats.md"
    assert not documents.parent.is_dir() or all(f"| `{name}` |" in documents.read_text("utf-8") for name in DEFECTS)
    assert set(DEFECTS) == {
        "no-samples", "missing-role", "rate-off", "gaps", "no-clock-offsets", "clock-base-mismatch", "truncated",
        "no-footer", "count-mismatch", "clock-reset", "non-monotonic", "bad-header", "flat",
    }  # fmt: skip


def test_people_read_a_table_and_what_to_do(tmp_path: Path) -> None:
    odd = replace(_ECG, name="bad\x1b[2Jname")
    _write(tmp_path / "a.xdf", (_EEG, np.delete(_STAMPS, slice(5000, 5600)), _every_5_s(_STAMPS)), (odd, _STAMPS, []))
    file = tmp_path / "cut.xdf"
    file.write_bytes((tmp_path / "a.xdf").read_bytes()[:-300])
    lines = inspection_lines(inspect(file))
    text = "\n".join(lines)
    assert f"veridical recover {file}" in text
    assert "EEG: 1 gap, 4.0% of the samples missing; the longest is 2.404 s at 1019.996 s" in text
    assert "\x1b" not in text
    table = [line for line in lines if line.startswith("  ") and ("EEG" in line or "channels" in line)][:2]
    assert table[0].index("samples") + len("samples") == table[1].index("14400") + len("14400")


def test_a_healthy_recording_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(tmp_path / "a.xdf", (_EEG, _STAMPS, _every_5_s(_STAMPS)), _markers())
    run_inspect(tmp_path / "a.xdf", as_json=False)
    assert "No defects." in capsys.readouterr().out
    run_inspect(tmp_path / "a.xdf", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["file", "streams", "defects", "remarks", "spans"]
    assert told["streams"][0]["effective_hz"] == pytest.approx(250)
