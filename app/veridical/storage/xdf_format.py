"""The letters of XDF 1.0: magic, tags, lengths and number formats (FORMATS 3)."""

import numpy as np

from veridical.domain.stream import SampleFormat

MAGIC = b"XDF:"
BOUNDARY = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")

FILE_HEADER, STREAM_HEADER, SAMPLES, CLOCK_OFFSET, BOUNDARY_TAG, STREAM_FOOTER = range(1, 7)
TAGS_WITH_ID = frozenset((STREAM_HEADER, SAMPLES, CLOCK_OFFSET, STREAM_FOOTER))

# Little endian on disk whatever the machine.
DTYPES: dict[SampleFormat, np.dtype[np.generic]] = {
    "float32": np.dtype("<f4"),
    "double64": np.dtype("<f8"),
    "int8": np.dtype("i1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
}


def encode_length(n: int) -> bytes:
    """Write a length with the fewest bytes XDF allows (1, 4 or 8, after one that says which)."""
    n_bytes = 1 if n < 1 << 8 else 4 if n < 1 << 32 else 8
    return bytes((n_bytes,)) + n.to_bytes(n_bytes, "little")


def encode_chunk(tag: int, content: bytes) -> bytes:
    """Write a whole chunk; ``content`` starts with the stream id where the tag has one."""
    return encode_length(len(content) + 2) + tag.to_bytes(2, "little") + content


def explicit_dtype(n_channels: int, format_: SampleFormat) -> np.dtype[np.void]:
    """Layout of a sample whose stamp is written out."""
    return np.dtype([("flag", "u1"), ("stamp", "<f8"), ("values", DTYPES[format_], (n_channels,))])


def deduced_dtype(n_channels: int, format_: SampleFormat) -> np.dtype[np.void]:
    """Layout of a sample whose stamp follows from the one before."""
    return np.dtype([("flag", "u1"), ("values", DTYPES[format_], (n_channels,))])
