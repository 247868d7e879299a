"""The simulated amplifier in real time: streams over LSL that answer the marker stream."""

import numpy as np

from veridical.domain.event import Marker
from veridical.domain.simulation import SimulatorSetup
from veridical.simulator.amplifier import Amplifier
from veridical.simulator.course import DEEP_BREATH
from veridical.simulator.hearing import MarkerEar
from veridical.streaming.clock import local_clock
from veridical.streaming.outlet import NumericOutlet

# How far samples run behind the clock, so that a picture's marker is heard before its answer is made;
# amplifiers take as long to bring a sample through their driver.
LAG_S = 0.03
_AT_MOST_S = 1.0


class LiveAmplifier:
    """Announces its streams at once and sends what is due at every ``step``.

    The stamp of sample k is the start plus exactly k periods on LSL's clock.

    Parameters
    ----------
    setup : SimulatorSetup
        Streams whose names are in ``plan.silent`` are announced and never send.
    """

    def __init__(self, setup: SimulatorSetup) -> None:
        self._amplifier = Amplifier(setup.plan, setup.stimuli)
        self._silent = setup.plan.silent
        self._outlets = [NumericOutlet(s.description) for s in self._amplifier.streams]
        self._sent = [0] * len(self._outlets)
        self._ear = MarkerEar()
        self._start_s = local_clock()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the announced streams."""
        return tuple(s.description.name for s in self._amplifier.streams)

    @property
    def is_needed_by_a_session(self) -> bool:
        """Whether a presenter is there whose session it answers."""
        return self._ear.hears_a_session

    def step(self) -> None:
        """Hear what was shown and send what is due; call it about every 20 ms.

        After a stall (a laptop that slept) it catches up by a second per call.
        """
        for stamp_s, marker in self._ear.take():
            self._amplifier.hear(stamp_s - self._start_s, marker)
        now_s = local_clock() - LAG_S - self._start_s
        for k, (stream, outlet) in enumerate(zip(self._amplifier.streams, self._outlets, strict=True)):
            if stream.description.name in self._silent:
                continue
            period_s = 1 / stream.description.nominal_hz
            n = min(stream.n_until(now_s) - self._sent[k], round(_AT_MOST_S / period_s))
            if n > 0:
                index = self._sent[k] + np.arange(n)
                outlet.push(stream.samples.take(n), self._start_s + period_s * index)
                self._sent[k] += n

    def breathe(self) -> None:
        """Let the participant take a deep breath now."""
        self._amplifier.hear(local_clock() - self._start_s, Marker(DEEP_BREATH))

    def close(self) -> None:
        """Withdraw the streams and stop listening."""
        for outlet in self._outlets:
            outlet.close()
        self._ear.close()
