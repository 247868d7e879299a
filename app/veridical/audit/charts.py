"""Figures of the checks whose evidence is a comparison, a distribution or a course over the session."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from veridical.audit.context import AuditContext
from veridical.audit.families import ARTIFACTS, OTHER_RATING
from veridical.domain.chart import Chart, Series, score_chart, series
from veridical.domain.evaluation import Finding

_N_BINS = 30
# Equal answers would hide one another.
_SPREAD = 0.12


def with_chart(finding: Finding, context: AuditContext) -> Finding:
    """Give a finding the figure of its threat, if its check did not draw one and there is something to draw."""
    if finding.chart is not None or finding.threat not in _CHARTS:
        return finding
    return replace(finding, chart=_CHARTS[finding.threat](context))


def _chance(context: AuditContext) -> Chart | None:
    null = np.asarray(context.validation.null, dtype=float)
    null = null[np.isfinite(null)]
    if not len(null):
        return None
    counts, edges = np.histogram(null, bins=_N_BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    auc = context.validation.auc
    share = float(np.mean(null >= auc))
    return Chart(
        x_label="AUC",
        y_label="Number of shuffles",
        series=(
            series("shuffled ratings", middles, counts, "bars"),
            Series("this model", (auc, auc), (0.0, float(counts.max())), "line", is_model=True),
        ),
        alt=(
            f"AUC of {len(null)} shuffles, centred near {null.mean():.2f}; the model reaches {auc:.2f}, and "
            f"{100 * share:.1f} % of the shuffles do as well or better."
        ),
    )


def _overfitting(context: AuditContext) -> Chart | None:
    v, shuffled = context.validation, context.shuffled
    rows = [("trials it was trained on", v.train_balanced_accuracy, None, False)]
    if shuffled is not None:
        rows.append(("new trials, shuffled folds", shuffled.balanced_accuracy, None, False))
    return score_chart(
        [*rows, ("new trials, blocked folds", v.balanced_accuracy, v.interval95, True)], "Balanced accuracy"
    )


def _family(prefix: str) -> Callable[[AuditContext], Chart | None]:
    def draw(context: AuditContext) -> Chart | None:
        rows: list[tuple[str, float, tuple[float, float] | None, bool]] = [
            ("the model", context.validation.balanced_accuracy, context.validation.interval95, True)
        ]
        for family in context.families:
            if not family.name.startswith(prefix) or family.alone is None:
                continue
            rows.append((f"{family.words} alone", family.alone.balanced_accuracy, family.alone.interval95, False))
            if family.after is not None:
                after = family.after
                rows.append((f"the model without {family.words}", after.balanced_accuracy, after.interval95, True))
        return score_chart(rows, "Balanced accuracy") if len(rows) > 1 else None

    return draw


def _time(context: AuditContext) -> Chart | None:
    ratings = np.asarray(context.problem.ratings, dtype=float)
    answered = np.isfinite(ratings)
    if answered.sum() < 3:
        return None
    trial = np.flatnonzero(answered) + 1.0
    trend = np.polynomial.Polynomial.fit(trial, ratings[answered], 2)
    grid = np.linspace(trial[0], trial[-1], 40)
    name = f"{context.target} rating"
    return Chart(
        x_label="Trial, in the order of the session",
        y_label=f"{context.target.capitalize()} rating",
        series=(series(name, trial, ratings[answered]), series("trend", grid, trend(grid), "line", is_model=True)),
        alt=(
            f"{name.capitalize()} of {int(answered.sum())} trials over the session; the fitted trend goes from "
            f"{float(trend(trial[0])):.1f} to {float(trend(trial[-1])):.1f}."
        ),
    )


def _ratings(context: AuditContext) -> Chart | None:
    ratings = np.asarray(context.problem.ratings, dtype=float)
    answered = ratings[np.isfinite(ratings)]
    if not len(answered):
        return None
    values, counts = np.unique(answered, return_counts=True)
    if len(values) > _N_BINS:
        heights, edges = np.histogram(answered, bins=_N_BINS)
        values, counts = (edges[1:] + edges[:-1]) / 2, heights
    told = "; ".join(f"{v:g}: {n}" for v, n in zip(values, counts, strict=True))
    return Chart(
        x_label=f"{context.target.capitalize()} rating",
        y_label="Trials",
        series=(series("answers", values, counts, "bars", is_model=True),),
        alt=f"How often each {context.target} answer was given: {told}.",
    )


def _other(context: AuditContext) -> Chart | None:
    scales = context.other_scales
    if not scales:
        return None
    own, other = np.asarray(context.problem.ratings, dtype=float), context.ratings_on(scales[0])
    both = np.isfinite(own) & np.isfinite(other)
    if both.sum() < 3:
        return None
    rng = np.random.default_rng(0)
    x, y = (v[both] + rng.uniform(-_SPREAD, _SPREAD, int(both.sum())) for v in (own, other))
    r = np.corrcoef(own[both], other[both])[0, 1] if np.ptp(own[both]) and np.ptp(other[both]) else float("nan")
    return Chart(
        x_label=f"{context.target.capitalize()} rating",
        y_label=f"{scales[0].capitalize()} rating",
        series=(series("trials", x, y),),
        alt=f"{context.target} against {scales[0]} rating of {int(both.sum())} trials; correlation {r:.2f}.",
    )


_CHARTS: dict[str, Callable[[AuditContext], Chart | None]] = {
    "chance": _chance,
    "overfitting": _overfitting,
    ARTIFACTS: _family(ARTIFACTS),
    OTHER_RATING: _other,
    "time on task": _time,
    "ground truth": _ratings,
}
