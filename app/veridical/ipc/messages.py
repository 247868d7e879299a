"""All messages, as frozen values with a protocol version.

Commands are for people (start, pause, resume, abort, note); time-critical facts travel as LSL markers.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from veridical.domain.rating import RatingStatus
from veridical.domain.view import View

PROTOCOL_VERSION = 1


# Commands ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Start:
    """Begin the session (presenter)."""


@dataclass(frozen=True)
class Pause:
    """Pause before the next trial (presenter)."""


@dataclass(frozen=True)
class Resume:
    """Go on after a pause (presenter)."""


@dataclass(frozen=True)
class Abort:
    """End the session now, with a reason (presenter)."""

    reason: str


@dataclass(frozen=True)
class Note:
    """Write a ``note`` marker now (presenter)."""

    text: str


@dataclass(frozen=True)
class Stop:
    """Drain, verify and end (recorder, simulator)."""


Command: TypeAlias = Start | Pause | Resume | Abort | Note | Stop


# States: each is whole, so that a window which attaches late knows everything at once -------------
PresenterPhase = Literal["starting", "ready", "running", "pausing", "paused", "stopped", "ended", "failed"]


@dataclass(frozen=True)
class TrialProgress:
    """One presented trial: its ratings' states, never their values."""

    trial: int
    block: int
    condition: str
    statuses: tuple[RatingStatus, ...]
    is_practice: bool = False


@dataclass(frozen=True)
class PresenterState:
    """Where the presenter is.

    Parameters
    ----------
    part : str
        ``baseline``, ``practice``, ``block 2``, ``break``, ``debrief``: for the operator.
    trial, n_trials : int
        Analysed trials begun, and in all.
    n_before : int
        Trials that earlier runs of the session have done; they count in ``n_trials``.
    values : mapping in trial order
        (trial, valence, arousal) of answered trials; empty unless the study lets the operator see them
        or the session has ended.
    remaining_s : float
        Estimate of what is left.
    screen : str
        ``psychopy 1920x1080, 60.0 Hz`` or ``headless (no display)``.
    message : str
        Why it failed or ended; empty otherwise.
    """

    phase: PresenterPhase
    part: str = ""
    trial: int = 0
    n_trials: int = 0
    view: View = View("blank")
    done: tuple[TrialProgress, ...] = ()
    values: tuple[tuple[int, float | None, float | None], ...] = ()
    remaining_s: float = 0.0
    screen: str = ""
    n_dropped_frames: int = 0
    message: str = ""
    n_before: int = 0


RecorderPhase = Literal["starting", "waiting", "recording", "stopping", "ended", "failed"]
Light = Literal["good", "caution", "fail", "unknown"]


@dataclass(frozen=True)
class RecordedStream:
    """One stream as the recorder sees it.

    Parameters
    ----------
    light, words : str
        Health, and why: "no data for 3 s".
    """

    name: str
    type: str
    source_id: str
    uid: str
    n_channels: int
    nominal_hz: float
    effective_hz: float
    n_samples: int
    light: Light
    words: str


@dataclass(frozen=True)
class RecorderState:
    """Where the recorder is.

    Parameters
    ----------
    alarm : str
        Empty, or what is wrong and what to do ("The disk is full ...").
    is_verified : bool
        The closed file was read back and its counts agree.
    """

    phase: RecorderPhase
    streams: tuple[RecordedStream, ...] = ()
    seconds: float = 0.0
    file_bytes: int = 0
    hours_left: float | None = None
    alarm: str = ""
    is_verified: bool = False
    message: str = ""


@dataclass(frozen=True)
class SimulatorState:
    """Where the simulator is."""

    phase: Literal["starting", "streaming", "ended", "failed"]
    message: str = ""


State: TypeAlias = PresenterState | RecorderState | SimulatorState
Message: TypeAlias = Command | State
