"""Does a stated 70 % come true in 70 % of trials?"""

import numpy as np

from veridical.audit.context import AuditContext
from veridical.audit.wording import percent
from veridical.domain.arrays import FloatArray
from veridical.domain.chart import Chart, Series, series
from veridical.domain.evaluation import Finding

THREAT = "calibration of probabilities"
# A perfect model shows an expected calibration error of .10 at 72 trials [METHODS 6].
MIN_TRIALS = 200
N_BINS = 8
LARGE_ERROR = 0.10
_DRAWS = 400
_SHARES = (1.0, 0.75, 0.5, 0.25)


def expected_calibration_error(probabilities: FloatArray, truth: FloatArray, n_bins: int = N_BINS) -> float:
    """Mean absolute gap between stated and observed share over bins of equal numbers of trials (Naeini et al. 2015)."""
    order = np.argsort(probabilities, kind="stable")
    bins = [b for b in np.array_split(order, n_bins) if len(b)]
    gaps = [abs(float(probabilities[b].mean() - truth[b].mean())) * len(b) for b in bins]
    return sum(gaps) / len(order)


def perfect_error95(probabilities: FloatArray, seed: int = 0) -> float:
    """Error that a model whose probabilities are all true stays below in 95 % of such sessions."""
    rng = np.random.default_rng(seed)
    draws = rng.random((_DRAWS, len(probabilities))) < probabilities
    return float(np.quantile([expected_calibration_error(probabilities, d.astype(float)) for d in draws], 0.95))


def abstention(probabilities: FloatArray, truth: FloatArray) -> dict[float, float]:
    """Accuracy when only the surest share of the trials is answered."""
    surest = np.argsort(-np.abs(probabilities - 0.5), kind="stable")
    right = (probabilities > 0.5) == (truth > 0.5)
    return {share: float(right[surest[: max(1, round(share * len(right)))]].mean()) for share in _SHARES}


def check(context: AuditContext) -> Finding:
    """Brier score against the class shares, calibration error, reliability and abstention curves."""
    v = context.validation
    labels = np.asarray(v.labels)
    stated = np.asarray(v.probabilities, dtype=float)
    if len(stated) != len(labels):
        return Finding(THREAT, "not enough data", {}, "The model states no probabilities.")
    used = (labels != 0) & np.isfinite(stated)
    p, truth = stated[used], (labels[used] > 0).astype(float)
    if not len(p):
        return Finding(THREAT, "not enough data", {}, "No trial has a probability and an answer.")
    share = float(truth.mean())
    base = share * (1 - share)
    error = expected_calibration_error(p, truth)
    evidence = {"n_trials": float(len(p)), "brier": v.brier, "brier_of_class_shares": base}
    evidence["expected_calibration_error"] = error
    evidence["perfect_error95"] = perfect_error95(p, context.seed)
    curve = abstention(p, truth)
    evidence |= {f"accuracy_of_surest_{100 * s:.0f}": a for s, a in curve.items()}
    chart = _chart(p, truth)
    words = f"The Brier score is {v.brier:.2f}, where knowing only the class shares gives {base:.2f}"
    remedy = "Use the class, not the stated probability, and record more trials."
    if len(p) < MIN_TRIALS:
        summary = f"{words}; whether a stated 70 % comes true takes {MIN_TRIALS} labelled trials, here are {len(p)}."
        return Finding(THREAT, "not enough data", evidence, summary, "Pool sessions of this participant.", chart)
    words = f"{words}; stated and observed shares differ by {percent(error)} on average"
    if error > max(LARGE_ERROR, evidence["perfect_error95"]):
        return Finding(THREAT, "fail", evidence, f"{words}: the probabilities do not come true.", remedy, chart)
    if error > evidence["perfect_error95"] or v.brier >= base:
        return Finding(THREAT, "caution", evidence, f"{words}: the probabilities say little.", remedy, chart)
    return Finding(THREAT, "pass", evidence, f"{words}: what would be expected of true ones.", "", chart)


def _chart(p: FloatArray, truth: FloatArray) -> Chart:
    n_bins = min(N_BINS, max(2, len(p) // 10))
    bins = [b for b in np.array_split(np.argsort(p, kind="stable"), n_bins) if len(b)]
    stated, seen = [float(p[b].mean()) for b in bins], [float(truth[b].mean()) for b in bins]
    told = "; ".join(f"stated {a:.2f}, seen {b:.2f}" for a, b in zip(stated, seen, strict=True))
    return Chart(
        x_label="Stated probability",
        y_label="Share that came true",
        series=(
            Series("perfect", (0.0, 1.0), (0.0, 1.0), "line"),
            series("this model", stated, seen, "points", is_model=True),
        ),
        alt=f"Reliability curve of {len(p)} trials in {len(bins)} groups: {told}.",
    )
