"""Connecting to streams, away from the thread that records."""

import queue
import threading
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
        The uids, of those that were asked about, whose outlets are gone.
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
        self._pending: set[str] = set()
        self._is_closed = threading.Event()

    def begin(self, stream: StreamDescription, lookalikes: frozenset[str] = frozenset()) -> None:
        """Start to connect, unless that is under way.

        Parameters
        ----------
        lookalikes : frozenset of str
            Uids of streams that this one may be the return of: found out is whether their outlets still answer.
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

    def close(self) -> None:
        """Let go of what nobody has taken; what is still connecting lets go by itself."""
        self._is_closed.set()
        for opened in self.finished():
            opened.inlet.close(waits=False)

    def _open(self, stream: StreamDescription, lookalikes: frozenset[str]) -> None:
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
                dead = frozenset(uid for uid in lookalikes if not self._is_alive(uid))
                opened = OpenedStream(inlet, header, description, dead)
        except StreamError:
            # It stays announced for some seconds after its program has died: ask again, but not at once.
            self._is_closed.wait(_RETRY_S)
        if self._is_closed.is_set() and opened is not None:
            opened.inlet.close(waits=False)
            opened = None
        self._opened.put((stream.uid, opened))

    def _is_alive(self, uid: str) -> bool:
        inlet = self._resolver.inlet(uid, buffered_s=1)
        if inlet is None:
            return False
        try:
            inlet.read_header(_ALIVE_TIMEOUT_S)
        except StreamError:
            return False
        finally:
            inlet.close()
        return True
