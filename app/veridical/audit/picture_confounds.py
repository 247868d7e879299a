"""Would brightness, colours or another plain property of the pictures explain it?"""

import numpy as np

from veridical.audit.artifact_bias import family_evidence
from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.families import PICTURES
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words, sentence
from veridical.domain.chart import score_chart
from veridical.domain.evaluation import Finding
from veridical.domain.image_statistics import STATISTIC_WORDS

THREAT = PICTURES
REMEDY = "Draw a matched subset on the Study page, so that the classes look alike, and record with it."


def strongest_difference(context: AuditContext) -> tuple[str, float]:
    """Statistic whose class means differ most, and by how many standard deviations; empty if none is known."""
    pictures, classes = context.pictures, context.classes
    if pictures is None:
        return "", 0.0
    best, size = "", 0.0
    for name, column in zip(pictures.statistic_names, pictures.statistics.T, strict=True):
        low, high = (column[(classes == side) & np.isfinite(column)] for side in (-1, 1))
        if len(low) < 2 or len(high) < 2:
            continue
        spread = float(np.sqrt((low.var(ddof=1) + high.var(ddof=1)) / 2))
        difference = abs(float(high.mean() - low.mean())) / spread if spread > 0 else 0.0
        if difference > abs(size):
            best, size = name, difference
    return best, size


def check(context: AuditContext) -> Finding:
    """Try the pictures' statistics and normative arousal alone, and the model without what is above chance."""
    results = [f for f in context.families if f.name.startswith(THREAT)]
    measured = [f for f in results if f.alone is not None]
    if not measured:
        why = results[0].problem.rstrip(".") if results else "it was not run"
        remedy = "Import the pictures with `veridical stimuli import`, which measures them."
        return Finding(THREAT, "not enough data", {}, f"The pictures could not be compared: {why}.", remedy)
    worst = max(measured, key=_harm)
    name, size = strongest_difference(context)
    evidence = family_evidence(worst) | {"largest_class_difference_sd": size}
    for f in measured:
        if f.alone is not None:
            ending = "statistics" if f.name == THREAT else "norm_arousal"
            evidence |= {f"auc_{ending}": f.alone.auc, f"p_{ending}": f.alone.p_value}
    chart = score_chart(
        [("the model", context.validation.auc, None, True)]
        + [(f"{f.words} alone", f.alone.auc, None, False) for f in measured if f.alone is not None]
        + [(f"the model without {f.words}", f.after.auc, None, True) for f in measured if f.after is not None],
        "AUC",
    )
    assert worst.alone is not None  # `measured` holds no other
    most = f"; the classes differ most in {STATISTIC_WORDS.get(name, name)} ({size:.1f} SD)" if name else ""
    alone = f"{worst.words} alone reach an AUC of {worst.alone.auc:.2f} ({p_words(worst.alone.p_value)}){most}"
    if worst.alone.p_value >= ALPHA:
        return Finding(THREAT, "pass", evidence, f"{sentence(alone)}: too little to explain the model.", "", chart)
    if worst.after is None:
        if context.validation.p_value >= ALPHA:
            summary = f"{sentence(alone)}; the model itself is not above chance, so nothing needs explaining."
            return Finding(THREAT, "caution", evidence, summary, REMEDY, chart)
        summary = f"{sentence(alone)}; the model without them could not be tried: {worst.problem}"
        return Finding(THREAT, "not enough data", evidence, summary, REMEDY, chart)
    if worst.after.p_value >= ALPHA:
        summary = f"{sentence(alone)}, and without them the effect is gone ({p_words(worst.after.p_value)})."
        return Finding(THREAT, "fail", evidence, summary, REMEDY, chart)
    summary = f"{sentence(alone)}, and the effect stays when they are taken out ({p_words(worst.after.p_value)})."
    return Finding(THREAT, "caution", evidence, summary, REMEDY, chart)


def _harm(result: FamilyResult) -> tuple[float, float]:
    """First by the p after its regression, then by its own p."""
    after = -1.0 if result.after is None else result.after.p_value
    return after, -1.0 if result.alone is None else -result.alone.p_value
