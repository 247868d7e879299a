"""Orders of classes, built so that every constraint holds from the first draw; no order is a proved refusal.

A random shuffle of 3 x 20 keeps runs at 2 only 0.8 % of the time [measured]. Here every place takes a random
class among those from which the rest can still be completed, and steps back where it turns out that it cannot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from veridical.domain.errors import ProtocolError
from veridical.domain.stimulus import Condition

# Orders drawn before all of them are tried one by one, and places filled before that search gives up.
_N_DRAWS = 60
_N_STEPS = 40_000
_N_PAIR_DRAWS = 20


@dataclass(frozen=True)
class OrderRules:
    """What an order of classes has to keep.

    Parameters
    ----------
    n_blocks : int
        Blocks; their lengths differ by at most one trial, and inside a block so do the classes' counts.
    max_run : int
        At most this many of one class in a row, also across a break.
    repeat_distance : int
        A repeat comes at least this many trials after its first showing; in a later block where there are several.
    n_pleasant_end : int
        The session's last pictures are pleasant, so many of them.
    """

    n_blocks: int
    max_run: int
    repeat_distance: int = 1
    n_pleasant_end: int = 1


@dataclass(frozen=True)
class ClassOrder:
    """The class of every place, and which places show a picture for the second time.

    Parameters
    ----------
    repeats : tuple of (int, int)
        Places from 0 over the whole session: first showing, second showing.
    """

    blocks: tuple[tuple[Condition, ...], ...]
    repeats: tuple[tuple[int, int], ...]

    @property
    def classes(self) -> tuple[Condition, ...]:
        """Classes of all places."""
        return tuple(c for block in self.blocks for c in block)


def block_sizes(n_trials: int, n_blocks: int) -> tuple[int, ...]:
    """Lengths of the blocks, which differ by at most one."""
    return tuple(len(range(b, n_trials, n_blocks)) for b in range(n_blocks))


def order_classes(
    conditions: Sequence[Condition], n_per_condition: int, n_repeats: int, rules: OrderRules, rng: np.random.Generator
) -> ClassOrder:
    """Draw an order of ``n_per_condition`` pictures of each class with ``n_repeats`` of them shown again.

    Raises
    ------
    ProtocolError
        If no order keeps the rules, or none was found; the sentence says which rule and with which numbers.
    """
    n_trials = n_per_condition * len(conditions) + n_repeats
    _refuse_by_count(conditions, n_trials, n_repeats, rules)
    search = _Search(conditions, n_trials, rules)
    largest = 0
    for _ in range(_N_DRAWS if n_repeats else 1):
        classes = next(search.orders(rng), None)
        if classes is None:
            raise ProtocolError(_run_words(conditions, n_trials, rules))
        pairs = _pair(classes, conditions, n_per_condition, search.sizes, rules.repeat_distance, rng)
        if pairs is not None:
            return _as_order(classes, pairs, search.sizes)
        largest = max(largest, _largest_distance(classes, conditions, n_per_condition, search.sizes))
    every = _Search(conditions, n_trials, rules, keeps_failures=False)
    for classes in every.orders(rng, _N_STEPS):
        pairs = _pair(classes, conditions, n_per_condition, search.sizes, rules.repeat_distance, rng)
        if pairs is not None:
            return _as_order(classes, pairs, search.sizes)
    raise ProtocolError(_distance_words(n_trials, n_repeats, rules, largest, is_proved=every.is_exhausted))


def order_clips(
    conditions: Sequence[Condition], n_clips: int, rules: OrderRules, rng: np.random.Generator
) -> tuple[Condition, ...]:
    """Draw the classes of one block without repeats; their counts differ by one at most.

    Raises
    ------
    ProtocolError
        If no order keeps the rules.
    """
    classes = next(_Search(conditions, n_clips, rules).orders(rng), None)
    if classes is None:
        raise ProtocolError(_run_words(conditions, n_clips, rules))
    return classes


def _distance_words(n_trials: int, n_repeats: int, rules: OrderRules, largest: int, *, is_proved: bool) -> str:
    where = "in a later block and " if rules.n_blocks > 1 else ""
    what = "No order shows" if is_proved else f"Among {_N_DRAWS} orders and a longer search, none shows"
    best = f"the most that was found is {largest}" if largest else "no distance is possible at all"
    return (
        f"{what} {n_repeats} of {n_trials} trials as repeats {where}at least {rules.repeat_distance} trials after the "
        f"first showing ({best}); lower repeat_distance or repeat_share."
    )


def _refuse_by_count(conditions: Sequence[Condition], n_trials: int, n_repeats: int, rules: OrderRules) -> None:
    """Refuse what counting alone shows to be impossible."""
    if rules.n_blocks > n_trials:
        raise ProtocolError(f"{n_trials} trials cannot fill {rules.n_blocks} blocks; lower n_blocks.")
    if rules.n_pleasant_end:
        if "positive" not in conditions:
            raise ProtocolError(
                "The session shall end on pleasant pictures and shows none; add positive to conditions or set "
                "n_pleasant_end to 0."
            )
        if rules.n_pleasant_end > rules.max_run:
            raise ProtocolError(
                f"The session shall end on {rules.n_pleasant_end} pleasant pictures and at most {rules.max_run} of a "
                "class may stand in a row; lower n_pleasant_end or raise max_run."
            )
        last = block_sizes(n_trials, rules.n_blocks)[-1]
        most = -(-last // len(conditions))
        if last >= rules.n_pleasant_end > most:
            raise ProtocolError(
                f"The session shall end on {rules.n_pleasant_end} pleasant pictures and its last block of {last} "
                f"trials holds at most {most}; lower n_pleasant_end or n_blocks."
            )
    if n_repeats and rules.repeat_distance > n_trials - n_repeats:
        raise ProtocolError(
            f"With {n_repeats} repeats among {n_trials} trials a repeat comes at most {n_trials - n_repeats} trials "
            f"after its first showing, and {rules.repeat_distance} are asked for; lower repeat_distance or "
            "repeat_share."
        )


def _run_words(conditions: Sequence[Condition], n_trials: int, rules: OrderRules) -> str:
    free = OrderRules(rules.n_blocks, rules.max_run, rules.repeat_distance, n_pleasant_end=0)
    blocks = f"{n_trials} trials of {len(conditions)} classes in {rules.n_blocks} blocks"
    if next(_Search(conditions, n_trials, free).orders(np.random.default_rng(0)), None) is not None:
        return (
            f"No order of {blocks} keeps at most {rules.max_run} of a class in a row and ends on "
            f"{rules.n_pleasant_end} pleasant pictures; raise max_run or lower n_pleasant_end."
        )
    return f"No order of {blocks} keeps at most {rules.max_run} of a class in a row; raise max_run."


@dataclass(frozen=True)
class _State:
    """Where the search stands: block, what is left of each class in it, extras given so far, the current run."""

    block: int
    left: tuple[int, ...]
    extras: tuple[int, ...]
    last: int
    run: int


class _Search:
    """All sequences of classes that keep balance, runs and ending, in random order.

    Parameters
    ----------
    keeps_failures : bool
        Remember states from which nothing can be completed: right for finding one order, wrong for listing all.
    """

    def __init__(
        self, conditions: Sequence[Condition], n_trials: int, rules: OrderRules, *, keeps_failures: bool = True
    ) -> None:
        self._conditions = tuple(conditions)
        self._n = n_trials
        self._rules = rules
        self._keeps_failures = keeps_failures
        self._failed: set[_State] = set()
        self._positive = self._conditions.index("positive") if "positive" in self._conditions else -1
        self.sizes = block_sizes(n_trials, rules.n_blocks)
        self._n_extras = sum(size % len(conditions) for size in self.sizes)
        self.is_exhausted = False

    def orders(self, rng: np.random.Generator, n_steps: int = 0) -> Iterator[tuple[Condition, ...]]:
        """Draw orders, no two alike; ``n_steps`` above 0 gives up after so many places were filled."""
        none = (0,) * len(self._conditions)
        # A place of -1 stands for the step into a block, which places nothing.
        path: list[tuple[_State, int]] = []
        options = [iter(self._enter(_State(-1, none, none, -1, 0), rng))]
        n_done = 0
        while options:
            step = next(options[-1], None)
            if step is None:
                options.pop()
                if path:
                    state, _ = path.pop()
                    if self._keeps_failures:
                        self._failed.add(state)
                continue
            n_done += 1
            if n_steps and n_done > n_steps:
                return
            path.append(step)
            state = step[0]
            if not any(state.left) and state.block == len(self.sizes) - 1:
                yield tuple(self._conditions[c] for _, c in path if c >= 0)
                # Looking at a whole order costs as much as filling its places once more.
                n_done += self._n
                path.pop()
                continue
            options.append(iter(self._enter(state, rng) if not any(state.left) else self._place(state, rng)))
        self.is_exhausted = True

    def _enter(self, state: _State, rng: np.random.Generator) -> list[tuple[_State, int]]:
        """Ways to begin the next block: which classes get one trial more than the others."""
        n_classes, block = len(self._conditions), state.block + 1
        base, n_more = divmod(self.sizes[block], n_classes)
        most = -(-self._n_extras // n_classes)
        ways: list[tuple[_State, int]] = []
        for chosen in combinations(range(n_classes), n_more):
            extras = tuple(e + (c in chosen) for c, e in enumerate(state.extras))
            rest = sum(size % n_classes for size in self.sizes[block + 1 :])
            least = sum(max(0, self._n_extras // n_classes - e) for e in extras)
            if max(extras) > most or least > rest:
                continue
            left = tuple(base + (c in chosen) for c in range(n_classes))
            entered = _State(block, left, extras, state.last, state.run)
            if entered not in self._failed:
                ways.append((entered, -1))
        return [ways[int(k)] for k in rng.permutation(len(ways))]

    def _place(self, state: _State, rng: np.random.Generator) -> list[tuple[_State, int]]:
        """Classes that may come next, the more frequent ones likely first."""
        options: list[tuple[_State, int]] = []
        weights: list[float] = []
        n_after = sum(state.left) - 1 + sum(self.sizes[state.block + 1 :])
        for c, n in enumerate(state.left):
            run = state.run + 1 if c == state.last else 1
            if not n or run > self._rules.max_run:
                continue
            if n_after < self._rules.n_pleasant_end and c != self._positive:
                continue
            left = tuple(m - (k == c) for k, m in enumerate(state.left))
            placed = _State(state.block, left, state.extras, c, run)
            if placed not in self._failed and self._has_room(placed):
                options.append((placed, c))
                weights.append(float(n))
        if len(options) < 2:
            return options
        # Exponential races: the order of drawing without replacement by weight.
        races = rng.exponential(size=len(options)) / np.array(weights)
        return [options[int(k)] for k in np.argsort(races)]

    def _has_room(self, state: _State) -> bool:
        """Whether the rest of the block fits between the other classes; necessary, and nearly always enough.

        n of a class fit into (others + 1) gaps of ``max_run`` each; the gap that continues the current run holds
        fewer, and pleasant pictures at the very end close the gaps behind and between them.
        """
        total, limit = sum(state.left), self._rules.max_run
        n_end = self._rules.n_pleasant_end if state.block == len(self.sizes) - 1 else 0
        if n_end and total >= n_end and state.left[self._positive] < n_end:
            return False
        for c, n in enumerate(state.left):
            gaps = total - n + 1
            if c != self._positive and total >= n_end:
                gaps -= n_end
            if n > gaps * limit - (state.run if c == state.last else 0):
                return False
        return True


def _as_order(classes: tuple[Condition, ...], pairs: list[tuple[int, int]], sizes: tuple[int, ...]) -> ClassOrder:
    ends = np.cumsum((0, *sizes))
    blocks = tuple(classes[int(a) : int(b)] for a, b in pairwise(ends))
    return ClassOrder(blocks, tuple(sorted(pairs)))


def _is_apart(first: int, second: int, block_of: Sequence[int], distance: int) -> bool:
    return second - first >= distance and (block_of[-1] == 0 or block_of[second] > block_of[first])


def _places(
    classes: Sequence[Condition], conditions: Sequence[Condition], n_per_condition: int
) -> Iterator[tuple[list[int], int]]:
    """Each class's places and how many of them show a picture again."""
    for condition in conditions:
        places = [k for k, c in enumerate(classes) if c == condition]
        yield places, len(places) - n_per_condition


