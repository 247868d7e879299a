"""Files that only grow: each line is on disk before the call returns."""

import os
from pathlib import Path

from veridical.domain.errors import StorageError


class AppendOnlyFile:
    """Lines at the end of a file; makes the file and its folder if they are missing.

    A last line that a crash cut off is removed on opening, so that it cannot swallow the next one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                data = path.read_bytes()
                if data and not data.endswith(b"\n"):
                    os.truncate(path, data.rfind(b"\n") + 1)
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, line: bytes) -> None:
        """Write one line (without its end) and force it to disk; StorageError if that fails."""
        try:
            if self._file.write(line + b"\n") != len(line) + 1:
                raise OSError("only a part of the line was written")
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self._path} cannot be written ({error.strerror or error}); free space or choose another folder; "
            "what was saved before is safe."
        )


def read_lines(path: Path) -> tuple[bytes, ...]:
    """Read every whole line; no file means none, and a last line cut off by a crash is left out."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}); check the disk.") from error
    return tuple(data.split(b"\n")[:-1])
