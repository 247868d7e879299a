"""The pre-flight gate on the Run page, with real LSL streams that have exactly the faults it names."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from veridical.domain.arrays import FloatArray
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.simulation import SimulationPlan
from veridical.domain.stimulus import StimulusSet
from veridical.domain.stream import StreamDescription
from veridical.domain.study import RecordingChoices
from veridical.gui.common.page import Context
from veridical.gui.common.workspace import Focus
from veridical.gui.run.page import RunPage
from veridical.gui.run.view_model import resolve_streams
from veridical.services.breath_check import judge_breath
from veridical.services.gate import check_before_run
from veridical.services.observer import Observer
from veridical.services.roles import remember_roles
from veridical.services.streams import StreamWatch, start_simulator
from veridical.services.study import open_study
from veridical.storage.stimuli_table import write_stimuli
from veridical.storage.study_file import edit_study_file
from veridical.streaming.clock import local_clock
from veridical.streaming.outlet import NumericOutlet

if TYPE_CHECKING:
    from tests.gui.conftest import World

# What a channel sends, from its times in seconds: in the announced unit.
Wave = Callable[[FloatArray], FloatArray]
_CHUNK_S = 0.05


@dataclass
class Device:
    """A stream sent in real time by a thread.

    Parameters
    ----------
    rate : float
        Samples sent for each one that is announced.
    late_s : float
        How far its stamps are from the LSL clock.
    """

    name: str
    type: str
    waves: dict[str, Wave]
    hz: float = 250.0
    unit: str = "microvolts"
    rate: float = 1.0
    late_s: float = 0.0
    is_silent: bool = False
    types: tuple[str, ...] = ()
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        n = len(self.waves)
        self.description = StreamDescription(
            self.name, self.type, f"{self.name}-1", "", "", n, self.hz, "float32", tuple(self.waves), self.types,
            (self.unit,) * n,
        )  # fmt: skip
        self._outlet = NumericOutlet(self.description)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Switch it off."""
        self._stop.set()
        self._thread.join()
        self._outlet.close()

    def _run(self) -> None:
        hz = self.hz * self.rate
        start, n_sent = local_clock(), 0
        while not self._stop.wait(_CHUNK_S):
            n = int((local_clock() - start) * hz) - n_sent
            if n <= 0 or self.is_silent:
                continue
            times_s = (n_sent + np.arange(n)) / hz
            self._outlet.push(np.stack([w(times_s) for w in self.waves.values()]), start + times_s - self.late_s)
            n_sent += n


def noise(size: float, seed: int, hz: float = 250.0) -> Wave:
    """Background EEG as a sum of sines between 1 and 12 Hz, RMS ``size``."""
    rng = np.random.default_rng(seed)
    frequencies, phases = rng.uniform(1, 12, 24), rng.uniform(0, 2 * np.pi, 24)
    return lambda t: size * np.sqrt(2 / 24) * np.sin(2 * np.pi * np.outer(t, frequencies) + phases).sum(axis=1)


def plus(*waves: Wave) -> Wave:
    """Return the sum of waves."""
    return lambda t: np.sum([w(t) for w in waves], axis=0)


def sine(size: float, frequency_hz: float) -> Wave:
    """One frequency, amplitude ``size``."""
    return lambda t: size * np.sin(2 * np.pi * frequency_hz * t)


def beats(size: float, rate_hz: float = 1.2) -> Wave:
    """R waves 40 ms wide."""
    return lambda t: size * np.exp(-0.5 * (((t * rate_hz) % 1 - 0.5) / (0.012 * rate_hz)) ** 2)


def whole(wave: Wave) -> Wave:
    """Whole numbers, as a converter gives them."""
    return lambda t: np.round(wave(t))


def muscle(size: float, seed: int) -> Wave:
    """Sines between 25 and 45 Hz."""
    rng = np.random.default_rng(seed)
    frequencies = rng.uniform(25, 44, 24)
    return lambda t: size * np.sqrt(2 / 24) * np.sin(2 * np.pi * np.outer(t, frequencies)).sum(axis=1)


