"""Watches every signal before the session: whether it arrives, how fast, by which clock, and how good it is."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StreamError
from veridical.domain.stream import Role, RoleAssignment, StreamDescription, find_stream, resolve_roles
from veridical.ipc.messages import Light
from veridical.signals.plausibility import UnitDoubt, find_unit_doubt
from veridical.signals.quality import ChannelQuality, assess_channels
from veridical.streaming.clock import local_clock
from veridical.streaming.echo import echo_marker
from veridical.streaming.viewing import Snapshot, ViewingInlet

# Quality is judged from so many of the newest seconds, and anew so often.
WINDOW_S = 10.0
# A deep-breath check looks back farther than quality does.
_KEPT_S = 25.0
_PERIOD_S = 1.0
# A marker echo stays true for a while; every one announces a stream for a moment.
_ECHO_LASTS_S = 120.0
# Without data for so long a stream is silent; the rate is known soon after 4 s.
SILENT_S = 2.5
_SETTLED_S = 6.0


@dataclass(frozen=True)
class StreamObservation:
    """What arrives from one stream.

    Parameters
    ----------
    rate_hz : float or None
        Measured by stamps; None as long as that is too little to tell.
    listened_s : float
        Seconds since we began to listen.
    late_s : float
        How far the newest stamp lies before now on this computer's LSL clock, seconds; NaN before the first sample.
    round_trip_s : float or None
        Uncertainty of the clock's offset; None if the stream's clock was not measured yet.
    """

    stream: StreamDescription
    n_received: int
    rate_hz: float | None
    light: Light
    words: str
    listened_s: float
    late_s: float = float("nan")
    offset_s: float | None = None
    round_trip_s: float | None = None

    @property
    def is_silent(self) -> bool:
        """Whether it had its time and sent nothing, or fell silent."""
        return self.listened_s > SILENT_S and (self.n_received == 0 or self.light == "fail")


@dataclass(frozen=True)
class RoleObservation:
    """The channels of one assignment, judged from their newest seconds."""

    assignment: RoleAssignment
    nominal_hz: float
    qualities: tuple[ChannelQuality, ...] = ()
    doubt: UnitDoubt | None = None

    @property
    def role(self) -> Role:
        """The role."""
        return self.assignment.role


@dataclass(frozen=True)
class Observation:
    """Everything seen at one moment.

    Parameters
    ----------
    echo_s : float or None
        How long a marker took through LSL and back; None if none was sent yet, or it did not come back.
    echo_problem : str
        Why a marker did not come back; empty if it did.
    """

    streams: tuple[StreamObservation, ...] = ()
    roles: tuple[RoleObservation, ...] = ()
    echo_s: float | None = None
    echo_problem: str = ""

    def of_stream(self, stream: StreamDescription) -> StreamObservation | None:
        """What was seen of a stream."""
        return next((o for o in self.streams if o.stream.uid == stream.uid), None)


@dataclass(frozen=True, eq=False)
class NewestSignal:
    """One channel's newest seconds.

    Parameters
    ----------
    samples : ndarray, shape (n_times,)
        SI units, oldest first; NaN where nothing has arrived yet.
    age_s : float
        How long ago the newest sample was taken, on the LSL clock.
    """

    samples: FloatArray
    sampling_hz: float
    age_s: float


@dataclass
class _Wanted:
    streams: tuple[StreamDescription, ...] = ()
    decided: tuple[RoleAssignment, ...] = ()
    line_noise_hz: float = 50.0


@dataclass
class _Open:
    inlet: ViewingInlet
    since_s: float = field(default_factory=time.monotonic)


class Observer:
    """A thread with one viewing inlet per regular stream; every reading call returns at once.

    Parameters
    ----------
    sends_echo : bool
        Whether markers are sent through LSL and read back, at the beginning and every two minutes.
    """

    def __init__(self, sends_echo: bool = True) -> None:
        self._sends_echo = sends_echo
        self._wanted = _Wanted()
        self._newest = Observation()
        self._echo: tuple[float | None, str] = (None, "")
        self._echo_due_s = 0.0
        self._inlets: dict[str, _Open] = {}
        self._changed = threading.Condition()
        self._is_closed = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self._thread.start()

    def look_at(
        self,
        streams: Sequence[StreamDescription],
        decided: Sequence[RoleAssignment] = (),
        line_noise_hz: float = 50.0,
    ) -> None:
        """Watch these streams from now on, with the roles that the study decided; does not wait."""
        wanted = _Wanted(tuple(streams), tuple(decided), line_noise_hz)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def observation(self) -> Observation:
        """What was seen last."""
        return self._newest

    def wait_settled(self, timeout_s: float = _SETTLED_S) -> Observation:
        """Wait until every stream has shown its rate or its silence, at most ``timeout_s`` seconds."""
        end = time.monotonic() + timeout_s
        with self._changed:
            while not self._is_settled() and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, 0.5))
        return self._newest

    def newest(self, role: Role) -> "NewestSignal | None":
        """The newest seconds of a role's first channel; None if it is not watched."""
        inlets = {(o.inlet.stream.name, o.inlet.stream.source_id): o.inlet for o in list(self._inlets.values())}
        for one in resolve_roles([i.stream for i in inlets.values()], self._wanted.decided):
            inlet = inlets.get((one.stream, one.source_id))
            if one.role == role and inlet is not None:
                shot = inlet.snapshot()
                return NewestSignal(one.apply(shot.samples)[0], inlet.stream.nominal_hz, local_clock() - shot.stop_s)
        return None

    def close(self) -> None:
        """Stop watching."""
        self._is_closed.set()
        self._wake.set()
        self._thread.join(10.0)

    def _is_settled(self) -> bool:
        seen = self._newest
        wanted = {s.uid for s in self._wanted.streams if s.is_regular and s.format != "string"}
        told = {o.stream.uid for o in seen.streams if o.rate_hz is not None or o.is_silent}
        has_echo = (
            not self._sends_echo or not self._wanted.streams or seen.echo_s is not None or bool(seen.echo_problem)
        )
        return wanted <= told and has_echo

    def _run(self) -> None:
        try:
            while not self._is_closed.is_set():
                self._wake.clear()
                self._follow()
                self._look()
                if self._sends_echo and time.monotonic() >= self._echo_due_s and self._wanted.streams:
                    self._send_echo()
                    self._look()
                self._wake.wait(_PERIOD_S if self._is_settled() else _PERIOD_S / 2)
        finally:
            for opened in self._inlets.values():
                opened.inlet.close()

    def _follow(self) -> None:
        wanted = {s.uid: s for s in self._wanted.streams if s.is_regular and s.format != "string"}
        for uid, opened in list(self._inlets.items()):
            # A header that came later (labels, units) changes the description, not the connection.
            if uid not in wanted:
                del self._inlets[uid]
                opened.inlet.close()
        for uid, stream in wanted.items():
            if uid not in self._inlets:
                self._inlets[uid] = _Open(ViewingInlet(stream, _KEPT_S))

    def _look(self) -> None:
        wanted = self._wanted
        streams = {s.uid: s for s in wanted.streams}
        snapshots = {uid: o.inlet.snapshot() for uid, o in self._inlets.items() if uid in streams}
        seen = tuple(_observe(streams[uid], self._inlets[uid], shot) for uid, shot in snapshots.items())
        known = [o.stream for o in seen]
        roles: list[RoleObservation] = []
        for role in resolve_roles(known, wanted.decided):
            stream = find_stream(role, known)
            if stream is not None:
                roles.append(_judge(role, stream, snapshots[stream.uid], wanted.line_noise_hz))
        with self._changed:
            self._newest = Observation(seen, tuple(roles), *self._echo)
            self._changed.notify_all()

    def _send_echo(self) -> None:
        try:
            self._echo = (echo_marker(), "")
            self._echo_due_s = time.monotonic() + _ECHO_LASTS_S
        except StreamError as error:
            self._echo = (None, str(error))
            self._echo_due_s = time.monotonic() + _PERIOD_S


