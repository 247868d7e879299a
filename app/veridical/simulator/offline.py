"""A whole simulated session faster than real time, as a recording in memory."""

from collections.abc import Iterator, Sequence

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.event import Event
from veridical.domain.recording import Recording, Signal
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import StimulusSet
from veridical.domain.stream import suggest_roles
from veridical.domain.timeline import Segment, Timeline
from veridical.simulator.amplifier import Amplifier, SimulatedStream
from veridical.simulator.performance import TimedMarker

_STEP_S = 0.5
_TAIL_S = 2.0  # the recorder goes on for as long after ``session/end``


def simulate_in_memory(plan: SimulationPlan, stimuli: StimulusSet, markers: Sequence[TimedMarker]) -> Recording:
    """Return the recording that ``simulate_recording`` would write, without a file."""
    amplifier = Amplifier(plan, stimuli.stimuli)
    chunks: list[list[FloatArray]] = [[] for _ in amplifier.streams]
    for k, _, chunk in _generate(amplifier, markers):
        chunks[k].append(chunk)
    signals: list[Signal] = []
    for stream, parts in zip(amplifier.streams, chunks, strict=True):
        description = stream.description
        samples = np.concatenate(parts).T
        timeline = Timeline((Segment(0, samples.shape[1], 0.0, 1 / description.nominal_hz),))
        for role in suggest_roles([description]):
            values = samples[list(role.channels)] * np.float32(role.gain)
            signals.append(Signal(role.role, description.name, role.labels, values, timeline))
    events = tuple(Event(m.at_s, m.marker) for m in markers)
    return Recording(f"simulated {plan.profile}, seed {plan.seed}", "", 0.0, tuple(signals), events)


def _generate(amplifier: Amplifier, markers: Sequence[TimedMarker]) -> Iterator[tuple[int, float, FloatArray]]:
    """Yield (stream, time of its first sample, chunk) in the order of time, markers heard as they come."""
    sent = [0] * len(amplifier.streams)
    waiting = list(markers)[::-1]
    stop_s = max((m.at_s for m in markers), default=0.0) + _TAIL_S
    for step in range(1, round(stop_s / _STEP_S) + 1):
        now_s = step * _STEP_S
        while waiting and waiting[-1].at_s <= now_s:
            heard = waiting.pop()
            amplifier.hear(heard.at_s, heard.marker)
        for k, stream in enumerate(amplifier.streams):
            n = _n_due(stream, now_s) - sent[k]
            if n > 0:
                yield k, sent[k] / stream.description.nominal_hz, stream.samples.take(n)
                sent[k] += n


def _n_due(stream: SimulatedStream, now_s: float) -> int:
    return int(now_s * stream.description.nominal_hz + 1e-6)
