"""Files that were found whole, and how to tell that nobody has touched them since."""

from pathlib import Path


class VerifiedFiles:
    """Remembers which files were read to their end and found right, so that a check every few seconds is cheap.

    A file counts as untouched as long as size, modification, change and place on the disk are the same. That is for
    looking often; before a session starts, everything is read again.
    """

    def __init__(self) -> None:
        self._known: dict[Path, tuple[object, ...]] = {}

    def stamp(self, path: Path, sha256: str) -> tuple[object, ...] | None:
        """How a file looks from outside, to be taken before it is read; None if it cannot be asked.

        Parameters
        ----------
        sha256 : str
            Of the bytes it is meant to have: what it is compared with may change, too.
        """
        try:
            told = path.stat()
        except OSError:
            return None
        return sha256, told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino

    def holds(self, path: Path, stamp: tuple[object, ...] | None) -> bool:
        """Whether the file was found right when it looked like this."""
        return stamp is not None and self._known.get(path) == stamp

    def note(self, path: Path, stamp: tuple[object, ...] | None) -> None:
        """Remember that the file was found right."""
        if stamp is not None:
            self._known[path] = stamp
