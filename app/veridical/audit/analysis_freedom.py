"""How much may trying out have helped?"""

import numpy as np

from veridical.audit.context import AuditContext
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import count, p_words, percent
from veridical.domain.chart import score_chart
from veridical.domain.evaluation import Finding

THREAT = "analysis freedom"
# False positives when the best of so many analyses of null data is reported: variants of label rule, channels and
# marking, which resemble one another [measured; METHODS 5.9].
_TRIED = (1.0, 12.0, 36.0)
_FALSE_POSITIVES = (0.05, 0.24, 0.40)
# The shown variants of the preprocessing should mostly agree with the headline.
AGREEING_SHARE = 0.5


def false_positive_rate(n_analyses: int) -> float:
    """Chance that the best of so many analyses of null data has p < .05, between the measured numbers on a log axis."""
    tried = np.log(max(1, n_analyses))
    return float(np.interp(tried, np.log(_TRIED), _FALSE_POSITIVES))


def check(context: AuditContext) -> Finding:
    """Count analyses and looks, and compare the fixed row of preprocessing variants."""
    v, history = context.validation, context.history
    rate = false_positive_rate(history.analysis)
    corrected = min(1.0, v.p_value * history.analysis)
    evidence = {
        "n_analyses": float(history.analysis),
        "is_primary": float(history.is_primary),
        "n_looks": float(history.n_looks),
        "false_positive_rate": rate,
        "p_value": v.p_value,
        "p_value_bonferroni": corrected,
        "n_variants": float(len(history.sensitivity)),
    }
    evidence |= {f"auc_variant_{i}": variant.auc for i, variant in enumerate(history.sensitivity, 1)}
    evidence |= {f"p_variant_{i}": variant.p_value for i, variant in enumerate(history.sensitivity, 1)}
    rows = [("this analysis", v.auc, None, True)]
    chart = score_chart([*rows, *((s.words, s.auc, None, False) for s in history.sensitivity)], "AUC")
    agreeing = [s for s in history.sensitivity if s.p_value < ALPHA]
    variants = (
        f"; {len(agreeing)} of {count(len(history.sensitivity), 'variant')} of the preprocessing are below .05 as well"
        if history.sensitivity
        else ""
    )
    if history.is_primary and history.n_looks == 1:
        words = f"This analysis was fixed before recording (number {history.analysis} in the ledger){variants}"
        if v.p_value < ALPHA and history.sensitivity and len(agreeing) < AGREEING_SHARE * len(history.sensitivity):
            remedy = "Report the whole row of variants: the effect hangs on how the signals were prepared."
            return Finding(THREAT, "caution", evidence, f"{words}: the effect hangs on it.", remedy, chart)
        return Finding(THREAT, "pass", evidence, f"{words}.", "", chart)
    remedy = "Confirm it on a new recording with the analysis fixed in study.toml beforehand."
    what = "The recordings were analysed before more trials came" if history.is_primary else "This is exploratory"
    words = (
        f"{what}: analysis {history.analysis} on {count(history.n_looks, 'set')} of recordings; the best of so many "
        f"would be below .05 on null data in about {percent(rate)} of cases{variants}"
    )
    if v.p_value < ALPHA and corrected >= ALPHA:
        return Finding(
            THREAT,
            "fail",
            evidence,
            f"{words}; counted {history.analysis} times it is {p_words(corrected)}.",
            remedy,
            chart,
        )
    return Finding(THREAT, "caution", evidence, f"{words}.", remedy, chart)
