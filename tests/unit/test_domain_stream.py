"""Roles are found by channel, then by stream; time maps both ways."""

import numpy as np
import pytest

from veridical.domain.errors import StudyError
from veridical.domain.participant import RunKey
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import StreamDescription, suggest_roles
from veridical.domain.timeline import Segment, Timeline


def make_stream(
    name: str, kind: str, labels: tuple[str, ...], types: tuple[str, ...], units: tuple[str, ...], hz: float = 500.0
) -> StreamDescription:
    """A float32 stream with these channels."""
    return StreamDescription(name, kind, name, "u", "h", len(labels), hz, "float32", labels, types, units)


def test_aux_channels_of_an_eeg_amplifier_get_their_own_roles() -> None:
    stream = make_stream(
        "Amp",
        "EEG",
        ("Fz", "Cz", "EDA", "ECG", "AUX3"),
        ("EEG", "EEG", "AUX", "AUX", "AUX"),
        ("microvolts", "microvolts", "microsiemens", "microvolts", "microvolts"),
    )
    roles = {r.role: r for r in suggest_roles([stream])}
    assert roles["EEG"].channels == (0, 1)
    assert roles["EDA"].channels == (2,)
    assert roles["ECG"].channels == (3,)
    assert roles["EEG"].gain == 1e-6
    assert roles["EDA"].gain == 1e-6


def test_stream_type_decides_where_channels_say_nothing() -> None:
    stream = make_stream("Belt", "ECG", ("", ""), ("", ""), ("", ""))
    (role,) = suggest_roles([stream])
    assert role.role == "ECG"
    assert role.labels == ("ECG1", "ECG2")
    assert role.gain == 1.0


def test_markers_and_irregular_streams_play_no_role() -> None:
    assert suggest_roles([make_stream("m", "EEG", ("Fz",), ("EEG",), ("uV",), hz=0.0)]) == ()


def test_timeline_maps_over_a_gap() -> None:
    timeline = Timeline((Segment(0, 10, 1.0, 0.1), Segment(10, 5, 5.0, 0.1)))
    assert timeline.times()[[0, 9, 10, 14]] == pytest.approx([1.0, 1.9, 5.0, 5.4])
    assert timeline.sample_at(np.array([1.0, 1.52, 3.0, 5.0])).tolist() == [0, 5, -1, 10]
    assert timeline.slice_within(1.2, 1.5) == slice(2, 5)
    assert timeline.slice_within(1.5, 5.2) is None
    assert timeline.sampling_hz == pytest.approx(10.0)


@pytest.mark.parametrize("label", ["../x", "", "a b", "a/b", "ä", "x" * 33, "sub-1"])
def test_ids_that_could_leave_the_folder_are_refused(label: str) -> None:
    with pytest.raises(StudyError, match="letters or digits"):
        RunKey(label)


def test_stem_is_a_bids_name() -> None:
    assert RunKey("001", "02", 3).stem == "sub-001_ses-02_task-affect_run-03"


@pytest.mark.parametrize(
    ("mean", "low", "high", "condition"),
    [
        (2.0, 1, 7, "negative"),
        (4.4, 1, 7, "neutral"),
        (4.6, 1, 7, "positive"),
        (5.0, 1, 9, "neutral"),
        (50, 0, 100, "neutral"),
    ],
)
def test_norm_class_follows_the_scale(mean: float, low: float, high: float, condition: str) -> None:
    assert Stimulus("a", "x", valence_mean=mean, scale_min=low, scale_max=high).condition == condition
