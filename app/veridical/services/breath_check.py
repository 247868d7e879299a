"""The deep-breath check: whether the participant's skin answers at all before it is recorded for half an hour."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.timeline import Segment, Timeline

# What the operator says when, seconds from the start. A deep breath is the usual check of electrodes and
# responsiveness; the response begins 1 to 4 s after the breath begins (Boucsein 2012, 2.4.1.3; SPR committee 2012).
STEPS: tuple[tuple[float, str], ...] = (
    (0.0, "Sit still, breathe normally"),
    (5.0, "Now: breathe in deeply and hold"),
    (8.0, "Breathe out slowly"),
    (11.0, "Breathe normally, sit still"),
)
BREATH_S = 5.0
LENGTH_S = 20.0
_ONSETS_S = (0.5, 6.0)
_LATEST_PEAK_S = 12.0


@dataclass(frozen=True)
class BreathCheck:
    """What skin conductance did after one deep breath.

    Parameters
    ----------
    level_s : float
        Median skin conductance, siemens.
    amplitude_s, latency_s : float or None
        Of the largest response that began 0.5 to 6 s after the breath; None without one of 0.01 uS.
    """

    level_s: float
    amplitude_s: float | None = None
    latency_s: float | None = None

    @property
    def has_response(self) -> bool:
        """Whether the skin answered."""
        return self.amplitude_s is not None

    @property
    def words(self) -> str:
        """The result in words."""
        level = f"{1e6 * self.level_s:.1f} µS"
        if self.amplitude_s is None or self.latency_s is None:
            return f"No response of 0.01 µS or more to a deep breath (level {level})"
        return f"Answered a deep breath with {1e6 * self.amplitude_s:.2f} µS after {self.latency_s:.1f} s ({level})"

    @property
    def remedy(self) -> str:
        """What to do; empty if it answered."""
        if self.has_response:
            return ""
        return "Warm the hands, renew the gel, wait 5 min and repeat; about 1 person in 10 never responds."


def step_at(elapsed_s: float) -> tuple[str, float]:
    """Return what to say now, and the seconds until the next step."""
    k = max(k for k, (at_s, _) in enumerate(STEPS) if at_s <= max(0.0, elapsed_s))
    end_s = STEPS[k + 1][0] if k + 1 < len(STEPS) else LENGTH_S
    return STEPS[k][1], max(0.0, end_s - elapsed_s)


def judge_breath(conductance_s: FloatArray, sampling_hz: float, breath_at_s: float) -> BreathCheck:
    """Look for a skin conductance response to a deep breath.

    Parameters
    ----------
    conductance_s : ndarray, shape (n_times,)
        Siemens, from before the breath until 12 s after it; NaN counts as missing.
    breath_at_s : float
        When the participant was told to breathe in, seconds from the first sample.
    """
    # scipy takes a second to import; the window is there before.
    from veridical.signals.skin import find_responses

    finite = np.isfinite(conductance_s)
    if not finite.any():
        return BreathCheck(float("nan"))
    found = find_responses(conductance_s, Timeline((Segment(0, len(conductance_s), 0.0, 1 / sampling_hz),)))
    after = found.onsets_s - breath_at_s
    fits = (after >= _ONSETS_S[0]) & (after <= _ONSETS_S[1]) & (found.peaks_s - breath_at_s <= _LATEST_PEAK_S)
    level_s = float(np.median(conductance_s[finite]))
    if not fits.any():
        return BreathCheck(level_s)
    k = int(np.flatnonzero(fits)[np.argmax(found.amplitudes_s[fits])])
    return BreathCheck(level_s, float(found.amplitudes_s[k]), float(after[k]))
