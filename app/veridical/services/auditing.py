"""The audit of a participant's model on its own: every check, without a new model."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from veridical.domain.evaluation import Finding, Validation, Verdict
from veridical.domain.progress import Work, finish
from veridical.services.judging import Judgement, TrainingRequest, judge_work
from veridical.services.study import Study, open_study
from veridical.storage.ledger import Analysis, append_analysis, read_ledger


@dataclass(frozen=True)
class AuditResult:
    """The verdict and every check behind it.

    Parameters
    ----------
    is_primary : bool
        Whether this is the analysis that study.toml fixed; ``analysis`` counts from 1 in the ledger.
    """

    participant: str
    target: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    validation: Validation
    is_primary: bool
    analysis: int


def audit_work(study: Study, request: TrainingRequest) -> Work[AuditResult]:
    """Audit an analysis; closing it cancels.

    Looking again at an analysis that the ledger has (same choices, same recordings) counts as the one it was; a first
    look is entered like any other.

    Raises
    ------
    AnalysisError
        As ``train_work``.
    """
    ledger = study.paths.ledger(request.participant)
    judged = yield from judge_work(study, request, is_another_look=True)
    if judged.number > len(read_ledger(ledger)):
        append_analysis(ledger, _line(study, judged, request))
    return AuditResult(
        participant=request.participant,
        target=judged.choices.target,
        verdict=judged.verdict,
        findings=judged.findings,
        validation=judged.validation,
        is_primary=judged.is_primary,
        analysis=judged.number,
    )


def audit_model(study: Study | Path | str, participant: str, target: str | None = None) -> AuditResult:
    """Do ``audit_work`` to its end (blocks); without a target, study.toml's primary analysis is audited."""
    opened = study if isinstance(study, Study) else open_study(study)
    return finish(audit_work(opened, TrainingRequest(participant, target)))


def _line(study: Study, judged: Judgement, request: TrainingRequest) -> Analysis:
    return Analysis(
        number=judged.number,
        utc=datetime.now(UTC).isoformat(),
        target=judged.choices.target,
        label_rule=judged.choices.label_rule,
        pipeline=judged.choices.pipeline,
        seed=request.seed,
        is_primary=judged.is_primary,
        n_trials=judged.validation.n_trials,
        balanced_accuracy=judged.validation.balanced_accuracy,
        p_value=judged.validation.p_value,
        headline=judged.headline,
        recordings=judged.hashes,
        model="",
        preprocessing=study.settings.preprocessing.words,
    )
