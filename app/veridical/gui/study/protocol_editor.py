"""The protocol editor: the form at the left, what it amounts to at the right, study.toml behind both."""

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from veridical.domain.errors import VeridicalError
from veridical.domain.study import StudySettings
from veridical.gui.common import wording
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField
from veridical.gui.common.page import Context
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, StepButton, card, clear_layout, label, line
from veridical.gui.study.protocol_form import SectionForm
from veridical.gui.study.protocol_preview import OrderStrip, SessionBand
from veridical.gui.study.protocol_questions import QuestionEditor
from veridical.gui.study.protocol_view_model import (
    SECTIONS,
    Draft,
    resolve_preview,
    titles,
    with_setting,
    with_template,
)
from veridical.services import protocol
from veridical.services.study import Study

# A form that is typed into is tried and saved when the typing rests.
_REST_MS = 250
_QUESTIONS = "Questions"


class ProtocolEditor(QWidget):
    """Edits study.toml's protocol with undo; every draft without a fault is on disk at once.

    Signals
    -------
    saved : Study
        What stands in study.toml changed.
    said : str, str
        Level and sentence for the page's banner.
    changed
        Something that enables or disables actions.
    """

    saved = Signal(object)
    said = Signal(str, str)
    changed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._study: Study | None = None
        self._draft: Draft | None = None
        self._on_disk: StudySettings | None = None
        self.warned: tuple[str, ...] = ()
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self.try_and_save)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        row.addWidget(self._form(context.appearance), 9)
        row.addWidget(self._preview(context.appearance), 10)

    def open(self, study: Study) -> None:
        """Show a study; what stands in its study.toml now, which somebody may have edited."""
        try:
            study = protocol.reread(study)
        except VeridicalError as error:
            self.said.emit("fail", str(error))
        is_same = self._study is not None and self._study.root == study.root and self._on_disk == study.settings
        self._study, self._on_disk = study, study.settings
        if not is_same:
            self._draft = Draft(study.settings)
        self._fill_people(study)
        n_runs = protocol.n_recorded(study)
        self.recorded.setVisible(n_runs > 0)
        self.recorded.show_state(
            "caution",
            f"{wording.count(n_runs, 'run was', 'runs were')} recorded already: a change holds for the next ones.",
        )
        self._show_draft()
        self._try()

    @property
    def settings(self) -> StudySettings | None:
        """Settings as they stand in the form."""
        return None if self._draft is None else self._draft.settings

    def can_undo(self) -> bool:
        """Whether something was changed."""
        return self._draft is not None and self._draft.can_undo

    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return self._draft is not None and self._draft.can_redo

    def undo(self) -> None:
        """Take the last change back, in the form and on disk."""
        assert self._draft is not None
        self._draft.undo()
        self._show_draft()
        self.try_and_save()

    def redo(self) -> None:
        """Make it again."""
        assert self._draft is not None
        self._draft.redo()
        self._show_draft()
        self.try_and_save()

    def change(self, settings: StudySettings) -> None:
        """Take other settings into the draft; they are tried and saved in a moment."""
        if self._draft is not None and self._draft.change(settings):
            self._show_draft()
            self._rest.start()
            self.changed.emit()

    def finish(self) -> None:
        """Save what is waiting, before the editor is left."""
        if self._rest.isActive():
            self._rest.stop()
            self.try_and_save()

    def try_and_save(self) -> None:
        """Try the draft, show what it amounts to, and save it unless a value is wrong."""
        self._rest.stop()
        if self._try():
            self._save()
        self.changed.emit()

    # Laying out ---------------------------------------------------------------------------------------
    def _form(self, appearance: Appearance) -> QWidget:
        self.sections = [SectionForm(section) for section in SECTIONS]
        self.questions = QuestionEditor(appearance)
        self.questions.edited.connect(lambda scales: self._on_edited("protocol.scales", scales))
        scrolled = QWidget()
        scrolled.setObjectName("scrolled")
        column = QVBoxLayout(scrolled)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        column.setSpacing(GRID)
        column.addWidget(self._templates(appearance))
        for section, form in zip(SECTIONS, self.sections, strict=True):
            form.edited.connect(self._on_edited)
            column.addWidget(form)
            if section.title == _QUESTIONS:
                column.addWidget(self.questions)
                column.addWidget(self._words())
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(scrolled)
        frame, inside = card(margin=0, spacing=0)
        inside.addWidget(area)
        return frame

    def _templates(self, appearance: Appearance) -> QWidget:
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 2 * GRID)
        column.setSpacing(GRID)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        self.template = ChoiceField()
        self.template.setAccessibleName("Template")
        self._templates_known = protocol.templates()
        for template in self._templates_known:
            self.template.addItem(template.name, template.summary)
        self.summary = label("", "quiet", wraps=True)
        self.template.currentIndexChanged.connect(lambda _: self._show_summary())
        row.addWidget(self.template)
        row.addWidget(
            StepButton(
                appearance, "Reset to template", self._reset, "", "plain", "The template's protocol; can be undone"
            )
        )
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.summary)
        self._show_summary()
        return widget

    def _words(self) -> QWidget:
        self.language = ChoiceField()
        self.language.setAccessibleName("Language")
        for code, name in protocol.language_names():
            self.language.addItem(name, code)
        self.language.activated.connect(lambda _: self._on_edited("language", self.language.currentData()))
        self.touch = QCheckBox("The participant answers by touch")
        self.touch.clicked.connect(lambda is_on: self._on_edited("has_touch_screen", bool(is_on)))
        self.text_key = ChoiceField()
        self.text_key.setAccessibleName("Text")
        self.text_key.currentIndexChanged.connect(lambda _: self._show_words())
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("The participant's words")
        self.text.setFixedHeight(12 * GRID)
        self.text.textChanged.connect(self._on_words)
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, GRID, 0, 2 * GRID)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        grid.setColumnMinimumWidth(0, 22 * GRID)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("The participant's words", "sectionTitle"), 0, 0, 1, 2)
        for row, (words, field) in enumerate(
            (("Language", self.language), ("Text", self.text_key), ("Reads", self.text), ("", self.touch)), start=1
        ):
            # Beside several lines, a title stands at the first one.
            grid.addWidget(
                label(words), row, 0, Qt.AlignmentFlag.AlignTop if field is self.text else Qt.AlignmentFlag(0)
            )
            grid.addWidget(field, row, 1)
        return widget

    def _preview(self, appearance: Appearance) -> QWidget:
        frame, column = card(margin=3 * GRID, spacing=GRID)
        self.length = label("", "pageTitle")
        self.state = StatusLight(appearance, wraps=True)
        self.recorded = StatusLight(appearance, wraps=True)
        self.counts = label("", wraps=True)
        self.band, self.strip = SessionBand(appearance), OrderStrip(appearance)
        self.person = ChoiceField()
        self.person.setAccessibleName("Order for")
        self.person.activated.connect(lambda _: self._try())
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(label("Order", "sectionTitle"))
        row.addStretch(1)
        row.addWidget(label("for", "quiet"))
        row.addWidget(self.person)
        self.legend = label(
            "Up: positive, down: negative, middle: neutral. Hollow: shown again. Dot: attention check.",
            "quiet",
            wraps=True,
        )
        self.warnings = QVBoxLayout()
        self.warnings.setSpacing(GRID)
        column.addWidget(self.length)
        column.addWidget(self.counts)
        column.addWidget(self.state)
        column.addWidget(self.recorded)
        column.addSpacing(GRID)
        column.addWidget(self.band)
        column.addSpacing(GRID)
        column.addWidget(line())
        column.addLayout(row)
        column.addWidget(self.strip)
        column.addWidget(self.legend)
        column.addSpacing(GRID)
        column.addLayout(self.warnings)
        column.addStretch(1)
        scrolled = QScrollArea()
        scrolled.setWidgetResizable(True)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setWidget(frame)
        return scrolled

    # Acts -----------------------------------------------------------------------------------------------
    def _on_edited(self, name: str, value: object) -> None:
        if self._draft is not None:
            self.change(with_setting(self._draft.settings, name, value))

    def _reset(self) -> None:
        if self._draft is not None:
            template = self._templates_known[self.template.currentIndex()].settings
            self.change(with_template(self._draft.settings, template))

    def _on_words(self) -> None:
        settings, key = self.settings, self.text_key.currentData()
        if settings is None or not key:
            return
        typed = self.text.toPlainText().strip()
        texts = {k: v for k, v in settings.texts.items() if k != key}
        if typed and typed != protocol.shipped_texts(settings.language)[key]:
            texts[key] = typed
        if texts != dict(settings.texts):
            assert self._draft is not None
            self._draft.change(with_setting(settings, "texts", texts))
            self._rest.start()
            self.changed.emit()

    # Showing --------------------------------------------------------------------------------------------
    def _show_draft(self) -> None:
        settings = self.settings
        assert settings is not None
        for form in self.sections:
            form.show_settings(settings)
        self.questions.show_scales(settings.protocol.scales, settings.language)
        self.language.setCurrentIndex(self.language.findData(settings.language))
        self.touch.setChecked(settings.has_touch_screen)
        with QSignalBlocker(self.text_key):
            chosen = self.text_key.currentData()
            self.text_key.clear()
            for key in protocol.shipped_texts(settings.language):
                own = " (own words)" if key in settings.texts else ""
                self.text_key.addItem(f"{key.replace('_', ' ')}{own}", key)
            self.text_key.setCurrentIndex(max(0, self.text_key.findData(chosen)))
        self._show_words()
        self.changed.emit()

    def _show_words(self) -> None:
        settings, key = self.settings, self.text_key.currentData()
        if settings is None or not key:
            return
        words = settings.texts.get(key) or protocol.shipped_texts(settings.language)[key]
        if words != self.text.toPlainText().strip():
            with QSignalBlocker(self.text):
                self.text.setPlainText(words)

    def _show_summary(self) -> None:
        self.summary.setText(str(self.template.currentData() or ""))

    def _fill_people(self, study: Study) -> None:
        with QSignalBlocker(self.person):
            chosen = self.person.currentData()
            self.person.clear()
            self.person.addItem("the next participant", protocol.NEXT_PARTICIPANT)
            for participant in study.participants():
                if participant.status == "active":
                    self.person.addItem(participant.id, participant.id)
            self.person.setCurrentIndex(max(0, self.person.findData(chosen)))

    def _try(self) -> bool:
        """Resolve the draft and show it; returns whether every value is right."""
        settings = self.settings
        if self._study is None or settings is None:
            return False
        tried = protocol.try_settings(self._study, settings, str(self.person.currentData()))
        screen = resolve_preview(tried, titles())
        self.length.setText(screen.length or "No session")
        self.counts.setText(screen.counts)
        self.counts.setVisible(bool(screen.counts))
        self.state.setVisible(bool(screen.problem))
        self.state.show_state("fail", f"{screen.problem} {'Not saved.' if tried.faults else ''}".strip())
        self.band.show_preview(tried.preview)
        self.strip.show_plan(tried.plan)
        for part in (self.band, self.strip, self.legend):
            part.setVisible(tried.plan is not None)
        clear_layout(self.warnings)
        self.warned = screen.warnings
        for words in screen.warnings:
            light = StatusLight(self._context.appearance, wraps=True)
            light.show_state("caution", words)
            self.warnings.addWidget(light)
        return not tried.faults

    def _save(self) -> None:
        settings = self.settings
        if self._study is None or settings is None or self._on_disk is None or settings == self._on_disk:
            return
        try:
            self._study = protocol.save_settings(self._study, self._on_disk, settings)
        except VeridicalError as error:
            self.said.emit("fail", str(error))
            return
        self._on_disk = settings
        self.saved.emit(self._study)
