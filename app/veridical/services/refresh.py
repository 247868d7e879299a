"""The participant's screen measured before a session: how often it refreshes, and whether flips wait for it."""

import contextlib
import re
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from veridical.domain.errors import ProcessError
from veridical.domain.participant import RunKey
from veridical.domain.progress import Progress, Work
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.ipc.messages import Abort, PresenterState
from veridical.paths import RunPaths
from veridical.services.children import Child, spawn
from veridical.services.study import Study
from veridical.storage.atomic import write_atomically
from veridical.storage.run_folder import write_plan

_EXPECTED_S = 7.0
_PATIENCE_S = 60.0
_POLL_S = 0.1
_HZ = re.compile(r"([0-9.]+) Hz")


@dataclass(frozen=True)
class Refresh:
    """What was measured on a screen.

    Parameters
    ----------
    screen : ScreenChoice
        Without what the operating system announces.
    words : str
        As the presenter says it: ``psychopy 1920x1080, 60.0 Hz``.
    refresh_hz : float
        0 if flips do not wait for a vertical blank.
    """

    screen: ScreenChoice
    words: str
    refresh_hz: float
    utc: str

    @property
    def has_vertical_blank(self) -> bool:
        """Whether flips wait for the screen."""
        return self.refresh_hz > 0


def find_refresh(study: Study, screen: ScreenChoice) -> Refresh | None:
    """Return the newest measurement of a screen; None if there is none."""
    return next((r for r in reversed(_read(study)) if r.screen == _place(screen)), None)


def measure_refresh_work(study: Study, screen: ScreenChoice) -> Work[Refresh]:
    """Open the participant's window, let it measure its refresh, close it, and keep the result.

    Raises
    ------
    ProcessError
        If the window cannot be opened: one sentence with the remedy.
    """
    now = datetime.now(UTC)
    paths = RunPaths(study.paths.display_tests / f"refresh-{now.strftime('%Y%m%dT%H%M%S%f')}")
    write_plan(paths, _plan(study, screen, paths))
    process = spawn("veridical.presenter", paths.folder, paths.log("presenter"))
    child = Child("presenter", paths.connection("presenter"), paths.log("presenter"), process)
    pause, waited_s, words = threading.Event(), 0.0, ""
    try:
        while not words:
            child.attach()
            state = child.state
            if isinstance(state, PresenterState) and state.phase == "failed":
                raise ProcessError(state.message)
            if not child.is_alive():
                raise ProcessError(f"The participant's window did not open{child.words_of_end()}; look at its screen.")
            if isinstance(state, PresenterState) and state.phase == "ready":
                words = state.screen
            if waited_s > _PATIENCE_S:
                raise ProcessError("The participant's window does not answer; look at its screen and try again.")
            yield Progress(min(waited_s, _EXPECTED_S), _EXPECTED_S, "Measuring the screen")
            pause.wait(_POLL_S)
            waited_s += _POLL_S
    finally:
        child.attach()
        child.send(Abort("refresh measured"))
        if not child.wait(10.0):
            child.kill()
        child.detach()
    found = _HZ.search(words)
    measured = Refresh(_place(screen), words, float(found[1]) if found else 0.0, now.isoformat())
    kept = [r for r in _read(study) if r.screen != measured.screen]
    write_atomically(_file(study), msgspec.json.encode((*kept, measured)))
    return measured


def _plan(study: Study, screen: ScreenChoice, paths: RunPaths) -> RunPlan:
    return RunPlan(
        key=RunKey("refresh"),
        plan=SessionPlan(),
        scales=(),
        stimuli=(),
        seed=1,
        marker_source_id=f"veridical-refresh-{secrets.token_hex(6)}",
        streams=(),
        xdf=str(paths.folder / "none.xdf"),
        journal=str(paths.folder / "refresh_events.jsonl"),
        session_file=str(paths.folder / "refresh_session.json"),
        texts={"language": study.settings.language},
        screen=screen,
        n_flashes=1,
    )


def _place(screen: ScreenChoice) -> ScreenChoice:
    return replace(screen, n_screens=0, announced_hz=0.0)


def _file(study: Study) -> Path:
    return study.paths.display_tests / "refresh.json"


def _read(study: Study) -> tuple[Refresh, ...]:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(_file(study).read_bytes(), type=tuple[Refresh, ...])
    return ()
