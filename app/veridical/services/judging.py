"""From recordings to a judged model, with nothing written but feature tables: what training and auditing share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from veridical.audit.checks import run_checks
from veridical.audit.context import AcrossKinds, Variant
from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.errors import AnalysisError
from veridical.domain.evaluation import Finding, RatingValidation, Validation, Verdict
from veridical.domain.label_rule import LABEL_RULES, LabelRule
from veridical.domain.participant import RunKey
from veridical.domain.pipeline import PipelineName
from veridical.domain.progress import Progress, Work, scaled
from veridical.domain.rating import Scale
from veridical.domain.remedy import AUDIT_RATER, Remedy
from veridical.domain.study import AnalysisChoices
from veridical.features.extraction import TrialFeatures
from veridical.learning.labels import split_labels
from veridical.learning.problem import Problem
from veridical.learning.rating_validation import validate_ratings
from veridical.learning.validation import validate_problem
from veridical.reports.content import RecordingFacts, Refinement, RuleCount
from veridical.reports.page import simulation_first
from veridical.services.audit_facts import are_clips, audit_context, history_of, picture_facts
from veridical.services.extracting import extract_work
from veridical.services.refining import refine_work
from veridical.services.remedies import remedies_of
from veridical.services.study import Study
from veridical.services.trial_grid import TrialGrid, join_runs
from veridical.storage.annotation_file import read_annotation_journal
from veridical.storage.feature_table import write_features
from veridical.storage.ledger import Analysis, read_ledger


@dataclass(frozen=True)
class TrainingRequest:
    """What to learn; None takes what study.toml fixed as primary.

    Parameters
    ----------
    refines : bool
        Whether the evoked covariance is validated besides (minutes).
    remedy : str
        The remedy that led to this analysis, in words; empty for none. Such an analysis is exploratory.
    """

    participant: str
    target: str | None = None
    label_rule: LabelRule | None = None
    pipeline: PipelineName | None = None
    seed: int = 0
    refines: bool = False
    remedy: str = ""


@dataclass(frozen=True)
class JudgedRun:
    """A recording that takes part, with its features, and those of other preparations by words."""

    key: RunKey
    facts: RecordingFacts
    features: TrialFeatures
    variants: Mapping[str, TrialFeatures | AnalysisError]


@dataclass(frozen=True)
class Judgement:
    """A validated and audited model of a participant.

    Parameters
    ----------
    number : int
        Of the analysis in the ledger, from 1.
    is_primary : bool
        Whether this is the analysis that study.toml fixed.
    ratings : RatingValidation or None
        How well the ratings themselves are predicted from the same features; None where they are too few.
    """

    choices: AnalysisChoices
    runs: tuple[JudgedRun, ...]
    grid: TrialGrid
    problem: Problem
    validation: Validation
    verdict: Verdict
    findings: tuple[Finding, ...]
    number: int
    is_primary: bool
    rule_counts: tuple[RuleCount, ...]
    remedies: tuple[Remedy, ...] = ()
    refined: Refinement | None = None
    ratings: RatingValidation | None = None

    @property
    def headline(self) -> str:
        """The verdict in words; a simulated participant is said first."""
        return simulation_first(self.verdict.headline, any(r.facts.is_simulated for r in self.runs))

    @property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of every recording that took part, in order."""
        return tuple(r.facts.sha256 for r in self.runs)


# Share of the whole work at which each step begins: the validations take most of it.
_EXTRACTED, _VALIDATED, _PREDICTED, _VARIED, _AUDITED = 0.25, 0.4, 0.5, 0.6, 0.95

# Each of a row that is only counted: enough to tell .05 from more, at a quarter of the time.
_VARIANT_PERMUTATIONS = 199


