"""What happens in a session, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from veridical.domain.errors import ProtocolError
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.domain.stimulus import CONDITIONS, Condition, Stimulus, StimulusSet

BaselineKind = Literal["eyes-open", "eyes-closed"]


@dataclass(frozen=True)
class Protocol:
    """A protocol of affective pictures; defaults are METHODS 2's autonomic template.

    Parameters
    ----------
    n_per_condition : int
        Different pictures of each normative class.
    repeat_share : float
        Share of pictures shown a second time, in a later block (10 to 15 % for label reliability).
    max_run : int
        At most this many of one class in a row.
    fixation_s, iti_s : tuple of float
        Uniform jitter, smallest and largest.
    rating_timeout_s : float
        A scale not answered by then is stored as timed out.
    """

    name: str = "autonomic"
    n_per_condition: int = 21
    n_blocks: int = 3
    n_practice: int = 4
    repeat_share: float = 0.14
    max_run: int = 2
    baseline_open_s: float = 60.0
    baseline_closed_s: float = 60.0
    fixation_s: tuple[float, float] = (1.0, 2.0)
    picture_s: float = 6.0
    iti_s: tuple[float, float] = (4.0, 7.0)
    rating_timeout_s: float = 15.0
    instruction_timeout_s: float = 0.0
    scales: tuple[Scale, ...] = (VALENCE, AROUSAL)
    include_sensitive: bool = False

    @property
    def n_trials(self) -> int:
        """Number of analysed trials, repeats included."""
        n = self.n_per_condition * len(CONDITIONS)
        return n + round(n * self.repeat_share)


@dataclass(frozen=True)
class Baseline:
    """A rest of ``duration_s`` seconds."""

    kind: BaselineKind
    duration_s: float


@dataclass(frozen=True)
class Trial:
    """Fixation, picture, ratings, pause.

    Parameters
    ----------
    number : int
        Counts from 1 over the whole session; practice trials count from 1 on their own.
    block : int
        From 1; 0 for practice.
    repeat_of : int or None
        Number of the trial that showed this picture first.
    scales : tuple of str
        Ids in the order in which they are asked.
    """

    number: int
    block: int
    stimulus_id: str
    condition: Condition
    fixation_s: float
    picture_s: float
    iti_s: float
    scales: tuple[str, ...]
    repeat_of: int | None = None
    is_practice: bool = False


@dataclass(frozen=True)
class SessionPlan:
    """The resolved session: everything that is shown, in order."""

    baselines: tuple[Baseline, ...] = ()
    practice: tuple[Trial, ...] = ()
    blocks: tuple[tuple[Trial, ...], ...] = field(default=())

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Analysed trials of all blocks, in order."""
        return tuple(t for block in self.blocks for t in block)


def expand(protocol: Protocol, stimuli: StimulusSet, seed: int) -> SessionPlan:
    """Resolve a protocol into trials; the same arguments give the same plan.

    Raises
    ------
    ProtocolError
        If there are too few pictures of a class, or no order keeps the constraints.
    """
    rng = np.random.default_rng(seed)
    usable = [s for s in stimuli.in_use if protocol.include_sensitive or not s.sensitive]
    chosen: dict[Condition, list[Stimulus]] = {}
    spare: list[Stimulus] = []
    for condition in CONDITIONS:
        pool = [s for s in usable if s.condition == condition]
        if len(pool) < protocol.n_per_condition:
            raise ProtocolError(
                f"The protocol asks for {protocol.n_per_condition} {condition} pictures and the set has {len(pool)}; "
                "import more pictures or lower n_per_condition in study.toml."
            )
        order = rng.permutation(len(pool))
        chosen[condition] = [pool[i] for i in order[: protocol.n_per_condition]]
        spare.extend(pool[i] for i in order[protocol.n_per_condition :])
    blocks = _with_repeats(_fill_blocks(chosen, protocol), protocol, rng)
    practice_pool = spare or [s for pool in chosen.values() for s in pool]
    picks = rng.choice(len(practice_pool), size=protocol.n_practice, replace=len(practice_pool) < protocol.n_practice)
    practice = tuple(_trial(protocol, rng, i + 1, 0, practice_pool[int(k)], None) for i, k in enumerate(picks))
    return SessionPlan(_baselines(protocol), practice, _order(blocks, protocol, rng))


def _baselines(protocol: Protocol) -> tuple[Baseline, ...]:
    wanted: tuple[tuple[BaselineKind, float], ...] = (
        ("eyes-open", protocol.baseline_open_s),
        ("eyes-closed", protocol.baseline_closed_s),
    )
    return tuple(Baseline(kind, seconds) for kind, seconds in wanted if seconds > 0)


def _fill_blocks(chosen: dict[Condition, list[Stimulus]], protocol: Protocol) -> list[list[Stimulus]]:
    """Deal the pictures of every class over the blocks, so that blocks end up equally long with their repeats.

    Dealing starts with pleasant pictures at the last block, which has to end on one.
    """
    n_blocks, n_pictures = protocol.n_blocks, sum(len(pool) for pool in chosen.values())
    n_repeats = protocol.n_trials - n_pictures
    capacities = [len(range(b, protocol.n_trials, n_blocks)) for b in range(n_blocks)]
    for k in range(n_repeats if n_blocks > 1 else 0):
        capacities[1 + k % (n_blocks - 1)] -= 1
    blocks: list[list[Stimulus]] = [[] for _ in range(n_blocks)]
    turn = n_blocks - 1
    for stimulus in (s for condition in reversed(CONDITIONS) for s in chosen[condition]):
        while len(blocks[turn]) >= capacities[turn]:
            turn = (turn - 1) % n_blocks
        blocks[turn].append(stimulus)
        turn = (turn - 1) % n_blocks
    return blocks


