"""suggestions.tsv: what the artifact methods propose, with score and reason."""

from pathlib import Path

from veridical.domain.annotation import Suggestion
from veridical.domain.errors import StorageError
from veridical.storage.tables import read_table, write_table

_COLUMNS = ("onset", "duration", "label", "channels", "method", "score", "reason")


def write_suggestions(path: Path, suggestions: tuple[Suggestion, ...]) -> None:
    """Write the table (atomically)."""
    rows = [
        # repr round-trips: a decision on a suggestion is stored with its exact values.
        (repr(float(s.onset_s)), repr(float(s.duration_s)), s.label, ",".join(s.channels), s.method,
         repr(float(s.score)), s.reason)
        for s in suggestions
    ]  # fmt: skip
    write_table(path, _COLUMNS, rows)


def read_suggestions(path: Path) -> tuple[Suggestion, ...]:
    """Read the table; no file means none were computed. StorageError names a damaged line."""
    if not path.exists():
        return ()
    found: list[Suggestion] = []
    for line, row in enumerate(read_table(path, _COLUMNS), 2):
        try:
            onset, duration, score = float(row["onset"]), float(row["duration"]), float(row["score"])
        except ValueError as error:
            raise StorageError(f"{path} line {line}: {error}; compute the suggestions anew.") from error
        channels = tuple(c for c in row["channels"].split(",") if c)
        found.append(Suggestion(onset, duration, row["label"], channels, row["method"], score, row["reason"]))
    return tuple(found)
