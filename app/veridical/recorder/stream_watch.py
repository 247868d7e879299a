"""What is wrong with one stream now, said within 2 s of being knowable, in a fixed vocabulary."""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import RoleAssignment, StreamDescription
from veridical.ipc.messages import HealthFinding, HealthKind, Light
from veridical.recorder.clock_watch import ClockWatch
from veridical.recorder.flatness import Flatness
from veridical.recorder.pace import Loss, Pace
from veridical.streaming.inlet import SampleArray
from veridical.streaming.vitals import Health

# Below 2 s with the 0.2 s between two looks; slower streams are given some periods.
_SILENT_S = 1.5
_SILENT_PERIODS = 2.5
_SILENT_CHUNKS = 1.6
_N_CHUNKS = 9
_FEWEST_CHUNKS = 3
# What has happened stays to be read for so long, and what keeps happening is one story.
_SHOWN_S = 6.0
# A state that has been well for so long is over; it does not flicker.
_CALM_S = 1.5
# Nobody looked for so long: the recorder itself stood still, and no device is blamed for that.
_OWN_STALL_S = 0.8
_NAMED = 6

_LIGHTS: dict[HealthKind, Light] = {
    "lost": "fail", "no-data": "fail", "clock-base": "fail", "clock-reset": "caution", "rate-off": "caution",
    "flat": "caution", "gap": "caution", "clock-frozen": "caution",
}  # fmt: skip
_ORDER = tuple(_LIGHTS)


@dataclass
class _Story:
    """Something that happens in moments: from the first to the last of them."""

    since_s: float
    last_s: float
    n_times: int = 0
    n_missing: int = 0
    amount_s: float = 0.0


