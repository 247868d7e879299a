"""``veridical inspect`` and ``veridical suggest``: what a recording holds, and what in it looks like an artifact."""

from dataclasses import asdict
from pathlib import Path

import msgspec

from veridical.cli.output import follow, put, put_json
from veridical.signals.suggestions import suggest_artifacts_work
from veridical.storage.recording_file import load_recording
from veridical.storage.xdf_inspection import inspect


def run_inspect(file: Path, as_json: bool) -> None:
    """Print what ``inspect`` finds."""
    found = inspect(file)
    if as_json:
        put_json(msgspec.to_builtins(found))
        return
    put(f"{file}: {len(found.streams)} streams")
    for s in found.streams:
        seen = "unknown" if s.effective_hz is None else f"{s.effective_hz:.3f}"
        rate = f"{seen} of {s.nominal_hz:g} Hz" if s.nominal_hz else "irregular"
        gaps = f", {len(s.gaps)} gaps" if s.gaps else ""
        defects = f", defects: {', '.join(s.defects)}" if s.defects else ""
        put(
            f"  {s.name} ({s.type}): {s.channels} x {s.samples} {s.format}, {rate}, "
            f"{s.clock_offsets} clock offsets{gaps}{defects}"
        )
    put(f"Defects: {', '.join(found.defects) or 'none'}")


def run_suggest(file: Path, as_json: bool) -> None:
    """Print artifact suggestions of a recording; the file is not changed."""
    suggestions = follow(suggest_artifacts_work(load_recording(file)))
    if as_json:
        put_json({"file": str(file), "suggestions": [asdict(s) for s in suggestions]})
        return
    for s in suggestions:
        where = ", ".join(s.channels) or "all channels"
        put(f"{s.onset_s:9.2f} s  {s.duration_s:6.2f} s  {s.label:<10}  {where}: {s.reason}")
    put(f"{len(suggestions)} suggestions")
