"""``veridical simulate`` and ``veridical record``: streams out, streams in."""

import contextlib
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import cast

import msgspec

from veridical.cli.disk_words import room_at, time_left
from veridical.cli.output import ProgressLines, put, put_json, say
from veridical.cli.selectors import parse_selectors
from veridical.domain.errors import ProcessError, StorageError, StreamError
from veridical.domain.stream import StreamSelector
from veridical.ipc.messages import RecorderState
from veridical.recorder.recording_loop import record

_WATCH_S = 0.2


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set instead of ending the command."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_simulate(profile: str, seed: int, seconds: float | None, has_aux: bool) -> None:
    """Stream a simulated body until the time is up or Ctrl-C."""
    # Not for `record`, whose memory is small: together they weigh as much as all the rest of it.
    from veridical import paths as places
    from veridical.domain.simulation import Profile, SimulationPlan
    from veridical.services.streams import start_simulator_in
    from veridical.storage.stimuli_table import read_stimuli

    plan = SimulationPlan(profile=cast("Profile", profile), seed=seed, layout="aux" if has_aux else "separate")
    stimuli = read_stimuli(places.demo_stimuli() / "stimuli.tsv").stimuli
    with tempfile.TemporaryDirectory(prefix="veridical-") as folder, stop_on_signals() as stop:
        simulator = start_simulator_in(Path(folder), plan, stimuli)
        try:
            say(f"Streaming the participant {profile!r} (seed {seed}) on LSL; Ctrl-C ends it")
            watched = 0.0
            while not stop.wait(_WATCH_S) and (seconds is None or watched < seconds):
                watched += _WATCH_S
                problem = simulator.problem()
                if problem or not simulator.is_alive():
                    raise ProcessError(problem or "The simulator ended by itself; look whether another one ended it.")
        finally:
            simulator.stop()


def run_record(
    out: Path, streams: tuple[str, ...], seconds: float | None, as_json: bool, fallback: Path | None = None
) -> int:
    """Record until the time is up or Ctrl-C, drain, verify; returns the exit status."""
    selectors = parse_selectors(streams) or (StreamSelector(),)
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
