"""Crashed, damaged and split recordings, mended in a copy: every whole chunk survives, and pyxdf reads the result."""

import json
import logging
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf

from veridical.cli import main
from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.progress import Progress, finish
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.domain.stream_header import header_xml
from veridical.recorder.sink import Sink
from veridical.storage import xdf_encoding as encoding
from veridical.storage import xdf_format as xdf
from veridical.storage import xdf_recovery
from veridical.storage.xdf_inspection import inspect
from veridical.storage.xdf_reader import read_xdf
from veridical.storage.xdf_recovery import Recovery, recover_work, recovered_path

logging.getLogger("pyxdf").setLevel(logging.CRITICAL)

_FORMATS: tuple[SampleFormat, ...] = ("float32", "double64", "int16", "int64", "string", "int8")


def _stream(id_: int, format_: SampleFormat) -> StreamDescription:
    n_channels = 1 if format_ == "string" else 1 + id_ % 3
    labels = tuple(f"ch {c}" for c in range(n_channels))
    hz = 0.0 if format_ == "string" else 100.0
    return StreamDescription(
        f"stream {id_}", "EEG", f"s{id_}", f"u{id_}", "h", n_channels, hz, format_, labels, (), ("µV",) * n_channels
    )


def _deduced(id_: int, values: np.ndarray[Any, Any], first_s: float) -> bytes:
    """A chunk as LabRecorder writes it: one stamp, the others follow from the rate."""
    rows = [struct.pack("<Bd", 8, first_s) + values[0].tobytes()] + [b"\0" + row.tobytes() for row in values[1:]]
    return xdf.encode_chunk(
        xdf.SAMPLES, struct.pack("<I", id_) + xdf.encode_length(len(values)) + b"".join(rows)
    )  # fmt: skip


def _chunks(rng: np.random.Generator, n_rounds: int) -> list[bytes]:
    """A recording of six streams, chunk by chunk, footers last."""
    chunks = [encoding.encode_file_header()]
    counts, stamps = [0] * 7, [[0.0, 0.0] for _ in range(7)]
    offsets: dict[int, list[tuple[float, float]]] = defaultdict(list)
    streams = {id_: _stream(id_, format_) for id_, format_ in enumerate(_FORMATS, 1)}
    for id_, stream in streams.items():
        chunks.append(encoding.encode_stream_header(id_, header_xml(stream)))
    for k in range(n_rounds):
        for id_, stream in streams.items():
            n = int(rng.integers(1, 12))
            stamps_s = 10 * k + np.arange(n) / 100 + rng.uniform(0, 1e-3)
            if stream.format == "string":
                texts = [["é" * int(rng.integers(0, 300)) for _ in range(n)]]
                chunks.append(encoding.encode_samples(id_, None, texts, stamps_s).data)
            else:
                dtype = xdf.DTYPES[stream.format]
                values = rng.integers(-128, 127, (n, stream.n_channels)).astype(dtype)
                if id_ == 3:
                    chunks.append(_deduced(id_, values, float(stamps_s[0])))
                    stamps_s = np.add.accumulate(np.array([stamps_s[0]] + [0.01] * (n - 1)))
                else:
                    layout = xdf.explicit_dtype(stream.n_channels, stream.format)
                    chunks.append(encoding.encode_samples(id_, layout, values.T, stamps_s).data)
            stamps[id_] = [stamps[id_][0] if counts[id_] else float(stamps_s[0]), float(stamps_s[-1])]
            counts[id_] += n
            if k % 3 == 0:
                offsets[id_].append((10.0 * k, 1e-4 * id_))
                chunks.append(encoding.encode_clock_offset(id_, 10.0 * k, 1e-4 * id_))
        chunks.append(encoding.encode_boundary())
    chunks += [encoding.encode_footer(i, counts[i], stamps[i][0], stamps[i][1], offsets[i]) for i in streams]
    return chunks


def _mend(file: Path, *more: Path, out: Path | None = None) -> Recovery:
    return finish(recover_work((file, *more), out))


def _content(path: Path) -> dict[int, tuple[bytes, Any, list[list[float]]]]:
    """Stamps, samples and clock offsets of every stream, bit by bit."""
    with read_xdf(path) as file:
        return {
            s.id: (
                s.timestamps.tobytes(),
                s.samples if isinstance(s.samples, list) else s.samples.tobytes(),
                s.clock_offsets.tolist(),
            )
            for s in file.streams
        }


