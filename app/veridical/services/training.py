"""From recordings to a validated model and its report."""

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from veridical.domain.evaluation import Finding, RatingValidation, Validation, Verdict
from veridical.domain.pattern import ModelPattern
from veridical.domain.progress import Work, finish
from veridical.domain.remedy import Remedy
from veridical.learning.bundle import ModelBundle, save_bundle, scores_of
from veridical.learning.model import LinearModel, fit_model
from veridical.learning.patterns import read_pattern
from veridical.reports.content import Refinement, ReportContent, RuleCount
from veridical.reports.page import headline
from veridical.reports.report import write_report
from veridical.services.audit_facts import keep_for_others
from veridical.services.judging import Judgement, TrainingRequest, judge_work
from veridical.services.report_facts import annotation_summary
from veridical.services.session_record import package_versions
from veridical.services.study import Study, open_study
from veridical.storage.ledger import Analysis, append_analysis


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
    rule_counts : tuple of RuleCount
        Class counts under every label rule.
    refined : Refinement or None
        The evoked covariance, if it was asked for.
    remedies : tuple of Remedy
        What the program can do about the findings.
    ratings : RatingValidation or None
        How well the ratings themselves are predicted; None where they are too few.
    preparation : tuple of str
        How the signals were prepared, in words.
    pattern : ModelPattern
        What the model reads (Haufe patterns).
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
    rule_counts: tuple[RuleCount, ...]
    refined: Refinement | None
    model: Path
    report: Path
    remedies: tuple[Remedy, ...] = ()
    ratings: RatingValidation | None = None
    preparation: tuple[str, ...] = ()
    pattern: ModelPattern = field(default_factory=ModelPattern)


def train_work(study: Study, request: TrainingRequest) -> Work[TrainingResult]:
    """Judge a model, then write model, report and ledger; closing it cancels and leaves nothing half-written.

    Raises
    ------
    AnalysisError
        One class only, too few usable trials, no recording: one sentence with the remedy.
    """
    judgement = yield from judge_work(study, request)
    # No yield from here on: a cancel either comes before anything is written or after everything is.
    return _Outcome(study, request, judgement).write()


def train_model(study: Study | Path | str, participant: str, target: str = "valence") -> TrainingResult:
    """Do ``train_work`` to its end (blocks)."""
    opened = study if isinstance(study, Study) else open_study(study)
    return finish(train_work(opened, TrainingRequest(participant, target)))


