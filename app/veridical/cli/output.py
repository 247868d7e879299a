"""What commands print: results on stdout, everything else on stderr."""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

from veridical.domain.progress import Progress, Work

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
Result = TypeVar("Result")

# A line of progress that nobody watches needs no more than this.
_LINE_GAP_S = 10.0
_REWRITE_GAP_S = 0.1


def say(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def put(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def put_json(value: JsonValue) -> None:
    """Write one JSON object to stdout; NaN and infinity become null, as JSON has neither."""
    put(json.dumps(_finite(value), ensure_ascii=False))


def _finite(value: JsonValue) -> JsonValue:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(v) for v in value]
    return value


class ProgressLines:
    """Tells on stderr how far the work has come: what, how much, and how long it may still take.

    A terminal gets one line that is rewritten; a file gets a line now and then.
    """

    def __init__(self, expected_s: float = 0.0) -> None:
        self._begun = time.monotonic()
        self._expected_s = expected_s
        self._stage = ""
        self._told = -math.inf
        self._is_terminal = sys.stderr.isatty()
        self._width = 0

    def tell(self, share: float, text: str, left_s: float | None = None) -> None:
        """Tell the state; ``left_s`` is worked out from the pace if it is not given."""
        now = time.monotonic()
        # "Block 2, picture 31 of 60": what stands after the comma is detail.
        stage = text.partition(",")[0]
        if stage == self._stage and now - self._told < (_REWRITE_GAP_S if self._is_terminal else _LINE_GAP_S):
            return
        self._stage, self._told = stage, now
        if left_s is None:
            left_s = (now - self._begun) * (1 - share) / share if share > 0.02 else self._expected_s
        line = f"[{share:4.0%}] {text}" + (f", about {_duration(left_s)} left" if left_s >= 1 else "")
        if self._is_terminal:
            sys.stderr.write(f"\r{line.ljust(self._width)}")
            sys.stderr.flush()
            self._width = len(line)
        else:
            say(line)

    def done(self) -> None:
        """End the line."""
        if self._is_terminal and self._width:
            say("")
            self._width = 0


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def follow(work: Work[Result]) -> Result:
    """Run long work to its end, telling its progress on stderr."""
    lines = ProgressLines()
    try:
        while True:
            step: Progress = next(work)
            lines.tell(step.share, step.text)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    finally:
        work.close()
        lines.done()
