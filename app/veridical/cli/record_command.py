"""``veridical record``: the way into a process that is small enough for hours beside an experiment."""

import contextlib
import os
import sys
from pathlib import Path

import msgspec

from veridical.cli.record_request import RecordRequest


def start_record(request: RecordRequest) -> int:
    """Record, in a process without the command line's own weight if there can be one; returns the exit status.

    What reads the options weighs as much as all that records, for hours, beside an experiment. POSIX
    can put another program into this process: same id, terminal and exit status. Windows cannot.
    """
    if _owns_process() and os.name == "posix" and not getattr(sys, "frozen", False):
        # Modules of the current folder are seen only if they were seen before.
        flags = [] if _program().name == "__main__.py" else ["-P"]
        sys.stdout.flush()
        sys.stderr.flush()
        # A path that is no text, or a system that refuses: then as it is.
        with contextlib.suppress(OSError, ValueError):
            words = msgspec.json.encode(request).decode()
            os.execv(sys.executable, [sys.executable, *flags, "-m", "veridical.cli.recording", words])
    from veridical.cli.recording import run_record

    return run_record(request)


def _program() -> Path:
    """The file that this process runs; an empty path if it runs none."""
    return Path(getattr(sys.modules["__main__"], "__file__", None) or "")


def _owns_process() -> bool:
    """Whether the process is the command line's own, and not somebody's who calls it as a function."""
    program = _program()
    return program.stem == "veridical" or (program.name, program.parent.name) == ("__main__.py", "veridical")