def judge_work(study: Study, request: TrainingRequest, is_another_look: bool = False) -> Work[Judgement]:
    """Extract, validate and audit, step by step; closing it cancels.

    Parameters
    ----------
    is_another_look : bool
        Whether an analysis that stands in the ledger (same choices, same recordings) keeps its number.

    Raises
    ------
    AnalysisError
        One class only, too few usable trials, no recording: one sentence with the remedy.
    """
    choices = _choices(study, request)
    scale = scale_of(study, choices.target)
    study.get_participant(request.participant)
    runs = yield from scaled(_extract(study, request.participant, choices.pipeline), 0.0, _EXTRACTED)
    whole = join_runs([r.features for r in runs])
    is_learned = learned_trials(study, whole)
    has_both = not is_learned.all()
    grid = whole.only(is_learned) if has_both else whole
    with naming_files([r.facts.file for r in runs]):
        problem = grid.problem(scale, choices, norms_of(study, grid, scale))
        validation = yield from scaled(
            validate_problem(problem, choices.n_permutations, request.seed), _EXTRACTED, _VALIDATED
        )
    ratings = yield from scaled(_predict_ratings(grid, scale, choices, request.seed), _VALIDATED, _PREDICTED)
    keys, hashes = [r.key for r in runs], tuple(r.facts.sha256 for r in runs)
    ledger = read_ledger(study.paths.ledger(request.participant))
    is_remedied = bool(request.remedy) or _has_remedy_marks(study, keys)
    prepared = study.settings.preprocessing.words
    is_primary = not is_remedied and _is_primary(study, choices, ledger, hashes, prepared)
    number = len(ledger) + 1
    if is_another_look:
        number = next((a.number for a in ledger if _is_same(a, choices, hashes, prepared)), number)
    row = yield from scaled(_vary(study, runs, scale, choices, request.seed), _PREDICTED, _VARIED)
    history = replace(history_of(study, request.participant, hashes, is_primary, number), sensitivity=row)
    context = audit_context(
        study, keys, grid, scale, choices, problem, validation, history, request.seed, [r.facts for r in runs]
    )
    if has_both:
        everything = whole.problem(scale, choices, norms_of(study, whole, scale))
        context = replace(context, across_kinds=AcrossKinds(everything, ~is_learned))
    verdict, findings = yield from scaled(run_checks(context), _VARIED, _AUDITED)
    yield Progress(_AUDITED, 1.0, "Writing")
    counts = count_rules(study, grid, scale, choices)
    remedies = remedies_of(findings, grid, keys, [r.facts for r in runs], max(number, len(ledger)))
    refined = None
    if request.refines:
        refined = yield from scaled(refine_work(grid, problem, validation, choices, request.seed), 0.0, 1.0)
    return Judgement(
        choices=choices,
        runs=tuple(runs),
        grid=grid,
        problem=problem,
        validation=validation,
        verdict=verdict,
        findings=findings,
        number=number,
        is_primary=is_primary,
        rule_counts=counts,
        remedies=remedies,
        refined=refined,
        ratings=ratings,
    )


@contextmanager
def naming_files(files: Sequence[str]) -> Iterator[None]:
    """Begin what an analysis refuses with the recordings that it is about."""
    try:
        yield
    except AnalysisError as error:
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        raise AnalysisError(f"{files[0]}{more}: {error}") from error


def _predict_ratings(
    grid: TrialGrid, scale: Scale, choices: AnalysisChoices, seed: int
) -> Work[RatingValidation | None]:
    """Validate the prediction of the own ratings, whatever the label rule makes of them."""
    problem = grid.problem(scale, replace(choices, label_rule="midpoint"), np.full(len(grid.trials), np.nan))
    try:
        return (yield from validate_ratings(problem, choices.n_permutations, seed))
    except AnalysisError:
        # The classes may come from norms where own ratings are too few or all the same.
        return None


def _vary(
    study: Study, runs: Sequence[JudgedRun], scale: Scale, choices: AnalysisChoices, seed: int
) -> Work[tuple[Variant, ...]]:
    """Validate the analysis with each change of the preparation that every recording allows."""
    found: list[Variant] = []
    changes = list(runs[0].variants)
    for done, words in enumerate(changes):
        start, stop = done / len(changes), (done + 1) / len(changes)
        varied = [v for v in (run.variants.get(words) for run in runs) if isinstance(v, TrialFeatures)]
        if len(varied) < len(runs):
            continue
        try:
            whole = join_runs(varied)
            grid = whole.only(learned_trials(study, whole))
            problem = grid.problem(scale, choices, norms_of(study, grid, scale))
            work = validate_problem(problem, min(choices.n_permutations, _VARIANT_PERMUTATIONS), seed)
            v = yield from scaled(work, start, stop, f"With {words}: ")
        except AnalysisError:
            # Too few trials are left by this preparation: the row has one fewer.
            continue
        found.append(Variant(words, v.auc, v.p_value, v.n_trials))
    return tuple(found)


