"""Causal filters that keep their state from one piece of signal to the next."""

import numpy as np
from scipy import signal as scipy_signal

from veridical.domain.arrays import BoolArray, FloatArray
from veridical.signals.filters import FilterChoice, design_sections


class CausalFilter:
    """Filters a live signal piece by piece; a gap starts it anew, so that nothing rings out of it.

    Parameters
    ----------
    choice : FilterChoice
        One pass only: -3 dB at its edges. Edges at or above 0.98 of the Nyquist frequency are left out.
    sampling_hz : float
    n_channels : int
    """

    def __init__(self, choice: FilterChoice, sampling_hz: float, n_channels: int) -> None:
        limit_hz = 0.98 * sampling_hz / 2
        self._sections = design_sections(choice.below(limit_hz), sampling_hz)
        # Of each section after a long time at 1: what a signal that has always been there would have left.
        self._rest = scipy_signal.sosfilt_zi(self._sections) if len(self._sections) else np.empty((0, 2))
        self._state: FloatArray | None = None
        self._n_channels = n_channels

    def filter(self, samples: FloatArray) -> FloatArray:
        """Filter the next piece.

        Parameters
        ----------
        samples : ndarray, shape (n_channels, n_times)
            A column of NaN is a gap; single NaN are bridged by the last value and stay NaN. Not modified.

        Returns
        -------
        ndarray of float64, same shape
        """
        values = np.array(samples, dtype=np.float64)
        if not len(self._sections) or not values.shape[1]:
            return values
        is_missing = np.isnan(values)
        if not is_missing.any():
            return self._pass(values)
        is_gap: BoolArray = np.asarray(is_missing.all(axis=0))
        edges = np.flatnonzero(np.diff(np.concatenate([[1], is_gap.astype(np.int8), [1]])))
        for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if start > 0 or is_gap[0]:
                self._state = None
            piece = values[:, start:stop]
            hole = is_missing[:, start:stop]
            piece[:] = self._pass(_bridged(piece, hole))
            piece[hole] = np.nan
        if is_gap[-1]:
            self._state = None
        return values

    def _pass(self, values: FloatArray) -> FloatArray:
        if self._state is None:
            # Shape (n_sections, n_channels, 2), as scipy wants it.
            self._state = self._rest[:, None, :] * values[None, :, :1]
        filtered, self._state = scipy_signal.sosfilt(self._sections, values, axis=-1, zi=self._state)
        return np.asarray(filtered)


def _bridged(values: FloatArray, is_missing: BoolArray) -> FloatArray:
    """Hold each channel's last value over what is missing (its first one before that; 0 without any)."""
    if not is_missing.any():
        return values
    held = values.copy()
    for row, hole in zip(held, is_missing, strict=True):
        if hole.all():
            row[:] = 0.0
            continue
        last = np.maximum.accumulate(np.where(hole, 0, np.arange(len(row))))
        last[: np.flatnonzero(~hole)[0]] = np.flatnonzero(~hole)[0]
        row[:] = row[last]
    return held
