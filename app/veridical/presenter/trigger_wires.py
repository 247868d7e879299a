"""The ways out of the computer: one class for each kind of port, all alike."""

from typing import Any, Protocol

from veridical.domain.errors import StreamError
from veridical.domain.trigger import TriggerChoice
from veridical.streaming.loopback import Loopback


class Wires(Protocol):
    """Eight lines that can be set at once."""

    def set(self, code: int) -> None:
        """Set the lines to ``code``, 0 to 255; OSError or what the driver raises if they cannot be."""
        ...

    def close(self) -> None:
        """Let go of the port, lines low."""
        ...


class SerialWires:
    """A trigger box on a serial or USB port that puts each byte it gets on its lines."""

    def __init__(self, choice: TriggerChoice) -> None:
        import serial

        # A write that cannot be taken at once must not hold up the picture that follows.
        self._port = serial.Serial(choice.address, choice.baud, timeout=0, write_timeout=0)

    def set(self, code: int) -> None:
        """Send one byte."""
        self._port.write(bytes((code,)))

    def close(self) -> None:
        """Lines low, port closed."""
        self._port.write(b"\0")
        self._port.close()


class ParallelWires:
    """The data pins of a parallel port, through PsychoPy's driver for this system."""

    def __init__(self, choice: TriggerChoice) -> None:
        from veridical.presenter.psychopy_screen import open_parallel_port

        address = choice.address or "0x378"
        self._port: Any = open_parallel_port(int(address, 0) if address.lower().startswith("0x") else address)
        self._port.setData(0)

    def set(self, code: int) -> None:
        """Set the data pins."""
        self._port.setData(code)

    def close(self) -> None:
        """Pins low."""
        self._port.setData(0)


class LabJackWires:
    """The EIO lines of a LabJack U3, through LabJackPython."""

    def __init__(self, choice: TriggerChoice) -> None:
        try:
            import u3
        except ImportError as error:
            raise StreamError(
                "The LabJack needs a package that is not installed; install it with `pip install LabJackPython`."
            ) from error
        self._driver = u3
        self._device = u3.U3(serial=int(choice.address)) if choice.address else u3.U3()
        self._device.getFeedback(u3.PortDirWrite(Direction=[0, 0xFF, 0], WriteMask=[0, 0xFF, 0]))

    def set(self, code: int) -> None:
        """Set the eight lines."""
        self._device.getFeedback(self._driver.PortStateWrite(State=[0, code, 0], WriteMask=[0, 0xFF, 0]))

    def close(self) -> None:
        """Lines low, device closed."""
        self.set(0)
        self._device.close()


def open_wires(choice: TriggerChoice) -> Wires:
    """Open the port that was chosen (blocks for the device).

    Raises
    ------
    StreamError
        If it cannot be opened: one sentence with the remedy.
    """
    kinds: dict[str, type[SerialWires | ParallelWires | LabJackWires | Loopback]] = {
        "serial": SerialWires, "parallel": ParallelWires, "labjack": LabJackWires, "loopback": Loopback,
    }  # fmt: skip
    try:
        return kinds[choice.kind](choice)
    except StreamError:
        raise
    except Exception as error:  # every driver raises its own kind
        where = f" {choice.address}" if choice.address else ""
        raise StreamError(
            f"The {choice.kind} trigger port{where} cannot be opened ({error}); check cable and address, or set "
            'kind = "none" under [trigger] in study.toml.'
        ) from error
