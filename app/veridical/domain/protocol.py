"""What happens in a session, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, permutations
from math import gcd
from typing import Literal

import numpy as np

from veridical.domain.clips import draw_clips
from veridical.domain.errors import ProtocolError
from veridical.domain.items import FAMILIARITY
from veridical.domain.matching import NOT_IN_SUBSET
from veridical.domain.ordering import ClassOrder, OrderRules, order_classes
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.domain.stimulus import CONDITIONS, Condition, Stimulus, StimulusKind, StimulusSet

BaselineKind = Literal["eyes-open", "eyes-closed"]
ScaleOrder = Literal["fixed", "random", "counterbalanced"]
PictureOrder = Literal["random", "counterbalanced"]

# Attention checks ask for a step that is neither the middle nor an end: those are what straight-liners press.
_CHECK_STEPS = (2, 3, 5, 6)


@dataclass(frozen=True)
class Protocol:
    """A protocol of affective pictures; ``resources/protocols`` holds METHODS 2's two templates.

    Parameters
    ----------
    n_per_condition : int
        Different pictures of each normative class.
    conditions : tuple of str
        Classes that are shown.
    repeat_share : float
        Share of pictures shown a second time, in a later block (10 to 15 % for label reliability).
    repeat_distance : int
        Trials from a picture to its repeat, at least.
    max_run : int
        At most this many of one class in a row.
    n_pleasant_end : int
        The session's last pictures are pleasant, so many of them; 0 leaves it to chance.
    picture_order : str
        ``random``: each participant's own draw. ``counterbalanced``: the same pictures for everybody, rotating through
        the places of the session from participant to participant.
    fixation_s, blank_s, iti_s : tuple of float
        Uniform jitter, smallest and largest: before the picture, between picture and first scale, after the last scale.
    min_onset_gap_s : float
        From one picture's onset to the next, at least; a quick answer waits for it.
    min_break_s : float
        A break cannot be ended earlier.
    rating_timeout_s : float
        A scale not answered by then is stored as timed out.
    scale_order : str
        ``fixed``: as listed. ``random``: drawn for every trial. ``counterbalanced``: one order for each participant,
        all orders equally often.
    n_attention_checks : int
        Trials after which a check asks for a given number.
    has_familiarity_pass : bool
        At the end, ask of every picture shown whether it was known and what it brings up.
    n_clips : int
        Videos and sounds of the transfer block after the pictures (METHODS 2: 12); 0 for none. The model never learns
        from them: they show whether it holds for more than pictures.
    clip_s : float
        A longer clip is ended after so many seconds.
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
    conditions: tuple[Condition, ...] = CONDITIONS
    repeat_distance: int = 1
    n_pleasant_end: int = 1
    picture_order: PictureOrder = "random"
    blank_s: tuple[float, float] = (0.0, 0.0)
    min_onset_gap_s: float = 0.0
    min_break_s: float = 0.0
    scale_order: ScaleOrder = "fixed"
    n_attention_checks: int = 0
    has_familiarity_pass: bool = False
    n_clips: int = 0
    clip_s: float = 30.0

    @property
    def n_pictures(self) -> int:
        """Number of different analysed pictures."""
        return self.n_per_condition * len(self.conditions)

    @property
    def n_repeats(self) -> int:
        """Number of pictures shown a second time."""
        return round(self.n_pictures * self.repeat_share)

    @property
    def n_trials(self) -> int:
        """Number of analysed trials, repeats included."""
        return self.n_pictures + self.n_repeats

    @property
    def all_scales(self) -> tuple[Scale, ...]:
        """Scales of the trials and of the familiarity pass."""
        return self.scales + (FAMILIARITY if self.has_familiarity_pass else ())

    @property
    def order_rules(self) -> OrderRules:
        """What the order of classes has to keep."""
        ends = self.n_pleasant_end if "positive" in self.conditions else 0
        return OrderRules(self.n_blocks, self.max_run, self.repeat_distance, ends)


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
        Ids in the order in which they are asked; of affective sliders on one screen, from top to bottom.
    check : int or None
        Step that an attention check asks for after the ratings.
    kind : str
        ``image``; ``video`` or ``audio`` in the transfer block, where ``picture_s`` is the clip's length.
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
    blank_s: float = 0.0
    check: int | None = None
    kind: StimulusKind = "image"

    @property
    def is_clip(self) -> bool:
        """Whether something moves or sounds."""
        return self.kind != "image"


