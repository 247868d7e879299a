"""What the recorder's events say was lost, also to a window that sees only the newest of them."""

import math

from veridical.ipc.messages import HealthEvent, HealthFinding, HealthKind, Light, RecordedStream, RecorderState
from veridical.services.stream_losses import LossLog, away_streams


def _event(kind: HealthKind, start_s: float, end_s: float | None, n: int = 0, light: Light = "fail") -> HealthEvent:
    return HealthEvent(
        start_s, "", kind, "EEG", "e", "u", light, "", end_lsl_s=end_s, n_missing=n, missing_s=n / 500
    )  # fmt: skip


def test_an_event_that_grows_is_counted_once() -> None:
    log = LossLog()
    log.look(RecorderState("recording", events=(_event("gap", 10.0, None, 40, "caution"),)))
    log.look(RecorderState("recording", events=(_event("gap", 10.0, 12.0, 90, "caution"),)))
    log.look(RecorderState("recording", events=(_event("gap", 50.0, 51.0, 10, "caution"),)))
    (loss,) = log.losses
    assert (loss.stream, loss.n_missing) == ("EEG", 100)
    assert [(h.start_s, h.stop_s) for h in log.holes] == [(10.0, 12.0), (50.0, 51.0)]


def test_holes_last_as_long_as_the_fault_and_one_flat_electrode_is_none() -> None:
    log = LossLog()
    events = (_event("no-data", 5.0, None), _event("flat", 1.0, None, light="caution"), _event("rate-off", 0.0, None))
    log.look(RecorderState("recording", events=events))
    (hole,) = log.holes
    assert hole.stop_s == math.inf
    assert hole.overlaps(100.0, 101.0)
    assert not hole.overlaps(1.0, 5.0)


def test_only_regular_streams_can_be_away() -> None:
    gone = HealthFinding("no-data", "fail", "no data for 4 s", 1.0)
    off = HealthFinding("rate-off", "caution", "", 1.0)

    def stream(name: str, hz: float, *findings: HealthFinding) -> RecordedStream:
        return RecordedStream(name, "EEG", name, "u", 1, hz, hz, 9, "fail", "", findings)

    assert away_streams((stream("a", 500.0, gone), stream("b", 500.0, off), stream("m", 0.0, gone))) == ("a",)
