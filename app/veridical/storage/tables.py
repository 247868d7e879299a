"""Tab-separated tables as BIDS writes them: one header line, UTF-8, ``n/a`` for what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from veridical.domain.errors import StorageError
from veridical.storage.atomic import write_atomically

MISSING = "n/a"


def _cell(text: str) -> str:
    # BIDS has no escape for a tab or line end inside a cell.
    return " ".join(text.split()) or MISSING


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table atomically; empty cells become ``n/a``."""
    lines = ["\t".join(columns), *("\t".join(_cell(c) for c in row) for row in rows)]
    write_atomically(path, ("\n".join(lines) + "\n").encode())


def read_columns(path: Path) -> tuple[str, ...]:
    """Read the header line; StorageError if the file cannot be read."""
    return tuple(_read_lines(path)[0].split("\t"))


def _read_lines(path: Path) -> list[str]:
    try:
        # utf-8-sig: spreadsheets like to put a byte order mark in front; universal newlines read bare CRs too.
        return path.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read ({error}); restore it or choose another file.") from error


def read_table(path: Path, required: Sequence[str] = ()) -> tuple[Mapping[str, str], ...]:
    """Read a table into one mapping per row; ``n/a`` becomes an empty string.

    Raises
    ------
    StorageError
        If the file cannot be read, lacks a required column or has a row of another length (names the line).
    """
    lines = _read_lines(path)
    columns = lines[0].split("\t")
    missing = [c for c in required if c not in columns]
    if missing:
        raise StorageError(f"{path} line 1: the column {missing[0]!r} is missing; add it to the tab-separated header.")
    rows: list[Mapping[str, str]] = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise StorageError(f"{path} line {number}: {len(cells)} cells under {len(columns)} columns; mend it.")
        rows.append({c: "" if v.strip() == MISSING else v.strip() for c, v in zip(columns, cells, strict=True)})
    return tuple(rows)


def number(text: str) -> float | None:
    """Read a cell as a number; None if it is empty. ValueError if it is something else."""
    return float(text) if text else None
