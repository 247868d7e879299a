"""The report's numbers for machines: the JSON beside the HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from veridical.domain.evaluation import Finding, RatingValidation
from veridical.reports.content import AnnotationSummary, RecordingFacts, ReportContent

DOCUMENT_VERSION = 1


@dataclass(frozen=True)
class TrialEntry:
    """One presented trial."""

    trial: int
    block: int
    stimulus: str
    condition: str
    onset_s: float
    duration_s: float
    is_kept: bool
    reason: str
    ratings: Mapping[str, float | None]


@dataclass(frozen=True)
class RatingNumbers:
    """How well the ratings themselves are predicted; names as in ``train --json``."""

    n_trials: int
    correlation: float
    interval95: tuple[float, float]
    p_value: float
    p_free: float
    p_circular: float
    explained: float
    mean_error: float
    mean_error_guessing: float


@dataclass(frozen=True)
class ReportDocument:
    """Contents of the JSON file; the validation's fields carry the names of ``train --json``.

    Numbers that do not exist (a fold with one class) are null.
    """

    document_version: int
    participant: str
    study: str
    created: str
    target: str
    label_rule: str
    pipeline: str
    is_primary: bool
    analysis: int
    n_analyses: int
    is_simulated: bool
    is_shortened: bool
    is_headless: bool
    seed: int
    n_permutations: int
    verdict: str
    headline: str
    explained_by: tuple[str, ...]
    n_trials: int
    classes: Mapping[str, int]
    balanced_accuracy: float
    interval95: tuple[float, float]
    chance95: float
    p_value: float
    p_free: float
    p_circular: float
    auc: float
    train_balanced_accuracy: float
    folds: int
    embargo_trials: int
    embargo_s: float
    brier: float
    shares: Mapping[str, float]
    ratings: RatingNumbers | None
    fold_scores: list[float]
    null: list[float]
    predictions: list[float]
    labels: list[int]
    checks: tuple[Finding, ...]
    features: tuple[str, ...]
    left_out: tuple[str, ...]
    trials: tuple[TrialEntry, ...]
    recordings: tuple[RecordingFacts, ...]
    annotations: AnnotationSummary
    versions: Mapping[str, str]


def document_of(content: ReportContent) -> ReportDocument:
    """Collect everything that the report says as numbers."""
    v, settings = content.validation, content.settings
    return ReportDocument(
        document_version=DOCUMENT_VERSION,
        participant=content.participant,
        study=content.study,
        created=content.created,
        target=content.target,
        label_rule=content.label_rule,
        pipeline=content.pipeline,
        is_primary=content.is_primary,
        analysis=content.analysis,
        n_analyses=content.n_analyses,
        is_simulated=content.is_simulated,
        is_shortened=settings.is_shortened,
        is_headless=content.is_headless,
        seed=content.seed,
        n_permutations=content.n_permutations,
        verdict=content.verdict.kind,
        headline=content.verdict.headline,
        explained_by=content.verdict.explained_by,
        n_trials=v.n_trials,
        classes=dict(v.classes),
        balanced_accuracy=float(v.balanced_accuracy),
        interval95=(float(v.interval95[0]), float(v.interval95[1])),
        chance95=float(v.chance95),
        p_value=float(v.p_value),
        p_free=float(v.p_free),
        p_circular=float(v.p_circular),
        auc=float(v.auc),
        train_balanced_accuracy=float(v.train_balanced_accuracy),
        folds=v.folds,
        embargo_trials=v.embargo_trials,
        embargo_s=settings.analysis.embargo_s,
        brier=float(v.brier),
        shares={name: float(v.shares[:, k].mean()) for k, name in enumerate(v.views)},
        ratings=None if content.ratings is None else rating_numbers(content.ratings),
        fold_scores=[float(x) for x in np.asarray(v.fold_scores)],
        null=[float(x) for x in np.asarray(v.null)],
        predictions=[float(x) for x in np.asarray(v.predictions)],
        labels=[int(x) for x in np.asarray(v.labels)],
        checks=content.findings,
        features=content.features,
        left_out=content.left_out,
        trials=_trials(content),
        recordings=content.recordings,
        annotations=content.annotations,
        versions=dict(content.versions),
    )


def rating_numbers(found: RatingValidation) -> RatingNumbers:
    """Keep the numbers and leave the arrays."""
    return RatingNumbers(**{f.name: getattr(found, f.name) for f in fields(RatingNumbers)})


def _trials(content: ReportContent) -> tuple[TrialEntry, ...]:
    return tuple(
        TrialEntry(
            trial=t.trial,
            block=t.block,
            stimulus=t.stimulus_id,
            condition=t.condition,
            onset_s=t.onset_s,
            duration_s=t.duration_s,
            is_kept=bool(is_kept),
            reason=reason,
            ratings={scale: t.value(scale) for scale in t.ratings},
        )
        for t, is_kept, reason in zip(content.trials, content.kept, content.reasons, strict=True)
    )