@dataclass(frozen=True)
class _Outcome:
    """Everything that model, report and ledger are written from."""

    study: Study
    request: TrainingRequest
    judgement: Judgement

    def write(self) -> TrainingResult:
        """Write the model, the report and, last, the line in the ledger."""
        paths, participant = self.study.paths, self.request.participant
        judged = self.judgement
        number, is_primary = judged.number, judged.is_primary
        name = self._free_name(number)
        model, report = paths.model(participant, name), paths.report(participant, name)
        left_out = (*self.judgement.grid.left_out, *self._dropped())
        fitted = fit_model(judged.problem, judged.validation)
        pattern = self._pattern(fitted)
        content = self._content(number, is_primary, pattern)
        words = headline(content)
        try:
            self._save_model(model, fitted)
            write_report(report, content)
            keep_for_others(self.study, participant, self.judgement.choices, self.judgement.grid)
            append_analysis(paths.ledger(participant), self._line(number, is_primary, name, words))
        except BaseException:
            shutil.rmtree(model, ignore_errors=True)
            for file in (report, report.with_suffix(".json")):
                file.unlink(missing_ok=True)
            raise
        return TrainingResult(
            participant=participant,
            target=self.judgement.choices.target,
            validation=self.judgement.validation,
            verdict=self.judgement.verdict,
            headline=words,
            findings=self.judgement.findings,
            left_out=left_out,
            is_primary=is_primary,
            analysis=number,
            rule_counts=judged.rule_counts,
            refined=judged.refined,
            model=model,
            report=report,
            remedies=judged.remedies,
            ratings=judged.ratings,
            preparation=judged.grid.preparation,
            pattern=pattern,
        )

    def _pattern(self, fitted: LinearModel) -> ModelPattern:
        """What the model reads, over the trials that it learned from."""
        problem, columns = self.judgement.problem, self.judgement.grid.columns
        rows = np.flatnonzero(np.asarray(problem.kept, dtype=bool) & (self.judgement.validation.labels != 0))
        features = np.asarray(problem.features, dtype=float)[rows]
        return read_pattern(
            np.clip(features, *fitted.limits),
            fitted.decide(features),
            [c.name for c in columns],
            [c.window_s for c in columns],
            [bool(w) for w in fitted.weights],
        )

    def _save_model(self, folder: Path, fitted: LinearModel) -> None:
        start_s, stop_s = self.judgement.grid.window_s
        bundle = ModelBundle(
            model=fitted,
            features=self.judgement.grid.columns,
            target=self.judgement.choices.target,
            label_rule=self.judgement.choices.label_rule,
            class_names=self.judgement.problem.class_names,
            pipeline=self.judgement.choices.pipeline,
            scores=scores_of(self.judgement.validation),
            preprocessing={
                "window": f"{start_s:g} to {stop_s:g} s from picture onset",
                "signals": "; ".join(self.judgement.grid.preparation),
            },
            data={r.facts.file: r.facts.sha256 for r in self.judgement.runs},
            versions=dict(package_versions()),
        )
        save_bundle(folder, bundle)

    def _free_name(self, number: int) -> str:
        """A name that no model has, even one whose ledger line a crash prevented."""
        paths, participant = self.study.paths, self.request.participant
        while True:
            name = f"{self.judgement.choices.target}-{number:03d}"
            if not paths.model(participant, name).exists() and not paths.report(participant, name).exists():
                return name
            number += 1

    def _dropped(self) -> tuple[str, ...]:
        """Dropped trials by reason, in words."""
        counts: dict[str, int] = {}
        for reason in self.judgement.grid.reasons:
            if reason:
                counts[reason] = counts.get(reason, 0) + 1
        return tuple(f"{n} trial{'s' * (n > 1)}: {reason}" for reason, n in counts.items())

    def _content(self, number: int, is_primary: bool, pattern: ModelPattern) -> ReportContent:
        return ReportContent(
            participant=self.request.participant,
            study=self.study.root.name,
            settings=self.study.settings,
            target=self.judgement.choices.target,
            label_rule=self.judgement.choices.label_rule,
            pipeline=self.judgement.choices.pipeline,
            trials=self.judgement.grid.trials,
            kept=tuple(bool(k) for k in self.judgement.grid.kept),
            reasons=self.judgement.grid.reasons,
            validation=self.judgement.validation,
            verdict=self.judgement.verdict,
            findings=self.judgement.findings,
            recordings=tuple(r.facts for r in self.judgement.runs),
            annotations=annotation_summary(self.study, [(r.key, r.facts.seconds) for r in self.judgement.runs]),
            features=self.judgement.grid.names,
            left_out=self.judgement.grid.left_out,
            preparation=self.judgement.grid.preparation,
            pattern=pattern,
            is_primary=is_primary,
            analysis=number,
            n_analyses=number,
            n_permutations=self.judgement.choices.n_permutations,
            rule_counts=self.judgement.rule_counts,
            refined=self.judgement.refined,
            ratings=self.judgement.ratings,
            seed=self.request.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=package_versions(),
        )

    def _line(self, number: int, is_primary: bool, name: str, words: str) -> Analysis:
        return Analysis(
            number=number,
            utc=datetime.now(UTC).isoformat(),
            target=self.judgement.choices.target,
            label_rule=self.judgement.choices.label_rule,
            pipeline=self.judgement.choices.pipeline,
            seed=self.request.seed,
            is_primary=is_primary,
            n_trials=self.judgement.validation.n_trials,
            balanced_accuracy=self.judgement.validation.balanced_accuracy,
            p_value=self.judgement.validation.p_value,
            headline=words,
            recordings=self.judgement.hashes,
            model=name,
            remedy=self.request.remedy,
            preprocessing=self.study.settings.preprocessing.words,
        )
