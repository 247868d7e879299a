"""Hardware pulses: one for each picture, at its flip, and a broken port never stops a session."""

import threading
from pathlib import Path

import pytest

from veridical.domain.errors import StreamError, StudyError
from veridical.domain.event import Marker
from veridical.domain.trigger import TriggerChoice, pulse_code
from veridical.presenter.trigger import Trigger
from veridical.presenter.trigger_wires import open_wires
from veridical.storage.study_file import read_study_file


class _Wires:
    """Remembers what it was told; breaks after some pulses."""

    def __init__(self, lasts_for: int = 1000) -> None:
        self.codes: list[int] = []
        self.is_low = threading.Event()
        self._lasts_for = lasts_for

    def set(self, code: int) -> None:
        if len(self.codes) >= self._lasts_for:
            raise OSError("device unplugged")
        self.codes.append(code)
        if code == 0:
            self.is_low.set()

    def close(self) -> None:
        self.codes.append(0)


def _shown(trial: int, name: str = "picture/positive") -> Marker:
    return Marker(name, {"id": "x", "trial": str(trial)})


def test_pictures_pulse_with_their_trials_code_and_nothing_else_does() -> None:
    wires = _Wires()
    trigger = Trigger("serial", wires, 0.005, lambda: 10.0003)
    for marker in (
        Marker("fixation", {"trial": "7"}),
        _shown(7),
        Marker("picture/off", {"trial": "7"}),
        Marker("pause"),
    ):
        trigger.follow(marker, 10.0)
    assert wires.is_low.wait(2.0)
    trigger.close()
    assert wires.codes == [13, 0, 0]
    report = trigger.report()
    assert (report.n_pulses, report.problem) == (1, "")
    assert report.delay_median_s == pytest.approx(0.0003)


def test_codes_fit_eight_lines_and_a_single_wire_sees_every_picture() -> None:
    codes = [pulse_code(trial) for trial in range(1, 1001)]
    assert min(codes) == 1
    assert max(codes) == 253
    assert codes[:3] == [1, 3, 5]
    assert codes[127] == 1
    assert all(code % 2 for code in codes)


def test_a_port_that_breaks_is_told_and_left_alone() -> None:
    trigger = Trigger("serial", _Wires(lasts_for=0), 0.005, lambda: 0.0)
    trigger.follow(_shown(1), 0.0)
    assert "device unplugged" in trigger.problem
    assert "software timing" in trigger.problem
    trigger.follow(_shown(2), 0.0)
    assert trigger.report().problem == trigger.problem
    trigger.close()


@pytest.mark.parametrize("choice", [
    TriggerChoice("serial", "/dev/nothing-here"), TriggerChoice("parallel", "/dev/parport99"), TriggerChoice("labjack"),
])  # fmt: skip
def test_a_port_that_is_not_there_is_a_sentence_with_a_remedy(
    choice: TriggerChoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE", "APPDATA", "PSYCHOPYNOPACKAGES"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(StreamError, match=r"cannot be opened|is not installed; install it"):
        open_wires(choice)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('kind = "serial"', "address must be given"),
        ("width_s = 2.0", "width_s must be above 0"),
        ('kind = "usb"', "kind"),
    ],
)
def test_a_wrong_trigger_in_study_toml_is_named(tmp_path: Path, line: str, fault: str) -> None:
    (tmp_path / "study.toml").write_text(f"[trigger]\n{line}\n")
    with pytest.raises(StudyError, match=fault):
        read_study_file(tmp_path / "study.toml")
