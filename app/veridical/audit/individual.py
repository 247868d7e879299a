"""Does calibrating this participant pay, or would a model of other people have done?"""

from dataclasses import replace

import numpy as np

from veridical.audit.context import AuditContext, Pooled
from veridical.audit.measuring import kept_rows, try_validation
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import count, p_words
from veridical.domain.arrays import FloatArray
from veridical.domain.chart import score_chart
from veridical.domain.evaluation import Finding, Fold
from veridical.domain.label_rule import SplitRule
from veridical.domain.progress import Work
from veridical.learning.splits import outer_folds

THREAT = "individual"
# A model of one or two other people is a model of these, not of people.
MIN_PEOPLE = 3
# Smaller differences between two cross-validated AUCs of one session are within their scatter.
NOTICEABLE = 0.05


def measure_pooled(context: AuditContext) -> Work[Pooled]:
    """Train on everybody else, test on this participant's own folds.

    Features are standardised within each person first, and ratings are counted from each person's own split point (no
    fold is looked at, and no label of the features): people differ in size and in how they use a scale.
    """
    peers = [p for p in context.peers if len(p.ratings)]
    if len(peers) < MIN_PEOPLE:
        known = count(len(peers), "other participant")
        return Pooled(len(peers), None, f"{known} of this study trained with these features, {MIN_PEOPLE} are needed")
    own, rows = context.problem, kept_rows(context)
    mine = np.zeros(own.features.shape)
    mine[rows] = _standard(np.asarray(own.features, dtype=float)[rows])
    n_others = sum(len(p.ratings) for p in peers)
    problem = replace(
        own,
        features=np.vstack([*(_standard(p.features) for p in peers), mine]),
        ratings=np.concatenate(
            [
                *(_from_split(p.ratings, p.midpoint, own.label_rule) for p in peers),
                _from_split(np.asarray(own.ratings, dtype=float), own.midpoint, own.label_rule),
            ]
        ),
        kept=np.concatenate([np.ones(n_others, dtype=bool), own.kept]),
        midpoint=0.0,
        label_rule="midpoint",
        groups=np.arange(n_others + own.n_presented),
        onsets_s=np.full(n_others + own.n_presented, np.nan),
        runs=np.concatenate([*(np.full(len(p.ratings), -1 - i) for i, p in enumerate(peers)), own.runs]),
        nuisance=None,
        detrends=False,
    )
    others = np.arange(n_others)
    folds = [Fold(others, n_others + f.test) for f in outer_folds(own)]
    validation, reason = yield from try_validation(problem, folds, context.seed, context.analysis.n_permutations)
    return Pooled(len(peers), validation, reason)


def _standard(values: FloatArray) -> FloatArray:
    spread = values.std(axis=0)
    standard: FloatArray = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return standard


def _from_split(ratings: FloatArray, midpoint: float, rule: SplitRule) -> FloatArray:
    answered = ratings[np.isfinite(ratings)]
    split = float(np.median(answered)) if rule != "midpoint" and len(answered) else midpoint
    return np.asarray(ratings - split, dtype=float)


def check(context: AuditContext) -> Finding:
    """Compare the participant's own model with the one of everybody else, on the same test trials."""
    v, pooled = context.validation, context.pooled
    remedy = "Train the other participants of the study with the same pipeline, then train this one again."
    if pooled is None or pooled.validation is None:
        why = "it was not run" if pooled is None else pooled.problem.rstrip(".")
        summary = f"Whether calibrating pays could not be measured: {why}."
        n = 0.0 if pooled is None else float(pooled.n_people)
        return Finding(THREAT, "not enough data", {"n_other_participants": n}, summary, remedy)
    other = pooled.validation
    evidence = {
        "n_other_participants": float(pooled.n_people),
        "auc_own": v.auc,
        "auc_pooled": other.auc,
        "p_pooled": other.p_value,
        "balanced_accuracy_own": v.balanced_accuracy,
        "balanced_accuracy_pooled": other.balanced_accuracy,
        "interval95_low_pooled": other.interval95[0],
        "interval95_high_pooled": other.interval95[1],
        "n_trials": float(other.n_trials),
    }
    chart = score_chart(
        [
            ("own model", v.balanced_accuracy, v.interval95, True),
            (f"model of {pooled.n_people} others", other.balanced_accuracy, other.interval95, False),
        ],
        "Balanced accuracy",
    )
    words = (
        f"The participant's own model reaches an AUC of {v.auc:.2f} and a model of {pooled.n_people} other "
        f"participants {other.auc:.2f} ({p_words(other.p_value)}) on the same trials"
    )
    if v.p_value >= ALPHA and other.p_value < ALPHA:
        summary = f"{words}: other people's model works here where the own one does not yet."
        return Finding(THREAT, "caution", evidence, summary, "Record more trials of this participant.", chart)
    if v.p_value >= ALPHA:
        summary = f"{words}: neither is above chance, so calibrating cannot be judged."
        return Finding(THREAT, "not enough data", evidence, summary, "Record more trials.", chart)
    if other.auc >= v.auc - NOTICEABLE:
        summary = f"{words}: calibrating gained nothing that shows."
        return Finding(THREAT, "caution", evidence, summary, "A pooled model may do; report both.", chart)
    return Finding(THREAT, "pass", evidence, f"{words}: calibrating pays.", "", chart)
