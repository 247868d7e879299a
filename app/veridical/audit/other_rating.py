"""Does a model of one rating really read the other (arousal instead of valence)?"""

import numpy as np

from veridical.audit.artifact_bias import family_evidence
from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.families import OTHER_RATING
from veridical.audit.verdict import ALPHA
from veridical.audit.wording import p_words
from veridical.domain.evaluation import Finding

THREAT = OTHER_RATING


def _correlation(context: AuditContext, scale: str) -> tuple[float, int]:
    own, other = np.asarray(context.problem.ratings, dtype=float), context.ratings_on(scale)
    both = np.isfinite(own) & np.isfinite(other)
    if both.sum() < 3 or np.ptp(own[both]) == 0 or np.ptp(other[both]) == 0:
        return float("nan"), int(both.sum())
    return float(np.corrcoef(own[both], other[both])[0, 1]), int(both.sum())


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
    evidence = family_evidence(result) | {"correlation": r, "n_pairs": float(n_pairs)}
    assert result.alone is not None  # `measured` holds no other
    alone = (
        f"The {scale} rating alone predicts the {context.target} rating with an AUC of {result.alone.auc:.2f} "
        f"({p_words(result.alone.p_value)})"
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
