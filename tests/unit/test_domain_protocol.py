"""Every plan keeps the protocol's constraints, whatever the seed."""

from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.errors import ProtocolError
from veridical.domain.protocol import Protocol, expand
from veridical.domain.stimulus import CONDITIONS, Stimulus, StimulusSet


def make_set(n_per_condition: int = 24) -> StimulusSet:
    """A set with ``n_per_condition`` stimuli of every class."""
    return StimulusSet(
        tuple(
            Stimulus(f"s{condition}{k}", "x.jpg", valence_mean=mean)
            for condition, mean in zip(CONDITIONS, (2.0, 4.0, 6.0), strict=True)
            for k in range(n_per_condition)
        )
    )


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 24), st.integers(2, 5), st.integers(2, 3))
def test_plan_keeps_runs_repeats_and_ends_on_pleasant(seed: int, n: int, n_blocks: int, max_run: int) -> None:
    protocol = Protocol(n_per_condition=n, n_blocks=n_blocks, max_run=max_run)
    plan = expand(protocol, make_set(), seed)
    trials = plan.trials
    assert len(trials) == protocol.n_trials
    assert [t.number for t in trials] == list(range(1, len(trials) + 1))
    assert max(len(list(run)) for _, run in groupby(t.condition for t in trials)) <= max_run
    assert trials[-1].condition == "positive"
    by_number = {t.number: t for t in trials}
    assert max(len(b) for b in plan.blocks) - min(len(b) for b in plan.blocks) <= 1
    firsts = Counter(t.condition for t in trials if t.repeat_of is None)
    assert set(firsts.values()) == {n}
    for trial in trials:
        if trial.repeat_of is not None:
            earlier = by_number[trial.repeat_of]
            assert earlier.stimulus_id == trial.stimulus_id
            assert earlier.block < trial.block


def test_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert expand(Protocol(), make_set(), 5) == expand(Protocol(), make_set(), 5)
    assert expand(Protocol(), make_set(), 5) != expand(Protocol(), make_set(), 6)


def test_durations_stay_inside_the_jitter() -> None:
    protocol = Protocol()
    for trial in expand(protocol, make_set(), 1).trials:
        assert protocol.fixation_s[0] <= trial.fixation_s <= protocol.fixation_s[1]
        assert protocol.iti_s[0] <= trial.iti_s <= protocol.iti_s[1]


def test_template_has_72_trials_and_12_s_between_onsets() -> None:
    protocol = Protocol()
    assert protocol.n_trials == 72
    assert protocol.fixation_s[0] + protocol.picture_s + protocol.iti_s[0] >= 11.0


def test_too_few_pictures_are_refused_with_the_number() -> None:
    with pytest.raises(ProtocolError, match=r"asks for 21 negative pictures and the set has 3"):
        expand(Protocol(), make_set(3), 1)


def test_sensitive_pictures_stay_out_unless_allowed() -> None:
    tame = make_set(21).stimuli
    wild = tuple(Stimulus(f"wild{k}", "x.jpg", valence_mean=2.0, sensitive=True) for k in range(30))
    stimuli = StimulusSet(tame + wild)
    assert not any(t.stimulus_id.startswith("wild") for t in expand(Protocol(), stimuli, 1).trials)
    with_wild = expand(Protocol(include_sensitive=True, n_per_condition=21), stimuli, 1)
    assert any(t.stimulus_id.startswith("wild") for t in with_wild.trials)


def test_practice_prefers_pictures_that_are_not_analysed() -> None:
    plan = expand(Protocol(n_per_condition=20), make_set(24), 3)
    analysed = {t.stimulus_id for t in plan.trials}
    assert all(t.is_practice and t.block == 0 for t in plan.practice)
    assert not analysed & {t.stimulus_id for t in plan.practice}
