"""A window on faked services: fakes stand for amplifier, children and analysis, never for what is tested."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from veridical.domain.annotation import ArtifactLabel, Suggestion
from veridical.domain.evaluation import Finding, Validation, Verdict
from veridical.domain.event import Event, Marker
from veridical.domain.event_timing import DisplayTiming
from veridical.domain.participant import RunKey
from veridical.domain.pipeline import PipelineName
from veridical.domain.progress import Progress, Work
from veridical.domain.protocol import Protocol
from veridical.domain.recording import Recording, Signal
from veridical.domain.review import Review, ReviewNote, segments_again
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.domain.stream import Role, RoleAssignment, StreamDescription
from veridical.domain.study import StudySettings
from veridical.domain.timeline import Segment, Timeline
from veridical.domain.view import View
from veridical.domain.viewing import view_of
from veridical.gui.app import build_window
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.lab import Lab
from veridical.gui.common.page import Context
from veridical.gui.common.workspace import Workspace
from veridical.gui.shell.window import MainWindow
from veridical.ipc.messages import PresenterState, RecordedStream, RecorderState, TrialProgress
from veridical.paths import RunPaths
from veridical.services.annotating import AnnotationDesk, AnnotationState
from veridical.services.calibrating import Calibration, Look, ProvisionalVerdict
from veridical.services.comparing import ComparedModel, Comparison
from veridical.services.display_timing import DisplayTest
from veridical.services.gate import GateItem
from veridical.services.live_run import LiveRun, RunState
from veridical.services.observer import NewestSignal, Observation, Observer
from veridical.services.refresh import Refresh
from veridical.services.resuming import BrokenSession
from veridical.services.session import RunRequest
from veridical.services.session_examination import Examination, ExaminedStream, MarkerCheck
from veridical.services.streams import Scope, ScopeTraces, SimulatorHandle, StreamWatch
from veridical.services.study import Study, create_study
from veridical.services.training import TrainingResult
from veridical.services.viewing import Viewing
from veridical.signals.filters import FilterChoice
from veridical.storage.annotation_file import Act, AnnotationHistory
from veridical.storage.ledger import EntryKind
from veridical.storage.stimuli_table import write_stimuli

EEG_LABELS = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "Pz", "Oz")


class FakePrompt:
    """Answers questions as it was told to, and remembers them."""

    def __init__(self) -> None:
        self.says_yes = True
        self.text: str | None = "because"
        self.folder: Path | None = None
        self.file: Path | None = None
        self.asked: list[str] = []

    def confirm(self, title: str, consequence: str, yes: str) -> bool:
        """Answer a yes-or-no question."""
        self.asked.append(f"{title} {consequence}")
        return self.says_yes

    def ask_text(self, title: str, question: str, yes: str) -> str | None:
        """Answer with a text."""
        self.asked.append(f"{title} {question}")
        return self.text

    def choose_folder(self, title: str, start: Path) -> Path | None:
        """Choose a folder."""
        self.asked.append(title)
        return self.folder

    def choose_file(self, title: str, start: Path) -> Path | None:
        """Choose a file."""
        self.asked.append(title)
        return self.file

    def choose_new_file(self, title: str, start: Path) -> Path | None:
        """Choose a new file."""
        self.asked.append(title)
        return self.file


def stream(name: str, kind: str, n: int, hz: float, labels: tuple[str, ...] = (), unit: str = "") -> StreamDescription:
    """A stream as a device would announce it."""
    return StreamDescription(
        name, kind, f"{name}-responsive-1", f"uid-{name}", "here", n, hz, "float32", labels, (), (unit,) * n
    )


STREAMS = (
    stream("SimEEG", "EEG", len(EEG_LABELS), 500.0, EEG_LABELS, "microvolts"),
    stream("SimEDA", "EDA", 1, 128.0, ("EDA",), "microsiemens"),
    stream("SimECG", "ECG", 1, 512.0, ("ECG",), "microvolts"),
)


class FakeWatch(StreamWatch):
    """Sees the streams it was given."""

    def __init__(self, seen: Callable[[], tuple[StreamDescription, ...]]) -> None:
        self._seen = seen
        self.is_open = True

    def streams(self) -> tuple[StreamDescription, ...]:
        return self._seen()

    def close(self) -> None:
        self.is_open = False


class FakeScope(Scope):
    """Shows a fixed stretch of noise that moves on with every look."""

    def __init__(self, streams: tuple[StreamDescription, ...], seconds: float = 10.0) -> None:
        self.is_open = True
        self._stop_s = 100.0
        self._rng = np.random.default_rng(3)

    def traces(self, filters: Mapping[str, FilterChoice] | None = None) -> tuple[ScopeTraces, ...]:
        self._stop_s += 1 / 30
        return (
            self._trace("EEG", EEG_LABELS, 500.0, 1e-5),
            self._trace("EDA", ("EDA",), 128.0, 1e-7),
            self._trace("ECG", ("ECG",), 512.0, 3e-4),
        )

    def raw_traces(self, seconds: float) -> tuple[ScopeTraces, ...]:
        return tuple(replace(t, samples=t.samples[:, -round(seconds * t.sampling_hz) :]) for t in self.traces())

    def markers(self) -> tuple[tuple[float, str], ...]:
        return ((self._stop_s - 3.0, "picture/positive"), (self._stop_s - 1.0, "rating/valence"))

    def close(self) -> None:
        self.is_open = False

    def _trace(self, role: Role, labels: tuple[str, ...], hz: float, size: float) -> ScopeTraces:
        samples = size * self._rng.standard_normal((len(labels), round(10 * hz)))
        return ScopeTraces(role, labels, hz, samples, self._stop_s, "good", f"{hz:g} Hz")


class FakeObserver(Observer):
    """Sees what the test set."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def look_at(
        self, streams: Sequence[StreamDescription], decided: Sequence[RoleAssignment] = (), line_noise_hz: float = 50.0
    ) -> None:
        pass

    def observation(self) -> Observation:
        return self._world.observed

    def newest(self, role: Role) -> NewestSignal | None:
        return self._world.newest

    def close(self) -> None:
        pass


