"""Streams of ours: signals of the simulator, markers of the presenter."""

import numpy as np
import pylsl

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
