"""Were there enough trials to find an effect worth finding?"""

from math import ceil, sqrt

from scipy.stats import norm

from veridical.audit.context import AuditContext
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import percent
from veridical.domain.evaluation import Finding

THREAT = "too little data"
# Cross-validated scores scatter more than independent trials do: half-widths x 1.45 cover as promised
# [measured; METHODS 5.5].
CROSS_VALIDATION_INFLATION = 1.45
WANTED_POWER = 0.80
FEW_TRIALS = 60


def power(balanced_accuracy: float, n_trials: int) -> float:
    """Approximate the chance of p < .05 at a true balanced accuracy.

    Normal approximation of the binomial with its standard deviation widened by 1.45 for cross-validation. At .68
    and 100 trials it gives .81, where simulating the whole validation gave .85 and the plain binomial says .98
    [METHODS 5.5]; it errs on the cautious side.

    Parameters
    ----------
    balanced_accuracy : float
        True value, 0 to 1.
    n_trials : int
        Labelled trials, classes about equally large.
    """
    if n_trials < 1:
        return 0.0
    spread_chance = CROSS_VALIDATION_INFLATION * sqrt(0.25 / n_trials)
    spread = CROSS_VALIDATION_INFLATION * sqrt(max(balanced_accuracy * (1 - balanced_accuracy), 1e-9) / n_trials)
    return float(norm.cdf((balanced_accuracy - 0.5 - norm.ppf(1 - ALPHA) * spread_chance) / spread))


def trials_needed(balanced_accuracy: float, wanted_power: float = WANTED_POWER) -> int | None:
    """Solve ``power`` for the number of trials; None at or below chance."""
    if balanced_accuracy <= 0.5:
        return None
    above = (
        float(norm.ppf(wanted_power)) * sqrt(balanced_accuracy * (1 - balanced_accuracy))
        + float(norm.ppf(1 - ALPHA)) * 0.5
    )
    return ceil((CROSS_VALIDATION_INFLATION * above / (balanced_accuracy - 0.5)) ** 2)


def check(context: AuditContext) -> Finding:
    """Give the power for the smallest effect of interest and for the effect seen, and the trials that would do."""
    v, smallest = context.validation, context.analysis.smallest_effect
    here = power(smallest, v.n_trials)
    needed = trials_needed(smallest)
    needed_for_seen = trials_needed(v.balanced_accuracy)
    evidence = {
        "n_trials": float(v.n_trials),
        "smallest_effect": smallest,
        "power_at_smallest_effect": here,
        "power_at_effect_seen": power(v.balanced_accuracy, v.n_trials),
    }
    if needed is not None:
        evidence["trials_for_smallest_effect"] = float(needed)
    if needed_for_seen is not None:
        evidence["trials_for_effect_seen"] = float(needed_for_seen)
    words = f"With {v.n_trials} labelled trials a true {percent(smallest)} is found in {percent(here)} of sessions"
    if v.p_value < ALPHA:
        if v.n_trials < FEW_TRIALS:
            return Finding(
                THREAT,
                "caution",
                evidence,
                f"{words}; an effect found with so few trials usually looks larger than it is.",
                f"Confirm it with at least {FEW_TRIALS} labelled trials before building on it.",
            )
        return Finding(THREAT, "pass", evidence, f"{words}; the effect seen was large enough for this number.")
    if here >= WANTED_POWER:
        return Finding(THREAT, "pass", evidence, f"{words}; more trials are not what is missing.")
    remedy = "Plan more trials." if needed is None else f"Plan about {needed} labelled trials before recording again."
    return Finding(THREAT, "not enough data", evidence, f"{words}, so finding nothing says little.", remedy)
