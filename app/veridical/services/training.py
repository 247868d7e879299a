"""From recordings to a validated model and its report."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from veridical.audit.checks import run_checks
from veridical.domain.errors import AnalysisError, RecordingError
from veridical.domain.evaluation import Finding, Validation, Verdict
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work, finish
from veridical.domain.rating import Scale
from veridical.domain.study import AnalysisChoices, LabelRule, PipelineName
from veridical.domain.trial_table import trials_from_events
from veridical.features.extraction import TrialFeatures, extract_features
from veridical.learning.bundle import ModelBundle, save_bundle, scores_of
from veridical.learning.model import fit_model
from veridical.learning.problem import Problem
from veridical.learning.validation import validate_problem
from veridical.reports.content import RecordingFacts, ReportContent
from veridical.reports.page import headline
from veridical.reports.report import write_report
from veridical.services.annotating import load_run, merged_marks
from veridical.services.audit_facts import audit_context, history_of, keep_for_others
from veridical.services.report_facts import annotation_summary, recording_facts
from veridical.services.session_record import package_versions
from veridical.services.study import Study, open_study
from veridical.services.trial_grid import TrialGrid, join_runs
from veridical.storage.feature_table import write_features
from veridical.storage.ledger import Analysis, append_analysis, read_ledger

_Result = TypeVar("_Result")


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
    headline : str
        The verdict in words, as report and ledger have it; "In simulation: ..." where anything was simulated.
    is_primary : bool
        Whether this is the analysis that study.toml fixed; ``analysis`` counts from 1 in the ledger.
    left_out : tuple of str
        Features whose window did not fit, and trials that were dropped, in words.
    """

    participant: str
    target: str
    validation: Validation
    verdict: Verdict
    headline: str
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]
    is_primary: bool
    analysis: int
    model: Path
    report: Path


# Share of the whole work at which each step begins: the validations take most of it.
_EXTRACTED, _VALIDATED, _AUDITED = 0.25, 0.5, 0.95


def train_work(study: Study, request: TrainingRequest) -> Work[TrainingResult]:
    """Extract, train, validate, audit, report, step by step; closing it cancels and leaves nothing half-written.

    Raises
    ------
    AnalysisError
        One class only, too few usable trials, no recording: one sentence with the remedy.
    """
    choices = _choices(study, request)
    scale = _scale(study, choices.target)
    study.get_participant(request.participant)
    runs = yield from _scaled(_extract(study, request.participant, choices), 0.0, _EXTRACTED)
    grid = join_runs([r.features for r in runs])
    problem = grid.problem(scale, choices)
    validation = yield from _scaled(
        validate_problem(problem, choices.n_permutations, request.seed), _EXTRACTED, _VALIDATED
    )
    keys, hashes = [r.key for r in runs], tuple(r.facts.sha256 for r in runs)
    ledger = read_ledger(study.paths.ledger(request.participant))
    history = history_of(study, request.participant, hashes, _is_primary(study, choices, ledger, hashes))
    context = audit_context(study, keys, grid, scale, choices, problem, validation, history, request.seed)
    verdict, findings = yield from _scaled(run_checks(context), _VALIDATED, _AUDITED)
    yield Progress(_AUDITED, 1.0, "Writing model and report")
    outcome = _Outcome(study, request, choices, tuple(runs), grid, validation, verdict, findings)
    # No yield from here on: a cancel either comes before anything is written or after everything is.
    result = outcome.write(problem)
    return result


def train_model(study: Study | Path | str, participant: str, target: str = "valence") -> TrainingResult:
    """Do ``train_work`` to its end (blocks)."""
    opened = study if isinstance(study, Study) else open_study(study)
    return finish(train_work(opened, TrainingRequest(participant, target)))


def _is_primary(study: Study, chosen: AnalysisChoices, ledger: Sequence[Analysis], hashes: tuple[str, ...]) -> bool:
    """The choices that study.toml fixed, on these recordings for the first time or once more (METHODS 5.9).

    The same choices on more recordings are another look at the data, and looks must be planned.
    """
    fixed = study.settings.analysis
    is_fixed = (chosen.target, chosen.label_rule, chosen.pipeline) == (
        fixed.target,
        fixed.label_rule,
        fixed.pipeline,
    )
    return is_fixed and all(a.recordings == hashes for a in ledger if a.is_primary)


@dataclass(frozen=True)
class _ExtractedRun:
    key: RunKey
    facts: RecordingFacts
    features: TrialFeatures


def _choices(study: Study, request: TrainingRequest) -> AnalysisChoices:
    primary = study.settings.analysis
    return replace(
        primary,
        target=request.target or primary.target,
        label_rule=request.label_rule or primary.label_rule,
        pipeline=request.pipeline or primary.pipeline,
    )


def _scale(study: Study, target: str) -> Scale:
    scales = study.settings.protocol.scales
    for scale in scales:
        if scale.id == target:
            return scale
    raise AnalysisError(f"The study has no scale {target!r}; choose one of {', '.join(s.id for s in scales)}.")


def _scaled(work: Work[_Result], start: float, stop: float) -> Work[_Result]:
    """Run a part of the work and tell its progress as a share of the whole."""
    try:
        while True:
            step = next(work)
            yield Progress(start + step.share * (stop - start), 1.0, step.text)
    except StopIteration as stopped:
        result: _Result = stopped.value
        return result
    finally:
        work.close()