def _assert_pyxdf_agrees(path: Path) -> None:
    theirs = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)[0]
    with read_xdf(path) as file:
        assert (file.defects, file.remarks) == ((), ())
        assert len(theirs) == len(file.streams)
        for ours, stream in zip(file.streams, theirs, strict=True):
            assert not ours.is_header_damaged
            assert ours.footer is not None
            assert ours.footer.sample_count == ours.n_samples
            assert stream["time_stamps"].tobytes() == ours.timestamps.tobytes()
            if isinstance(ours.samples, list):
                assert [list(column) for column in zip(*stream["time_series"], strict=True)] == ours.samples
            else:
                assert stream["time_series"].tobytes() == ours.samples.T.tobytes()
            assert stream["clock_values"] == ours.clock_offsets[:, 1].tolist()
            footer = stream["footer"]["info"]
            assert int(footer["sample_count"][0]) == ours.n_samples
            if ours.n_samples:
                assert float(footer["first_timestamp"][0]) == ours.timestamps[0]
                assert float(footer["last_timestamp"][0]) == ours.timestamps[-1]


def test_every_truncation_keeps_all_whole_chunks_byte_for_byte(tmp_path: Path, is_full: bool) -> None:
    rng = np.random.default_rng(7)
    chunks = _chunks(rng, 7)
    whole = b"".join(chunks)
    ends = np.cumsum([len(chunk) for chunk in chunks])
    cut = tmp_path / "cut.xdf"
    for n_bytes in np.linspace(int(ends[1]), len(whole) - 1, 400 if is_full else 120).astype(int).tolist():
        cut.write_bytes(whole[:n_bytes])
        done = _mend(cut)
        copy = Path(done.recovered)
        assert copy == tmp_path / "cut_recovered.xdf"
        # Nothing but new footers follows the whole chunks; footers of before are whole chunks too.
        kept = b"".join(chunks[: int(np.searchsorted(ends, n_bytes, side="right"))])
        mended = copy.read_bytes()
        assert mended.startswith(kept)
        added = mended[len(kept) :]
        assert added.count(b"<sample_count>") == sum(not s.had_footer for s in done.streams)
        assert done.n_cut_bytes == n_bytes - len(kept)
        assert cut.read_bytes() == whole[:n_bytes]
        _assert_pyxdf_agrees(copy)
        copy.unlink()


def test_every_corruption_leaves_what_the_reader_finds(tmp_path: Path, is_full: bool) -> None:
    rng = np.random.default_rng(8)
    whole = b"".join(_chunks(rng, 7))
    bad, n_mended = tmp_path / "bad.xdf", 0
    for _ in range(400 if is_full else 100):
        damaged = bytearray(whole)
        at = int(rng.integers(4, len(whole) - 64))
        damaged[at : at + int(rng.integers(1, 64))] = rng.bytes(int(rng.integers(1, 64)))
        bad.write_bytes(damaged)
        done = _mend(bad)
        if not done.recovered:
            # Only values were hit: nothing shows that they are not the participant's.
            _assert_pyxdf_agrees(bad)
            continue
        n_mended += 1
        copy = Path(done.recovered)
        assert _content(copy) == _content(bad)
        _assert_pyxdf_agrees(copy)
        copy.unlink()
    assert n_mended > 50


def test_an_intact_recording_has_nothing_to_mend(tmp_path: Path) -> None:
    whole = tmp_path / "a.xdf"
    whole.write_bytes(b"".join(_chunks(np.random.default_rng(1), 4)))
    done = _mend(whole)
    assert (done.recovered, done.cuts, done.remarks) == ("", (), ())
    assert all(s.n_lost == 0 for s in done.streams)
    assert [p.name for p in tmp_path.iterdir()] == ["a.xdf"]


def test_real_recordings_are_left_alone_or_mended_to_the_same_content(shared_data: Path, tmp_path: Path) -> None:
    for file in sorted((shared_data / "xdf").glob("*.xdf")):
        done = _mend(file, out=tmp_path / file.name)
        if done.recovered:
            assert _content(Path(done.recovered)) == _content(file)
            _assert_pyxdf_agrees(Path(done.recovered))