class StreamWatch:
    """Watches one recorded stream; times are readings of the local clock, handed in.

    ``count`` is cheap; everything else is worked out when a judgement is asked for, some times a second.

    Parameters
    ----------
    started_s : float
        When we began to listen.
    roles : sequence of RoleAssignment
        What the study's channels are for: says which of them must not stand still.
    """

    def __init__(self, description: StreamDescription, started_s: float, roles: Sequence[RoleAssignment] = ()) -> None:
        self.description = description
        self.n_samples = 0
        self._pace = Pace(description.nominal_hz) if description.is_regular else None
        self._flatness = Flatness(description, roles)
        self._clock = ClockWatch(started_s)
        self._heard_s = started_s
        self._looked_s = started_s
        self._lost_s: float | None = None
        self._chunks: deque[tuple[float, int]] = deque(maxlen=_N_CHUNKS)
        self._gaps: _Story | None = None
        self._resets: _Story | None = None
        self._held: dict[HealthKind, tuple[HealthFinding, float]] = {}
        self._findings: tuple[HealthFinding, ...] = ()
        self._found_s = -math.inf

    def count(self, samples: SampleArray, stamps_s: FloatArray, now_s: float) -> None:
        """Take note of a chunk as it came, shape (n_channels, n_times) and (n_times,)."""
        n = len(stamps_s)
        if n == 0:
            return
        self.n_samples += n
        self._heard_s = now_s
        self._chunks.append((now_s, n))
        self._clock.count(float(stamps_s[-1]), now_s)
        if self._pace is not None:
            self._pace.count(stamps_s, now_s)
        if self._flatness.is_needed:
            self._flatness.count(samples, now_s)

    def clock(self, collected_s: float, offset_s: float, round_trip_s: float, now_s: float) -> None:
        """Take note of a new measurement of the stream's clock."""
        self._clock.measure(offset_s, round_trip_s, now_s)

    def lose(self, now_s: float) -> None:
        """The connection broke; ``restart`` ends it. Counts from the last data."""
        if self._lost_s is None:
            self._lost_s = min(now_s, self._heard_s)

    def restart(self, now_s: float, description: StreamDescription) -> None:
        """The stream came back, perhaps from another program with another clock."""
        self.description = description
        self._lost_s = None
        self._heard_s = self._looked_s = now_s
        self._chunks.clear()
        self._held.clear()
        self._found_s = -math.inf
        self._clock.restart(now_s)
        self._flatness.restart()
        if self._pace is not None:
            self._pace.restart()

    def silent_s(self, now_s: float) -> float:
        """Seconds since data arrived, or since we began to listen."""
        return now_s - self._heard_s

    def rate_hz(self) -> float | None:
        """Rate between gaps over the last seconds; None if that is too little to tell, or there is none."""
        return None if self._pace is None else self._pace.rate_hz()

    def judge(self, now_s: float) -> Health:
        """Sum up: the worst finding, in words."""
        findings = self.findings(now_s)
        if findings:
            return Health(findings[0].light, "; ".join(finding.words for finding in findings[:2]))
        if self._pace is None:
            return Health("good", f"{self.n_samples} received")
        if self.n_samples == 0:
            return Health("unknown", "waiting for the first data")
        return Health("good", f"{self.description.nominal_hz:g} Hz")

    def findings(self, now_s: float) -> tuple[HealthFinding, ...]:
        """All that is wrong, worst first."""
        if now_s != self._found_s:
            self._look(now_s)
        return self._findings

    # Inside -----------------------------------------------------------------------------------------
    def _look(self, now_s: float) -> None:
        stall_s = now_s - self._looked_s
        if stall_s > _OWN_STALL_S:
            self._heard_s = min(now_s, self._heard_s + stall_s)
            self._clock.shift(stall_s)
            if self._pace is not None:
                self._pace.leave_out()
        self._looked_s = self._found_s = now_s
        if self._lost_s is not None:
            words = f"lost for {now_s - self._lost_s:.0f} s; it is picked up when it returns"
            self._findings = (_finding("lost", words, self._lost_s),)
            return
        found = [
            finding
            for finding in (
                self._find_silence(now_s),
                self._find_clock_base(now_s),
                self._find_resets(now_s),
                self._find_rate(now_s),
                self._find_flat(now_s),
                self._find_gaps(now_s),
                self._find_frozen(now_s),
            )
            if finding is not None
        ]
        self._findings = self._hold(found, now_s)

    def _hold(self, found: Sequence[HealthFinding], now_s: float) -> tuple[HealthFinding, ...]:
        """Keep a state that has just ended until it has been calm for a while."""
        for finding in found:
            since_s = self._held[finding.kind][0].since_s if finding.kind in self._held else finding.since_s
            self._held[finding.kind] = (replace(finding, since_s=min(since_s, finding.since_s)), now_s)
        for kind, (_, seen_s) in tuple(self._held.items()):
            # Data that arrive end a silence at once, and moments have a time of their own.
            calm_s = 0.0 if kind in ("no-data", "gap", "clock-reset") else _CALM_S
            if now_s - seen_s > calm_s or (kind != "no-data" and self._is_silent(now_s) and seen_s < now_s):
                del self._held[kind]
        return tuple(self._held[kind][0] for kind in _ORDER if kind in self._held)

    def _silence_limit_s(self) -> float:
        d = self.description
        limit_s = max(_SILENT_S, _SILENT_PERIODS / d.nominal_hz)
        if len(self._chunks) < _FEWEST_CHUNKS:
            return limit_s
        # A device that sends every 2 s is not silent in between.
        times, counts = zip(*self._chunks, strict=True)
        usual_s = float(statistics.median(counts)) / d.nominal_hz
        apart_s: float = statistics.median(later - earlier for earlier, later in pairwise(times))
        return max(limit_s, _SILENT_CHUNKS * min(max(usual_s, apart_s), 2 * usual_s))

    def _is_silent(self, now_s: float) -> bool:
        if self._pace is None or now_s - self._heard_s <= _SILENT_S:
            return False
        return now_s - self._heard_s > self._silence_limit_s()

    def _find_silence(self, now_s: float) -> HealthFinding | None:
        if not self._is_silent(now_s):
            return None
        return _finding("no-data", f"no data for {now_s - self._heard_s:.0f} s", self._heard_s)

    def _find_clock_base(self, now_s: float) -> HealthFinding | None:
        off = self._clock.off_base(now_s)
        if off is None or self._is_silent(now_s):
            return None
        since_s, off_s = off
        words = f"clock on another base: its stamps are {_duration(off_s)} {'ahead' if off_s > 0 else 'behind'}"
        return replace(_finding("clock-base", words, since_s), offset_s=off_s)

    def _find_resets(self, now_s: float) -> HealthFinding | None:
        for jumps_s in (self._clock.jumps_s, *(() if self._pace is None else (self._pace.jumps_s,))):
            for jump_s in jumps_s:
                self._resets = _tell(self._resets, now_s, now_s, 0, jump_s)
            jumps_s.clear()
        story = self._resets
        if story is None or now_s - story.last_s > _SHOWN_S:
            self._resets = None
            return None
        times = f" {story.n_times} times" if story.n_times > 1 else ""
        words = f"clock jumped{times} by {_duration(story.amount_s)}"
        found = _finding("clock-reset", words, story.since_s)
        return replace(found, until_s=story.last_s, n_times=story.n_times, offset_s=story.amount_s)

    def _find_rate(self, now_s: float) -> HealthFinding | None:
        if self._pace is None:
            return None
        rate_hz = self._pace.judge(now_s)
        if rate_hz is None or self._is_silent(now_s):
            return None
        since_s = self._held["rate-off"][0].since_s if "rate-off" in self._held else now_s
        words = f"{rate_hz:.1f} Hz instead of {self.description.nominal_hz:g} Hz"
        return replace(_finding("rate-off", words, since_s), rate_hz=rate_hz)

    def _find_flat(self, now_s: float) -> HealthFinding | None:
        if not self._flatness.is_needed or self._is_silent(now_s):
            return None
        labels, since_s, is_all = self._flatness.flat(now_s)
        if not labels:
            return None
        who = f"all {len(labels)} channels" if is_all and len(labels) > 1 else _list(labels)
        return replace(_finding("flat", f"{who} flat for {now_s - since_s:.0f} s", since_s), channels=labels)

    def _find_gaps(self, now_s: float) -> HealthFinding | None:
        losses: list[Loss] = [] if self._pace is None else self._pace.take_losses(now_s)
        for loss in losses:
            self._gaps = _tell(self._gaps, loss.now_s - loss.missing_s, now_s, loss.n_missing, loss.missing_s)
        story = self._gaps
        if story is None or now_s - story.last_s > _SHOWN_S:
            self._gaps = None
            return None
        where = f" in {story.n_times} gaps" if story.n_times > 1 else ""
        n = f"{story.n_missing} sample{'' if story.n_missing == 1 else 's'}"
        words = f"lost {n}{where} ({_duration(story.amount_s)})"
        return replace(
            _finding("gap", words, story.since_s),
            until_s=story.last_s,
            n_missing=story.n_missing, missing_s=story.amount_s, n_times=story.n_times,
        )  # fmt: skip

    def _find_frozen(self, now_s: float) -> HealthFinding | None:
        frozen = self._clock.frozen(now_s)
        # A stream that sends nothing is silent; that its clock is not measured adds nothing.
        if frozen is None or self._is_silent(now_s):
            return None
        return _finding("clock-frozen", frozen[1], frozen[0])


