"""``veridical record``: the way into a process that is small enough for hours beside an experiment."""

import os
import sys

import msgspec

from veridical.cli.record_request import RecordRequest


def start_record(request: RecordRequest, owns_process: bool) -> int:
    """Record, in a process without the command line's own weight if there can be one; returns the exit status.

    What reads the options weighs as much as all that records, for hours, beside an experiment. POSIX
    can put another program into this process: same id, terminal and exit status. Windows cannot.

    Parameters
    ----------
    owns_process : bool
        Whether nothing else lives in this process.
    """
    if owns_process and os.name == "posix" and not getattr(sys, "frozen", False):
        # Modules of the current folder are seen only if they were seen before.
        flags = [] if sys.argv[0].endswith("__main__.py") else ["-P"]
        sys.stdout.flush()
        sys.stderr.flush()
        words = msgspec.json.encode(request).decode()
        os.execv(sys.executable, [sys.executable, *flags, "-m", "veridical.cli.recording", words])
    from veridical.cli.recording import run_record

    return run_record(request)
