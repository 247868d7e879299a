"""Run every check of METHODS 6, then draw the verdict."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from veridical.audit import (
    analysis_freedom,
    artifact_bias,
    chance,
    generalisation,
    ground_truth,
    individual,
    noise,
    other_rating,
    overfitting,
    picture_confounds,
    probability_calibration,
    state_mismatch,
    time_on_task,
    too_little_data,
)
from veridical.audit.charts import with_chart
from veridical.audit.context import AuditContext, FamilyResult
from veridical.audit.families import ARTIFACTS, families_of, measure_family
from veridical.audit.verdict import FamilyEvidence, decide
from veridical.domain.evaluation import Finding, Verdict
from veridical.domain.progress import Progress, Work

_Result = TypeVar("_Result")

# Besides the families: shuffled folds, learning curve, transfers, pooled model, sessions, marked trials.
_N_OTHER_PARTS = 6

# In the order in which the report lists them.
CHECKS: tuple[Callable[[AuditContext], Finding], ...] = (
    chance.check,
    overfitting.check,
    too_little_data.check,
    noise.check,
    artifact_bias.check,
    picture_confounds.check,
    other_rating.check,
    time_on_task.check,
    ground_truth.check,
    generalisation.check,
    individual.check,
    state_mismatch.check,
    analysis_freedom.check,
    probability_calibration.check,
)


def run_checks(context: AuditContext) -> Work[tuple[Verdict, tuple[Finding, ...]]]:
    """Measure what the checks need, run them, apply the verdict rule.

    The families take one or two validations each (seconds); the checks themselves only look at what is there.
    """
    families = families_of(context)
    total = len(families) + _N_OTHER_PARTS
    results: list[FamilyResult] = []
    for done, family in enumerate(families):
        text = f"Checking whether the model reads {family.words}"
        results.append((yield from _part(measure_family(context, family), done, total, text)))
    done = len(families)
    measured = replace(
        context,
        families=tuple(results),
        shuffled=(
            yield from _part(
                overfitting.validate_shuffled(context), done, total, "Checking what shuffled folds would have claimed"
            )
        ),
        curve=(yield from _part(too_little_data.measure_curve(context), done + 1, total, "Learning from fewer trials")),
        transfers=(
            yield from _part(
                generalisation.measure_transfers(context), done + 2, total, "Trying other themes, times and sessions"
            )
        ),
        pooled=(
            yield from _part(
                individual.measure_pooled(context), done + 3, total, "Trying a model of the other participants"
            )
        ),
        shift=(yield from _part(state_mismatch.measure_shift(context), done + 4, total, "Comparing the sessions")),
        everything=(
            yield from _part(noise.measure_everything(context), done + 5, total, "Trying the marked trials as well")
        ),
    )
    findings = tuple(with_chart(_plain(check(measured)), measured) for check in CHECKS)
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


def _plain(finding: Finding) -> Finding:
    """Python's own floats, which every file format takes."""
    return replace(finding, evidence={name: float(value) for name, value in finding.evidence.items()})


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
