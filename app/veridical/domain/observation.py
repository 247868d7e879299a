"""What an operator may see a participant do, written with one key."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """One thing that is seen.

    Parameters
    ----------
    id : str
        Stands in the marker: ``observation/laughs``.
    words : str
        On the button.
    key : str
        That writes it.
    label : str
        Of the mark that is suggested to a rater (``domain.annotation.LABELS``).
    """

    id: str
    words: str
    key: str
    label: str


OBSERVATIONS = (
    Observation("laughs", "Laughs", "L", "laughter"),
    Observation("talks", "Talks", "T", "speech"),
    Observation("moves", "Moves", "M", "movement"),
    Observation("coughs", "Coughs", "C", "other"),
)
# Parts of a marker's name.
OBSERVATION = "observation"
CUSTOM = "custom"
