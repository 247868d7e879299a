"""Which stimuli are sensitive, by the words of their theme, category and file name."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from veridical.domain.errors import StorageError
from veridical.domain.stimulus import Stimulus
from veridical.paths import resources


class _Kind(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    words: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    kind: list[_Kind]


@dataclass(frozen=True)
class SensitiveThemes:
    """Words by kind of sensitivity, ready to be looked for."""

    kinds: tuple[tuple[str, re.Pattern[str]], ...]

    def find_kind(self, stimulus: Stimulus) -> str:
        """Return the kind ("nudity", "injury") that a stimulus' words fall under; empty if none."""
        stem = PurePosixPath(stimulus.file.replace("\\", "/")).stem
        text = re.sub(r"[_\-./]+", " ", " | ".join((stimulus.theme, stimulus.category, stem))).lower()
        return next((name for name, pattern in self.kinds if pattern.search(text)), "")


def read_sensitive_themes(path: Path | None = None) -> SensitiveThemes:
    """Read the shipped list, or another of its form; StorageError if it is damaged."""
    file = path or resources() / "stimuli" / "sensitive_themes.toml"
    try:
        content = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise StorageError(f"{file} cannot be read ({error}); install Veridical anew.") from error
    return SensitiveThemes(tuple((kind.name, _pattern(kind.words)) for kind in content.kind))


def _pattern(words: list[str]) -> re.Pattern[str]:
    return re.compile(r"(?<![^\W\d_])(?:" + "|".join(re.escape(w.lower()) for w in words) + r")s?(?![^\W\d_])")
