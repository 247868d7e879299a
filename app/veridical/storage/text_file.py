"""The participant's words as data: one file for each language in ``resources/texts``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from veridical.domain.errors import StudyError
from veridical.domain.items import BUILT_IN
from veridical.domain.rating import Scale
from veridical.paths import resources

# Tables of a language file that hold something else than one text.
_TABLES = ("language", "scales")


@dataclass(frozen=True)
class ScaleWords:
    """A built-in scale in a language; empty fields are left as they are."""

    question: str
    low: str = ""
    middle: str = ""
    high: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class LanguageTexts:
    """One language file.

    Parameters
    ----------
    code, name : str
        ``ja`` and what its speakers call it.
    font : str
        File stem in ``resources/fonts`` before the weight; empty for the interface's own.
    has_spaces : bool
        Whether lines break at spaces only; without, between any two letters that may part.
    words : mapping
        Texts by key.
    scales : mapping
        Built-in scales by id.
    """

    code: str
    name: str
    words: Mapping[str, str]
    scales: Mapping[str, ScaleWords]
    font: str = ""
    has_spaces: bool = True


def languages() -> tuple[str, ...]:
    """Codes of the languages that ship, sorted."""
    return tuple(sorted(f.stem for f in _folder().glob("*.toml")))


def read_language(code: str) -> LanguageTexts:
    """Read a language file; StudyError names those that ship if this one does not."""
    if code not in languages():
        raise StudyError(f"No texts are shipped for the language {code!r}; choose one of {', '.join(languages())}.")
    table = tomllib.loads((_folder() / f"{code}.toml").read_text(encoding="utf-8"))
    about = table.get("language", {})
    return LanguageTexts(
        code=code,
        name=str(about.get("name", code)),
        words={key: str(value) for key, value in table.items() if key not in _TABLES},
        scales={key: _scale(words) for key, words in table.get("scales", {}).items()},
        font=str(about.get("font", "")),
        has_spaces=bool(about.get("has_spaces", True)),
    )


def translate_scale(scale: Scale, words: Mapping[str, ScaleWords]) -> Scale:
    """Return a scale with every word that is still the shipped English one put into a language.

    Words of the study's own stay as they are. What is stored is the same in every language: ids, values, and the
    options' own names.
    """
    shipped = next((b for b in BUILT_IN if b.id == scale.id), None)
    if shipped is None or scale.id not in words:
        return scale
    mine = words[scale.id]
    has_own_options = scale.options != shipped.options or scale.option_words or mine.options == scale.options
    return replace(
        scale,
        question=mine.question if scale.question == shipped.question else scale.question,
        low=mine.low if scale.low == shipped.low else scale.low,
        middle=mine.middle if scale.middle == shipped.middle else scale.middle,
        high=mine.high if scale.high == shipped.high else scale.high,
        option_words=scale.option_words if has_own_options else mine.options,
    )


def _scale(words: Mapping[str, object]) -> ScaleWords:
    options = words.get("options", [])
    assert isinstance(options, list)
    return ScaleWords(
        question=str(words["question"]),
        low=str(words.get("low", "")),
        middle=str(words.get("middle", "")),
        high=str(words.get("high", "")),
        options=tuple(str(o) for o in options),
    )


def _folder() -> Path:
    return resources() / "texts"
