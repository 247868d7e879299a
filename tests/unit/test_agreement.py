"""Agreement in continuous time is what a fine grid, or the textbook, says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from veridical.domain.agreement import (
    alpha_of,
    compare,
    find_disagreements,
    kappa_of,
    match_events,
    time_of,
)
from veridical.domain.annotation import SHIPPED_LABELS, Annotation
from veridical.domain.arrays import BoolArray
from veridical.domain.colour_vision import nearest_pair
from veridical.domain.spans import outside, total

_LENGTH_S = 40
_MARKS = st.lists(
    st.builds(
        Annotation,
        onset_s=st.integers(0, _LENGTH_S - 1).map(float),
        duration_s=st.integers(1, 8).map(float),
        label=st.sampled_from(["blink", "muscle"]),
    ),
    max_size=8,
)
_WITHIN = ((0.0, float(_LENGTH_S)),)


def _grid(marks: list[Annotation], label: str) -> BoolArray:
    """Second by second, exact because all edges are whole seconds."""
    is_on = np.zeros(_LENGTH_S, dtype=bool)
    for m in marks:
        if label in ("", m.label):
            is_on[int(m.onset_s) : int(m.stop_s)] = True
    return is_on


@settings(max_examples=60, deadline=None)
@given(_MARKS, _MARKS)
@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.filterwarnings("ignore:invalid value")
def test_kappa_and_iou_agree_with_a_grid(one: list[Annotation], other: list[Annotation]) -> None:
    for found in compare(one, other, _WITHIN, ("blink", "muscle")):
        a, b = _grid(one, found.label), _grid(other, found.label)
        either = (a | b).sum()
        assert found.iou == (pytest.approx((a & b).sum() / either) if either else None)
        if found.kappa is None:
            assert (a.all() and b.all()) or not either
        else:
            assert found.kappa == pytest.approx(cohen_kappa_score(a, b))


@settings(max_examples=60, deadline=None)
@given(st.lists(_MARKS, min_size=2, max_size=4))
def test_alpha_is_krippendorffs_from_the_coincidence_matrix(raters: list[list[Annotation]]) -> None:
    alpha = alpha_of(raters, _WITHIN, "blink")
    values = np.array([_grid(marks, "blink") for marks in raters]).astype(int)
    m = len(values)
    # Krippendorff's own arithmetic: pairs within units, each unit weighted by 1 / (m - 1).
    coincidences = np.zeros((2, 2))
    for unit in values.T:
        for p in range(m):
            for q in range(m):
                if p != q:
                    coincidences[unit[p], unit[q]] += 1 / (m - 1)
    n = coincidences.sum()
    ones, zeros = coincidences.sum(axis=1)[1], coincidences.sum(axis=1)[0]
    if ones == 0 or zeros == 0:
        assert alpha is None
        return
    # n - 1 becomes n when every instant is a unit.
    expected = 1 - (coincidences[0, 1] + coincidences[1, 0]) / (2 * ones * zeros / n)
    assert alpha == pytest.approx(expected)


def test_chance_agreement_has_no_kappa() -> None:
    # Two raters who each mark a random half: 25 s in common of 100.
    assert kappa_of(50, 50, 25, 100) == pytest.approx(0)
    assert kappa_of(50, 50, 50, 100) == pytest.approx(1)
    assert kappa_of(50, 50, 0, 100) == pytest.approx(-1)
    assert kappa_of(0, 0, 0, 100) is None


def test_events_pair_once_and_their_boundary_errors_are_told() -> None:
    one = [Annotation(10, 2, "muscle"), Annotation(20, 1, "muscle"), Annotation(30, 1, "muscle")]
    other = [Annotation(10.5, 2, "muscle"), Annotation(20.1, 1.3, "muscle"), Annotation(31.05, 1, "muscle")]
    found = compare(one, other, ((0.0, 60.0),))[1]
    assert (found.label, found.n_events, found.n_matched) == ("muscle", (3, 3), 2)
    assert found.f1 == pytest.approx(2 * 2 / 6)
    assert found.onset_error_s == pytest.approx((0.5 + 0.1) / 2)
    assert found.stop_error_s == pytest.approx((0.5 + 0.4) / 2)


def test_one_long_event_matches_one_of_two_halves_only() -> None:
    assert match_events(((0.0, 10.0),), ((0.0, 6.0), (6.0, 10.0))) == ((0, 0),)
    assert match_events(((0.0, 10.0),), ((0.0, 1.0),)) == ()


def test_disagreements_and_agreement_tile_the_marked_time() -> None:
    a = [Annotation(1, 4, "blink"), Annotation(10, 2, "muscle")]
    b = [Annotation(3, 4, "blink")]
    found = find_disagreements({"anna": a, "ben": b}, 20)
    assert [(d.start_s, d.stop_s, d.label, d.by) for d in found] == [
        (1, 3, "blink", ("anna",)),
        (5, 7, "blink", ("ben",)),
        (10, 12, "muscle", ("anna",)),
    ]


def test_marks_are_compared_only_where_both_looked() -> None:
    marks = [Annotation(1, 4, "blink")]
    assert time_of(marks, "", ((0.0, 2.0), (4.0, 9.0))) == ((1.0, 2.0), (4.0, 5.0))
    assert total(outside(((1.0, 2.0), (4.0, 5.0)), 0.0, 10.0)) == 8


def test_shipped_label_colours_can_be_told_apart_by_everybody() -> None:
    distance, _, _ = nearest_pair([label.colour for label in SHIPPED_LABELS])
    assert distance > 25
    # A known trap: red against green of one lightness.
    assert nearest_pair(["#b05050", "#7a7a3c"])[0] < 15
