"""What a stream sends, as it was sent: values and stamps untouched, and the stream's clock measured."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.etree.ElementTree import ParseError

import numpy as np
import pylsl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StreamError
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.domain.stream_header import describe_stream
from veridical.streaming import liblsl

SampleArray: TypeAlias = NDArray[Any]

_FORMATS: dict[int, SampleFormat] = {
    pylsl.cf_float32: "float32", pylsl.cf_double64: "double64", pylsl.cf_string: "string",
    pylsl.cf_int8: "int8", pylsl.cf_int16: "int16", pylsl.cf_int32: "int32", pylsl.cf_int64: "int64",
}  # fmt: skip

_KINDS: dict[SampleFormat, type[np.generic]] = {
    "float32": np.float32, "double64": np.float64, "int8": np.int8, "int16": np.int16, "int32": np.int32,
    "int64": np.int64,
}  # fmt: skip

# Taken at once: enough for several polls of a regular stream, so that one call is the rule.
_PULLED_S = 0.25
_FEWEST_PULLED, _MOST_PULLED = 32, 4096


@dataclass(frozen=True)
class RawChunk:
    """Samples pulled at once.

    Parameters
    ----------
    stamps_s : ndarray of float64, shape (n_times,)
        On the clock of the stream's machine, bit-exact as sent.
    samples : ndarray, shape (n_channels, n_times)
        The stream's format; ``object`` of bytes for strings.
    """

    stamps_s: FloatArray
    samples: SampleArray

    def __len__(self) -> int:
        return len(self.stamps_s)

    def joined(self, later: "RawChunk") -> "RawChunk":
        """Return both as one chunk."""
        if not len(later):
            return self
        samples = np.concatenate((self.samples, later.samples), axis=1)
        return RawChunk(np.concatenate((self.stamps_s, later.stamps_s)), samples)


@dataclass(frozen=True)
class ClockMeasurement:
    """One successful measurement of a stream's clock (FORMATS 3.5).

    Parameters
    ----------
    collected_s : float
        When, on the stream's clock.
    offset_s : float
        To be added to the stream's stamps to land on this machine's clock.
    round_trip_s : float
        Uncertainty: how long the probe travelled.
    """

    collected_s: float
    offset_s: float
    round_trip_s: float


def describe_info(info: pylsl.StreamInfo) -> StreamDescription:
    """Describe an announced stream; labels, types and units only if ``info`` is a full one."""
    try:
        return describe_stream(fromstring(info.as_xml(), forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError):
        # A device that writes broken XML still streams: its core fields do not need the XML.
        return StreamDescription(
            name=info.name(),
            type=info.type(),
            source_id=info.source_id(),
            uid=info.uid(),
            hostname=info.hostname(),
            n_channels=info.channel_count(),
            nominal_hz=info.nominal_srate(),
            format=_FORMATS[info.channel_format()],
        )


class RawInlet:
    """A connection to one stream that neither corrects stamps nor silently goes on with another outlet.

    Use one thread for ``pull`` and at most one other for ``measure_clock``.

    Parameters
    ----------
    info : pylsl.StreamInfo
        As resolved.
    buffered_s : int
        What is kept while nobody pulls, seconds (LSL takes the memory for it at once).
    is_patient : bool
        Keep what has arrived when the connection breaks, and connect again to the same outlet. Otherwise a broken
        connection raises at the next call, and what had arrived unread is gone. Needs a stream with a source id:
        without one the library gives up, whatever is asked of it.
    """

    def __init__(self, info: pylsl.StreamInfo, buffered_s: int = 60, is_patient: bool = False) -> None:
        self.description = describe_info(info)
        if self.description.n_channels < 1:
            raise StreamError(f"The stream {self.description.name!r} has no channels; correct its program.")
        self.is_patient = is_patient and bool(self.description.source_id)
        self._info = info
        self._inlet: pylsl.StreamInlet | None = pylsl.StreamInlet(info, max_buflen=buffered_s, recover=self.is_patient)
        self._buffer: _Numbers | _Strings
        if self.description.format == "string":
            self._buffer = _Strings(self.description.n_channels)
        else:
            self._buffer = _Numbers(self.description, not self.is_patient)

    def open(self, timeout_s: float) -> None:
        """Subscribe; every sample sent from here on arrives.

        Raises
        ------
        StreamError
            If the stream does not answer in time.
        """
        with self._as_stream_error():
            self._get().open_stream(timeout_s)

    def read_header(self, timeout_s: float) -> str:
        """Return the full XML header (blocks for the network).

        Raises
        ------
        StreamError
            If the stream does not answer in time.
        """
        with self._as_stream_error():
            return str(self._get().info(timeout_s).as_xml())

    def read_description(self, timeout_s: float) -> StreamDescription:
        """Return the description with labels, types and units (blocks for the network).

        Raises
        ------
        StreamError
            If the stream does not answer in time.
        """
        with self._as_stream_error():
            return describe_info(self._get().info(timeout_s))

    def pull(self, timeout_s: float = 0.0) -> RawChunk:
        """Take what has arrived, at most a few thousand samples; waits for the first at most ``timeout_s``.

        Raises
        ------
        StreamError
            If the stream is lost.
        """
        obj = self._get().obj
        if self.is_patient and timeout_s <= 0 and not liblsl.SAMPLES_AVAILABLE(obj):
            return self._buffer.nothing
        try:
            if timeout_s <= 0:
                return self._buffer.pull(obj, self._buffer.n_max, 0.0)
            # The library would wait until the buffer is full.
            first = self._buffer.pull(obj, 1, timeout_s)
            return first.joined(self._buffer.pull(obj, self._buffer.n_max, 0.0)) if len(first) else first
        except RuntimeError as error:
            raise self._explain(error) from error

    def is_full(self, chunk: RawChunk) -> bool:
        """Whether more may be waiting behind this chunk."""
        return len(chunk) >= self._buffer.n_max

    def has_outlet(self, timeout_s: float) -> bool | None:
        """Ask the outlet over another connection (blocks): False if it is gone, None if nothing answers in time.

        A program that stands still, or whose network is down, does not answer; one that has ended is refused for.
        """
        try:
            uid = pylsl.StreamInlet(self._info, max_buflen=1, recover=False).info(timeout_s).uid()
        except pylsl.util.TimeoutError:
            return None
        except RuntimeError:
            return False
        # Another program may have taken its port.
        return bool(uid == self.description.uid)

    def n_unread(self) -> int:
        """Samples that have arrived and were not pulled."""
        return int(liblsl.SAMPLES_AVAILABLE(self._get().obj))

    def has_moved(self) -> bool:
        """Whether the library has found another outlet to go on with (told once; patient inlets only).

        It goes on with whatever has the same source id, under another uid, without telling. Its next sample comes
        half a second after this at the earliest, so that who asks oftener than that can close the inlet before.
        """
        return bool(liblsl.WAS_CLOCK_RESET(self._get().obj))

    def measure_clock(self, timeout_s: float) -> ClockMeasurement | None:
        """Return the newest measurement of the stream's clock, None if there is none in time.

        The library probes every 2 s in the background; the same measurement may come twice.
        """
        inlet = self._get()
        collected, round_trip, error = ctypes.c_double(), ctypes.c_double(), ctypes.c_int32()
        offset = liblsl.TIME_CORRECTION_EX(
            inlet.obj, ctypes.byref(collected), ctypes.byref(round_trip), timeout_s, ctypes.byref(error)
        )
        # A time-out leaves zeros: no measurement may be made of them.
        if error.value != 0 or collected.value == 0.0 or not np.isfinite(offset):
            return None
        return ClockMeasurement(collected.value, float(offset), round_trip.value)

    def close(self, waits: bool = True) -> None:
        """Disconnect; the library may need half a second to end its threads, which a thread may wait for instead."""
        held = [self._inlet]
        self._inlet = None
        if waits:
            held.clear()
        else:
            # The last reference ends the connection.
            threading.Thread(target=held.clear, name=f"close-{self.description.name}").start()

    def _get(self) -> pylsl.StreamInlet:
        if self._inlet is None:
            raise StreamError(f"The stream {self.description.name!r} is closed.")
        return self._inlet

    @contextlib.contextmanager
    def _as_stream_error(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise self._explain(error) from error

    def _explain(self, error: RuntimeError) -> StreamError:
        name = self.description.name
        if isinstance(error, pylsl.util.TimeoutError):
            return StreamError(f"The stream {name!r} is announced but does not answer; restart its program.")
        return StreamError(f"The stream {name!r} is lost; start its program again, it is picked up by itself.")


class _Numbers:
    """Memory that one numeric stream is pulled into, again and again; chunks are copies of their own.

    A fresh array of the largest size for every pull costs as much as all the rest [measured].
    """

    def __init__(self, stream: StreamDescription, may_break: bool) -> None:
        self._may_break = may_break
        self.n_max = int(min(_MOST_PULLED, max(_FEWEST_PULLED, stream.nominal_hz * _PULLED_S)))
        if not stream.is_regular:
            self.n_max = _FEWEST_PULLED * 8
        self._n_channels = stream.n_channels
        self._pull = liblsl.PULL_CHUNK[stream.format]
        self._samples = np.zeros((self.n_max, stream.n_channels), _KINDS[stream.format])
        self._stamps_s = np.zeros(self.n_max)
        self._places = self._samples.ctypes.data, self._stamps_s.ctypes.data
        self._error = ctypes.c_int32()
        self._error_place = ctypes.addressof(self._error)
        self.nothing = self._copy(0)

    def pull(self, obj: ctypes.c_void_p, n: int, timeout_s: float) -> RawChunk:
        """Take at most ``n`` samples."""
        self._error.value = 0
        n_pulled = self._pull(obj, *self._places, n * self._n_channels, n, timeout_s, self._error_place)
        n_pulled //= self._n_channels
        if self._error.value and not self._may_break:
            liblsl.check(self._error)
        elif self._error.value:
            # Those taken before the connection was found broken are here, though the call says none.
            n_pulled = int(np.argmin(np.append(self._stamps_s, 0.0) != 0))
            if n_pulled == 0:
                liblsl.check(self._error)
        return self._copy(n_pulled)

    def _copy(self, n: int) -> RawChunk:
        chunk = RawChunk(self._stamps_s[:n].copy(), self._samples[:n].copy().T)
        if self._may_break:
            # A stamp of 0 will mark where a pull that broke off has come to.
            self._stamps_s[:n] = 0.0
        return chunk


class _Strings:
    """Places that one string stream is pulled into."""

    def __init__(self, n_channels: int) -> None:
        self.n_max = _FEWEST_PULLED
        self._n_channels = n_channels
        self._texts = np.zeros(self.n_max * n_channels, np.uintp)
        self._lengths = np.zeros(self.n_max * n_channels, np.uint32)
        self._stamps_s = np.zeros(self.n_max)
        self._error = ctypes.c_int32()
        self.nothing = RawChunk(np.empty(0), np.empty((n_channels, 0), object))

    def pull(self, obj: ctypes.c_void_p, n: int, timeout_s: float) -> RawChunk:
        """Take at most ``n`` samples, exactly as sent: bytes, zeros among them included."""
        self._error.value = 0
        places = (self._texts.ctypes.data, self._lengths.ctypes.data, self._stamps_s.ctypes.data)
        try:
            n_values = liblsl.PULL_STRINGS(
                obj, *places, n * self._n_channels, n, timeout_s, ctypes.addressof(self._error)
            )
            liblsl.check(self._error)
            texts, lengths = self._texts[:n_values].tolist(), self._lengths[:n_values].tolist()
            values = np.empty(n_values, object)
            values[:] = [ctypes.string_at(text, length) for text, length in zip(texts, lengths, strict=True)]
        finally:
            # They are ours to free; older libraries fill places behind the last one, too.
            for text in self._texts[self._texts != 0].tolist():
                liblsl.DESTROY_STRING(text)
            self._texts[:] = 0
        n_pulled = n_values // self._n_channels
        return RawChunk(self._stamps_s[:n_pulled].copy(), values.reshape(n_pulled, self._n_channels).T)


def find_inlet(uid: str, timeout_s: float, buffered_s: int = 60) -> RawInlet:
    """Find a stream by its uid and connect to it (blocks).

    Raises
    ------
    StreamError
        If it is not announced.
    """
    found = pylsl.resolve_byprop("uid", uid, 1, timeout_s)
    if not found:
        raise StreamError("A stream that was announced is gone; start its program again.")
    return RawInlet(found[0], buffered_s)
