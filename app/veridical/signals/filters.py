"""Zero-phase filters and decimation, in float64, segment by segment."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import signal as scipy_signal

from veridical.domain.arrays import BoolArray, FloatArray
from veridical.domain.timeline import Bend, Segment, Timeline


@dataclass(frozen=True)
class FilterChoice:
    """Which frequencies pass.

    Parameters
    ----------
    high_pass_hz, low_pass_hz : float or None
        Edges; the zero-phase response is -6 dB there. None leaves that side open.
    notch_hz : tuple of float
        Frequencies to take out; those at or above 0.98 of the Nyquist frequency are passed over.
    order : int
        Butterworth order of one pass; two passes double it.
    """

    high_pass_hz: float | None = None
    low_pass_hz: float | None = None
    notch_hz: tuple[float, ...] = ()
    order: int = 2

    def below(self, limit_hz: float) -> "FilterChoice":
        """Return the choice without the edges that a slow signal cannot have."""
        kept = [edge if edge is None or edge < limit_hz else None for edge in (self.high_pass_hz, self.low_pass_hz)]
        return replace(self, high_pass_hz=kept[0], low_pass_hz=kept[1])


# A notch of 50 Hz is then 1.7 Hz wide: mains drifts by 0.2 Hz at most (ENTSO-E limits), beta and gamma stay.
_NOTCH_QUALITY = 30.0


def design_sections(choice: FilterChoice, sampling_hz: float) -> FloatArray:
    """Design second-order sections of one pass, shape (n_sections, 6)."""
    nyquist_hz = sampling_hz / 2
    parts: list[FloatArray] = []
    for edge_hz, kind in ((choice.high_pass_hz, "highpass"), (choice.low_pass_hz, "lowpass")):
        if edge_hz is None:
            continue
        if not 0 < edge_hz < nyquist_hz:
            raise ValueError(f"A {kind} edge of {edge_hz} Hz does not fit a sampling rate of {sampling_hz} Hz.")
        parts.append(scipy_signal.butter(choice.order, edge_hz, kind, fs=sampling_hz, output="sos"))
    parts.extend(
        scipy_signal.tf2sos(*scipy_signal.iirnotch(notch_hz, _NOTCH_QUALITY, fs=sampling_hz))
        for notch_hz in choice.notch_hz
        if 0 < notch_hz < 0.98 * nyquist_hz
    )
    return np.concatenate(parts) if parts else np.empty((0, 6))


def ringing_s(choice: FilterChoice) -> float:
    """Seconds after which the slowest part's transient has decayed below 1e-3."""
    # A Butterworth pass of order 2 decays with 1 / (2 pi f 0.707); 7 time constants are 1.6 / f.
    slowest = [1.6 / f for f in (choice.high_pass_hz, choice.low_pass_hz) if f is not None]
    return max([0.0, *slowest, *(7 * _NOTCH_QUALITY / (np.pi * f) for f in choice.notch_hz)])


def filter_zero_phase(samples: FloatArray, sampling_hz: float, choice: FilterChoice) -> FloatArray:
    """Filter forward and backward after removing the mean; without a high-pass the mean is put back.

    Parameters
    ----------
    samples : ndarray, shape (..., n_times)
        One stretch without a gap. NaN is bridged for the filter and stays NaN. Not modified.
    sampling_hz : float
    choice : FilterChoice

    Returns
    -------
    ndarray of float64, same shape

    Notes
    -----
    A float32 0.1-Hz filter on 150 mV of offset erred by 221 uV [measured, METHODS 5.10], hence float64
    and the mean. The ends are padded by a point reflection that is as long as the filter rings.
    """
    sections = design_sections(choice, sampling_hz)
    centred, missing, mean = bridge(samples)
    n_times = samples.shape[-1]
    if len(sections) and n_times > 1:
        n_padding = min(n_times - 1, int(np.ceil(ringing_s(choice) * sampling_hz)))
        centred = scipy_signal.sosfiltfilt(sections, centred, axis=-1, padtype="odd", padlen=n_padding)
    if choice.high_pass_hz is None:
        centred += mean
    if missing is not None:
        centred[missing] = np.nan
    return centred


def bridge(samples: FloatArray) -> tuple[FloatArray, BoolArray | None, FloatArray]:
    """Return float64 samples minus their mean, what was NaN (bridged by straight lines), and the mean."""
    values = np.array(samples, dtype=np.float64)
    missing: BoolArray | None = None
    # The sum is finite exactly when every sample is (nothing here comes near overflow).
    if not np.isfinite(values.sum()):
        missing = ~np.isfinite(values)
        flat, gone = values.reshape(-1, values.shape[-1]), missing.reshape(-1, values.shape[-1])
        places = np.arange(values.shape[-1])
        for row, hole in zip(flat, gone, strict=True):
            row[hole] = np.interp(places[hole], places[~hole], row[~hole]) if not hole.all() else 0.0
    mean = values.mean(axis=-1, keepdims=True) if values.shape[-1] else np.zeros((*values.shape[:-1], 1))
    values -= mean
    return values, missing, mean


