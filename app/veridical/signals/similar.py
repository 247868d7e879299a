"""Stretches that look like one that a rater marked."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.annotation import Annotation, Suggestion
from veridical.domain.arrays import FloatArray
from veridical.domain.viewing import ViewedSignal

# Bins of about this length, from the pyramid: an hour of 64 channels is 14400 x 64 numbers.
_BIN_S = 0.25
_MOST = 5
# Cosine between the two swings over channels, and how much smaller than the marked one it may be.
_LEAST_COSINE, _LEAST_SIZE = 0.8, 0.5
# A stretch in which nothing stands out looks like all the others.
_LEAST_Z = 3.0


@dataclass(frozen=True, eq=False)
class Swings:
    """How far every channel swings in every bin, against its own usual.

    Parameters
    ----------
    z : ndarray, shape (n_channels, n_bins)
        Robust standard deviations of the log swing.
    starts_s : ndarray, shape (n_bins,)
    """

    z: FloatArray
    starts_s: FloatArray
    bin_s: float


def measure_swings(signal: ViewedSignal) -> Swings | None:
    """Read the swings from a signal's pyramid; None if it is not finished or too short."""
    envelope = signal.envelope
    if envelope is None or envelope.n_done < signal.timeline.n_samples or signal.sampling_hz <= 0:
        return None
    level = int(np.argmin([abs(size / signal.sampling_hz - _BIN_S) for size in envelope.bin_sizes]))
    size = envelope.bin_sizes[level]
    swings, starts = [], []
    for k, segment in enumerate(signal.timeline.segments):
        n = segment.n // size
        low, high = envelope.bins(k, level, 0, n)
        swings.append(high - low)
        starts.append(segment.time_at(np.arange(n) * float(size)))
    found = np.log(np.maximum(np.concatenate(swings, axis=1), 1e-12))
    if found.shape[1] < 40:
        return None
    low, middle, high = np.nanquantile(found, [0.25, 0.5, 0.75], axis=1, keepdims=True)
    spread = (high - low) / 1.349
    z = np.nan_to_num((found - middle) / np.where(spread > 0, spread, np.inf))
    return Swings(z, np.concatenate(starts), size / signal.sampling_hz)


def find_similar(swings: Swings, mark: Annotation, labels: tuple[str, ...]) -> tuple[Suggestion, ...]:
    """Propose the stretches of the mark's length whose swings are spread over channels as the mark's are.

    Parameters
    ----------
    labels : tuple of str
        Channels of ``swings``.

    Returns
    -------
    tuple of Suggestion
        At most five, the most alike ones, in the order of time; none if the mark does not stand out.
    """
    inside = (swings.starts_s + swings.bin_s > mark.onset_s) & (swings.starts_s < mark.stop_s)
    rows = [k for k, label in enumerate(labels) if not mark.channels or label in mark.channels]
    if not inside.any() or not rows:
        return ()
    z = np.maximum(swings.z[rows], 0.0)
    shape = z[:, inside].max(axis=1)
    size = float(np.linalg.norm(shape))
    if shape.max() < _LEAST_Z:
        return ()
    n = int(inside.sum())
    # The largest swing of each channel within every stretch of the mark's length.
    windows = np.lib.stride_tricks.sliding_window_view(z, n, axis=1).max(axis=2) if n > 1 else z
    norms = np.linalg.norm(windows, axis=0)
    cosine = (shape @ windows) / np.maximum(norms * size, 1e-12)
    score = np.where((norms >= _LEAST_SIZE * size) & (cosine >= _LEAST_COSINE), cosine, 0.0)
    # One channel has no spread to compare: its size decides alone.
    if len(rows) == 1:
        score = np.where(norms >= size, 1.0, 0.0)
    found: list[Suggestion] = []
    taken = [(mark.onset_s, mark.stop_s)]
    for place in np.argsort(-score * np.minimum(norms, size), kind="stable").tolist():
        if score[place] <= 0 or len(found) == _MOST:
            break
        start_s = float(swings.starts_s[place])
        stop_s = float(swings.starts_s[place + n - 1]) + swings.bin_s
        # Not across a gap, not over what is taken.
        if stop_s - start_s > (n + 1) * swings.bin_s or any(a < stop_s and start_s < b for a, b in taken):
            continue
        taken.append((start_s, stop_s))
        reason = f"swings over channels as the {mark.label} at {mark.onset_s:.1f} s do (alike {score[place]:.2f} of 1)"
        found.append(
            Suggestion(start_s, stop_s - start_s, mark.label, mark.channels, "similar", float(score[place]), reason)
        )
    return tuple(sorted(found, key=lambda s: s.onset_s))
