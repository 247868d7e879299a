"""Sets of time as sorted, separate half-open spans in seconds."""

from collections.abc import Iterable

Span = tuple[float, float]
Spans = tuple[Span, ...]


def union(spans: Iterable[Span]) -> Spans:
    """Join spans that overlap or touch; empty ones go."""
    joined: list[Span] = []
    for start, stop in sorted(s for s in spans if s[1] > s[0]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)


def common(one: Spans, other: Spans) -> Spans:
    """Time that is in both; each argument must be a union."""
    found: list[Span] = []
    a = b = 0
    while a < len(one) and b < len(other):
        start, stop = max(one[a][0], other[b][0]), min(one[a][1], other[b][1])
        if stop > start:
            found.append((start, stop))
        if one[a][1] < other[b][1]:
            a += 1
        else:
            b += 1
    return tuple(found)


def outside(spans: Spans, start_s: float, stop_s: float) -> Spans:
    """Time of [start_s, stop_s) that is in none of the spans (a union)."""
    left: list[Span] = []
    reached = start_s
    for start, stop in common(spans, ((start_s, stop_s),)):
        if start > reached:
            left.append((reached, start))
        reached = stop
    if stop_s > reached:
        left.append((reached, stop_s))
    return tuple(left)


def total(spans: Spans) -> float:
    """Seconds in all spans (a union)."""
    return sum(stop - start for start, stop in spans)
