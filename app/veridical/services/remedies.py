"""What the program can do about findings: mark trials, leave out channels, or lead to who can do more.

What to mark is chosen without a look at ratings or model: outliers of the artifact indices, and channels whose signal
looks poor. Choosing by what the model gets wrong would make any model look good.
"""

from collections.abc import Sequence

import numpy as np

from veridical.audit.analysis_freedom import false_positive_rate
from veridical.audit.wording import count, percent
from veridical.domain.evaluation import Finding
from veridical.domain.participant import RunKey
from veridical.domain.remedy import AUDIT_RATER, MarkedSpan, Remedy, RemedyKind
from veridical.reports.content import RecordingFacts
from veridical.services.trial_grid import TrialGrid

# Robust standard deviations above the median from which a trial's artifact index is an outlier (Leys et al. 2013
# recommend 2.5 to 3 median absolute deviations).
OUTLYING = 3.0
_MAD_TO_SD = 1.4826
# A remedy that would throw away more than this takes the session away, not the artifact.
_MOST_TRIALS = 0.5
_RECORD = {"chance", "too little data", "generalisation", "state mismatch", "calibration of probabilities"}
_MATCH = {"picture confounds", "other rating"}


def remedies_of(
    findings: Sequence[Finding],
    grid: TrialGrid,
    keys: Sequence[RunKey],
    facts: Sequence[RecordingFacts],
    n_analyses: int,
) -> tuple[Remedy, ...]:
    """Offer a remedy for every finding that the program can do something about.

    Parameters
    ----------
    keys, facts : sequence
        Of the runs that take part, in the grid's order.
    n_analyses : int
        Analyses in the ledger by now; the next one is one more.
    """
    offered: list[Remedy] = []
    for finding in findings:
        if finding.verdict == "pass":
            continue
        if finding.threat == "artifact bias" and finding.verdict != "not enough data":
            offered.append(_mark_outliers(grid, keys, n_analyses))
        elif finding.threat == "noise":
            offered.append(_leave_out(facts, n_analyses))
        elif finding.threat in _RECORD:
            offered.append(_lead(finding.threat, "record", "Record the next planned block", n_analyses))
        elif finding.threat in _MATCH and finding.verdict != "not enough data":
            offered.append(_lead(finding.threat, "match pictures", "Choose matched pictures", n_analyses))
    return tuple(offered)


def _next_words(n_analyses: int) -> str:
    """What one more analysis costs."""
    number = n_analyses + 1
    return (
        f"the training after it is analysis {number} of this participant and exploratory: the best of {number} is "
        f"below .05 on null data in about {percent(false_positive_rate(number))} of cases"
    )


def _lead(threat: str, kind: RemedyKind, button: str, n_analyses: int) -> Remedy:
    what = {
        "record": "Costs another look at the data",
        "match pictures": "Costs a new recording with these pictures",
        "annotate": "Costs the time to look through the recording",
    }[kind]
    return Remedy(threat, kind, button, f"{what}; {_next_words(n_analyses)}.")


def _mark_outliers(grid: TrialGrid, keys: Sequence[RunKey], n_analyses: int) -> Remedy:
    """Mark kept trials with an outlying artifact index; where there are none, a rater has to look."""
    rows = outlying_trials(grid)
    n_kept = int(np.sum(grid.kept))
    if not len(rows) or len(rows) > _MOST_TRIALS * n_kept:
        return _lead("artifact bias", "annotate", "Look at the recording", n_analyses)
    start_s, stop_s = grid.window_s
    spans = tuple(
        MarkedSpan(keys[int(grid.runs[i])], grid.trials[i].onset_s + start_s, stop_s - start_s, "muscle") for i in rows
    )
    cost = f"Costs {count(len(rows), 'trial')} of {n_kept}; {_next_words(n_analyses)}. The marks can be taken back on "
    return Remedy(
        "artifact bias",
        "mark trials",
        f"Mark {count(len(rows), 'trial')} and train again",
        f"{cost}the Annotate page, where they stand under the rater '{AUDIT_RATER}'.",
        spans,
    )


def outlying_trials(grid: TrialGrid) -> list[int]:
    """Kept trials of which an artifact index lies far above its median; no rating is looked at."""
    kept = np.flatnonzero(np.asarray(grid.kept, dtype=bool))
    names = np.array([name != "marked" for name in grid.artifact_names], dtype=bool)
    values = np.asarray(grid.artifacts, dtype=float)[np.ix_(kept, np.flatnonzero(names))]
    if not values.size:
        return []
    middle = np.median(values, axis=0)
    spread = _MAD_TO_SD * np.median(np.abs(values - middle), axis=0)
    heights = np.where(spread > 0, (values - middle) / np.where(spread > 0, spread, 1.0), 0.0)
    # Over so many indices one outlier is chance; a burst shows in several neighbouring channels, eyes in one index.
    is_muscle = np.array([n.startswith("muscle ") for n in grid.artifact_names if n != "marked"], dtype=bool)
    wanted = max(1, round(0.1 * int(is_muscle.sum())))
    n_high = (heights[:, is_muscle] > OUTLYING).sum(axis=1)
    outlying = (n_high >= wanted) | (heights[:, ~is_muscle] > OUTLYING).any(axis=1)
    return [int(i) for i in kept[outlying]]


def _leave_out(facts: Sequence[RecordingFacts], n_analyses: int) -> Remedy:
    """Leave out the channels that look poor, in every run; where none does, a rater has to look."""
    poor = {run.key: [label for s in run.streams for label in s.poor] for run in facts}
    labels = list(dict.fromkeys(label for found in poor.values() for label in found))
    n_channels = max((sum(s.n_channels for s in run.streams if s.nominal_hz > 0) for run in facts), default=0)
    if not labels or len(labels) >= n_channels / 2:
        return _lead("noise", "annotate", "Look at the dropped trials", n_analyses)
    spans = tuple(MarkedSpan(run.key, 0.0, run.seconds, "other", tuple(labels)) for run in facts)
    told = ", ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")
    cost = f"Costs {count(len(labels), 'channel')} ({told}) in all recordings; {_next_words(n_analyses)}."
    return Remedy("noise", "leave out channels", f"Leave out {count(len(labels), 'channel')}", cost, spans)
