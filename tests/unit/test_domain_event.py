"""The marker grammar survives any text a note or a stimulus id can hold."""

from hypothesis import given
from hypothesis import strategies as st

from veridical.domain.event import Event, Marker
from veridical.domain.rating import Rating, RatingStatus
from veridical.domain.trial_table import parse_rating, rating_details, trials_from_events

_KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
_NAMES = st.from_regex(r"[a-z]{1,8}(/[a-z-]{1,8}){0,2}", fullmatch=True)
_STATUSES: tuple[RatingStatus, ...] = ("answered", "timed_out", "skipped", "untouched")


@given(_NAMES, st.dictionaries(_KEYS, st.text()))
def test_marker_survives_its_text(name: str, details: dict[str, str]) -> None:
    text = Marker(name, details).encode()
    assert Marker.parse(text) == Marker(name, details)
    assert '"' not in text
    assert "\n" not in text


def test_plain_marker_reads_as_formats_says() -> None:
    marker = Marker("picture/positive", {"id": "I214", "trial": "17", "block": "2"})
    assert marker.encode() == "picture/positive id=I214 trial=17 block=2"


def test_foreign_markers_do_not_break_the_parser() -> None:
    assert Marker.parse("S  1").name == "S"
    assert Marker.parse("").name == ""
    assert Marker.parse("x a=1=2").details == {"a": "1=2"}


def test_damaged_number_reads_as_none() -> None:
    assert Marker("x", {"trial": "seven"}).number("trial") is None
    assert Marker("x").number("trial") is None


@given(
    st.one_of(st.none(), st.integers(1, 9).map(float)),
    st.sampled_from(_STATUSES),
    st.integers(0, 5),
    st.sampled_from(["keyboard", "mouse", "none"]),
)
def test_rating_survives_its_marker(value: float | None, status: RatingStatus, changes: int, device: str) -> None:
    rating = Rating("arousal", value, 1.0, 9.0, 0.25, 1.5, changes, device, status, 1)
    marker = Marker("rating/arousal", rating_details(rating, trial=4))
    assert parse_rating(Marker.parse(marker.encode())) == rating


def test_trials_join_pictures_and_ratings_and_leave_practice_out() -> None:
    rating = Rating("valence", 6.0, 1.0, 7.0, 0.5, 0.9, 0, "keyboard", "answered", 0)
    events = [
        Event(1.0, Marker("practice/picture/positive", {"id": "a", "trial": "1"})),
        Event(10.0, Marker("picture/negative", {"id": "b", "trial": "1", "block": "1"})),
        Event(16.0, Marker("picture/off", {"id": "b", "trial": "1"})),
        Event(17.0, Marker("rating/valence", rating_details(rating, 1))),
        Event(20.0, Marker("picture/neutral", {"id": "b", "trial": "2", "block": "1", "repeat_of": "1"})),
    ]
    first, second = trials_from_events(reversed(events))
    assert (first.trial, first.condition, first.onset_s, first.duration_s) == (1, "negative", 10.0, 6.0)
    assert first.value("valence") == 6.0
    assert first.value("arousal") is None
    assert second.repeat_of == 1
    assert second.duration_s == 0.0


def test_unanswered_rating_has_no_value() -> None:
    rating = Rating("valence", 4.0, 1.0, 7.0, None, None, 0, "none", "timed_out", 0)
    events = [
        Event(1.0, Marker("picture/positive", {"id": "a", "trial": "1", "block": "1"})),
        Event(2.0, Marker("rating/valence", rating_details(rating, 1))),
    ]
    (trial,) = trials_from_events(events)
    assert trial.value("valence") is None
