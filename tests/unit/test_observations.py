"""What the operator saw becomes a marker, and a suggestion to the rater."""

import pytest

from veridical.domain.annotation import LABELS, Suggestion
from veridical.domain.event import Event, Marker
from veridical.domain.observation import OBSERVATIONS
from veridical.signals.observations import suggest_observed


def _seen(*presses: tuple[float, str]) -> tuple[Suggestion, ...]:
    return suggest_observed([Event(s, Marker(f"observation/{what}")) for s, what in presses], 100.0)


def test_every_observation_suggests_a_label_that_raters_know() -> None:
    for observation in OBSERVATIONS:
        (one,) = _seen((50.0, observation.id))
        assert one.label == observation.label
        assert one.label in LABELS
        assert one.onset_s < 50.0 < one.onset_s + one.duration_s
    assert len({o.key for o in OBSERVATIONS}) == len(OBSERVATIONS)


def test_presses_in_a_row_are_one_stretch_and_counted() -> None:
    laughs, later = _seen((10.0, "laughs"), (11.5, "laughs"), (30.0, "laughs"))
    assert (laughs.onset_s, laughs.onset_s + laughs.duration_s, laughs.score) == pytest.approx((8.0, 12.5, 2))
    assert later.onset_s == pytest.approx(28.0)
    assert "2 times" in laughs.reason


def test_another_thing_at_the_same_time_is_a_suggestion_of_its_own() -> None:
    assert {s.label for s in _seen((10.0, "laughs"), (10.2, "moves"))} == {"laughter", "movement"}


def test_stretches_end_with_the_recording_and_other_markers_suggest_nothing() -> None:
    first, last = _seen((0.5, "coughs"), (99.8, "talks"))
    assert first.onset_s == 0.0
    assert last.onset_s + last.duration_s == pytest.approx(100.0)
    assert suggest_observed([Event(5.0, Marker("note", {"text": "laughs"}))], 100.0) == ()
