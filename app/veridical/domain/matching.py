"""Matched subsets: as many stimuli of every class, as alike as the set allows in all but valence.

A model that tells negative from positive pictures may read arousal or the pictures' pixels instead: in OASIS normative
arousal alone separates happy from neutral with an AUC of .81. Where the classes have the same means, it cannot.
Imbalance is a standardised mean difference (SMD; Rosenbaum & Rubin 1985): below 0.1 it is commonly taken for balanced
(Austin 2009), above 0.25 for too large to be corrected afterwards (Stuart 2010).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from veridical.domain.arrays import FloatArray, IntArray
from veridical.domain.errors import StimulusError
from veridical.domain.image_statistics import STATISTIC_NAMES, STATISTIC_WORDS
from veridical.domain.progress import Progress, Work, finish
from veridical.domain.stimulus import CONDITIONS, Condition, Stimulus

BALANCED_SMD = 0.1
LARGE_SMD = 0.25
NOT_IN_SUBSET = "not in the matched subset"

AROUSAL = "arousal"
_N_STARTS = 12
# A fifth of what counts as balanced: going further takes long and tells no model anything less.
_ENOUGH_SMD = 0.02
# Where not everything can be balanced, arousal comes first: it is what a model of valence is most easily mistaken for.
_AROUSAL_WEIGHT = 2.0
# More exchanges than this are sampled: the best of 30 000 is as good as the best of all.
_MAX_EXCHANGES = 30_000


@dataclass(frozen=True)
class Imbalance:
    """One covariate's standardised mean differences, one per pair of classes.

    Parameters
    ----------
    name : str
        ``arousal`` or a picture statistic.
    before : tuple of float
        Over all candidates.
    after : tuple of float
        Within the subset; divided by the same standard deviation as before (pooled within the classes of the
        candidates), so that a subset cannot look balanced by being more varied.
    """

    name: str
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def words(self) -> str:
        """What people call the covariate."""
        return STATISTIC_WORDS.get(self.name, self.name)

    @property
    def worst_before(self) -> float:
        """Largest absolute difference of any two classes, before."""
        return max(abs(d) for d in self.before)

    @property
    def worst_after(self) -> float:
        """Largest absolute difference of any two classes, in the subset."""
        return max(abs(d) for d in self.after)


@dataclass(frozen=True)
class MatchedSubset:
    """Which stimuli were drawn and how alike the classes are.

    Parameters
    ----------
    ids : tuple of str
        Drawn stimuli in the order of their table.
    n_candidates : mapping
        Stimuli of each class that could have been drawn.
    n_left_out : int
        Stimuli that could not be drawn because a norm or a statistic is missing.
    pairs : tuple of (str, str)
        Pairs of classes, in the order of every ``Imbalance``.
    """

    ids: tuple[str, ...]
    n_per_class: int
    seed: int
    n_candidates: Mapping[Condition, int]
    n_left_out: int
    pairs: tuple[tuple[Condition, Condition], ...]
    imbalances: tuple[Imbalance, ...]

    @property
    def worst_before(self) -> float:
        """Largest imbalance of all covariates before."""
        return max((i.worst_before for i in self.imbalances), default=0.0)

    @property
    def worst_after(self) -> float:
        """Largest imbalance of all covariates in the subset."""
        return max((i.worst_after for i in self.imbalances), default=0.0)


def draw_matched_subset(
    stimuli: Sequence[Stimulus], n_per_class: int, seed: int, classes: Sequence[Condition] = CONDITIONS
) -> MatchedSubset:
    """Draw ``n_per_class`` stimuli of each class, matched on arousal and picture statistics (takes seconds)."""
    return finish(match_work(stimuli, n_per_class, seed, classes))


def match_work(
    stimuli: Sequence[Stimulus], n_per_class: int, seed: int, classes: Sequence[Condition] = CONDITIONS
) -> Work[MatchedSubset]:
    """Draw a matched subset as long work; the same arguments give the same subset.

    Random subsets are improved by exchanging one stimulus for another of its class for as long as that lowers the
    imbalance; of several such starts the one whose worst imbalance is smallest is taken, so that the result is never
    worse than any of the random draws. An imbalance of arousal counts double.

    Parameters
    ----------
    stimuli : sequence of Stimulus
        Candidates, in table order; those without a norm (or, if any has statistics, without statistics) are left out.
    classes : sequence of str
        At least two of ``CONDITIONS``.

    Raises
    ------
    StimulusError
        If a class has fewer than ``n_per_class`` candidates.
    """
    candidates = _complete(stimuli, classes)
    pools = [np.array([k for k, s in enumerate(candidates) if s.condition == c], dtype=np.intp) for c in classes]
    _check(n_per_class, classes, pools)
    names, values = _covariates(candidates)
    scaled = _standardise(values, pools)
    weighted = scaled * np.where(np.array(names) == AROUSAL, _AROUSAL_WEIGHT, 1.0)
    rng = np.random.default_rng(seed)
    best: list[FloatArray] = []
    best_worst = np.inf
    for start in range(_N_STARTS):
        yield Progress(start, _N_STARTS, "Drawing a matched subset")
        drawn = [_random_mask(len(pool), n_per_class, rng) for pool in pools]
        for masks in (drawn, _improve(weighted, pools, drawn, rng)):
            worst = _worst(weighted, pools, masks)
            if worst < best_worst:
                best, best_worst = masks, worst
        if best_worst < _ENOUGH_SMD:
            break
    kept = {candidates[int(k)].id for pool, mask in zip(pools, best, strict=True) for k in pool[mask.astype(bool)]}
    before = _differences(scaled, pools, [np.ones(len(p)) for p in pools])
    after = _differences(scaled, pools, best)
    return MatchedSubset(
        ids=tuple(s.id for s in candidates if s.id in kept),
        n_per_class=n_per_class,
        seed=seed,
        n_candidates={c: len(p) for c, p in zip(classes, pools, strict=True)},
        n_left_out=sum(s.condition in classes for s in stimuli) - sum(len(p) for p in pools),
        pairs=tuple(combinations(classes, 2)),
        imbalances=tuple(
            Imbalance(name, tuple(map(float, before[:, k])), tuple(map(float, after[:, k])))
            for k, name in enumerate(names)
        ),
    )


def _complete(stimuli: Sequence[Stimulus], classes: Sequence[Condition]) -> list[Stimulus]:
    normed = [
        s for s in stimuli if s.condition in classes and s.valence_mean is not None and s.arousal_mean is not None
    ]
    measured = [s for s in normed if s.statistics is not None]
    return measured or normed


def _check(n_per_class: int, classes: Sequence[Condition], pools: Sequence[IntArray]) -> None:
    if len(set(classes)) < 2:
        raise StimulusError("A matched subset needs at least two classes; choose two or three.")
    if n_per_class < 1:
        raise StimulusError("A matched subset needs at least one stimulus of each class; ask for 1 or more.")
    for condition, pool in zip(classes, pools, strict=True):
        if len(pool) < n_per_class:
            raise StimulusError(
                f"{n_per_class} {condition} stimuli were asked for and {len(pool)} can be drawn; ask for fewer, import "
                "more, or let sensitive or excluded ones take part."
            )


def _covariates(candidates: Sequence[Stimulus]) -> tuple[tuple[str, ...], FloatArray]:
    """Names and values, shape (n_candidates, n_covariates)."""
    arousal = np.array([[s.arousal_unit] for s in candidates])
    if any(s.statistics is None for s in candidates):
        return (AROUSAL,), arousal
    measured = np.array([[float(getattr(s.statistics, name)) for name in STATISTIC_NAMES] for s in candidates])
    # Sizes of files are spread over orders of magnitude.
    sizes = STATISTIC_NAMES.index("file_bytes")
    measured[:, sizes] = np.log(np.maximum(measured[:, sizes], 1))
    return (AROUSAL, *STATISTIC_NAMES), np.hstack([arousal, measured])


def _standardise(values: FloatArray, pools: Sequence[IntArray]) -> FloatArray:
    """Divide by the standard deviation pooled within classes; what does not vary becomes 0."""
    squares = np.zeros(values.shape[1])
    for pool in pools:
        squares += ((values[pool] - values[pool].mean(axis=0)) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / max(1, sum(len(p) for p in pools) - len(pools)))
    # Classes without any spread within them: their difference has no unit, so take the whole set's.
    deviation = np.where(deviation > 1e-12, deviation, values.std(axis=0))
    scaled: FloatArray = (values - values.mean(axis=0)) / np.where(deviation > 1e-12, deviation, np.inf)
    return scaled


def _random_mask(n: int, n_chosen: int, rng: np.random.Generator) -> FloatArray:
    mask = np.zeros(n)
    mask[rng.permutation(n)[:n_chosen]] = 1.0
    return mask


def _means(scaled: FloatArray, pools: Sequence[IntArray], masks: Sequence[FloatArray]) -> FloatArray:
    return np.array([mask @ scaled[pool] / mask.sum() for pool, mask in zip(pools, masks, strict=True)])


def _differences(scaled: FloatArray, pools: Sequence[IntArray], masks: Sequence[FloatArray]) -> FloatArray:
    """Differences of class means, shape (n_pairs, n_covariates)."""
    means = _means(scaled, pools, masks)
    return np.array([means[a] - means[b] for a, b in combinations(range(len(pools)), 2)])


def _worst(scaled: FloatArray, pools: Sequence[IntArray], masks: Sequence[FloatArray]) -> float:
    return float(np.abs(_differences(scaled, pools, masks)).max())


def _improve(
    scaled: FloatArray, pools: Sequence[IntArray], start: Sequence[FloatArray], rng: np.random.Generator
) -> list[FloatArray]:
    """Exchange stimuli within classes, the best exchange first, until none helps or enough is reached."""
    masks = [m.copy() for m in start]
    idle = 0
    turn = 0
    while idle < len(pools) and _worst(scaled, pools, masks) >= _ENOUGH_SMD:
        exchange = _best_exchange(scaled, pools, masks, turn, rng)
        if exchange is None:
            idle += 1
        else:
            idle = 0
            masks[turn][exchange[0]], masks[turn][exchange[1]] = 0.0, 1.0
        turn = (turn + 1) % len(pools)
    return masks


def _best_exchange(
    scaled: FloatArray, pools: Sequence[IntArray], masks: Sequence[FloatArray], c: int, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Find the exchange within class ``c`` that lowers the cost most; None if none lowers it."""
    inside, outside = np.flatnonzero(masks[c] > 0), np.flatnonzero(masks[c] == 0)
    if not len(outside):
        return None
    if len(inside) * len(outside) > _MAX_EXCHANGES:
        n_outside = max(1, _MAX_EXCHANGES // len(inside))
        outside = np.sort(rng.permutation(outside)[:n_outside])
    values = scaled[pools[c]]
    means = _means(scaled, pools, masks)
    step = (values[outside][None, :, :] - values[inside][:, None, :]) / len(inside)
    cost = np.zeros(step.shape[:2])
    now = 0.0
    for other in range(len(pools)):
        if other != c:
            gap = means[c] - means[other]
            cost += _raise(step + gap).sum(axis=2)
            now += float(_raise(gap).sum())
    best = int(np.argmin(cost))
    # Rounding must not let two exchanges undo each other for ever.
    if cost.flat[best] >= now * (1 - 1e-9):
        return None
    row, column = divmod(best, len(outside))
    return int(inside[row]), int(outside[column])


def _raise(difference: FloatArray) -> FloatArray:
    """Sixth power: its sum follows the largest term, but unlike the maximum still falls when another term does."""
    square = difference * difference
    return square * square * square
