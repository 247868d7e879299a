"""The command line: everything the window does is also a command. It wires the concrete parts together."""

from veridical.cli.app import main

__all__ = ["main"]
