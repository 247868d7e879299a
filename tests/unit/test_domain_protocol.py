"""Every plan keeps the protocol's constraints, whatever the seed."""

from collections import Counter
from dataclasses import replace
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.errors import ProtocolError
from veridical.domain.items import CONFIDENCE, DOMINANCE, EMOTION, MEMORY, of_kind
from veridical.domain.preview import estimate_s, preview
from veridical.domain.protocol import Place, Protocol, balanced_orders, expand
from veridical.domain.rating import AROUSAL, VALENCE
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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(0, 3), st.integers(0, 9), st.booleans())
def test_practice_shows_no_picture_of_the_session_as_long_as_the_set_has_another(
    seed: int, n: int, n_spare: int, n_practice: int, is_matched: bool
) -> None:
    used = make_set(n + n_spare).stimuli
    others = tuple(replace(s, id=f"not-{s.id}", excluded="not in the matched subset") for s in make_set(2).stimuli)
    forbidden = (
        Stimulus("by-hand", "x.jpg", excluded="by hand"),
        Stimulus("upsetting", "x.jpg", sensitive=True, excluded="not in the matched subset"),
        Stimulus("video", "x.mp4", kind="video"),
    )
    stimuli = StimulusSet((*used, *(others if is_matched else ()), *forbidden))
    protocol = Protocol(n_per_condition=n, n_blocks=1, n_practice=n_practice, repeat_share=0.0)
    plan = expand(protocol, stimuli, seed)
    practised, analysed = [t.stimulus_id for t in plan.practice], {t.stimulus_id for t in plan.trials}
    assert len(practised) == n_practice
    assert all(t.is_practice and t.block == 0 for t in plan.practice)
    assert not {s.id for s in forbidden} & {*practised, *analysed}
    n_free = 3 * n_spare + 6 * is_matched
    assert not (analysed & set(practised) and n_free)
    assert max(Counter(practised).values(), default=0) <= -(-n_practice // (n_free or 3 * n))
    warned = any("none to spare" in w for w in preview(protocol, plan).warnings)
    assert warned == (n_free == 0 and n_practice > 0)


def test_videos_sounds_and_excluded_stimuli_are_no_pictures_of_a_block() -> None:
    pictures = make_set(21).stimuli
    others = tuple(
        replace(s, id=f"{s.id}-{k}", **change)  # type: ignore[arg-type]
        for s in pictures
        for k, change in enumerate(({"kind": "video"}, {"kind": "audio"}, {"excluded": "by hand"}))
    )
    plan = expand(Protocol(), StimulusSet(others + pictures), 2)
    assert {t.stimulus_id for t in (*plan.practice, *plan.trials)} <= {s.id for s in pictures}


def test_a_protocol_without_neutral_pictures_shows_none() -> None:
    plan = expand(Protocol(conditions=("negative", "positive"), repeat_share=0.0), make_set(), 1)
    assert Counter(t.condition for t in plan.trials) == {"negative": 21, "positive": 21}


def test_repeats_keep_their_distance_and_the_end_is_pleasant() -> None:
    protocol = Protocol(repeat_distance=30, n_pleasant_end=2, repeat_share=0.3)
    for seed in range(20):
        trials = expand(protocol, make_set(), seed).trials
        assert all(t.number - t.repeat_of >= 30 for t in trials if t.repeat_of is not None)
        assert [t.condition for t in trials[-2:]] == ["positive", "positive"]


def test_attention_checks_are_spread_and_ask_for_no_end_and_no_middle() -> None:
    protocol = Protocol(n_attention_checks=3)
    for seed in range(30):
        plan = expand(protocol, make_set(), seed)
        checked = [t for t in plan.trials if t.check is not None]
        assert [(t.number - 1) * 3 // len(plan.trials) for t in checked] == [0, 1, 2]
        assert {t.check for t in checked} <= {2, 3, 5, 6}
        assert all(t.check is None for t in plan.practice)


def test_the_familiarity_pass_asks_about_every_picture_once_and_ends_on_a_pleasant_one() -> None:
    stimuli = make_set()
    plan = expand(Protocol(has_familiarity_pass=True), stimuli, 4)
    assert sorted(plan.familiarity) == sorted({t.stimulus_id for t in plan.trials})
    assert stimuli.get(plan.familiarity[-1]).condition == "positive"
    assert plan.familiarity_scales == ("seen", "reminds")


# Over participants ---------------------------------------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 5))
def test_over_as_many_participants_as_pictures_every_picture_stands_in_every_block_equally_often(
    study_seed: int, n: int, n_blocks: int
) -> None:
    protocol = Protocol(
        n_per_condition=n,
        n_blocks=min(n_blocks, 3 * n),
        repeat_share=0.0,
        picture_order="counterbalanced",
        n_practice=0,
    )
    plans = [expand(protocol, make_set(), 77 + k, Place(k, study_seed)) for k in range(n)]
    shown = {frozenset(t.stimulus_id for t in p.trials) for p in plans}
    assert len(shown) == 1, "everybody sees the same pictures"
    by_block = Counter((t.stimulus_id, t.block) for p in plans for t in p.trials)
    condition_of = {t.stimulus_id: t.condition for t in plans[0].trials}
    sizes = Counter((t.condition, t.block) for p in plans for t in p.trials)
    for (stimulus, block), times in by_block.items():
        # Which class has one picture more in a block is drawn for each participant.
        assert abs(times - sizes[condition_of[stimulus], block] / n) <= n_blocks


def test_counterbalancing_with_equal_blocks_is_exact_and_comes_from_the_studys_seed() -> None:
    protocol = Protocol(n_per_condition=12, n_blocks=3, repeat_share=0.0, picture_order="counterbalanced")
    plans = [expand(protocol, make_set(), 900 + k, Place(k, 5)) for k in range(12)]
    counts = Counter((t.stimulus_id, t.block) for p in plans for t in p.trials)
    assert set(counts.values()) == {4}
    again = expand(protocol, make_set(), 900, Place(0, 5))
    assert again == plans[0]
    other_study = expand(protocol, make_set(), 900, Place(0, 6))
    assert {t.stimulus_id for t in other_study.trials} != {t.stimulus_id for t in again.trials}


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_balanced_orders_put_everything_everywhere_and_after_everything_equally_often(n: int) -> None:
    orders = balanced_orders(n)
    assert all(sorted(order) == list(range(n)) for order in orders)
    assert len(set(Counter((place, x) for order in orders for place, x in enumerate(order)).values())) == 1
    follows = Counter(pair for order in orders for pair in pairwise(order))
    assert len(follows) == n * (n - 1)
    assert len(set(follows.values())) <= 1


def test_scales_are_asked_as_listed_at_random_or_balanced_over_participants() -> None:
    scales = (VALENCE, AROUSAL, DOMINANCE)
    ids = tuple(s.id for s in scales)
    fixed = expand(Protocol(scales=scales), make_set(), 1)
    assert {t.scales for t in fixed.trials} == {ids}
    random = expand(Protocol(scales=scales, scale_order="random"), make_set(), 1)
    assert len({t.scales for t in random.trials}) == 6
    per_person = Counter[tuple[str, ...]]()
    for rank in range(12):
        plan = expand(Protocol(scales=scales, scale_order="counterbalanced"), make_set(), 60 + rank, Place(rank, 3))
        assert len({t.scales for t in plan.trials}) == 1
        per_person[plan.trials[0].scales] += 1
    assert len(per_person) == 6
    assert set(per_person.values()) == {2}


def test_affective_sliders_stay_together_and_change_their_vertical_order() -> None:
    scales = (of_kind(VALENCE, "affective-slider"), of_kind(AROUSAL, "affective-slider"), EMOTION)
    plan = expand(Protocol(scales=scales), make_set(), 1)
    first = Counter(t.scales[0] for t in plan.trials)
    assert all(t.scales[2] == "emotion" for t in plan.trials)
    # Binomial(72, 1/2): mean 36, SD 4.2.
    assert 19 <= first["valence"] <= 53


# Preview -------------------------------------------------------------------------------------------------
def test_the_preview_adds_up_and_says_what_is_left_without_neutrals() -> None:
    protocol = Protocol(scales=(VALENCE, AROUSAL, CONFIDENCE, MEMORY), n_attention_checks=2, has_familiarity_pass=True)
    plan = expand(protocol, make_set(), 1)
    seen = preview(protocol, plan)
    assert dict(seen.counts) == {"negative": 24, "neutral": 24, "positive": 24}
    assert (seen.n_trials, seen.n_repeats, seen.n_checks) == (72, 9, 2)
    assert all(a.start_s + a.duration_s == pytest.approx(b.start_s) for a, b in pairwise(seen.parts))
    assert seen.duration_s == pytest.approx(sum(p.duration_s for p in seen.parts))
    assert estimate_s(protocol) == pytest.approx(seen.duration_s, rel=0.02)
    shown_s = sum(t.fixation_s + t.picture_s + t.iti_s for t in plan.trials)
    blocks_s = sum(p.duration_s for p in seen.parts if p.kind == "block")
    assert shown_s < blocks_s < shown_s + 72 * 4 * 3
    assert any("leaves 48 of 72 trials" in w for w in seen.warnings)
    assert [p.name for p in seen.parts if p.kind in ("block", "break")] == [
        "block 1", "break", "block 2", "break", "block 3",
    ]  # fmt: skip
