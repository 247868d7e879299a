"""What a child process says on stderr, which stands in a file: a full disk must not end the child for it."""

import io
import sys
from typing import Any


class _PatientFile(io.FileIO):
    """Drops what the disk refuses."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data) or len(data)
        except OSError:
            return len(data)


def open_patiently(descriptor: int) -> io.TextIOWrapper:
    """Return a text stream on an open descriptor that never raises because of the disk; unbuffered."""
    # FileIO itself satisfies the wrapper, as it does for python -u; the stubs ask for a buffered one.
    raw: Any = _PatientFile(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)


def log_patiently() -> None:
    """From now on, stdout and stderr drop what cannot be written instead of raising in the middle of a session."""
    sys.stdout, sys.stderr = open_patiently(1), open_patiently(2)
