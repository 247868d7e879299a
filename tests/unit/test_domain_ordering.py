"""Orders keep every rule, or are refused with a reason that trying everything confirms."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.errors import ProtocolError
from veridical.domain.ordering import ClassOrder, OrderRules, block_sizes, order_classes
from veridical.domain.stimulus import CONDITIONS, Condition


def is_balanced(classes: tuple[Condition, ...], conditions: tuple[Condition, ...], sizes: tuple[int, ...]) -> bool:
    """Inside every block the classes' counts differ by one at most, and so they do over the session."""
    blocks, start = [classes], 0
    for size in sizes:
        blocks.append(classes[start : start + size])
        start += size
    return all(max(Counter(b)[c] for c in conditions) - min(Counter(b)[c] for c in conditions) <= 1 for b in blocks)


def keeps_run_and_end(classes: tuple[Condition, ...], rules: OrderRules) -> bool:
    runs = [len(list(run)) for _, run in itertools.groupby(classes)]
    n_end = rules.n_pleasant_end
    return max(runs) <= rules.max_run and (not n_end or set(classes[-n_end:]) == {"positive"})


def has_room_for_repeats(
    classes: tuple[Condition, ...], n_per_condition: int, conditions: tuple[Condition, ...], rules: OrderRules
) -> bool:
    """Try every way of choosing which places repeat which."""
    sizes = block_sizes(len(classes), rules.n_blocks)
    block = [b for b, size in enumerate(sizes) for _ in range(size)]

    def ways(places: tuple[int, ...], n: int) -> bool:
        if n == 0:
            return True
        return any(
            ways(tuple(p for p in places if p not in (first, second)), n - 1)
            for first, second in itertools.combinations(places, 2)
            if second - first >= rules.repeat_distance and (rules.n_blocks == 1 or block[second] > block[first])
        )

    return all(
        ways(places, len(places) - n_per_condition)
        for places in (tuple(k for k, c in enumerate(classes) if c == wanted) for wanted in conditions)
    )


def every_sequence(
    n_per_condition: int, conditions: tuple[Condition, ...], n_repeats: int
) -> Iterator[tuple[Condition, ...]]:
    """All sequences whose classes are repeated as evenly as possible."""
    n_all, n_more = divmod(n_repeats, len(conditions))
    for more in itertools.combinations(conditions, n_more):
        pool = [c for c in conditions for _ in range(n_per_condition + n_all + (c in more))]
        yield from set(itertools.permutations(pool))


def assert_kept(
    order: ClassOrder, conditions: tuple[Condition, ...], n_per_condition: int, n_repeats: int, rules: OrderRules
) -> None:
    classes = order.classes
    sizes = block_sizes(n_per_condition * len(conditions) + n_repeats, rules.n_blocks)
    assert tuple(len(b) for b in order.blocks) == sizes
    assert is_balanced(classes, conditions, sizes)
    assert keeps_run_and_end(classes, rules)
    assert len(order.repeats) == n_repeats
    used = [k for pair in order.repeats for k in pair]
    assert len(set(used)) == len(used)
    block = [b for b, size in enumerate(sizes) for _ in range(size)]
    for first, second in order.repeats:
        assert classes[first] == classes[second]
        assert second - first >= rules.repeat_distance
        assert rules.n_blocks == 1 or block[second] > block[first]
    seconds = {second for _, second in order.repeats}
    assert Counter(c for k, c in enumerate(classes) if k not in seconds) == dict.fromkeys(conditions, n_per_condition)


def order_or_reason(
    conditions: tuple[Condition, ...], n_per_condition: int, n_repeats: int, rules: OrderRules, seed: int
) -> tuple[ClassOrder | None, str]:
    try:
        return order_classes(conditions, n_per_condition, n_repeats, rules, np.random.default_rng(seed)), ""
    except ProtocolError as error:
        return None, str(error)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([CONDITIONS, ("negative", "positive"), ("negative", "neutral")]),
    st.integers(1, 40),
    st.floats(0, 1),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 60),
    st.integers(0, 3),
)
def test_any_protocol_gets_an_order_that_keeps_every_rule_or_a_reason_with_numbers(
    seed: int,
    conditions: tuple[Condition, ...],
    n_per_condition: int,
    share: float,
    n_blocks: int,
    max_run: int,
    distance: int,
    n_end: int,
) -> None:
    n_repeats = round(share * n_per_condition * len(conditions))
    rules = OrderRules(n_blocks, max_run, distance, n_end if "positive" in conditions else 0)
    order, refusal = order_or_reason(conditions, n_per_condition, n_repeats, rules, seed)
    if order is not None:
        assert_kept(order, conditions, n_per_condition, n_repeats, rules)
        return
    assert re.search(r"\d", refusal)
    assert re.search(r"(lower|raise) [a-z_]+", refusal)


