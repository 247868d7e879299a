"""The published verdict rule (METHODS 6, docs/method.md), as one pure function.

No check can raise the verdict: it starts from the p value and everything else only takes away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from veridical.audit.wording import percent
from veridical.domain.evaluation import OverallVerdict, Verdict

ALPHA = 0.05
# Half of the trials gone is a recording that says more about the electrodes than about the participant.
DAMAGED_SHARE = 0.5

_NUMBER = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class FamilyEvidence:
    """What the rule needs to know of one confound family.

    Parameters
    ----------
    words : str
        "muscle, eye and movement artifacts".
    p_alone, p_after : float or None
        Of a model of the family alone, and of the model after in-fold regression of the family; None if it could
        not be measured.
    is_required : bool
        The model must stand its regression whether or not the family alone is above chance (artifacts).
    """

    words: str
    p_alone: float | None
    p_after: float | None
    is_required: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether the family took part: its own model was validated."""
        return self.p_alone is not None

    @property
    def must_be_regressed(self) -> bool:
        """Whether the verdict depends on the model after this family's regression."""
        return self.is_required or (self.p_alone is not None and self.p_alone < ALPHA)


def decide(
    p_value: float,
    interval95: tuple[float, float],
    smallest_effect: float,
    families: Sequence[FamilyEvidence],
    lost_share: float = 0.0,
) -> Verdict:
    """Apply the rule.

    Parameters
    ----------
    p_value : float
        Of the model: the larger of the free and the circular one.
    interval95 : tuple of float
        Of the balanced accuracy.
    smallest_effect : float
        Balanced accuracy below which an effect is of no interest to the study.
    families : sequence of FamilyEvidence
        Every family that this version knows, measured or not.
    lost_share : float
        Share of the presented trials that artifacts, marks or gaps took away, 0 to 1.
    """
    if lost_share > DAMAGED_SHARE:
        return _verdict("damaged", f"The data are too damaged to tell: {percent(lost_share)} of the trials were lost")
    if not p_value < ALPHA:
        if interval95[1] < smallest_effect:
            return _verdict("not above chance", "Not above chance")
        return _verdict("not enough data", "Not enough data to tell")
    needed = [f for f in families if f.must_be_regressed]
    explained = tuple(f.words for f in needed if f.p_after is not None and not f.p_after < ALPHA)
    if explained:
        verb = "explains" if len(explained) == 1 and not explained[0].endswith("s") else "explain"
        headline = f"Above chance, but {_and(explained)} {verb} it as well"
        return Verdict("explained", headline, explained)
    open_questions = tuple(f.words for f in needed if f.p_after is None)
    if open_questions:
        headline = f"Not enough data to tell: above chance, but {_and(open_questions)} could not be ruled out"
        return _verdict("not enough data", headline)
    n = sum(f.is_measured for f in families)
    if n == 0:
        return _verdict("not enough data", "Not enough data to tell: above chance, but no confound could be measured")
    noun = "family" if n == 1 else "families"
    none = "the one confound family measured does not explain it" if n == 1 else (
        f"none of the {_count(n)} confound {noun} measured explains it"
    )  # fmt: skip
    return _verdict("above chance", f"Above chance, and {none}")


def _verdict(kind: OverallVerdict, headline: str) -> Verdict:
    return Verdict(kind, headline)


def _count(n: int) -> str:
    return _NUMBER[n] if n < len(_NUMBER) else str(n)


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
