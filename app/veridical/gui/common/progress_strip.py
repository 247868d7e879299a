"""The bar of long work: step, share, remaining time and cancel."""

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, label
from veridical.gui.common.work_runner import WorkRunner, WorkState


class ProgressStrip(QWidget):
    """Shows the work of one runner while it lasts."""

    def __init__(self, appearance: Appearance, runner: WorkRunner) -> None:
        super().__init__()
        self._runner = runner
        self._words = label("", "quiet")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(GRID)
        self._bar.setRange(0, 1000)
        self._cancel = StepButton(
            appearance, "Cancel", self._on_cancel, "cross", "plain", "Stop; nothing half-done stays"
        )
        text = QVBoxLayout()
        text.setSpacing(GRID // 2)
        text.addWidget(self._words)
        text.addWidget(self._bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        row.addLayout(text, 1)
        row.addWidget(self._cancel)
        runner.progressed.connect(self._on_progressed)
        for signal in (runner.finished, runner.failed, runner.cancelled):
            signal.connect(self._on_over)
        self.setVisible(False)

    def show_start(self, text: str) -> None:
        """Show the bar at once, before the first step has been reported."""
        self._words.setText(text)
        self._bar.setValue(0)
        self._cancel.setEnabled(True)
        self.setVisible(True)

    def _on_progressed(self, state: WorkState) -> None:
        self._words.setText(state.words)
        self._bar.setValue(round(1000 * state.share))

    def _on_cancel(self) -> None:
        self._words.setText("Stopping after this step")
        self._cancel.setEnabled(False)
        self._runner.cancel()

    def _on_over(self) -> None:
        self.setVisible(False)
