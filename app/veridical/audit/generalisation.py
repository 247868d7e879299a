"""Does the model hold for pictures, times, sessions and kinds of stimuli that it was not trained on?"""

import numpy as np

from veridical.audit.context import AuditContext, Transfer
from veridical.audit.measuring import ONE_SIDED_95, apart, auc_spread, kept_rows, try_validation
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words, sentence
from veridical.domain.arrays import IntArray
from veridical.domain.chart import score_chart
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Finding, Fold, Validation
from veridical.domain.progress import Work

THREAT = "generalisation"
MIN_THEMES = 3
# Fewer trials of a theme (or kind, or session) hold too few pairs of classes to be scored.
MIN_TESTED = 6
# A theme is left out within thirds of the session, so that it is never trained on right beside its own test trials;
# finer blocks would leave no pair of classes of one theme in a block.
N_PARTS = 3
# Half of the headline's distance from chance lost is a model of those pictures rather than of the feeling.
LARGE_LOSS = 0.5


def measure_transfers(context: AuditContext) -> Work[tuple[Transfer, ...]]:
    """Score the model across theme, time, kind of stimulus and session, each on folds that keep its own apart."""
    found: list[Transfer] = []
    plans = (
        ("theme", "themes it was not trained on", _theme_folds),
        ("time", "the later half of the session, trained on the earlier", _time_folds),
        ("kind", "another kind of stimulus", _kind_folds),
        ("session", "another session", _session_folds),
    )
    for kind, words, folds_of in plans:
        try:
            folds = folds_of(context)
        except AnalysisError as error:
            found.append(Transfer(kind, words, None, str(error)))
            continue
        tested = context.problem
        if kind == "kind" and context.across_kinds is not None:
            tested = context.across_kinds.problem
        validation, problem = yield from try_validation(tested, folds, context.seed, context.analysis.n_permutations)
        n_train = float(np.mean([len(f.train) for f in folds])) if folds else float("nan")
        found.append(Transfer(kind, words, validation, problem, n_train))
    return tuple(found)


def _theme_folds(context: AuditContext) -> tuple[Fold, ...]:
    pictures = context.pictures
    if pictures is None or not any(pictures.themes):
        raise AnalysisError("the pictures have no categories")
    rows = kept_rows(context)
    themes = np.array(pictures.themes)
    counts = {t: int((themes[rows] == t).sum()) for t in dict.fromkeys(themes[rows].tolist()) if t}
    large = [t for t, n in counts.items() if n >= MIN_TESTED]
    if len(large) < MIN_THEMES:
        raise AnalysisError(
            f"{len(large)} categories have at least {MIN_TESTED} usable trials and {MIN_THEMES} are needed"
        )
    folds: list[Fold] = []
    for part in np.array_split(rows, N_PARTS):
        outside = np.setdiff1d(rows, part)
        for theme in large:
            test = part[themes[part] == theme]
            if len(test):
                folds.append(apart(context.problem, outside[themes[outside] != theme], test))
    return tuple(folds)


def _time_folds(context: AuditContext) -> tuple[Fold, ...]:
    early, late = np.array_split(kept_rows(context), 2)
    return (apart(context.problem, early, late),)


def _kind_folds(context: AuditContext) -> tuple[Fold, ...]:
    if context.across_kinds is not None:
        problem, is_clip = context.across_kinds.problem, context.across_kinds.is_clip
        usable = np.asarray(problem.kept, dtype=bool)
        pictures, clips = np.flatnonzero(usable & ~is_clip), np.flatnonzero(usable & is_clip)
        if len(clips) < MIN_TESTED:
            raise AnalysisError(f"{len(clips)} videos and sounds are usable and {MIN_TESTED} are needed")
        return (apart(problem, pictures, clips),)
    if context.pictures is None:
        raise AnalysisError("the stimulus table could not be read")
    rows = kept_rows(context)
    kinds = np.array(context.pictures.kinds)[rows]
    moving = rows[kinds != "image"]
    if len(moving) < MIN_TESTED:
        raise AnalysisError("only pictures were shown")
    return (apart(context.problem, rows[kinds == "image"], moving),)