_SMALL = [
    (conditions, n, n_repeats, OrderRules(n_blocks, max_run, distance, n_end))
    for conditions, n, most in ((("negative", "positive"), 2, 3), (("negative", "positive"), 3, 2), (CONDITIONS, 2, 1))
    for n_repeats in range(most + 1)
    for n_blocks in (1, 2, 3)
    for max_run in (1, 2)
    for distance in (1, 3, 4, 5)
    for n_end in (0, 1, 2)
    if n_repeats or distance == 1
]


@pytest.mark.parametrize(
    "conditions_and_n", [(("negative", "positive"), 2), (("negative", "positive"), 3), (CONDITIONS, 2)]
)
def test_a_small_protocol_is_refused_exactly_when_no_order_exists(
    conditions_and_n: tuple[tuple[Condition, ...], int],
) -> None:
    n_refused = n_kept = 0
    cache: dict[int, list[tuple[Condition, ...]]] = {}
    for conditions, n, n_repeats, rules in _SMALL:
        if (conditions, n) != conditions_and_n:
            continue
        sizes = block_sizes(n * len(conditions) + n_repeats, rules.n_blocks)
        if n_repeats not in cache:
            cache[n_repeats] = list(every_sequence(n, conditions, n_repeats))
        exists = any(
            is_balanced(s, conditions, sizes)
            and keeps_run_and_end(s, rules)
            and has_room_for_repeats(s, n, conditions, rules)
            for s in cache[n_repeats]
        )
        order, refusal = order_or_reason(conditions, n, n_repeats, rules, n_repeats)
        assert exists == (order is not None), f"{rules}, {n_repeats} repeats: {refusal}"
        if order is not None:
            assert_kept(order, conditions, n, n_repeats, rules)
        n_kept += order is not None
        n_refused += order is None
    assert n_refused > 5
    assert n_kept > 5


def test_two_classes_that_must_alternate_find_the_one_order_that_ends_pleasant() -> None:
    # A search that looks only at its own block starts a block with the wrong class and finds no way out.
    for seed in range(20):
        order = order_classes(("negative", "positive"), 9, 0, OrderRules(3, 1, 1, 1), np.random.default_rng(seed))
        assert order.classes == ("negative", "positive") * 9


@pytest.mark.parametrize(
    ("n_repeats", "rules", "reason"),
    [
        (0, OrderRules(3, 1, 1, 2), "end on 2 pleasant pictures and at most 1 of a class"),
        (0, OrderRules(20, 2, 1, 1), "18 trials cannot fill 20 blocks"),
        (4, OrderRules(2, 2, 19, 1), "With 4 repeats among 22 trials a repeat comes at most 18 trials"),
        (0, OrderRules(9, 2, 1, 2), "its last block of 2 trials holds at most 1"),
        (
            18,
            OrderRules(2, 2, 18, 1),
            r"repeats in a later block and at least 18 trials .*the most that was found is 1[0-9]",
        ),
    ],
)
def test_a_refusal_says_what_is_impossible_in_numbers(n_repeats: int, rules: OrderRules, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        order_classes(CONDITIONS, 6, n_repeats, rules, np.random.default_rng(1))


def test_every_class_is_as_likely_to_begin_as_another() -> None:
    starts = Counter(
        order_classes(CONDITIONS, 6, 0, OrderRules(1, 2, 1, 0), np.random.default_rng(seed)).classes[0]
        for seed in range(300)
    )
    # Binomial(300, 1/3): mean 100, SD 8.2.
    assert all(67 <= starts[c] <= 133 for c in CONDITIONS)
