"""Leading a session from the command line: progress lines, Ctrl-C, and one sentence if something fails."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from veridical.cli.output import ProgressLines, say
from veridical.domain.errors import ProcessError
from veridical.domain.event import MARKER_STREAM_NAME
from veridical.services.live_run import LiveRun, RunState

_ABORT_S = 15.0
_POLL_S = 0.1


@contextlib.contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that whoever ends the command ends its children cleanly too.

    SIGINT is taken as well: shells start background jobs with it ignored, and Python would leave it so.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def lead(
    run: LiveRun, lines: ProgressLines, start: float = 0.0, stop: float = 1.0, trouble: Callable[[], str] = str
) -> RunState:
    """Start the session and follow it until both children are gone (blocks).

    Parameters
    ----------
    start, stop : float
        Share of the whole work before and after the session, for the progress lines.
    trouble : callable
        Says in a sentence what else makes the session worthless; empty as long as nothing does.

    Raises
    ------
    ProcessError
        If a child died or failed, or an alarm rang; the recording is kept. A recording that goes on in its fallback
        folder does not end the session, but it is told at once and at the end.
    KeyboardInterrupt
        After the session was ended cleanly.
    """
    pause = threading.Event()
    begun_s: float | None = None
    run.begin()
    ended_for, alarm = "", ""
    lost: set[str] = set()
    try:
        while True:
            state = run.state()
            if state.is_over:
                break
            if state.problem not in ("", alarm) and _goes_on_recording(state):
                alarm = state.problem
                lines.done()
                say(f"veridical: {alarm}")
            problem = "" if _goes_on_recording(state) else state.problem
            if not ended_for and (problem or trouble()):
                # Without a recorder or with a full disk, going on would cost the participant's time for nothing.
                ended_for = problem or trouble()
                run.abort(ended_for)
            if not ended_for:
                lost = _tell_lost(state, lost, lines)
            left_s = state.presenter.remaining_s if state.presenter is not None else None
            if left_s and begun_s is None and state.presenter is not None and state.presenter.phase == "running":
                begun_s = left_s
            share = 1 - left_s / begun_s if left_s is not None and begun_s else 0.0
            lines.tell(start + share * (stop - start), _words(state), None if begun_s is None else left_s)
            pause.wait(_POLL_S)
    except KeyboardInterrupt:
        lines.done()
        say("Interrupted: ending the session and closing the recording")
        _end(run, "interrupted by the operator")
        say(f"The recording is kept: {run.plan.xdf}")
        raise
    finally:
        lines.done()
        run.close()
    if state.problem or ended_for:
        # What became of the children is known best when they are gone.
        raise ProcessError(state.problem or f"{ended_for} The recording is kept in {run.plan.xdf}.")
    if alarm:
        raise ProcessError(alarm)
    return state


def _goes_on_recording(state: RunState) -> bool:
    """Whether the only problem is one that the recorder has got round: it goes on in its fallback folder."""
    recorder = state.recorder
    return (
        recorder is not None
        and recorder.phase != "failed"
        and not state.is_recorder_lost
        and bool(recorder.alarm)
        and state.problem == recorder.alarm
    )


def lost_streams(state: RunState) -> tuple[str, ...]:
    """Names of the streams from which nothing arrives (any more), as the recorder said last."""
    if state.recorder is None:
        return ()
    # The presenter's own end is told as such.
    return tuple(s.name for s in state.recorder.streams if s.light == "fail" and s.name != MARKER_STREAM_NAME)


def _tell_lost(state: RunState, told: set[str], lines: ProgressLines) -> set[str]:
    """Say once what was lost; returns what is lost now, so that it is said again when it happens again."""
    # Before the session starts, streams that are not connected yet are no news.
    is_running = state.presenter is not None and state.presenter.phase in ("running", "pausing", "paused", "stopped")
    now = set(lost_streams(state)) if is_running else told
    for name in sorted(now - told):
        lines.done()
        say(f"No data arrive from {name!r}; look after its device, the session goes on and picks it up again")
    return now


def _end(run: LiveRun, reason: str) -> None:
    """Abort and wait until the recording is closed; a second Ctrl-C ends the children at once."""
    try:
        run.abort(reason)
        if not run.wait_over(_ABORT_S):
            run.kill()
            run.wait_over(_ABORT_S)
    except KeyboardInterrupt:
        run.kill()
        run.wait_over(_ABORT_S)


def _words(state: RunState) -> str:
    presenter = state.presenter
    if presenter is None or presenter.phase == "starting":
        return "Getting the screen ready"
    if presenter.phase == "ready":
        return "Waiting for the recorder to take every stream"
    if presenter.phase in ("ended", "failed"):
        return "Closing and verifying the recording"
    if presenter.phase in ("paused", "pausing", "stopped"):
        return f"Session: {presenter.phase}"
    part = presenter.part.capitalize() or "Session"
    return f"{part}, picture {presenter.trial} of {presenter.n_trials}" if presenter.trial else part