def _session_folds(context: AuditContext) -> tuple[Fold, ...]:
    rows = kept_rows(context)
    names = np.array(context.sessions) if context.sessions else np.zeros(context.problem.n_presented, dtype=int)
    groups: list[IntArray] = [rows[names[rows] == name] for name in dict.fromkeys(names[rows].tolist())]
    if len(groups) < 2:
        raise AnalysisError("there is one session only")
    return tuple(apart(context.problem, np.setdiff1d(rows, test), test) for test in groups if len(test) >= MIN_TESTED)


def expected_auc(context: AuditContext, transfer: Transfer) -> float:
    """AUC that the model has on its own folds with as few training trials as the transfer, by the learning curve."""
    points = sorted((p.n_train, p.auc) for p in context.curve)
    if not points or not np.isfinite(transfer.n_train):
        return context.validation.auc
    n, auc = (list(column) for column in zip(*points, strict=True))
    return min(context.validation.auc, float(np.interp(transfer.n_train, n, auc)))


def is_lost(context: AuditContext, transfer: Transfer, score: Validation) -> bool:
    """Whether a transfer lost more than its fewer training trials and chance account for.

    It must be no better than guessing, keep less than half of the expected distance from chance, and lie below what
    is expected by 1.645 standard errors (one-sided .05, widened for cross-validation).
    """
    expected = expected_auc(context, transfer)
    is_small = score.auc - 0.5 < LARGE_LOSS * (expected - 0.5)
    is_certain = expected - score.auc > ONE_SIDED_95 * auc_spread(score.n_trials)
    return score.p_value >= ALPHA and is_small and is_certain


def check(context: AuditContext) -> Finding:
    """Compare every transfer with the headline, and say which could not be measured."""
    v = context.validation
    measured = [(t, t.validation) for t in context.transfers if t.validation is not None]
    evidence: dict[str, float] = {"auc": v.auc, "n_trials": float(v.n_trials)}
    for t, score in measured:
        evidence |= {
            f"auc_{t.kind}": score.auc,
            f"p_{t.kind}": score.p_value,
            f"balanced_accuracy_{t.kind}": score.balanced_accuracy,
            f"interval95_low_{t.kind}": score.interval95[0],
            f"interval95_high_{t.kind}": score.interval95[1],
            f"n_{t.kind}": float(score.n_trials),
            f"expected_auc_{t.kind}": expected_auc(context, t),
        }
    chart = score_chart(
        [("the model", v.balanced_accuracy, v.interval95, True)]
        + [(t.words, score.balanced_accuracy, score.interval95, False) for t, score in measured],
        "Balanced accuracy",
    )
    open_words = "; ".join(f"{t.words}: {t.problem.rstrip('.')}" for t in context.transfers if t.validation is None)
    told = "; ".join(f"{t.words} {score.auc:.2f} ({p_words(score.p_value)})" for t, score in measured)
    remedy = "Use a set with several categories, record a second session, and add a transfer block of videos or sounds."
    across = [(t, score) for t, score in measured if t.kind != "time"]
    if not across:
        summary = f"Whether the model holds elsewhere could not be measured ({open_words or 'nothing was tried'})."
        return Finding(THREAT, "not enough data", evidence, summary, remedy, chart)
    words = f"AUC on {told}, against {v.auc:.2f} in the headline"
    rest = f" Not measured: {open_words}." if open_words else ""
    if v.p_value >= ALPHA:
        summary = f"{sentence(words)}; the model itself is not above chance, so there is nothing to carry over.{rest}"
        return Finding(THREAT, "not enough data", evidence, summary, "", chart)
    lost = [t for t, s in measured if is_lost(context, t, s)]
    if lost:
        where = " and ".join(t.words for t in lost)
        summary = f"The effect does not carry over to {where}: {words}.{rest}"
        verdict = "fail" if len(lost) == len(measured) else "caution"
        return Finding(THREAT, "fail" if verdict == "fail" else "caution", evidence, summary, remedy, chart)
    weak = [t for t, s in measured if s.p_value >= ALPHA]
    if weak:
        where = " and ".join(t.words for t in weak)
        summary = f"Too few trials to be sure that the effect carries over to {where}: {words}.{rest}"
        return Finding(THREAT, "not enough data", evidence, summary, "Record more trials, or a second session.", chart)
    return Finding(THREAT, "pass", evidence, f"{sentence(words)}: it carries over.{rest}", "", chart)