@dataclass(frozen=True)
class SessionPlan:
    """The resolved session: everything that is shown, in order.

    Parameters
    ----------
    familiarity : tuple of str
        Stimulus ids of the familiarity pass; empty without one.
    familiarity_scales : tuple of str
        Scales that it asks of every picture.
    min_onset_gap_s, min_break_s : float
        As in the protocol.
    """

    baselines: tuple[Baseline, ...] = ()
    practice: tuple[Trial, ...] = ()
    blocks: tuple[tuple[Trial, ...], ...] = field(default=())
    familiarity: tuple[str, ...] = ()
    familiarity_scales: tuple[str, ...] = ()
    min_onset_gap_s: float = 0.0
    min_break_s: float = 0.0

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Analysed trials of all blocks, in order."""
        return tuple(t for block in self.blocks for t in block)


@dataclass(frozen=True)
class Place:
    """A participant's place in the counterbalancing.

    Parameters
    ----------
    rank : int
        How many participants came before.
    study_seed : int
        Of the study: the same for all its participants.
    """

    rank: int = 0
    study_seed: int = 0


def expand(protocol: Protocol, stimuli: StimulusSet, seed: int, place: Place = Place()) -> SessionPlan:
    """Resolve a protocol into trials; the same arguments give the same plan.

    Parameters
    ----------
    seed : int
        Of this run: order, jitter, and what is not counterbalanced.
    place : Place
        Decides what is counterbalanced.

    Raises
    ------
    ProtocolError
        If there are too few pictures of a class, or no order keeps the constraints.
    """
    rng = np.random.default_rng(seed)
    chosen, spare = _choose(protocol, stimuli, rng, place)
    order = order_classes(protocol.conditions, protocol.n_per_condition, protocol.n_repeats, protocol.order_rules, rng)
    shown = _fill(order, chosen, protocol, rng, place)
    checks = _draw_checks(protocol, rng)
    first_of = {second: first for first, second in order.repeats}
    scales = _ScaleOrders(protocol, rng, place)
    trials = iter(
        _trial(protocol, rng, k + 1, stimulus, scales, _number_of(first_of.get(k)), checks.get(k))
        for k, stimulus in enumerate(shown)
    )
    blocks = tuple(
        tuple(replace(next(trials), block=b) for _ in block) for b, block in enumerate(order.blocks, start=1)
    )
    practice = tuple(
        replace(_trial(protocol, rng, i + 1, stimulus, scales, None, None), is_practice=True)
        for i, stimulus in enumerate(_draw_practice(protocol, stimuli, chosen, spare, rng))
    )
    clips = _transfer_block(protocol, stimuli, len(shown), scales, rng)
    has_pass = protocol.has_familiarity_pass
    return SessionPlan(
        baselines=_baselines(protocol),
        practice=practice,
        blocks=(*blocks, *((clips,) if clips else ())),
        familiarity=_familiarity(shown, rng) if has_pass else (),
        familiarity_scales=tuple(s.id for s in FAMILIARITY) if has_pass else (),
        min_onset_gap_s=protocol.min_onset_gap_s,
        min_break_s=protocol.min_break_s,
    )


def _number_of(place: int | None) -> int | None:
    return None if place is None else place + 1


def _choose(
    protocol: Protocol, stimuli: StimulusSet, rng: np.random.Generator, place: Place
) -> tuple[dict[Condition, list[Stimulus]], list[Stimulus]]:
    """Draw the pictures of every class, and keep the others for practice."""
    draw = rng if protocol.picture_order == "random" else np.random.default_rng([abs(place.study_seed), 3])
    usable = [s for s in stimuli.in_use if s.kind == "image" and (protocol.include_sensitive or not s.sensitive)]
    chosen: dict[Condition, list[Stimulus]] = {}
    spare: list[Stimulus] = []
    for condition in protocol.conditions:
        pool = [s for s in usable if s.condition == condition]
        if len(pool) < protocol.n_per_condition:
            raise ProtocolError(
                f"The protocol asks for {protocol.n_per_condition} {condition} pictures and the set has {len(pool)}; "
                "import more pictures or lower n_per_condition in study.toml."
            )
        order = draw.permutation(len(pool))
        chosen[condition] = [pool[i] for i in order[: protocol.n_per_condition]]
        spare.extend(pool[i] for i in order[protocol.n_per_condition :])
    return chosen, spare


def _draw_practice(
    protocol: Protocol,
    stimuli: StimulusSet,
    chosen: dict[Condition, list[Stimulus]],
    spare: list[Stimulus],
    rng: np.random.Generator,
) -> list[Stimulus]:
    """Draw practice pictures: what the session leaves over, else others of the set, its own only if there is none.

    A picture that was practised is no longer new, and a matched subset leaves nothing over: then pictures that did not
    get into it, or classes that are not shown, serve.
    """
    analysed = [s for pool in chosen.values() for s in pool]
    pool = list(spare)
    if len(pool) < protocol.n_practice:
        taken = {s.id for s in (*analysed, *spare)}
        pool += [s for s in stimuli.stimuli if s.id not in taken and _may_be_practised(s, protocol)]
    pool = pool or analysed
    picks: list[int] = []
    while len(picks) < protocol.n_practice:
        n = min(len(pool), protocol.n_practice - len(picks))
        picks += [int(k) for k in rng.choice(len(pool), size=n, replace=False)]
    return [pool[k] for k in picks]


def _may_be_practised(stimulus: Stimulus, protocol: Protocol) -> bool:
    is_allowed = protocol.include_sensitive or not stimulus.sensitive
    return stimulus.kind == "image" and is_allowed and stimulus.excluded in ("", NOT_IN_SUBSET)


def _fill(
    order: ClassOrder,
    chosen: dict[Condition, list[Stimulus]],
    protocol: Protocol,
    rng: np.random.Generator,
    place: Place,
) -> list[Stimulus]:
    """Give every place of the order its picture."""
    first_of = {second: first for first, second in order.repeats}
    queues = {c: iter(_rotated(pool, order, c, protocol, rng, place)) for c, pool in chosen.items()}
    shown: list[Stimulus] = []
    for k, condition in enumerate(order.classes):
        shown.append(shown[first_of[k]] if k in first_of else next(queues[condition]))
    return shown


def _rotated(
    pool: list[Stimulus],
    order: ClassOrder,
    condition: Condition,
    protocol: Protocol,
    rng: np.random.Generator,
    place: Place,
) -> list[Stimulus]:
    """Order one class's pictures; counterbalanced ones move on with every participant and mix inside their block.

    The step from one participant to the next is about one block's worth of pictures and shares no divisor with
    their number: over as many participants as pictures, each picture stands in every place once.
    """
    if protocol.picture_order == "random":
        return pool
    n = len(pool)
    step = next(s for s in range(max(1, round(n / protocol.n_blocks)), 2 * n + 2) if gcd(s, n) == 1)
    start = place.rank * step % n
    turned = pool[start:] + pool[:start]
    seconds = {second for _, second in order.repeats}
    mixed: list[Stimulus] = []
    first = 0
    for block in order.blocks:
        news = sum(c == condition and k not in seconds for k, c in enumerate(block, start=first))
        first += len(block)
        part = turned[len(mixed) : len(mixed) + news]
        mixed.extend(part[int(i)] for i in rng.permutation(len(part)))
    return mixed


def _draw_checks(protocol: Protocol, rng: np.random.Generator) -> dict[int, int]:
    """Draw after which trials (from 0) attention is checked, one in each equal part of the session, and the steps."""
    n, n_checks = protocol.n_trials, min(protocol.n_attention_checks, protocol.n_trials)
    edges = np.linspace(0, n, n_checks + 1).astype(int)
    return {int(rng.integers(edges[k], edges[k + 1])): int(rng.choice(_CHECK_STEPS)) for k in range(n_checks)}


def _transfer_block(
    protocol: Protocol, stimuli: StimulusSet, n_before: int, scales: "_ScaleOrders", rng: np.random.Generator
) -> tuple[Trial, ...]:
    """Videos and sounds after the pictures, as trials of a block of their own."""
    clips = draw_clips(
        stimuli, protocol.conditions, protocol.n_clips, protocol.order_rules, rng, protocol.include_sensitive
    )
    return tuple(
        replace(
            _trial(protocol, rng, number, clip, scales, None, None),
            block=protocol.n_blocks + 1,
            picture_s=protocol.clip_s if clip.duration_s is None else min(clip.duration_s, protocol.clip_s),
            kind=clip.kind,
        )
        for number, clip in enumerate(clips, start=n_before + 1)
    )


def _familiarity(shown: Sequence[Stimulus], rng: np.random.Generator) -> tuple[str, ...]:
    """Shuffle the pictures shown, a pleasant one last."""
    unique = list({s.id: s for s in shown}.values())
    mixed = [unique[int(k)] for k in rng.permutation(len(unique))]
    last = next((k for k in reversed(range(len(mixed))) if mixed[k].condition == "positive"), None)
    if last is not None:
        mixed.append(mixed.pop(last))
    return tuple(s.id for s in mixed)


def _baselines(protocol: Protocol) -> tuple[Baseline, ...]:
    wanted: tuple[tuple[BaselineKind, float], ...] = (
        ("eyes-open", protocol.baseline_open_s),
        ("eyes-closed", protocol.baseline_closed_s),
    )
    return tuple(Baseline(kind, seconds) for kind, seconds in wanted if seconds > 0)


class _ScaleOrders:
    """In which order scales are asked, trial after trial.

    Affective sliders that stand side by side in the protocol share a screen and move together; their vertical order is
    drawn anew for every trial (Betella & Verschure 2016).
    """

    def __init__(self, protocol: Protocol, rng: np.random.Generator, place: Place) -> None:
        self._order, self._rng = protocol.scale_order, rng
        self._groups = scale_groups(protocol.scales)
        if self._order == "counterbalanced":
            orders = balanced_orders(len(self._groups))
            start = int(np.random.default_rng([abs(place.study_seed), 11]).integers(len(orders)))
            chosen = orders[(start + place.rank) % len(orders)]
            self._groups = tuple(self._groups[k] for k in chosen)

    def draw(self) -> tuple[str, ...]:
        groups = list(self._groups)
        if self._order == "random":
            groups = [groups[int(k)] for k in self._rng.permutation(len(groups))]
        ids: list[str] = []
        for group in groups:
            inside = self._rng.permutation(len(group)) if len(group) > 1 else range(len(group))
            ids.extend(group[int(k)].id for k in inside)
        return tuple(ids)


def scale_groups(scales: Sequence[Scale]) -> tuple[tuple[Scale, ...], ...]:
    """Put scales together that share a screen: neighbouring affective sliders; every other scale stands alone."""
    groups: list[tuple[Scale, ...]] = []
    for is_affective, several in groupby(scales, key=lambda s: s.kind == "affective-slider"):
        together = tuple(several)
        groups.extend([together] if is_affective else [(s,) for s in together])
    return tuple(groups)


def balanced_orders(n: int) -> tuple[tuple[int, ...], ...]:
    """Orders of ``n`` things, to be taken in turn: all of them up to 3, else a balanced Latin square (Williams 1949).

    Over one round every thing stands in every place equally often and follows every other equally often.
    """
    if n <= 3:
        return tuple(permutations(range(n)))
    first = [(n - k // 2) % n if k % 2 == 0 else (k + 1) // 2 for k in range(n)]
    rows = [tuple((x + shift) % n for x in first) for shift in range(n)]
    if n % 2:
        rows += [tuple(reversed(row)) for row in rows]
    return tuple(rows)


def _trial(
    protocol: Protocol,
    rng: np.random.Generator,
    number: int,
    stimulus: Stimulus,
    scales: _ScaleOrders,
    repeat_of: int | None,
    check: int | None,
) -> Trial:
    return Trial(
        number=number,
        block=0,
        stimulus_id=stimulus.id,
        condition=stimulus.condition,
        fixation_s=float(rng.uniform(*protocol.fixation_s)),
        picture_s=protocol.picture_s,
        iti_s=float(rng.uniform(*protocol.iti_s)),
        scales=scales.draw(),
        repeat_of=repeat_of,
        blank_s=float(rng.uniform(*protocol.blank_s)),
        check=check,
    )
