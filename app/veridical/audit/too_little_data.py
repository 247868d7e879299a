"""Were there enough trials to find an effect worth finding?"""

from math import ceil

import numpy as np
from scipy.optimize import curve_fit

from veridical.audit.context import AuditContext, CurvePoint
from veridical.audit.measuring import try_validation
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import percent
from veridical.domain.arrays import FloatArray
from veridical.domain.chart import Chart, series
from veridical.domain.evaluation import Finding, Fold
from veridical.domain.progress import Work
from veridical.learning.power import power_table
from veridical.learning.splits import outer_folds

THREAT = "too little data"
WANTED_POWER = 0.80
FEW_TRIALS = 60
# Training trials that the learning curve tries, as shares of those the folds have; several draws of each, because
# one draw of half the trials scatters more than the curve rises.
_SHARES = (0.4, 0.55, 0.7, 0.85)
_N_DRAWS = 2
# A curve that would gain less than this with ten times the trials is flat.
_FLAT_GAIN = 0.02


def measure_curve(context: AuditContext) -> Work[tuple[CurvePoint, ...]]:
    """Score the model on its own folds with fewer training trials; empty where that cannot be done.

    Trials are drawn at random from each fold's training trials (seeded), so that early and late ones stay mixed.
    """
    folds = outer_folds(context.problem)
    rng = np.random.default_rng([abs(context.seed), 11])
    points: list[CurvePoint] = []
    for share in _SHARES:
        scores: list[tuple[float, float]] = []
        n_train = float(np.mean([len(f.train) for f in folds])) * share if folds else 0.0
        for _ in range(_N_DRAWS):
            fewer = [
                Fold(np.sort(rng.choice(f.train, max(1, round(share * len(f.train))), replace=False)), f.test)
                for f in folds
            ]
            validation, _words = yield from try_validation(context.problem, fewer, context.seed)
            if validation is not None:
                scores.append((validation.auc, validation.balanced_accuracy))
        if scores:
            points.append(CurvePoint(n_train, *np.mean(scores, axis=0).tolist()))
    if folds:
        everything = float(np.mean([len(f.train) for f in folds]))
        points.append(CurvePoint(everything, context.validation.auc, context.validation.balanced_accuracy))
    return tuple(points)


def fit_curve(n: FloatArray, score: FloatArray) -> tuple[float, float, float] | None:
    """Fit ``a - b n^-c`` (Cortes et al. 1994; METHODS 6); None if the points do not determine it.

    ``a`` lies between chance and 1, ``c`` between 0.2 and 2.
    """
    if len(n) < 4:
        return None
    try:
        found, _ = curve_fit(
            lambda x, a, b, c: a - b * x**-c,
            n,
            score,
            p0=(max(0.55, float(score.max())), 1.0, 0.5),
            bounds=([0.0, 0.0, 0.2], [1.0, 50.0, 2.0]),
            maxfev=5000,
        )
    except (RuntimeError, ValueError):
        return None
    return float(found[0]), float(found[1]), float(found[2])


def power(balanced_accuracy: float, n_trials: int) -> float:
    """Return the chance of p < .05 at a true balanced accuracy: the whole validation, simulated (``learning.power``).

    Parameters
    ----------
    balanced_accuracy : float
        True value, 0 to 1.
    n_trials : int
        Labelled trials, classes about equally large.
    """
    return 0.0 if n_trials < 1 else power_table().at(balanced_accuracy, n_trials)


def trials_needed(balanced_accuracy: float, wanted_power: float = WANTED_POWER) -> int | None:
    """Return the number of trials with that power; None at or below chance, or if 5000 would not do."""
    return power_table().trials_for(balanced_accuracy, wanted_power)


def _curve_words(context: AuditContext, evidence: dict[str, float]) -> str:
    """What more trials would bring, by the learning curve; adds its numbers to ``evidence``."""
    points = context.curve
    n = np.array([p.n_train for p in points])
    score = np.array([p.balanced_accuracy for p in points])
    found = fit_curve(n, score) if len(points) else None
    evidence |= {f"balanced_accuracy_learned_from_{p.n_train:.0f}": p.balanced_accuracy for p in points}
    if found is None:
        return ""
    a, b, c = found
    evidence |= {"curve_a": a, "curve_b": b, "curve_c": c}
    now = a - b * n[-1] ** -c
    target = context.analysis.smallest_effect
    gain = b * n[-1] ** -c - b * (10 * n[-1]) ** -c
    evidence["curve_gain_with_ten_times_the_trials"] = gain
    if now >= target:
        return ""
    if a <= target or gain < _FLAT_GAIN:
        return "; the learning curve is flat: more trials won't help this model"
    needed = (b / (a - target)) ** (1 / c) * context.validation.n_trials / n[-1]
    evidence["curve_trials_to_smallest_effect"] = float(needed)
    if needed > 10 * context.validation.n_trials:
        return "; by the learning curve ten times as many trials would not reach it"
    return f"; by the learning curve about {ceil(needed)} labelled trials would reach {percent(target)}"


def _chart(context: AuditContext) -> Chart | None:
    if not context.curve:
        return None
    n, score = [p.n_train for p in context.curve], [p.balanced_accuracy for p in context.curve]
    told = "; ".join(f"{a:.0f} trials {b:.2f}" for a, b in zip(n, score, strict=True))
    return Chart(
        x_label="Training trials",
        y_label="Balanced accuracy",
        series=(series("this model", n, score, "line", is_model=True), series("", n, score, is_model=True)),
        alt=f"Learning curve, balanced accuracy against training trials: {told}.",
        reference=0.5,
        reference_words="guessing",
    )


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
    curve = _curve_words(context, evidence)
    chart = _chart(context)
    words = f"With {v.n_trials} labelled trials a true {percent(smallest)} is found in {percent(here)} of sessions"
    if v.p_value < ALPHA:
        if v.n_trials < FEW_TRIALS:
            return Finding(
                THREAT,
                "caution",
                evidence,
                f"{words}; an effect found with so few trials usually looks larger than it is.",
                f"Confirm it with at least {FEW_TRIALS} labelled trials before building on it.",
                chart,
            )
        summary = f"{words}; the effect seen was large enough for this number."
        return Finding(THREAT, "pass", evidence, summary, "", chart)
    if here >= WANTED_POWER:
        return Finding(THREAT, "pass", evidence, f"{words}; more trials are not what is missing{curve}.", "", chart)
    remedy = "Plan more trials." if needed is None else f"Plan about {needed} labelled trials before recording again."
    summary = f"{words}, so finding nothing says little{curve}."
    return Finding(THREAT, "not enough data", evidence, summary, remedy, chart)
