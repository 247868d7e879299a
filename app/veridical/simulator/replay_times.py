"""When each sample of a recording is due again: one clock for all its streams, gaps kept as gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import RecordingError

# Nobody waits an hour for the rest of a recording: a stream that far from all others was stamped by another clock.
_OTHER_CLOCK_S = 3600.0
_LONGEST_S = 7 * 86400.0


@dataclass(frozen=True)
class PlayTimes:
    """When samples are due.

    Parameters
    ----------
    times_s : tuple of ndarray, each of shape (n_times,)
        One entry per stream: stamps in seconds from the recording's first, in file order.
    due_s : tuple of ndarray, each of shape (n_times,)
        When to send them: the same, but never before the sample that stands in front. The same array where
        stamps never step back.
    seconds : float
        From the first sample to the last.
    remarks : tuple of str
        What could not be played as it was recorded, one sentence each.
    """

    times_s: tuple[FloatArray, ...]
    due_s: tuple[FloatArray, ...]
    seconds: float
    remarks: tuple[str, ...]


def play_times(names: Sequence[str], times_s: Sequence[FloatArray]) -> PlayTimes:
    """Put synchronised stamps on one time axis that starts at 0.

    Parameters
    ----------
    names : sequence of str
        For messages.
    times_s : sequence of ndarray, each of shape (n_times,)
        Synchronised stamps of every stream; changed in place where they are no numbers.

    Raises
    ------
    RecordingError
        If the stamps last longer than any session.
    """
    remarks: list[str] = []
    for name, stamps_s in zip(names, times_s, strict=True):
        n_mended = _mend(stamps_s)
        if n_mended:
            remarks.append(f"{n_mended} stamps of {name!r} are no numbers; those samples follow the one before.")
    own_origins_s = _other_clocks(times_s)
    common = [float(s.min()) for k, s in enumerate(times_s) if len(s) and k not in own_origins_s]
    origin_s = min(common, default=0.0)
    relative_s: list[FloatArray] = []
    for k, (name, stamps_s) in enumerate(zip(names, times_s, strict=True)):
        if k in own_origins_s:
            remarks.append(
                f"{name!r} was stamped by another clock, {_words(own_origins_s[k] - origin_s)} away from the other "
                "streams; it starts together with them."
            )
        relative_s.append(stamps_s - own_origins_s.get(k, origin_s))
    seconds = max((float(stamps_s.max()) for stamps_s in relative_s if len(stamps_s)), default=0.0)
    if seconds > _LONGEST_S:
        longest = max(range(len(names)), key=lambda k: float(relative_s[k].max()) if len(relative_s[k]) else 0.0)
        raise RecordingError(
            f"The stamps of {names[longest]!r} last {_words(seconds)}, so they are damaged; replay the other streams "
            "with --stream."
        )
    due_s = tuple(stamps_s if _is_rising(stamps_s) else np.maximum.accumulate(stamps_s) for stamps_s in relative_s)
    return PlayTimes(tuple(relative_s), due_s, seconds, tuple(remarks))


def _mend(stamps_s: FloatArray) -> int:
    """Give stamps that are no numbers the one before them, or the first that is one; returns how many."""
    is_bad = ~np.isfinite(stamps_s)
    n_bad = int(np.count_nonzero(is_bad))
    if n_bad == len(stamps_s):
        stamps_s[:] = 0.0
    elif n_bad:
        source = np.maximum.accumulate(np.where(is_bad, 0, np.arange(len(stamps_s))))
        first = float(stamps_s[np.flatnonzero(~is_bad)[0]])
        if is_bad[0]:
            stamps_s[0] = first
        stamps_s[:] = stamps_s[source]
    return n_bad


def _other_clocks(times_s: Sequence[FloatArray]) -> dict[int, float]:
    """First stamps of the streams that are far from those neighbouring streams that hold most samples."""
    known = sorted((float(s.min()), float(s.max()), k) for k, s in enumerate(times_s) if len(s))
    chains: list[list[int]] = []
    reach_s = -np.inf
    for start_s, stop_s, k in known:
        if start_s - reach_s > _OTHER_CLOCK_S:
            chains.append([])
        chains[-1].append(k)
        reach_s = max(reach_s, stop_s)
    if not chains:
        return {}
    main = max(chains, key=lambda chain: sum(len(times_s[k]) for k in chain))
    return {k: start_s for start_s, _, k in known if k not in main}


def _is_rising(stamps_s: FloatArray) -> bool:
    return len(stamps_s) < 2 or bool((stamps_s[1:] >= stamps_s[:-1]).all())


def _words(seconds: float) -> str:
    days = abs(seconds) / 86400
    return f"{days:,.0f} days" if days >= 2 else f"{abs(seconds) / 3600:.1f} h"
