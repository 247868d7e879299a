"""``python -m veridical.recorder RUN_DIR``: record a run until its session ends."""

import gc
import logging
import signal
import sys
import threading
from pathlib import Path

import msgspec

from veridical.domain.errors import VeridicalError
from veridical.ipc.channel import Server
from veridical.ipc.messages import RecorderState, Stop
from veridical.paths import RunPaths
from veridical.recorder.outcome import RecorderOutcome
from veridical.recorder.recording_loop import record
from veridical.storage.child_log import log_patiently
from veridical.storage.run_folder import read_plan, write_outcome

# So long the last state stays to be seen by windows after the file is closed.
_LINGER_S = 1.0


class _StopRequest(threading.Event):
    """Set by a signal, or by a window's command, which is looked for whenever somebody asks."""

    server: Server | None = None

    def is_set(self) -> bool:
        """Whether the recording is to end."""
        if self.server is not None and any(isinstance(command, Stop) for command in self.server.poll()):
            self.set()
        return super().is_set()


def main(arguments: list[str]) -> int:
    """Record the run of a folder; 0 if the recording is verified in one file, 1 if not, 2 for wrong usage."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m veridical.recorder RUN_DIR\n")
        return 2
    paths = RunPaths(Path(arguments[0]))
    stop = _StopRequest()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: stop.set())
    try:
        outcome = _record_run(paths, stop)
        return 0 if outcome.is_verified and not outcome.alarm else 1
    except VeridicalError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _record_run(paths: RunPaths, stop: _StopRequest) -> RecorderOutcome:
    plan = read_plan(paths)
    server = Server(paths.connection("recorder"))
    try:
        server.publish(RecorderState("starting"))
        stop.server = server
        last = RecorderState("starting")

        def publish(state: RecorderState) -> None:
            nonlocal last
            last = state
            # The last state is told once the outcome is on disk, so that who sees it finds it.
            if state.phase != "ended":
                server.publish(state)

        # What is loaded now stays: no collection needs to look at it again and again.
        gc.freeze()
        fallback = Path(plan.fallback) if plan.fallback else None
        outcome = record(Path(plan.xdf), plan.streams, None, stop, publish, plan.marker_source_id, fallback, plan.roles)
        write_outcome(paths, "recorder", msgspec.to_builtins(outcome))
        server.publish(last)
        threading.Event().wait(_LINGER_S)
        return outcome
    finally:
        server.close()


if __name__ == "__main__":
    log_patiently()
    sys.exit(main(sys.argv[1:]))
