"""Heart beats from the ECG, corrected for missed and extra ones, and heart rate in windows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy import signal as scipy_signal

from veridical.domain.arrays import BoolArray, FloatArray, IntArray
from veridical.domain.timeline import Timeline
from veridical.signals.filters import FilterChoice, decimate, decimation_factor, filter_zero_phase

# 35 to 200 beats a minute; outside, a beat was missed or made up.
SHORTEST_INTERVAL_S = 0.3
LONGEST_INTERVAL_S = 1.7
# Ventricular refractory period: no second R peak within 0.25 s.
_REFRACTORY_S = 0.25
# An interval that differs by more than 30 % from its neighbours' median is corrected or distrusted
# (physiological beat-to-beat change stays below 20 to 25 %: Clifford et al. 2006, ch. 3).
_TOLERANCE = 0.30
# The QRS complex has most of its energy at 8 to 20 Hz (Pan & Tompkins 1985; Elgendi 2013: 8-20 Hz).
_QRS_HZ = (8.0, 20.0)


@dataclass(frozen=True)
class Beats:
    """Beats of one recording.

    Parameters
    ----------
    times_s : ndarray, shape (n_beats,)
        R peaks on the signal's time axis, ascending.
    is_inserted : ndarray of bool, shape (n_beats,)
        Whether the beat was put where one had been missed.
    is_plausible : ndarray of bool, shape (n_beats,)
        Whether the interval that ends with this beat can be trusted; False for the first beat of a segment.
    removed_s : ndarray, shape (n_removed,)
        Times of peaks that were taken out as extra.
    """

    times_s: FloatArray
    is_inserted: BoolArray
    is_plausible: BoolArray
    removed_s: FloatArray

    @property
    def intervals_s(self) -> FloatArray:
        """RR intervals; entry ``k`` ends with beat ``k + 1``."""
        return np.diff(self.times_s)

    def rate_in(self, starts_s: FloatArray, stops_s: FloatArray) -> FloatArray:
        """Return the mean heart rate of windows, weighted by time (Graham 1978), in beats per minute.

        A window's rate is the number of beats in it, fractions counted, over its length.

        Parameters
        ----------
        starts_s, stops_s : ndarray, shape (n_windows,)

        Returns
        -------
        ndarray, shape (n_windows,)
            NaN where a window is not covered by plausible intervals.
        """
        rates = np.full(len(starts_s), np.nan)
        if len(self.times_s) < 2:
            return rates
        first = np.searchsorted(self.times_s, starts_s, side="right")
        last = np.searchsorted(self.times_s, stops_s, side="left")
        inside = (first > 0) & (last < len(self.times_s))
        n_bad = np.concatenate([[0], np.cumsum(~self.is_plausible)])
        inside &= n_bad[np.minimum(last, len(self.times_s) - 1) + 1] == n_bad[np.minimum(first, len(self.times_s) - 1)]
        count = np.arange(len(self.times_s), dtype=float)
        beats = np.interp(stops_s, self.times_s, count) - np.interp(starts_s, self.times_s, count)
        rates[inside] = 60 * beats[inside] / (stops_s - starts_s)[inside]
        return rates


def find_r_peaks(ecg_v: FloatArray, sampling_hz: float) -> FloatArray:
    """Find R peaks in one gapless stretch of ECG.

    Parameters
    ----------
    ecg_v : ndarray, shape (n_times,)
        Any lead and either polarity; volts or another unit.
    sampling_hz : float
        At least 50 Hz.

    Returns
    -------
    ndarray, shape (n_peaks,)
        Places in samples, with a fraction from the parabola through the peak.

    Notes
    -----
    Energy of the QRS band in a sliding window of 0.1 s against a threshold that follows the local beat
    height, with a refractory period and a search back at half the threshold where a beat is overdue (the
    ideas of Pan & Tompkins 1985), then the nearest extremum of the ECG itself.
    """
    if len(ecg_v) < 2 * sampling_hz or not np.isfinite(ecg_v).any():
        return np.empty(0)
    factor = decimation_factor(sampling_hz, 200.0)
    slow_hz = sampling_hz / factor
    slow = np.nan_to_num(decimate(np.asarray(ecg_v)[None, :], factor)[0], nan=float(np.nanmedian(ecg_v)))
    band = filter_zero_phase(
        slow, slow_hz, FilterChoice(high_pass_hz=_QRS_HZ[0], low_pass_hz=min(_QRS_HZ[1], 0.45 * slow_hz))
    )
    energy = np.sqrt(ndimage.uniform_filter1d(band**2, max(1, round(0.1 * slow_hz)), mode="nearest"))
    rough = _find_bursts(energy, slow_hz)
    return _refine(ecg_v, sampling_hz, rough * factor)


def _find_bursts(energy: FloatArray, hz: float) -> IntArray:
    """Return places of beats in the QRS energy."""
    candidates, _ = scipy_signal.find_peaks(energy, distance=max(1, round(_REFRACTORY_S * hz)))
    if len(candidates) < 2:
        return np.asarray(candidates, dtype=np.int64)
    # The local beat height: the maximum of every 2 s (which holds a beat from 30 a minute on), smoothed by the
    # median over 10 s, so a single pop does not lift the threshold and a weak stretch lowers it.
    n_block = max(1, round(2 * hz))
    n_blocks = -(-len(energy) // n_block)
    heights = np.array([energy[k * n_block : (k + 1) * n_block].max() for k in range(n_blocks)])
    centres = (np.arange(n_blocks) + 0.5) * n_block
    local = np.interp(candidates, centres, ndimage.median_filter(heights, 5, mode="nearest"))
    share = energy[candidates] / np.maximum(local, np.finfo(float).tiny)
    chosen = share > 0.5
    # Nothing at all: a dead lead has no height to compare with.
    chosen &= local > 1e-3 * max(float(energy.max()), np.finfo(float).tiny)
    if chosen.sum() >= 3:
        usual = float(np.median(np.diff(candidates[chosen])))
        beats = candidates[chosen]
        for a, b in pairwise(beats.tolist()):
            if b - a > 1.66 * usual:
                between = (candidates > a + 0.5 * usual) & (candidates < b - 0.5 * usual) & (share > 0.25)
                chosen |= between
    return np.asarray(candidates[chosen], dtype=np.int64)


def _refine(ecg_v: FloatArray, hz: float, rough: IntArray) -> FloatArray:
    """Move each place to the nearest extremum of the ECG, with one polarity for the whole stretch."""
    if len(rough) == 0:
        return np.empty(0)
    reach = max(1, round(0.06 * hz))
    centred = filter_zero_phase(
        np.nan_to_num(ecg_v, nan=float(np.nanmedian(ecg_v))),
        hz,
        FilterChoice(high_pass_hz=0.5 if hz > 2 else None, low_pass_hz=40.0 if hz > 100 else None),
    )
    inner = rough[(rough > reach) & (rough < len(centred) - reach - 1)]
    if len(inner) == 0:
        return np.empty(0)
    windows = centred[inner[:, None] + np.arange(-reach, reach + 1)]
    level = np.median(centred)
    is_upright = np.median(windows.max(axis=1) - level) >= np.median(level - windows.min(axis=1))
    peaks = inner - reach + np.argmax(windows if is_upright else -windows, axis=1)
    peaks = np.unique(peaks)
    left, top, right = centred[peaks - 1], centred[peaks], centred[peaks + 1]
    bend = left - 2 * top + right
    shift = np.where(np.abs(bend) > 0, 0.5 * (left - right) / np.where(bend == 0, 1, bend), 0.0)
    places: FloatArray = peaks + np.clip(shift, -0.5, 0.5)
    return places


def find_beats(ecg_v: FloatArray, timeline: Timeline) -> Beats:
    """Find and correct the beats of a recording, segment by segment.

    Parameters
    ----------
    ecg_v : ndarray, shape (n_times,)
    timeline : Timeline

    Returns
    -------
    Beats
        No interval spans a gap: the first beat after one is not plausible.
    """
    parts: list[Beats] = []
    for s in timeline.segments:
        places = find_r_peaks(np.asarray(ecg_v[s.first : s.first + s.n], dtype=np.float64), 1 / s.period_s)
        parts.append(correct_beats(s.time_at(places)))
    if not parts:
        nothing = np.empty(0)
        return Beats(nothing, np.empty(0, dtype=bool), np.empty(0, dtype=bool), nothing)
    return Beats(
        np.concatenate([p.times_s for p in parts]),
        np.concatenate([p.is_inserted for p in parts]),
        np.concatenate([p.is_plausible for p in parts]),
        np.concatenate([p.removed_s for p in parts]),
    )


def correct_beats(times_s: FloatArray) -> Beats:
    """Take out extra beats and put in missed ones, as far as the neighbouring intervals tell.

    Parameters
    ----------
    times_s : ndarray, shape (n_peaks,)
        Ascending.

    Returns
    -------
    Beats
        What could not be mended stays and is not plausible.
    """
    kept, removed = _without_extra(np.asarray(times_s, dtype=np.float64))
    times: list[float] = []
    inserted: list[bool] = []
    usual = _usual_intervals(np.diff(kept))
    for k, time in enumerate(kept):
        if k:
            interval = time - kept[k - 1]
            n_steps = round(interval / usual[k - 1])
            # Two missed beats in a row can be counted; more would be invention.
            if n_steps in (2, 3) and abs(interval / n_steps - usual[k - 1]) < _TOLERANCE * usual[k - 1]:
                times.extend(kept[k - 1] + interval * np.arange(1, n_steps) / n_steps)
                inserted.extend([True] * (n_steps - 1))
        times.append(float(time))
        inserted.append(False)
    corrected = np.array(times)
    return Beats(corrected, np.array(inserted, dtype=bool), _plausible(corrected), removed)


def _usual_intervals(intervals: FloatArray) -> FloatArray:
    """Median of 9 intervals around each, ends repeated."""
    if len(intervals) == 0:
        return intervals
    usual: FloatArray = ndimage.median_filter(intervals, min(9, 2 * ((len(intervals) - 1) // 2) + 1), mode="nearest")
    return np.maximum(usual, 1e-3)


def _without_extra(times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Drop peaks whose removal turns two short intervals into a usual one."""
    removed: list[float] = []
    k = 1
    while k < len(times) - 1:
        near = np.diff(times[max(0, k - 6) : k + 7])
        usual = float(np.median(near))
        before, after = times[k] - times[k - 1], times[k + 1] - times[k]
        is_short = min(before, after) < (1 - _TOLERANCE) * usual
        if is_short and abs(before + after - usual) < _TOLERANCE * usual:
            removed.append(float(times[k]))
            times = np.delete(times, k)
        else:
            k += 1
    return times, np.array(removed)


def _plausible(times: FloatArray) -> BoolArray:
    if len(times) == 0:
        return np.empty(0, dtype=bool)
    intervals = np.diff(times)
    usual = _usual_intervals(intervals)
    fits = (intervals >= SHORTEST_INTERVAL_S) & (intervals <= LONGEST_INTERVAL_S)
    fits &= np.abs(intervals - usual) <= _TOLERANCE * usual
    return np.concatenate([[False], fits])
