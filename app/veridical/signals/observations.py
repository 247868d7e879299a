"""What the operator saw, as suggestions to the rater."""

from collections.abc import Iterable

from veridical.domain.annotation import LABELS, Suggestion
from veridical.domain.event import Event
from veridical.domain.observation import OBSERVATION, OBSERVATIONS

# A key follows what is seen by a second (choice reaction, and a hand that was elsewhere), and a laugh or a word lasts
# about another two: the suggestion is a place to look at, whose ends the rater moves.
BEFORE_S, AFTER_S = 2.0, 1.0
_LABEL_OF = {o.id: o.label for o in OBSERVATIONS}
_WORDS_OF = {o.id: o.words.lower() for o in OBSERVATIONS}


def suggest_observed(events: Iterable[Event], stop_s: float) -> tuple[Suggestion, ...]:
    """Propose a stretch around every observation of the operator; those of one kind that touch become one.

    Parameters
    ----------
    events : iterable of Event
    stop_s : float
        End of the recording, in seconds from its origin.

    Returns
    -------
    tuple of Suggestion
        Sorted by onset; the score is how often the key was pressed.
    """
    spans: dict[str, list[list[float]]] = {}
    for event in sorted(events, key=lambda e: e.onset_s):
        head, _, seen = event.marker.name.partition("/")
        if head != OBSERVATION or not 0 <= event.onset_s <= stop_s + AFTER_S:
            continue
        start, stop = max(0.0, event.onset_s - BEFORE_S), min(stop_s, event.onset_s + AFTER_S)
        known = spans.setdefault(seen, [])
        if known and start <= known[-1][1]:
            known[-1][1] = stop
            known[-1][2] += 1
        elif start < stop:
            known.append([start, stop, 1])
    found = [
        Suggestion(
            start,
            stop - start,
            _LABEL_OF.get(seen, "other"),
            (),
            "operator",
            n,
            f"the operator saw it: {_WORDS_OF.get(seen, seen)}" + (f", {n:.0f} times" if n > 1 else ""),
        )
        for seen, ones in spans.items()
        for start, stop, n in ones
    ]
    assert all(s.label in LABELS for s in found)
    return tuple(sorted(found, key=lambda s: (s.onset_s, s.label)))
