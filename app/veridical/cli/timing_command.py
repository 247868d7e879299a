"""``veridical timing``: the display test."""

from dataclasses import asdict
from pathlib import Path

from veridical.cli.output import follow, put, put_json
from veridical.cli.run_command import find_streams
from veridical.cli.selectors import parse_selectors
from veridical.domain.errors import StreamError
from veridical.domain.run import ScreenChoice
from veridical.domain.stream import StreamDescription
from veridical.services.display_timing import DisplayTest, measure_display_work
from veridical.services.study import open_study


def run_timing(folder: Path, stream: str, channel: str, n_flashes: int, screen: ScreenChoice, as_json: bool) -> None:
    """Measure how late light appears on the participant's screen, and keep it with the study."""
    study = open_study(folder)
    found = find_streams(parse_selectors((stream,)))
    if len(found) != 1:
        names = ", ".join(repr(s.name) for s in found) or "none"
        raise StreamError(f"--stream must mean one stream and means {names}; give its name or source_id.")
    test = DisplayTest(found[0], find_channel(found[0], channel), screen, n_flashes)
    timing = follow(measure_display_work(study, test))
    if as_json:
        put_json(asdict(timing))
        return
    put(f"{timing.words[:1].upper()}{timing.words[1:]}.")
    put(f"Kept in {study.paths.display_timing}; sessions on this screen take it into account.")


def find_channel(stream: StreamDescription, text: str) -> int:
    """Position of a channel by its label or its number from 1; StreamError if there is none."""
    if text in stream.labels:
        return stream.labels.index(text)
    if text.isdigit() and 1 <= int(text) <= stream.n_channels:
        return int(text) - 1
    known = ", ".join(label for label in stream.labels if label) or f"1 to {stream.n_channels}"
    raise StreamError(f"{stream.name} has no channel {text!r}; choose one of {known}.")
