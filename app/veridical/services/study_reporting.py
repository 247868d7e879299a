"""The report of a study, put together from its participants' newest analyses; nothing is trained for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from veridical.audit.population import holm, prevalence
from veridical.audit.verdict import ALPHA
from veridical.domain.errors import AnalysisError, StorageError
from veridical.domain.evaluation import OverallVerdict
from veridical.domain.progress import Progress, Work
from veridical.reports.study_content import STUDY_DOCUMENT_VERSION, PersonScore, StudyDocument
from veridical.reports.study_report import write_study_report
from veridical.services.session_record import package_versions
from veridical.services.study import Study
from veridical.storage.ledger import Analysis, read_ledger


class _Check(msgspec.Struct):
    threat: str
    evidence: Mapping[str, float | None]


class _Numbers(msgspec.Struct):
    """What is read of a participant's report.json."""

    verdict: OverallVerdict
    headline: str
    is_simulated: bool
    n_trials: int
    balanced_accuracy: float
    interval95: tuple[float, float]
    chance95: float
    auc: float
    p_value: float
    n_permutations: int
    trials: list[msgspec.Raw]
    checks: list[_Check]


@dataclass(frozen=True)
class StudyReport:
    """The document and where it was written."""

    document: StudyDocument
    report: Path


def study_report_work(study: Study, target: str | None = None) -> Work[StudyReport]:
    """Join the participants and write ``reports/study-<target>.html`` with its JSON; closing it cancels.

    Of every participant the newest primary analysis counts, else the newest one with study.toml's label rule and
    pipeline.

    Raises
    ------
    AnalysisError
        If nobody was trained yet.
    """
    choices = study.settings.analysis
    wanted = target or choices.target
    people: list[PersonScore] = []
    numbers: list[_Numbers] = []
    left_out: dict[str, str] = {}
    everybody = study.participants()
    for done, participant in enumerate(everybody):
        yield Progress(done, len(everybody) + 1, f"Reading participant {participant.id}")
        if participant.status == "withdrawn":
            continue
        analyses = read_ledger(study.paths.ledger(participant.id))
        chosen = _chosen(analyses, wanted, choices.label_rule, choices.pipeline)
        if chosen is None:
            left_out[participant.id] = f"No model of {wanted} with the study's label rule and pipeline was trained."
            continue
        try:
            found = _read(study.paths.report(participant.id, chosen.model).with_suffix(".json"))
        except StorageError as error:
            left_out[participant.id] = str(error)
            continue
        numbers.append(found)
        people.append(_person(study, participant.id, chosen, len(analyses), found))
    if not people:
        raise AnalysisError(
            f"No participant has a trained model of {wanted} yet; train one on the Model page or with "
            "`veridical train`."
        )
    yield Progress(len(everybody), len(everybody) + 1, "Writing")
    document = _document(study, wanted, people, numbers, left_out)
    path = study.paths.study_report(wanted)
    write_study_report(path, document)
    return StudyReport(document, path)


def _chosen(analyses: tuple[Analysis, ...], target: str, rule: str, pipeline: str) -> Analysis | None:
    fitting = [a for a in analyses if a.model and (a.target, a.label_rule, a.pipeline) == (target, rule, pipeline)]
    primary = [a for a in fitting if a.is_primary]
    best = primary or fitting
    return best[-1] if best else None


def _read(path: Path) -> _Numbers:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Numbers)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{path.name} cannot be read ({error}); train this participant again.") from error


def _person(study: Study, participant: str, chosen: Analysis, n_analyses: int, found: _Numbers) -> PersonScore:
    individual: Mapping[str, float | None] = next((c.evidence for c in found.checks if c.threat == "individual"), {})
    command = f"veridical train {study.root.name} --participant {participant} --target {chosen.target} --json"
    return PersonScore(
        participant=participant,
        kind=found.verdict,
        headline=chosen.headline,
        n_trials=found.n_trials,
        balanced_accuracy=found.balanced_accuracy,
        interval95=found.interval95,
        chance95=found.chance95,
        auc=found.auc,
        p_value=found.p_value,
        p_holm=float("nan"),
        is_primary=chosen.is_primary,
        n_analyses=n_analyses,
        auc_pooled=individual.get("auc_pooled"),
        p_pooled=individual.get("p_pooled"),
        n_others=int(individual.get("n_other_participants") or 0),
        report=f"{chosen.model}.html",
        command=command,
    )


def _document(
    study: Study, target: str, people: list[PersonScore], numbers: list[_Numbers], left_out: Mapping[str, str]
) -> StudyDocument:
    adjusted = holm([p.p_value for p in people])
    counted = tuple(replace(p, p_holm=float(q)) for p, q in zip(people, adjusted, strict=True))
    compared = [(p.auc, p.auc_pooled) for p in counted if p.auc_pooled is not None]
    n, choices = len(counted), study.settings.analysis
    target_option = "" if target == choices.target else f" --target {target}"
    return StudyDocument(
        document_version=STUDY_DOCUMENT_VERSION,
        study=study.root.name,
        title=study.settings.title,
        target=target,
        label_rule=choices.label_rule,
        pipeline=choices.pipeline,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        is_simulated=any(found.is_simulated for found in numbers),
        people=counted,
        above_chance=prevalence(sum(p.p_value < ALPHA for p in counted), n),
        unexplained=prevalence(sum(p.kind == "above chance" for p in counted), n),
        n_after_holm=int((adjusted < ALPHA).sum()),
        # The circular test knows as many labelings as trials were presented, the free one as were drawn.
        smallest_p=max(max(1 / max(1, len(found.trials)), 1 / (found.n_permutations + 1)) for found in numbers),
        n_own_better=sum(own > other for own, other in compared),
        n_compared=len(compared),
        mean_auc_own=float(np.mean([own for own, _ in compared])) if compared else float("nan"),
        mean_auc_pooled=float(np.mean([other for _, other in compared])) if compared else float("nan"),
        command=f"veridical report {study.root.name}{target_option} --json",
        left_out=left_out,
        versions=dict(package_versions()),
    )