def _observe(stream: StreamDescription, opened: _Open, shot: Snapshot) -> StreamObservation:
    inlet = opened.inlet
    health, clock = inlet.health(), inlet.clock()
    return StreamObservation(
        stream=stream,
        n_received=shot.n_received,
        rate_hz=inlet.rate_hz(),
        light=health.light,
        words=health.words,
        listened_s=time.monotonic() - opened.since_s,
        late_s=local_clock() - shot.stop_s,
        offset_s=clock.offset_s if clock is not None else None,
        round_trip_s=clock.round_trip_s if clock is not None else None,
    )


def _judge(role: RoleAssignment, stream: StreamDescription, shot: Snapshot, line_noise_hz: float) -> RoleObservation:
    hz = stream.nominal_hz
    # What has not arrived yet is NaN at the old end: it is no fault of a channel.
    n = min(shot.n_received, round(WINDOW_S * hz), shot.samples.shape[1])
    samples = shot.samples[:, shot.samples.shape[1] - n :]
    values = role.apply(samples)
    qualities = assess_channels(values, hz, role.labels, role.role, line_noise_hz)
    raw = (values - role.offset) / role.gain
    doubt = find_unit_doubt(np.asarray(raw), hz, role.role, role.gain, role.unit, role.offset)
    return RoleObservation(role, hz, qualities, doubt)
