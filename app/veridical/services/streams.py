"""Streams on the network, and a live view of them."""

from dataclasses import dataclass

from veridical.domain.arrays import FloatArray
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stream import Role, StreamDescription
from veridical.ipc.messages import Light
from veridical.services.study import Study


class StreamWatch:
    """Keeps resolving streams in the background."""

    def __init__(self) -> None:
        raise NotImplementedError

    def streams(self) -> tuple[StreamDescription, ...]:
        """Streams seen now, markers included; never blocks."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop resolving."""
        raise NotImplementedError


@dataclass(frozen=True)
class ScopeTraces:
    """The newest seconds of one role.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        SI units; oldest first; NaN where nothing has arrived yet.
    stop_s : float
        LSL time of the newest sample.
    light, words : str
        Whether data arrive at the announced rate.
    """

    role: Role
    labels: tuple[str, ...]
    sampling_hz: float
    samples: FloatArray
    stop_s: float
    light: Light
    words: str


class Scope:
    """One viewing inlet thread per stream, read from ring buffers; also reads the marker stream."""

    def __init__(self, streams: tuple[StreamDescription, ...], seconds: float = 10.0) -> None:
        raise NotImplementedError

    def traces(self) -> tuple[ScopeTraces, ...]:
        """Newest traces of every role; never blocks."""
        raise NotImplementedError

    def markers(self) -> tuple[tuple[float, str], ...]:
        """(LSL time, marker name) of the last seconds."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop the threads."""
        raise NotImplementedError


class SimulatorHandle:
    """A simulator process started from the window."""

    plan: SimulationPlan

    def is_alive(self) -> bool:
        """Whether it still streams."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the process."""
        raise NotImplementedError


def start_simulator(study: Study, plan: SimulationPlan) -> SimulatorHandle:
    """Start a simulated amplifier and participant (returns before its streams are up)."""
    raise NotImplementedError
