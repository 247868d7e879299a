"""Did the model learn its training trials by heart? The only place where training accuracy is shown."""

import numpy as np

from veridical.audit.context import AuditContext
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import percent
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Finding, Fold, Validation
from veridical.domain.progress import Work
from veridical.learning.validation import validate_problem

THREAT = "overfitting"
# A model with more numbers per trial than trials fits its training trials almost perfectly; beyond this gap the
# training score says nothing at all about new trials.
LARGE_GAP = 0.25
# METHODS 5.7: per-participant affect from physiology is realistic at .55 to .65.
SUSPICIOUS = 0.75
# What shuffled folds add on top of blocked ones is time, not feeling: on drifting null data they find "effects" in
# .99 of sessions where blocked folds find .05 to .09 [measured; METHODS 5.4].
LARGE_LEAK = 0.10


def validate_shuffled(context: AuditContext) -> Work[Validation | None]:
    """Score the model on shuffled folds without embargo, as a naive validation does; None if that cannot be done.

    Only the score is wanted, so no permutation is drawn.
    """
    rng = np.random.default_rng(context.seed)
    rows = rng.permutation(np.flatnonzero(context.problem.kept))
    blocks = [np.sort(b) for b in np.array_split(rows, max(2, min(context.validation.folds, len(rows))))]
    folds = [Fold(np.setdiff1d(rows, test), test) for test in blocks]
    try:
        shuffled = yield from validate_problem(context.problem, 1, context.seed, folds, draws_null=False)
    except AnalysisError:
        return None
    return shuffled


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
    leak = 0.0
    if context.shuffled is not None:
        leak = context.shuffled.balanced_accuracy - v.balanced_accuracy
        evidence |= {"shuffled_balanced_accuracy": context.shuffled.balanced_accuracy, "leakage_gap": leak}
    words = (
        f"The model is right in {percent(v.train_balanced_accuracy)} of the trials it was trained on and in "
        f"{percent(v.balanced_accuracy)} of those it never saw"
    )
    if v.p_value >= ALPHA and gap > LARGE_GAP:
        summary = f"{words}: it learned its training trials by heart."
        return Finding(THREAT, "fail", evidence, summary, "Record more trials, or use the interpretable features.")
    if leak > LARGE_LEAK:
        summary = f"{words}; shuffled folds would have claimed {percent(v.balanced_accuracy + leak)} by leaks in time."
        remedy = "Never report a shuffled cross-validation of these data; keep the blocked one of this report."
        return Finding(THREAT, "caution", evidence, summary, remedy)
    if v.balanced_accuracy > SUSPICIOUS:
        summary = f"{words}; above {percent(SUSPICIOUS)} is more than affective pictures usually allow."
        remedy = "Look for a leak before believing it: muscle or eye artifacts, cues in the pictures, a wrong label."
        return Finding(THREAT, "caution", evidence, summary, remedy)
    if gap > LARGE_GAP:
        # Every model with more numbers per trial than trials shows this gap; the validated score has paid for it.
        return Finding(THREAT, "pass", evidence, f"{words}; only the second number counts, and it is the headline.")
    return Finding(THREAT, "pass", evidence, f"{words}; the gap is small.")
