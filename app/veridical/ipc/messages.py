"""All messages, as frozen values with a protocol version.

Commands are for people (start, pause, resume, abort, note); time-critical facts travel as LSL markers.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from veridical.domain.rating import RatingStatus
from veridical.domain.view import View

PROTOCOL_VERSION = 2


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
class Observe:
    """Write that the participant did something (presenter).

    Parameters
    ----------
    id : str
        Of the observation (``domain.observation``).
    """

    id: str


@dataclass(frozen=True)
class Mark:
    """Write a marker of the study's own (presenter)."""

    name: str


@dataclass(frozen=True)
class Linger:
    """Rest after the last block, or no longer, until the operator has decided how to go on (presenter)."""

    is_on: bool = True


@dataclass(frozen=True)
class Decide:
    """End a rest that waits for the operator: show the next planned block, or no more of them (presenter)."""

    choice: Literal["next", "enough"]


@dataclass(frozen=True)
class Breathe:
    """Take one deep breath now, as a person is asked to before a session (simulator)."""


@dataclass(frozen=True)
class Stop:
    """Drain, verify and end (recorder, simulator)."""


Command: TypeAlias = Start | Pause | Resume | Abort | Note | Observe | Mark | Linger | Decide | Breathe | Stop


# States: each is whole, so that a window which attaches late knows everything at once -------------
# "stopped": by the participant; "asking": the operator would go on, and the participant is asked; "resting": after a
# block, until the operator has looked at the data and decided.
PresenterPhase = Literal[
    "starting", "ready", "running", "pausing", "paused", "stopped", "asking", "resting", "ended", "failed"
]


@dataclass(frozen=True)
class TrialProgress:
    """One presented trial: its ratings' states, never their values.

    Parameters
    ----------
    onset_s, stop_s : float or None
        LSL time of the presenter's machine at which the picture came and went; None if it could not be shown.
    """

    trial: int
    block: int
    condition: str
    statuses: tuple[RatingStatus, ...]
    is_practice: bool = False
    onset_s: float | None = None
    stop_s: float | None = None


@dataclass(frozen=True)
class PresenterState:
    """Where the presenter is.

    Parameters
    ----------
    part : str
        ``baseline``, ``practice``, ``block 2``, ``break``, ``debrief``: for the operator.
    trial, n_trials : int
        Analysed trials begun, and in all.
    timing_problem : str
        Once it has ended: one sentence on what was bad about the timing; empty if nothing was.
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
    block, n_blocks_left : int
        The block that runs or ran last (0 before the first), and how many planned ones follow it.
    lingers : bool
        Whether the session will rest after its last block until the operator has decided.
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
    timing_problem: str = ""
    block: int = 0
    n_blocks_left: int = 0
    lingers: bool = False


RecorderPhase = Literal["starting", "waiting", "recording", "stopping", "ended", "failed"]
Light = Literal["good", "caution", "fail", "unknown"]
# Names that never change: they stand in session files (docs/formats.md says what each means).
HealthKind = Literal[
    "not-found", "lost", "returned", "no-data", "rate-off", "gap", "clock-base", "clock-frozen", "clock-reset", "flat",
    "bad-header", "disk",
]  # fmt: skip


@dataclass(frozen=True)
class HealthFinding:
    """Something that is wrong with a stream now.

    Parameters
    ----------
    words : str
        For the operator, on their own: "Fp1, Fp2 flat for 3 s".
    since_s : float
        LSL time of the recorder's machine when it began.
    until_s : float or None
        When it happened last, if it is a matter of moments (gaps, jumps) and not a state.
    channels : tuple of str
        Labels, or numbers from 1 where there are none; empty if it concerns the whole stream.
    rate_hz : float or None
        Measured rate, if the rate is what is wrong.
    n_missing, missing_s : int, float
        Samples that never arrived, and how long they would have lasted.
    n_times : int
        How often it happened since ``since_s``.
    offset_s : float or None
        How far the stream's clock is off, if the clock is what is wrong.
    """

    kind: HealthKind
    light: Light
    words: str
    since_s: float
    until_s: float | None = None
    channels: tuple[str, ...] = ()
    rate_hz: float | None = None
    n_missing: int = 0
    missing_s: float = 0.0
    n_times: int = 1
    offset_s: float | None = None


@dataclass(frozen=True)
class HealthEvent:
    """Something that was wrong with a stream, or with the file, from when to when.

    Parameters
    ----------
    lsl_s, utc : float, str
        When it began: LSL time of the recorder's machine, and ISO 8601.
    stream : str
        Name; empty if it concerns the file.
    end_lsl_s, end_utc : float or None, str
        When it ended; None and empty as long as it lasts (or if it lasted to the end of the recording).
    n_times : int
        Faults that come and go count as one event that happened so often.

    See Also
    --------
    HealthFinding : the other fields.
    """

    lsl_s: float
    utc: str
    kind: HealthKind
    stream: str
    source_id: str
    uid: str
    light: Light
    words: str
    channels: tuple[str, ...] = ()
    end_lsl_s: float | None = None
    end_utc: str = ""
    rate_hz: float | None = None
    n_missing: int = 0
    missing_s: float = 0.0
    n_times: int = 1
    offset_s: float | None = None

    @property
    def sentence(self) -> str:
        """One line for a log: "EDA: no data for 4 s (no-data, over)"."""
        is_moment = self.kind in ("returned", "bad-header", "disk")
        over = ", over" if self.end_lsl_s is not None and not is_moment else ""
        return f"{self.stream or 'recording'}: {self.words} ({self.kind}{over})"


@dataclass(frozen=True)
class RecordedStream:
    """One stream as the recorder sees it.

    Parameters
    ----------
    light, words : str
        Health, and why: "no data for 3 s" (the worst finding).
    findings : tuple of HealthFinding
        All that is wrong now, worst first.
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
    findings: tuple[HealthFinding, ...] = ()


@dataclass(frozen=True)
class RecorderState:
    """Where the recorder is.

    Parameters
    ----------
    alarm : str
        Empty, or what is wrong and what to do ("The disk is full ...").
    is_verified : bool
        The closed file was read back and its counts agree.
    events : tuple of HealthEvent
        The newest ones, oldest first; all of them stand in the session file.
    n_events : int
        How many there have been.
    """

    phase: RecorderPhase
    streams: tuple[RecordedStream, ...] = ()
    seconds: float = 0.0
    file_bytes: int = 0
    hours_left: float | None = None
    alarm: str = ""
    is_verified: bool = False
    message: str = ""
    events: tuple[HealthEvent, ...] = ()
    n_events: int = 0


@dataclass(frozen=True)
class SimulatorState:
    """Where the simulator is."""

    phase: Literal["starting", "streaming", "ended", "failed"]
    message: str = ""


State: TypeAlias = PresenterState | RecorderState | SimulatorState
Message: TypeAlias = Command | State
