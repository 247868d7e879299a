"""What the recorder leaves behind beside the recording itself; merged into the session file."""

from dataclasses import dataclass
from typing import Literal

from veridical.ipc.messages import HealthEvent

EndedBy = Literal["seconds", "stop", "session-end", "failure"]


@dataclass(frozen=True)
class StreamOutcome:
    """One stream as it stands in the file.

    Parameters
    ----------
    id : int
        Number of the stream in the file.
    n_drained : int
        Samples taken after Stop that had been sent before it.
    first_s, last_s : float or None
        Raw stamps; None without samples.
    effective_hz : float
        (n - 1) / (last - first); 0 if unknown.
    round_trip_s : float or None
        Median uncertainty of the clock offsets.
    """

    id: int
    name: str
    type: str
    source_id: str
    uid: str
    hostname: str
    n_channels: int
    nominal_hz: float
    format: str
    n_samples: int
    n_drained: int
    first_s: float | None
    last_s: float | None
    effective_hz: float
    n_clock_offsets: int
    round_trip_s: float | None


@dataclass(frozen=True)
class RecorderOutcome:
    """How a recording ended.

    Parameters
    ----------
    is_verified : bool
        The closed file was read back and every count and stamp agrees.
    message : str
        One sentence for the operator.
    files : tuple of str
        All files of the recording in order; more than one if it went on in the fallback folder.
    """

    file: str
    is_verified: bool
    ended_by: EndedBy
    alarm: str
    message: str
    started_utc: str
    seconds: float
    file_bytes: int
    streams: tuple[StreamOutcome, ...] = ()
    events: tuple[HealthEvent, ...] = ()
    files: tuple[str, ...] = ()
