"""``veridical compare``."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import cast

from veridical.audit.wording import count, p_words
from veridical.cli.output import JsonValue, follow, put, put_json
from veridical.domain.pipeline import PIPELINE_WORDS, PipelineName
from veridical.services.comparing import ComparedModel, Comparison, ComparisonRequest, compare_work
from veridical.services.study import open_study


def comparison_of(participant: str, targets: Sequence[str], pipelines: Sequence[Enum], seed: int) -> ComparisonRequest:
    """What the options ask for; the command line offers pipelines only."""
    names = tuple(cast("PipelineName", p.value) for p in pipelines)
    return ComparisonRequest(participant, tuple(targets), names, seed)


def run_compare(study: Path, request: ComparisonRequest, as_json: bool) -> None:
    """Compare and print one line for each model."""
    found = follow(compare_work(open_study(study), request))
    if as_json:
        put_json(
            {
                "participant": found.participant,
                "n_validated": found.n_validated,
                "n_analyses": found.n_analyses,
                "models": [_numbers(m) for m in found.models],
            }
        )
        return
    put(_head(found))
    for model in found.models:
        put(f"  {model.target}, {PIPELINE_WORDS[model.pipeline]}: {_words(model)}")


def _head(found: Comparison) -> str:
    return (
        f"{count(found.n_validated, 'model')} of participant {found.participant} on the same blocks and shuffles. "
        "p holds for all of them together (maximum statistic); "
        f"{count(found.n_analyses, 'analysis', 'analyses')} in the ledger."
    )


def _words(model: ComparedModel) -> str:
    v = model.validation
    if v is None:
        return model.problem
    return (
        f"balanced accuracy {v.balanced_accuracy:.2f} [{v.interval95[0]:.2f}, {v.interval95[1]:.2f}], AUC {v.auc:.2f}, "
        f"{p_words(model.familywise_p)} (alone {p_words(v.p_value)}), {v.n_trials} trials."
    )


def _numbers(model: ComparedModel) -> dict[str, JsonValue]:
    v = model.validation
    about: dict[str, JsonValue] = {
        "target": model.target,
        "pipeline": model.pipeline,
        "analysis": model.analysis or None,
    }
    if v is None:
        return {**about, "problem": model.problem}
    return {
        **about,
        "n_trials": v.n_trials,
        "balanced_accuracy": v.balanced_accuracy,
        "interval95": list(v.interval95),
        "chance95": v.chance95,
        "auc": v.auc,
        "p_value": v.p_value,
        "p_familywise": model.familywise_p,
    }
