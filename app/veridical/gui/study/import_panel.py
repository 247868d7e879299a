"""Side panel of the Study page: take in a recording made elsewhere."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from veridical.gui.common.page import Context
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton
from veridical.gui.study.import_words import columns_in, summary
from veridical.gui.study.panels import SidePanel
from veridical.services.importing import ImportRequest, ImportResult

AskForFile = Callable[[QWidget, str, str], Path | None]

_RECORDINGS = "Recordings (*.xdf *.xdfz *.edf *.bdf *.vhdr *.fif *.fif.gz);;All files (*)"
_TABLES = "Tables (*.tsv *.csv *.txt);;All files (*)"


def ask_for_file(parent: QWidget, title: str, kinds: str) -> Path | None:
    """Ask for a file with the system's own dialog."""
    chosen, _ = QFileDialog.getOpenFileName(parent, title, str(Path.home()), kinds)
    return Path(chosen) if chosen else None


class ImportRecordingPanel(SidePanel):
    """Imports a recording, and says what was found in it."""

    def __init__(
        self, context: Context, start: Callable[[ImportRequest], None], ask: AskForFile = ask_for_file
    ) -> None:
        super().__init__(
            context,
            "Import a recording",
            "Made with another program: XDF, EDF, BDF, BrainVision or FIF. It is copied into the study unchanged, and "
            "can then be annotated, modelled and audited like your own.",
        )
        self._start, self._ask = start, ask
        self._appearance = context.appearance
        self.file_field = _field("Choose a file")
        self.events_field = _field("Table (else its own markers)")
        self.columns_field = _field("for example onset=latency, valence=happy")
        self.participant_field = _field("001")
        self.session_field = QLineEdit("01")
        self.add_field("Recording", self._with_button(self.file_field, "Choose a recording", _RECORDINGS))
        self.add_field(
            "Pictures and ratings", self._with_button(self.events_field, "Choose a table of events", _TABLES)
        )
        self.add_field("Columns with other names", self.columns_field)
        self.add_field("Participant id", self.participant_field)
        self.add_field("Session", self.session_field)
        self.events_field.setToolTip(
            "Columns: onset in seconds from the recording's first sample, duration, trial_type, stim_id, and one for "
            "each of the study's scales."
        )
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setAccessibleName("What was imported")
        self.report.hide()
        self.form.addWidget(self.report, 100)
        self.import_button = StepButton(context.appearance, "Import", self.submit, kind="primary")
        self.add_buttons(StepButton(context.appearance, "Close", self.hide), self.import_button)

    def open(self, participant: str) -> None:
        """Show the form for a participant."""
        self.show_problem("")
        self.report.hide()
        self.participant_field.setText(participant)
        self.show()
        self.file_field.setFocus()

    def submit(self) -> None:
        """Import what the fields say."""
        self.show_problem("")
        self.report.hide()
        file, events = self.file_field.text().strip(), self.events_field.text().strip()
        if not file:
            self.show_problem("Choose the recording.")
            return
        if not self.participant_field.text().strip():
            self.show_problem("Say whose recording it is: a code such as 001.")
            return
        try:
            columns = columns_in(self.columns_field.text())
        except ValueError as error:
            self.show_problem(str(error))
            return
        self._start(
            ImportRequest(
                Path(file).expanduser(),
                self.participant_field.text().strip(),
                self.session_field.text().strip() or "01",
                Path(events).expanduser() if events else None,
                columns,
            )
        )

    def show_result(self, result: ImportResult) -> None:
        """Say what was found, and make room for the next recording."""
        self.report.setPlainText(summary(result))
        self.report.show()
        self.file_field.clear()
        self.events_field.clear()

    def _with_button(self, field: QLineEdit, title: str, kinds: str) -> QWidget:
        def choose() -> None:
            file = self._ask(self, title, kinds)
            if file is not None:
                field.setText(str(file))

        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(field, 1)
        row.addWidget(StepButton(self._appearance, "", choose, "folder", "plain", title))
        return both


def _field(placeholder: str) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(placeholder)
    return field
