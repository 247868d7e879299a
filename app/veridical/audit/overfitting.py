"""Did the model learn its training trials by heart? The only place where training accuracy is shown."""

from veridical.audit.context import AuditContext
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import percent
from veridical.domain.evaluation import Finding

THREAT = "overfitting"
# A model with more numbers per trial than trials fits its training trials almost perfectly; beyond this gap the
# training score says nothing at all about new trials.
LARGE_GAP = 0.25
# METHODS 5.7: per-participant affect from physiology is realistic at .55 to .65.
SUSPICIOUS = 0.75


def check(context: AuditContext) -> Finding:
    """Compare training and validated balanced accuracy."""
    v = context.validation
    gap = v.train_balanced_accuracy - v.balanced_accuracy
    evidence = {
        "train_balanced_accuracy": v.train_balanced_accuracy,
        "balanced_accuracy": v.balanced_accuracy,
        "gap": gap,
        "n_trials": float(v.n_trials),
        "n_features": float(context.problem.features.shape[1]),
    }
    words = (
        f"The model is right in {percent(v.train_balanced_accuracy)} of the trials it was trained on and in "
        f"{percent(v.balanced_accuracy)} of those it never saw"
    )
    if v.p_value >= ALPHA and gap > LARGE_GAP:
        summary = f"{words}: it learned its training trials by heart."
        return Finding(THREAT, "fail", evidence, summary, "Record more trials, or use the interpretable features.")
    if v.balanced_accuracy > SUSPICIOUS:
        summary = f"{words}; above {percent(SUSPICIOUS)} is more than affective pictures usually allow."
        remedy = "Look for a leak before believing it: muscle or eye artifacts, cues in the pictures, a wrong label."
        return Finding(THREAT, "caution", evidence, summary, remedy)
    if gap > LARGE_GAP:
        summary = f"{words}; only the second number counts, and it is the one in the headline."
        return Finding(THREAT, "caution", evidence, summary, "More trials narrow this gap.")
    return Finding(THREAT, "pass", evidence, f"{words}; the gap is small.")
