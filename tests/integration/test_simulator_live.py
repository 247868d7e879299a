"""The simulator as a process of its own, over real LSL."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from veridical.domain.arrays import FloatArray
from veridical.domain.event import Marker
from veridical.domain.simulation import EffectSizes, SimulationPlan, SimulatorSetup
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import StreamDescription
from veridical.ipc.channel import Attachment
from veridical.ipc.messages import SimulatorState, Stop
from veridical.paths import RunPaths
from veridical.simulator.head import LABELS
from veridical.simulator.setup import write_setup
from veridical.streaming.clock import local_clock
from veridical.streaming.discovery import Resolver
from veridical.streaming.inlet import RawInlet
from veridical.streaming.outlet import MarkerOutlet

_STIMULI = (Stimulus("demo01", "demo01.jpg", valence_mean=6.0, arousal_mean=5.0),)
_PATIENCE_S = 40.0


def _wait(is_true: Callable[[], bool], what: str, timeout_s: float = _PATIENCE_S) -> None:
    end_s = time.monotonic() + timeout_s
    never = threading.Event()
    while not is_true():
        assert time.monotonic() < end_s, f"waited too long for {what}"
        never.wait(0.02)


class _Simulator:
    """A simulator child, its streams and its channel."""

    def __init__(self, folder: Path, plan: SimulationPlan) -> None:
        folder.mkdir()
        write_setup(folder, SimulatorSetup(plan, _STIMULI))
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "veridical.simulator", str(folder)], stderr=subprocess.PIPE, text=True
        )
        self.connection = RunPaths(folder).connection("simulator")
        _wait(lambda: self.connection.exists() or self.process.poll() is not None, "the connection file")
        self.channel = Attachment(self.connection)
        _wait(self._is_streaming, "the simulator to stream")
        self._resolver = Resolver()

    def _is_streaming(self) -> bool:
        return isinstance(self.channel.state, SimulatorState) and self.channel.state.phase == "streaming"

    def streams(self, n: int) -> dict[str, StreamDescription]:
        """Wait for n numeric streams of this simulator with their headers."""

        def found() -> dict[str, StreamDescription]:
            return {s.name: s for s in self._resolver.streams() if s.is_regular and s.labels}

        _wait(lambda: len(found()) >= n, f"{n} streams")
        return found()

    def inlet(self, description: StreamDescription) -> RawInlet:
        inlet = self._resolver.inlet(description.uid)
        assert inlet is not None
        inlet.open(_PATIENCE_S)
        return inlet

    def close(self) -> None:
        if self.process.poll() is None:
            self.channel.send(Stop())
        self.process.wait(10)
        self.channel.close()
        self._resolver.close()
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[SimulationPlan], _Simulator]]:
    """Starts simulators and ends them."""
    started: list[_Simulator] = []

    def begin(plan: SimulationPlan) -> _Simulator:
        started.append(_Simulator(tmp_path / f"simulator{len(started)}", plan))
        return started[-1]

    yield begin
    for simulator in started:
        simulator.close()


def _pull_until(inlet: RawInlet, is_enough: Callable[[FloatArray], bool]) -> tuple[FloatArray, FloatArray]:
    """Pull until the stamps are enough; (stamps, samples)."""
    stamps: list[FloatArray] = []
    samples: list[FloatArray] = []
    end_s = time.monotonic() + _PATIENCE_S
    while not stamps or not is_enough(np.concatenate(stamps)):
        assert time.monotonic() < end_s, "too few samples arrive"
        chunk = inlet.pull(0.5)
        stamps.append(chunk.stamps_s)
        samples.append(chunk.samples)
    return np.concatenate(stamps), np.concatenate(samples, axis=1)


def test_separate_streams_arrive_at_their_rates_with_labels_and_units(
    start: Callable[[SimulationPlan], _Simulator],
) -> None:
    simulator = start(SimulationPlan("null", prefix="Live", silent=("LiveEDA",)))
    streams = simulator.streams(3)
    assert streams["LiveEEG"].labels == LABELS
    assert set(streams["LiveEEG"].units) == {"microvolts"}
    assert streams["LiveEDA"].units == ("microsiemens",)
    assert streams["LiveECG"].units == ("millivolts",)
    inlets = {name: simulator.inlet(stream) for name, stream in streams.items()}
    for name, hz in (("LiveEEG", 500.0), ("LiveECG", 512.0)):
        stamps_s, samples = _pull_until(inlets[name], lambda stamps: len(stamps) > 1 and bool(np.ptp(stamps) > 1.5))
        # Exact multiples of the period, whatever the chunks were.
        np.testing.assert_allclose(np.diff(stamps_s), 1 / hz, atol=1e-9)
        assert abs(local_clock() - stamps_s[-1]) < 1.0
        assert np.isfinite(samples).all()
    # Announced, and deliberately never sending.
    assert len(inlets["LiveEDA"].pull(0.2)) == 0
    for inlet in inlets.values():
        inlet.close()


def test_one_amplifier_carries_eda_and_ecg_on_aux_channels(start: Callable[[SimulationPlan], _Simulator]) -> None:
    simulator = start(SimulationPlan("null", prefix="Aux", layout="aux"))
    stream = simulator.streams(1)["AuxEEG"]
    assert stream.labels == (*LABELS, "EDA", "ECG")
    assert stream.types == (*("EEG",) * 32, "EDA", "ECG")
    inlet = simulator.inlet(stream)
    _, samples = _pull_until(inlet, lambda stamps: len(stamps) > 100)
    assert samples.shape[0] == 34
    assert samples.dtype == np.float32
    inlet.close()


def test_the_body_answers_markers_at_their_stamps(start: Callable[[SimulationPlan], _Simulator]) -> None:
    # An unmistakable brain: hardly any background, and responses of a millivolt.
    loud = EffectSizes(evoked_v=500e-6, background_v=0.1e-6, alpha_v=0.1e-6, blinks_per_min=0, bursts_per_min=0)
    simulator = start(SimulationPlan("null", prefix="Ear", effects=loud))
    inlet = simulator.inlet(simulator.streams(3)["EarEEG"])
    outlet = MarkerOutlet("simulator-ear-test")
    assert outlet.wait_for_consumers(_PATIENCE_S)
    _pull_until(inlet, lambda stamps: len(stamps) > 250)
    onset_s = local_clock()
    outlet.push(Marker("picture/positive", {"id": "demo01", "trial": "1"}).encode(), onset_s)
    stamps_s, samples = _pull_until(inlet, lambda stamps: len(stamps) > 0 and bool(stamps[-1] > onset_s + 0.6))
    oz = samples[LABELS.index("Oz")] - samples[LABELS.index("Oz"), 0]
    early = (stamps_s > onset_s + 0.06) & (stamps_s < onset_s + 0.14)
    assert stamps_s[early][np.argmax(oz[early])] - onset_s == pytest.approx(0.105, abs=0.03)
    assert oz[early].max() > 300
    assert np.abs(oz[stamps_s < onset_s + 0.03]).max() < 100
    outlet.close()
    inlet.close()


@pytest.mark.parametrize("how", ["stop", "interrupt"])
def test_it_ends_cleanly_on_stop_and_on_interrupt(start: Callable[[SimulationPlan], _Simulator], how: str) -> None:
    simulator = start(SimulationPlan("null", prefix="End"))
    if how == "stop" or os.name == "nt":
        simulator.channel.send(Stop())
    else:
        simulator.process.send_signal(signal.SIGINT)
    assert simulator.process.wait(40) == 0
    assert not simulator.connection.exists()
    _wait(lambda: not simulator.channel.is_alive, "the channel to close")
    assert simulator.channel.state == SimulatorState("ended")
    assert simulator.process.stderr is not None
    assert simulator.process.stderr.read() == ""


def test_a_folder_without_a_setup_is_named_in_one_sentence(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        done = subprocess.run(
            [sys.executable, "-m", "veridical.simulator", str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert str(folder) in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_damaged_or_impossible_setup_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "simulation.json").write_bytes(b'{"plan": 3}')
    plan = replace(SimulationPlan(), eeg_channels=64)
    write_setup(tmp_path / "wide", SimulatorSetup(plan, ()))
    for folder, words in ((tmp_path, "damaged"), (tmp_path / "wide", "1 to 32 EEG channels")):
        done = subprocess.run(
            [sys.executable, "-m", "veridical.simulator", str(folder)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
