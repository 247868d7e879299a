"""The participant's words: shipped in ``resources/texts``, replaced by key from the study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from veridical.domain.items import attention_id, attention_scale
from veridical.domain.protocol import SessionPlan
from veridical.domain.rating import Scale
from veridical.storage.text_file import ScaleWords, read_language, translate_scale

# Shown alone; the others are followed by the hint how to go on.
_WITHOUT_HINT = ("paused", "goodbye", "break_wait", "rest")
_INSIDE_RATING = (
    "continue", "confirm", "rating_hint", "slider_hint", "sliders_hint", "choice_hint", "text_hint", "attention_check",
)  # fmt: skip


@dataclass(frozen=True)
class Texts:
    """All words by key.

    Parameters
    ----------
    words : mapping
        ``instructions``, ``break``, ``debrief``, ...
    scales : mapping
        Translations of the built-in scales by id.
    font : str
        Stem of the typeface's files; empty for the interface's own.
    has_spaces : bool
        Whether lines break at spaces only.
    """

    words: Mapping[str, str]
    scales: Mapping[str, ScaleWords]
    font: str = ""
    has_spaces: bool = True

    def get(self, key: str) -> str:
        """Words of one key, without a hint."""
        return self.words[key]

    def screen(self, key: str) -> str:
        """Words of a whole text screen: paragraphs with a blank line between, the hint last."""
        body = self.words[key]
        return body if key in _WITHOUT_HINT else f"{body}\n\n{self.words['continue']}"

    @property
    def screen_keys(self) -> tuple[str, ...]:
        """Keys of every text screen that a session may show."""
        return tuple(key for key in self.words if key not in _INSIDE_RATING)

    def screens(self) -> tuple[str, ...]:
        """Every text screen that a session may show."""
        return tuple(self.screen(key) for key in self.screen_keys)

    def translate(self, scale: Scale) -> Scale:
        """Return the scale in this language, see ``translate_scale``."""
        return translate_scale(scale, self.scales)

    def attention_scale(self, step: int) -> Scale:
        """Return the attention check that asks for ``step``; its ends carry no words, so that they mean nothing."""
        return replace(attention_scale(step, self.words["attention_check"]), low="", middle="", high="")

    def screen_scales(self, scales: Sequence[Scale], plan: SessionPlan) -> tuple[Scale, ...]:
        """Return everything that a session asks, in the participant's words: its scales, then its attention checks."""
        steps = sorted({t.check for t in plan.trials if t.check is not None})
        return (*(self.translate(s) for s in scales), *(self.attention_scale(step) for step in steps))


def check_id(step: int) -> str:
    """Id under which the attention check for ``step`` is drawn."""
    return attention_id(step)


def load_texts(own: Mapping[str, str]) -> Texts:
    """Load the shipped words and replace those that the study words itself.

    Parameters
    ----------
    own : mapping
        The study's words by key; ``language`` (``en``, ``de``, ``ja``) picks the shipped file.

    Raises
    ------
    StudyError
        If no texts are shipped for the language.
    """
    shipped = read_language(own.get("language", "en"))
    replaced = {key: words for key, words in own.items() if key != "language"}
    return Texts({**shipped.words, **replaced}, shipped.scales, shipped.font, shipped.has_spaces)