def _block_of(sizes: Sequence[int]) -> list[int]:
    return [b for b, size in enumerate(sizes) for _ in range(size)]


def _has_pairs(places: Sequence[int], n: int, block_of: Sequence[int], distance: int) -> bool:
    """Whether ``n`` disjoint pairs lie far enough apart: pairing the first n with the last n is the best there is."""
    if 2 * n > len(places):
        return False
    seconds = places[len(places) - n :]
    return all(_is_apart(a, b, block_of, distance) for a, b in zip(places[:n], seconds, strict=True))


def _largest_distance(
    classes: Sequence[Condition], conditions: Sequence[Condition], n_per_condition: int, sizes: Sequence[int]
) -> int:
    """The largest distance that all repeats of an order can keep; 0 if even 1 is too much."""
    block_of, low, high = _block_of(sizes), 0, len(classes)
    parts = list(_places(classes, conditions, n_per_condition))
    while low < high:
        middle = (low + high + 1) // 2
        if all(_has_pairs(places, n, block_of, middle) for places, n in parts):
            low = middle
        else:
            high = middle - 1
    return low


def _pair(
    classes: Sequence[Condition],
    conditions: Sequence[Condition],
    n_per_condition: int,
    sizes: Sequence[int],
    distance: int,
    rng: np.random.Generator,
) -> list[tuple[int, int]] | None:
    """Draw which places repeat which; None if the order leaves no room for the distance."""
    block_of = _block_of(sizes)
    pairs: list[tuple[int, int]] = []
    for places, n in _places(classes, conditions, n_per_condition):
        if not _has_pairs(places, n, block_of, distance):
            return None
        free = list(places)
        for n_left in range(n, 0, -1):
            pair = _draw_pair(free, n_left, block_of, distance, rng)
            pairs.append(pair)
            free = [k for k in free if k not in pair]
    return pairs


def _draw_pair(
    free: list[int], n_left: int, block_of: Sequence[int], distance: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Draw one pair such that the others still find theirs."""
    for _ in range(_N_PAIR_DRAWS):
        first, second = sorted(int(k) for k in rng.choice(len(free), size=2, replace=False))
        rest = [k for i, k in enumerate(free) if i not in (first, second)]
        if _is_apart(free[first], free[second], block_of, distance) and _has_pairs(
            rest, n_left - 1, block_of, distance
        ):
            return free[first], free[second]
    # Taking this one away leaves the others their best pairs.
    return free[0], free[len(free) - n_left]
