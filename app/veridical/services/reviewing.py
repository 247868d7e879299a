"""A rater's pace and constancy, and tries that are no trainings."""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from veridical.domain.agreement import LabelAgreement, compare
from veridical.domain.participant import RunKey
from veridical.domain.review import segments_again
from veridical.services.study import Study
from veridical.storage.annotation_file import Act, read_annotation_journal
from veridical.storage.ledger import Analysis, EntryKind, append_analysis, read_ledger

# A rater who is away for longer was not deciding.
_LONGEST_DECISION_S = 60.0
_N_RECENT = 60


def pace_of(acts: Sequence[Act]) -> float | None:
    """Seconds that a rater usually takes from one decision to the next; None before five of them."""
    times = [datetime.fromisoformat(a.utc) for a in acts[-_N_RECENT:] if a.utc]
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    usual = [g for g in gaps if 0 < g <= _LONGEST_DECISION_S]
    return statistics.median(usual) if len(usual) >= 5 else None


def enter_try(ledger: Path, kind: EntryKind, words: str) -> None:
    """Count an unblinding, or marks that changed after their lock, as one more try in the participant's ledger."""
    append_analysis(
        ledger,
        Analysis(
            number=len(read_ledger(ledger)) + 1,
            utc=datetime.now(UTC).isoformat(),
            target="",
            label_rule="midpoint",
            pipeline="evoked",
            seed=0,
            is_primary=False,
            n_trials=0,
            balanced_accuracy=0.0,
            p_value=1.0,
            headline=words,
            recordings=(),
            model="",
            kind=kind,
        ),
    )


def agreement_again(study: Study, key: RunKey, rater: str, length_s: float) -> tuple[LabelAgreement, ...]:
    """How far a rater agrees with themselves in the stretches that were shown a second time; empty if none were."""
    path = study.paths.annotation_again(key, rater)
    if not path.exists():
        return ()
    first = read_annotation_journal(study.paths.annotation_journal(key, rater)).annotations.annotations
    second = read_annotation_journal(path).annotations.annotations
    return compare(first, second, segments_again(length_s, f"{rater} {key.stem}"))
