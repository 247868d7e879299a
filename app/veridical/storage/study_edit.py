"""Small changes to study.toml that leave every comment and every other line as they are."""

from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from veridical.domain.errors import StudyError
from veridical.storage.atomic import write_atomically


def set_stimuli_validated(path: Path, is_validated: bool) -> bool:
    """Say in study.toml whether the norms come from a study of their own; returns whether that changed anything.

    Raises
    ------
    StudyError
        If study.toml cannot be read.
    StorageError
        If it cannot be written.
    """
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise StudyError(f"{path} cannot be read ({error}); restore it from a backup.") from error
    if document.get("are_stimuli_validated", False) == is_validated:
        return False
    # Indent and comment of the old value stay.
    document["are_stimuli_validated"] = is_validated
    write_atomically(path, tomlkit.dumps(document).encode())
    return True
