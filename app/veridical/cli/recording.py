"""``veridical record``: streams in. Run as ``python -m veridical.cli.recording REQUEST`` it is nothing but that."""

import gc
import sys
from pathlib import Path

import msgspec

from veridical.cli.disk_words import room_at, time_left
from veridical.cli.output import ProgressLines, put, put_json, say
from veridical.cli.record_request import RecordRequest
from veridical.cli.stopping import stop_on_signals
from veridical.domain.errors import StorageError, StreamError, VeridicalError
from veridical.domain.stream import StreamSelector
from veridical.ipc.messages import RecorderState
from veridical.recorder.recording_loop import record


def run_record(request: RecordRequest) -> int:
    """Record until the time is up or Ctrl-C, drain, verify; returns the exit status."""
    out, seconds, as_json = Path(request.out), request.seconds, request.as_json
    fallback = Path(request.fallback) if request.fallback else None
    selectors = request.selectors or (StreamSelector(),)
    lines = ProgressLines()
    told = ""

    def tell(state: RecorderState) -> None:
        nonlocal told
        # At once: whoever reads the terminal can still mend the disk.
        if state.alarm not in ("", told):
            told = state.alarm
            lines.done()
            say(f"veridical: {told}")
        if state.phase == "failed":
            return
        share = min(1.0, state.seconds / seconds) if seconds else 0.0
        counts = ", ".join(f"{s.name} {s.n_samples}" for s in state.streams) or "waiting for streams"
        left_s = max(0.0, seconds - state.seconds) if seconds else 0.0
        room = "" if state.hours_left is None else f", {time_left(state.hours_left)}"
        lines.tell(share, f"{state.seconds:.0f} s, {state.file_bytes / 1e6:.1f} MB{room}: {counts}", left_s)

    where = f"Recording to {out} ({room_at(out.parent)})"
    say(where if fallback is None else f"{where}, if that fails to {fallback} ({room_at(fallback)})")
    with stop_on_signals() as stop:
        outcome = record(out, selectors, seconds, stop, tell, fallback=fallback)
    lines.done()
    if as_json and outcome.streams:
        put_json(msgspec.to_builtins(outcome))
    if outcome.alarm or not outcome.is_verified:
        raise StorageError(outcome.message)
    if not outcome.streams:
        # Ours, new and empty: it would only stand in the way of the next try.
        out.unlink(missing_ok=True)
        raise StreamError(
            "No streams were found, so nothing was recorded; switch on the LSL output of your devices, or start "
            "simulated ones with `veridical simulate`."
        )
    if not as_json:
        put(f"{out}: {outcome.message}")
    return 0


if __name__ == "__main__":
    # What is loaded now stays: no collection needs to look at it again and again.
    gc.freeze()
    try:
        sys.exit(run_record(msgspec.json.decode(sys.argv[1], type=RecordRequest)))
    except VeridicalError as problem:
        say(f"veridical: {' '.join(str(problem).split())}")
        sys.exit(1)
