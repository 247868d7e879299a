"""The participant's words: shipped in ``resources/texts``, replaced by key from the study."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from veridical.domain.errors import StudyError
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.paths import resources

# Asked as they stand in the domain, so a translation may replace them; a researcher's own wording is kept.
_BUILT_IN = (VALENCE, AROUSAL)
# Shown alone, or followed by the hint how to go on.
_WITHOUT_HINT = ("paused", "goodbye")
_INSIDE_RATING = ("continue", "confirm", "rating_hint")


@dataclass(frozen=True)
class Texts:
    """All words by key.

    Parameters
    ----------
    words : mapping
        ``instructions``, ``break``, ``debrief``, ...
    scales : mapping
        Translations of the built-in scales by id.
    """

    words: Mapping[str, str]
    scales: Mapping[str, Scale]

    def get(self, key: str) -> str:
        """Words of one key, without a hint."""
        return self.words[key]

    def screen(self, key: str) -> str:
        """Words of a whole text screen: paragraphs with a blank line between, the hint last."""
        body = self.words[key]
        return body if key in _WITHOUT_HINT else f"{body}\n\n{self.words['continue']}"

    def screens(self) -> tuple[str, ...]:
        """Every text screen that a session may show."""
        return tuple(self.screen(key) for key in self.words if key not in _INSIDE_RATING)

    def translate(self, scale: Scale) -> Scale:
        """Return the scale in this language if it is a built-in one, else unchanged."""
        return self.scales.get(scale.id, scale) if scale in _BUILT_IN else scale


def load_texts(own: Mapping[str, str]) -> Texts:
    """Load the shipped words and replace those that the study words itself.

    Parameters
    ----------
    own : mapping
        The study's words by key; ``language`` (``en``, ``de``) picks the shipped file.

    Raises
    ------
    StudyError
        If no texts are shipped for the language.
    """
    language = own.get("language", "en")
    file = resources() / "texts" / f"{language}.toml"
    known = sorted(f.stem for f in file.parent.glob("*.toml"))
    if language not in known:
        raise StudyError(f"No texts are shipped for the language {language!r}; choose one of {', '.join(known)}.")
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    words = {key: str(value) for key, value in table.items() if key != "scales"}
    translated = table.get("scales", {})
    scales = {s.id: _worded(s, translated[s.id]) for s in _BUILT_IN if s.id in translated}
    return Texts({**words, **{k: v for k, v in own.items() if k != "language"}}, scales)


def _worded(scale: Scale, words: Mapping[str, str]) -> Scale:
    return replace(scale, question=words["question"], low=words["low"], middle=words["middle"], high=words["high"])
