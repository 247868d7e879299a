"""How far can the participant's own answers be trusted as the truth to learn?"""

import numpy as np
from scipy.stats import beta, spearmanr

from veridical.audit.context import AuditContext
from veridical.audit.wording import count, percent, sentence
from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import Finding

THREAT = "ground truth"
# Nine pairs of r = .75 ratings gave kappas from -.15 to 1.00 [measured; METHODS 6].
MIN_PAIRS = 24
MISSED_CAUTION = 0.10
SMALL_CLASS = 0.30
STRAIGHT_LINE = 0.60
# Below .61 agreement is no more than moderate (Landis & Koch 1977). In simulation (4000 draws of 28 pairs on 7 steps)
# answers of which 40 % are random lie below it in 97 to 99 of 100 sessions, answers with a true correlation of .75 in
# 13, of .85 in 1.
POOR_KAPPA = 0.60
# Fewer ratings say nothing about agreement with the norms.
_MIN_NORM_PAIRS = 10


def repeat_pairs(context: AuditContext) -> FloatArray:
    """First and second answer to the same picture, shape (n_pairs, 2); pairs with a missing answer are left out.

    ``repeat_of`` counts within one run, or on from the run that broke off and goes on here: then the first showing is
    the newest trial of an earlier run with this number and picture, in a run that begins behind it.
    """
    ratings = np.asarray(context.problem.ratings, dtype=float)
    runs = [int(r) for r in np.asarray(context.problem.runs)]
    sessions = context.sessions or ("",) * len(runs)
    begins = {run: min(t.trial for r, t in zip(runs, context.trials, strict=True) if r == run) for run in set(runs)}
    where: dict[tuple[int, int], int] = {}
    newest: dict[tuple[str, int, str], int] = {}
    pairs: list[tuple[float, float]] = []
    for i, t in enumerate(context.trials):
        if t.repeat_of is not None:
            first = where.get((runs[i], t.repeat_of))
            if first is None and t.repeat_of < begins[runs[i]]:
                first = newest.get((sessions[i], t.repeat_of, t.stimulus_id))
            if first is not None:
                pairs.append((float(ratings[first]), float(ratings[i])))
        where[runs[i], t.trial] = i
        if np.isfinite(ratings[i]):
            newest[sessions[i], t.trial, t.stimulus_id] = i
    array = np.array(pairs, dtype=float).reshape(-1, 2)
    finite: FloatArray = array[np.isfinite(array).all(axis=1)]
    return finite


def _split_of(context: AuditContext) -> float:
    """Where labels part: the midpoint, or the median of all answers under the other rules."""
    ratings = np.asarray(context.problem.ratings, dtype=float)
    answered = ratings[np.isfinite(ratings)]
    is_own = context.problem.label_rule != "midpoint" and len(answered) > 0
    return float(np.median(answered)) if is_own else context.problem.midpoint


def weighted_kappa(first: FloatArray, second: FloatArray) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968) from paired values; NaN if nothing varies."""
    observed = float(np.mean((first - second) ** 2))
    expected = float(np.mean((first[:, None] - second[None, :]) ** 2))
    return 1.0 - observed / expected if expected > 0 else float("nan")


def ceiling(pairs: FloatArray, split: float) -> tuple[float, float, float] | None:
    """Balanced accuracy that no model can pass, from how often both answers to a picture give the same label.

    If a label is wrong independently with probability e, two labels of one picture agree in (1 - e)^2 + e^2 of cases
    and even a model that knows every feeling is right in 1 - e. The interval is Clopper-Pearson's of the agreement.

    Returns
    -------
    tuple of float, or None
        Ceiling, lower and upper end; None without a pair off the split.
    """
    signs = np.sign(pairs - split)
    used = signs[(signs != 0).all(axis=1)]
    if not len(used):
        return None
    n_same, n = int((used[:, 0] == used[:, 1]).sum()), len(used)
    low = float(beta.ppf(0.025, n_same, n - n_same + 1)) if n_same else 0.0
    high = float(beta.ppf(0.975, n_same + 1, n - n_same)) if n_same < n else 1.0
    first, *ends = (0.5 + 0.5 * float(np.sqrt(max(0.0, 2 * a - 1))) for a in (n_same / n, low, high))
    return first, ends[0], ends[1]


def class_counts(context: AuditContext) -> dict[str, float]:
    """Share of the smaller class under each way to split the answers: midpoint, median, outer thirds."""
    ratings = np.asarray(context.problem.ratings, dtype=float)
    answered = ratings[np.isfinite(ratings)]
    if not len(answered):
        return {}
    shares: dict[str, float] = {}
    thirds = np.quantile(answered, [1 / 3, 2 / 3])
    cuts = {
        "midpoint": (context.problem.midpoint,) * 2,
        "median": (float(np.median(answered)),) * 2,
        "tertiles": (float(thirds[0]), float(thirds[1])),
    }
    for name, (below, above) in cuts.items():
        is_thirds = name == "tertiles" and below < above
        n_low = int((answered <= below).sum() if is_thirds else (answered < below).sum())
        n_high = int((answered >= above).sum() if is_thirds else (answered > above).sum())
        if n_low + n_high:
            shares[f"smaller_class_share_{name}"] = min(n_low, n_high) / (n_low + n_high)
    return shares


def norm_agreement(context: AuditContext) -> dict[str, float]:
    """Rank correlation of the own ratings with the pictures' norms on the same scale."""
    if context.pictures is None:
        return {}
    norms = {"valence": context.pictures.norm_valence, "arousal": context.pictures.norm_arousal}.get(context.target)
    ratings = np.asarray(context.problem.ratings, dtype=float)
    if norms is None:
        return {}
    both = np.isfinite(norms) & np.isfinite(ratings)
    if both.sum() < _MIN_NORM_PAIRS or np.ptp(norms[both]) == 0 or np.ptp(ratings[both]) == 0:
        return {}
    return {
        "norm_rank_correlation": float(spearmanr(norms[both], ratings[both])[0]),
        "n_with_norm": float(both.sum()),
    }


