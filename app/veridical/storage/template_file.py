"""The protocols that ship, and any other study.toml taken as a template."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from veridical.domain.errors import StudyError
from veridical.domain.study import StudySettings
from veridical.paths import resources
from veridical.storage.study_file import parse_study, read_study_file

DEFAULT_TEMPLATE = "autonomic"
_SUMMARY = re.compile(r'^summary\s*=\s*"(.*)"\s*$', re.MULTILINE)


@dataclass(frozen=True)
class Template:
    """What a new study starts from.

    Parameters
    ----------
    summary : str
        One line for people.
    """

    name: str
    summary: str
    settings: StudySettings


def templates() -> tuple[Template, ...]:
    """Templates that ship, the default one first."""
    names = sorted(f.stem for f in _folder().glob("*.toml"))
    return tuple(read_template(n) for n in sorted(names, key=lambda n: (n != DEFAULT_TEMPLATE, n)))


def read_template(name: str) -> Template:
    """Read a template by its name, or from a study.toml (a path) of another study.

    Raises
    ------
    StudyError
        If there is none of this name, or the file is faulty.
    """
    file = _folder() / f"{name}.toml"
    if file.parent == _folder() and file.is_file():
        text = file.read_text(encoding="utf-8")
        summary = _SUMMARY.search(text)
        # Blanked rather than cut, so that lines keep their numbers.
        return Template(name, summary[1] if summary else "", parse_study(_SUMMARY.sub("", text), file))
    own = Path(name).expanduser()
    own = own / "study.toml" if own.is_dir() else own
    if own.suffix == ".toml" and own.is_file():
        settings = read_study_file(own)
        # Roles belong to the other study's amplifier.
        return Template(settings.protocol.name, settings.title, replace(settings, roles=()))
    known = ", ".join(sorted(f.stem for f in _folder().glob("*.toml")))
    raise StudyError(f"No template is called {name!r}; choose {known}, or give the study.toml of another study.")


def _folder() -> Path:
    return resources() / "protocols"
