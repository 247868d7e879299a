"""Mends recordings that crashed, were damaged or went on in a second file: in a copy, never in place.

Of a recording that merely broke off, all whole chunks are kept byte for byte, in place and order. A damaged one is put
together anew from every chunk that can be read. Either way each stream gets a footer that counts what is there.
"""

import contextlib
import mmap
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from veridical.domain.errors import RecordingError, StorageError
from veridical.domain.progress import Progress, Work
from veridical.storage.xdf_index import index_chunks
from veridical.storage.xdf_opening import map_recording
from veridical.storage.xdf_reader import XdfStream, read_xdf
from veridical.storage.xdf_rebuilding import Bytes, Extended, Part, Rebuilt, streams_of

_BLOCK = 4 << 20
_SPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class Cut:
    """Bytes of a file that are not in the copy because they make no sense."""

    file: str
    start: int
    n_bytes: int


@dataclass(frozen=True)
class MendedStream:
    """What was kept of one stream.

    Parameters
    ----------
    first_s, last_s : float or None
        Raw stamps; None without samples.
    n_lost : int or None
        Samples that the old footer counted and nobody can read any more; None if there was no footer.
    """

    id: int
    name: str
    type: str
    n_samples: int
    first_s: float | None
    last_s: float | None
    n_clock_offsets: int
    n_lost: int | None
    had_footer: bool
    had_header: bool


@dataclass(frozen=True)
class Recovery:
    """What was done.

    Parameters
    ----------
    recovered : str
        The copy; empty if there was nothing to mend.
    remarks : tuple of str
        What was left out or mended, and where.
    """

    files: tuple[str, ...]
    recovered: str
    streams: tuple[MendedStream, ...]
    cuts: tuple[Cut, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def n_cut_bytes(self) -> int:
        """Bytes that were left out."""
        return sum(cut.n_bytes for cut in self.cuts)


def recovered_path(file: Path) -> Path:
    """Where the mended copy of a recording goes if nothing else is said: beside it."""
    return file.with_name(f"{file.stem}_recovered.xdf")


def recover_work(files: Sequence[Path], out: Path | None = None) -> Work[Recovery]:
    """Write a mended copy of a recording; several files are joined in their order (the first and its continuations).

    Parameters
    ----------
    files : sequence of Path
        At least one; not changed.
    out : Path or None
        Must not exist; ``recovered_path`` of the first file if None.

    Returns
    -------
    Recovery
        Without a copy if a single file has nothing to mend.

    Raises
    ------
    RecordingError
        If nothing of a file can be read, or the files are no parts of one recording.
    StorageError
        If the copy exists, or the disk is too full or refuses it.
    """
    target = recovered_path(files[0]) if out is None else out
    names = tuple(str(file) for file in files)
    with contextlib.ExitStack() as stack:
        parts: list[Part] = []
        for k, file in enumerate(files):
            yield Progress(k, len(files), f"Reading {file.name}")
            buffer = stack.enter_context(_mapped(file))
            index = index_chunks(buffer)
            parts.append(Part(file, buffer, index, tuple(XdfStream(buffer, stream) for stream in index.streams)))
        yield Progress(len(files), len(files), "Looking at every chunk")
        streams = tuple(
            MendedStream(
                id=stream.id,
                name=stream.description.name,
                type=stream.description.type,
                n_samples=stream.n_samples,
                first_s=stream.first_s if stream.n_samples else None,
                last_s=stream.last_s if stream.n_samples else None,
                n_clock_offsets=len(stream.clock_offsets),
                n_lost=None if stream.n_counted is None else max(0, stream.n_counted - stream.n_samples),
                had_footer=stream.has_right_footer,
                had_header=not stream.is_mended,
            )
            for stream in streams_of(parts)
        )
        extended = Extended.of(parts)
        if extended is not None and extended.is_original:
            return Recovery(names, "", streams)
        if not streams:
            raise RecordingError(f"{files[0]} holds no stream that can be read; nothing can be saved from it.")
        if target.exists():
            raise StorageError(f"{target} exists already; remove it or choose another name with --out.")
        yield from _write(target, Rebuilt(parts) if extended is None else extended, streams)
        cuts = tuple(Cut(str(p.file), start, stop - start) for p in parts for start, stop in p.index.skipped)
        remarks = tuple(f"{p.file.name}: {remark}" for p in parts for remark in p.index.remarks)
    return Recovery(names, str(target), streams, cuts, remarks)


@contextlib.contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    try:
        buffer, _ = map_recording(path)
    except RecordingError as error:
        raise RecordingError(f"{str(error).rstrip('.')}; nothing can be saved from it.") from error
    try:
        yield buffer
    finally:
        # Arrays that still look into it keep it open until they are gone.
        with contextlib.suppress(BufferError):
            buffer.close()


def _write(target: Path, content: Bytes, streams: Sequence[MendedStream]) -> Work[None]:
    """Write the copy under another name, read it back, and only then give it its own."""
    needed = content.n_bytes + _SPARE_BYTES
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
        if free < needed:
            raise StorageError(
                f"The copy needs {needed / 2**20:.0f} MB and the disk of {target.parent} has {free / 2**20:.0f} MB "
                "left; free space or write to another disk with --out."
            )
        with open(temporary, "xb") as file:
            yield from _copy(file, content)
        yield Progress(content.n_bytes, content.n_bytes, "Reading the copy back")
        _verify(temporary, streams)
        if target.exists():
            raise StorageError(f"{target} exists already; remove it or choose another name with --out.")
        temporary.rename(target)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written ({error.strerror or error}); free space or write to another disk with --out."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _copy(file: BinaryIO, content: Bytes) -> Work[None]:
    done = 0
    for piece in content.pieces():
        for first in range(0, len(piece), _BLOCK):
            done += file.write(piece[first : first + _BLOCK])
            yield Progress(min(done, content.n_bytes), content.n_bytes, "Writing the mended copy")
    file.flush()
    os.fsync(file.fileno())


def _verify(copy: Path, streams: Sequence[MendedStream]) -> None:
    with read_xdf(copy) as file:
        found = [(s.id, s.n_samples, *(s.timestamps[[0, -1]].tolist() if s.n_samples else ())) for s in file.streams]
        planned = [(s.id, s.n_samples, *((s.first_s, s.last_s) if s.n_samples else ())) for s in streams]
        if file.remarks or repr(sorted(found)) != repr(sorted(planned)):
            raise RecordingError(
                f"The copy does not read back as planned ({'; '.join(file.remarks) or found}); keep the original and "
                "report this."
            )