class FakeSimulator(SimulatorHandle):
    """Streams until it is stopped."""

    def __init__(self, plan: SimulationPlan) -> None:
        self.plan = plan
        self._is_alive = True

    def is_alive(self) -> bool:
        return self._is_alive

    def problem(self) -> str:
        return ""

    def stop(self) -> None:
        self._is_alive = False


class FakeRun(LiveRun):
    """A session whose states the test sets."""

    def __init__(self, key: RunKey) -> None:
        self.key = key
        self.commands: list[str] = []
        self.now = RunState(key, None, None)

    def state(self) -> RunState:
        return self.now

    def begin(self) -> None:
        self.commands.append("begin")

    def pause(self) -> None:
        self.commands.append("pause")

    def resume(self) -> None:
        self.commands.append("resume")

    def abort(self, reason: str) -> None:
        self.commands.append(f"abort: {reason}")

    def note(self, text: str) -> None:
        self.commands.append(f"note: {text}")

    def observe(self, observation: str) -> None:
        self.commands.append(f"observe: {observation}")

    def mark(self, name: str) -> None:
        self.commands.append(f"mark: {name}")

    def linger(self, is_on: bool) -> None:
        self.commands.append(f"linger: {is_on}")

    def decide(self, choice: str) -> None:
        self.commands.append(f"decide: {choice}")

    def close(self) -> None:
        self.commands.append("close")

    def show(self, n_done: int, phase: str = "running", view: View | None = None, **changes: object) -> None:
        """Show a session in which ``n_done`` of 12 pictures were answered, the fourth one only in part."""
        done = [TrialProgress(k + 1, 0, "neutral", ("answered", "answered"), True) for k in range(2)]
        for k in range(n_done):
            condition = ("negative", "neutral", "positive")[k % 3]
            second = "timed_out" if k == 3 else "answered"
            done.append(TrialProgress(k + 1, 1 + k // 4, condition, ("answered", second)))  # type: ignore[arg-type]
        values: tuple[tuple[int, float | None, float | None], ...] = ()
        if phase == "ended":
            values = tuple((k + 1, float(1 + 5 * (k % 3) // 2), float(2 + k % 5)) for k in range(n_done))
        presenter = PresenterState(
            phase=phase,  # type: ignore[arg-type]
            part="block 2",
            trial=min(12, n_done + 1),
            n_trials=12,
            view=view or View("rating", scale_id="valence", selected=6),
            done=tuple(done),
            values=values,
            remaining_s=95.0,
            screen="headless (no display)",
            block=2,
            n_blocks_left=1,
        )
        streams = tuple(
            RecordedStream(
                s.name, s.type, s.source_id, s.uid, s.n_channels, s.nominal_hz, s.nominal_hz, 9000, "good", ""
            )
            for s in STREAMS
        )
        is_over = phase == "ended"
        recorder = RecorderState(
            "ended" if is_over else "recording", streams, 272.0, 18_400_000, 120.0, is_verified=is_over
        )
        self.now = replace(RunState(self.key, presenter, recorder, is_over=is_over), **changes)  # type: ignore[arg-type]


def make_recording(seconds: float = 60.0, seed: int = 4) -> Recording:
    """A small recording with three roles at their own rates, a gap in the EEG, and events."""
    rng = np.random.default_rng(seed)

    def signal(role: Role, labels: tuple[str, ...], hz: float, size: float) -> Signal:
        n = round(seconds * hz)
        samples = (size * rng.standard_normal((len(labels), n))).astype(np.float32)
        segments: tuple[Segment, ...] = (Segment(0, n, 0.0, 1 / hz),)
        if role == "EEG":
            half = n // 2
            segments = (Segment(0, half, 0.0, 1 / hz), Segment(half, n - half, half / hz + 2.0, 1 / hz))
        return Signal(role, f"Sim{role}", labels, samples, Timeline(segments))

    events = tuple(
        Event(5.0 + 6 * k, Marker(f"picture/{('negative', 'neutral', 'positive')[k % 3]}", {"trial": str(k + 1)}))
        for k in range(8)
    )
    signals = (
        signal("EEG", EEG_LABELS, 500.0, 1e-5),
        signal("EDA", ("EDA",), 128.0, 1e-7),
        signal("ECG", ("ECG",), 512.0, 3e-4),
    )
    return Recording("fake.xdf", "0" * 64, 0.0, signals, events)


SUGGESTIONS = (
    Suggestion(12.0, 0.4, "blink", ("Fp1", "Fp2"), "blink", 6.1, "Frontal peak-to-peak 6.1 SD above the median"),
    Suggestion(31.0, 1.2, "muscle", (), "muscle", 8.3, "20-45 Hz power 8.3 SD above the median"),
)


class HeldJournal:
    """Acts in memory."""

    def append(self, act: Act) -> Act:
        return replace(act, utc=datetime.now(UTC).isoformat())

    def close(self) -> None:
        """Nothing to let go of."""


class FakeDesk(AnnotationDesk):
    """Annotation without files."""

    def __init__(self, recording: Recording) -> None:
        self.rater = "rater1"
        self.settings = StudySettings()
        self._key = RunKey("001")
        self.viewing = Viewing(view_of(recording))
        self._suggestions = SUGGESTIONS
        self._similar = ()
        self._history = AnnotationHistory()
        self._journal = HeldJournal()
        self._review = Review()
        self._seen = []
        self._again = None
        self._problem = ""
        self._has_entered_edits = False
        self.log: list[ReviewNote] = []
        self.entered: list[str] = []
        self.is_open = True

    def use_labels(self, labels: tuple[ArtifactLabel, ...]) -> None:
        """Let the study have labels of its own."""
        self.settings = replace(self.settings, labels=labels)

    def start_again(self) -> AnnotationState:
        if self._again is None:
            segments = segments_again(self.recording.stop_s, "fake")
            self._again = HeldJournal(), AnnotationHistory(), segments
        return self.state

    def save_table(self) -> None:
        """There is none."""

    def close(self) -> None:
        self.is_open = False

    def _log(self, note: ReviewNote) -> ReviewNote:
        self.log.append(replace(note, utc="2026-01-01T00:00:00+00:00"))
        return self.log[-1]

    def _enter(self, kind: EntryKind, words: str) -> None:
        self.entered.append(kind)


def make_result(study: Study, participant: str, kind: str = "above chance") -> TrainingResult:
    """A result as training would return it."""
    rng = np.random.default_rng(1)
    validation = Validation(
        n_trials=54,
        classes={"negative": 25, "positive": 29},
        balanced_accuracy=0.71,
        interval95=(0.56, 0.83),
        chance95=0.61,
        p_value=0.004,
        p_free=0.002,
        p_circular=0.004,
        auc=0.76,
        train_balanced_accuracy=0.93,
        folds=5,
        embargo_trials=2,
        brier=0.21,
        fold_scores=np.array([0.8, 0.66, 0.9, np.nan, 0.71]),
        null=0.5 + 0.08 * rng.standard_normal(1050),
        predictions=rng.standard_normal(54),
        labels=rng.integers(0, 2, 54),
    )
    findings = (
        Finding("chance", "pass", {"p": 0.004}, "The score is better than 99.6 % of shuffled labelings.", ""),
        Finding(
            "artifact bias", "caution", {}, "Muscle activity alone tells the classes apart, though less well.",
            "Mark muscle artifacts on the Annotate page and train again.",
        ),
        Finding("ground truth", "not enough data", {}, "Only 6 repeats; 24 are needed.", "Record more repeats."),
    )  # fmt: skip
    verdict = Verdict(kind, "Above chance, and none of the 3 confounds measured explains it")  # type: ignore[arg-type]
    report = study.paths.report(participant, "valence-evoked-1")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("<html></html>")
    return TrainingResult(
        participant=participant,
        target="valence",
        validation=validation,
        verdict=verdict,
        headline=verdict.headline,
        findings=findings,
        left_out=("Slow wave (1-5 s): the picture lasts 1.2 s.",),
        is_primary=True,
        analysis=1,
        rule_counts=(),
        refined=None,
        model=study.paths.model(participant, "valence-evoked-1"),
        report=report,
    )


@dataclass
class World:
    """Everything a test sets or looks at behind the window."""

    folder: Path
    stimuli: Path
    prompt: FakePrompt = field(default_factory=FakePrompt)
    streams: tuple[StreamDescription, ...] = STREAMS
    observed: Observation = Observation()
    scope_roles: list[tuple[RoleAssignment, ...]] = field(default_factory=list)
    newest: NewestSignal | None = None
    gate: tuple[GateItem, ...] = (GateItem("eeg", "EEG", "good", "8 channels at 500 Hz", is_blocking=True),)
    runs: list[FakeRun] = field(default_factory=list)
    requests: list[RunRequest] = field(default_factory=list)
    scopes: list[FakeScope] = field(default_factory=list)
    live: tuple[RunPaths, ...] = ()
    broken: BrokenSession | None = None
    display_timings: tuple[DisplayTiming, ...] = ()
    remembered: dict[str, str] = field(default_factory=dict)
    desks: list[FakeDesk] = field(default_factory=list)
    pipelines: list[PipelineName | None] = field(default_factory=list)
    recording: Recording = field(default_factory=make_recording)

    def lab(self) -> Lab:
        """Services in which only studies are real."""
        return Lab(
            create_study=lambda folder, settings: create_study(folder, settings, self.stimuli),
            watch_streams=lambda: FakeWatch(lambda: self.streams),
            open_scope=self._open_scope,
            start_simulator=lambda study, plan: FakeSimulator(plan),
            check_before_run=lambda study, request, observer, verified: self._check(request),
            open_observer=lambda: FakeObserver(self),
            measure_refresh=self._measure_refresh,
            start_run=self._start,
            attach_run=lambda study, paths: self._new_run(RunKey("001")),
            find_live_runs=lambda study: self.live,
            display_timings=lambda study: self.display_timings,
            measure_display=self._measure_display,
            look_for_broken=lambda study, participant, session: self.broken,
            remembered_intake=lambda study, participant: self.remembered,
            open_desk=self._open_desk,
            examine=self._examine,
            calibrate=self._calibrate,
            look_of=lambda study, key, block: Look(2, 3, block, 2 / 3, 0.0163),
            suggest=self._suggest,
            train=self._train,
            compare=self._compare,
        )

    def study(self, *participants: str) -> Study:
        """Make a study with participants."""
        settings = StudySettings(title="Test study", protocol=Protocol(n_per_condition=2, n_blocks=2, repeat_share=0))
        study = create_study(self.folder / "study", settings, self.stimuli)
        for participant in participants:
            study.add_participant(participant)
        return study

    def record(self, study: Study, participant: str) -> RunKey:
        """Leave a recording's file, so that the run is listed."""
        key = RunKey(participant)
        study.paths.xdf(key).parent.mkdir(parents=True, exist_ok=True)
        study.paths.xdf(key).write_bytes(b"XDF:")
        return key

    def _check(self, request: RunRequest) -> tuple[GateItem, ...]:
        reasons = {o.item: o.reason for o in request.overrides}
        return tuple(replace(i, override=reasons.get(i.id, "")) for i in self.gate)

    def _measure_refresh(self, study: Study, screen: ScreenChoice) -> Work[Refresh]:
        yield Progress(0, 1, "Measuring the screen")
        return Refresh(screen, "psychopy 1920x1080, 60.0 Hz", 60.0, "2026-01-01T00:00:00")

    def _open_scope(
        self, streams: tuple[StreamDescription, ...], seconds: float, roles: Sequence[RoleAssignment] = ()
    ) -> Scope:
        self.scope_roles.append(tuple(roles))
        self.scopes.append(FakeScope(streams, seconds))
        return self.scopes[-1]

    def _examine(self, study: Study, key: RunKey) -> Work[Examination]:
        yield Progress(0, 1, "Reading the recording back")
        streams = (
            ExaminedStream("EEG", "SimEEG", 8, 136_000, 500.0, 2, 3.4, "Fp1: loose, press it on"),
            ExaminedStream("EDA", "SimEDA", 1, 34_816, 128.0, 0, 0.0, ""),
        )
        return Examination(streams, MarkerCheck(212, 212, 212), 12, 10, ("1 × gap in EEG", "1 × no answer"))

    def _calibrate(self, study: Study, key: RunKey, block: int) -> Work[Calibration]:
        yield Progress(0, 1, "Reading the recording")
        result = make_result(study, key.participant).validation
        full = replace(result, balanced_accuracy=0.62, interval95=(0.45, 0.77), p_value=0.081, n_trials=31)
        return Calibration(
            Look(2, 3, block, 2 / 3, 0.0163),
            (
                ProvisionalVerdict("none", "Above chance, but muscle explains it as well", result, 48, 1, 1 / 48),
                ProvisionalVerdict("full", "Not enough data to tell", full, 48, 14, 1 / 48),
            ),
            23,
        )

    def _measure_display(self, study: Study, test: DisplayTest) -> Work[DisplayTiming]:
        yield Progress(0, 1, "Flashing")
        return DisplayTiming("", "screen", test.sensor, 60, 60, 0.0341, 0.0006, 0.0015)

    def _start(self, study: Study, request: RunRequest) -> LiveRun:
        self.requests.append(request)
        return self._new_run(request.key)

    def _new_run(self, key: RunKey) -> LiveRun:
        self.runs.append(FakeRun(key))
        return self.runs[-1]

    def _open_desk(self, study: Study, key: RunKey, rater: str) -> AnnotationDesk:
        self.desks.append(FakeDesk(self.recording))
        return self.desks[-1]

    def _suggest(self, study: Study, key: RunKey) -> Work[tuple[Suggestion, ...]]:
        yield Progress(0, 1, "Looking for artifacts")
        return SUGGESTIONS

    def _train(
        self, study: Study, participant: str, target: str | None, pipeline: PipelineName | None
    ) -> Work[TrainingResult]:
        self.pipelines.append(pipeline)
        for k in range(5):
            yield Progress(k, 5, "Permuting labels")
        return make_result(study, participant)

    def _compare(self, study: Study, participant: str, targets: tuple[str, ...]) -> Work[Comparison]:
        yield Progress(0, 1, "valence, evoked: Validating")
        found = make_result(study, participant).validation
        few = "Only 12 of 54 trials can be used and at least 20 are needed; record more trials."
        models = (
            ComparedModel(targets[0], "evoked", found, 0.012, 2),
            ComparedModel(targets[0], "eda", replace(found, balanced_accuracy=0.52, interval95=(0.38, 0.66)), 0.81, 3),
            ComparedModel(targets[0], "ecg", None, problem=few),
        )
        return Comparison(participant, models, 3)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Faked services with six small pictures."""
    stimuli = tmp_path / "pictures"
    stimuli.mkdir()
    rows = []
    for k in range(6):
        file = stimuli / f"demo{k + 1:02d}.png"
        Image.fromarray(np.full((40, 50, 3), 30 * k + 40, dtype=np.uint8)).save(file)
        rows.append(Stimulus(file.stem, file.name, valence_mean=(2.0, 4.0, 6.0)[k % 3], arousal_mean=3.0 + k / 3))
    write_stimuli(stimuli / "stimuli.tsv", StimulusSet(tuple(rows)))
    return World(tmp_path, stimuli)


@pytest.fixture
def appearance(qapp: QApplication) -> Iterator[Appearance]:
    """The light theme, taken off again at the end."""
    made = Appearance(qapp, "light")
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def context(appearance: Appearance, world: World) -> Context:
    """What a page is given."""
    return Context(appearance, Workspace(), world.lab(), world.prompt)


@pytest.fixture
def window(appearance: Appearance, world: World, tmp_path: Path) -> Iterator[MainWindow]:
    """The whole window, shown offscreen."""
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    made = build_window(appearance, world.lab(), settings, world.prompt)
    made.resize(1280, 800)
    made.show()
    yield made
    made.shut_down()
    made.hide()
    made.deleteLater()
