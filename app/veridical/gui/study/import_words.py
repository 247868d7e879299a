"""What an import is told and tells, in words."""

from veridical.gui.common import wording
from veridical.services.importing import ImportResult


def columns_in(text: str) -> dict[str, str]:
    """Read "onset=latency, valence=happy"; ValueError with a sentence if a part is no such pair."""
    columns: dict[str, str] = {}
    for part in (p.strip() for p in text.split(",")):
        if not part:
            continue
        ours, equals, theirs = (word.strip() for word in part.partition("="))
        if not equals or not ours or not theirs:
            raise ValueError(f"Write columns as ours=theirs, separated by commas; {part!r} is no such pair.")
        columns[ours] = theirs
    return columns


def summary(result: ImportResult) -> str:
    """What was taken in, a paragraph for each kind of news."""
    rated = ", ".join(f"{n} with {scale}" for scale, n in result.n_rated.items())
    pictures = wording.count(result.n_pictures, "picture") + (f", {rated}" if rated else "") + "."
    head = f"Run {result.key.run} of session {result.key.session}: {result.seconds / 60:.1f} minutes."
    return "\n\n".join([head, "\n".join(result.signals), pictures, *result.remarks])
