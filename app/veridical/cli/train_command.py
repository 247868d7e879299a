"""``veridical train``."""

from pathlib import Path
from typing import cast

from veridical.cli.output import JsonValue, follow, put, put_json
from veridical.domain.study import LabelRule, PipelineName
from veridical.services.study import open_study
from veridical.services.training import TrainingRequest, TrainingResult, train_work


def run_train(
    study: Path,
    participant: str,
    target: str | None,
    label_rule: str | None,
    pipeline: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Train, validate, audit and report; print the result."""
    request = TrainingRequest(
        participant,
        target,
        # The command line offers these values only.
        cast("LabelRule | None", label_rule),
        cast("PipelineName | None", pipeline),
        seed,
    )
    result = follow(train_work(open_study(study), request))
    if as_json:
        put_json(as_json_object(result))
        return
    put(headline(result))
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


def as_json_object(result: TrainingResult) -> dict[str, JsonValue]:
    """Return the fields of ``train --json`` (FORMATS 5)."""
    v = result.validation
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
    }
