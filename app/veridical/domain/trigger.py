"""Hardware pulses that go along with pictures, for amplifiers that record them."""

from dataclasses import dataclass
from typing import Literal

TriggerKind = Literal["none", "serial", "parallel", "labjack", "loopback"]


@dataclass(frozen=True)
class TriggerChoice:
    """How a pulse leaves the presenting computer; chosen in study.toml under ``[trigger]``.

    Parameters
    ----------
    kind : str
        ``none``: LSL markers only. ``loopback`` sends the line's level as an LSL stream, for trying out.
    address : str
        ``COM3`` or ``/dev/ttyUSB0``; ``0x378`` or ``/dev/parport0``; empty for the first LabJack U3.
    baud : int
        Of a serial port.
    width_s : float
        Seconds for which the line stays up; at least three samples of the amplifier.
    """

    kind: TriggerKind = "none"
    address: str = ""
    baud: int = 115200
    width_s: float = 0.01


def pulse_code(trial: int) -> int:
    """Return what a picture's pulse says: an odd number of 1 to 253, counting with the trials.

    The lowest line is up for every picture, so that an amplifier with a single input sees each of them; which picture
    it was, the marker tells.
    """
    return 2 * ((trial - 1) % 127) + 1
