"""``veridical train``."""

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import cast

from veridical.audit.result_words import ratings_words, views_words
from veridical.cli.output import JsonValue, follow, put, put_json
from veridical.domain.label_rule import LabelRule
from veridical.domain.pipeline import PipelineName
from veridical.reports.content import Refinement
from veridical.reports.document import rating_numbers
from veridical.services.judging import TrainingRequest
from veridical.services.study import open_study
from veridical.services.training import TrainingResult, train_work


def request_of(
    participant: str,
    target: str | None,
    label_rule: Enum | None,
    pipeline: Enum | None,
    seed: int,
    refines: bool = False,
) -> TrainingRequest:
    """What the options of ``train`` and ``audit`` ask for; the command line offers the values of both types only."""
    return TrainingRequest(
        participant,
        target,
        None if label_rule is None else cast("LabelRule", label_rule.value),
        None if pipeline is None else cast("PipelineName", pipeline.value),
        seed,
        refines,
    )


def run_train(study: Path, request: TrainingRequest, as_json: bool, with_ratings: bool = False) -> None:
    """Train, validate, audit and report; print the result."""
    result = follow(train_work(open_study(study), request))
    if as_json:
        put_json(as_json_object(result, with_ratings))
        return
    put(headline(result))
    counts = (f"{c.rule} {c.n_low}/{c.n_high}" for c in result.rule_counts if c.n_low is not None)
    if result.validation.views:
        put(f"Put together from: {views_words(result.validation)}")
    if result.ratings is not None:
        put(f"The rating itself: {ratings_words(result.ratings)}")
    put(f"Trials of either class by label rule: {', '.join(counts)}")
    if result.refined is not None:
        put(refined_line(result.refined))
    put(f"Report: {result.report}")


def headline(result: TrainingResult) -> str:
    """Say the verdict in words, then the number with its interval, chance and p."""
    v = result.validation
    kind = "" if result.is_primary else f" (exploratory, analysis {result.analysis})"
    return (
        f"{result.verdict.headline}{kind}. {result.target.capitalize()}: balanced accuracy {v.balanced_accuracy:.2f} "
        f"[{v.interval95[0]:.2f}, {v.interval95[1]:.2f}], chance up to {v.chance95:.2f}, p = {v.p_value:.3f}, "
        f"{v.n_trials} trials."
    )


def refined_line(refined: Refinement) -> str:
    """The refinement's numbers in one line."""
    v = refined.validation
    return (
        f"Evoked covariance besides: balanced accuracy {v.balanced_accuracy:.2f} [{v.interval95[0]:.2f}, "
        f"{v.interval95[1]:.2f}], AUC {v.auc:.2f}, p = {v.p_value:.3f}, familywise with the headline "
        f"p = {refined.familywise_p:.3f}."
    )


def as_json_object(result: TrainingResult, with_ratings: bool = False) -> dict[str, JsonValue]:
    """Return the fields of ``train --json`` (FORMATS 5); what was asked for besides comes after them."""
    v, refined = result.validation, result.refined
    more: dict[str, JsonValue] = {}
    if refined is not None:
        r = refined.validation
        more["refined"] = {
            "balanced_accuracy": r.balanced_accuracy,
            "interval95": list(r.interval95),
            "auc": r.auc,
            "p_value": r.p_value,
            "p_free": r.p_free,
            "p_circular": r.p_circular,
            "p_familywise": refined.familywise_p,
        }
    if with_ratings and result.ratings is not None:
        more["ratings"] = asdict(rating_numbers(result.ratings))
    if v.views:
        more["shares"] = {name: float(v.shares[:, k].mean()) for k, name in enumerate(v.views)}
    return {
        "target": result.target,
        "n_trials": v.n_trials,
        "classes": dict(v.classes),
        "balanced_accuracy": v.balanced_accuracy,
        "interval95": list(v.interval95),
        "chance95": v.chance95,
        "p_value": v.p_value,
        "p_free": v.p_free,
        "p_circular": v.p_circular,
        "auc": v.auc,
        "train_balanced_accuracy": v.train_balanced_accuracy,
        "folds": v.folds,
        "embargo_trials": v.embargo_trials,
        "model": str(result.model),
        "report": str(result.report),
        **more,
    }
