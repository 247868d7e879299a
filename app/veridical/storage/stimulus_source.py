"""Where stimuli are imported from: a folder or a zip archive, read the same way and trusted as little."""

import shutil
import unicodedata
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath

from veridical.domain.errors import StimulusError
from veridical.domain.stimulus import is_absolute

# What file managers leave behind.
_JUNK_FOLDERS = ("__macosx",)
_JUNK_FILES = ("thumbs.db", "desktop.ini")


def key_of(name: str) -> str:
    """What two spellings of one file name have in common: case, blanks at the ends and composed letters differ."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _is_junk(name: PurePosixPath) -> bool:
    parts = [p.lower() for p in name.parts]
    return any(p in _JUNK_FOLDERS or p.startswith(".") for p in parts) or parts[-1] in _JUNK_FILES


class StimulusSource(ABC):
    """Files by their names relative to the source, with forward slashes."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @property
    @abstractmethod
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every file, without what file managers leave behind, by name in sorted order."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read a file; StimulusError if that fails."""

    @abstractmethod
    def copy(self, name: str, target: Path) -> None:
        """Copy a file to a new place; OSError if that fails, StimulusError if the archive is damaged there."""

    @abstractmethod
    def path(self, name: str) -> Path:
        """Where a file lies; StimulusError in an archive, whose files lie nowhere."""

    @cached_property
    def _by_key(self) -> Mapping[str, str]:
        return {key_of(name): name for name in reversed(tuple(self.sizes))}

    @cached_property
    def _by_stem(self) -> Mapping[str, tuple[str, ...]]:
        stems: dict[str, tuple[str, ...]] = {}
        for name in self.sizes:
            file = PurePosixPath(name)
            for known in {key_of(file.stem), key_of(file.name)}:
                stems[known] = (*stems.get(known, ()), name)
        return stems

    def find(self, wanted: str, folder: str = "") -> str | None:
        """Find the file that a table means.

        Parameters
        ----------
        wanted : str
            As the table writes it: a relative path, a file name, or a name without ending.
        folder : str
            Folder of the table, tried first.

        Returns
        -------
        str or None
            Its name; None if no file or more than one fits.
        """
        exact = self._by_key.get(key_of(f"{folder}/{wanted}" if folder else wanted)) or self._by_key.get(key_of(wanted))
        if exact is not None:
            return exact
        if "/" in wanted:
            ending = "/" + key_of(wanted)
            fitting = tuple(name for key, name in self._by_key.items() if key.endswith(ending))
        else:
            fitting = self._by_stem.get(key_of(wanted), ())
        return fitting[0] if len(fitting) == 1 else None


class FolderSource(StimulusSource):
    """A folder."""

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every file by name."""
        found: dict[str, int] = {}
        for path in sorted(self.place.rglob("*")):
            name = PurePosixPath(path.relative_to(self.place).as_posix())
            if not _is_junk(name) and path.is_file():
                found[str(name)] = path.stat().st_size
        return found

    def read(self, name: str) -> bytes:
        """Read a file."""
        try:
            return self.path(name).read_bytes()
        except OSError as error:
            raise StimulusError(f"{self.path(name)} cannot be read ({error.strerror}); check the disk.") from error

    def copy(self, name: str, target: Path) -> None:
        """Copy a file."""
        shutil.copyfile(self.path(name), target)

    def path(self, name: str) -> Path:
        """Where a file lies."""
        return self.place / name


class ZipSource(StimulusSource):
    """A zip archive."""

    def __init__(self, place: Path, archive: zipfile.ZipFile) -> None:
        super().__init__(place)
        self._archive = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            # Some archives made on Windows separate folders by backslashes.
            name = PurePosixPath(member.filename.replace("\\", "/"))
            if is_absolute(member.filename) or ".." in name.parts:
                raise StimulusError(
                    f"{place} names a file outside itself ({member.filename!r}), as no honest archive does; download "
                    "it again from its source, or unpack it yourself and import the folder."
                )
            if member.flag_bits & 1:
                raise StimulusError(f"{place} is encrypted; unpack it with its password and import the folder.")
            if not member.is_dir() and not _is_junk(name):
                self._members[str(name)] = member

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every unpacked file by name."""
        return {name: self._members[name].file_size for name in sorted(self._members)}

    def read(self, name: str) -> bytes:
        """Read a file."""
        try:
            return self._archive.read(self._members[name])
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
            raise self._damage(name, error) from error

    def copy(self, name: str, target: Path) -> None:
        """Unpack a file."""
        with target.open("xb") as out:
            try:
                with self._archive.open(self._members[name]) as member:
                    shutil.copyfileobj(member, out, 1 << 20)
            except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
                raise self._damage(name, error) from error

    def path(self, name: str) -> Path:
        """Refuse: nothing outside the archive can be pointed at."""
        raise StimulusError(
            f"{self.place} is an archive, whose files cannot be referenced; copy them, or unpack it and import "
            "the folder."
        )

    def _damage(self, name: str, error: Exception) -> StimulusError:
        return StimulusError(f"{name} in {self.place} is damaged ({error}); download the archive again.")


@contextmanager
def open_source(place: Path) -> Iterator[StimulusSource]:
    """Open a folder or a zip archive.

    Raises
    ------
    StimulusError
        If there is neither, the archive is damaged or encrypted, or it names files outside itself.
    """
    if place.is_dir():
        yield FolderSource(place)
        return
    if not place.exists():
        raise StimulusError(f"{place} does not exist; give the folder, zip archive or table of a stimulus set.")
    try:
        archive = zipfile.ZipFile(place)
    except (zipfile.BadZipFile, OSError) as error:
        raise StimulusError(
            f"{place} is neither a folder nor a sound zip archive ({error}); unpack it and give the folder, or give "
            "its table (.csv or .tsv)."
        ) from error
    with archive:
        yield ZipSource(place, archive)
