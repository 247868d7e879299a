"""Chunks that mix samples with and without a stamp: LabRecorder leaves a stamp out wherever it follows from the last.

Where a sample lies depends on all flags before it in its chunk, so a chunk is read sample by sample; but all chunks
are read side by side, which makes an array operation of every step.
"""

from array import array
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import BoolArray, IntArray
from veridical.storage.xdf_chunks import DEDUCED, EXPLICIT, LED, MIXED, Buffer, NumericLayout, Runs, SamplesChunk

_Table: TypeAlias = tuple[IntArray, IntArray, NDArray[np.int8]]

# With fewer chunks side by side than this, a plain loop is faster.
_FEW_CHUNKS = 64
# Samples that are looked at together: bounds the memory, and what is looked at again is still in the cache.
_BLOCK_SAMPLES = 1 << 18


def flags_fit(buffer: Buffer, layout: NumericLayout, chunk: SamplesChunk) -> bool:
    """Whether the flags of a mixed chunk lead exactly to its end."""
    return _follow(buffer, layout, chunk.start, chunk.stop, bytearray(chunk.n))


def settle_mixed(buffer: Buffer, layout: NumericLayout, runs: Runs) -> list[SamplesChunk]:
    """Cut the mixed chunks of a stream into runs; returns those whose flags do not fit, which are taken out."""
    if not runs.mixed_stops:
        return []
    starts, counts, kinds = (np.array(column) for column in (runs.starts, runs.counts, runs.kinds))
    stops = np.array(runs.mixed_stops)
    at = np.flatnonzero(kinds == MIXED)
    bad: list[SamplesChunk] = []
    parts: list[_Table] = []
    done = 0
    for low, high in _blocks(counts[at]):
        block = at[low:high]
        flags, places, fits = _read_flags(buffer, layout, starts[block], stops[low:high], counts[block])
        rows = zip(starts[block][~fits], stops[low:high][~fits], counts[block][~fits], strict=True)
        bad += [SamplesChunk(int(a), int(b), int(n)) for a, b, n in rows]
        new = _cut(counts[block], flags, places)
        last = int(block[-1]) + 1
        if last - done == len(block) and fits.all():
            # Every row is mixed, as in most files that have any.
            parts.append(new)
        else:
            # The rows between the mixed ones stay; each mixed one that fits gives way to its runs.
            plain = np.setdiff1d(np.arange(done, last), block, assume_unique=True)
            row = np.searchsorted(np.cumsum(counts[block]), np.cumsum(new[1]) - new[1], side="right")
            kept = fits[row]
            order = np.argsort(np.concatenate((plain, block[row[kept]])), kind="stable")
            columns = zip((starts, counts, kinds), new, strict=True)
            first, second, third = (np.concatenate((old[plain], cut[kept]))[order] for old, cut in columns)
            parts.append((first, second, third))
        done = last
    parts.append((starts[done:], counts[done:], kinds[done:]))
    runs.starts, runs.counts, runs.kinds = array("q"), array("q"), array("b")
    runs.mixed_stops = array("q")
    for first, second, third in parts:
        runs.starts.frombytes(first.astype(np.int64, copy=False).data.cast("B"))
        runs.counts.frombytes(second.astype(np.int64, copy=False).data.cast("B"))
        runs.kinds.frombytes(third.astype(np.int8, copy=False).data.cast("B"))
    return bad


def _blocks(counts: IntArray) -> list[tuple[int, int]]:
    """Ranges of chunks with about a block of samples each."""
    number = np.cumsum(counts) // _BLOCK_SAMPLES
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(number)) + 1, [len(counts)]))
    return list(zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True))


def _read_flags(
    buffer: Buffer, layout: NumericLayout, starts: IntArray, stops: IntArray, counts: IntArray
) -> tuple[BoolArray, IntArray, BoolArray]:
    """Flags and first bytes of all samples of some chunks, one chunk after the other, and which chunks they fit."""
    data = np.frombuffer(buffer, dtype=np.uint8)
    n_samples = int(counts.sum())
    flags, places = np.zeros(n_samples, dtype=bool), np.zeros(n_samples, dtype=np.int64)
    # Longest first: those that still go on are always the first ones.
    order = np.argsort(-counts, kind="stable")
    at, to = starts[order], (np.cumsum(counts) - counts)[order]
    lengths = counts[order]
    k, n_left = 0, len(order)
    while True:
        n_left = int(np.searchsorted(-lengths[:n_left], -k, side="left"))
        if n_left < _FEW_CHUNKS:
            break
        here, sample = at[:n_left], to[:n_left]
        # Flags that lead past the end of the file do not fit; where they point then does not matter.
        flag = data.take(here, mode="clip") != 0
        flags[sample] = flag
        places[sample] = here
        sample += 1
        here += np.where(flag, layout.n_bytes_explicit, layout.n_bytes_deduced)
        k += 1
    fits = np.empty(len(order), dtype=bool)
    fits[order] = at == stops[order]
    for j in range(n_left):
        rest = bytearray(int(lengths[j]) - k)
        fits[order[j]] = _follow(buffer, layout, int(at[j]), int(stops[order[j]]), rest)
        part = slice(int(to[j]), int(to[j]) + len(rest))
        flags[part] = np.frombuffer(rest, dtype=bool)
        sizes = np.where(flags[part], layout.n_bytes_explicit, layout.n_bytes_deduced)
        places[part] = at[j] + np.cumsum(sizes) - sizes
    return flags, places, fits


def _follow(buffer: Buffer, layout: NumericLayout, at: int, stop: int, flags: bytearray) -> bool:
    """Read one flag after the other, from the byte ``at`` on, into ``flags``; False if they do not lead to ``stop``."""
    small, big = layout.n_bytes_deduced, layout.n_bytes_explicit
    with memoryview(buffer) as whole, whole[:stop] as view:
        try:
            for k in range(len(flags)):
                if view[at]:
                    flags[k] = 1
                    at += big
                else:
                    at += small
        except IndexError:
            return False
    return at == stop


def _cut(counts: IntArray, flags: BoolArray, places: IntArray) -> _Table:
    """Runs of chunks with known flags: first bytes, counts, kinds."""
    stops = np.cumsum(counts)
    is_end = np.zeros(len(flags), dtype=bool)
    is_end[stops - 1] = True
    # A stamp begins a run behind a sample without one, and where it leads samples without one.
    leads = flags.copy()
    leads[:-1] &= ~(flags[1:] | is_end[:-1])
    leads[-1] = False
    begins = leads.copy()
    begins[1:] |= (flags[1:] & ~flags[:-1]) | is_end[:-1]
    begins[0] = True
    run_at = np.flatnonzero(begins)
    run_counts = np.diff(run_at, append=len(flags))
    # A lone stamp at the end of a chunk leads nobody, and is a run of its own either way.
    kinds = np.full(len(run_at), DEDUCED, dtype=np.int8)
    kinds[flags[run_at]] = EXPLICIT
    kinds[leads[run_at]] = LED
    return places[run_at], run_counts, kinds
