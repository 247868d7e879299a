"""The Model page: train, validate, and read what may be believed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox, QStackedWidget

from veridical.domain.errors import VeridicalError
from veridical.domain.pipeline import PipelineName
from veridical.domain.progress import Work
from veridical.domain.remedy import Remedy
from veridical.gui.common.actions import Action
from veridical.gui.common.page import Context, Page
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.widgets import ActionButton, EmptyState, StepButton, label
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.common.workspace import Focus
from veridical.gui.model.audit_rows import PAGES, audit_rows
from veridical.gui.model.comparison_view import ComparisonView
from veridical.gui.model.result_view import ResultView
from veridical.gui.model.view_model import resolve_result
from veridical.services.study import ParticipantProgress

if TYPE_CHECKING:
    from veridical.services.comparing import Comparison
    from veridical.services.training import TrainingResult

# Short enough for the page's header; the comparison spells them out.
_PIPELINE_NAMES: Mapping[PipelineName, str] = {
    "evoked": "Evoked EEG samples",
    "interpretable": "All named features",
    "eeg": "Named EEG features",
    "eda": "Skin conductance",
    "ecg": "Heart rate",
    "fusion": "Fusion of modalities",
    "chosen": "Best by inner folds",
}


class ModelPage(Page):
    """Trains the participant's model and says what it is worth."""

    name = "model"
    title = "Model"
    icon = "model"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.runner = WorkRunner(self)
        self.runner.finished.connect(self._on_finished)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)
        self.result: TrainingResult | None = None
        self.comparison: Comparison | None = None
        self._deliver: Callable[[Any], None] = self._on_trained
        self._progress: ParticipantProgress | None = None
        self._drawn_for = Focus()
        self._actions = {a.id: a for a in self._make_actions()}
        self._lay_out()
        context.workspace.listen(focus=self._on_focus, data=self._on_data)
        self._on_focus()

    def page_actions(self) -> tuple[Action, ...]:
        """Rows of the actions table that belong to this page."""
        return tuple(self._actions.values())

    def on_shown(self) -> None:
        """Look at the participant's files again."""
        self._on_data()

    def shut_down(self) -> None:
        """Cancel a training under way; it leaves nothing half-written."""
        self.runner.close()

    def train(self) -> None:
        """Train and validate off the Qt thread."""
        focus = self.context.workspace.focus
        if focus.study is None or self.runner.is_running:
            return
        study, participant, target = focus.study, focus.participant, self._target.currentText() or None
        pipeline, train = self._pipeline.currentData(), self.context.lab.train
        self._start("Reading the recordings", lambda: train(study, participant, target, pipeline), self._on_trained)

    def compare(self) -> None:
        """Validate every model of the chosen target side by side, off the Qt thread."""
        focus = self.context.workspace.focus
        if focus.study is None or self.runner.is_running:
            return
        study, participant, target = focus.study, focus.participant, self._target.currentText()
        compare = self.context.lab.compare
        self._start("Reading the recordings", lambda: compare(study, participant, (target,)), self._on_compared)

    def _start(self, words: str, work: Callable[[], Work[object]], deliver: Callable[[Any], None]) -> None:
        self.banner.clear()
        self._deliver = deliver
        self._strip.show_start(words)
        self.runner.start(work)
        self._draw()

    def _on_remedied(self, remedy: Remedy) -> None:
        """Do what a finding's button says, or go where people do it."""
        focus, result = self.context.workspace.focus, self.result
        if not remedy.is_done_here:
            self.asked_for.emit(PAGES[remedy.kind])
            return
        if focus.study is None or result is None or self.runner.is_running:
            return
        study, participant, target, apply = focus.study, focus.participant, result.target, self.context.lab.remedy
        self._start("Marking", lambda: apply(study, participant, target, remedy), self._on_trained)

    def _make_actions(self) -> tuple[Action, ...]:
        return (
            Action(
                "model.train", "Train and validate", "Ctrl+T", self.train, self._may_train,
                "Train this participant's model and test it on blocks of trials it has not seen.", "model",
            ),
            Action(
                "model.compare", "Compare models", "Ctrl+Shift+T", self.compare, self._may_train,
                "Test every way to learn from these recordings on the same blocks and shuffles.",
                "model",
            ),
            Action(
                "model.cancel", "Cancel the training", "Esc", self.runner.cancel, lambda: self.runner.is_running,
                "Stop after this step; nothing half-done stays.", "model",
            ),
            Action(
                "model.report", "Open report", "Ctrl+R", self._open_report, self._has_report,
                "Open the report in the browser.", "model",
            ),
        )  # fmt: skip

    def _lay_out(self) -> None:
        appearance = self.context.appearance
        self._target_words = label("Target", "quiet")
        self._target = QComboBox()
        self._target.setAccessibleName("Target")
        self._target.setMinimumWidth(120)
        self._pipeline_words = label("Learns from", "quiet")
        self._pipeline = QComboBox()
        self._pipeline.setAccessibleName("Learns from")
        for name, words in _PIPELINE_NAMES.items():
            self._pipeline.addItem(words, name)
        self._train = ActionButton(appearance, self._actions["model.train"], "model", "primary")
        self._compare = ActionButton(appearance, self._actions["model.compare"])
        self._report_button = ActionButton(appearance, self._actions["model.report"], "report")
        for widget in (
            self._target_words, self._target, self._pipeline_words, self._pipeline,
            self._report_button, self._compare, self._train,
        ):  # fmt: skip
            self.header.add(widget)
        self._strip = ProgressStrip(appearance, self.runner)
        self._empty = EmptyState(appearance, "model", "", "")
        self._to_run = StepButton(appearance, "Go to Run", lambda: self.asked_for.emit("run"), "run")
        self._empty.add_step(self._to_run)
        self.view = ResultView(appearance)
        self.view.audit.remedied.connect(self._on_remedied)
        self._faces = QStackedWidget()
        self._faces.addWidget(self._empty)
        self._faces.addWidget(self.view)
        self.comparison_view = ComparisonView(appearance, self._show_result)
        self._faces.addWidget(self.comparison_view)
        self.column.addWidget(self._strip)
        self.column.addWidget(self._faces, 1)

    def _on_focus(self) -> None:
        focus = self.context.workspace.focus
        if focus.participant != self._drawn_for.participant or focus.study is not self._drawn_for.study:
            self.result = None
            self.comparison = None
        if focus.study is not None and focus.study is not self._drawn_for.study:
            self._target.clear()
            self._target.addItems([s.id for s in focus.study.settings.protocol.scales])
            self._target.setCurrentText(focus.study.settings.analysis.target)
            self._pipeline.setCurrentIndex(self._pipeline.findData(focus.study.settings.analysis.pipeline))
        self._drawn_for = focus
        self._on_data()

    def _on_data(self) -> None:
        focus = self.context.workspace.focus
        self._progress = None
        if focus.study is not None:
            try:
                self._progress = next(
                    (p for p in focus.study.progress() if p.participant.id == focus.participant), None
                )
            except VeridicalError as error:
                self.banner.show_sentence("fail", str(error))
        self._draw()

    def _draw(self) -> None:
        focus = self.context.workspace.focus
        has_result = self.result is not None
        self.header.show_words(f"Participant {focus.participant}" if focus.participant else "")
        for widget in (self._target_words, self._target, self._pipeline_words, self._pipeline, self._compare):
            widget.setVisible(self._has_recording())
        for chooser in (self._target, self._pipeline):
            chooser.setEnabled(not self.runner.is_running)
        self.view.audit.set_enabled(not self.runner.is_running)
        self._train.setVisible(self._has_recording())
        self._faces.setCurrentIndex(2 if self.comparison is not None else 1 if has_result else 0)
        self._to_run.setVisible(focus.study is not None and not self._has_recording())
        self._report_button.setVisible(self._has_report())
        for button in (self._train, self._compare, self._report_button):
            button.refresh()
        if not has_result:
            self._show_empty()
        self.changed.emit()

    def _show_empty(self) -> None:
        focus, progress = self.context.workspace.focus, self._progress
        if focus.study is None:
            words = (
                "A model of one participant",
                "Open a study first; a model is trained on one participant's recordings.",
            )
        elif progress is None or not progress.runs:
            who = f"Participant {focus.participant}" if focus.participant else "Nobody"
            words = (
                "A model of one participant",
                f"{who} has no recording yet. Record a session; then a model learns the participant's own ratings "
                "from brain, skin and heart, and is tested honestly.",
            )
        elif progress.headline:
            words = (
                progress.headline,
                "This is the newest verdict. The report has the numbers; train again to see them here.",
            )
        else:
            words = (
                "Train and validate",
                "The model is tested on blocks of trials it has never seen, against chance and against everything that "
                "could fool it. It takes seconds, and the words say whether it may be believed.",
            )
        self._empty.show_words(*words)

    def _on_finished(self, result: object) -> None:
        self._deliver(result)

    def _show_result(self) -> None:
        self.comparison = None
        self._draw()

    def _on_compared(self, found: "Comparison") -> None:
        if found.participant == self.context.workspace.focus.participant:
            self.comparison = found
            self.comparison_view.show_comparison(found)
        self.context.workspace.tell_data_changed()
        self._draw()

    def _on_trained(self, result: "TrainingResult") -> None:
        if result.participant == self.context.workspace.focus.participant:
            self.result, self.comparison = result, None
            self.view.show_result(resolve_result(result))
            self.view.audit.show_rows(audit_rows(result.findings, result.remedies))
        self.context.workspace.tell_data_changed()
        self._draw()

    def _on_failed(self, sentence: str) -> None:
        self.banner.show_sentence("fail", sentence)
        self._draw()

    def _on_cancelled(self) -> None:
        self.banner.show_sentence("unknown", "The training was cancelled; nothing was written.")
        self._draw()

    def _open_report(self) -> None:
        report = self._report()
        if report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(report)))

    def _report(self) -> Path | None:
        if self.result is not None:
            return self.result.report
        return self._progress.report if self._progress is not None else None

    def _has_report(self) -> bool:
        return self._report() is not None

    def _has_recording(self) -> bool:
        return self._progress is not None and bool(self._progress.runs)

    def _may_train(self) -> bool:
        return self._has_recording() and not self.runner.is_running
