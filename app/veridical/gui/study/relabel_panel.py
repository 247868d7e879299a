"""The form that mends a wrong participant or session id."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QLineEdit

from veridical.domain.errors import VeridicalError
from veridical.domain.participant import RunKey
from veridical.gui.common.fields import ChoiceField
from veridical.gui.common.page import Context
from veridical.gui.common.widgets import StepButton, label
from veridical.gui.study.panels import SidePanel
from veridical.services.relabelling import Place, parse_place

_ALL = "all runs"


class RelabelPanel(SidePanel):
    """Asks which session gets which id, and says what that would change before it is done.

    Parameters
    ----------
    relabel : callable
        Does it, off the Qt thread.
    """

    def __init__(self, context: Context, relabel: Callable[[Place, Place], None]) -> None:
        super().__init__(
            context,
            "Correct a wrong id",
            "Every file, table and report gets the right id; recordings keep their bytes, the study's log an entry.",
        )
        self._context, self._relabel = context, relabel
        self._participant = ""
        self.which, self.participant, self.session = ChoiceField(), QLineEdit(), QLineEdit("01")
        self.participant.setPlaceholderText("002")
        self.add_field("Recorded as", self.which)
        self.add_field("Right participant", self.participant)
        self.add_field("Right session", self.session)
        self.words = label("", "quiet", wraps=True)
        self.form.addWidget(self.words)
        self.add_buttons(
            StepButton(context.appearance, "Cancel", self.hide),
            StepButton(context.appearance, "Correct the id", self.submit, "check", "primary"),
        )
        self.which.currentIndexChanged.connect(self._on_changed)
        for field in (self.participant, self.session):
            field.textChanged.connect(self._on_changed)

    def open_for(self, participant: str, keys: Sequence[RunKey]) -> None:
        """Show the form for a participant's runs."""
        self._participant = participant
        self.which.clear()
        for session in dict.fromkeys(k.session for k in keys):
            own = [k for k in keys if k.session == session]
            self.which.addItem(f"Participant {participant}, session {session}, {_ALL}", (session, None))
            if len(own) > 1:
                for key in own:
                    words = f"Participant {participant}, session {session}, run {key.run}"
                    self.which.addItem(words, (session, key.run))
        self.participant.clear()
        self.show_problem("")
        self.show()
        self.participant.setFocus()

    def submit(self) -> None:
        """Begin, if the ids are good."""
        if self._check():
            self.hide()
            self._relabel(*self._places())

    def _places(self) -> tuple[Place, Place]:
        session, run = self.which.currentData()
        target = parse_place(f"{self.participant.text().strip()}/{self.session.text().strip()}")
        # A single run keeps its number.
        return Place(self._participant, session, run), Place(target.participant, target.session, run)

    def _check(self) -> bool:
        study = self._context.workspace.focus.study
        if study is None or self.which.currentData() is None or not self.participant.text().strip():
            self.words.setText("")
            return False
        try:
            planned = self._context.lab.plan_relabelling(study, *self._places())
        except VeridicalError as error:
            self.words.setText("")
            self.show_problem(str(error))
            return False
        self.show_problem("")
        self.words.setText(f"{planned.words}. {planned.stays}".strip())
        return True

    def _on_changed(self) -> None:
        self._check()
