"""Streams of ours: signals of the simulator, markers of the presenter, recordings that are replayed."""

import ctypes
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pylsl
from numpy.typing import NDArray
from pylsl.info import XMLElement
from pylsl.util import handle_error

from veridical.domain.arrays import FloatArray
from veridical.domain.event import MARKER_STREAM_NAME, MARKER_STREAM_TYPE
from veridical.domain.stream import StreamDescription


def _info_of(stream: StreamDescription) -> pylsl.StreamInfo:
    info = pylsl.StreamInfo(
        stream.name, stream.type, stream.n_channels, stream.nominal_hz, stream.format, stream.source_id
    )
    columns = (("label", stream.labels), ("unit", stream.units), ("type", stream.types))
    if any(texts for _, texts in columns):
        channels = info.desc().append_child("channels")
        for index in range(stream.n_channels):
            channel = channels.append_child("channel")
            for tag, texts in columns:
                channel.append_child_value(tag, texts[index] if index < len(texts) else "")
    return info


class NumericOutlet:
    """One stream of numbers; discoverable until it is closed.

    Parameters
    ----------
    stream : StreamDescription
        ``uid`` and ``hostname`` are given by LSL and ignored here. EEG units are written ``microvolts``.
    buffered_s : int
        How much a receiver that stalls may fall behind, seconds.
    """

    def __init__(self, stream: StreamDescription, buffered_s: int = 60) -> None:
        self.stream = stream
        self._outlet: pylsl.StreamOutlet | None = pylsl.StreamOutlet(_info_of(stream), max_buffered=buffered_s)

    def push(self, samples: FloatArray, stamps_s: FloatArray) -> None:
        """Send a chunk.

        Parameters
        ----------
        samples : ndarray, shape (n_channels, n_times)
            In the announced units; cast to the stream's format.
        stamps_s : ndarray, shape (n_times,)
            LSL time of every sample.
        """
        if self._outlet is not None and len(stamps_s):
            self._outlet.push_chunk(np.ascontiguousarray(np.asarray(samples).T), stamps_s.tolist())

    @property
    def has_consumers(self) -> bool:
        """Whether anyone listens."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def close(self) -> None:
        """Withdraw the stream; what receivers have not taken yet is lost."""
        self._outlet = None


class MarkerOutlet:
    """The marker stream: one string channel, irregular rate (FORMATS 2)."""

    def __init__(self, source_id: str, name: str = MARKER_STREAM_NAME, type_: str = MARKER_STREAM_TYPE) -> None:
        self._outlet: pylsl.StreamOutlet | None = pylsl.StreamOutlet(
            pylsl.StreamInfo(name, type_, 1, pylsl.IRREGULAR_RATE, "string", source_id)
        )

    def push(self, text: str, lsl_s: float) -> None:
        """Send one marker with the LSL time at which it happened; does not block."""
        if self._outlet is not None:
            self._outlet.push_sample([text], lsl_s)

    @property
    def has_consumers(self) -> bool:
        """Whether anyone listens."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def wait_for_consumers(self, timeout_s: float) -> bool:
        """Wait until someone listens; False after ``timeout_s`` seconds."""
        return self._outlet is not None and bool(self._outlet.wait_for_consumers(timeout_s))

    def close(self) -> None:
        """Withdraw the stream; what receivers have not taken yet is lost."""
        self._outlet = None


class RawOutlet:
    """A stream of any format whose whole ``desc`` is given; values and stamps leave as they are.

    Parameters
    ----------
    stream : StreamDescription
        The core fields; labels, types and units are taken from ``desc``.
    desc : Element
        Its children are copied (texts; LSL knows no attributes).
    buffered_s : int
        How much a receiver that stalls may fall behind, seconds; hundreds of samples for an irregular stream.
    """

    def __init__(self, stream: StreamDescription, desc: Element, buffered_s: int) -> None:
        info = pylsl.StreamInfo(
            stream.name, stream.type, stream.n_channels, stream.nominal_hz, stream.format, stream.source_id
        )
        _copy_children(desc, info.desc())
        self._is_text = stream.format == "string"
        self._outlet: pylsl.StreamOutlet | None = pylsl.StreamOutlet(info, max_buffered=buffered_s)

    def push(self, samples: NDArray[Any] | Sequence[Sequence[bytes]], stamps_s: FloatArray) -> None:
        """Send a chunk; does not block.

        Parameters
        ----------
        samples : ndarray or sequences of bytes, shape (n_times, n_channels)
            As LSL has them; not copied if contiguous and in the stream's format.
        stamps_s : ndarray, shape (n_times,)
            LSL time of every sample.
        """
        if self._outlet is None or len(stamps_s) == 0:
            return
        outlet = self._outlet
        if self._is_text:
            outlet.push_chunk([value for sample in samples for value in sample], stamps_s.tolist())
            return
        values = np.ascontiguousarray(samples, outlet.np_dtype)
        stamps_s = np.ascontiguousarray(stamps_s, np.float64)
        # pylsl copies the stamps one by one and tries a single one first; hundreds of times a second that adds up.
        status = outlet.do_push_chunk_n(
            outlet.obj,
            ctypes.c_void_p(values.ctypes.data),
            ctypes.c_ulong(values.size),
            ctypes.c_void_p(stamps_s.ctypes.data),
            ctypes.c_int(1),
        )
        handle_error(status)

    @property
    def has_consumers(self) -> bool:
        """Whether anyone listens."""
        return self._outlet is not None and bool(self._outlet.have_consumers())

    def close(self) -> None:
        """Withdraw the stream; what receivers have not taken yet is lost."""
        self._outlet = None


def _copy_children(source: Element, target: XMLElement) -> None:
    # A stack of its own: nothing limits how deep a header nests.
    left = [(source, target)]
    while left:
        element, copy = left.pop()
        for child in element:
            # A namespace's braces are no XML.
            tag = child.tag.rpartition("}")[2]
            if len(child):
                left.append((child, copy.append_child(tag)))
            else:
                copy.append_child_value(tag, child.text or "")
