"""How far can the participant's own answers be trusted as the truth to learn?"""

import numpy as np

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
POOR_KAPPA = 0.40


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


def weighted_kappa(first: FloatArray, second: FloatArray) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968) from paired values; NaN if nothing varies."""
    observed = float(np.mean((first - second) ** 2))
    expected = float(np.mean((first[:, None] - second[None, :]) ** 2))
    return 1.0 - observed / expected if expected > 0 else float("nan")


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
    }
    checks = [t.has_passed_check for t in context.trials if t.has_passed_check is not None]
    if checks:
        evidence |= {"n_attention_checks": float(len(checks)), "n_attention_passed": float(sum(checks))}
    worries = []
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
        if not evidence["test_retest_kappa"] >= POOR_KAPPA:
            worries.append(f"repeated pictures agree poorly (kappa {evidence['test_retest_kappa']:.2f})")
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
    summary = (
        f"Answers look usable ({balance}), and repeated pictures agree (kappa {evidence['test_retest_kappa']:.2f})."
    )
    return Finding(THREAT, "pass", evidence, summary)
