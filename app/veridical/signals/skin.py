"""Skin conductance: single responses by trough and peak."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Timeline
from veridical.signals.filters import FilterChoice, filter_zero_phase

# Responses rise for 1 to 3 s (Boucsein 2012, 2.2.5); 1.5 Hz keeps their shape and drops device noise.
_SMOOTHING_HZ = 1.5
# The smallest response that is counted, in siemens (METHODS 4).
SMALLEST_RESPONSE_S = 1e-8
# A rise that takes longer than this is tonic drift: 5 s is the upper limit of rise times (Boucsein 2012).
_LONGEST_RISE_S = 5.0


@dataclass(frozen=True)
class SkinResponses:
    """Skin conductance responses in the order of their onsets.

    Parameters
    ----------
    onsets_s, peaks_s : ndarray, shape (n_responses,)
        Seconds on the signal's time axis.
    amplitudes_s : ndarray, shape (n_responses,)
        Peak minus value at onset, siemens.
    """

    onsets_s: FloatArray
    peaks_s: FloatArray
    amplitudes_s: FloatArray

    def first_in(
        self, onset_s: float, window_s: tuple[float, float], latest_peak_s: float
    ) -> tuple[float, float] | None:
        """Return (latency in seconds, amplitude in siemens) of the first response to an event at ``onset_s``.

        It must begin in ``window_s`` after the event and peak no later than ``latest_peak_s`` after it.
        """
        latencies = self.onsets_s - onset_s
        fits = (latencies >= window_s[0]) & (latencies <= window_s[1]) & (self.peaks_s - onset_s <= latest_peak_s)
        if not fits.any():
            return None
        k = int(np.argmax(fits))
        return float(latencies[k]), float(self.amplitudes_s[k])


def find_responses(
    conductance_s: FloatArray, timeline: Timeline, smallest_s: float = SMALLEST_RESPONSE_S
) -> SkinResponses:
    """Find skin conductance responses of at least ``smallest_s`` from trough to peak.

    The onset is where the rise leaves the slope that it had before, so a slow tonic rise before a response
    counts neither to its latency nor to its amplitude. As with every trough-to-peak measure, tonic drift
    during the rise itself does count.

    Parameters
    ----------
    conductance_s : ndarray, shape (n_times,)
        Siemens.
    timeline : Timeline
    smallest_s : float
        Smallest amplitude in siemens.

    Returns
    -------
    SkinResponses
    """
    found: list[tuple[float, float, float]] = []
    for s in timeline.segments:
        part = conductance_s[s.first : s.first + s.n]
        if s.n * s.period_s < 2.0 or not np.isfinite(part).any():
            continue
        smooth = _smooth(part, 1 / s.period_s)
        for onset, peak, tonic in _rises(smooth, 1 / s.period_s):
            amplitude = float(smooth[peak] - smooth[onset])
            # What goes on rising as before is drift that noise cut into pieces, however high it gets.
            if amplitude - tonic * (peak - onset) >= smallest_s and np.isfinite(part[onset : peak + 1]).all():
                onset_s, peak_s = s.time_at(np.array([onset, peak], dtype=np.float64)).tolist()
                found.append((onset_s, peak_s, amplitude))
    table = np.array(found).reshape(-1, 3)
    return SkinResponses(table[:, 0], table[:, 1], table[:, 2])


def _smooth(part: FloatArray, sampling_hz: float) -> FloatArray:
    bridged = np.array(part, dtype=np.float64)
    missing = ~np.isfinite(bridged)
    if missing.any():
        places = np.arange(len(bridged))
        bridged[missing] = np.interp(places[missing], places[~missing], bridged[~missing])
    if sampling_hz <= 2.5 * _SMOOTHING_HZ:
        return bridged
    return filter_zero_phase(bridged, sampling_hz, FilterChoice(low_pass_hz=_SMOOTHING_HZ))


def _rises(smooth: FloatArray, sampling_hz: float) -> list[tuple[int, int, float]]:
    """Return (onset, peak, slope before it per sample) of every rise that is short enough for a response."""
    slope = np.diff(smooth)
    rising = np.concatenate([[False], slope > 0, [False]])
    starts = np.flatnonzero(rising[1:] & ~rising[:-1])
    stops = np.flatnonzero(~rising[1:] & rising[:-1])
    longest = round(_LONGEST_RISE_S * sampling_hz)
    found: list[tuple[int, int, float]] = []
    for trough, peak in zip(starts, stops, strict=True):
        steep = slope[trough:peak]
        steepest = int(np.argmax(steep))
        earliest = max(0, steepest - longest)
        before = steep[earliest : steepest + 1]
        # A tenth of the way from the slope before the response to its steepest one.
        tonic = float(np.quantile(before, 0.1))
        gentle = np.flatnonzero(before < tonic + 0.1 * (steep[steepest] - tonic))
        onset = trough + earliest + (int(gentle[-1]) + 1 if len(gentle) else 0)
        # A peak at the very end was not seen to be one.
        if peak - onset <= longest and peak < len(smooth) - 1:
            found.append((int(onset), int(peak), tonic))
    return found
