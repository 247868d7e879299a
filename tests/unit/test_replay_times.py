"""When the samples of a replayed recording are due: one clock, order kept, damage survived."""

import numpy as np
import pytest

from veridical.domain.errors import RecordingError
from veridical.simulator.replay_times import play_times


def test_streams_keep_their_distance_and_gaps_stay_gaps() -> None:
    eeg = np.array([100.0, 100.01, 103.5, 103.51])
    markers = np.array([99.25, 103.0])
    played = play_times(["EEG", "markers"], [eeg.copy(), markers.copy()])
    np.testing.assert_allclose(played.times_s[0], eeg - 99.25, rtol=0, atol=1e-12)
    np.testing.assert_allclose(played.times_s[1], [0.0, 3.75], rtol=0, atol=1e-12)
    assert played.seconds == pytest.approx(4.26)
    assert played.remarks == ()


def test_a_stamp_that_steps_back_is_sent_after_the_one_before_it_and_stays_as_it_is() -> None:
    played = play_times(["a"], [np.array([5.0, 7.0, 6.0, 8.0])])
    assert played.times_s[0].tolist() == [0.0, 2.0, 1.0, 3.0]
    assert played.due_s[0].tolist() == [0.0, 2.0, 2.0, 3.0]


def test_a_stream_of_another_clock_starts_together_with_the_others_and_it_is_said() -> None:
    eeg, eda = 50.0 + np.arange(100) / 10, 1.7e9 + np.arange(10.0)
    played = play_times(["EEG", "EDA"], [eeg, eda])
    assert [times_s[0] for times_s in played.times_s] == [0.0, 0.0]
    assert played.seconds == pytest.approx(9.9)
    (remark,) = played.remarks
    assert "'EDA'" in remark
    assert "19,676 days" in remark


def test_the_clock_of_the_stream_with_most_samples_counts() -> None:
    # An hour apart is a break, some minutes are none.
    played = play_times(["few", "many", "near"], [np.zeros(2), 2e6 + np.arange(9.0), np.array([2e6 + 600.0])])
    assert [float(times_s[0]) for times_s in played.times_s] == [0.0, 0.0, 600.0]
    assert len(played.remarks) == 1


def test_stamps_that_are_no_numbers_follow_the_one_before() -> None:
    played = play_times(["a"], [np.array([np.nan, 4.0, np.inf, 5.0, np.nan])])
    assert played.times_s[0].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
    assert "3 stamps of 'a'" in played.remarks[0]
    assert play_times(["b"], [np.full(3, np.nan)]).times_s[0].tolist() == [0.0, 0.0, 0.0]


def test_streams_without_samples_take_no_time() -> None:
    played = play_times(["empty", "one"], [np.empty(0), np.array([3.0])])
    assert [len(times_s) for times_s in played.times_s] == [0, 1]
    assert played.seconds == 0.0
    assert play_times(["empty"], [np.empty(0)]).seconds == 0.0


def test_a_month_of_stamps_is_refused_with_the_stream_that_has_them() -> None:
    with pytest.raises(RecordingError, match=r"'broken' last 31 days.*--stream"):
        play_times(["fine", "broken"], [np.arange(5.0), np.array([0.0, 31 * 86400.0])])
