"""An EDF+ file that holds annotations and no signal (Kemp & Olivan 2003; https://www.edfplus.info/specs/edfplus.html)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from veridical.domain.annotation import Annotation

# EDF wants records of at most 61440 bytes; two bytes make a sample.
_RECORD_BYTES = 4096
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def encode_edf_annotations(marks: Sequence[Annotation], begun: datetime) -> bytes:
    """Write marks as time-stamped annotation lists.

    Parameters
    ----------
    begun : datetime
        Wall clock of the recording's time zero. The header has whole seconds only; onsets count from time zero itself,
        as MNE and EDFbrowser read them.

    Notes
    -----
    A mark on single channels becomes one annotation per channel, ``text@@channel``, as EDFbrowser and MNE read it.
    """
    whole = begun.astimezone(UTC).replace(microsecond=0)
    lists = []
    for mark in marks:
        for channel in mark.channels or ("",):
            text = f"BAD_{mark.label}" + (f"@@{channel}" if channel else "")
            clean = text.replace("\x14", " ").replace("\x15", " ").replace("\x00", " ")
            lists.append(f"+{mark.onset_s:.6f}\x15{mark.duration_s:.6f}\x14{clean}\x14\x00".encode())
    records: list[bytes] = []
    record = b""
    for one in lists:
        keeper = b"" if record else f"+{len(records)}\x14\x14\x00".encode()
        if record and len(record) + len(one) > _RECORD_BYTES:
            records.append(record)
            record, keeper = b"", f"+{len(records)}\x14\x14\x00".encode()
        record += keeper + one
    records.append(record or b"+0\x14\x14\x00")
    return _header(whole, len(records)) + b"".join(r.ljust(_RECORD_BYTES, b"\x00") for r in records)


def _header(begun: datetime, n_records: int) -> bytes:
    def cells(*parts: tuple[str, int]) -> bytes:
        return b"".join(text.encode("ascii", "replace").ljust(width)[:width] for text, width in parts)

    day = f"{begun.day:02d}-{_MONTHS[begun.month - 1]}-{begun.year}"
    return cells(
        ("0", 8),
        ("X X X X", 80),
        (f"Startdate {day} X X Veridical", 80),
        (begun.strftime("%d.%m.%y"), 8),
        (begun.strftime("%H.%M.%S"), 8),
        ("512", 8),
        ("EDF+C", 44),
        (str(n_records), 8),
        ("1", 8),
        ("1", 4),
    ) + cells(
        ("EDF Annotations", 16), ("", 80), ("", 8), ("-1", 8), ("1", 8), ("-32768", 8), ("32767", 8), ("", 80),
        (str(_RECORD_BYTES // 2), 8), ("", 32),
    )  # fmt: skip
