"""Run every check of this version, then draw the verdict."""

from collections.abc import Callable
from typing import TypeVar

from veridical.audit import (
    artifact_bias,
    chance,
    ground_truth,
    noise,
    other_rating,
    overfitting,
    time_on_task,
    too_little_data,
)
from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.families import ARTIFACTS, families_of, measure_family
from veridical.audit.verdict import FamilyEvidence, decide
from veridical.domain.evaluation import Finding, Verdict
from veridical.domain.progress import Progress, Work

_Result = TypeVar("_Result")

# In the order in which the report lists them.
CHECKS: tuple[Callable[[AuditContext], Finding], ...] = (
    chance.check,
    overfitting.check,
    too_little_data.check,
    noise.check,
    artifact_bias.check,
    other_rating.check,
    time_on_task.check,
    ground_truth.check,
)

# Threats of METHODS 6 that no check of this version measures; every report names them.
NOT_MEASURED: tuple[str, ...] = (
    "picture confounds",
    "generalisation",
    "individual",
    "state mismatch",
    "analysis freedom",
    "calibration of probabilities",
)


def run_checks(context: AuditContext) -> Work[tuple[Verdict, tuple[Finding, ...]]]:
    """Measure the confound families, run the checks, apply the verdict rule.

    The families take one or two validations each (seconds); the checks themselves only look at what is there.
    """
    families = families_of(context)
    total = len(families) + 1
    results: list[FamilyResult] = []
    for done, family in enumerate(families):
        text = f"Checking whether the model reads {family.words}"
        results.append((yield from _part(measure_family(context, family), done, total, text)))
    text = "Checking what shuffled folds would have claimed"
    shuffled = yield from _part(overfitting.validate_shuffled(context), len(families), total, text)
    measured = context.measured(results, shuffled)
    findings = tuple(check(measured) for check in CHECKS)
    yield Progress(total, total, "Drawing the verdict")
    return verdict_of(measured), findings


def _part(work: Work[_Result], done: int, total: int, text: str) -> Work[_Result]:
    """Run one of ``total`` equal parts and tell its progress as a share of the whole.

    A part may hold two validations, each counting from 0; the share told never goes back.
    """
    furthest = 0.0
    yield Progress(done, total, text)
    try:
        while True:
            furthest = max(furthest, next(work).share)
            yield Progress(done + furthest, total, text)
    except StopIteration as stop:
        result: _Result = stop.value
        return result
    finally:
        work.close()


def verdict_of(context: AuditContext) -> Verdict:
    """Apply the published rule to a context whose families were measured."""
    v = context.validation
    evidence = [
        FamilyEvidence(
            f.words,
            None if f.alone is None else f.alone.p_value,
            None if f.after is None else f.after.p_value,
            is_required=f.name == ARTIFACTS,
        )
        for f in context.families
    ]
    return decide(v.p_value, v.interval95, context.analysis.smallest_effect, evidence, noise.lost_share(context))