def _extract(study: Study, participant: str, choices: AnalysisChoices) -> Work[list[_ExtractedRun]]:
    """Load every recording with analysed trials, one at a time, and write its feature table."""
    keys = study.runs(participant)
    if not keys:
        raise AnalysisError(f"There is no recording of participant {participant}; record a session first.")
    settings = replace(study.settings, analysis=choices)
    found: list[_ExtractedRun] = []
    for done, key in enumerate(keys):
        name = f"run {key.run} of session {key.session}"
        yield Progress(2 * done, 2 * len(keys), f"Reading {name}")
        recording = load_run(study, key)
        if not trials_from_events(recording.events):
            continue
        yield Progress(2 * done + 1, 2 * len(keys), f"Extracting features of {name}")
        marks, _ = merged_marks(study, key)
        features = extract_features(recording, marks, settings)
        write_features(
            study.paths.features(key),
            features.trials,
            features.kept,
            features.reasons,
            [f.name for f in features.features],
            features.named,
        )
        found.append(_ExtractedRun(key, recording_facts(study, key, recording), features))
    if not found:
        raise RecordingError(
            f"No recording of participant {participant} holds an analysed picture; record a session to its end."
        )
    return found


@dataclass(frozen=True)
class _Outcome:
    """Everything that model, report and ledger are written from."""

    study: Study
    request: TrainingRequest
    choices: AnalysisChoices
    runs: tuple[_ExtractedRun, ...]
    grid: TrialGrid
    validation: Validation
    verdict: Verdict
    findings: tuple[Finding, ...]

    def write(self, problem: Problem) -> TrainingResult:
        """Write the model, the report and, last, the line in the ledger."""
        paths, participant = self.study.paths, self.request.participant
        ledger = read_ledger(paths.ledger(participant))
        number = len(ledger) + 1
        name = self._free_name(number)
        is_primary = _is_primary(self.study, self.choices, ledger, self._hashes())
        model, report = paths.model(participant, name), paths.report(participant, name)
        left_out = (*self.grid.left_out, *self._dropped())
        content = self._content(number, is_primary)
        words = headline(content)
        try:
            self._save_model(model, problem)
            write_report(report, content)
            keep_for_others(self.study, participant, self.choices, self.grid)
            append_analysis(paths.ledger(participant), self._line(number, is_primary, name, words))
        except BaseException:
            shutil.rmtree(model, ignore_errors=True)
            for file in (report, report.with_suffix(".json")):
                file.unlink(missing_ok=True)
            raise
        return TrainingResult(
            participant=participant,
            target=self.choices.target,
            validation=self.validation,
            verdict=self.verdict,
            headline=words,
            findings=self.findings,
            left_out=left_out,
            is_primary=is_primary,
            analysis=number,
            model=model,
            report=report,
        )

    def _save_model(self, folder: Path, problem: Problem) -> None:
        bundle = ModelBundle(
            model=fit_model(problem, self.validation),
            features=self.grid.columns,
            target=self.choices.target,
            label_rule=self.choices.label_rule,
            class_names=problem.class_names,
            pipeline=self.choices.pipeline,
            scores=scores_of(self.validation),
            preprocessing={
                "window": f"{self.grid.window_s[0]:g} to {self.grid.window_s[1]:g} s from picture onset",
                "line_noise": f"{self.choices.line_noise_hz:g} Hz",
            },
            data={r.facts.file: r.facts.sha256 for r in self.runs},
            versions=dict(package_versions()),
        )
        save_bundle(folder, bundle)

    def _free_name(self, number: int) -> str:
        """A name that no model has, even one whose ledger line a crash prevented."""
        paths, participant = self.study.paths, self.request.participant
        while True:
            name = f"{self.choices.target}-{number:03d}"
            if not paths.model(participant, name).exists() and not paths.report(participant, name).exists():
                return name
            number += 1

    def _hashes(self) -> tuple[str, ...]:
        return tuple(r.facts.sha256 for r in self.runs)

    def _dropped(self) -> tuple[str, ...]:
        """Dropped trials by reason, in words."""
        counts: dict[str, int] = {}
        for reason in self.grid.reasons:
            if reason:
                counts[reason] = counts.get(reason, 0) + 1
        return tuple(f"{n} trial{'s' * (n > 1)}: {reason}" for reason, n in counts.items())

    def _content(self, number: int, is_primary: bool) -> ReportContent:
        return ReportContent(
            participant=self.request.participant,
            study=self.study.root.name,
            settings=self.study.settings,
            target=self.choices.target,
            label_rule=self.choices.label_rule,
            pipeline=self.choices.pipeline,
            trials=self.grid.trials,
            kept=tuple(bool(k) for k in self.grid.kept),
            reasons=self.grid.reasons,
            validation=self.validation,
            verdict=self.verdict,
            findings=self.findings,
            recordings=tuple(r.facts for r in self.runs),
            annotations=annotation_summary(self.study, [(r.key, r.facts.seconds) for r in self.runs]),
            features=self.grid.names,
            left_out=self.grid.left_out,
            is_primary=is_primary,
            analysis=number,
            n_analyses=number,
            n_permutations=self.choices.n_permutations,
            seed=self.request.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=package_versions(),
        )

    def _line(self, number: int, is_primary: bool, name: str, words: str) -> Analysis:
        return Analysis(
            number=number,
            utc=datetime.now(UTC).isoformat(),
            target=self.choices.target,
            label_rule=self.choices.label_rule,
            pipeline=self.choices.pipeline,
            seed=self.request.seed,
            is_primary=is_primary,
            n_trials=self.validation.n_trials,
            balanced_accuracy=self.validation.balanced_accuracy,
            p_value=self.validation.p_value,
            headline=words,
            recordings=self._hashes(),
            model=name,
        )
