"""What a stream sends, as it was sent: values and stamps untouched, and the stream's clock measured."""

import contextlib
import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from xml.etree.ElementTree import ParseError

import numpy as np
import pylsl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray
from pylsl.lib import lib

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StreamError
from veridical.domain.stream import SampleFormat, StreamDescription
from veridical.domain.stream_header import describe_stream

# lsl_time_correction_ex is in the library without a wrapper; a handle of its own leaves pylsl's types alone.
_time_correction_ex = ctypes.CDLL(lib._name).lsl_time_correction_ex
_time_correction_ex.restype = ctypes.c_double
_time_correction_ex.argtypes = [
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_double),
    ctypes.POINTER(ctypes.c_double),
    ctypes.c_double,
    ctypes.POINTER(ctypes.c_int32),
]

SampleArray: TypeAlias = NDArray[Any]

_FORMATS: dict[int, SampleFormat] = {
    pylsl.cf_float32: "float32", pylsl.cf_double64: "double64", pylsl.cf_string: "string",
    pylsl.cf_int8: "int8", pylsl.cf_int16: "int16", pylsl.cf_int32: "int32", pylsl.cf_int64: "int64",
}  # fmt: skip

_MAX_SAMPLES = 4096
_MAX_STRINGS = 512


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
    """A connection to one stream that neither corrects stamps nor silently reconnects.

    Use one thread for ``pull`` and at most one other for ``measure_clock``.

    Parameters
    ----------
    info : pylsl.StreamInfo
        As resolved.
    buffered_s : int
        What is kept while nobody pulls, seconds (LSL takes the memory for it at once).
    """

    def __init__(self, info: pylsl.StreamInfo, buffered_s: int = 60) -> None:
        self.description = describe_info(info)
        # Recovery is ours: the library would go on under a new uid without telling.
        self._inlet: pylsl.StreamInlet | None = pylsl.StreamInlet(info, max_buflen=buffered_s, recover=False)
        self._max_samples = _MAX_STRINGS if self.description.format == "string" else _MAX_SAMPLES

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
        wait = {"min_samples": 1} if timeout_s > 0 else {}
        with self._as_stream_error():
            samples, stamps = self._get().pull_chunk(timeout_s, max_samples=self._max_samples, as_numpy=True, **wait)
        return RawChunk(stamps, samples.T)

    def is_full(self, chunk: RawChunk) -> bool:
        """Whether more may be waiting behind this chunk."""
        return len(chunk) >= self._max_samples

    def measure_clock(self, timeout_s: float) -> ClockMeasurement | None:
        """Return the newest measurement of the stream's clock, None if there is none in time.

        The library probes every 2 s in the background; the same measurement may come twice.
        """
        inlet = self._get()
        collected, round_trip, error = ctypes.c_double(), ctypes.c_double(), ctypes.c_int32()
        offset = _time_correction_ex(
            inlet.obj, ctypes.byref(collected), ctypes.byref(round_trip), timeout_s, ctypes.byref(error)
        )
        # A time-out leaves zeros: no measurement may be made of them.
        if error.value != 0 or collected.value == 0.0 or not np.isfinite(offset):
            return None
        return ClockMeasurement(collected.value, float(offset), round_trip.value)

    def close(self) -> None:
        """Disconnect."""
        self._inlet = None

    def _get(self) -> pylsl.StreamInlet:
        if self._inlet is None:
            raise StreamError(f"The stream {self.description.name!r} is closed.")
        return self._inlet

    @contextlib.contextmanager
    def _as_stream_error(self) -> Iterator[None]:
        try:
            yield
        except pylsl.util.TimeoutError as error:
            raise StreamError(
                f"The stream {self.description.name!r} is announced but does not answer; restart its program."
            ) from error
        except RuntimeError as error:
            raise StreamError(
                f"The stream {self.description.name!r} is lost; start its program again, it is picked up by itself."
            ) from error


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
