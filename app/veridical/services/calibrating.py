"""A provisional verdict while the participant rests: computed twice, since nobody has looked at a suggestion yet."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from veridical.audit.checks import run_checks
from veridical.domain.annotation import Annotation, AnnotationSet, Suggestion
from veridical.domain.errors import AnalysisError, StorageError, VeridicalError
from veridical.domain.evaluation import Validation
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work, scaled
from veridical.domain.rating import Scale
from veridical.domain.recording import Recording
from veridical.domain.run import RunPlan
from veridical.features.extraction import TrialFeatures, extract_features
from veridical.learning.looks import nominal_levels
from veridical.learning.validation import validate_problem
from veridical.reports.page import simulation_first
from veridical.services.annotating import load_run
from veridical.services.audit_facts import audit_context, history_of
from veridical.services.judging import norms_of
from veridical.services.report_facts import recording_facts
from veridical.services.session_summary import runs_of_session
from veridical.services.study import Study
from veridical.services.trial_grid import join_runs
from veridical.signals.observations import suggest_observed
from veridical.signals.suggestions import suggest_artifacts_work
from veridical.storage.ledger import Analysis, append_analysis, read_ledger
from veridical.storage.recording_file import load_recording
from veridical.storage.run_folder import read_plan

Rejection = Literal["none", "full"]
REJECTIONS: dict[Rejection, str] = {
    "none": "Nothing rejected",
    "full": "Everything suggested rejected",
}
# Share of the whole work at which each step ends.
_READ, _SUGGESTED, _FIRST = 0.1, 0.3, 0.62


@dataclass(frozen=True)
class Look:
    """One look at the data of a session that is not over.

    Parameters
    ----------
    number, n_looks : int
        From 1, and how many the plan has, the last one at its end included; 0 for a look that was not planned.
    block : int
        After which it is taken.
    share : float
        Of the planned trials that have been shown.
    level : float
        Below this p value it counts as above chance; see ``learning.looks``.
    """

    number: int
    n_looks: int
    block: int
    share: float
    level: float

    @property
    def is_planned(self) -> bool:
        """Whether study.toml named it, or it is the one at the plan's end."""
        return self.number > 0


@dataclass(frozen=True)
class ProvisionalVerdict:
    """The verdict under one way to reject.

    Parameters
    ----------
    headline : str
        In words; says what is missing if the data allow none.
    validation : Validation or None
        None if there was nothing to validate.
    n_shown, n_rejected : int
        Trials, and those that were not used because of artifacts, gaps or marks.
    smallest_p : float
        What a shift of the ratings along so many trials can reach at best.
    """

    rejection: Rejection
    headline: str
    validation: Validation | None
    n_shown: int
    n_rejected: int
    smallest_p: float


@dataclass(frozen=True)
class Calibration:
    """What a look gave; never reviewed by a rater.

    Parameters
    ----------
    n_suggestions : int
        Stretches that methods and operator proposed to mark.
    """

    look: Look
    verdicts: tuple[ProvisionalVerdict, ...]
    n_suggestions: int

    @property
    def cannot_count(self) -> str:
        """Why no effect, however large, could count at this look; empty if one could."""
        smallest = min(v.smallest_p for v in self.verdicts)
        if smallest < self.look.level:
            return ""
        return (
            f"With so few trials p cannot fall below {_p(smallest)}, and this look counts below {_p(self.look.level)}: "
            "it can only tell that more is needed, or that going on is futile."
        )


def look_of(plan: RunPlan, block: int) -> Look:
    """Describe the look after a block of a run, among those that study.toml planned and the one at the end.

    Parameters
    ----------
    block : int
        The last one shown, by its number in the session.
    """
    sizes = {b[0].block: len(b) for b in plan.plan.blocks if b}
    first, last = min(sizes, default=1), max(sizes, default=block)
    n_all = plan.n_before + sum(sizes.values())

    def share(upto: int) -> float:
        # Blocks that earlier runs of the session have shown count as equally long.
        earlier = plan.n_before * min(1.0, upto / max(1, first - 1)) if upto < first else plan.n_before
        return min(1.0, (earlier + sum(n for b, n in sizes.items() if b <= upto)) / max(1, n_all))

    planned = sorted({*(b for b in plan.looks if b < last), last})
    if block not in planned:
        return Look(0, len(planned), block, share(block), 0.05)
    number = planned.index(block) + 1
    levels = nominal_levels([share(b) for b in planned])
    return Look(number, len(planned), block, share(block), levels[number - 1])