def check(context: AuditContext) -> Finding:
    """Look at missed answers, straight-lining, class balance and repeated pictures."""
    statuses = [t.ratings[context.target].status if context.target in t.ratings else "none" for t in context.trials]
    ratings = np.asarray(context.problem.ratings, dtype=float)
    answered = ratings[np.isfinite(ratings)]
    classes = context.classes
    n_low, n_high = int((classes == -1).sum()), int((classes == 1).sum())
    n = len(statuses)
    missed = 1.0 - len(answered) / n if n else 1.0
    commonest = float(np.unique(answered, return_counts=True)[1].max() / len(answered)) if len(answered) else 1.0
    smaller = min(n_low, n_high) / (n_low + n_high) if n_low + n_high else 0.0
    pairs = repeat_pairs(context)
    evidence = {
        "n_presented": float(n),
        "n_answered": float(len(answered)),
        **{f"n_{s}": float(statuses.count(s)) for s in ("untouched", "timed_out", "skipped")},
        "n_low": float(n_low),
        "n_high": float(n_high),
        "n_midpoint": float(len(answered) - n_low - n_high),
        "smaller_class_share": smaller,
        "commonest_answer_share": commonest,
        "n_repeat_pairs": float(len(pairs)),
        **class_counts(context),
        **norm_agreement(context),
    }
    checks = [t.has_passed_check for t in context.trials if t.has_passed_check is not None]
    if checks:
        evidence |= {"n_attention_checks": float(len(checks)), "n_attention_passed": float(sum(checks))}
    worries, agreement = [], ""
    if not all(checks):
        worries.append(f"{len(checks) - sum(checks)} of {count(len(checks), 'attention check')} failed")
    if missed > MISSED_CAUTION:
        worries.append(f"{percent(missed)} of the answers are missing")
    if commonest > STRAIGHT_LINE:
        worries.append(f"{percent(commonest)} of the answers are one and the same step")
    if smaller < SMALL_CLASS:
        worries.append(f"only {percent(smaller)} of the labelled trials are in the smaller class")
    if len(pairs) >= MIN_PAIRS:
        evidence["test_retest_kappa"] = weighted_kappa(pairs[:, 0], pairs[:, 1])
        most = ceiling(pairs, _split_of(context))
        limit = ""
        if most is not None:
            evidence |= {"ceiling": most[0], "ceiling_low": most[1], "ceiling_high": most[2]}
            limit = f"; no model could be right in more than about {percent(most[0])} of trials"
        agreement = f"(kappa {evidence['test_retest_kappa']:.2f}{limit})"
        if not evidence["test_retest_kappa"] >= POOR_KAPPA:
            worries.append(f"repeated pictures agree poorly {agreement}")
    balance = f"{n_low} trials rated low, {n_high} high, {len(answered) - n_low - n_high} at the split"
    if worries:
        remedy = "Talk through the scales in the practice trials, and choose pictures that move this participant."
        return Finding(THREAT, "caution", evidence, f"{sentence('; '.join(worries))} ({balance}).", remedy)
    if len(pairs) < MIN_PAIRS:
        summary = (
            f"Answers look usable ({balance}), but {count(len(pairs), 'repeated picture')} "
            f"cannot tell how reliable they are; that takes {MIN_PAIRS}."
        )
        remedy = "Raise repeat_share in study.toml, or pool sessions, to reach 24 repeated pictures."
        return Finding(THREAT, "not enough data", evidence, summary, remedy)
    summary = f"Answers look usable ({balance}), and repeated pictures agree {agreement}."
    return Finding(THREAT, "pass", evidence, summary)
