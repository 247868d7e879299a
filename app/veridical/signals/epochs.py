"""Windows cut from a signal around events, with gaps kept as gaps."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Timeline


def cut_epochs(
    samples: FloatArray, timeline: Timeline, onsets_s: FloatArray, start_s: float, n_times: int
) -> FloatArray:
    """Cut windows of the signal's own samples.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_all)
    timeline : Timeline
    onsets_s : ndarray, shape (n_epochs,)
        Seconds on the timeline's axis.
    start_s : float
        Start of the window after each onset; the nearest sample is taken.
    n_times : int
        Samples per window.

    Returns
    -------
    ndarray, shape (n_epochs, n_channels, n_times)
        A copy in float64; NaN throughout where a window leaves the recording or crosses a gap.
    """
    epochs = np.full((len(onsets_s), samples.shape[0], n_times), np.nan)
    for s in timeline.segments:
        first = np.rint(s.place_at(onsets_s + start_s)).astype(np.int64)
        inside = (first >= 0) & (first + n_times <= s.n)
        places = s.first + first[inside][:, None] + np.arange(n_times)
        epochs[inside] = np.moveaxis(samples[:, places], 0, 1)
    return epochs


def sample_at_offsets(
    samples: FloatArray, timeline: Timeline, onsets_s: FloatArray, offsets_s: FloatArray
) -> FloatArray:
    """Read the signal at exact times after each onset, by straight lines between samples.

    For signals that were low-passed well below their rate: the same offsets then mean the same times on
    every device, and an onset between two samples causes no jitter.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_all)
    timeline : Timeline
    onsets_s : ndarray, shape (n_epochs,)
    offsets_s : ndarray, shape (n_times,)
        Ascending.

    Returns
    -------
    ndarray, shape (n_epochs, n_channels, n_times)
        NaN throughout where a window leaves the recording or crosses a gap.
    """
    epochs = np.full((len(onsets_s), samples.shape[0], len(offsets_s)), np.nan)
    for s in timeline.segments:
        if s.n < 2:
            continue
        places = s.place_at(onsets_s[:, None] + offsets_s)
        # Half a sample beyond the ends is still this segment: stamps are known no better.
        inside = (places[:, 0] >= -0.5) & (places[:, -1] <= s.n - 0.5)
        wanted = np.clip(places[inside], 0, s.n - 1)
        left = np.minimum(wanted.astype(np.int64), s.n - 2)
        share = wanted - left
        values = samples[:, s.first + left] * (1 - share) + samples[:, s.first + left + 1] * share
        epochs[inside] = np.moveaxis(values, 0, 1)
    return epochs