def find_look(study: Study, key: RunKey, block: int) -> Look:
    """Describe the look after a block of a run; StudyError if its run.json cannot be read."""
    return look_of(read_plan(study.paths.run(key)), block)


def calibrate_work(study: Study, key: RunKey, block: int) -> Work[Calibration]:
    """Judge the primary analysis on a session's data as they are, without and with all suggestions; closing it cancels.

    Nothing is accepted: suggestions and marks on disk stay as they are. Both analyses enter the ledger.

    Parameters
    ----------
    key : RunKey
        The run that rests, or that has just ended.
    block : int
        The last one shown.

    Raises
    ------
    RecordingError, StorageError
        If the recording cannot be read, or the ledger cannot be written.
    """
    plan = read_plan(study.paths.run(key))
    look = look_of(plan, block)
    yield Progress(0, 1, "Reading the recording")
    with _readable(study, key) as live:
        recordings = {
            k: live if k == key and live is not None else load_run(study, k) for k in runs_of_session(study, plan)
        }
    yield Progress(_READ, 1, "Looking for artifacts")
    found: dict[RunKey, tuple[Suggestion, ...]] = {}
    for k, recording in recordings.items():
        line_hz = study.settings.analysis.line_noise_hz
        methods = yield from scaled(suggest_artifacts_work(recording, line_hz), _READ, _SUGGESTED)
        found[k] = (*methods, *suggest_observed(recording.events, recording.stop_s))
    bench = _Bench(study, plan, recordings, found, look)
    first = yield from scaled(bench.judge("none"), _SUGGESTED, _FIRST, "Nothing rejected: ")
    second = yield from scaled(bench.judge("full"), _FIRST, 0.99, "All suggestions: ")
    verdicts = (first, second)
    bench.enter(verdicts)
    return Calibration(look, verdicts, sum(len(s) for s in found.values()))


