"""Could guessing have done as well?"""

from scipy.stats import binom

from veridical.audit.context import AuditContext
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words, percent
from veridical.domain.evaluation import Finding

THREAT = "chance"


def binomial_threshold(n_trials: int) -> float:
    """Smallest accuracy that a fair coin exceeds or meets in at most 5 % of ``n_trials`` trials.

    A floor, not the test: validated trials are not independent (METHODS 5.5: 40 trials 65 %, 100 trials 59 %).
    """
    return float((binom.ppf(1 - ALPHA, n_trials, 0.5) + 1) / n_trials)


def check(context: AuditContext) -> Finding:
    """Compare with permuted and circularly shifted ratings; both must say no to guessing."""
    v = context.validation
    evidence = {
        "n_trials": float(v.n_trials),
        "balanced_accuracy": v.balanced_accuracy,
        "interval95_low": v.interval95[0],
        "interval95_high": v.interval95[1],
        "chance95": v.chance95,
        "binomial95": binomial_threshold(v.n_trials),
        "majority_class": 0.5,
        "auc": v.auc,
        "p_free": v.p_free,
        "p_circular": v.p_circular,
        "p_value": v.p_value,
        "n_labelings": float(len(v.null)),
    }
    words = (
        f"In new trials the model got {percent(v.balanced_accuracy)} right (95 % interval "
        f"{percent(v.interval95[0])} to {percent(v.interval95[1])}; guessing stays below {percent(v.chance95)})"
    )
    if v.p_value < ALPHA:
        return Finding(THREAT, "pass", evidence, f"{words}; shuffled ratings rarely do as well ({p_words(v.p_value)}).")
    if v.interval95[1] < context.analysis.smallest_effect:
        remedy = "Do not use this model. Check signal quality on the Annotate page, or plan another measure."
        return Finding(
            THREAT, "fail", evidence, f"{words}; shuffled ratings do as well ({p_words(v.p_value)}).", remedy
        )
    return Finding(
        THREAT,
        "not enough data",
        evidence,
        f"{words}; that may be luck ({p_words(v.p_value)}), and the interval still holds effects of interest.",
        "Record the number of trials that the check on too little data names, planned beforehand.",
    )
