"""What the pages can ask of the services, as one value, so that tests can put others in their place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from veridical.domain.annotation import Annotation, AnnotationSet, Suggestion
from veridical.domain.event_timing import DisplayTiming
from veridical.domain.participant import RunKey
from veridical.domain.pipeline import PipelineName
from veridical.domain.progress import Work
from veridical.domain.remedy import Remedy
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.domain.study import StudySettings
from veridical.domain.viewing import ViewedSignal
from veridical.paths import RunPaths
from veridical.services import (
    display_timing,
    gate,
    live_run,
    refresh,
    relabelling,
    resuming,
    roles,
    session,
    streams,
    withdrawal,
)
from veridical.services import study as studies

if TYPE_CHECKING:
    from veridical.services.annotating import AnnotationDesk
    from veridical.services.calibrating import Calibration, Look
    from veridical.services.comparing import Comparison
    from veridical.services.consensus import RaterAgreement
    from veridical.services.importing import ImportRequest, ImportResult
    from veridical.services.observer import Observer
    from veridical.services.recovery import Damage, Mended
    from veridical.services.session_examination import Examination
    from veridical.services.study_reporting import StudyReport
    from veridical.services.training import TrainingResult
    from veridical.services.verified_files import VerifiedFiles
    from veridical.signals.similar import Swings

    Alike = tuple[Swings | None, tuple[Suggestion, ...]]


def _create(folder: Path, settings: StudySettings | None = None) -> studies.Study:
    return studies.create_study(folder, settings)


# Signals, learning and reports take seconds to import; the window is there before they are needed.
def _open_desk(study: studies.Study, key: RunKey, rater: str) -> "AnnotationDesk":
    from veridical.services.annotating import AnnotationDesk

    return AnnotationDesk(study, key, rater)


def _find_damage(study: studies.Study, key: RunKey) -> "Damage | None":
    from veridical.services.recovery import find_damage

    return find_damage(study, key)


def _mend(study: studies.Study, damage: "Damage") -> "Work[Mended]":
    from veridical.services.recovery import mend_work

    return mend_work(study, damage)


def _open_observer() -> "Observer":
    from veridical.services.observer import Observer

    return Observer()


def _set_fallback(study: studies.Study, folder: Path | None) -> studies.Study:
    from veridical.services.recovery import set_fallback

    return set_fallback(study, folder)


def _suggest(study: studies.Study, key: RunKey) -> Work[tuple[Suggestion, ...]]:
    from veridical.services.annotating import suggest_work

    return suggest_work(study, key)


def _rated_sets(study: studies.Study, key: RunKey) -> "dict[str, AnnotationSet]":
    from veridical.services.consensus import rated_sets

    return rated_sets(study, key)


def _compare_raters(raters: "dict[str, AnnotationSet]", length_s: float) -> "RaterAgreement":
    from veridical.services.consensus import compare_raters

    return compare_raters(raters, length_s)


def _import_marks(study: studies.Study, key: RunKey, desk: "AnnotationDesk", file: Path) -> str:
    from veridical.services.mark_files import import_marks

    return import_marks(study, key, desk, file).words


def _export_marks(study: studies.Study, key: RunKey, desk: "AnnotationDesk", file: Path) -> int:
    from veridical.services.mark_files import export_marks

    return export_marks(study, key, desk.rater, file, desk.recording.origin_s, None)


def _find_similar(signal: "ViewedSignal", mark: Annotation, known: "Swings | None") -> "Alike":
    from veridical.signals.similar import find_similar, measure_swings

    swings = known or measure_swings(signal)
    return swings, find_similar(swings, mark, signal.labels) if swings is not None else ()


def _import_recording(study: studies.Study, request: "ImportRequest") -> "Work[ImportResult]":
    from veridical.services.importing import import_work

    return import_work(study, request)


def _train(
    study: studies.Study, participant: str, target: str | None, pipeline: PipelineName | None
) -> "Work[TrainingResult]":
    from veridical.services.judging import TrainingRequest
    from veridical.services.training import train_work

    return train_work(study, TrainingRequest(participant, target, pipeline=pipeline))


def _compare(study: studies.Study, participant: str, targets: tuple[str, ...]) -> "Work[Comparison]":
    from veridical.services.comparing import ComparisonRequest, compare_work

    return compare_work(study, ComparisonRequest(participant, targets))


def _calibrate(study: studies.Study, key: RunKey, block: int) -> "Work[Calibration]":
    from veridical.services.calibrating import calibrate_work

    return calibrate_work(study, key, block)


def _examine(study: studies.Study, key: RunKey) -> "Work[Examination]":
    from veridical.services.session_examination import examine_work

    return examine_work(study, key)


def _look_of(study: studies.Study, key: RunKey, block: int) -> "Look":
    from veridical.services.calibrating import find_look

    return find_look(study, key, block)


def _remedy(study: studies.Study, participant: str, target: str | None, remedy: Remedy) -> "Work[TrainingResult]":
    from veridical.services.judging import TrainingRequest
    from veridical.services.remedying import remedy_work

    return remedy_work(study, TrainingRequest(participant, target), remedy)


def _join_participants(study: studies.Study) -> "Work[StudyReport]":
    from veridical.services.study_reporting import study_report_work

    return study_report_work(study)


class OpensScope(Protocol):
    """Opens a scope on streams, with what the study decided about their channels."""

    def __call__(
        self, streams: tuple[StreamDescription, ...], seconds: float, roles: Sequence[RoleAssignment] = ()
    ) -> streams.Scope: ...


@dataclass(frozen=True)
class Lab:
    """The services behind the pages; the defaults are the real ones."""

    create_study: Callable[[Path, StudySettings | None], studies.Study] = _create
    open_study: Callable[[Path], studies.Study] = studies.open_study
    watch_streams: Callable[[], streams.StreamWatch] = streams.StreamWatch
    open_scope: OpensScope = streams.Scope
    open_observer: "Callable[[], Observer]" = _open_observer
    remember_roles: Callable[[studies.Study, tuple[RoleAssignment, ...]], studies.Study] = roles.remember_roles
    measure_refresh: Callable[[studies.Study, ScreenChoice], Work[refresh.Refresh]] = refresh.measure_refresh_work
    start_simulator: Callable[[studies.Study, SimulationPlan], streams.SimulatorHandle] = streams.start_simulator
    check_before_run: """Callable[
        [studies.Study, session.RunRequest, Observer | None, VerifiedFiles | None], tuple[gate.GateItem, ...]
    ]""" = gate.check_before_run
    display_timings: Callable[[studies.Study], tuple[DisplayTiming, ...]] = display_timing.timings_of
    measure_display: Callable[[studies.Study, display_timing.DisplayTest], Work[DisplayTiming]] = (
        display_timing.measure_display_work
    )
    look_for_broken: Callable[[studies.Study, str, str], resuming.BrokenSession | None] = resuming.look_for_broken
    start_run: Callable[[studies.Study, session.RunRequest], live_run.LiveRun] = session.start_run
    remembered_intake: Callable[[studies.Study, str], Mapping[str, str]] = session.remembered_intake
    attach_run: Callable[[studies.Study, RunPaths], live_run.LiveRun] = live_run.LiveRun
    find_live_runs: Callable[[studies.Study], tuple[RunPaths, ...]] = session.find_live_runs
    plan_relabelling: Callable[[studies.Study, relabelling.Place, relabelling.Place], relabelling.Relabelling] = (
        relabelling.plan_relabelling
    )
    find_interrupted: Callable[[studies.Study], relabelling.Relabelling | None] = relabelling.find_interrupted
    relabel: Callable[[studies.Study, relabelling.Place, relabelling.Place], Work[relabelling.Relabelling]] = (
        relabelling.relabel_work
    )
    find_holdings: Callable[[studies.Study, str], withdrawal.Holdings] = withdrawal.find_holdings
    withdraw: Callable[[studies.Study, str], Work[withdrawal.Holdings]] = withdrawal.withdraw_work
    open_desk: Callable[[studies.Study, RunKey, str], "AnnotationDesk"] = _open_desk
    find_damage: Callable[[studies.Study, RunKey], "Damage | None"] = _find_damage
    set_fallback: Callable[[studies.Study, Path | None], studies.Study] = _set_fallback
    import_recording: "Callable[[studies.Study, ImportRequest], Work[ImportResult]]" = _import_recording
    mend: Callable[[studies.Study, "Damage"], "Work[Mended]"] = _mend
    examine: "Callable[[studies.Study, RunKey], Work[Examination]]" = _examine
    calibrate: "Callable[[studies.Study, RunKey, int], Work[Calibration]]" = _calibrate
    look_of: "Callable[[studies.Study, RunKey, int], Look]" = _look_of
    suggest: Callable[[studies.Study, RunKey], Work[tuple[Suggestion, ...]]] = _suggest
    rated_sets: "Callable[[studies.Study, RunKey], dict[str, AnnotationSet]]" = _rated_sets
    compare_raters: "Callable[[dict[str, AnnotationSet], float], RaterAgreement]" = _compare_raters
    import_marks: "Callable[[studies.Study, RunKey, AnnotationDesk, Path], str]" = _import_marks
    export_marks: "Callable[[studies.Study, RunKey, AnnotationDesk, Path], int]" = _export_marks
    find_similar: "Callable[[ViewedSignal, Annotation, Swings | None], Alike]" = _find_similar
    train: Callable[[studies.Study, str, str | None, PipelineName | None], "Work[TrainingResult]"] = _train
    compare: Callable[[studies.Study, str, tuple[str, ...]], "Work[Comparison]"] = _compare
    remedy: Callable[[studies.Study, str, str | None, Remedy], "Work[TrainingResult]"] = _remedy
    join_participants: "Callable[[studies.Study], Work[StudyReport]]" = _join_participants


def preload() -> None:
    """Import what takes long, in a thread after the window is shown."""
    import veridical.services.annotating
    import veridical.services.training  # noqa: F401
