"""Markers: the grammar of the one stream that tells what happened.

``picture/positive id=I214 trial=17 block=2``: a hierarchical name as MNE reads it, then
``key=value`` details after blanks; values are percent-encoded, never quoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from veridical.domain.stimulus import StimulusKind

MARKER_STREAM_NAME = "veridical-markers"
MARKER_STREAM_TYPE = "Markers"
# First word of the markers of what is shown, and the kind of stimulus it stands for.
SHOWN_KINDS: dict[str, StimulusKind] = {"picture": "image", "video": "video", "sound": "audio"}
SHOWN_WORDS: dict[StimulusKind, str] = {kind: word for word, kind in SHOWN_KINDS.items()}


@dataclass(frozen=True)
class Marker:
    """A marker's name and details."""

    name: str
    details: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> str:
        """Write the marker as one line of text."""
        # A comma or slash is harmless inside a value and keeps paths and lists readable.
        return " ".join([self.name, *(f"{k}={quote(v, safe=',/:')}" for k, v in self.details.items())])

    @classmethod
    def parse(cls, text: str) -> "Marker":
        """Read a marker; words without ``=`` after the name are kept as empty details."""
        name, *words = text.strip().split(" ") if text.strip() else [""]
        details: dict[str, str] = {}
        for word in words:
            if word:
                key, _, value = word.partition("=")
                details[key] = unquote(value)
        return cls(name, details)

    @property
    def shown_kind(self) -> StimulusKind | None:
        """Kind of stimulus that begins here (``video/positive``: video); None for every other marker.

        Practice counts like any other.
        """
        head, _, tail = self.name.removeprefix("practice/").partition("/")
        return SHOWN_KINDS.get(head) if tail not in ("", "off", "skipped") else None

    @property
    def is_off(self) -> bool:
        """Whether a picture, video or sound ends here."""
        return self._ends("off")

    @property
    def is_skipped(self) -> bool:
        """Whether a picture, video or sound could not be shown."""
        return self._ends("skipped")

    def _ends(self, with_word: str) -> bool:
        head, _, tail = self.name.removeprefix("practice/").partition("/")
        return head in SHOWN_KINDS and tail == with_word

    def number(self, key: str) -> float | None:
        """Read a detail as a number; None if it is absent or not a number."""
        try:
            return float(self.details[key])
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True)
class Event:
    """A marker with its time.

    Parameters
    ----------
    onset_s : float
        Seconds from the recording's origin (the earliest synchronised stamp of a regular stream).
    marker : Marker
    """

    onset_s: float
    marker: Marker
