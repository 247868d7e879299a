"""``python -m veridical.presenter RUN_DIR``: the presenter as a program."""

import argparse
import signal
import sys
from pathlib import Path

from veridical.paths import RunPaths
from veridical.presenter.process import PresenterProcess
from veridical.storage.child_log import log_patiently


def main(arguments: list[str] | None = None) -> int:
    """Run the presenter of one run folder; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m veridical.presenter", description="Present the session of a run.")
    parser.add_argument("run_folder", type=Path, help="folder that holds run.json")
    parser.add_argument("--screenshots", type=Path, help="save one PNG of every kind of view here (disturbs timing)")
    options = parser.parse_args(arguments)
    process = PresenterProcess(RunPaths(options.run_folder), options.screenshots)
    # Whoever ends the process ends the session properly: markers, journal and outcome stay whole.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: process.interrupt())
    return process.run()


if __name__ == "__main__":
    log_patiently()
    sys.exit(main())
