"""Run every check of this version, then draw the verdict."""

from collections.abc import Callable

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
    results: list[FamilyResult] = []
    for done, family in enumerate(families):
        text = f"Checking whether the model reads {family.words}"
        yield Progress(done, len(families), text)
        work = measure_family(context, family)
        try:
            while True:
                step = next(work)
                yield Progress(done + step.share, len(families), text)
        except StopIteration as stop:
            results.append(stop.value)
        finally:
            work.close()
    measured = context.with_families(results)
    findings = tuple(check(measured) for check in CHECKS)
    yield Progress(len(families), len(families), "Drawing the verdict")
    return verdict_of(measured), findings


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
