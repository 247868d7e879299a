"""Several models or targets of one participant side by side, with a p value that holds for all of them together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Validation
from veridical.domain.pipeline import PIPELINES, PipelineName
from veridical.domain.progress import Progress, Work, scaled
from veridical.learning.permutation import familywise_p
from veridical.learning.validation import validate_problem
from veridical.reports.page import simulation_first
from veridical.services.extracting import ExtractedRun, extract_work
from veridical.services.judging import learned_trials, norms_of, scale_of
from veridical.services.study import Study
from veridical.services.trial_grid import TrialGrid, join_runs
from veridical.storage.ledger import Analysis, append_analysis, read_ledger

_EXTRACTED = 0.2


@dataclass(frozen=True)
class ComparisonRequest:
    """What to compare: every pipeline for every target; nothing named takes all pipelines and the study's target."""

    participant: str
    targets: tuple[str, ...] = ()
    pipelines: tuple[PipelineName, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class ComparedModel:
    """One of the models.

    Parameters
    ----------
    validation : Validation or None
        None where it could not be validated; ``problem`` says why.
    familywise_p : float
        Holds for all compared models together (maximum statistic on common labelings); NaN without a validation.
    analysis : int
        Its number in the ledger; 0 without a validation.
    """

    target: str
    pipeline: PipelineName
    validation: Validation | None
    familywise_p: float = float("nan")
    analysis: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Comparison:
    """Models side by side.

    Parameters
    ----------
    n_analyses : int
        In the participant's ledger by now.
    """

    participant: str
    models: tuple[ComparedModel, ...]
    n_analyses: int

    @property
    def n_validated(self) -> int:
        """Models that the familywise p value counts."""
        return sum(m.validation is not None for m in self.models)


def compare_work(study: Study, request: ComparisonRequest) -> Work[Comparison]:
    """Validate every model on the same folds and labelings; closing it cancels and writes nothing.

    Each validated model enters the ledger as an exploratory analysis of its own: it has been looked at.

    Raises
    ------
    AnalysisError
        No recording, an unknown target, or no model that could be validated.
    """
    choices = study.settings.analysis
    targets = request.targets or (choices.target,)
    pipelines = request.pipelines or PIPELINES
    scales = [scale_of(study, target) for target in targets]
    study.get_participant(request.participant)
    runs = yield from scaled(extract_work(study, request.participant, pipelines), 0.0, _EXTRACTED)
    grids = {p: _grid(study, runs, p) for p in pipelines}
    models: list[ComparedModel] = []
    step = (1 - _EXTRACTED) / (len(scales) * len(pipelines))
    for scale in scales:
        for pipeline in pipelines:
            start = _EXTRACTED + len(models) * step
            words = f"{scale.id}, {pipeline}: "
            grid = grids[pipeline]
            if isinstance(grid, AnalysisError):
                models.append(ComparedModel(scale.id, pipeline, None, problem=str(grid)))
                continue
            try:
                chosen = replace(choices, target=scale.id, pipeline=pipeline)
                problem = grid.problem(scale, chosen, norms_of(study, grid, scale))
                work = validate_problem(problem, choices.n_permutations, request.seed)
                validation = yield from scaled(work, start, start + step, words)
            except AnalysisError as error:
                models.append(ComparedModel(scale.id, pipeline, None, problem=str(error)))
                continue
            models.append(ComparedModel(scale.id, pipeline, validation))
    yield Progress(1, 1, "Compared")
    return _entered(study, request, runs, _corrected(models))


def _grid(study: Study, runs: tuple[ExtractedRun, ...], pipeline: PipelineName) -> TrialGrid | AnalysisError:
    try:
        whole = join_runs([run.features_of(pipeline) for run in runs])
    except AnalysisError as error:
        return error
    return whole.only(learned_trials(study, whole))


def _corrected(models: list[ComparedModel]) -> list[ComparedModel]:
    """Give every validated model its familywise p value."""
    found = {k: m.validation for k, m in enumerate(models) if m.validation is not None}
    if not found:
        raise AnalysisError(f"No model could be validated. {models[0].problem}")
    ps = familywise_p([(v.auc, v.null[: v.n_free], v.null[v.n_free :]) for v in found.values()])
    by_place: Mapping[int, float] = dict(zip(found, ps, strict=True))
    return [replace(m, familywise_p=by_place.get(k, m.familywise_p)) for k, m in enumerate(models)]


def _entered(
    study: Study, request: ComparisonRequest, runs: tuple[ExtractedRun, ...], models: list[ComparedModel]
) -> Comparison:
    """Write the validated models into the ledger."""
    path = study.paths.ledger(request.participant)
    number = len(read_ledger(path))
    n = sum(m.validation is not None for m in models)
    is_simulated = any(run.facts.is_simulated for run in runs)
    entered: list[ComparedModel] = []
    for model in models:
        v = model.validation
        if v is None:
            entered.append(model)
            continue
        number += 1
        words = simulation_first(
            f"One of {n} models compared, p of all together {model.familywise_p:.3f}", is_simulated
        )
        append_analysis(
            path,
            Analysis(
                number=number,
                utc=datetime.now(UTC).isoformat(),
                target=model.target,
                label_rule=study.settings.analysis.label_rule,
                pipeline=model.pipeline,
                seed=request.seed,
                is_primary=False,
                n_trials=v.n_trials,
                balanced_accuracy=v.balanced_accuracy,
                p_value=v.p_value,
                headline=words,
                recordings=tuple(run.facts.sha256 for run in runs),
                model="",
                kind="comparison",
                preprocessing=study.settings.preprocessing.words,
            ),
        )
        entered.append(replace(model, analysis=number))
    return Comparison(request.participant, tuple(entered), number)
