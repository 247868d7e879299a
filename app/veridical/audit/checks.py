"""Run every check of this version, then draw the verdict."""

from veridical.audit.context import AuditContext
from veridical.domain.evaluation import Finding, Verdict
from veridical.domain.progress import Work

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
    """Measure the confound families, run the checks, apply the verdict rule."""
    raise NotImplementedError
