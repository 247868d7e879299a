"""Which streams are announced right now, kept up to date in the background."""

import ctypes
import threading

import pylsl

from veridical.domain.errors import StreamError
from veridical.domain.stream import StreamDescription
from veridical.streaming import liblsl
from veridical.streaming.inlet import RawInlet, describe_info
from veridical.streaming.scout import Scout

_HEADER_TIMEOUT_S = 2.0
_POLL_S = 0.2
_MAX_STREAMS = 1024


class Resolver:
    """Keeps resolving all streams of the network scope; every call returns at once.

    Parameters
    ----------
    reads_headers : bool
        Also fetch each new stream's full header (labels, types, units), in a thread of its own.
    forget_after_s : float
        A stream that has not answered for so long is gone.
    is_prompt : bool
        Ask the network oftener for new streams: one is found within 0.7 s instead of 1.5 s.
    """

    def __init__(self, reads_headers: bool = True, forget_after_s: float = 5.0, is_prompt: bool = False) -> None:
        self._reads_headers = reads_headers
        self._scout = Scout(forget_after_s) if is_prompt else None
        self._resolver: pylsl.ContinuousResolver | None = None
        if not is_prompt:
            self._resolver = pylsl.ContinuousResolver(forget_after=forget_after_s)
        self._handles = (ctypes.c_void_p * _MAX_STREAMS)()
        self._lock = threading.Lock()
        self._infos: dict[str, pylsl.StreamInfo] = {}
        self._descriptions: dict[str, StreamDescription] = {}
        self._readers: dict[str, threading.Thread] = {}
        self._is_closed = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep_looking, name="lsl-resolver", daemon=True)
        self._thread.start()

    def streams(self) -> tuple[StreamDescription, ...]:
        """Streams announced now, by name and source id; labels are empty until the header has arrived."""
        with self._lock:
            found = list(self._descriptions.values())
        return tuple(sorted(found, key=lambda s: (s.name, s.source_id, s.uid)))

    def inlet(self, uid: str, buffered_s: int = 60, is_patient: bool = False) -> RawInlet | None:
        """Make an inlet for an announced stream (does not connect yet); None if it is gone."""
        with self._lock:
            info = self._infos.get(uid)
        return RawInlet(info, buffered_s, is_patient) if info is not None else None

    def wait_change(self, timeout_s: float) -> None:
        """Wait until streams appear, change or go, at most ``timeout_s`` seconds."""
        with self._changed:
            self._changed.wait(timeout_s)

    def stop(self) -> None:
        """Begin to close; does not wait."""
        self._is_closed.set()

    def close(self) -> None:
        """Stop resolving."""
        self.stop()
        self._thread.join(2.0)
        for reader in list(self._readers.values()):
            reader.join(_HEADER_TIMEOUT_S)
        self._resolver = None

    def _keep_looking(self) -> None:
        while not self._is_closed.is_set():
            if self._scout is not None:
                self._update(self._scout.look())
            elif self._resolver is not None:
                self._update(self._look(self._resolver))
                self._is_closed.wait(_POLL_S)

    def _look(self, resolver: pylsl.ContinuousResolver) -> dict[str, pylsl.StreamInfo]:
        """Announcements by uid; those known already are not read again."""
        infos: dict[str, pylsl.StreamInfo] = {}
        n = liblsl.RESOLVER_RESULTS(resolver.obj, self._handles, _MAX_STREAMS)
        for handle in self._handles[:n]:
            uid = liblsl.GET_UID(handle).decode()
            known = self._infos.get(uid)
            if uid and known is None:
                infos[uid] = pylsl.StreamInfo(handle=handle)
                continue
            if known is not None:
                infos[uid] = known
            # Else an announcement that the library could not read: a stream without a uid.
            liblsl.DESTROY_INFO(handle)
        return infos

    def _update(self, infos: dict[str, pylsl.StreamInfo]) -> None:
        with self._lock:
            old = set(self._descriptions)
            for uid in old - set(infos):
                del self._descriptions[uid]
            self._infos = infos
            new = [uid for uid in infos if uid not in old]
            for uid in new:
                self._descriptions[uid] = describe_info(infos[uid])
        if self._reads_headers:
            for uid in new:
                reader = threading.Thread(target=self._read_header, args=(uid,), name="lsl-header", daemon=True)
                self._readers[uid] = reader
                reader.start()
        if set(infos) != old:
            self._tell()

    def _read_header(self, uid: str) -> None:
        inlet = self.inlet(uid, buffered_s=1)
        while inlet is not None and not self._is_closed.is_set():
            try:
                full = inlet.read_description(_HEADER_TIMEOUT_S)
            except StreamError:
                self._is_closed.wait(_POLL_S)
                inlet = self.inlet(uid, buffered_s=1)
                continue
            with self._lock:
                if uid in self._descriptions:
                    self._descriptions[uid] = full
            self._tell()
            break
        self._readers.pop(uid, None)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
