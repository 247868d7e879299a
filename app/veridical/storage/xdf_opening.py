"""Opens a recording's bytes, plain or compressed, as mapped memory."""

import mmap
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO

from veridical.domain.errors import RecordingError
from veridical.storage import xdf_format as xdf

_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20
# Noise hardly shrinks, silence by 1000; a file that grows more than this is no recording but a trap.
_MOST_GROWTH = 100
_ALWAYS_ALLOWED = 1 << 28
# Left free on the disk that takes the unpacked recording.
_SPARE_BYTES = 1 << 28


def map_recording(path: Path) -> tuple[mmap.mmap, str]:
    """Map a recording read-only.

    Returns
    -------
    buffer : mmap
    remark : str
        What is wrong with its compression; empty if nothing.

    Raises
    ------
    RecordingError
        If it is missing, cannot be read or is no XDF.
    """
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "no ordinary file"
            raise RecordingError(f"{path} is {kind}; choose a recording (.xdf) inside or elsewhere.")
        with open(path, "rb") as file:
            magic = file.read(len(xdf.MAGIC))
            if magic.startswith(_GZIP):
                return _unpack(path, file)
            if magic != xdf.MAGIC:
                raise _no_recording(path)
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), ""
    except OSError as error:
        raise RecordingError(
            f"{path} cannot be read ({error.strerror or error}); check path and permissions."
        ) from error
    except ValueError as error:
        # A path with a NUL in it; a file that was emptied in between.
        raise RecordingError(f"{path!s:.200} cannot be read ({error}); check the path.") from error


def _no_recording(path: Path) -> RecordingError:
    return RecordingError(f"{path} is no XDF recording; choose a file that a recorder wrote.")


def _unpack(path: Path, file: BinaryIO) -> tuple[mmap.mmap, str]:
    """Unpack into a temporary file that vanishes when it is let go of; as far as it goes if it is damaged."""
    n_packed = path.stat().st_size
    limit = max(_ALWAYS_ALLOWED, _MOST_GROWTH * n_packed)
    limit = min(limit, shutil.disk_usage(tempfile.gettempdir()).free - _SPARE_BYTES)
    file.seek(0)
    remark, n_bytes = "", 0
    with tempfile.TemporaryFile(prefix="veridical-") as unpacked:
        unpacker = zlib.decompressobj(wbits=31)
        while True:
            block = unpacker.unconsumed_tail or unpacker.unused_data or file.read(_BLOCK)
            if unpacker.eof:
                # Several compressed parts may follow each other; what is no further part is no data.
                if not block.startswith(_GZIP):
                    break
                unpacker = zlib.decompressobj(wbits=31)
            try:
                data = unpacker.decompress(block, _BLOCK) if block else unpacker.flush()
            except zlib.error:
                remark = f"the compressed file is damaged after {n_bytes} bytes of its content"
                break
            n_bytes += len(data)
            if n_bytes > limit:
                raise RecordingError(
                    f"{path} grows beyond {limit / 1e9:.1f} GB; unpack it yourself with gzip and open the result."
                )
            unpacked.write(data)
            if not block and not unpacker.eof:
                remark = f"the compressed file ends early, after {n_bytes} bytes of its content"
                break
        unpacked.flush()
        unpacked.seek(0)
        if unpacked.read(len(xdf.MAGIC)) != xdf.MAGIC:
            raise _no_recording(path)
        return mmap.mmap(unpacked.fileno(), 0, access=mmap.ACCESS_READ), remark
