"""The display test: flashes, seen by a photodiode, tell how late light appears and how steadily."""

import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from veridical.domain.errors import AnalysisError, ProcessError, StreamError
from veridical.domain.event_timing import DisplayTiming
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, ScreenChoice, StreamSelector
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.paths import RunPaths
from veridical.services.children import Child, spawn
from veridical.services.live_run import LiveRun
from veridical.services.study import Study
from veridical.storage.recording_file import load_recording
from veridical.storage.run_folder import write_plan
from veridical.storage.timing_file import add_display_timing, read_display_timings

N_FLASHES = 60
# On average, markers included.
_FLASH_S = 0.5
_STARTING_S = 8.0
_PATIENCE_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True)
class DisplayTest:
    """What is flashed, and which channel sees it.

    Parameters
    ----------
    channel : int
        Position in the stream, from 0: a photodiode's input, an AUX or ECG input, or sound.
    """

    stream: StreamDescription
    channel: int
    screen: ScreenChoice
    n_flashes: int = N_FLASHES

    @property
    def sensor(self) -> str:
        """The channel in words."""
        labels = self.stream.labels
        label = labels[self.channel] if self.channel < len(labels) and labels[self.channel] else str(self.channel + 1)
        return f"{self.stream.name}, channel {label}"


def timings_of(study: Study) -> tuple[DisplayTiming, ...]:
    """Display tests of the study, oldest first."""
    return read_display_timings(study.paths.display_timing)


def measure_display_work(study: Study, test: DisplayTest) -> Work[DisplayTiming]:
    """Flash, record, measure, and keep the result with the study.

    Raises
    ------
    StreamError
        If the channel does not exist.
    ProcessError
        If presenter or recorder failed.
    AnalysisError
        If the channel saw too few of the flashes: one sentence with what to look at.
    """
    if not 0 <= test.channel < test.stream.n_channels:
        raise StreamError(f"{test.stream.name} has {test.stream.n_channels} channels; choose one of them.")
    now = datetime.now(UTC)
    paths = RunPaths(study.paths.display_tests / now.strftime("%Y%m%dT%H%M%S%f"))
    write_plan(paths, _plan(study, test, paths))
    children = []
    for name in ("recorder", "presenter"):
        process = spawn(f"veridical.{name}", paths.folder, paths.log(name))
        children.append(Child(name, paths.connection(name), paths.log(name), process))
    run = LiveRun(study, paths, tuple(children), keeps_session=False)
    try:
        yield from _follow(run, test.n_flashes * _FLASH_S + _STARTING_S)
        shown = run.state().presenter
        if run.state().problem or shown is None or shown.phase != "ended":
            raise ProcessError(run.state().problem or "The display test was stopped; start it again.")
        screen = shown.screen
    finally:
        run.abort("display test stopped")
        if not run.wait_over(10.0):
            run.kill()
        run.close()
    timing = _measure(study, test, run.plan, screen, now.isoformat())
    add_display_timing(study.paths.display_timing, timing)
    return timing


def _plan(study: Study, test: DisplayTest, paths: RunPaths) -> RunPlan:
    stream = test.stream
    return RunPlan(
        key=RunKey("displaytest"),
        plan=SessionPlan(),
        scales=(),
        stimuli=(),
        seed=secrets.randbelow(2**31),
        marker_source_id=f"veridical-display-{secrets.token_hex(6)}",
        streams=(StreamSelector(stream.name, stream.type, stream.source_id, stream.hostname),),
        xdf=str(paths.folder / "flashes.xdf"),
        journal=str(paths.folder / "flashes_events.jsonl"),
        session_file=str(paths.folder / "flashes_session.json"),
        texts={"language": study.settings.language},
        screen=test.screen,
        trigger=study.settings.trigger,
        n_flashes=test.n_flashes,
    )


def _follow(run: LiveRun, expected_s: float) -> Work[None]:
    run.begin()
    pause = threading.Event()
    waited_s = 0.0
    while not run.state().is_over:
        shown = run.state().presenter
        is_flashing = shown is not None and shown.phase == "running"
        yield Progress(min(waited_s, expected_s), expected_s, "Flashing" if is_flashing else "Getting the screen ready")
        pause.wait(_POLL_S)
        waited_s += _POLL_S
        if waited_s > expected_s + _PATIENCE_S:
            raise ProcessError("The display test does not come to an end; look at the screen and at the stream.")


def _measure(study: Study, test: DisplayTest, plan: RunPlan, screen: str, utc: str) -> DisplayTiming:
    role = RoleAssignment("photodiode", test.stream.name, test.stream.source_id, (test.channel,), ("light",), 1.0)
    recording = load_recording(study.root / plan.xdf, (role,))
    timing = recording.timing
    if not timing.is_measured:
        raise AnalysisError(
            f"{test.sensor} did not follow the flashes; put the photodiode on the square in the lower left corner, "
            "check its cable and choose its channel."
        )
    return DisplayTiming(
        utc=utc,
        screen=screen,
        sensor=test.sensor,
        n_flashes=timing.n_pictures,
        n_seen=timing.n_matched,
        offset_s=timing.offset_s,
        jitter_s=timing.jitter_s,
        worst_s=timing.worst_s,
        recording=str((study.root / plan.xdf).relative_to(study.root)),
    )
