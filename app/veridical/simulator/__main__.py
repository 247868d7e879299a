"""The simulator process: ``python -m veridical.simulator DIR [PID]``, where DIR holds simulation.json.

PID is the program on whose behalf it streams: once that is gone and no session runs, the simulator ends too.
"""

import signal
import sys
import time
from pathlib import Path

import psutil

from veridical.domain.errors import VeridicalError
from veridical.ipc.channel import Server
from veridical.ipc.messages import Breathe, SimulatorState, Stop
from veridical.paths import RunPaths
from veridical.simulator.live import LiveAmplifier
from veridical.simulator.setup import read_setup

_STEP_S = 0.02
_LOOK_S = 1.0
# A window that comes back for its session needs its streams.
_GRACE_S = 5.0


def main(arguments: list[str]) -> int:
    """Stream until a ``Stop`` command, an interrupt or the owner's end; returns the exit status."""
    if len(arguments) not in (1, 2) or not all(a.isdecimal() for a in arguments[1:]):
        print("usage: python -m veridical.simulator DIR [PID]", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(arguments[0])
    if not folder.is_dir():
        print(f"There is no folder {folder}; give the one that holds simulation.json.", file=sys.stderr)  # noqa: T201
        return 1
    # A shell that starts it in the background has interrupts ignored; this one is meant for us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    server = Server(RunPaths(folder).connection("simulator"))
    try:
        server.publish(SimulatorState("starting"))
        _stream(folder, server, Owner(int(arguments[1])) if len(arguments) > 1 else None)
        server.publish(SimulatorState("ended"))
    except VeridicalError as error:
        print(error, file=sys.stderr)  # noqa: T201
        server.publish(SimulatorState("failed", str(error)))
        return 1
    except KeyboardInterrupt:
        server.publish(SimulatorState("ended"))
    finally:
        server.close()
    return 0


class Owner:
    """The program that started the simulator; looked at, not asked, so that it may die in any way.

    Its id is handed down: on Windows a virtual environment's Python stands between parent and child.
    """

    def __init__(self, pid: int) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self._process = None
        self._missed_s: float | None = None
        self._looked_s = 0.0

    def is_gone_for_good(self, is_needed: bool, now_s: float) -> bool:
        """Whether the owner has been gone, and no session needed the streams, for some seconds.

        Parameters
        ----------
        now_s : float
            Monotonic seconds.
        """
        if now_s - self._looked_s < _LOOK_S:
            return False
        self._looked_s = now_s
        if is_needed or self._is_running():
            self._missed_s = None
            return False
        if self._missed_s is None:
            self._missed_s = now_s
        return now_s - self._missed_s >= _GRACE_S

    def _is_running(self) -> bool:
        try:
            return (
                self._process is not None
                and self._process.is_running()
                and self._process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            # What may not be looked at is there.
            return True


def _stream(folder: Path, server: Server, owner: Owner | None) -> None:
    amplifier = LiveAmplifier(read_setup(folder))
    try:
        server.publish(SimulatorState("streaming", ", ".join(amplifier.names)))
        while not isinstance(command := server.wait(_STEP_S), Stop):
            if isinstance(command, Breathe):
                amplifier.breathe()
            amplifier.step()
            if owner is not None and owner.is_gone_for_good(amplifier.is_needed_by_a_session, time.monotonic()):
                return
    finally:
        amplifier.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
