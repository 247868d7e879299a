"""Examines many stimulus files at once, in processes of their own."""

import contextlib
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from veridical.domain.progress import Progress, Work
from veridical.domain.stimulus import StimulusKind
from veridical.features.stimulus_examination import FileFacts, examine_file

# Starting a process costs about as much as measuring this many pictures.
_ALONE = 24
# Files a process takes at a time: enough that handing them over costs nothing, few enough to cancel at once.
_BATCH = 6
_MAX_WORKERS = 8
# How often the progress is told, and a cancellation noticed, while nothing is finished.
_TICK_S = 0.2

Job = tuple[Path, StimulusKind]


def examine_work(jobs: Sequence[Job], text: str = "Measuring pictures") -> Work[tuple[FileFacts, ...]]:
    """Examine files in parallel; yields Progress, returns the facts in the order of the jobs.

    A file whose decoder dies is named by its facts' ``problem``, and the others are examined all the same.
    """
    if len(jobs) < _ALONE:
        return (yield from _examine_alone(jobs, text))
    facts: dict[int, FileFacts] = {}
    pool = _new_pool(min(_MAX_WORKERS, os.cpu_count() or 1))
    try:
        waiting: dict[Future[list[FileFacts]], range] = {}
        for start in range(0, len(jobs), _BATCH):
            batch = range(start, min(start + _BATCH, len(jobs)))
            waiting[pool.submit(_examine_batch, [(str(jobs[k][0]), jobs[k][1]) for k in batch])] = batch
        while waiting:
            yield Progress(len(facts), len(jobs), f"{text}, {len(facts)} of {len(jobs)}")
            finished, _ = wait(waiting, _TICK_S, FIRST_COMPLETED)
            for future in finished:
                batch = waiting.pop(future)
                try:
                    facts.update(zip(batch, future.result(), strict=True))
                except BrokenProcessPool:
                    # Which of the files did it is found out below, one by one.
                    continue
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    for k, (path, kind) in enumerate(jobs):
        if k not in facts:
            yield Progress(len(facts), len(jobs), f"{text}, {len(facts)} of {len(jobs)}")
            facts[k] = _examine_guarded(path, kind)
    return tuple(facts[k] for k in range(len(jobs)))


def _examine_alone(jobs: Sequence[Job], text: str) -> Work[tuple[FileFacts, ...]]:
    facts: list[FileFacts] = []
    for path, kind in jobs:
        yield Progress(len(facts), len(jobs), f"{text}, {len(facts)} of {len(jobs)}")
        facts.append(examine_file(str(path), kind))
    return tuple(facts)


def _new_pool(n_workers: int) -> ProcessPoolExecutor:
    # Never forked: the window's threads and the display's connection do not survive it.
    return ProcessPoolExecutor(n_workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker)


# glibc's mallopt names (malloc.h).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def _prepare_worker() -> None:
    # Ctrl-C goes to every process of a terminal; the parent alone decides, and says so once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Where there is glibc, it hands every array of a picture's size back to the system and takes it anew: that was
    # 27 of 56 ms per picture [measured]. Other systems have nothing to set.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 1 << 28)
        mallopt(_M_TRIM_THRESHOLD, 1 << 28)


def _examine_batch(batch: list[tuple[str, StimulusKind]]) -> list[FileFacts]:
    return [examine_file(path, kind) for path, kind in batch]


def _examine_guarded(path: Path, kind: StimulusKind) -> FileFacts:
    pool = _new_pool(1)
    try:
        return pool.submit(examine_file, str(path), kind).result()
    except BrokenProcessPool:
        return FileFacts(problem="its decoder dies on it")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
