"""Pyramids and times of a recording on disk, so that it opens at once the next time; may be deleted at any time.

One file: a magic line, the length of a JSON header, the header, then each signal's pyramid as float32 at a multiple
of 4096 bytes. It is written under a temporary name that nothing reads, and takes its own when it is whole.
"""

import contextlib
import json
import mmap
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Bend, Segment, Timeline
from veridical.paths import user_cache
from veridical.signals.pyramid import Pyramid, PyramidLayout

_MAGIC = b"veridical pyramid 1\n"
_ALIGNMENT = 4096


@dataclass(frozen=True)
class RecordingStamp:
    """What tells one state of a file from another without reading it."""

    n_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "RecordingStamp":
        """Of a file as it is now."""
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class CachedSignal:
    """One signal's part.

    Parameters
    ----------
    identity : str
        Role, stream, channels, gain and offset: what its bins were made of.
    """

    identity: str
    timeline: Timeline
    pyramid: Pyramid


@dataclass(frozen=True, eq=False)
class CachedRecording:
    """What the file holds.

    Parameters
    ----------
    sha256 : str
        Hash of the recording.
    origin_s : float
        Raw time of the time axis' zero.
    """

    sha256: str
    origin_s: float
    signals: tuple[CachedSignal, ...]


def cache_places(wanted: Path) -> tuple[Path, ...]:
    """Where a pyramid may lie: where it is wanted, or in the user's cache if nothing can be written there."""
    # Two recordings of the same name in different folders are told apart by the stamp.
    return wanted, user_cache() / "pyramids" / wanted.name


def find_pyramids(wanted: Path, stamp: RecordingStamp, identities: Sequence[str]) -> CachedRecording | None:
    """Map what was kept for this state of the recording and these signals; None if there is none."""
    for place in cache_places(wanted):
        # Whatever is wrong with a cache, it is made again.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = _read(place, stamp)
            if found is not None and [s.identity for s in found.signals] == list(identities):
                return found
    return None


class PyramidFile:
    """A cache that is being filled.

    Parameters
    ----------
    wanted : Path
        Where it should lie in the end.
    origin_s : float
    timelines : sequence of (identity, timeline, n_channels)

    Attributes
    ----------
    is_kept : bool
        Whether some folder took it; otherwise it lasts as long as the program.
    """

    def __init__(
        self, wanted: Path, stamp: RecordingStamp, origin_s: float, signals: Sequence[tuple[str, Timeline, int]]
    ) -> None:
        self._stamp, self._origin_s = stamp, origin_s
        self._signals = tuple(signals)
        layouts = [PyramidLayout.of(timeline, n) for _, timeline, n in signals]
        self._offsets, size = [], 0
        for layout in layouts:
            self._offsets.append(size)
            size += -(-int(np.prod(layout.shape)) * 4 // _ALIGNMENT) * _ALIGNMENT
        # The hash is known last and has its room.
        self._header_bytes = -(-len(self._encode("0" * 64)) // _ALIGNMENT) * _ALIGNMENT
        self._place, self._file = _create(wanted)
        self.is_kept = self._place is not None
        try:
            os.truncate(self._file.fileno(), self._header_bytes + size + 1)
            self._map = mmap.mmap(self._file.fileno(), 0)
        except OSError:  # a full disk: anonymous memory does as well
            self._discard()
            self._map = mmap.mmap(-1, self._header_bytes + size + 1)
        self.pyramids = tuple(
            Pyramid(layout, _array(self._map, self._header_bytes + offset, layout))
            for layout, offset in zip(layouts, self._offsets, strict=True)
        )

    def finish(self, sha256: str) -> None:
        """Give the file its name; the pyramids stay usable."""
        if self._place is None:
            return
        header = self._encode(sha256)
        self._map[: len(header)] = header
        try:
            self._map.flush()
            os.replace(self._file.name, self._place)
            self._file.close()
        except OSError:
            self._discard()

    def discard(self) -> None:
        """Leave nothing behind, for a building that was cancelled."""
        if self._place is not None:
            self._discard()

    def _discard(self) -> None:
        self.is_kept, self._place = False, None
        with contextlib.suppress(OSError):
            os.unlink(self._file.name)
        with contextlib.suppress(OSError):
            self._file.close()

    def _encode(self, sha256: str) -> bytes:
        signals = [
            {"identity": name, "n_channels": n, "offset": offset, "segments": [asdict(s) for s in timeline.segments]}
            for (name, timeline, n), offset in zip(self._signals, self._offsets, strict=True)
        ]
        text = json.dumps(
            {"sha256": sha256, "origin_s": self._origin_s, "recording": asdict(self._stamp), "signals": signals}
        ).encode()
        return _MAGIC + len(text).to_bytes(8, "little") + text


def _create(wanted: Path) -> tuple[Path | None, "tempfile._TemporaryFileWrapper[bytes]"]:
    """Open a temporary file beside the first place that takes one."""
    for place in cache_places(wanted):
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            return place, tempfile.NamedTemporaryFile(dir=place.parent, prefix=".pyramid-", delete=False)
    return None, tempfile.NamedTemporaryFile()


def _read(place: Path, stamp: RecordingStamp) -> CachedRecording | None:
    with place.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return None
        n_text = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(n_text))
        if header["recording"] != asdict(stamp) or len(header["sha256"]) != 64:
            return None
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = -(-(len(_MAGIC) + 8 + n_text) // _ALIGNMENT) * _ALIGNMENT
    signals = []
    for entry in header["signals"]:
        timeline = Timeline(tuple(_segment(s) for s in entry["segments"]))
        layout = PyramidLayout.of(timeline, entry["n_channels"])
        values = _array(mapped, start + entry["offset"], layout)
        signals.append(CachedSignal(entry["identity"], timeline, Pyramid(layout, values, timeline.n_samples)))
    return CachedRecording(header["sha256"], header["origin_s"], tuple(signals))


def _segment(entry: dict[str, Any]) -> Segment:
    return Segment(**{**entry, "bends": tuple(Bend(**b) for b in entry["bends"])})


def _array(buffer: mmap.mmap, offset: int, layout: PyramidLayout) -> FloatArray:
    return np.ndarray(layout.shape, np.dtype("<f4"), buffer, offset)
