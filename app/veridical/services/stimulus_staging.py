"""Where an import collects its files, so that all of them or none appear in the study."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import psutil

from veridical.domain.errors import StorageError

_STAGING = ".importing-"
# Names that Windows keeps for devices, whatever their ending.
_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


@contextlib.contextmanager
def open_staging(stimuli: Path) -> Iterator[Path]:
    """A folder beside its final place, so that it can be moved there in one step; gone when the import is over."""
    staging = stimuli / f"{_STAGING}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        staging.mkdir(parents=True)
        yield staging
    except OSError as error:
        raise StorageError(
            f"{stimuli} cannot be written ({error.strerror or error}); free space or choose another disk. The study is "
            "as it was."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def clear_left_overs(stimuli: Path) -> None:
    """Remove what an import left behind that was killed."""
    for folder in stimuli.glob(f"{_STAGING}*"):
        number = folder.name.removeprefix(_STAGING).partition("-")[0]
        if number.isdigit() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def make_safe_name(name: str) -> str:
    """A file name that every system and our table can hold."""
    stem, suffix = os.path.splitext(PurePosixPath(name).name)
    stem = " ".join(re.sub(r'[<>:"|?*\\\x00-\x1f]', "_", stem).split()).rstrip(". ") or "file"
    return f"{'_' if _DEVICES.match(stem) else ''}{stem}{suffix}"


def find_unused(stimuli: Path, name: str) -> str:
    """Return ``name``, or ``name-2`` and so on if a folder of that name is there."""
    candidate, number = name, 1
    while (stimuli / candidate).exists():
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def keep_only(staging: Path, kept: Sequence[Path]) -> None:
    """Drop staged files that no new row names."""
    wanted = set(kept)
    for path in staging.iterdir():
        if path not in wanted:
            path.unlink()
