"""Connecting to streams, away from the thread that records."""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from veridical.domain.errors import StreamError
from veridical.domain.stream import StreamDescription
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawInlet

_OPEN_TIMEOUT_S = 2.0
_RETRY_S = 0.5
_ALIVE_TIMEOUT_S = 1.0
# What an inlet keeps for us while the disk stalls, and the memory LSL takes for it at once.
_LONGEST_BUFFER_S = 360
_SHORTEST_BUFFER_S = 30
_BUFFER_VALUES = 4e6


@dataclass(frozen=True)
class OpenedStream:
    """A stream that answers: data are arriving in its inlet already.

    Parameters
    ----------
    header : str
        Its XML.
    description : StreamDescription
        What the header says, labels and units included.
    dead : frozenset of str
        Uids, of those that it may be the return of, whose outlets are gone.
    """

    inlet: RawInlet
    header: str
    description: StreamDescription
    dead: frozenset[str] = frozenset()


class Opener:
    """Connects to streams in threads of their own, so that one that hangs holds up no other."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._opened: queue.SimpleQueue[tuple[str, OpenedStream | None]] = queue.SimpleQueue()
        self._gone: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._pending: set[str] = set()
        self._is_closed = threading.Event()

    def begin(self, stream: StreamDescription, lookalikes: Sequence[RawInlet] = ()) -> None:
        """Start to connect, unless that is under way.

        Parameters
        ----------
        lookalikes : sequence of RawInlet
            Of streams that this one may be the return of: found out is whether their outlets are gone.
        """
        if stream.uid not in self._pending:
            self._pending.add(stream.uid)
            threading.Thread(
                target=self._open, args=(stream, lookalikes), name=f"open-{stream.name}", daemon=True
            ).start()

    def finished(self) -> list[OpenedStream]:
        """Take the streams that have answered; does not block."""
        taken: list[OpenedStream] = []
        while not self._opened.empty():
            uid, opened = self._opened.get()
            self._pending.discard(uid)
            if opened is not None:
                taken.append(opened)
        return taken

    def examine(self, inlet: RawInlet) -> None:
        """Start to find out whether the outlet of a silent stream is gone."""

        def ask() -> None:
            if inlet.has_outlet(_ALIVE_TIMEOUT_S) is False:
                self._gone.put(inlet.description.uid)

        threading.Thread(target=ask, name=f"ask-{inlet.description.name}", daemon=True).start()

    def gone(self) -> set[str]:
        """Take the uids of examined streams whose outlets are gone."""
        taken: set[str] = set()
        while not self._gone.empty():
            taken.add(self._gone.get())
        return taken

    def close(self) -> None:
        """Let go of what nobody has taken; what is still connecting lets go by itself."""
        self._is_closed.set()
        for opened in self.finished():
            opened.inlet.close(waits=False)

    def _open(self, stream: StreamDescription, lookalikes: Sequence[RawInlet]) -> None:
        n_values_per_s = max(1.0, stream.nominal_hz * stream.n_channels)
        buffered_s = int(min(_LONGEST_BUFFER_S, max(_SHORTEST_BUFFER_S, _BUFFER_VALUES / n_values_per_s)))
        opened: OpenedStream | None = None
        try:
            inlet = self._resolver.inlet(stream.uid, buffered_s, is_patient=True)
            if inlet is not None:
                inlet.open(_OPEN_TIMEOUT_S)
                # The library begins to measure when it is first asked; it takes 0.64 s.
                inlet.measure_clock(0.0)
                header = inlet.read_header(_OPEN_TIMEOUT_S)
                description = inlet.read_description(_OPEN_TIMEOUT_S)
                if description.uid != stream.uid:
                    # Dead meanwhile, and the library has gone on with another outlet of the same source id.
                    raise StreamError(f"The stream {stream.name!r} is gone.")
                dead = frozenset(
                    other.description.uid for other in lookalikes if other.has_outlet(_ALIVE_TIMEOUT_S) is False
                )
                opened = OpenedStream(inlet, header, description, dead)
        except StreamError:
            # It stays announced for some seconds after its program has died: ask again, but not at once.
            self._is_closed.wait(_RETRY_S)
        if self._is_closed.is_set() and opened is not None:
            opened.inlet.close(waits=False)
            opened = None
        self._opened.put((stream.uid, opened))
