"""Writes that are whole or did not happen."""

import contextlib
import os
import secrets
from pathlib import Path

from veridical.domain.errors import StorageError


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write through a temporary file, fsync and rename; makes the folder if it is missing.

    Raises
    ------
    StorageError
        If the disk is full or the folder cannot be written; the old file, if any, is unharmed.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StorageError(
            f"{path} cannot be written ({error.strerror or error}); free space or choose another folder."
        ) from error