def test_damage_in_the_middle_is_cut_out_and_counted(tmp_path: Path) -> None:
    chunks = _chunks(np.random.default_rng(2), 10)
    ends = np.cumsum([len(chunk) for chunk in chunks])
    bad = bytearray(b"".join(chunks))
    # The length of the first samples chunk of the fifth round.
    boundary = [k for k, chunk in enumerate(chunks) if xdf.BOUNDARY in chunk][3]
    bad[int(ends[boundary])] = 0xFF
    file = tmp_path / "a.xdf"
    file.write_bytes(bad)
    done = _mend(file)
    assert [(c.start, c.n_bytes > 0) for c in done.cuts] == [(int(ends[boundary]), True)]
    assert sum(s.n_lost or 0 for s in done.streams) > 0
    before = inspect(file)
    after = inspect(Path(done.recovered))
    assert before.defects
    assert after.defects == ()
    assert [s.samples for s in after.streams] == [s.samples for s in before.streams]


def test_a_header_that_pyxdf_refuses_is_mended_with_all_its_labels(tmp_path: Path) -> None:
    chunks = _chunks(np.random.default_rng(3), 4)
    whole = b"".join(chunks)
    file = tmp_path / "a.xdf"
    harms = (
        (b"<hostname>h</hostname>", b"<hostname>&</hostname>"),
        (b"<hostname>h</hostname>", b"<hostname>\x01</hostname>"),
    )
    for k, (good, bad) in enumerate(harms):
        assert len(good) == len(bad)
        file.write_bytes(whole.replace(good, bad))
        with pytest.raises(Exception, match="not well-formed"):
            pyxdf.load_xdf(str(file))
        done = _mend(file, out=tmp_path / f"{k}.xdf")
        assert not any(s.had_header for s in done.streams)
        _assert_pyxdf_agrees(tmp_path / f"{k}.xdf")
        with read_xdf(tmp_path / f"{k}.xdf") as mended:
            assert mended.streams[1].labels == ("ch 0", "ch 1", "ch 2")
            assert mended.streams[1].units == ("µV",) * 3
        assert _content(tmp_path / f"{k}.xdf") == _content(file)


def test_a_header_beyond_repair_keeps_its_core_fields(tmp_path: Path) -> None:
    whole = b"".join(_chunks(np.random.default_rng(3), 4))
    file = tmp_path / "a.xdf"
    file.write_bytes(whole.replace(b"<desc><channels>", b"<desc><chunnels>"))
    _mend(file)
    _assert_pyxdf_agrees(recovered_path(file))
    assert _content(recovered_path(file)) == _content(file)


def test_a_second_header_and_samples_before_a_header_do_not_reach_the_copy(tmp_path: Path) -> None:
    chunks = _chunks(np.random.default_rng(4), 3)
    strange = [chunks[0], chunks[7], *chunks[1:12], chunks[1], *chunks[12:]]
    file = tmp_path / "a.xdf"
    file.write_bytes(b"".join(strange))
    done = _mend(file)
    assert done.recovered
    assert any("second header" in remark for remark in done.remarks)
    _assert_pyxdf_agrees(Path(done.recovered))
    assert _content(Path(done.recovered)) == _content(file)


def test_a_damaged_file_header_is_written_anew(tmp_path: Path) -> None:
    whole = b"".join(_chunks(np.random.default_rng(4), 3))
    file = tmp_path / "a.xdf"
    file.write_bytes(whole.replace(b"<datetime>20", b"<datetime>\xff\xfe", 1))
    with pytest.raises(Exception, match="not well-formed"):
        pyxdf.load_xdf(str(file))
    done = _mend(file)
    _assert_pyxdf_agrees(Path(done.recovered))


