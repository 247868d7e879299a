"""From recordings to a validated model and its report."""

from dataclasses import dataclass
from pathlib import Path

from veridical.domain.evaluation import Finding, Validation, Verdict
from veridical.domain.progress import Work
from veridical.domain.study import LabelRule, PipelineName
from veridical.services.study import Study


@dataclass(frozen=True)
class TrainingRequest:
    """What to learn; None takes what study.toml fixed as primary."""

    participant: str
    target: str | None = None
    label_rule: LabelRule | None = None
    pipeline: PipelineName | None = None
    seed: int = 0


@dataclass(frozen=True)
class TrainingResult:
    """A validated model.

    Parameters
    ----------
    is_primary : bool
        Whether this is the analysis that study.toml fixed; ``analysis`` counts from 1 in the ledger.
    left_out : tuple of str
        Features whose window did not fit, and trials that were dropped, in words.
    """

    participant: str
    target: str
    validation: Validation
    verdict: Verdict
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]
    is_primary: bool
    analysis: int
    model: Path
    report: Path


def train_work(study: Study, request: TrainingRequest) -> Work[TrainingResult]:
    """Extract, train, validate, audit, report, step by step; closing it cancels and leaves nothing half-written.

    Raises
    ------
    AnalysisError
        One class only, too few usable trials, no recording: one sentence with the remedy.
    """
    raise NotImplementedError


def train_model(study: Study, participant: str, target: str = "valence") -> TrainingResult:
    """Do ``train_work`` to its end (blocks)."""
    raise NotImplementedError
