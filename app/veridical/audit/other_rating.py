"""Does a model of one rating really read the other (arousal instead of valence)?"""

import numpy as np

from veridical.audit.artifact_bias import family_evidence
from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.families import OTHER_RATING
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words, percent
from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import Finding

THREAT = OTHER_RATING
# Fewer matched pairs scatter by more than .1 around any score.
MIN_MATCHED = 10
_N_DRAWS = 100
# A scale with more answers than this is matched by tenths.
_MOST_STEPS = 11


def _correlation(context: AuditContext, scale: str) -> tuple[float, int]:
    own, other = np.asarray(context.problem.ratings, dtype=float), context.ratings_on(scale)
    both = np.isfinite(own) & np.isfinite(other)
    if both.sum() < 3 or np.ptp(own[both]) == 0 or np.ptp(other[both]) == 0:
        return float("nan"), int(both.sum())
    return float(np.corrcoef(own[both], other[both])[0, 1]), int(both.sum())


def matched_score(context: AuditContext, scale: str) -> dict[str, float]:
    """Score the model's own answers on trials whose other rating is matched between the classes.

    At every step of the other scale as many trials of one class as of the other are drawn; means over draws. Nothing
    is trained again.
    """
    v = context.validation
    labels, decisions = np.asarray(v.labels), np.asarray(v.predictions, dtype=float)
    other = context.ratings_on(scale)
    usable = (labels != 0) & np.isfinite(decisions) & np.isfinite(other)
    if len(labels) != len(other) or not usable.any():
        return {}
    rng = np.random.default_rng([abs(context.seed), 13])
    steps = np.round(other[usable], 1) if len(np.unique(other[usable])) <= _MOST_STEPS else _tenths(other[usable])
    side, right = labels[usable], np.sign(decisions[usable]) == labels[usable]
    low, high = side < 0, side > 0
    groups = [(np.flatnonzero((steps == s) & low), np.flatnonzero((steps == s) & high)) for s in np.unique(steps)]
    sizes = [min(len(a), len(b)) for a, b in groups]
    if sum(sizes) < MIN_MATCHED:
        return {"n_matched": float(2 * sum(sizes))}
    drawn = []
    for _ in range(_N_DRAWS):
        picks = [
            np.concatenate([rng.choice(g[k], n, replace=False) for g, n in zip(groups, sizes, strict=True) if n])
            for k in (0, 1)
        ]
        drawn.append(float(np.mean([right[p].mean() for p in picks])))
    return {"balanced_accuracy_matched": float(np.mean(drawn)), "n_matched": float(2 * sum(sizes))}


def _tenths(values: FloatArray) -> FloatArray:
    """Which tenth of its own distribution every value lies in."""
    edges = np.quantile(values, np.linspace(0.1, 0.9, 9))
    return np.asarray(np.searchsorted(edges, values), dtype=float)


def _worst(results: list[FamilyResult]) -> FamilyResult:
    """The family that explains most: first by the p after its regression, then by its own p."""

    def harm(result: FamilyResult) -> tuple[float, float]:
        after = -1.0 if result.after is None else result.after.p_value
        return after, -1.0 if result.alone is None else -result.alone.p_value

    return max(results, key=harm)


def check(context: AuditContext) -> Finding:
    """Correlate the ratings, try the other one alone, and the model without it."""
    results = [f for f in context.families if f.name.startswith(THREAT)]
    measured = [f for f in results if f.is_measured]
    if not measured:
        why = results[0].problem if results else "it was not run"
        remedy = "Ask a second scale: add it under protocol.scales in study.toml."
        return Finding(THREAT, "not enough data", {}, f"No other rating could be compared: {why}.", remedy)
    result = _worst(measured)
    scale = result.words.removeprefix("the ").removesuffix(" rating")
    r, n_pairs = _correlation(context, scale)
    matched = matched_score(context, scale)
    evidence = family_evidence(result) | {"correlation": r, "n_pairs": float(n_pairs)} | matched
    assert result.alone is not None  # `measured` holds no other
    alone = (
        f"The {scale} rating alone predicts the {context.target} rating with an AUC of {result.alone.auc:.2f} "
        f"({p_words(result.alone.p_value)})"
    )
    if "balanced_accuracy_matched" in matched:
        alone += (
            f"; matched between the classes, it leaves the model {percent(matched['balanced_accuracy_matched'])} right "
            f"in {matched['n_matched']:.0f} trials"
        )
    remedy = f"Choose pictures whose {scale} is matched between the classes, and report {scale} beside the result."
    if result.alone.p_value >= ALPHA:
        return Finding(THREAT, "pass", evidence, f"{alone}: too little to explain the model.")
    if result.after is None:
        if context.validation.p_value >= ALPHA:
            summary = f"{alone}; the model itself is not above chance, so nothing needs explaining."
            return Finding(THREAT, "caution", evidence, summary, remedy)
        summary = f"{alone}; the model without it could not be tried: {result.problem}."
        return Finding(THREAT, "not enough data", evidence, summary, remedy)
    if result.after.p_value >= ALPHA:
        summary = f"{alone}, and without it the effect is gone ({p_words(result.after.p_value)})."
        return Finding(THREAT, "fail", evidence, summary, remedy)
    summary = f"{alone}, and the effect stays when it is taken out ({p_words(result.after.p_value)})."
    return Finding(THREAT, "caution", evidence, summary, remedy)
