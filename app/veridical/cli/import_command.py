"""``veridical import``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from veridical.cli.output import follow, put, put_json
from veridical.services.importing import ImportRequest, import_work
from veridical.services.study import open_study
from veridical.storage.foreign_events import KNOWN_COLUMNS


def parse_columns(pairs: Sequence[str], scales: Sequence[str]) -> dict[str, str]:
    """Read ``onset=latency``; typer.BadParameter for a column that nothing is read from."""
    known = (*KNOWN_COLUMNS, *scales)
    columns: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs or ours not in known:
            raise typer.BadParameter(
                f"{pair!r} is none of {', '.join(f'{k}=NAME' for k in known)}", param_hint="--column"
            )
        columns[ours] = theirs
    return columns


def run_import(
    file: Path, study: Path, participant: str, session: str, events: Path | None, columns: Sequence[str], as_json: bool
) -> None:
    """Take a recording into a study and say what was found."""
    opened = open_study(study)
    named = parse_columns(columns, [s.id for s in opened.settings.protocol.all_scales])
    result = follow(import_work(opened, ImportRequest(file, participant, session, events, named)))
    if as_json:
        put_json(
            {
                "file": str(result.file),
                "participant": result.key.participant,
                "session": result.key.session,
                "run": result.key.run,
                "seconds": result.seconds,
                "signals": list(result.signals),
                "pictures": result.n_pictures,
                "rated": dict(result.n_rated),
                "remarks": list(result.remarks),
            }
        )
        return
    put(f"Imported as run {result.key.run} of session {result.key.session}: {result.seconds / 60:.1f} min.")
    for line in (*result.signals, _pictures(result.n_pictures, result.n_rated), *result.remarks):
        put(f"  {line}")
    put(f"Next: mark artifacts in the window, or veridical train {study} --participant {participant}")


def _pictures(n: int, rated: Mapping[str, int]) -> str:
    words = ", ".join(f"{count} with {scale}" for scale, count in rated.items())
    return f"{n} pictures" + (f", {words}" if words else "")
