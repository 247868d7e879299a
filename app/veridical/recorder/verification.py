"""Reads a closed recording back and compares it with what was written."""

from collections.abc import Sequence
from pathlib import Path

from veridical.domain.errors import RecordingError
from veridical.recorder.outcome import StreamOutcome
from veridical.storage.xdf_reader import read_xdf


def verify(path: Path, streams: Sequence[StreamOutcome]) -> tuple[str, ...]:
    """Return what does not agree, one sentence each; empty if all does (reads the whole file)."""
    try:
        file = read_xdf(path)
    except RecordingError as error:
        return (str(error),)
    problems: list[str] = []
    with file:
        problems += file.remarks
        found = {stream.id: stream for stream in file.streams}
        for expected in streams:
            stream = found.get(expected.id)
            if stream is None:
                problems.append(f"the stream {expected.name!r} is missing from the file")
                continue
            if stream.n_samples != expected.n_samples:
                problems.append(
                    f"{expected.name!r}: {expected.n_samples} samples written, {stream.n_samples} read back"
                )
            elif stream.n_samples and (stream.timestamps[0], stream.timestamps[-1]) != (
                expected.first_s,
                expected.last_s,
            ):
                problems.append(f"{expected.name!r}: its first or last time stamp reads back differently")
            if stream.footer is None or stream.footer.sample_count != expected.n_samples:
                problems.append(f"{expected.name!r}: its closing count is missing or wrong")
    return tuple(problems)
