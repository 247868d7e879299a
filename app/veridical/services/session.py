"""A session from pre-flight to a verified recording: starts, watches and commands the children."""

from dataclasses import dataclass

from veridical.domain.participant import RunKey
from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import StreamDescription
from veridical.ipc.messages import Light, PresenterState, RecorderState
from veridical.paths import RunPaths
from veridical.services.study import Study


@dataclass(frozen=True)
class GateItem:
    """One line of the pre-flight gate.

    Parameters
    ----------
    id : str
        ``eeg``, ``eda``, ``ecg``, ``stimuli``, ``disk``, ``run``, ``screen``.
    remedy : str
        What to do; empty when the light is good.
    is_blocking : bool
        Whether a session cannot start as long as this fails.
    """

    id: str
    title: str
    light: Light
    words: str
    remedy: str = ""
    is_blocking: bool = False


@dataclass(frozen=True)
class RunRequest:
    """What the operator chose for a session."""

    key: RunKey
    streams: tuple[StreamDescription, ...]
    screen: ScreenChoice = ScreenChoice()
    simulation: SimulationPlan | None = None
    has_simulated_participant: bool = False


@dataclass(frozen=True)
class RunState:
    """Both children at one moment.

    Parameters
    ----------
    problem : str
        A sentence for the banner when a child died or an alarm rings; empty otherwise.
    is_over : bool
        Both children have ended (or died) and the session file is written.
    """

    key: RunKey
    presenter: PresenterState | None
    recorder: RecorderState | None
    problem: str = ""
    is_over: bool = False


def check_before_run(study: Study, request: RunRequest) -> tuple[GateItem, ...]:
    """Answer every item of the pre-flight gate (takes up to 1 s; run it off the Qt thread)."""
    raise NotImplementedError


class LiveRun:
    """A run whose children are alive; the window may detach and attach again."""

    def __init__(self, study: Study, paths: RunPaths) -> None:
        raise NotImplementedError

    def state(self) -> RunState:
        """The newest state; never blocks."""
        raise NotImplementedError

    def begin(self) -> None:
        """Start the session; the recorder is already recording."""
        raise NotImplementedError

    def pause(self) -> None:
        """Pause before the next trial."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on after a pause."""
        raise NotImplementedError

    def abort(self, reason: str) -> None:
        """End the session now; what was recorded is kept and verified."""
        raise NotImplementedError

    def note(self, text: str) -> None:
        """Write a note marker."""
        raise NotImplementedError

    def close(self) -> None:
        """Detach; the children go on."""
        raise NotImplementedError


def start_run(study: Study, request: RunRequest) -> LiveRun:
    """Write run.json, start recorder and presenter and return at once; they get ready meanwhile.

    Raises
    ------
    VeridicalError
        One sentence: no streams, two streams with one name, a used run, a missing picture, a full disk.
    """
    raise NotImplementedError


def find_live_runs(study: Study) -> tuple[RunPaths, ...]:
    """Runs of the study whose children are still alive, for re-attaching with ``LiveRun``."""
    raise NotImplementedError
