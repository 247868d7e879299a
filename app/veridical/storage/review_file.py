"""The review log of one rater: what was on screen, the lock, and what came after; append-only."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from veridical.domain.errors import StorageError
from veridical.domain.review import Review, ReviewNote
from veridical.storage.append_only import AppendOnlyFile, read_lines


def read_review(path: Path) -> Review:
    """Replay a log; no file is an empty review. StorageError names a damaged line."""
    review = Review()
    for number, line in enumerate(read_lines(path), 1):
        try:
            review = review.after(msgspec.json.decode(line, type=ReviewNote))
        except msgspec.MsgspecError as error:
            raise StorageError(f"{path} line {number} is damaged ({error}); restore it from a backup.") from error
    return review


def append_review(path: Path, note: ReviewNote) -> ReviewNote:
    """Add a line and force it to disk; returns it with its time. StorageError if that fails."""
    stamped = replace(note, utc=note.utc or datetime.now(UTC).isoformat())
    file = AppendOnlyFile(path)
    try:
        file.append(msgspec.json.encode(stamped))
    finally:
        file.close()
    return stamped
