"""Markers: the grammar of the one stream that tells what happened.

``picture/positive id=I214 trial=17 block=2``: a hierarchical name as MNE reads it, then
``key=value`` details after blanks; values are percent-encoded, never quoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

MARKER_STREAM_NAME = "veridical-markers"
MARKER_STREAM_TYPE = "Markers"


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
