"""One writer per file: a lock of the operating system, gone with the process that holds it."""

import sys
from typing import IO


def try_lock(file: IO[bytes]) -> bool:
    """Lock an open file for this process; False if another one (or another opening of it) holds the lock."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # Far behind what is ever written: Windows would refuse others to read what is locked.
            place = file.tell()
            file.seek(1 << 40)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(place)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
