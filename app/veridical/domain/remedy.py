"""What the program itself can do about a finding, as a value: a button shows it, a service does it."""

from dataclasses import dataclass
from typing import Literal

from veridical.domain.participant import RunKey

# The last three are done by people on another page; pressing leads there.
RemedyKind = Literal["mark trials", "leave out channels", "record", "annotate", "match pictures"]

# Marks that a remedy makes stand under this rater, beside those of people.
AUDIT_RATER = "audit"


@dataclass(frozen=True)
class MarkedSpan:
    """A stretch of a run that a remedy marks; no channels means all of them."""

    key: RunKey
    onset_s: float
    duration_s: float
    label: str
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remedy:
    """One thing to do about one finding.

    Parameters
    ----------
    threat : str
        The finding it belongs to.
    button : str
        What it does, in words short enough for a button.
    cost : str
        What pressing costs, in one sentence.
    spans : tuple of MarkedSpan
        Marks to make before training again; empty for what people do.
    """

    threat: str
    kind: RemedyKind
    button: str
    cost: str
    spans: tuple[MarkedSpan, ...] = ()

    @property
    def is_done_here(self) -> bool:
        """Whether the program does it alone: marks, then trains again."""
        return bool(self.spans)
