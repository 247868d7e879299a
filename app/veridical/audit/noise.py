"""How much of the session could be used at all?"""

from collections import Counter

import numpy as np

from veridical.audit.context import AuditContext
from veridical.audit.verdict import DAMAGED_SHARE
from veridical.audit.wording import percent
from veridical.domain.chart import Chart, Series
from veridical.domain.evaluation import Finding

THREAT = "noise"
CAUTION_SHARE = 0.25


def lost_share(context: AuditContext) -> float:
    """Share of the presented trials that marks, artifacts or gaps took away, 0 to 1."""
    kept = np.asarray(context.problem.kept, dtype=bool)
    return float(1.0 - kept.mean()) if len(kept) else 1.0


def check(context: AuditContext) -> Finding:
    """Count the trials lost, with the commonest reason."""
    share = lost_share(context)
    n = len(context.trials)
    kept = np.asarray(context.problem.kept, dtype=bool)
    reasons = Counter(reason for reason, is_kept in zip(context.reasons, kept, strict=True) if reason and not is_kept)
    evidence = {"n_presented": float(n), "n_lost": float(n - int(kept.sum())), "lost_share": share}
    commonest = f"; the commonest reason: {reasons.most_common(1)[0][0]}" if reasons else ""
    summary = f"{n - int(kept.sum())} of {n} presented trials ({percent(share)}) could not be used{commonest}."
    remedy = "Look at the dropped trials on the Annotate page, and mend electrodes before the next session."
    chart = _chart(reasons, int(kept.sum()))
    if share > DAMAGED_SHARE:
        return Finding(THREAT, "fail", evidence, summary, remedy, chart)
    if share > CAUTION_SHARE:
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
