"""Did ratings and signals merely drift together over the session?"""

import numpy as np
from scipy.stats import spearmanr

from veridical.audit.artifact_bias import family_evidence
from veridical.audit.context import AuditContext
from veridical.audit.families import TIME
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words
from veridical.domain.evaluation import Finding

THREAT = TIME
# With r between rating and time of .5 to .66, circular shifts alone gave .06 to .23 false positives [measured;
# METHODS 5.4]; from here on the drift is worth a word although the headline has it regressed out.
STRONG_DRIFT = 0.5


def halves(context: AuditContext) -> dict[str, float]:
    """Mean AUC of the folds in the first and in the second half of the session; empty where a half has none."""
    scores = np.asarray(context.validation.fold_scores, dtype=float)
    early, late = (s[np.isfinite(s)] for s in np.array_split(scores, 2))
    if not len(early) or not len(late):
        return {}
    return {
        "auc_first_half": float(early.mean()),
        "auc_second_half": float(late.mean()),
        "n_folds_first_half": float(len(early)),
        "n_folds_second_half": float(len(late)),
    }


def check(context: AuditContext) -> Finding:
    """Correlate rating and trial index, and try the trial index alone."""
    ratings = np.asarray(context.problem.ratings, dtype=float)
    answered = np.isfinite(ratings)
    evidence: dict[str, float] = {"n_answered": float(answered.sum())} | halves(context)
    r, p = float("nan"), float("nan")
    if answered.sum() >= 3 and np.ptp(ratings[answered]) > 0:
        result = spearmanr(np.flatnonzero(answered), ratings[answered])
        r, p = float(result[0]), float(result[1])
        evidence |= {"rank_correlation": r, "p_rank_correlation": p}
    family = context.family(THREAT)
    if family is None or family.alone is None:
        why = family.problem if family is not None else "it was not run"
        return Finding(THREAT, "not enough data", evidence, f"Time on task could not be measured: {why}.")
    evidence |= family_evidence(family)
    alone = (
        f"The trial number alone predicts the {context.target} rating with an AUC of {family.alone.auc:.2f} "
        f"({p_words(family.alone.p_value)})"
    )
    if family.after is not None and family.alone.p_value < ALPHA and family.after.p_value >= ALPHA:
        if context.validation.p_value < ALPHA:
            remedy = "Mix the classes more evenly over the session and give longer breaks."
            return Finding(THREAT, "fail", evidence, f"{alone}, and without it the effect is gone.", remedy)
        return Finding(THREAT, "caution", evidence, f"{alone}; the model without it is not above chance.")
    if family.alone.p_value < ALPHA or abs(r) >= STRONG_DRIFT:
        summary = f"{alone}: ratings drifted over the session. The headline has this drift taken out inside the folds."
        remedy = "Mix the classes more evenly over the session and give longer breaks."
        return Finding(THREAT, "caution", evidence, summary, remedy)
    return Finding(THREAT, "pass", evidence, f"{alone}; the headline has drift taken out anyway.")
