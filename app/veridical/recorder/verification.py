"""Reads a closed recording back and compares it with what was written."""

from collections.abc import Sequence

from veridical.domain.errors import RecordingError
from veridical.recorder.outcome import StreamOutcome
from veridical.recorder.sink import Part
from veridical.storage.xdf_reader import read_xdf


def verify(parts: Sequence[Part], streams: Sequence[StreamOutcome]) -> tuple[str, ...]:
    """Return what does not agree, one sentence each; empty if all does (reads every file).

    Parameters
    ----------
    parts : sequence of Part
        The files, each with what it must hold.
    streams : sequence of StreamOutcome
        What all files together must hold.
    """
    problems = [problem for part in parts for problem in _verify_part(part, streams)]
    for stream in streams:
        n = sum(part.tallies[stream.id].n_samples for part in parts if stream.id in part.tallies)
        if n != stream.n_samples:
            problems.append(f"{stream.name!r}: {stream.n_samples} samples received, {n} written")
    return tuple(problems)


def _verify_part(part: Part, streams: Sequence[StreamOutcome]) -> list[str]:
    names = {stream.id: stream.name for stream in streams}
    try:
        file = read_xdf(part.path)
    except RecordingError as error:
        return [str(error)]
    problems: list[str] = []
    with file:
        problems += file.remarks
        found = {stream.id: stream for stream in file.streams}
        for stream_id, tally in part.tallies.items():
            name, stream = names.get(stream_id, f"stream {stream_id}"), found.get(stream_id)
            if stream is None:
                problems.append(f"the stream {name!r} is missing from the file")
                continue
            if stream.n_samples != tally.n_samples:
                problems.append(f"{name!r}: {tally.n_samples} samples written, {stream.n_samples} read back")
            elif stream.n_samples and (stream.timestamps[0], stream.timestamps[-1]) != (tally.first_s, tally.last_s):
                problems.append(f"{name!r}: its first or last time stamp reads back differently")
            if len(stream.clock_offsets) != tally.n_clock_offsets:
                problems.append(f"{name!r}: a clock offset is missing or doubled")
            if stream.footer is None or stream.footer.sample_count != tally.n_samples:
                problems.append(f"{name!r}: its closing count is missing or wrong")
    return problems
