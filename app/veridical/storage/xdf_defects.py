"""What is wrong with a stream's time, by names that never change (FORMATS 5)."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Timeline
from veridical.signals.timeline import clock_resets, find_gaps

# Every defect there is, with what it means and what to do about it; docs/formats.md says it in more words.
DEFECTS: dict[str, str] = {
    "truncated": "bytes are missing or unreadable; `veridical recover FILE` mends what is whole in a copy",
    "bad-header": "a header is damaged, doubled or late; check names, units and roles, and the program that sent it",
    "missing-role": "no stream of regular rate; check that the amplifier was streaming",
    "no-samples": "nothing was received; check that the device was streaming",
    "no-footer": "the recorder did not close the file; `veridical recover FILE` adds what is missing in a copy",
    "count-mismatch": "the recorder counted another number of samples; some are lost or doubled",
    "rate-off": "the true rate is more than 5 % off the announced one; check the device's settings",
    "gaps": "data are missing; look at the gaps, trials that fall into one are left out",
    "no-clock-offsets": "its clock was never measured; check by hand that it agrees with the other streams",
    "clock-base-mismatch": "its stamps come from another clock; times cannot be compared with the other streams",
    "clock-reset": "its clock was set anew during the recording; each part is synchronised by its own measurements",
    "non-monotonic": "time stamps go backwards; check the program that stamps them",
    "flat": "a channel never changes; check electrode and cable",
}

RATE_TOLERANCE = 0.05
MISSING_SHARE = 0.01
LONG_GAP_S = 1.0
LONG_GAP_PERIODS = 500
# Below this a rate cannot be told from the chunks it arrives in.
_MIN_RATE_SAMPLES = 20

_BACKWARDS_S = 0.01
_BACKWARDS_IRREGULAR_S = 0.1
_LONGEST_BACKWARDS_S = 1.0
# Steps of stamps count as alike within this share of a period.
_ALIKE = 0.02
_FEW = 3
# So many times the usual deviation is no jitter, in an hour at 1 kHz either.
_PLAIN = 20.0


def missing_share(timeline: Timeline) -> float:
    """Share of a regular stream's samples that never arrived, 0 to 1."""
    n_missing = sum(gap.n_missing for gap in find_gaps(timeline))
    n_due = n_missing + timeline.n_samples
    return n_missing / n_due if n_due else 0.0


def timing_defects(
    stamps_s: FloatArray, timeline: Timeline, nominal_hz: float, clock_offsets: FloatArray
) -> tuple[str, ...]:
    """Name what is wrong with the time of a stream that has samples.

    ``rate-off`` judges the true rate between gaps; ``gaps`` is a step of more than 1 s and 500 periods, or
    1 % of the samples missing; ``non-monotonic`` is a stamp before its predecessor that neither a clock reset nor
    the stream's own jitter explains, or one that is no number.

    Parameters
    ----------
    stamps_s : ndarray, shape (n,)
        Raw stamps.
    clock_offsets : ndarray, shape (m, 2)
        Real measurements only (``XdfStream.measured_offsets``).
    """
    found: list[str] = []
    if nominal_hz > 0 and len(stamps_s) >= _MIN_RATE_SAMPLES:
        rate_hz = timeline.sampling_hz
        if abs(rate_hz / nominal_hz - 1) > RATE_TOLERANCE:
            found.append("rate-off")
        long_s = max(LONG_GAP_S, LONG_GAP_PERIODS / nominal_hz)
        # From the last sample before a gap to the first one after it.
        has_long_gap = any(gap.stop_s - gap.start_s + 1 / nominal_hz > long_s for gap in find_gaps(timeline))
        if has_long_gap or missing_share(timeline) >= MISSING_SHARE:
            found.append("gaps")
    if len(clock_offsets) == 0:
        found.append("no-clock-offsets")
    n_resets = len(clock_resets(clock_offsets))
    if n_resets:
        found.append("clock-reset")
    if _goes_backwards(stamps_s, nominal_hz, n_resets):
        found.append("non-monotonic")
    return tuple(found)


def _goes_backwards(stamps_s: FloatArray, nominal_hz: float, n_allowed: int) -> bool:
    """Whether stamps step back by more than the stream's jitter, more often than allowed."""
    if not np.isfinite(stamps_s).all():
        return True
    steps_s = np.diff(stamps_s)
    if not (steps_s < 0).any():
        return False
    if nominal_hz <= 0:
        return int(np.sum(steps_s < -_BACKWARDS_IRREGULAR_S)) > n_allowed
    period_s, usual_s = 1 / nominal_hz, float(np.median(steps_s))
    if usual_s < 0:
        return True
    deviations_s = np.abs(steps_s - usual_s)
    odd_s = deviations_s[deviations_s > _ALIKE * period_s]
    n_back = int(np.sum(steps_s < -0.5 * period_s))
    if 0 < n_back <= _FEW and len(odd_s) <= (_FEW + 1) * n_back:
        # All else is in step: these are no jitter.
        return n_back > n_allowed
    # Devices that stamp packets back from their arrival overlap by a packet when several arrive at once.
    packet_s = len(stamps_s) / (len(odd_s) + 1) * period_s
    jitter_s = _PLAIN * float(np.median(odd_s)) if len(odd_s) else 0.0
    limit_s = max(_BACKWARDS_S, period_s, min(_LONGEST_BACKWARDS_S, max(2 * packet_s, jitter_s)))
    return int(np.sum(steps_s < -limit_s)) > n_allowed
