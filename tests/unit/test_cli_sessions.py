"""Leading a session from the command line: what goes wrong ends it, and is said once."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from veridical.cli.output import ProgressLines
from veridical.cli.sessions import lead, lost_streams
from veridical.domain.errors import ProcessError
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.domain.participant import RunKey
from veridical.ipc.messages import Light, PresenterState, RecordedStream, RecorderState
from veridical.services.live_run import LiveRun, RunState


def _stream(name: str, light: Light) -> RecordedStream:
    return RecordedStream(name, "EEG", name, name, 8, 250.0, 250.0, 9, light, "")


def _state(*streams: RecordedStream, is_over: bool = False) -> RunState:
    presenter = PresenterState("running", remaining_s=9.0)
    return RunState(RunKey("001"), presenter, RecorderState("recording", streams), is_over=is_over)


class _Run:
    """States one after the other; over once it was aborted or the last has come."""

    def __init__(self, *states: RunState) -> None:
        self._states = list(states)
        self.aborted: list[str] = []
        self.plan = SimpleNamespace(xdf=Path("kept.xdf"))

    def state(self) -> RunState:
        if self.aborted or len(self._states) == 1:
            return RunState(RunKey("001"), None, self._states[-1].recorder, is_over=True)
        return self._states.pop(0)

    def begin(self) -> None: ...

    def close(self) -> None: ...

    def abort(self, reason: str) -> None:
        self.aborted.append(reason)


def test_trouble_elsewhere_ends_the_session_and_says_where_the_recording_is() -> None:
    run = _Run(_state(), _state(), _state())
    with pytest.raises(
        ProcessError, match=r"^The simulator died; start it again\. The recording is kept in kept\.xdf\.$"
    ):
        lead(cast("LiveRun", run), ProgressLines(), trouble=lambda: "The simulator died; start it again.")
    assert run.aborted == ["The simulator died; start it again."]


def test_a_stream_that_is_lost_is_said_once_and_again_when_it_is_lost_again(capsys: pytest.CaptureFixture[str]) -> None:
    good, lost = _state(_stream("EEG", "good")), _state(_stream("EEG", "fail"))
    run = _Run(good, lost, lost, good, lost, lost)
    state = lead(cast("LiveRun", run), ProgressLines())
    assert capsys.readouterr().err.count("No data arrive from 'EEG'; look after its device") == 2
    assert (lost_streams(state), run.aborted) == (("EEG",), [])


def test_the_presenters_own_markers_are_no_device() -> None:
    assert lost_streams(_state(_stream(MARKER_STREAM_NAME, "fail"), _stream("EDA", "good"))) == ()


def test_a_recording_in_its_fallback_folder_does_not_end_the_session_but_is_no_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alarm = "a.xdf cannot be written, the disk is full; the recording goes on in b.xdf."
    ringing = replace(_state(), recorder=RecorderState("recording", alarm=alarm), problem=alarm)
    run = _Run(_state(), ringing, ringing, ringing)
    with pytest.raises(ProcessError, match=r"goes on in b\.xdf"):
        lead(cast("LiveRun", run), ProgressLines())
    assert run.aborted == []
    assert capsys.readouterr().err.count(alarm) == 1


def test_a_recorder_that_can_write_nothing_more_ends_the_session() -> None:
    alarm = "a.xdf cannot be written, the disk is full; nothing more is being recorded."
    failed = replace(_state(), recorder=RecorderState("failed", alarm=alarm), problem=alarm)
    run = _Run(_state(), failed, failed)
    with pytest.raises(ProcessError, match="nothing more is being recorded"):
        lead(cast("LiveRun", run), ProgressLines())
    assert run.aborted == [alarm]
