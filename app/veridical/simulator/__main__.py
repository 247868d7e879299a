"""The simulator process: ``python -m veridical.simulator DIR``, where DIR holds simulation.json."""

import sys
from pathlib import Path

from veridical.domain.errors import VeridicalError
from veridical.ipc.channel import Server
from veridical.ipc.messages import SimulatorState, Stop
from veridical.paths import RunPaths
from veridical.simulator.live import LiveAmplifier
from veridical.simulator.setup import read_setup

_STEP_S = 0.02


def main(arguments: list[str]) -> int:
    """Stream until a ``Stop`` command or an interrupt; returns the exit status."""
    if len(arguments) != 1:
        print("usage: python -m veridical.simulator DIR", file=sys.stderr)  # noqa: T201
        return 2
    folder = Path(arguments[0])
    if not folder.is_dir():
        print(f"There is no folder {folder}; give the one that holds simulation.json.", file=sys.stderr)  # noqa: T201
        return 1
    server = Server(RunPaths(folder).connection("simulator"))
    try:
        server.publish(SimulatorState("starting"))
        _stream(folder, server)
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


def _stream(folder: Path, server: Server) -> None:
    amplifier = LiveAmplifier(read_setup(folder))
    try:
        server.publish(SimulatorState("streaming", ", ".join(amplifier.names)))
        while not isinstance(server.wait(_STEP_S), Stop):
            amplifier.step()
    finally:
        amplifier.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