def test_a_recording_in_two_files_is_joined(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "a.xdf", tmp_path / "second")
    eeg = StreamDescription("EEG", "EEG", "e", "u1", "h", 2, 100.0, "int32")
    late = StreamDescription("late", "Markers", "m", "u2", "h", 1, 0.0, "string")
    sink.add_stream(eeg)
    for k in range(40):
        numbers = np.arange(10 * k, 10 * k + 10)
        sink.write_samples(1, np.tile(numbers, (2, 1)), numbers / 100)
        if k % 5 == 0:
            sink.write_clock_offset(1, float(k), 1e-3)
            sink.sync()
        if k == 18:
            sink.settle()
            sink.path.unlink()
            # The sync that notices it runs in a thread: the recording has moved before it goes on.
            sink.sync()
            sink.settle()
        if k == 30:
            sink.add_stream(late)
            sink.write_samples(2, [["x"]], np.array([3.0]))
    sink.close()
    done = _mend(*sink.paths, out=tmp_path / "joined.xdf")
    assert [(s.id, s.n_samples) for s in done.streams] == [(1, 400), (2, 1)]
    _assert_pyxdf_agrees(tmp_path / "joined.xdf")
    with read_xdf(tmp_path / "joined.xdf") as file:
        assert isinstance(file.streams[0].samples, np.ndarray)
        assert file.streams[0].samples[0].tolist() == list(range(400))
        assert file.streams[0].clock_offsets[:, 0].tolist() == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]
    other = Sink(tmp_path / "other.xdf", None)
    other.add_stream(StreamDescription("EEG", "EEG", "e", "another", "h", 2, 100.0, "int32"))
    other.close()
    with pytest.raises(RecordingError, match="no continuation"):
        _mend(sink.paths[0], other.path, out=tmp_path / "wrong.xdf")


def test_what_holds_nothing_is_refused_in_one_sentence(tmp_path: Path) -> None:
    contents = {"empty": b"", "text": b"hello", "magic": b"XDF:", "header": encoding.encode_file_header()[:-3]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RecordingError, match="nothing can be saved"):
            _mend(tmp_path / name)
    with pytest.raises(RecordingError, match="cannot be read"):
        _mend(tmp_path / "missing.xdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "header", "magic", "text"]
    (tmp_path / "header").write_bytes(encoding.encode_file_header())
    assert _mend(tmp_path / "header").recovered == ""


def test_nothing_is_overwritten_and_a_cancelled_copy_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xdf_recovery, "_BLOCK", 1000)
    file = tmp_path / "a.xdf"
    file.write_bytes(b"".join(_chunks(np.random.default_rng(5), 5))[:-2000])
    work = recover_work((file,))
    steps: list[Progress] = [next(work) for _ in range(5)]
    assert steps[-1].text == "Writing the mended copy"
    assert 0 < steps[-1].share < 1
    work.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.xdf"]
    recovered_path(file).write_bytes(b"precious")
    with pytest.raises(StorageError, match="exists already"):
        _mend(file)
    assert recovered_path(file).read_bytes() == b"precious"


def test_a_disk_without_room_is_told_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.xdf"
    file.write_bytes(b"".join(_chunks(np.random.default_rng(5), 5))[:-2000])
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("veridical.storage.xdf_recovery.shutil.disk_usage", lambda _folder: usage)
    with pytest.raises(StorageError, match="MB left; free space"):
        _mend(file)
    assert [p.name for p in tmp_path.iterdir()] == ["a.xdf"]


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_says_what_was_kept_and_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    # The command line sets it for itself and its children; not for later tests.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    whole = b"".join(_chunks(np.random.default_rng(6), 4))
    (tmp_path / "whole.xdf").write_bytes(whole)
    (tmp_path / "cut.xdf").write_bytes(whole[:-3000])

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["veridical", "recover", *arguments, *(["--json"] if as_json else [])])
        with pytest.raises(SystemExit) as ending:
            main()
        return int(ending.value.code or 0), *capsys.readouterr()

    status, out, _ = run(str(tmp_path / "cut.xdf"))
    copy = tmp_path / "cut_recovered.xdf"
    assert status == 0
    assert copy.exists()
    if as_json:
        said = json.loads(out)
        assert said["recovered"] == str(copy)
        assert said["n_cut_bytes"] == sum(cut["n_bytes"] for cut in said["cuts"]) > 0
        assert [s["n_samples"] for s in said["streams"]] == [s.samples for s in inspect(copy).streams]
    else:
        assert "bytes cut in 1 place" in out
        assert "footer added" in out
    # The copy is not made twice, and what is whole is left alone.
    status, out, err = run(str(tmp_path / "cut.xdf"))
    assert (status, out, "exists already" in err) == (1, "", True)
    status, out, _ = run(str(tmp_path / "whole.xdf"))
    assert status == 0
    assert ("nothing to mend" in out) if not as_json else (json.loads(out)["recovered"] is None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.xdf", "cut_recovered.xdf", "whole.xdf"]