def _with_repeats(blocks: list[list[Stimulus]], protocol: Protocol, rng: np.random.Generator) -> list[list[Stimulus]]:
    """Add repeats: pictures of an earlier block, shown again in a later one, classes in turn."""
    n_repeats = protocol.n_trials - sum(len(b) for b in blocks)
    if len(blocks) < 2:
        if n_repeats:
            raise ProtocolError("Repeated pictures need at least 2 blocks; add a block or set repeat_share to 0.")
        return blocks
    filled = [list(b) for b in blocks]
    used: set[str] = set()
    for k in range(n_repeats):
        target = 1 + k % (len(blocks) - 1)
        condition = CONDITIONS[k % len(CONDITIONS)]
        earlier = [s for b in blocks[:target] for s in b if s.condition == condition and s.id not in used]
        if not earlier:
            earlier = [s for b in blocks[:target] for s in b if s.id not in used]
        if not earlier:
            raise ProtocolError("There are fewer pictures than repeats; lower repeat_share in study.toml.")
        picked = earlier[int(rng.integers(len(earlier)))]
        used.add(picked.id)
        filled[target].append(picked)
    return filled


def _order(blocks: list[list[Stimulus]], protocol: Protocol, rng: np.random.Generator) -> tuple[tuple[Trial, ...], ...]:
    """Order every block under the run constraint and number the trials."""
    done: list[tuple[Trial, ...]] = []
    first_shown: dict[str, int] = {}
    number, tail = 0, list[Condition]()
    for b, block in enumerate(blocks):
        ordered = _order_block(block, protocol.max_run, tail, rng, ends_pleasant=b == len(blocks) - 1)
        trials: list[Trial] = []
        for stimulus in ordered:
            number += 1
            trials.append(_trial(protocol, rng, number, b + 1, stimulus, first_shown.get(stimulus.id)))
            first_shown.setdefault(stimulus.id, number)
        tail = [s.condition for s in ordered[-protocol.max_run :]]
        done.append(tuple(trials))
    return tuple(done)


def _order_block(
    block: Sequence[Stimulus],
    max_run: int,
    tail: list[Condition],
    rng: np.random.Generator,
    ends_pleasant: bool,
) -> list[Stimulus]:
    """Order one block constructively, so that no class runs longer than ``max_run``.

    A random shuffle of 3 x 20 keeps runs at 2 only 0.8 % of the time [measured]; here each place takes
    a random class among those from which the rest can still be completed.
    """
    left: dict[Condition, list[Stimulus]] = {c: [] for c in CONDITIONS}
    for k in rng.permutation(len(block)):
        left[block[int(k)].condition].append(block[int(k)])
    ends_pleasant = ends_pleasant and bool(left["positive"])
    ordered: list[Stimulus] = []
    history = list(tail)
    for _ in range(len(block)):
        counts = {c: len(p) for c, p in left.items()}
        options = [c for c in CONDITIONS if counts[c] and _can_follow(counts, c, history, max_run, ends_pleasant)]
        if not options:
            raise ProtocolError(
                f"No order of a block keeps at most {max_run} of a class in a row; raise max_run in study.toml."
            )
        weights = np.array([counts[c] for c in options], dtype=float)
        condition = options[int(rng.choice(len(options), p=weights / weights.sum()))]
        ordered.append(left[condition].pop())
        history.append(condition)
    return ordered


def _can_follow(
    counts: dict[Condition, int], candidate: Condition, history: list[Condition], max_run: int, ends_pleasant: bool
) -> bool:
    """Whether ``candidate`` may come next and the remainder can still be arranged."""
    if len(history) >= max_run and all(c == candidate for c in history[-max_run:]):
        return False
    rest = dict(counts)
    rest[candidate] -= 1
    total = sum(rest.values())
    if ends_pleasant and total and rest["positive"] == 0:
        return False
    run = 1
    while run <= len(history) and history[-run] == candidate:
        run += 1
    for condition, n in rest.items():
        others = total - n
        # n of a class fit into (others + 1) gaps of max_run each; the gap that continues the current
        # run holds fewer, and a closing pleasant picture takes the last gap from the other classes.
        room = (others + 1) * max_run
        if condition == candidate:
            room -= run
        if ends_pleasant and condition != "positive" and total:
            room -= max_run
        if n > room:
            return False
    return True


def _trial(
    protocol: Protocol,
    rng: np.random.Generator,
    number: int,
    block: int,
    stimulus: Stimulus,
    repeat_of: int | None,
) -> Trial:
    return Trial(
        number=number,
        block=block,
        stimulus_id=stimulus.id,
        condition=stimulus.condition,
        fixation_s=float(rng.uniform(*protocol.fixation_s)),
        picture_s=protocol.picture_s,
        iti_s=float(rng.uniform(*protocol.iti_s)),
        scales=tuple(s.id for s in protocol.scales),
        repeat_of=repeat_of,
        is_practice=block == 0,
    )
