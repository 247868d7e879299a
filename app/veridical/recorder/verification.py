"""Reads a closed recording back and compares it with what was written."""

import struct
from array import array
from collections.abc import Sequence
from pathlib import Path

from veridical.domain.errors import RecordingError
from veridical.recorder.outcome import StreamOutcome
from veridical.recorder.sink import Part
from veridical.storage.xdf_chunks import Buffer, read_texts
from veridical.storage.xdf_index import FileIndex, StreamIndex, index_chunks
from veridical.storage.xdf_opening import map_recording
from veridical.storage.xdf_writer import Tally

# In front of the stamp stands one byte that gives its length.
_STAMP_AT = 1


def verify(parts: Sequence[Part], streams: Sequence[StreamOutcome]) -> tuple[str, ...]:
    """Return what does not agree, one sentence each; empty if all does (walks over every chunk of every file).

    Parameters
    ----------
    parts : sequence of Part
        The files, each with what it must hold.
    streams : sequence of StreamOutcome
        What all files together must hold.
    """
    names = {stream.id: stream.name for stream in streams}
    problems = [problem for part in parts for problem in _verify_file(part.path, part, names)]
    for stream in streams:
        n = sum(part.tallies[stream.id].n_samples for part in parts if stream.id in part.tallies)
        if n != stream.n_samples:
            problems.append(f"{stream.name!r}: {stream.n_samples} samples received, {n} written")
    return tuple(problems)


def _verify_file(path: Path, part: Part, names: dict[int, str]) -> list[str]:
    # The chunk index alone: the whole reader would double the memory of a recorder.
    try:
        buffer, remark = map_recording(path)
    except RecordingError as error:
        return [str(error)]
    with buffer:
        index = index_chunks(buffer)
        remarks = [remark] if remark else []
        return remarks + index.remarks + _compare(buffer, index, part, names)


def _compare(buffer: Buffer, index: FileIndex, part: Part, names: dict[int, str]) -> list[str]:
    found = {stream.id: stream for stream in index.streams}
    problems: list[str] = []
    for stream_id, tally in part.tallies.items():
        name, stream = names.get(stream_id, f"stream {stream_id}"), found.get(stream_id)
        if stream is None:
            problems.append(f"the stream {name!r} is missing from the file")
        else:
            problems += [f"{name!r}: {problem}" for problem in _compare_stream(buffer, stream, tally)]
    return problems


def _compare_stream(buffer: Buffer, stream: StreamIndex, tally: Tally) -> list[str]:
    problems: list[str] = []
    if stream.n_samples != tally.n_samples:
        problems.append(f"{tally.n_samples} samples written, {stream.n_samples} read back")
    elif tally.n_samples and _ends(buffer, stream) != struct.pack("<dd", tally.first_s, tally.last_s):
        problems.append("its first or last time stamp reads back differently")
    if len(stream.clock_offsets) != 2 * tally.n_clock_offsets:
        problems.append("a measurement of its clock is missing")
    if stream.footer is None or stream.footer.sample_count != tally.n_samples:
        problems.append("its closing count is missing or wrong")
    return problems


def _ends(buffer: Buffer, stream: StreamIndex) -> bytes:
    """First and last stamp as they stand in the file: bytes, as no number would tell one NaN from another."""
    if stream.is_text:
        chunks, last = stream.texts, stream.texts[-1]
        at = chunks[0].start + _STAMP_AT
        columns: list[list[str]] = [[] for _ in range(stream.description.n_channels)]
        stamps = array("d")
        last_s = read_texts(buffer, last, columns, stamps, 0.0, 0.0)
        return buffer[at : at + 8] + struct.pack("<d", last_s)
    runs = stream.runs
    first_at = runs.starts[0] + _STAMP_AT
    last_at = runs.starts[-1] + (runs.counts[-1] - 1) * stream.layout.n_bytes_explicit + _STAMP_AT
    return buffer[first_at : first_at + 8] + buffer[last_at : last_at + 8]
