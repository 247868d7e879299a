"""``veridical inspect``, ``recover``, ``suggest``: what is in a recording, mending it, what looks like an artifact."""

from dataclasses import asdict
from pathlib import Path

import msgspec

from veridical.cli.inspection_lines import inspection_lines
from veridical.cli.output import follow, put, put_json
from veridical.signals.suggestions import suggest_artifacts_work
from veridical.storage.recording_file import load_recording
from veridical.storage.xdf_inspection import inspect
from veridical.storage.xdf_recovery import MendedStream, Recovery, recover_work


def run_inspect(file: Path, as_json: bool) -> None:
    """Print what ``inspect`` finds."""
    found = inspect(file)
    if as_json:
        put_json(msgspec.to_builtins(found))
        return
    for line in inspection_lines(found):
        put(line)


def run_recover(files: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Mend in a copy and print what was kept and cut."""
    done = follow(recover_work(files, out))
    if as_json:
        put_json({**msgspec.to_builtins(done), "recovered": done.recovered or None, "n_cut_bytes": done.n_cut_bytes})
        return
    if not done.recovered:
        put(f"{files[0]}: nothing to mend, {_streams_in_words(done)}")
        return
    put(f"{done.recovered}: {_streams_in_words(done)}")
    for stream in done.streams:
        put(f"  {stream.name} ({stream.type}): {stream.n_samples} samples kept{_loss_in_words(stream)}")
    if done.cuts:
        put(f"  {done.n_cut_bytes} bytes cut in {len(done.cuts)} place{'s' if len(done.cuts) > 1 else ''}")
    for remark in done.remarks:
        put(f"  {remark}")
    put("The original was not changed.")


def _streams_in_words(done: Recovery) -> str:
    return f"{len(done.streams)} streams, {sum(stream.n_samples for stream in done.streams)} samples"


def _loss_in_words(stream: MendedStream) -> str:
    words = "" if stream.had_footer else ", footer added"
    words += "" if stream.had_header else ", header mended"
    return words + (f", {stream.n_lost} lost" if stream.n_lost else "")


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
