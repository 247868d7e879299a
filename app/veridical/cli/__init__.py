"""The command line: everything the window does is also a command. It wires the concrete parts together."""


def main() -> None:
    """Run the command line."""
    from veridical.cli.app import main as run

    run()
