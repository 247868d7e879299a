"""Files that only grow: each line is on disk before the call returns."""

import os
from pathlib import Path

from veridical.domain.errors import StorageError
from veridical.storage.file_lock import try_lock


class AppendOnlyFile:
    """Lines at the end of a file; makes the file and its folder if they are missing.

    A last line that a crash cut off is removed on opening, so that it cannot swallow the next one.

    Parameters
    ----------
    is_alone : bool
        Refuse to open while another window or program has the file open in this way.

    Raises
    ------
    StorageError
        If the file cannot be written, or (``is_alone``) is in use.
    """

    def __init__(self, path: Path, *, is_alone: bool = False) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
            if is_alone and not try_lock(self._file):
                self._file.close()
                raise StorageError(
                    f"{path.name} is open in another window; close it there first. Until then nothing can be changed "
                    "here."
                )
            data = path.read_bytes()
            if data and not data.endswith(b"\n"):
                os.truncate(path, data.rfind(b"\n") + 1)
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