def _is_same(analysis: Analysis, choices: AnalysisChoices, hashes: tuple[str, ...], prepared: str) -> bool:
    done = (analysis.target, analysis.label_rule, analysis.pipeline, analysis.recordings)
    is_prepared_so = analysis.preprocessing in ("", prepared)
    asked = (choices.target, choices.label_rule, choices.pipeline, hashes)
    return analysis.kind == "analysis" and is_prepared_so and done == asked


def learned_trials(study: Study, grid: TrialGrid) -> BoolArray:
    """Mark the trials that a model learns from, shape (n_presented,).

    Clips only test what was learned from pictures; a study of nothing but clips learns from them.
    """
    clips = are_clips(study, grid.trials)
    return clips | ~clips if clips.all() else ~clips


def norms_of(study: Study, grid: TrialGrid, scale: Scale) -> FloatArray:
    """Norms of the presented pictures on a scale, from -1 to 1; NaN where there is none."""
    facts = picture_facts(study, grid.trials)
    by_scale = {"valence": facts.norm_valence, "arousal": facts.norm_arousal}
    return by_scale.get(scale.id, np.full(len(grid.trials), np.nan))


def count_rules(study: Study, grid: TrialGrid, scale: Scale, choices: AnalysisChoices) -> tuple[RuleCount, ...]:
    """Class counts under every label rule, side by side; medians and tertiles are those of all kept trials."""
    norms = norms_of(study, grid, scale)
    counts: list[RuleCount] = []
    for rule in LABEL_RULES:
        try:
            problem = grid.problem(scale, replace(choices, label_rule=rule), norms)
        except AnalysisError:
            counts.append(RuleCount(rule, None, None))
            continue
        rows = np.flatnonzero(problem.kept)
        ratings = np.asarray(problem.ratings, dtype=float)[:, None]
        labels = split_labels(ratings, rows, problem.label_rule, problem.midpoint, problem.dead_zone)[rows, 0]
        counts.append(RuleCount(rule, int((labels < 0).sum()), int((labels > 0).sum())))
    return tuple(counts)


def _has_remedy_marks(study: Study, keys: Sequence[RunKey]) -> bool:
    """Whether marks that a remedy made are in force: what they were made after has been seen."""
    journals = [study.paths.annotation_journal(key, AUDIT_RATER) for key in keys]
    return any(j.is_file() and read_annotation_journal(j).annotations.annotations for j in journals)


def _is_primary(
    study: Study, chosen: AnalysisChoices, ledger: Sequence[Analysis], hashes: tuple[str, ...], prepared: str
) -> bool:
    """The choices that study.toml fixed, on these recordings for the first time or once more (METHODS 5.9).

    The same choices on more recordings are another look at the data, and looks must be planned. Signals prepared in
    another way than the first time are another analysis, whatever study.toml says by now.
    """
    fixed = study.settings.analysis
    is_fixed = (chosen.target, chosen.label_rule, chosen.pipeline) == (
        fixed.target,
        fixed.label_rule,
        fixed.pipeline,
    )
    before = [a for a in ledger if a.is_primary]
    return is_fixed and all(a.recordings == hashes and a.preprocessing in ("", prepared) for a in before)


def _choices(study: Study, request: TrainingRequest) -> AnalysisChoices:
    primary = study.settings.analysis
    return replace(
        primary,
        target=request.target or primary.target,
        label_rule=request.label_rule or primary.label_rule,
        pipeline=request.pipeline or primary.pipeline,
    )


def scale_of(study: Study, target: str) -> Scale:
    """Return a rating scale of the study by its id; AnalysisError names those there are."""
    scales = study.settings.protocol.scales
    for scale in scales:
        if scale.id == target:
            return scale
    raise AnalysisError(f"The study has no scale {target!r}; choose one of {', '.join(s.id for s in scales)}.")


def _extract(study: Study, participant: str, pipeline: PipelineName) -> Work[list[JudgedRun]]:
    """Extract what the pipeline learns from and write the feature tables."""
    found: list[JudgedRun] = []
    for run in (yield from extract_work(study, participant, (pipeline,), varies=True)):
        features = run.features_of(pipeline)
        write_features(
            study.paths.features(run.key),
            features.trials,
            features.kept,
            [reason or flag for reason, flag in zip(features.reasons, features.flags, strict=True)],
            [f.name for f in features.features],
            features.named,
        )
        found.append(JudgedRun(run.key, run.facts, features, run.variants))
    return found
