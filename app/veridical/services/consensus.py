"""Two raters and more: how far they agree, and one set of marks that names its sources."""

from dataclasses import dataclass
from itertools import combinations

from veridical.domain.agreement import (
    LabelAgreement,
    alpha_of,
    compare,
    find_disagreements,
    time_of,
)
from veridical.domain.annotation import Annotation, AnnotationSet, Suggestion
from veridical.domain.participant import RunKey
from veridical.domain.spans import Spans, common
from veridical.services.study import Study
from veridical.storage.annotation_file import read_annotation_journal

# The rater's name under which agreed and resolved marks are kept.
CONSENSUS = "consensus"


@dataclass(frozen=True)
class RaterPair:
    """Two raters and their agreement, for any mark first, then label by label."""

    one: str
    other: str
    labels: tuple[LabelAgreement, ...]


@dataclass(frozen=True)
class RaterAgreement:
    """Agreement of all raters of a recording.

    Parameters
    ----------
    alpha : tuple of (label, float or None)
        Krippendorff's alpha over all raters, "" for any mark; None where it is not defined.
    """

    raters: tuple[str, ...]
    pairs: tuple[RaterPair, ...]
    alpha: tuple[tuple[str, float | None], ...]


def compare_raters(raters: dict[str, AnnotationSet], length_s: float) -> RaterAgreement:
    """Compare raters who looked at all of a recording."""
    within = ((0.0, length_s),)
    marks = {name: one.annotations for name, one in raters.items()}
    labels = sorted({m.label for own in marks.values() for m in own})
    return RaterAgreement(
        raters=tuple(raters),
        pairs=tuple(RaterPair(a, b, compare(marks[a], marks[b], within, labels)) for a, b in combinations(marks, 2)),
        alpha=tuple((label, alpha_of(tuple(marks.values()), within, label)) for label in ("", *labels)),
    )


def rated_sets(study: Study, key: RunKey) -> dict[str, AnnotationSet]:
    """The marks of every rater of a run, by name, without the consensus."""
    return {
        rater: read_annotation_journal(study.paths.annotation_journal(key, rater)).annotations
        for rater in study.raters(key)
        if rater != CONSENSUS
    }


def agreed_marks(study: Study, key: RunKey) -> AnnotationSet:
    """What all raters marked with the same label, as marks that name them, and the channels that all found bad."""
    raters = rated_sets(study, key)
    if len(raters) < 2:
        return AnnotationSet()
    sets = list(raters.values())
    found: list[Annotation] = []
    end = max((m.stop_s for one in sets for m in one.annotations), default=0.0)
    for label in sorted({m.label for one in sets for m in one.annotations}):
        shared: Spans = ((0.0, end),)
        for one in sets:
            shared = common(shared, time_of(one.annotations, label, ((0.0, end),)))
        for start, stop in shared:
            source = f"agreed:{'+'.join(raters)}"
            channels = _channels(sets, label, start, stop)
            found.append(Annotation(start, stop - start, label, channels, "", source))
    bad = set.intersection(*(set(one.bad_channels) for one in sets))
    return AnnotationSet(tuple(sorted(found)), tuple(sorted(bad)))


def open_disagreements(study: Study, key: RunKey, length_s: float) -> tuple[Suggestion, ...]:
    """Stretches on which raters differ, as suggestions: to accept one is to side with those who marked it."""
    raters = rated_sets(study, key)
    if len(raters) < 2:
        return ()
    marks = {name: one.annotations for name, one in raters.items()}
    found = []
    for d in find_disagreements(marks, length_s):
        sets = [raters[name] for name in d.by]
        found.append(
            Suggestion(
                d.start_s,
                d.stop_s - d.start_s,
                d.label,
                _channels(sets, d.label, d.start_s, d.stop_s),
                f"only {'+'.join(d.by)}",
                len(d.by) / len(marks),
                f"{' and '.join(d.by)} marked it, {' and '.join(d.not_by)} did not",
            )
        )
    return tuple(found)


def _channels(sets: list[AnnotationSet], label: str, start_s: float, stop_s: float) -> tuple[str, ...]:
    """Channels that any of the raters put the label on there; empty if one of them meant all."""
    touching = [m for one in sets for m in one.touching(start_s, stop_s) if m.label == label]
    if any(not m.channels for m in touching):
        return ()
    return tuple(dict.fromkeys(c for m in touching for c in m.channels))
