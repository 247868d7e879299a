"""The simulated amplifier: which streams it announces, and their chunks in its own units."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StreamError
from veridical.domain.event import Marker
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import UNIT_TO_SI, StreamDescription
from veridical.simulator.blocks import Blocks, Organ
from veridical.simulator.course import Course
from veridical.simulator.eeg import EegOrgan
from veridical.simulator.head import LABELS
from veridical.simulator.heart import HeartOrgan
from veridical.simulator.skin import SkinOrgan


class _InUnits:
    """Organs side by side, their SI values divided by the device's units."""

    def __init__(self, organs: tuple[Organ, ...], units: tuple[str, ...]) -> None:
        self._organs = organs
        self._to_device = np.array([1 / UNIT_TO_SI[u] for u in units])
        self.n_channels = len(units)

    def block(self, times_s: FloatArray) -> FloatArray:
        values: FloatArray = np.concatenate([o.block(times_s) for o in self._organs], axis=1) * self._to_device
        return values


@dataclass(frozen=True)
class SimulatedStream:
    """One stream and where its chunks come from.

    Parameters
    ----------
    description : StreamDescription
        As it is announced; uid and host name are LSL's to give.
    samples : Blocks
        Yields float32 chunks of shape (n_channels, n_times) in the announced units.
    """

    description: StreamDescription
    samples: Blocks

    def n_until(self, at_s: float) -> int:
        """Return the number of samples stamped before ``at_s`` seconds."""
        return max(0, math.ceil(at_s * self.description.nominal_hz - 1e-6))


class Amplifier:
    """A simulated participant wired to an amplifier: a pure function of plan, stimuli and markers."""

    def __init__(self, plan: SimulationPlan, stimuli: Iterable[Stimulus]) -> None:
        if not 1 <= plan.eeg_channels <= len(LABELS):
            raise StreamError(
                f"The simulated cap has 1 to {len(LABELS)} EEG channels, not {plan.eeg_channels}; change eeg_channels."
            )
        self._course = Course(plan.seed, stimuli, plan.true_disposition, plan.noise_seed)
        effects, course = plan.true_effects, self._course
        labels = LABELS[: plan.eeg_channels]
        eeg = EegOrgan(effects, labels, plan.eeg_hz, plan.seed, course, plan.noise_seed)
        eeg_types, eeg_units = ("EEG",) * len(labels), ("microvolts",) * len(labels)
        if plan.layout == "aux":
            # Skin conductance comes calibrated, as amplifiers with a GSR module on AUX send it.
            organs = (
                eeg,
                SkinOrgan(effects, plan.eeg_hz, plan.noise_seed, course),
                HeartOrgan(effects, plan.eeg_hz, plan.noise_seed, course),
            )
            self.streams: tuple[SimulatedStream, ...] = (
                _stream(
                    plan, "EEG", plan.eeg_hz, (*labels, "EDA", "ECG"), (*eeg_types, "EDA", "ECG"),
                    (*eeg_units, "microsiemens", "microvolts"), organs,
                ),
            )  # fmt: skip
        else:
            skin = SkinOrgan(effects, plan.eda_hz, plan.noise_seed, course)
            heart = HeartOrgan(effects, plan.ecg_hz, plan.noise_seed, course)
            self.streams = (
                _stream(plan, "EEG", plan.eeg_hz, labels, eeg_types, eeg_units, (eeg,)),
                _stream(plan, "EDA", plan.eda_hz, ("EDA",), ("EDA",), ("microsiemens",), (skin,)),
                _stream(plan, "ECG", plan.ecg_hz, ("ECG",), ("ECG",), ("millivolts",), (heart,)),
            )

    def hear(self, at_s: float, marker: Marker) -> None:
        """Take a marker that happened ``at_s`` seconds after the first sample."""
        self._course.hear(at_s, marker)


def _stream(
    plan: SimulationPlan,
    kind: str,
    sampling_hz: float,
    labels: tuple[str, ...],
    types: tuple[str, ...],
    units: tuple[str, ...],
    organs: tuple[Organ, ...],
) -> SimulatedStream:
    description = StreamDescription(
        name=f"{plan.prefix}{kind}",
        type=kind,
        source_id=plan.source_id(kind),
        uid="",
        hostname="",
        n_channels=len(labels),
        nominal_hz=sampling_hz,
        format="float32",
        labels=labels,
        types=types,
        units=units,
    )
    return SimulatedStream(description, Blocks(_InUnits(organs, units), sampling_hz))
