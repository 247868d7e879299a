"""What the presenter leaves behind for the session file."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from veridical.domain.protocol import Trial
from veridical.presenter.screen import ScreenInfo
from veridical.presenter.timing import TimingReport
from veridical.presenter.trigger import TriggerReport

_PACKAGES = ("veridical", "psychopy", "pylsl", "numpy", "pillow")


@dataclass(frozen=True)
class PresenterOutcome:
    """The presenter's part of session.json.

    Parameters
    ----------
    reason : str
        ``completed``, ``aborted``, ``stopped`` or ``failed``.
    detail : str
        Why, in words; empty if completed.
    order : tuple of Trial
        Trials presented, in order, practice included.
    screen, timing : optional
        None if the screen never came up.
    problems : tuple of str
        What went wrong without ending the session.
    trigger : TriggerReport or None
        Of the hardware pulses; None if none were asked for.
    """

    reason: str
    detail: str
    started_utc: str
    ended_utc: str
    order: tuple[Trial, ...]
    n_trials_planned: int
    has_simulated_participant: bool
    is_shortened: bool
    screen: ScreenInfo | None
    timing: TimingReport | None
    problems: tuple[str, ...]
    versions: dict[str, str]
    trigger: TriggerReport | None = None


def versions() -> dict[str, str]:
    """Versions of what drew and timed the pictures."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
