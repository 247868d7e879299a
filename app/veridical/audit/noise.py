"""How much of the session could be used at all?"""

from collections import Counter
from dataclasses import replace

import numpy as np

from veridical.audit.context import AuditContext
from veridical.audit.measuring import try_validation
from veridical.audit.verdict import DAMAGED_SHARE
from veridical.audit.wording import count, percent
from veridical.domain.chart import Chart, Series
from veridical.domain.evaluation import Finding, Validation
from veridical.domain.progress import Work
from veridical.learning.splits import outer_folds

THREAT = "noise"
CAUTION_SHARE = 0.25
# A modality half of whose channels are poor is noise more than signal.
POOR_SHARE = 0.5


def lost_share(context: AuditContext) -> float:
    """Share of the presented trials that marks, artifacts or gaps took away, 0 to 1."""
    kept = np.asarray(context.problem.kept, dtype=bool)
    return float(1.0 - kept.mean()) if len(kept) else 1.0


def measure_everything(context: AuditContext) -> Work[Validation | None]:
    """Score the model with the trials that marks took away; None where there are none, or that cannot be done."""
    kept = np.asarray(context.problem.kept, dtype=bool)
    marked = np.asarray(context.is_marked, dtype=bool) & np.isfinite(context.problem.features).all(axis=1)
    if not (marked & ~kept).any():
        return None
    problem = replace(context.problem, kept=kept | marked)
    validation, _ = yield from try_validation(problem, outer_folds(problem), context.seed)
    return validation


def check(context: AuditContext) -> Finding:
    """Count the trials lost, with the commonest reason, and the channels that look poor."""
    share = lost_share(context)
    n = len(context.trials)
    kept = np.asarray(context.problem.kept, dtype=bool)
    reasons = Counter(reason for reason, is_kept in zip(context.reasons, kept, strict=True) if reason and not is_kept)
    evidence = {"n_presented": float(n), "n_lost": float(n - int(kept.sum())), "lost_share": share}
    commonest = f"; the commonest reason: {reasons.most_common(1)[0][0]}" if reasons else ""
    evidence |= {f"n_poor_{q.modality}": float(q.n_poor) for q in context.quality}
    evidence |= {f"n_channels_{q.modality}": float(q.n_channels) for q in context.quality}
    poor = [q for q in context.quality if q.n_poor]
    told = "".join(f"; {q.n_poor} of {count(q.n_channels, f'{q.modality} channel')} look poor" for q in poor)
    summary = f"{n - int(kept.sum())} of {n} presented trials ({percent(share)}) could not be used{commonest}{told}."
    if context.everything is not None:
        with_marked = context.everything
        evidence |= {
            "auc_clean_trials": context.validation.auc,
            "auc_with_marked_trials": with_marked.auc,
            "balanced_accuracy_with_marked_trials": with_marked.balanced_accuracy,
            "n_with_marked_trials": float(with_marked.n_trials),
        }
        summary = (
            f"{summary[:-1]}; on the clean trials the AUC is {context.validation.auc:.2f}, with the marked ones "
            f"{with_marked.auc:.2f}."
        )
    remedy = "Look at the dropped trials on the Annotate page, and mend electrodes before the next session."
    chart = _chart(reasons, int(kept.sum()))
    if share > DAMAGED_SHARE:
        return Finding(THREAT, "fail", evidence, summary, remedy, chart)
    if share > CAUTION_SHARE or any(q.n_poor > POOR_SHARE * q.n_channels for q in poor):
        return Finding(THREAT, "caution", evidence, summary, remedy, chart)
    return Finding(THREAT, "pass", evidence, summary, "", chart)


def _chart(reasons: Counter[str], n_kept: int) -> Chart:
    told = [("used", n_kept), *reasons.most_common(6)]
    return Chart(
        x_label="",
        y_label="Trials",
        series=tuple(
            Series(words, (float(i),), (float(n),), "bars", is_model=i == 0) for i, (words, n) in enumerate(told)
        ),
        alt="Trials used and lost: " + "; ".join(f"{words} {n}" for words, n in told) + ".",
        categories=tuple(words for words, _ in told),
    )
