"""What is left of a session that broke off: nothing lost, nothing twice, nothing out of order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veridical.domain.errors import StudyError
from veridical.domain.event import Marker
from veridical.domain.participant import RunKey
from veridical.domain.protocol import Protocol, SessionPlan, Trial, expand
from veridical.services.resuming import find_broken, remaining
from veridical.services.study import Study, create_study

_PROTOCOL = Protocol(n_per_condition=3, n_blocks=3, n_practice=2)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return create_study(tmp_path_factory.mktemp("study") / "s")


@pytest.fixture(scope="module")
def plan(study: Study) -> SessionPlan:
    return expand(_PROTOCOL, study.stimuli, 3)


def _opening(plan: SessionPlan) -> list[Marker]:
    rests = [Marker(f"baseline/{b.kind}/{edge}") for b in plan.baselines for edge in ("start", "end")]
    return [Marker("session/start"), *rests, *(m for t in plan.practice for m in _trial(t, "practice/"))]


def _trial(trial: Trial, prefix: str = "") -> list[Marker]:
    number = {"trial": str(trial.number)}
    return [
        Marker(f"{prefix}fixation", number),
        Marker(f"{prefix}picture/{trial.condition}", {"id": trial.stimulus_id, **number}),
        Marker(f"{prefix}picture/off", number),
        *(Marker(f"{prefix}rating/{s}", {"status": "answered", "value": "4", **number}) for s in trial.scales),
    ]


def _whole(plan: SessionPlan) -> list[Marker]:
    markers = _opening(plan)
    for block in plan.blocks:
        markers.append(Marker("block/start", {"block": str(block[0].block)}))
        markers += [m for t in block for m in _trial(t)]
    return markers


@given(cut=st.integers(0, 200))
def test_wherever_it_breaks_off_every_trial_is_answered_once_in_the_planned_order(plan: SessionPlan, cut: int) -> None:
    markers = _whole(plan)[:cut]
    left = remaining(plan, tuple(markers))
    answered = [
        t.number
        for t in plan.trials
        if all(any(m.name == f"rating/{s}" and m.number("trial") == t.number for m in markers) for s in t.scales)
    ]
    assert answered + [t.number for t in left.trials] == [t.number for t in plan.trials]
    assert [t for b in left.blocks for t in b] == [t for t in plan.trials if t in left.trials]
    assert all(left.blocks)


def test_rests_that_are_over_do_not_come_again_and_practice_does_until_the_first_block(plan: SessionPlan) -> None:
    opening = _opening(plan)
    assert remaining(plan, ()) == plan
    assert [b.kind for b in remaining(plan, tuple(opening[:3])).baselines] == ["eyes-closed"]
    assert remaining(plan, tuple(opening)).practice == plan.practice
    begun = remaining(plan, (*opening, Marker("block/start", {"block": "1"})))
    assert (begun.practice, begun.baselines) == ((), ())
    assert begun.trials == plan.trials


def test_a_trial_that_broke_off_comes_again_and_one_that_was_passed_over_does_not(plan: SessionPlan) -> None:
    def skip(marker: Marker) -> Marker:
        is_rating = marker.name.startswith("rating/")
        return Marker(marker.name, {**marker.details, "status": "skipped"}) if is_rating else marker

    first, second, third = ([skip(m) for m in _trial(plan.trials[0])], _trial(plan.trials[1]), _trial(plan.trials[2]))
    left = remaining(plan, (*first, *second, *(skip(m) for m in third)))
    assert [t.number for t in left.trials] == [t.number for t in plan.trials[2:]]


def test_an_answer_that_timed_out_and_a_picture_that_failed_are_done(plan: SessionPlan) -> None:
    late = [Marker(m.name, {**m.details, "status": "timed_out"}) for m in _trial(plan.trials[0])]
    failed = Marker("picture/skipped", {"stimulus": "x", "trial": "2"})
    assert remaining(plan, (*late, failed)).trials[0].number == 3


def test_a_session_without_runs_has_nothing_to_resume(tmp_path: Path) -> None:
    fresh = create_study(tmp_path / "s")
    with pytest.raises(StudyError, match="no run in session 01"):
        find_broken(fresh, RunKey("001").participant)
