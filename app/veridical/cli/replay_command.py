"""``veridical replay``: a recording as live LSL streams."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

from veridical.cli.output import ProgressLines, put, put_json, say
from veridical.cli.selectors import is_chosen, parse_selectors
from veridical.cli.stopping import stop_on_signals
from veridical.domain.progress import Progress
from veridical.simulator.replay import PLAYING, Replay, ReplayOutcome, open_replay, replay_work
from veridical.streaming.discovery import Resolver

# Streams on a quiet network answer within half a second.
_LOOK_S = 1.0
# Recorders that wait for the streams find them within a second; without any, nobody wants to wait longer.
_GRACE_S = 3.0
# Later than this is worth a word: the machine was too slow for the speed that was asked for.
_LATE_S = 0.1


@dataclass(frozen=True)
class ReplayOptions:
    """What ``veridical replay`` was asked to do."""

    file: Path
    speed: float
    streams: tuple[str, ...]
    waits_for_consumers: bool
    is_looping: bool


def run_replay(options: ReplayOptions, as_json: bool) -> None:
    """Replay a recording until its end or Ctrl-C."""
    selectors = parse_selectors(options.streams)
    resolver = Resolver(reads_headers=False)
    looked_from = time.monotonic()
    try:
        replay, remarks = open_replay(options.file, lambda stream: is_chosen(stream, selectors), options.speed)
        time.sleep(max(0.0, _LOOK_S - (time.monotonic() - looked_from)))
        live = resolver.streams()
    finally:
        resolver.close()
    for remark in (*remarks, *replay.announce(live)):
        say(remark)
    say(
        f"Streaming {options.file.name} on LSL, {_duration(replay.seconds / options.speed)}"
        f"{' again and again' if options.is_looping else ''}: {_names(replay)}; Ctrl-C ends it"
    )
    outcome = _play(replay, options)
    if outcome.worst_late_s > _LATE_S:
        say(
            f"Samples left up to {outcome.worst_late_s:.1f} s late: this machine was too busy for the speed "
            f"{options.speed:g}. Their stamps are right."
        )
    _tell(options, outcome, as_json)


def _play(replay: Replay, options: ReplayOptions) -> ReplayOutcome:
    lines = ProgressLines()
    waits_s = math.inf if options.waits_for_consumers else _GRACE_S
    with stop_on_signals() as stop:
        work = replay_work(replay, stop, waits_s, options.is_looping)
        try:
            while True:
                step: Progress = next(work)
                left_s = 0.0
                if not options.is_looping and step.text == PLAYING:
                    left_s = (step.total - step.done) / options.speed
                lines.tell(step.share, step.text, left_s)
        except StopIteration as end:
            outcome: ReplayOutcome = end.value
        finally:
            work.close()
            lines.done()
    return outcome


def _tell(options: ReplayOptions, outcome: ReplayOutcome, as_json: bool) -> None:
    n_sent = sum(replayed.n_sent for replayed in outcome.streams)
    if not as_json:
        ending = "to its end" if outcome.ended_by == "end" else "until it was stopped"
        put(f"{options.file}: {len(outcome.streams)} streams, {n_sent} samples sent, {ending}")
        return
    put_json(
        {
            "file": str(options.file),
            "speed": options.speed,
            "seconds": outcome.seconds,
            "ended_by": outcome.ended_by,
            "worst_late_s": outcome.worst_late_s,
            "streams": [
                {
                    "name": replayed.stream.name,
                    "type": replayed.stream.type,
                    "source_id": replayed.stream.source_id,
                    "format": replayed.stream.format,
                    "channels": replayed.stream.n_channels,
                    "nominal_hz": replayed.stream.nominal_hz,
                    "samples": replayed.n_samples,
                    "sent": replayed.n_sent,
                }
                for replayed in outcome.streams
            ],
        }
    )


def _names(replay: Replay) -> str:
    return ", ".join(replayed.stream.name for replayed in replay.streams)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
