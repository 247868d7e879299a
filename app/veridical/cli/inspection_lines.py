"""What ``veridical inspect`` says to people: a table of streams, then what is wrong and what to do about it."""

from collections.abc import Sequence

from veridical.storage.xdf_defects import DEFECTS
from veridical.storage.xdf_inspection import StreamInspection, StreamSpan, XdfInspection

_LONGEST_NAME = 48
_COLUMNS = (
    "id",
    "name",
    "type",
    "channels",
    "samples",
    "format",
    "rate (Hz)",
    "first stamp (s)",
    "length (s)",
    "clock",
)
# Numbers stand to the right.
_IS_NUMBER = (True, False, False, True, True, False, False, True, True, True)


def inspection_lines(found: XdfInspection) -> tuple[str, ...]:
    """Return the lines to print."""
    n = len(found.streams)
    lines = [f"{_plain(found.file)}: {n or 'no'} stream{'' if n == 1 else 's'}"]
    if found.streams:
        lines += ["", *_table([_COLUMNS, *map(_row, found.streams, found.spans)])]
    gaps = [line for line in map(_gaps, found.streams, found.spans) if line]
    if gaps:
        lines += ["", "Gaps", *gaps]
    defects = [("the file", d) for d in found.defects]
    defects += [(_plain(stream.name) or f"stream {stream.id}", d) for stream in found.streams for d in stream.defects]
    lines += ["", "Defects"] if defects else ["", "No defects."]
    lines += [f"  {who}: {name} - {DEFECTS[name].replace('FILE', _plain(found.file))}" for who, name in defects]
    if found.remarks:
        lines += ["", "Remarks", *(f"  {_plain(remark)}" for remark in found.remarks)]
    return tuple(lines)


def _row(stream: StreamInspection, span: StreamSpan) -> tuple[str, ...]:
    name = _plain(stream.name)
    has_samples = stream.first_timestamp is not None and stream.last_timestamp is not None
    return (
        str(stream.id),
        name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}...",
        _plain(stream.type) or "-",
        str(stream.channels),
        str(stream.samples),
        stream.format,
        _rate(stream, span),
        f"{stream.first_timestamp:.3f}" if has_samples else "-",
        "-" if span.length_s is None else f"{span.length_s:.3f}",
        str(stream.clock_offsets),
    )


def _rate(stream: StreamInspection, span: StreamSpan) -> str:
    if not stream.nominal_hz:
        return "irregular"
    hz = stream.effective_hz
    if hz is None and span.length_s:
        # Stamps of a clock that was set anew run backwards.
        hz = (stream.samples - 1) / span.length_s
    seen = "unknown" if hz is None or hz <= 0 else f"{hz:.3f}"
    return f"{seen} of {stream.nominal_hz:g}"


def _gaps(stream: StreamInspection, span: StreamSpan) -> str:
    if not stream.gaps or span.longest_gap_from is None:
        return ""
    n = len(stream.gaps)
    return (
        f"  {_plain(stream.name)}: {n} gap{'' if n == 1 else 's'}, {stream.missing_share:.1%} of the samples missing; "
        f"the longest is {span.longest_gap_s:.3f} s at {span.longest_gap_from:.3f} s"
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(row, widths, _IS_NUMBER, strict=True)
        ).rstrip()
        for row in rows
    ]


def _plain(text: str) -> str:
    """Without what would move a terminal's cursor: names come from files that anyone may have made."""
    return "".join(c if c.isprintable() else "?" for c in text)
