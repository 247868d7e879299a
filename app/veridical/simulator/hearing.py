"""How the simulated participant sees what is shown: it listens to every marker stream there is."""

import queue
import socket
import threading

from veridical.domain.errors import StreamError
from veridical.domain.event import MARKER_STREAM_NAME, Marker
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawInlet

_LOOK_EVERY_S = 0.5
_PULL_S = 0.25
_OPEN_S = 2.0


class MarkerEar:
    """Finds presenters' marker streams as they come and go, one thread for each."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[tuple[float, Marker]] = queue.SimpleQueue()
        self._is_closed = threading.Event()
        self._resolver = Resolver(reads_headers=False)
        self._listeners: dict[str, threading.Thread] = {}
        self._finder = threading.Thread(target=self._find, name="marker-finder", daemon=True)
        self._finder.start()

    def take(self) -> list[tuple[float, Marker]]:
        """Take what was heard since the last call: (LSL seconds, marker); never blocks."""
        taken: list[tuple[float, Marker]] = []
        while not self._heard.empty():
            taken.append(self._heard.get())
        return taken

    @property
    def hears_a_session(self) -> bool:
        """Whether a presenter's marker stream is there now."""
        return any(listener.is_alive() for listener in list(self._listeners.values()))

    def close(self) -> None:
        """Stop listening (waits for the threads)."""
        self._is_closed.set()
        self._finder.join(2 * _OPEN_S)
        for listener in list(self._listeners.values()):
            listener.join(2 * _OPEN_S)
        self._resolver.close()

    def _find(self) -> None:
        while not self._is_closed.is_set():
            for stream in self._resolver.streams():
                known = self._listeners.get(stream.uid)
                if stream.name != MARKER_STREAM_NAME or (known is not None and known.is_alive()):
                    continue
                inlet = self._resolver.inlet(stream.uid)
                if inlet is not None:
                    listener = threading.Thread(target=self._listen, args=(inlet,), name="marker-ear", daemon=True)
                    self._listeners[stream.uid] = listener
                    listener.start()
            self._resolver.wait_change(_LOOK_EVERY_S)

    def _listen(self, inlet: RawInlet) -> None:
        try:
            inlet.open(_OPEN_S)
            offset_s = _clock_offset_s(inlet)
            while not self._is_closed.is_set():
                chunk = inlet.pull(_PULL_S)
                for stamp_s, text in zip(chunk.stamps_s, chunk.samples[0] if len(chunk) else (), strict=True):
                    words = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
                    self._heard.put((float(stamp_s) + offset_s, Marker.parse(words)))
        except StreamError:
            # The presenter has gone; its next stream has a new uid.
            return
        finally:
            inlet.close()


def _clock_offset_s(inlet: RawInlet) -> float:
    """Return what brings the stream's stamps to this machine's clock; measuring takes up to a second."""
    if inlet.description.hostname == socket.gethostname():
        return 0.0
    clock = inlet.measure_clock(_OPEN_S)
    return 0.0 if clock is None else clock.offset_s