@contextmanager
def _readable(study: Study, key: RunKey) -> Iterator[Recording | None]:
    """Yield what a run that is still being recorded holds by now; None once it has ended.

    It is read from a copy: the file grows, and what was judged must be one state of it.
    """
    if study.paths.session_file(key).exists():
        yield None
        return
    raw = study.paths.xdf(key)
    copy = study.paths.run(key).folder / f"{raw.stem}_look.xdf"
    try:
        shutil.copyfile(raw, copy)
    except OSError as error:
        raise StorageError(f"{copy} cannot be written ({error.strerror}); free space on the disk.") from error
    try:
        yield load_recording(copy, read_plan(study.paths.run(key)).roles or study.settings.roles)
    finally:
        copy.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Bench:
    """What both ways to reject share."""

    study: Study
    plan: RunPlan
    recordings: dict[RunKey, Recording]
    suggestions: dict[RunKey, tuple[Suggestion, ...]]
    look: Look

    def judge(self, rejection: Rejection) -> Work[ProvisionalVerdict]:
        """Extract, validate and audit the primary analysis; data that allow none give a verdict that says so."""
        yield Progress(0, 1, "Extracting features")
        features = [self._features(key, rejection) for key in self.recordings]
        grid = join_runs(features)
        n_shown, n_lost = len(grid.trials), int(np.sum(~np.asarray(grid.kept, dtype=bool)))
        smallest_p = 1 / max(1, n_shown)
        choices, scale = self.study.settings.analysis, self._scale
        try:
            problem = grid.problem(scale, choices, norms_of(self.study, grid, scale))
            validation = yield from scaled(validate_problem(problem, choices.n_permutations, 0), 0.2, 0.55)
            keys = list(self.recordings)
            facts = [recording_facts(self.study, key, r) for key, r in self.recordings.items()]
            hashes = tuple(f.sha256 for f in facts)
            history = history_of(self.study, self.plan.key.participant, hashes, self.look.is_planned, self._next_number)
            context = audit_context(self.study, keys, grid, scale, choices, problem, validation, history, 0, facts)
            verdict, _ = yield from scaled(run_checks(context), 0.55, 1.0)
        except AnalysisError as error:
            return ProvisionalVerdict(rejection, f"No verdict yet: {error}", None, n_shown, n_lost, smallest_p)
        headline = verdict.headline
        if verdict.kind in ("above chance", "explained") and not validation.p_value < self.look.level:
            p, level = _p(validation.p_value), _p(self.look.level)
            headline = f"Not enough data to tell at this look: p = {p}, and it counts below {level}"
        is_simulated = self.plan.simulation is not None or self.plan.has_simulated_participant
        words = simulation_first(headline, is_simulated)
        return ProvisionalVerdict(rejection, words, validation, n_shown, n_lost, smallest_p)

    def enter(self, verdicts: tuple[ProvisionalVerdict, ...]) -> None:
        """Write both analyses into the ledger: a look is a look, whatever it showed."""
        path = self.study.paths.ledger(self.plan.key.participant)
        choices = self.study.settings.analysis
        for verdict in verdicts:
            v = verdict.validation
            words = f"{REJECTIONS[verdict.rejection].lower()}, 0 % reviewed by a rater"
            append_analysis(
                path,
                Analysis(
                    number=len(read_ledger(path)) + 1,
                    utc=datetime.now(UTC).isoformat(),
                    target=choices.target,
                    label_rule=choices.label_rule,
                    pipeline=choices.pipeline,
                    seed=0,
                    is_primary=False,
                    n_trials=0 if v is None else v.n_trials,
                    balanced_accuracy=0.0 if v is None else v.balanced_accuracy,
                    p_value=1.0 if v is None else v.p_value,
                    headline=f"Provisional ({words}): {verdict.headline}",
                    recordings=tuple(r.sha256 for r in self.recordings.values()),
                    model="",
                    look=f"look {self.look.number} of {self.look.n_looks}, counts below {_p(self.look.level)}"
                    if self.look.is_planned
                    else "",
                ),
            )

    @property
    def _next_number(self) -> int:
        return len(read_ledger(self.study.paths.ledger(self.plan.key.participant))) + 1

    @property
    def _scale(self) -> Scale:
        target = self.study.settings.analysis.target
        return next(s for s in self.study.settings.protocol.scales if s.id == target)

    def _features(self, key: RunKey, rejection: Rejection) -> TrialFeatures:
        marks: tuple[Annotation, ...] = ()
        if rejection == "full":
            marks = tuple(
                sorted(
                    Annotation(s.onset_s, s.duration_s, s.label, s.channels, source=f"suggested:{s.method}")
                    for s in self.suggestions[key]
                )
            )
        features = extract_features(self.recordings[key], AnnotationSet(marks), self.study.settings)
        again = self._shown_again(key)
        if again is None:
            return features
        is_again = np.array([t.trial >= again for t in features.trials], dtype=bool)
        return replace(features, kept=features.kept & ~is_again)

    def _shown_again(self, key: RunKey) -> int | None:
        """Number of the first trial that the next run of the session showed again."""
        keys = list(self.recordings)
        following = keys[keys.index(key) + 1] if key != keys[-1] else None
        if following is None:
            return None
        try:
            trials = read_plan(self.study.paths.run(following)).plan.trials
        except VeridicalError:
            return None
        return trials[0].number if trials else None


def _p(p: float) -> str:
    """Write a p value or a level with the digits that matter (".048", ".0031")."""
    digits = 3 if p >= 0.01 else 4 if p >= 0.001 else 5
    return f"{p:.{digits}f}".removeprefix("0")