def filter_segments(samples: FloatArray, timeline: Timeline, choice: FilterChoice) -> FloatArray:
    """Filter every gapless segment on its own, so that no gap rings into its neighbours.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
    timeline : Timeline
    choice : FilterChoice

    Returns
    -------
    ndarray of float64, shape (n_channels, n_times)
    """
    filtered = np.empty(samples.shape)
    for s in timeline.segments:
        part = slice(s.first, s.first + s.n)
        filtered[:, part] = filter_zero_phase(samples[:, part], 1 / s.period_s, choice)
    return filtered


# Kaiser window of 80 dB over 10 periods of the new rate: flat up to 0.38, closed from 0.62 of the new
# rate, so what folds back lands above 0.38 only (Oppenheim & Schafer 2010, section 7.5.3).
_KAISER_BETA = 7.857
_HALF_LENGTH = 10


def decimate(samples: FloatArray, factor: int) -> FloatArray:
    """Low-pass and keep every ``factor``-th sample, without delay; float64.

    Parameters
    ----------
    samples : ndarray, shape (n_channels, n_times)
        One stretch without a gap. NaN makes the outputs NaN that stand on it.
    factor : int
        At least 1; 1 copies.

    Returns
    -------
    ndarray, shape (n_channels, ceil(n_times / factor))
        Sample ``k`` stands at the time of input sample ``k * factor``; true up to 0.38 of the new rate.
    """
    n_channels, n_times = samples.shape
    if factor == 1 or n_times < 2:
        return np.array(samples, dtype=np.float64)[:, ::factor]
    half = _HALF_LENGTH * factor
    taps = scipy_signal.firwin(2 * half + 1, 1 / factor, window=("kaiser", _KAISER_BETA))
    n_out = -(-n_times // factor)
    reduced = np.empty((n_channels, n_out))
    for channel in range(n_channels):  # one at a time: the float64 copy of a long recording would not fit
        values, missing, mean = bridge(samples[channel])
        n_padding = min(half, n_times - 1)
        padded = np.concatenate(
            [
                np.zeros(half - n_padding),
                2 * values[0] - values[n_padding:0:-1],
                values,
                2 * values[-1] - values[-2 : -n_padding - 2 : -1],
                np.zeros(half - n_padding),
            ]
        )
        # Output k sits where the taps' centre meets input k * factor: 2 * half into the full convolution.
        convolved = scipy_signal.upfirdn(taps, padded, 1, factor)
        reduced[channel] = convolved[2 * half // factor : 2 * half // factor + n_out] + mean[0]
        if missing is not None:
            holes = np.add.reduceat(missing.astype(np.int64), np.arange(0, n_times, factor)) > 0
            reduced[channel, holes] = np.nan
    return reduced


def decimate_segments(samples: FloatArray, timeline: Timeline, factor: int) -> tuple[FloatArray, Timeline]:
    """Decimate every gapless segment on its own.

    Returns
    -------
    samples : ndarray of float64, shape (n_channels, n_kept)
    timeline : Timeline
        Of the kept samples.
    """
    parts: list[FloatArray] = []
    segments: list[Segment] = []
    first = 0
    for s in timeline.segments:
        part = decimate(samples[:, s.first : s.first + s.n], factor)
        # The last kept sample may stand for fewer; places then end up to one beyond the segment's.
        stop_s = float(s.time_at(np.array([part.shape[1] * factor], dtype=np.float64))[0])
        own_s = (stop_s - s.start_s) / part.shape[1] if s.bends else s.period_s * factor
        bends = tuple(Bend(b.place / factor, b.offset_s + (s.period_s - own_s / factor) * b.place) for b in s.bends)
        segments.append(Segment(first, part.shape[1], s.start_s, own_s, bends))
        first += part.shape[1]
        parts.append(part)
    joined = np.concatenate(parts, axis=1) if parts else np.empty((samples.shape[0], 0))
    return joined, Timeline(tuple(segments))


def decimation_factor(sampling_hz: float, wanted_hz: float) -> int:
    """Return the largest whole factor that leaves at least ``wanted_hz``; 1 for slower signals."""
    return max(1, int(sampling_hz / wanted_hz + 1e-6))
