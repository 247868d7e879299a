"""What the Model page says about a trained model, in words and numbers, without Qt."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from veridical.audit.result_words import ratings_words, views_words
from veridical.domain.arrays import FloatArray
from veridical.domain.evaluation import OverallVerdict
from veridical.domain.pattern import ModelPattern
from veridical.gui.common import wording
from veridical.gui.common.tokens import StatusLevel

if TYPE_CHECKING:
    from veridical.services.training import TrainingResult

_VERDICT_LEVEL: dict[OverallVerdict, StatusLevel] = {
    "above chance": "good",
    "explained": "caution",
    "not above chance": "fail",
    "not enough data": "unknown",
    "damaged": "fail",
}


@dataclass(frozen=True)
class ScoreOnScale:
    """The headline number with what it has to be read against; all as shares."""

    score: float
    low: float
    high: float
    chance: float
    chance95: float


@dataclass(frozen=True)
class Fact:
    """A named number in words."""

    name: str
    words: str


@dataclass(frozen=True, eq=False)
class ResultScreen:
    """Everything drawn of a result.

    Parameters
    ----------
    fold_scores : ndarray, shape (n_folds,)
        AUC; NaN where a fold's block holds one class.
    null : ndarray
        AUC of shuffled labelings.
    kind_of_analysis : str
        "Primary analysis" or "Exploratory, analysis 3 of 3": of those in the ledger by then.
    """

    headline: str
    level: StatusLevel
    score_words: str
    interval_words: str
    chance_words: str
    p_words: str
    scale: ScoreOnScale
    facts: tuple[Fact, ...]
    left_out: tuple[str, ...]
    kind_of_analysis: str
    fold_scores: FloatArray
    null: FloatArray
    auc: float
    confusion: "ConfusionScreen"
    roc: tuple[FloatArray, FloatArray]
    pattern: ModelPattern


@dataclass(frozen=True)
class ConfusionScreen:
    """Right and wrong answers.

    Parameters
    ----------
    names : tuple of str
        The classes, lower first.
    counts : tuple of tuple of int
        By true class and answer.
    """

    names: tuple[str, str]
    counts: tuple[tuple[int, int], tuple[int, int]]

    def share(self, true: int, told: int) -> float:
        """Share of a true class's trials that got this answer."""
        return self.counts[true][told] / max(1, sum(self.counts[true]))


def resolve_result(result: "TrainingResult") -> ResultScreen:
    """Put a result into words; the training score is left to the overfitting check alone."""
    validation = result.validation
    low, high = validation.interval95
    classes = ", ".join(f"{n} {name}" for name, n in validation.classes.items())
    embargo = wording.count(validation.embargo_trials, "trial")
    usable = int(np.isfinite(validation.fold_scores).sum())
    facts = (
        Fact("Trials", f"{validation.n_trials} ({classes})"),
        Fact("Folds", f"{validation.folds} blocks in time, {embargo} left out around each"),
        Fact("AUC, mean of folds", f"{_share(validation.auc)} ({usable} of {validation.folds} folds usable)"),
        Fact("Shuffled labels", wording.p_value(validation.p_free)),
        Fact("Shifted labels", wording.p_value(validation.p_circular)),
        Fact("Brier score", f"{_share(validation.brier)} (0.25 is guessing)"),
        *(Fact("Signals", words) for words in result.preparation),
        *((Fact("Put together from", views_words(validation)),) if validation.views else ()),
        *((Fact("The rating itself", ratings_words(result.ratings)),) if result.ratings is not None else ()),
    )
    return ResultScreen(
        headline=result.headline,
        level=_VERDICT_LEVEL[result.verdict.kind],
        score_words=wording.percent(validation.balanced_accuracy),
        interval_words=f"95 % interval {wording.percent(low)} to {wording.percent(high)}",
        chance_words=f"guessing stays below {wording.percent(validation.chance95)} in 95 % of shuffles",
        p_words=wording.p_value(validation.p_value),
        scale=ScoreOnScale(validation.balanced_accuracy, low, high, 0.5, validation.chance95),
        facts=facts,
        left_out=result.left_out,
        kind_of_analysis=(
            "Primary analysis" if result.is_primary else f"Exploratory, analysis {result.analysis} of {result.analysis}"
        ),
        fold_scores=validation.fold_scores,
        null=validation.null[np.isfinite(validation.null)],
        auc=validation.auc,
        confusion=ConfusionScreen(_two(tuple(validation.classes)), validation.confusion),
        roc=validation.roc(),
        pattern=result.pattern,
    )


def _two(names: tuple[str, ...]) -> tuple[str, str]:
    lower, upper = names
    return lower, upper


def _share(value: float) -> str:
    return wording.number(value, 2)


def histogram(values: FloatArray, n_bins: int = 28) -> tuple[FloatArray, FloatArray]:
    """Bin edges and counts over the values' own range; empty arrays for no values."""
    if not len(values):
        return np.empty(0), np.empty(0)
    counts, edges = np.histogram(values, bins=n_bins)
    return edges, counts.astype(np.float64)