GOOD_EEG = {name: noise(12.0, k) for k, name in enumerate(("Fp1", "Fp2", "C3", "C4", "Pz", "Oz"))}


@pytest.fixture
def stage(context: Context, world: "World", qtbot: QtBot) -> Iterator["Stage"]:
    """The Run page whose gate and observer are the real ones."""
    made = Stage(context, world, qtbot)
    yield made
    made.close()


class Stage:
    """A Run page, and devices on the network."""

    def __init__(self, context: Context, world: "World", qtbot: QtBot) -> None:
        self.world, self._qtbot = world, qtbot
        world.streams = ()
        lab = replace(
            context.lab, open_observer=Observer, check_before_run=check_before_run, remember_roles=remember_roles
        )
        self.page = RunPage(replace(context, lab=lab))
        qtbot.addWidget(self.page)
        self.page.resize(1200, 760)
        self.page.show()
        self._devices: list[Device] = []
        self._study = world.study("001")

    def require(self, *roles: str) -> None:
        """Say in study.toml which roles no session begins without."""
        before = self._study.settings
        choices = RecordingChoices(required=roles)  # type: ignore[arg-type]
        edit_study_file(self._study.paths.study_file, before, replace(before, recording=choices))
        self._study = open_study(self._study.root)

    def reread(self) -> None:
        """Take what stands in the study's files by now."""
        self._study = open_study(self._study.root)

    def show(self, *devices: Device) -> None:
        """Switch devices on, and focus a participant once they are found on the network."""
        self._devices = list(devices)
        sources = {d.description.source_id for d in devices}
        self._look_for(lambda s: s.source_id in sources, len(sources))
        workspace = self.page.context.workspace
        workspace.set_focus(Focus(self._study, "001", "01"))

    def _look_for(self, is_meant: Callable[[StreamDescription], bool], n: int) -> None:
        """Wait until so many streams of these are announced whole, and let the page see them."""
        watch = StreamWatch()
        try:
            assert watch.wait_for(
                lambda streams: sum(is_meant(s) and (bool(s.labels) or not s.is_regular) for s in streams) >= n, 30.0
            )
            found = tuple(s for s in watch.streams() if is_meant(s))
        finally:
            watch.close()
        self.world.streams = (*self.world.streams, *found)

    def until_known(self) -> dict[str, tuple[str, str, bool]]:
        """Wait until everything was measured; light, words with remedy, and whether it stops, by item."""

        def is_known() -> bool:
            gate = self.page.desk.gate
            return bool(gate) and not any(i.light == "unknown" and i.id != "breath" for i in gate)

        self._qtbot.waitUntil(is_known, timeout=40000)
        return {i.id: (i.light, f"{i.words}. {i.remedy}", i.stops) for i in self.page.desk.gate}

    def until_known_again(self, item: str, light: str) -> dict[str, tuple[str, str, bool]]:
        """Wait until an item has another light."""
        self.until(lambda: any(i.id == item and i.light == light for i in self.page.desk.gate))
        return {i.id: (i.light, f"{i.words}. {i.remedy}", i.stops) for i in self.page.desk.gate}

    def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for something on the page."""
        self._qtbot.waitUntil(is_true, timeout=40000)

    def breathe(self) -> None:
        """Make the deep-breath check."""
        next(a for a in self.page.page_actions() if a.id == "run.breath").run()
        self.until(lambda: not self.page.desk.is_breathing)

    def simulate(self, plan: SimulationPlan) -> None:
        """Start a simulated amplifier as the page does, and wait for its streams."""
        desk = self.page.desk
        desk._simulator = start_simulator(self._study, plan)
        self._look_for(lambda s: s.name.startswith(plan.prefix), 3)

    def take_away(self, device: "Device") -> None:
        """Switch a device off."""
        self._devices.remove(device)
        device.close()
        self.world.streams = tuple(s for s in self.world.streams if s.name != device.name)

    def close(self) -> None:
        """Switch everything off."""
        self.page.shut_down()
        for device in self._devices:
            device.close()


def test_every_fault_of_a_signal_has_its_light_and_its_remedy(stage: Stage) -> None:
    bad = {
        "F7": lambda t: np.full(len(t), 3.0),
        "T7": lambda t: np.clip(noise(400.0, 21)(t), -300, 300),
        "P3": plus(noise(12.0, 22), sine(80.0, 50.0)),
        "F8": plus(noise(12.0, 23), muscle(35.0, 5)),
        "O1": plus(noise(12.0, 24), lambda t: 300.0 * t),
        "TP10": noise(200.0, 25),
    }
    stage.require("EEG", "respiration")
    stage.show(
        Device("GateEEG", "EEG", {**GOOD_EEG, **bad}),
        Device("GateECG", "ECG", {"ECG": sine(100.0, 0.3)}),
        Device("GateEDA", "EDA", {"EDA": lambda t: np.full(len(t), 0.01) + 1e-4 * np.sin(t)}, 50, "microsiemens"),
        Device("GatePPG", "PPG", {"PPG": sine(1.0, 1.1)}, 50, "a.u.", is_silent=True),
        Device("GateLate", "Misc", {"X": sine(1.0, 1.0)}, 100, "", late_s=7200.0),
        Device("GateSlow", "accelerometer", {"ACC": sine(1.0, 0.3)}, 100, "g", rate=0.8),
    )
    gate = stage.until_known()
    assert gate["eeg"][:2] == ("good", "12 channels at 250 Hz (measured) from GateEEG. ")
    assert gate["respiration"] == (
        "fail",
        "No stream carries it. Switch on the device that measures respiration, or assign its channels; this study "
        "requires it.",
        True,
    )
    assert gate["ppg"][0] == "fail"
    assert "no data arrive" in gate["ppg"][1]
    assert gate["accelerometer"][0] == "fail"
    assert "80.0 Hz instead of 100 Hz" in gate["accelerometer"][1]
    assert gate["clocks"][0] == "fail"
    assert "GateLate is stamped 2 h ago" in gate["clocks"][1]
    assert gate["signal-ecg"][0] == "fail"
    assert "no heart beats found" in gate["signal-ecg"][1]
    assert gate["signal-eda"][0] == "fail"
    assert "no skin contact" in gate["signal-eda"][1]
    light, words, stops = gate["signal-eeg"]
    assert (light, stops) == ("fail", True)
    assert words.startswith("6 of 12 channels good")
    faults = {line.label: (line.level, line.words) for line in stage.page.quality.lines if line.role == "EEG"}
    for label, word in (
        ("F7", "flat"), ("T7", "saturated"), ("P3", "50 Hz noise"), ("F8", "muscle"), ("O1", "drifts"),
        ("TP10", "loose"),
    ):  # fmt: skip
        assert faults[label][0] == "fail"
        assert word in faults[label][1]
    assert {faults[name][0] for name in GOOD_EEG} == {"good"}
    drawn = {e.label: e.level for e in stage.page.quality.head.shown}
    assert len(drawn) == 12
    assert drawn["F7"] == "fail"
    assert not stage.page.desk.may_start


def test_a_healthy_setup_has_no_false_alarm_and_a_reason_passes_over_what_fails(stage: Stage) -> None:
    stage.require("EEG", "EDA")
    stage.show(
        Device(
            "GateAmp", "EEG",
            # An EDA sensor of 25 mV/uS on an AUX input: 4 uS are 100 mV.
            {**GOOD_EEG, "ECG": plus(beats(1000.0), noise(15.0, 9)), "GSR": lambda t: 1e5 + 800 * np.sin(0.3 * t)},
            types=("EEG",) * 6 + ("AUX", "AUX"),
        ),
    )  # fmt: skip
    gate = stage.until_known()
    assert gate["markers"][0] == "good"
    assert "read back in" in gate["markers"][1]
    assert gate["clocks"][0] == gate["disk"][0] == gate["stimuli"][0] == gate["run"][0] == "good"
    assert (gate["signal-eeg"][0], gate["signal-ecg"][0]) == ("good", "good")
    assert "72 beats per minute" in gate["signal-ecg"][1]
    # The device calls its whole amplifier microvolts: 100 000 "uV" of skin conductance.
    assert gate["units"][0] == "fail" or gate["signal-eda"][0] == "fail"
    page = stage.page
    page._toggle_roles()
    place = next(k for k, row in enumerate(page.roles.desk.table) if row.announced == "GSR")
    page.roles.desk.change([place], "Scale", scale="25 mV/uS")
    assert page.roles.desk.problem == ""
    skin = next(r for r in page.desk.roles if r.role == "EDA")
    assert skin.channels == (7,)
    # One microvolt through 25 mV for each microsiemens.
    assert skin.gain == pytest.approx(1e-6 / 25e-3 * 1e-6)
    gate = stage.until_known_again("signal-eda", "good")
    assert "4.0 µS" in gate["signal-eda"][1]
    assert gate["units"][0] == "good"
    assert stage.world.scope_roles[-1] == page.desk.roles
    # An item that fails stops the session until a reason passes over it.
    failing = next(i for i in page.desk.gate if i.id == "consent")
    assert failing.stops
    assert not failing.may_be_overridden


def test_a_used_run_becomes_the_next_and_a_changed_picture_needs_a_reason(stage: Stage) -> None:
    study = stage.world.folder / "study"
    opened = open_study(study)
    hashed = tuple(
        replace(s, sha256=hashlib.sha256((opened.paths.stimuli / s.file).read_bytes()).hexdigest())
        for s in opened.stimuli.stimuli
    )
    write_stimuli(opened.paths.stimuli_table, StimulusSet(hashed))
    picture = opened.paths.stimuli / hashed[0].file
    stage.reread()
    stage.world.record(open_study(study), "001")
    stage.show(Device("GateEEG", "EEG", GOOD_EEG))
    picture.write_bytes(picture.read_bytes() + b"changed")
    stage.page.on_shown()
    gate = stage.until_known()
    assert gate["run"][:2] == ("good", "Run 1 is recorded already; this becomes run 2. ")
    assert (gate["stimuli"][0], gate["stimuli"][2]) == ("fail", True)
    assert "was changed since it was imported" in gate["stimuli"][1]
    item = next(i for i in stage.page.desk.gate if i.id == "stimuli")
    stage.page._pass_over(item)
    stage.until(lambda: any(i.override == "because" for i in stage.page.desk.gate))
    request = stage.page.desk.request()
    assert request is not None
    assert [(o.item, o.reason) for o in request.overrides] == [("stimuli", "because")]


def test_numbers_in_another_unit_than_announced_are_caught_and_mended(stage: Stage) -> None:
    volts = {name: noise(12e-6, k) for k, name in enumerate(("Fp1", "Fp2", "C3", "C4"))}
    counts = {name: whole(noise(40_000.0, k)) for k, name in enumerate(("E1", "E2"))}
    stage.show(
        Device("GateVolts", "EEG", volts, unit="microvolts"),
        Device("GateCounts", "EOG", counts, unit="volts"),
    )  # fmt: skip
    gate = stage.until_known()
    assert (gate["units"][0], gate["units"][2]) == ("fail", True)
    assert "in V it would vary by 1" in gate["units"][1]
    assert "raw counts" in gate["units"][1]
    page = stage.page
    page._toggle_roles()
    doubt = next(o for o in page.desk.observation().roles if o.role == "EEG")  # type: ignore[union-attr]
    assert doubt.doubt is not None
    page.roles.desk.correct_unit(doubt.assignment, doubt.doubt.unit)
    eeg = next(r for r in page.desk.roles if r.role == "EEG")
    assert (eeg.gain, eeg.unit) == (1.0, "V")
    rows = [k for k, row in enumerate(page.roles.desk.table) if row.role == "EOG"]
    page.roles.desk.change(rows, "Scale", scale="0.0003 uV/count", unit="counts")
    gate = stage.until_known_again("units", "good")
    # Undo brings the device's own unit back, also in study.toml.
    page.roles.desk.undo()
    page.roles.desk.undo()
    assert next(r for r in page.desk.roles if r.role == "EEG").gain == 1e-6


def test_streams_appear_go_and_are_told_apart(stage: Stage) -> None:
    stage.show(Device("GateEEG", "EEG", GOOD_EEG))
    stage.page.poll()
    twin = replace(stage.world.streams[0], uid="other", source_id="GateEEG-2")
    stage.world.streams = (*stage.world.streams, twin)
    stage.page.poll()
    desk = stage.page.desk
    assert desk.new_uids == ("other",)
    words = [r.words for r in resolve_streams(desk.streams, desk.roles, desk.new_uids, desk.gone)]
    assert all("same name twice (source id GateEEG-" in w for w in words)
    stage.until(lambda: any(i.id == "streams" and "Choose one by source_id" in i.remedy for i in desk.gate))
    stage.world.streams = stage.world.streams[:1]
    stage.page.poll()
    rows = resolve_streams(desk.streams, desk.roles, desk.new_uids, desk.gone)
    assert [(r.level, r.words.split(" · ")[-1]) for r in rows] == [("good", "250 Hz"), ("caution", "gone")]
    assert MARKER_STREAM_NAME not in [s.name for s in desk.streams]


@pytest.mark.parametrize(("amplitude", "answers"), [(0.4e-6, True), (0.0, False)])
def test_a_response_is_told_by_its_size_and_latency(amplitude: float, answers: bool) -> None:
    hz = 50.0
    t = np.arange(round(25 * hz)) / hz
    # A response that begins 2 s after the breath, rises in 1.5 s and recovers slowly (Boucsein 2012).
    since = np.maximum(0, t - 12.0)
    skin = 5e-6 + 2e-9 * np.sin(0.4 * t) + amplitude * (1 - np.exp(-since / 0.6)) * np.exp(-since / 4)
    result = judge_breath(skin, hz, 10.0)
    assert result.has_response == answers
    assert result.level_s == pytest.approx(5e-6, rel=0.1)
    if answers:
        assert result.latency_s == pytest.approx(2.0, abs=0.4)


def test_a_deep_breath_shows_whether_skin_answers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # The operator's words are shortened, the body's answer is not.
    monkeypatch.setattr("veridical.gui.run.run_desk.BREATH_S", 1.0)
    monkeypatch.setattr("veridical.gui.run.run_desk.LENGTH_S", 8.0)
    still = Device("GateStill", "EDA", {"EDA": lambda t: 4.0 + 0.002 * np.sin(0.4 * t)}, 32, "microsiemens")
    stage.show(still)
    gate = stage.until_known()
    assert gate["breath"][:2] == (
        "unknown", "Not checked yet. Let the participant take one deep breath: Check skin response.",
    )  # fmt: skip
    stage.breathe()
    light, words, stops = stage.until_known_again("breath", "caution")["breath"]
    assert (light, stops) == ("caution", False)
    assert words.startswith("No response of 0.01 µS or more to a deep breath (level 4.0 µS)")
    assert "Warm the hands" in words
    stage.take_away(still)
    # A simulated participant who breathes when told to; the skin's own responses come 1 to 3 times a minute.
    stage.simulate(SimulationPlan(seed=3, eeg_channels=1, eeg_hz=100.0, eda_hz=32.0, ecg_hz=100.0, prefix="Breath"))
    stage.until(lambda: stage.page.desk.has_skin)
    stage.breathe()
    stage.until_known_again("breath", "good")
    breath = stage.page.desk.breath
    assert breath is not None
    assert breath.latency_s is not None
    assert breath.amplitude_s is not None
    assert 1.0 < breath.latency_s < 3.5
    assert breath.amplitude_s > 0.2e-6
    request = stage.page.desk.request()
    assert request is not None
    assert request.breath == breath
