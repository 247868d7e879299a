"""What follows after the first look at a recording: times, overview, heart beats and skin responses, one by one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from veridical.domain.landmarks import Landmarks
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.work_runner import WorkRunner, WorkState

if TYPE_CHECKING:
    from veridical.services.viewing import Viewing

# A window that shows the overview growing is drawn anew at every twentieth of it.
_REDRAWN_EVERY = 0.05
_NOT_KEPT = (
    "The overview of this recording could not be kept on disk (read-only folder or full disk); "
    "it is made again the next time. Marking is not affected."
)


class ViewLoader(QObject):
    """Runs the steps in a thread, with a bar; everything can be seen and marked meanwhile."""

    # Emitted when more of the recording can be seen.
    grown = Signal()
    # Emitted with the landmarks.
    landmarks_found = Signal(object)
    # Emitted with a sentence.
    failed = Signal(str)
    remarked = Signal(str)

    def __init__(self, appearance: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = WorkRunner(self)
        self.strip = ProgressStrip(appearance, self._runner)
        self._viewing: Viewing | None = None
        self._next: Viewing | None = None
        self._steps: list[Callable[[], None]] = []
        self._shown_share = 0.0
        self._runner.progressed.connect(self._on_progressed)
        self._runner.finished.connect(self._on_finished)
        self._runner.failed.connect(self._on_failed)
        self._runner.cancelled.connect(self._on_cancelled)

    @property
    def is_running(self) -> bool:
        """Whether something is still to come."""
        return self._runner.is_running

    def load(self, viewing: "Viewing | None") -> None:
        """Begin with a recording; None, or another one, ends what is under way."""
        self._steps, self._viewing, self._next = [], None, viewing
        if self._runner.is_running:
            self._runner.cancel()
        else:
            self._begin()

    def close(self) -> None:
        """Stop the thread."""
        self._steps, self._next = [], None
        self._runner.close()

    def _begin(self) -> None:
        viewing, self._viewing, self._next = self._next, self._next, None
        if viewing is None:
            return
        self._steps = [
            lambda: self._start("Reading the times", viewing.time_work),
            lambda: self._start("Looking for heart beats", viewing.landmarks_work),
            lambda: self._start("Preparing the overview", viewing.build_work),
        ]
        self._steps.pop(0)()

    def _start(self, text: str, make: Callable[[], object]) -> None:
        self._shown_share = 0.0
        self.strip.show_start(text)
        self._runner.start(make)  # type: ignore[arg-type]

    def _on_progressed(self, state: WorkState) -> None:
        if self._viewing is not None and state.share >= self._shown_share + _REDRAWN_EVERY:
            self._shown_share = state.share
            self.grown.emit()

    def _on_finished(self, result: object) -> None:
        if self._viewing is not None:
            if isinstance(result, Landmarks):
                self.landmarks_found.emit(result)
            self.grown.emit()
        if self._steps:
            self._steps.pop(0)()
        elif self._next is not None:
            self._begin()
        elif self._viewing is not None and not self._viewing.is_kept:
            self.remarked.emit(_NOT_KEPT)

    def _on_failed(self, sentence: str) -> None:
        # A recording that was closed meanwhile can no longer be read, and nobody wants to.
        if self._viewing is not None:
            self.failed.emit(sentence)
        if self._steps:
            self._steps.pop(0)()
        else:
            self._begin()

    def _on_cancelled(self) -> None:
        self._steps = []
        self._begin()
