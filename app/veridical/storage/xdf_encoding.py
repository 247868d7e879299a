"""XDF chunks as bytes: what the writer appends and what a mended copy is completed with (FORMATS 3)."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError
from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import describe_stream
from veridical.storage import xdf_format as xdf

_STAMP_FLAG = 8


class EncodedSamples(NamedTuple):
    """A whole samples chunk.

    Parameters
    ----------
    data : bytes
        From its first length byte to its last value.
    first_s, last_s : float
        Raw stamps.
    """

    stream_id: int
    data: bytes
    n: int
    first_s: float
    last_s: float


def parse_header(xml: str) -> StreamDescription:
    """Check a header as a reader would and return what it describes.

    Raises
    ------
    RecordingError
        If a reader would choke on it.
    """
    try:
        description = describe_stream(fromstring(xml, forbid_dtd=True))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise RecordingError(f"A stream's header cannot be written because it is damaged ({error}).") from error
    if not description.name:
        raise RecordingError("A stream without a name cannot be written; give it a name in its program.")
    return description


def encode_file_header() -> bytes:
    """Write the magic and the first chunk."""
    root = Element("info")
    SubElement(root, "version").text = "1.0"
    SubElement(root, "datetime").text = datetime.now(UTC).isoformat()
    return xdf.MAGIC + xdf.encode_chunk(xdf.FILE_HEADER, _xml(root))


def encode_stream_header(stream_id: int, xml: str) -> bytes:
    """Write a stream's announcement."""
    return xdf.encode_chunk(xdf.STREAM_HEADER, struct.pack("<I", stream_id) + xml.encode())


def encode_samples(
    stream_id: int,
    layout: np.dtype[np.void] | None,
    samples: NDArray[Any] | Sequence[Sequence[str | bytes]],
    stamps_s: FloatArray,
) -> EncodedSamples:
    """Write samples with a stamp each.

    Parameters
    ----------
    layout : dtype or None
        ``xdf_format.explicit_dtype`` of the stream; None for strings.
    samples : ndarray or sequences of str or bytes, shape (n_channels, n_times)
        Other number types are cast to the stream's. Copied.
    stamps_s : ndarray, shape (n_times,)
        At least one; kept bit-exact.
    """
    n = len(stamps_s)
    if layout is None:
        body = _encode_strings(samples, stamps_s)
    else:
        records = np.empty(n, layout)
        records["flag"] = _STAMP_FLAG
        records["stamp"] = stamps_s
        records["values"] = np.asarray(samples).T
        body = records.tobytes()
    data = xdf.encode_chunk(xdf.SAMPLES, struct.pack("<I", stream_id) + xdf.encode_length(n) + body)
    return EncodedSamples(stream_id, data, n, float(stamps_s[0]), float(stamps_s[-1]))


def encode_clock_offset(stream_id: int, collected_s: float, offset_s: float) -> bytes:
    """Write a measurement: when on the stream's clock, and what to add to its stamps."""
    return xdf.encode_chunk(xdf.CLOCK_OFFSET, struct.pack("<Idd", stream_id, collected_s, offset_s))


def encode_boundary() -> bytes:
    """Write a mark from which a reader of a damaged file finds its way again."""
    return xdf.encode_chunk(xdf.BOUNDARY_TAG, xdf.BOUNDARY)


def encode_footer(
    stream_id: int, n_samples: int, first_s: float, last_s: float, clock_offsets: Sequence[tuple[float, float]]
) -> bytes:
    """Write a stream's end; stamps are left out of one without samples."""
    root = Element("info")
    if n_samples:
        SubElement(root, "first_timestamp").text = repr(first_s)
        SubElement(root, "last_timestamp").text = repr(last_s)
    SubElement(root, "sample_count").text = str(n_samples)
    offsets = SubElement(root, "clock_offsets")
    for collected_s, offset_s in clock_offsets:
        offset = SubElement(offsets, "offset")
        SubElement(offset, "time").text = repr(collected_s)
        SubElement(offset, "value").text = repr(offset_s)
    return xdf.encode_chunk(xdf.STREAM_FOOTER, struct.pack("<I", stream_id) + _xml(root))


def _encode_strings(samples: NDArray[Any] | Sequence[Sequence[str | bytes]], stamps_s: FloatArray) -> bytes:
    parts: list[bytes] = []
    for row, stamp_s in zip(zip(*samples, strict=True), stamps_s, strict=True):
        parts.append(struct.pack("<Bd", _STAMP_FLAG, stamp_s))
        for value in row:
            text = value if isinstance(value, bytes) else str(value).encode()
            parts += (xdf.encode_length(len(text)), text)
    return b"".join(parts)


def _xml(root: Element) -> bytes:
    return b'<?xml version="1.0"?>' + tostring(root, encoding="unicode").encode()
