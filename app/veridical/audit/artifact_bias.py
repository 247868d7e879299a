"""Does the model read muscle, eyes and movement instead of feeling?"""

import numpy as np
from scipy.stats import fisher_exact

from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.families import ARTIFACTS
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words, percent, sentence
from veridical.domain.evaluation import Finding

THREAT = ARTIFACTS
REMEDY = (
    "Mark laughter and movement on the Annotate page and train again; ask the participant to sit still, "
    "and reckon with smiles on pleasant pictures."
)


def marked_per_class(context: AuditContext) -> dict[str, float]:
    """Shares of marked trials among the low and the high ratings, and Fisher's exact p of their difference.

    Dropped trials count too: an artifact that throws out one class more often than the other is a bias already.
    """
    classes = context.classes
    low = np.asarray(context.is_marked, dtype=bool)[classes == -1]
    high = np.asarray(context.is_marked, dtype=bool)[classes == 1]
    if not len(low) or not len(high):
        return {}
    table = [[int(low.sum()), int((~low).sum())], [int(high.sum()), int((~high).sum())]]
    return {
        "marked_share_low": float(low.mean()),
        "marked_share_high": float(high.mean()),
        "n_low": float(len(low)),
        "n_high": float(len(high)),
        "p_marked": float(fisher_exact(table)[1]),
    }


def strongest_artifact(context: AuditContext) -> tuple[str, float]:
    """Artifact index whose class means differ most, and by how many standard deviations; empty if none is known."""
    kept, classes = np.asarray(context.problem.kept, dtype=bool), context.classes
    best, size = "", 0.0
    for name, column in zip(context.artifact_names, np.asarray(context.artifacts, dtype=float).T, strict=True):
        known = kept & np.isfinite(column)
        low, high = column[known & (classes == -1)], column[known & (classes == 1)]
        if len(low) < 2 or len(high) < 2:
            continue
        spread = float(np.sqrt((low.var(ddof=1) + high.var(ddof=1)) / 2))
        difference = abs(float(high.mean() - low.mean())) / spread if spread > 0 else 0.0
        if difference > size:
            best, size = name, difference
    return _words_of(best), size


def _words_of(index: str) -> str:
    """``muscle activity at T7`` from an index's name."""
    if index.startswith("muscle "):
        return f"muscle activity at {index.removeprefix('muscle ')}"
    return {"marked": "marked artifacts", "eyes": "eye movements", "": ""}.get(index, index)


def family_evidence(result: FamilyResult) -> dict[str, float]:
    """Numbers of a family alone and of the model after its regression."""
    evidence = {"n_columns": float(result.n_columns)}
    for ending, v in (("alone", result.alone), ("after", result.after)):
        if v is not None:
            evidence |= {
                f"auc_{ending}": v.auc,
                f"p_{ending}": v.p_value,
                f"balanced_accuracy_{ending}": v.balanced_accuracy,
                f"interval95_low_{ending}": v.interval95[0],
                f"interval95_high_{ending}": v.interval95[1],
                f"n_{ending}": float(v.n_trials),
            }
    return evidence


def check(context: AuditContext) -> Finding:
    """Compare marks between classes, try the artifact family alone, and the model without it."""
    marks = marked_per_class(context)
    result = context.family(THREAT)
    if result is None or result.alone is None:
        why = result.problem if result is not None else "it was not run"
        return Finding(THREAT, "not enough data", marks, f"Artifacts could not be measured: {why}.", REMEDY)
    name, size = strongest_artifact(context)
    evidence = marks | family_evidence(result) | {"largest_class_difference_sd": size}
    most = f"; the classes differ most in {name} ({size:.1f} SD)" if name else ""
    alone = f"artifact measures alone reach an AUC of {result.alone.auc:.2f} ({p_words(result.alone.p_value)}){most}"
    is_biased = marks.get("p_marked", 1.0) < ALPHA
    if result.after is not None and result.after.p_value >= ALPHA:
        summary = (
            f"This model may be reading muscle, eye or movement activity: without it the effect is gone "
            f"({p_words(result.after.p_value)}); {alone}."
        )
        return Finding(THREAT, "fail", evidence, summary, REMEDY)
    if is_biased:
        low, high = percent(marks["marked_share_low"]), percent(marks["marked_share_high"])
        summary = (
            f"{high} of the trials rated high and {low} of those rated low are marked as artifacts "
            f"({p_words(marks['p_marked'])}); {alone}."
        )
        return Finding(THREAT, "caution", evidence, summary, REMEDY)
    if result.after is not None:
        stays = f"the effect stays when they are taken out ({p_words(result.after.p_value)})"
        if result.alone.p_value < ALPHA:
            return Finding(THREAT, "caution", evidence, f"{sentence(alone)}, and {stays}.", REMEDY)
        return Finding(THREAT, "pass", evidence, f"{sentence(alone)}, and {stays}.")
    if context.validation.p_value < ALPHA:
        summary = f"{sentence(alone)}; the model without them could not be tried: {result.problem}."
        return Finding(THREAT, "not enough data", evidence, summary, REMEDY)
    summary = f"{sentence(alone)}; the model itself is not above chance, so nothing needs explaining."
    if result.alone.p_value < ALPHA:
        return Finding(THREAT, "caution", evidence, summary, REMEDY)
    return Finding(THREAT, "pass", evidence, summary)
