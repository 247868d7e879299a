"""The published verdict rule, row by row, and that nothing can raise a verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veridical.audit.verdict import ALPHA, FamilyEvidence, decide
from veridical.domain.evaluation import OverallVerdict

ARTIFACTS = "muscle, eye and movement artifacts"
AROUSAL = "the arousal rating"
WIDE, NARROW = (0.45, 0.75), (0.42, 0.57)

ps = st.floats(0.001, 1.0)
family = st.builds(
    FamilyEvidence,
    st.sampled_from([ARTIFACTS, AROUSAL, "time on task"]),
    st.none() | ps,
    st.none() | ps,
    st.booleans(),
)
# How much a verdict claims.
CLAIM: dict[OverallVerdict, int] = {
    "above chance": 2,
    "explained": 1,
    "not above chance": 0,
    "not enough data": 0,
    "damaged": 0,
}


def artifacts(alone: float | None, after: float | None) -> FamilyEvidence:
    """The family whose regression the rule always asks for."""
    return FamilyEvidence(ARTIFACTS, alone, after, is_required=True)


@pytest.mark.parametrize(
    ("p_value", "interval", "families", "lost", "kind", "headline"),
    [
        (
            0.01,
            WIDE,
            [artifacts(0.6, 0.02), FamilyEvidence(AROUSAL, 0.4, None), FamilyEvidence("time on task", 0.3, 0.01)],
            0.1,
            "above chance",
            "Above chance, and none of the three confound families measured explains it",
        ),
        (
            0.01,
            WIDE,
            [artifacts(0.6, 0.3)],
            0.0,
            "explained",
            f"Above chance, but {ARTIFACTS} explain it as well",
        ),
        (
            0.01,
            WIDE,
            [artifacts(0.6, 0.02), FamilyEvidence(AROUSAL, 0.01, 0.2)],
            0.0,
            "explained",
            f"Above chance, but {AROUSAL} explains it as well",
        ),
        (0.05, NARROW, [], 0.0, "not above chance", "Not above chance"),
        (0.05, WIDE, [], 0.0, "not enough data", "Not enough data to tell"),
        (
            0.01,
            WIDE,
            [artifacts(None, None), FamilyEvidence("time on task", 0.3, 0.01)],
            0.0,
            "not enough data",
            f"Not enough data to tell: above chance, but {ARTIFACTS} could not be ruled out",
        ),
        (
            0.001,
            WIDE,
            [artifacts(0.6, 0.02)],
            0.6,
            "damaged",
            "The data are too damaged to tell: 60 % of the trials were lost",
        ),
    ],
)
def test_each_row_of_the_rule_has_its_published_words(
    p_value: float,
    interval: tuple[float, float],
    families: list[FamilyEvidence],
    lost: float,
    kind: OverallVerdict,
    headline: str,
) -> None:
    verdict = decide(p_value, interval, 0.60, families, lost)
    assert verdict.kind == kind
    assert verdict.headline == headline


def test_a_family_that_is_not_above_chance_alone_needs_no_regression() -> None:
    """METHODS 6: after each *other* family that is itself above chance."""
    verdict = decide(0.01, WIDE, 0.6, [artifacts(0.5, 0.01), FamilyEvidence(AROUSAL, 0.2, 0.9)])
    assert verdict.kind == "above chance"


def test_every_explaining_family_is_named() -> None:
    verdict = decide(0.01, WIDE, 0.6, [artifacts(0.01, 0.2), FamilyEvidence(AROUSAL, 0.01, 0.5)])
    assert verdict.explained_by == (ARTIFACTS, AROUSAL)
    assert verdict.headline == f"Above chance, but {ARTIFACTS} and {AROUSAL} explain it as well"


@given(st.floats(ALPHA, 1.0), st.floats(0.3, 1.0), st.lists(family, max_size=4), st.floats(0, 1))
def test_no_claim_is_ever_made_at_p_of_alpha_or_more(
    p_value: float, upper: float, families: list[FamilyEvidence], lost: float
) -> None:
    verdict = decide(p_value, (0.3, upper), 0.6, families, lost)
    assert CLAIM[verdict.kind] == 0
    assert not verdict.headline.startswith("Above")


def test_an_undefined_p_value_claims_nothing() -> None:
    assert CLAIM[decide(float("nan"), WIDE, 0.6, [artifacts(0.5, 0.01)]).kind] == 0


@given(ps, st.lists(family, max_size=4), family, st.floats(0, 1))
def test_what_a_confound_explains_is_never_talked_away_by_another(
    p_value: float, families: list[FamilyEvidence], more: FamilyEvidence, lost: float
) -> None:
    """Another measured family may lower the claim; it never raises an 'explained' to 'above chance'."""
    before = decide(p_value, WIDE, 0.6, families, lost)
    after = decide(p_value, WIDE, 0.6, [*families, more], lost)
    if before.kind in ("explained", "damaged", "not above chance"):
        assert after.kind == before.kind
