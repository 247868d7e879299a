"""The way one stream's samples come in, and a second one when the first seems stuck."""

import logging

from veridical.domain.errors import StreamError
from veridical.streaming.inlet import RawChunk, RawInlet

# So long a stream of regular rate that is still announced may be silent before a second connection is tried.
_STUCK_S = 3.0
_STUCK_PERIODS = 10
# A connection that an outage has held up tries again after at most the outage's length (TCP doubles its pauses).
_GRACE_S = 2.0
_LONGEST_GRACE_S = 20.0
# Nothing may hold up the other streams for longer; 16 s of data at once.
_MOST_CHUNKS = 64

_log = logging.getLogger(__name__)


class Connection:
    """One stream's inlet; a second inlet to the same outlet takes over only when the first is surely dead.

    A source whose network fails for a quarter of an hour gives up its side of a connection, and the other side is
    never told. So a silent stream gets a second connection beside the first. What comes through it stays unread
    until it is certain that the first brings nothing more: the first may still bring all that the source kept.
    """

    def __init__(self, inlet: RawInlet, now_s: float) -> None:
        self._inlet = inlet
        self._second: RawInlet | None = None
        self._second_heard_s: float | None = None
        self._heard_s = now_s
        d = inlet.description
        self._stuck_s = max(_STUCK_S, _STUCK_PERIODS / d.nominal_hz) if d.is_regular else float("inf")

    @property
    def inlet(self) -> RawInlet:
        """The inlet whose samples count."""
        return self._inlet

    @property
    def is_volatile(self) -> bool:
        """Whether what has arrived is gone when the source dies (it has no source id): pull often."""
        return not self._inlet.is_patient

    def is_stuck(self, now_s: float) -> bool:
        """Whether a second connection is worth a try."""
        return self._second is None and now_s - self._heard_s > self._stuck_s

    def add_second(self, inlet: RawInlet) -> None:
        """Hold another connection to the same outlet ready."""
        if self._second is not None:
            self._second.close(waits=False)
        self._second, self._second_heard_s = inlet, None

    def pull(self, now_s: float) -> list[RawChunk]:
        """Take everything that has arrived.

        Raises
        ------
        StreamError
            If the stream is lost, with nothing taken.
        """
        taken: list[RawChunk] = []
        try:
            for _ in range(_MOST_CHUNKS):
                chunk = self._inlet.pull()
                if len(chunk):
                    taken.append(chunk)
                if not self._inlet.is_full(chunk):
                    break
        except StreamError:
            if not taken:
                raise
        if taken:
            self._heard_s = now_s
            self._drop_second()
        elif self._second is not None:
            self._look_at_second(now_s)
        return taken

    def settle(self) -> None:
        """Take the second connection if it alone has brought anything: there is no time to wait any more."""
        if self._second is not None and self._second.n_unread() and not self._inlet.n_unread():
            self._switch()

    def close(self) -> None:
        """Disconnect."""
        self._drop_second()
        self._inlet.close(waits=False)

    def _look_at_second(self, now_s: float) -> None:
        if self._second is None or not self._second.n_unread():
            return
        if self._second_heard_s is None:
            self._second_heard_s = now_s
        outage_s = self._second_heard_s - self._heard_s
        if now_s - self._second_heard_s > min(_LONGEST_GRACE_S, outage_s + _GRACE_S):
            self._switch()

    def _switch(self) -> None:
        if self._second is None:
            return
        _log.warning("%r: the connection was dead; another one takes over", self._inlet.description.name)
        self._inlet.close(waits=False)
        self._inlet, self._second = self._second, None

    def _drop_second(self) -> None:
        if self._second is not None:
            self._second.close(waits=False)
            self._second = None
