"""A whole simulated session faster than real time: into an XDF file, or as a recording in memory."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.event import MARKER_STREAM_NAME, MARKER_STREAM_TYPE, Event
from veridical.domain.protocol import SessionPlan
from veridical.domain.rating import Scale
from veridical.domain.recording import Recording, Signal
from veridical.domain.simulation import GroundTruth, SimulationPlan, ground_truth
from veridical.domain.stimulus import StimulusSet
from veridical.domain.stream import StreamDescription, suggest_roles
from veridical.domain.timeline import Segment, Timeline
from veridical.simulator.amplifier import Amplifier
from veridical.simulator.performance import UNHURRIED, Pace, TimedMarker, perform
from veridical.storage.xdf_writer import XdfWriter

_STEP_S = 0.5
_TAIL_S = 2.0  # the recorder goes on for as long after ``session/end``
_ORIGIN_S = 1000.0  # LSL's clock counts from the machine's start


def simulate_recording(
    path: Path,
    plan: SimulationPlan,
    session: SessionPlan,
    stimuli: StimulusSet,
    scales: Sequence[Scale],
    seed: int,
    pace: Pace = UNHURRIED,
) -> GroundTruth:
    """Write a session as recorder and presenter would have: every stream, marker and rating in one XDF file.

    Parameters
    ----------
    path : Path
        Must not exist.
    seed : int
        Of the session (reporting noise, answering times); ``plan.seed`` is the participant's.

    Returns
    -------
    GroundTruth
        For the session file.

    Raises
    ------
    StorageError
        If the file exists or the disk refuses it.
    """
    markers = perform(session, stimuli, scales, plan.seed, seed, pace, plan.true_disposition)
    write_session(path, plan, stimuli, markers)
    return ground_truth(plan, stimuli.stimuli)


def write_session(path: Path, plan: SimulationPlan, stimuli: StimulusSet, markers: Sequence[TimedMarker]) -> None:
    """Write the streams that answer these markers, and the markers, as an XDF file.

    Raises
    ------
    StorageError
        If the file exists or the disk refuses it.
    """
    amplifier = Amplifier(plan, stimuli.stimuli)
    writer = XdfWriter(path)
    try:
        ids = [writer.add_stream(s.description) for s in amplifier.streams]
        marker_id = writer.add_stream(_marker_stream(plan))
        for stream_id in (*ids, marker_id):
            writer.write_clock_offset(stream_id, _ORIGIN_S, 0.0)
        for start_s, heard, chunks in _steps(amplifier, markers):
            stamps_s = np.array([_ORIGIN_S + m.at_s for m in heard])
            writer.write_samples(marker_id, [[m.marker.encode() for m in heard]], stamps_s)
            for stream_id, stream, (first, samples) in zip(ids, amplifier.streams, chunks, strict=True):
                index = first + np.arange(samples.shape[1])
                writer.write_samples(stream_id, samples, _ORIGIN_S + index / stream.description.nominal_hz)
            if start_s % 2 < _STEP_S:
                writer.write_boundary()
    finally:
        writer.close()


def simulate_in_memory(plan: SimulationPlan, stimuli: StimulusSet, markers: Sequence[TimedMarker]) -> Recording:
    """Return the recording that ``write_session`` would write, in SI units and without a file."""
    amplifier = Amplifier(plan, stimuli.stimuli)
    parts: list[list[FloatArray]] = [[] for _ in amplifier.streams]
    for _, _, chunks in _steps(amplifier, markers):
        for k, (_, samples) in enumerate(chunks):
            parts[k].append(samples)
    signals: list[Signal] = []
    for stream, own in zip(amplifier.streams, parts, strict=True):
        samples = np.concatenate(own, axis=1)
        timeline = Timeline((Segment(0, samples.shape[1], 0.0, 1 / stream.description.nominal_hz),))
        for role in suggest_roles([stream.description]):
            values = samples[list(role.channels)] * np.float32(role.gain)
            signals.append(Signal(role.role, role.stream, role.labels, values, timeline))
    events = tuple(Event(m.at_s, m.marker) for m in markers)
    return Recording(f"simulated {plan.profile}, seed {plan.seed}", "", 0.0, tuple(signals), events)


def _marker_stream(plan: SimulationPlan) -> StreamDescription:
    return StreamDescription(
        name=MARKER_STREAM_NAME,
        type=MARKER_STREAM_TYPE,
        source_id=f"{MARKER_STREAM_NAME}-simulated-{plan.seed}",
        uid="",
        hostname="",
        n_channels=1,
        nominal_hz=0.0,
        format="string",
    )


def _steps(
    amplifier: Amplifier, markers: Sequence[TimedMarker]
) -> Iterator[tuple[float, list[TimedMarker], list[tuple[int, FloatArray]]]]:
    """Yield (start in seconds, markers, each stream's first sample index and samples) of consecutive steps."""
    sent = [0] * len(amplifier.streams)
    waiting = sorted(markers, key=lambda m: m.at_s)[::-1]
    stop_s = max((m.at_s for m in markers), default=0.0) + _TAIL_S
    for step in range(int(np.ceil(stop_s / _STEP_S))):
        now_s = (step + 1) * _STEP_S
        heard: list[TimedMarker] = []
        while waiting and waiting[-1].at_s < now_s:
            heard.append(waiting.pop())
            amplifier.hear(heard[-1].at_s, heard[-1].marker)
        chunks: list[tuple[int, FloatArray]] = []
        for k, stream in enumerate(amplifier.streams):
            samples = stream.samples.take(stream.n_until(now_s) - sent[k])
            chunks.append((sent[k], samples))
            sent[k] += samples.shape[1]
        yield step * _STEP_S, heard, chunks
