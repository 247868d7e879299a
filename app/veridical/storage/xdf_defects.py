"""What is wrong with a stream's time, by names that never change (FORMATS 5)."""

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Timeline
from veridical.signals.timeline import clock_resets, find_gaps

RATE_TOLERANCE = 0.05
MISSING_SHARE = 0.01
LONG_GAP_S = 1.0
LONG_GAP_PERIODS = 500
# Below this a rate cannot be told from the chunks it arrives in.
_MIN_RATE_SAMPLES = 20
_BACKWARDS_S = 0.01
_BACKWARDS_IRREGULAR_S = 1.0


def missing_share(timeline: Timeline) -> float:
    """Share of a regular stream's samples that never arrived, 0 to 1."""
    n_missing = sum(gap.n_missing for gap in find_gaps(timeline))
    n_due = n_missing + timeline.n_samples
    return n_missing / n_due if n_due else 0.0


def timing_defects(
    stamps_s: FloatArray, timeline: Timeline, nominal_hz: float, clock_offsets: FloatArray
) -> tuple[str, ...]:
    """Name what is wrong with the time of a stream that has samples.

    ``rate-off`` judges the true rate between gaps; ``gaps`` is a gap of more than 1 s and 500 periods, or
    1 % of the samples missing; ``non-monotonic`` is a stamp before its predecessor that no clock reset explains.
    """
    found: list[str] = []
    is_regular = nominal_hz > 0
    if is_regular and len(stamps_s) >= _MIN_RATE_SAMPLES:
        rate_hz = timeline.sampling_hz
        if abs(rate_hz / nominal_hz - 1) > RATE_TOLERANCE:
            found.append("rate-off")
        long_s = max(LONG_GAP_S, LONG_GAP_PERIODS / nominal_hz)
        has_long_gap = any(gap.stop_s - gap.start_s > long_s for gap in find_gaps(timeline))
        if has_long_gap or missing_share(timeline) >= MISSING_SHARE:
            found.append("gaps")
    if len(clock_offsets) == 0:
        found.append("no-clock-offsets")
    n_resets = len(clock_resets(clock_offsets))
    if n_resets:
        found.append("clock-reset")
    limit_s = max(_BACKWARDS_S, 1.0 / nominal_hz) if is_regular else _BACKWARDS_IRREGULAR_S
    if int(np.sum(np.diff(stamps_s) < -limit_s)) > n_resets:
        found.append("non-monotonic")
    return tuple(found)
