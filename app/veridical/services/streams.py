"""Streams on the network, a live view of them, and simulated ones."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from veridical.domain.arrays import FloatArray
from veridical.domain.event import MARKER_STREAM_NAME, Marker
from veridical.domain.simulation import SimulationPlan, SimulatorSetup
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import Role, RoleAssignment, StreamDescription, resolve_roles
from veridical.ipc.messages import Breathe, Light, SimulatorState, Stop
from veridical.paths import RunPaths
from veridical.services.children import Child, spawn
from veridical.services.role_view import RoleView
from veridical.services.study import Study
from veridical.signals.filters import FilterChoice
from veridical.storage.atomic import write_atomically
from veridical.streaming.discovery import Resolver
from veridical.streaming.echo import ECHO_NAME
from veridical.streaming.viewing import ViewingInlet

_STOP_S = 3.0


class StreamWatch:
    """Keeps resolving streams in the background."""

    def __init__(self) -> None:
        self._resolver = Resolver()

    def streams(self) -> tuple[StreamDescription, ...]:
        """Streams seen now, markers included; never blocks. The pre-flight's own test of markers is none of them."""
        return tuple(s for s in self._resolver.streams() if s.name != ECHO_NAME)

    def wait_for(self, is_enough: Callable[[tuple[StreamDescription, ...]], bool], timeout_s: float) -> bool:
        """Wait until the streams seen are enough; False after ``timeout_s`` seconds."""
        end = time.monotonic() + timeout_s
        while not is_enough(self.streams()):
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._resolver.wait_change(min(left, 0.2))
        return True

    def close(self) -> None:
        """Stop resolving."""
        self._resolver.close()


@dataclass(frozen=True)
class ScopeTraces:
    """The newest seconds of one role.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        SI units; oldest first; NaN where nothing has arrived yet, or was lost.
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
    """One viewing inlet thread per stream, read from ring buffers; also reads the marker stream.

    The marker stream may come later than the scope: it appears with the presenter. One thread at a time may read.
    """

    def __init__(
        self, streams: tuple[StreamDescription, ...], seconds: float = 10.0, roles: Sequence[RoleAssignment] = ()
    ) -> None:
        self._seconds = seconds
        self._roles = resolve_roles(streams, roles)
        self._inlets = {
            (s.name, s.source_id): ViewingInlet(s, seconds)
            for s in streams
            if s.is_regular and s.format != "string" and any(r.stream == s.name for r in self._roles)
        }
        self._views = {
            (role.stream, role.source_id, role.role): RoleView(role, self._inlets[role.stream, role.source_id], seconds)
            for role in self._roles
        }
        self._marker_inlets: dict[str, ViewingInlet] = {}
        self._resolver = Resolver(reads_headers=False)

    def traces(self, filters: Mapping[str, FilterChoice] | None = None) -> tuple[ScopeTraces, ...]:
        """Newest traces of every role; never blocks. Samples are views that the next call changes.

        Parameters
        ----------
        filters : mapping
            What the eye shall see of a role; only what is new is filtered.
        """
        health = {key: inlet.health() for key, inlet in self._inlets.items()}
        found: list[ScopeTraces] = []
        for view in self._views.values():
            role = view.role
            samples = view.read(filters.get(role.role) if filters else None)
            light, words = health[role.stream, role.source_id]
            found.append(ScopeTraces(role.role, role.labels, view.sampling_hz, samples, view.stop_s, light, words))
        return tuple(found)

    def raw_traces(self, seconds: float) -> tuple[ScopeTraces, ...]:
        """Newest seconds of every role as they are recorded, whatever the eye is shown."""
        return tuple(
            ScopeTraces(
                v.role.role, v.role.labels, v.sampling_hz, v.read_raw(seconds), v.stop_s,
                *self._inlets[v.role.stream, v.role.source_id].health(),
            )
            for v in self._views.values()
        )  # fmt: skip

    def markers(self) -> tuple[tuple[float, str], ...]:
        """(LSL time, marker name) of the last seconds."""
        present = {s.uid: s for s in self._resolver.streams() if s.name == MARKER_STREAM_NAME}
        for uid in present.keys() - self._marker_inlets.keys():
            self._marker_inlets[uid] = ViewingInlet(present[uid], self._seconds)
        for uid in self._marker_inlets.keys() - present.keys():
            # A session's markers end with it; waiting for them to come back would cost a thread for every session.
            # Closing waits for the inlet's thread, and nothing may wait here.
            threading.Thread(target=self._marker_inlets.pop(uid).close, name="scope-closing", daemon=True).start()
        seen = [marker for inlet in self._marker_inlets.values() for marker in inlet.markers()]
        return tuple((lsl_s, Marker.parse(text).name) for lsl_s, text in sorted(seen))

    def close(self) -> None:
        """Stop the threads."""
        self._resolver.close()
        for inlet in (*self._inlets.values(), *self._marker_inlets.values()):
            inlet.close()


class SimulatorHandle:
    """A simulator process started from here."""

    plan: SimulationPlan

    def __init__(self, plan: SimulationPlan, child: Child) -> None:
        self.plan = plan
        self._child = child

    def is_alive(self) -> bool:
        """Whether it still streams."""
        return self._child.is_alive()

    def problem(self) -> str:
        """Why it failed, in words; empty as long as it has not."""
        self._child.attach()
        state = self._child.state
        if isinstance(state, SimulatorState) and state.phase == "failed":
            return state.message
        if self._child.is_alive() or (isinstance(state, SimulatorState) and state.phase == "ended"):
            return ""
        return f"The simulator ended unexpectedly{self._child.words_of_end()}; start it again."

    def breathe(self) -> None:
        """Let the simulated participant take a deep breath."""
        self._child.attach()
        self._child.send(Breathe())

    def stop(self) -> None:
        """End the process."""
        self._child.attach()
        self._child.send(Stop())
        if not self._child.wait(_STOP_S):
            self._child.kill()
        self._child.detach()


def start_simulator(study: Study, plan: SimulationPlan) -> SimulatorHandle:
    """Start a simulated amplifier and participant (returns before its streams are up)."""
    return start_simulator_in(study.root / ".veridical" / "simulator", plan, study.stimuli.stimuli)


def start_simulator_in(folder: Path, plan: SimulationPlan, stimuli: Sequence[Stimulus]) -> SimulatorHandle:
    """Start a simulator whose files stand in ``folder`` (made if missing).

    Parameters
    ----------
    stimuli : sequence of Stimulus
        Those about which the simulated participant feels something.
    """
    paths = RunPaths(folder)
    setup = SimulatorSetup(plan, tuple(stimuli))
    write_atomically(folder / "simulation.json", msgspec.json.encode(setup))
    paths.connection("simulator").unlink(missing_ok=True)
    process = spawn("veridical.simulator", folder, paths.log("simulator"), str(os.getpid()))
    return SimulatorHandle(plan, Child("simulator", paths.connection("simulator"), paths.log("simulator"), process))
