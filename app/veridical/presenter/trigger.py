"""A pulse at the flip of every picture; a port that fails is reported and never stops a session."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from veridical.domain.event import Marker
from veridical.domain.trigger import TriggerKind, pulse_code
from veridical.presenter.trigger_wires import Wires


@dataclass(frozen=True)
class TriggerReport:
    """What became of the pulses.

    Parameters
    ----------
    delay_median_s, delay_worst_s : float or None
        From the flip's stamp to the moment at which the port had taken the pulse; None without pulses.
    problem : str
        Empty, or why pulses stopped.
    """

    kind: TriggerKind
    n_pulses: int
    delay_median_s: float | None
    delay_worst_s: float | None
    problem: str = ""


class Trigger:
    """Sends pulses.

    Parameters
    ----------
    now : callable
        LSL clock in seconds.
    """

    def __init__(self, kind: TriggerKind, wires: Wires, width_s: float, now: Callable[[], float]) -> None:
        self._kind: TriggerKind = kind
        self._wires = wires
        self._width_s = width_s
        self._now = now
        self._delays_s: list[float] = []
        self._timer: threading.Timer | None = None
        self.problem = ""

    def follow(self, marker: Marker, flip_s: float) -> None:
        """Send the pulse of a picture that was just shown; other markers have none."""
        is_shown = marker.name == "flash/on" or marker.shown_kind is not None
        if self.problem or not is_shown:
            return
        self._set(pulse_code(int(marker.number("trial") or 1)))
        self._delays_s.append(self._now() - flip_s)
        self._timer = threading.Timer(self._width_s, self._set, (0,))
        self._timer.daemon = True
        self._timer.start()

    def report(self) -> TriggerReport:
        """Sum up."""
        delays_s = self._delays_s
        return TriggerReport(
            self._kind,
            len(delays_s),
            float(np.median(delays_s)) if delays_s else None,
            max(delays_s) if delays_s else None,
            self.problem,
        )

    def close(self) -> None:
        """Lines low, port closed."""
        if self._timer is not None:
            self._timer.join(self._width_s + 1.0)
        try:
            self._wires.close()
        except Exception as error:  # every driver raises its own kind
            self._fail(error)

    def _set(self, code: int) -> None:
        try:
            self._wires.set(code)
        except Exception as error:  # every driver raises its own kind
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.problem = (
            f"The trigger port failed ({error}); the session goes on with LSL markers, so its picture onsets rest on "
            "software timing."
        )
