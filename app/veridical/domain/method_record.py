"""How a suggestion method did against a rater."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from veridical.domain.annotation import Annotation, Suggestion
from veridical.domain.spans import union


@dataclass(frozen=True)
class MethodRecord:
    """Decisions on one method's suggestions.

    Parameters
    ----------
    n_accepted, n_rejected, n_open : int
    n_marks, n_found : int
        The rater's marks with a label that the method knows, and those of them that one of its suggestions touches.
    """

    method: str
    n_accepted: int
    n_rejected: int
    n_open: int
    n_marks: int
    n_found: int

    @property
    def precision(self) -> float | None:
        """Share of the decided suggestions that were accepted; None before a decision."""
        decided = self.n_accepted + self.n_rejected
        return self.n_accepted / decided if decided else None

    @property
    def recall(self) -> float | None:
        """Share of the rater's marks that the method had found; None without such marks."""
        return self.n_found / self.n_marks if self.n_marks else None


def judge_methods(
    suggestions: Sequence[Suggestion],
    accepted: Collection[Suggestion],
    rejected: Collection[Suggestion],
    marks: Sequence[Annotation],
) -> tuple[MethodRecord, ...]:
    """Judge every method that suggested something, in the order of their names.

    Recall is against what the rater marked, by whatever way; it means little before all of the recording was looked at.
    """
    known = dict.fromkeys((*suggestions, *accepted, *rejected))
    records = []
    for method in sorted({s.method for s in known}):
        own = [s for s in known if s.method == method]
        labels = {s.label for s in own}
        time = union((s.onset_s, s.onset_s + s.duration_s) for s in own)
        starts, stops = [start for start, _ in time], [stop for _, stop in time]
        asked = [m for m in marks if m.label in labels]
        # The first span that ends after the mark's onset is the only one to ask.
        places = [bisect_right(stops, m.onset_s) for m in asked]
        is_found = [k < len(time) and starts[k] < m.stop_s for k, m in zip(places, asked, strict=True)]
        n_accepted, n_rejected = sum(s in accepted for s in own), sum(s in rejected for s in own)
        records.append(
            MethodRecord(
                method,
                n_accepted,
                n_rejected,
                len(own) - n_accepted - n_rejected,
                len(asked),
                sum(is_found),
            )
        )
    return tuple(records)