def _finding(kind: HealthKind, words: str, since_s: float) -> HealthFinding:
    return HealthFinding(kind, _LIGHTS[kind], words, since_s)


def _tell(story: _Story | None, at_s: float, now_s: float, n_missing: int, amount_s: float) -> _Story:
    """Go on with a story, or begin one."""
    if story is None or now_s - story.last_s > _SHOWN_S:
        story = _Story(at_s, now_s)
    return _Story(
        story.since_s, now_s, story.n_times + 1, story.n_missing + n_missing, story.amount_s + amount_s
    )  # fmt: skip


def _list(labels: Sequence[str]) -> str:
    """Name channels, at most a handful: "Fp1, Fp2"; numbers are called channels."""
    named = ", ".join(labels[:_NAMED])
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    kind = ("channel " if len(labels) == 1 else "channels ") if all(label.isdigit() for label in labels) else ""
    return f"{kind}{named}{more}"


def _duration(seconds: float) -> str:
    """Write a length of time, whatever its size."""
    size = abs(seconds)
    if not math.isfinite(size):
        return "an unknown time"
    for unit_s, unit in ((86400.0 * 2, "days"), (7200.0, "h"), (120.0, "min")):
        if size >= unit_s:
            return f"{size / {'days': 86400.0, 'h': 3600.0, 'min': 60.0}[unit]:.0f} {unit}"
    if size >= 1:
        return f"{size:.1f} s"
    return f"{size * 1e3:.0f} ms" if size >= 0.001 else f"{size * 1e6:.0f} µs"
