"""What the whole window works on: the open study, the participant, the session, and the state of the streams."""

from collections.abc import Callable
from dataclasses import dataclass

from veridical.gui.common.tokens import StatusLevel
from veridical.services.study import Study


@dataclass(frozen=True)
class Focus:
    """Whom the pages are about."""

    study: Study | None = None
    participant: str = ""
    session: str = "01"


@dataclass(frozen=True)
class StreamLight:
    """One light of the status bar; ``details`` is everything there is to say, a line each."""

    name: str
    level: StatusLevel = "unknown"
    words: str = "not seen"
    details: str = ""


STATUS_ROLES = ("EEG", "EDA", "ECG", "Markers")


@dataclass(frozen=True)
class StatusLine:
    """What the status bar says.

    Parameters
    ----------
    seconds, file_bytes : float or None, int or None
        Of the recording under way; None if there is none.
    """

    lights: tuple[StreamLight, ...] = tuple(StreamLight(role) for role in STATUS_ROLES)
    recorder: str = "Not recording"
    recorder_level: StatusLevel = "unknown"
    seconds: float | None = None
    file_bytes: int | None = None
    hours_left: float | None = None


class Workspace:
    """Holds focus and status; pages listen and change it, none knows another."""

    def __init__(self) -> None:
        self.focus = Focus()
        self.status = StatusLine()
        self._on_focus: list[Callable[[], None]] = []
        self._on_status: list[Callable[[], None]] = []
        self._on_data: list[Callable[[], None]] = []

    def listen(
        self,
        focus: Callable[[], None] | None = None,
        status: Callable[[], None] | None = None,
        data: Callable[[], None] | None = None,
    ) -> None:
        """Call back when the focus, the status or the study's files change."""
        if focus is not None:
            self._on_focus.append(focus)
        if status is not None:
            self._on_status.append(status)
        if data is not None:
            self._on_data.append(data)

    def set_focus(self, focus: Focus) -> None:
        """Change the focus; listeners hear of real changes only."""
        if focus != self.focus:
            self.focus = focus
            for callback in self._on_focus:
                callback()

    def set_status(self, status: StatusLine) -> None:
        """Change the status line; listeners hear of real changes only."""
        if status != self.status:
            self.status = status
            for callback in self._on_status:
                callback()

    def tell_data_changed(self) -> None:
        """Say that files of the study changed (a run ended, marks were made, a model was trained)."""
        for callback in self._on_data:
            callback()
