"""What a rater has looked at, whether that is locked, and what happened after."""

import zlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from veridical.domain.spans import Spans, outside, total, union

# In a longer window a blink of 0.3 s is narrower than 8 pixels of 1600: it was on screen, and nobody saw it.
LONGEST_LOOK_S = 60.0
# What edges may leave over.
_TOLERANCE_S = 0.5
AGAIN_S = 10.0
AGAIN_SHARE = 0.1

ReviewKind = Literal["seen", "locked", "unblinded", "edited"]


@dataclass(frozen=True)
class ReviewNote:
    """One line of the review log: a stretch that was on screen, the lock, an unblinding, or an edit after the lock."""

    kind: ReviewKind
    start_s: float = 0.0
    stop_s: float = 0.0
    text: str = ""
    utc: str = ""


@dataclass(frozen=True)
class Review:
    """Where a rater's review stands.

    Parameters
    ----------
    seen : spans
        What was on screen, in windows of LONGEST_LOOK_S at most.
    locked_utc : str
        When it was locked as reviewed; empty before.
    is_unblinded : bool
        Whether class, rating and picture were shown to this rater.
    n_edits_after : int
        Edits after the lock.
    """

    seen: Spans = ()
    locked_utc: str = ""
    is_unblinded: bool = False
    n_edits_after: int = 0

    @property
    def is_locked(self) -> bool:
        """Whether the recording is locked as reviewed."""
        return bool(self.locked_utc)

    def after(self, note: ReviewNote) -> "Review":
        """Return the review after one more line."""
        if note.kind == "seen":
            return replace(self, seen=union((*self.seen, (note.start_s, note.stop_s))))
        if note.kind == "locked":
            return replace(self, locked_utc=note.utc or "locked")
        if note.kind == "unblinded":
            return replace(self, is_unblinded=True)
        return replace(self, n_edits_after=self.n_edits_after + 1)

    def unseen(self, length_s: float) -> Spans:
        """Stretches that have not been on screen, edges of less than half a second left out."""
        return tuple(s for s in outside(self.seen, 0.0, length_s) if s[1] - s[0] > _TOLERANCE_S)

    def share(self, length_s: float) -> float:
        """Share of the recording that was on screen, 0 to 1."""
        return 1 - total(self.unseen(length_s)) / length_s if length_s > 0 else 0.0

    def is_complete(self, length_s: float) -> bool:
        """Whether all of the recording was on screen."""
        return length_s > 0 and not self.unseen(length_s)


def segments_again(length_s: float, name: str) -> Spans:
    """Choose the stretches that a rater judges a second time: a tenth, at least one, spread by chance.

    Parameters
    ----------
    name : str
        Rater and recording; the same name gives the same stretches.
    """
    n = int(length_s // AGAIN_S)
    if n < 1:
        return ((0.0, length_s),) if length_s > 0 else ()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    chosen = np.sort(rng.choice(n, size=max(1, round(AGAIN_SHARE * n)), replace=False)).tolist()
    return tuple((k * AGAIN_S, (k + 1) * AGAIN_S) for k in chosen)
