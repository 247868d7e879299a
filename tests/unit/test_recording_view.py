"""A recording opened for the eye has the samples, times and events of the one that analysis reads."""

from pathlib import Path

import numpy as np
import pytest

from veridical.domain.errors import RecordingError
from veridical.domain.progress import finish
from veridical.domain.stream import StreamDescription
from veridical.domain.viewing import ViewedRecording
from veridical.storage.pyramid_cache import find_pyramids
from veridical.storage.recording_file import load_recording
from veridical.storage.recording_view import RecordingView, pyramid_beside
from veridical.storage.xdf_writer import XdfWriter

N_S, GAP_S = 150, 40.0


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """150 s of EEG with a gap after 100 s, EDA and markers."""
    path = tmp_path / "recording.xdf"
    rng = np.random.default_rng(0)
    writer = XdfWriter(path)
    eeg = writer.add_stream(
        StreamDescription(
            "EEG", "EEG", "e", "u", "h", 3, 250.0, "float32", ("Fp1", "Cz", "Oz"), (), ("microvolts",) * 3
        )
    )
    eda = writer.add_stream(
        StreamDescription("EDA", "EDA", "d", "v", "h", 1, 32.0, "int16", ("EDA",), (), ("microsiemens",))
    )
    markers = writer.add_stream(StreamDescription("veridical-markers", "Markers", "m", "w", "h", 1, 0.0, "string"))
    for second in range(N_S):
        shift_s = 1000 + second + (GAP_S if second >= 100 else 0)
        writer.write_samples(
            eeg, (20 * rng.standard_normal((3, 250))).astype(np.float32), shift_s + np.arange(250) / 250
        )
        writer.write_samples(eda, rng.integers(1, 9, (1, 32)).astype(np.int16), shift_s + np.arange(32) / 32)
    writer.write_samples(markers, [["picture/neutral id=demo01 trial=1 block=1"]], np.array([1010.0]))
    writer.close()
    return path


def _compare(seen: ViewedRecording, path: Path) -> None:
    want = load_recording(path)
    assert seen.origin_s == want.origin_s
    assert seen.events == want.events
    assert seen.stop_s == want.stop_s
    for one, other in zip(seen.signals, want.signals, strict=True):
        assert (one.role, one.labels) == (other.role, other.labels)
        assert one.timeline == other.timeline
        np.testing.assert_allclose(one.source.read(0, one.n_samples), other.samples, rtol=2e-7)
        np.testing.assert_allclose(one.source.read(700, 900), other.samples[:, 700:900], rtol=2e-7)


def test_first_a_look_then_all_of_it_then_from_what_was_kept(recording: Path) -> None:
    cache = pyramid_beside(recording)
    view = RecordingView(recording, (), cache)
    first = view.recording
    assert not first.is_timed
    assert 59 < first.signals[0].timeline.stop_s < 61
    # The end is known before all times are.
    assert first.stop_s == pytest.approx(N_S + GAP_S, abs=0.05)
    finish(view.time_work())
    view.allocate()
    _compare(view.recording, recording)
    built = finish(view.build_work())
    _compare(built, recording)
    assert built.sha256 == load_recording(recording).sha256
    envelope = built.signals[0].envelope
    assert envelope is not None
    view.close()
    again = RecordingView(recording, (), cache)
    assert again.recording.is_timed
    _compare(again.recording, recording)
    kept = again.recording.signals[0].envelope
    assert kept is not None
    for segment in (0, 1):
        np.testing.assert_array_equal(kept.bins(segment, 1, 0, 300)[0], envelope.bins(segment, 1, 0, 300)[0])
    again.close()


def test_a_building_that_was_cancelled_leaves_nothing(recording: Path) -> None:
    cache = pyramid_beside(recording)
    view = RecordingView(recording, (), cache)
    finish(view.time_work())
    view.allocate()
    work = view.build_work()
    next(work)
    work.close()
    assert [p.name for p in recording.parent.iterdir()] == ["recording.xdf"]
    view.close()


def test_two_windows_look_at_one_file(recording: Path) -> None:
    views = [RecordingView(recording, (), pyramid_beside(recording)) for _ in range(2)]
    for view in views:
        finish(view.time_work())
        view.allocate()
        finish(view.build_work())
    _compare(views[0].recording, recording)
    _compare(views[1].recording, recording)
    assert find_pyramids(pyramid_beside(recording), views[0]._stamp, views[0]._identities) is not None
    for view in views:
        view.close()


def test_an_empty_recording_is_told_in_words(tmp_path: Path) -> None:
    writer = XdfWriter(tmp_path / "empty.xdf")
    writer.add_stream(StreamDescription("EEG", "EEG", "e", "u", "h", 1, 250.0, "float32", ("Cz",), (), ("microvolts",)))
    writer.close()
    with pytest.raises(RecordingError, match="only streams without samples"):
        RecordingView(tmp_path / "empty.xdf", (), tmp_path / "p.bin")


def test_edf_brainvision_and_fif_are_looked_at_through_mne(tmp_path: Path) -> None:
    import mne

    rng = np.random.default_rng(1)
    raw = mne.io.RawArray(
        1e-5 * rng.standard_normal((2, 3000)), mne.create_info(["Cz", "Pz"], 250.0, "eeg"), verbose="error"
    )
    path = tmp_path / "rest_raw.fif"
    raw.save(path, verbose="error")
    view = RecordingView(path, (), pyramid_beside(path))
    finish(view.time_work())
    _compare(view.recording, path)
    view.close()
