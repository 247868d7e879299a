"""Chunks that mix samples with and without a stamp: LabRecorder leaves a stamp out wherever it follows from the last.

Where a sample lies depends on all flags before it in its chunk, so a chunk is read sample by sample; but all chunks
are read side by side, which makes an array operation of every step.
"""

from array import array

import numpy as np
from numpy.typing import NDArray

from veridical.domain.arrays import BoolArray, IntArray
from veridical.storage.xdf_chunks import DEDUCED, EXPLICIT, LED, MIXED, Buffer, NumericLayout, Runs, SamplesChunk

# With fewer chunks side by side than this, a plain loop is faster.
_FEW_CHUNKS = 64
# Samples that are looked at together: bounds the memory.
_BLOCK_SAMPLES = 1 << 20


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
    parts: list[tuple[IntArray, IntArray, NDArray[np.int8]]] = []
    done = 0
    for low, high in _blocks(counts[at]):
        block = at[low:high]
        flags, fits = _read_flags(buffer, layout, starts[block], stops[low:high], counts[block])
        rows = zip(starts[block][~fits], stops[low:high][~fits], counts[block][~fits], strict=True)
        bad += [SamplesChunk(int(a), int(b), int(n)) for a, b, n in rows]
        # The rows between the mixed ones stay; each mixed one gives way to its runs.
        plain = np.setdiff1d(np.arange(done, block[-1] + 1), block, assume_unique=True)
        done = int(block[-1]) + 1
        new = _cut(layout, starts[block], counts[block], flags, fits)
        place = np.concatenate((plain, block[new[3]]))
        order = np.argsort(place, kind="stable")
        columns = zip((starts, counts, kinds), new[:3], strict=True)
        first, second, third = (np.concatenate((old[plain], cut))[order] for old, cut in columns)
        parts.append((first, second, third))
    parts.append((starts[done:], counts[done:], kinds[done:]))
    runs.starts, runs.counts, runs.kinds = array("q"), array("q"), array("b")
    runs.mixed_stops = array("q")
    for first, second, third in parts:
        runs.starts.frombytes(first.astype(np.int64).tobytes())
        runs.counts.frombytes(second.astype(np.int64).tobytes())
        runs.kinds.frombytes(third.astype(np.int8).tobytes())
    return bad


def _blocks(counts: IntArray) -> list[tuple[int, int]]:
    """Ranges of chunks with about a block of samples each."""
    number = np.cumsum(counts) // _BLOCK_SAMPLES
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(number)) + 1, [len(counts)]))
    return list(zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True))


def _read_flags(
    buffer: Buffer, layout: NumericLayout, starts: IntArray, stops: IntArray, counts: IntArray
) -> tuple[BoolArray, BoolArray]:
    """Flags of all samples of some chunks, one chunk after the other, and which chunks they fit."""
    data = np.frombuffer(buffer, dtype=np.uint8)
    flags = np.zeros(int(counts.sum()), dtype=bool)
    # Longest first: those that still go on are always the first ones.
    order = np.argsort(-counts, kind="stable")
    at, to = starts[order], (np.cumsum(counts) - counts)[order]
    lengths = counts[order]
    k, n_left = 0, len(order)
    while True:
        n_left = int(np.searchsorted(-lengths[:n_left], -k, side="left"))
        if n_left < _FEW_CHUNKS:
            break
        # Flags that lead past the end of the file do not fit; where they point then does not matter.
        flag = data.take(at[:n_left], mode="clip") != 0
        flags[to[:n_left] + k] = flag
        at[:n_left] += layout.n_bytes_deduced + 8 * flag
        k += 1
    fits = np.empty(len(order), dtype=bool)
    fits[order] = at == stops[order]
    for j in range(n_left):
        rest = bytearray(int(lengths[j]) - k)
        fits[order[j]] = _follow(buffer, layout, int(at[j]), int(stops[order[j]]), rest)
        flags[to[j] + k : to[j] + int(lengths[j])] = np.frombuffer(rest, dtype=bool)
    return flags, fits


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


def _cut(
    layout: NumericLayout, starts: IntArray, counts: IntArray, flags: BoolArray, fits: BoolArray
) -> tuple[IntArray, IntArray, NDArray[np.int8], IntArray]:
    """Runs of chunks with known flags: first bytes, counts, kinds, and which chunk each is of."""
    firsts = np.cumsum(counts) - counts
    is_chunk_start = np.zeros(len(flags), dtype=bool)
    is_chunk_start[firsts] = True
    is_chunk_end = np.zeros(len(flags), dtype=bool)
    is_chunk_end[firsts + counts - 1] = True
    # A stamp begins a run behind a sample without one, and where it leads samples without one.
    leads = flags & ~np.append(flags[1:], True) & ~is_chunk_end
    begins = is_chunk_start | leads | (flags & ~np.insert(flags[:-1], 0, True))
    run_at = np.flatnonzero(begins)
    chunk = np.searchsorted(firsts, run_at, side="right") - 1
    n_stamps: IntArray = np.cumsum(flags) - flags
    inside = run_at - firsts[chunk]
    run_starts = starts[chunk] + inside * layout.n_bytes_deduced + 8 * (n_stamps[run_at] - n_stamps[firsts[chunk]])
    run_counts = np.diff(np.append(run_at, len(flags)))
    kinds = np.where(leads[run_at], LED, np.where(flags[run_at], EXPLICIT, DEDUCED)).astype(np.int8)
    kept = fits[chunk]
    return run_starts[kept], run_counts[kept], kinds[kept], chunk[kept]
