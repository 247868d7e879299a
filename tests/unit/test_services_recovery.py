"""Recordings of a study that broke off or went on elsewhere: found, mended in a copy, and read from then on."""

import os
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from veridical.domain.errors import StorageError
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.stream import StreamDescription
from veridical.domain.study import RecordingChoices, StudySettings
from veridical.recorder.outcome import RecorderOutcome
from veridical.recorder.sink import Sink
from veridical.services.annotating import load_run
from veridical.services.preflight import check_fallback, fallback_folder, is_on_disk_of, room_in_words
from veridical.services.recording_parts import find_elsewhere, find_parts
from veridical.services.recovery import find_damage, mend_work, recording_file
from veridical.services.resuming import read_markers
from veridical.services.study import Study, create_study, open_study
from veridical.storage.run_folder import write_plan
from veridical.storage.session_file import Ending, SessionRecord, write_session
from veridical.storage.study_file import read_study_file, write_study_file
from veridical.storage.xdf_writer import XdfWriter

_KEY = RunKey("001")
_MARKERS = StreamDescription("veridical-markers", "Markers", "markers-of-001", "u2", "h", 1, 0.0, "string")
_EEG = StreamDescription("EEG", "EEG", "e", "u1", "h", 2, 100.0, "float32", ("Fz", "Cz"), (), ("microvolts",) * 2)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study with one participant."""
    made = create_study(tmp_path / "study")
    made.add_participant("001")
    return made


def _chunk(k: int) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.arange(10 * k, 10 * k + 10)
    return np.sin(np.tile(numbers, (2, 1))).astype(np.float32), 50 + numbers / 100


def _record(path: Path, is_whole: bool) -> None:
    writer = XdfWriter(path)
    writer.add_stream(_EEG)
    for k in range(50):
        writer.write_samples(1, *_chunk(k))
        writer.write_clock_offset(1, 50 + k / 10, 1e-4)
    if is_whole:
        writer.close()
    else:
        writer.release()
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 60)
    os.utime(path, (1, 1))


def test_a_recording_that_broke_off_is_mended_and_read_from_then_on(study: Study) -> None:
    raw = study.paths.xdf(_KEY)
    _record(raw, is_whole=False)
    before = raw.read_bytes()
    assert recording_file(study, _KEY) == raw
    broken = load_run(study, _KEY)
    assert any("no-footer" in defect for defect in broken.defects)
    damage = find_damage(study, _KEY)
    assert damage is not None
    assert damage.files == (raw,)
    done = finish(mend_work(study, damage))
    assert "damaged bytes are left out" in done.words
    assert recording_file(study, _KEY) == study.paths.recovered(_KEY) == done.file
    assert find_damage(study, _KEY) is None
    assert raw.read_bytes() == before
    mended = load_run(study, _KEY)
    # Marks made before stay where they were.
    assert mended.origin_s == broken.origin_s
    assert np.array_equal(mended.signals[0].samples, broken.signals[0].samples)
    assert not any("no-footer" in defect or "truncated" in defect for defect in mended.defects)
    assert study.runs("001") == (_KEY,)


def test_a_whole_recording_and_one_still_under_way_are_left_alone(study: Study) -> None:
    raw = study.paths.xdf(_KEY)
    _record(raw, is_whole=True)
    assert find_damage(study, _KEY) is None
    other = RunKey("001", "01", 2)
    _record(study.paths.xdf(other), is_whole=False)
    os.utime(study.paths.xdf(other))
    assert find_damage(study, other) is None
    assert find_damage(study, RunKey("001", "01", 3)) is None


def _write_session(study: Study, files: tuple[str, ...]) -> None:
    outcome = RecorderOutcome(files[0], True, "stop", "alarm", "message", "", 1.0, 1, files=files)
    record = SessionRecord(
        _KEY, "", {}, {}, 0, SessionPlan(), (), (), ScreenChoice(), Ending("completed"), Ending("stop"),
        recorder=msgspec.to_builtins(outcome),
    )  # fmt: skip
    write_session(study.paths.session_file(_KEY), record)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of an open file")
def test_a_recording_that_went_on_in_the_fallback_folder_is_joined(study: Study, tmp_path: Path) -> None:
    sink = Sink(study.paths.xdf(_KEY), tmp_path / "fallback")
    sink.add_stream(_EEG)
    for k in range(50):
        sink.write_samples(1, *_chunk(k))
        if k == 20:
            sink.path.unlink()
            sink.sync()
    sink.close()
    _write_session(study, tuple(str(path) for path in sink.paths))
    # The raw file is gone, but the run is known.
    assert study.runs("001") == (_KEY,)
    damage = find_damage(study, _KEY)
    assert damage is not None
    assert damage.files == sink.paths
    finish(mend_work(study, damage))
    recording = load_run(study, _KEY)
    assert recording.signals[0].samples.shape == (2, 500)
    assert find_damage(study, _KEY) is None
    for path in sink.paths:
        path.unlink()
    assert study.runs("001") == (_KEY,)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let go of an open file")
def test_a_recorder_that_was_killed_left_no_word_and_its_files_are_found_all_the_same(
    study: Study, tmp_path: Path
) -> None:
    fallback = tmp_path / "fallback"
    plan = RunPlan(
        _KEY, SessionPlan(), (), (), 0, "markers-of-001", (), str(study.paths.xdf(_KEY)), "", "", fallback=str(fallback)
    )
    write_plan(study.paths.run(_KEY), plan)
    # Another study's participant of the same name shares the folder.
    theirs = Sink(fallback / f"{_KEY.stem}_continued.xdf", None)
    theirs.add_stream(replace(_MARKERS, source_id="markers-of-another-study"))
    theirs.close()
    sink = Sink(study.paths.xdf(_KEY), fallback)
    sink.add_stream(_MARKERS)
    sink.write_samples(1, np.array([["session/start"]]), np.array([50.0]))
    sink.path.unlink()
    sink.sync()
    sink.write_samples(1, np.array([["block/start block=1"]]), np.array([51.0]))
    sink.close()
    assert sink.paths[0].parent == sink.paths[1].parent == fallback
    assert find_parts(study, _KEY) == sink.paths
    assert find_elsewhere(study, _KEY) == sink.paths
    # The session goes on after what stands in any of its files, also without a journal.
    assert [m.name for m in read_markers(study, _KEY)] == ["session/start", "block/start"]


def test_a_part_that_is_not_at_hand_is_named(study: Study, tmp_path: Path) -> None:
    raw = study.paths.xdf(_KEY)
    _record(raw, is_whole=True)
    _write_session(study, (str(raw), str(tmp_path / "stick" / "a_continued.xdf")))
    damage = find_damage(study, _KEY)
    assert damage is not None
    assert damage.files == ()
    assert "plug in the disk" in damage.words
    with pytest.raises(StorageError, match="plug in"):
        finish(mend_work(study, damage))


def test_the_fallback_folder_stands_in_the_study_file_and_is_checked(study: Study, tmp_path: Path) -> None:
    assert fallback_folder(study) is None
    settings = replace(study.settings, recording=RecordingChoices("../elsewhere"))
    write_study_file(study.paths.study_file, settings)
    assert "[recording]" in study.paths.study_file.read_text()
    assert read_study_file(study.paths.study_file) == settings
    reopened = open_study(study.root)
    folder = fallback_folder(reopened)
    assert folder is not None
    assert folder.resolve() == (tmp_path / "elsewhere").resolve()
    free = check_fallback(folder, (_EEG,), SessionPlan())
    assert is_on_disk_of(folder, reopened)
    assert list(folder.iterdir()) == []
    assert "enough for" in room_in_words(free, (_EEG,))
    absolute = replace(reopened, settings=replace(StudySettings(), recording=RecordingChoices(str(tmp_path / "x"))))
    assert fallback_folder(absolute) == tmp_path / "x"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be written"):
        check_fallback(tmp_path / "file" / "folder", (_EEG,), SessionPlan())


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(100 * 2**30, "100 GB free, enough for 9999 h"), (20 * 2**20, "20 MB free, enough for 2.0 h"),
     (5 * 2**20, "5 MB free, enough for 30 min")],
)  # fmt: skip
def test_room_is_told_in_hours(n_bytes: int, words: str) -> None:
    # 2912 bytes a second: 16 channels of 4 bytes, 9 for the stamp, 40 times.
    streams = (replace(_EEG, n_channels=16, nominal_hz=40.0),)
    assert room_in_words(n_bytes, streams) == words
