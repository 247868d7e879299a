"""What is asked before the session: one small form, made from the study's own fields."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtWidgets import QGridLayout, QLineEdit, QVBoxLayout, QWidget

from veridical.domain.intake import IntakeField
from veridical.gui.common.fields import ChoiceField
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import card, clear_layout, label

_UNANSWERED = "–"
_TITLE_WIDTH = 15 * GRID


class IntakeCard(QWidget):
    """Asks the study's fields and tells every change.

    Parameters
    ----------
    changed : callable
        Called with all answers, by the field's id; unanswered ones are empty.
    """

    def __init__(self, changed: Callable[[Mapping[str, str]], None]) -> None:
        super().__init__()
        self._changed = changed
        self._fields: tuple[IntakeField, ...] | None = None
        self._widgets: dict[str, ChoiceField | QLineEdit] = {}
        inside, column = card(margin=2 * GRID, spacing=GRID)
        column.addWidget(label("Participant", "sectionTitle"))
        self._words = label("", "quiet", wraps=True)
        column.addWidget(self._words)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnMinimumWidth(0, _TITLE_WIDTH)
        self._grid.setColumnStretch(1, 1)
        column.addLayout(self._grid)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(inside)

    def show_fields(self, fields: Sequence[IntakeField], answers: Mapping[str, str], has_person: bool) -> None:
        """Show the form with answers, or say that nobody needs to be asked; what is being typed is left alone."""
        self.setVisible(bool(fields))
        words = (
            "* needed before the start" if has_person else "The participant is simulated: nothing needs to be asked."
        )
        self._words.setText(words)
        if tuple(fields) != self._fields:
            self._fields = tuple(fields)
            self._build(self._fields)
        for field in fields:
            widget, answer = self._widgets[field.id], answers.get(field.id, "")
            widget.setEnabled(has_person)
            widget.blockSignals(True)
            if isinstance(widget, ChoiceField):
                widget.setCurrentIndex(field.options.index(answer) + 1 if answer in field.options else 0)
            elif not widget.hasFocus() and widget.text() != answer:
                widget.setText(answer)
            widget.blockSignals(False)

    def answer_of(self, field_id: str) -> str:
        """What a field shows; empty if it is unanswered."""
        widget = self._widgets[field_id]
        if isinstance(widget, ChoiceField):
            return widget.currentText() if widget.currentIndex() > 0 else ""
        return widget.text()

    def _build(self, fields: Sequence[IntakeField]) -> None:
        clear_layout(self._grid)
        self._widgets = {}
        for row, field in enumerate(fields):
            widget = self._make(field)
            widget.setToolTip(field.help)
            widget.setAccessibleName(field.title)
            name = label(field.title + (" *" if field.gate in ("required", "yes") else ""), wraps=True)
            name.setToolTip(field.help)
            name.setBuddy(widget)
            self._grid.addWidget(name, row, 0)
            self._grid.addWidget(widget, row, 1)
            self._widgets[field.id] = widget

    def _make(self, field: IntakeField) -> ChoiceField | QLineEdit:
        if field.options:
            choice = ChoiceField()
            choice.addItems([_UNANSWERED, *field.options])
            choice.currentIndexChanged.connect(self._tell)
            return choice
        text = QLineEdit()
        # What is asked stands in the field until it is answered: nobody finds it in a tooltip.
        text.setPlaceholderText(field.help)
        text.editingFinished.connect(self._tell)
        return text

    def _tell(self) -> None:
        self._changed({field_id: self.answer_of(field_id) for field_id in self._widgets})
