"""How far raters of one recording agree: in time, in events, and for more than two.

Time is continuous: every instant is one unit, so no grid decides the result. Which channels a mark is on does not
enter; a mark on one channel is a mark at that time.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from veridical.domain.annotation import Annotation
from veridical.domain.spans import Spans, common, total, union

# Two events are the same if they share this much of their union (Warby et al. 2014, for sleep spindles).
EVENT_OVERLAP = 0.2
# All labels together: marked by whatever name, or not.
ANY = ""


@dataclass(frozen=True)
class LabelAgreement:
    """Agreement of two raters on one label.

    Parameters
    ----------
    label : str
        ANY for marked by whatever name.
    seconds : tuple of float
        Marked by the first and by the second.
    kappa : float or None
        Cohen's kappa over time; None if neither or both marked everything or nothing, where chance agrees fully.
    iou : float or None
        Time that both marked, of the time that one of them did; None if neither marked.
    n_events : tuple of int
    n_matched : int
    f1 : float or None
        Of events; None if there are none.
    onset_error_s, stop_error_s : float or None
        Median distance of the boundaries of matched events.
    """

    label: str
    seconds: tuple[float, float]
    kappa: float | None
    iou: float | None
    n_events: tuple[int, int]
    n_matched: int
    f1: float | None
    onset_error_s: float | None
    stop_error_s: float | None


@dataclass(frozen=True)
class Disagreement:
    """A stretch that some raters marked with a label and others did not."""

    start_s: float
    stop_s: float
    label: str
    by: tuple[str, ...]
    not_by: tuple[str, ...]


def compare(
    one: Sequence[Annotation], other: Sequence[Annotation], within: Spans, labels: Sequence[str] = ()
) -> tuple[LabelAgreement, ...]:
    """Compare two raters.

    Parameters
    ----------
    within : spans
        The time that both looked at, e.g. ((0, length),); marks are cut to it.
    labels : sequence of str
        Empty for every label that one of them used, after ANY.

    Returns
    -------
    tuple of LabelAgreement
        One for ANY, then one for each label.
    """
    chosen = tuple(labels) or tuple(sorted({m.label for m in (*one, *other)}))
    return tuple(_compare(one, other, within, label) for label in (ANY, *chosen))


def time_of(marks: Sequence[Annotation], label: str, within: Spans) -> Spans:
    """Time under a label's marks (ANY: under any) inside ``within``."""
    return common(union((m.onset_s, m.stop_s) for m in marks if label in (ANY, m.label)), within)


def kappa_of(one_s: float, other_s: float, both_s: float, length_s: float) -> float | None:
    """Cohen's kappa of two raters who say yes or no at every instant (Cohen 1960).

    Parameters
    ----------
    one_s, other_s, both_s, length_s : float
        Seconds marked by the first, by the second, by both, and altogether.

    Returns
    -------
    float or None
        None if chance alone agrees fully.
    """
    if length_s <= 0:
        return None
    a, b = one_s / length_s, other_s / length_s
    agreed = 1 - a - b + 2 * both_s / length_s
    by_chance = a * b + (1 - a) * (1 - b)
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else None


def alpha_of(raters: Sequence[Sequence[Annotation]], within: Spans, label: str = ANY) -> float | None:
    """Krippendorff's alpha of two or more raters, nominal: marked or not at every instant (Krippendorff 1995).

    Every rater judged all of ``within``. The number of units is infinite, so the correction for few of them is gone.

    Returns
    -------
    float or None
        None if nobody marked anything, or everybody everything.
    """
    length_s, n = total(within), len(raters)
    if n < 2 or length_s <= 0:
        return None
    marked = [time_of(marks, label, within) for marks in raters]
    share = sum(total(m) for m in marked) / (n * length_s)
    pairs = list(combinations(marked, 2))
    observed = sum(total(a) + total(b) - 2 * total(common(a, b)) for a, b in pairs) / (len(pairs) * length_s)
    expected = 2 * share * (1 - share)
    return 1 - observed / expected if expected > 1e-12 else None


def match_events(one: Spans, other: Spans, least_overlap: float = EVENT_OVERLAP) -> tuple[tuple[int, int], ...]:
    """Pair events that share at least ``least_overlap`` of their union, the largest overlaps first; each once."""
    overlaps = []
    for a, (start, stop) in enumerate(one):
        for b, (first, last) in enumerate(other):
            both = min(stop, last) - max(start, first)
            if both > 0:
                overlaps.append((both / (max(stop, last) - min(start, first)), a, b))
    pairs: list[tuple[int, int]] = []
    for share, a, b in sorted(overlaps, key=lambda o: (-o[0], o[1], o[2])):
        if share >= least_overlap and all(a != p and b != q for p, q in pairs):
            pairs.append((a, b))
    return tuple(sorted(pairs))


def find_disagreements(raters: Mapping[str, Sequence[Annotation]], length_s: float) -> tuple[Disagreement, ...]:
    """List stretches that only some raters gave a label to, in the order of time.

    A stretch runs over all neighbouring instants whose raters differ in the same way.
    """
    found = []
    everything = ((0.0, length_s),)
    for label in sorted({m.label for marks in raters.values() for m in marks}):
        times = {name: time_of(marks, label, everything) for name, marks in raters.items()}
        edges = sorted({edge for spans in times.values() for span in spans for edge in span})
        for start, stop in pairwise(edges):
            middle = (start + stop) / 2
            by = tuple(n for n, spans in times.items() if any(a <= middle < b for a, b in spans))
            if 0 < len(by) < len(times):
                found.append(Disagreement(start, stop, label, by, tuple(n for n in times if n not in by)))
    return tuple(sorted(found, key=lambda d: (d.start_s, d.label)))


def _compare(one: Sequence[Annotation], other: Sequence[Annotation], within: Spans, label: str) -> LabelAgreement:
    a, b = time_of(one, label, within), time_of(other, label, within)
    both_s, either_s = total(common(a, b)), total(union((*a, *b)))
    pairs = match_events(a, b)
    n_all = len(a) + len(b)
    return LabelAgreement(
        label=label,
        seconds=(total(a), total(b)),
        kappa=kappa_of(total(a), total(b), both_s, total(within)),
        iou=both_s / either_s if either_s > 0 else None,
        n_events=(len(a), len(b)),
        n_matched=len(pairs),
        f1=2 * len(pairs) / n_all if n_all else None,
        onset_error_s=statistics.median(abs(a[p][0] - b[q][0]) for p, q in pairs) if pairs else None,
        stop_error_s=statistics.median(abs(a[p][1] - b[q][1]) for p, q in pairs) if pairs else None,
    )
