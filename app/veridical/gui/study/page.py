"""The Study page: open or make a study, see its participants, go to the next step."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QStackedLayout,
    QTableView,
    QWidget,
)

from veridical.domain.errors import VeridicalError
from veridical.domain.study import StudySettings
from veridical.gui.common import wording
from veridical.gui.common.actions import Action
from veridical.gui.common.page import Context, Page
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton, ButtonKind, EmptyState, card, clear_layout, label, line
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.common.workspace import Focus
from veridical.gui.study.import_panel import ImportRecordingPanel
from veridical.gui.study.panels import NewStudyPanel, ParticipantPanel
from veridical.gui.study.participant_table import ParticipantTable
from veridical.gui.study.protocol_editor import ProtocolEditor
from veridical.gui.study.relabel_panel import RelabelPanel
from veridical.gui.study.stimulus_browser import StimulusBrowser
from veridical.gui.study.view_model import (
    demo_settings,
    resolve_facts,
    resolve_row,
    suggest_participant_id,
    unused_folder,
)
from veridical.services.importing import ImportRequest, ImportResult
from veridical.services.protocol import DEFAULT_TEMPLATE, template_settings
from veridical.services.relabelling import Place, Relabelling
from veridical.services.study import Study
from veridical.services.withdrawal import Holdings

if TYPE_CHECKING:
    from veridical.services.study_reporting import StudyReport

# Views of an open study, as they lie in the page's stack.
PARTICIPANTS, STIMULI, PROTOCOL = 1, 2, 3


class StudyPage(Page):
    """Lists participants and creates them."""

    name = "study"
    title = "Study"
    icon = "study"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.runner = WorkRunner(self)
        self.runner.finished.connect(self._on_created)
        self.runner.failed.connect(self._on_failed)
        # The study whose files were looked through when it was opened.
        self._opened: Path | None = None
        self._relabeller = WorkRunner(self)
        self._relabeller.finished.connect(self._on_relabelled)
        self._relabeller.failed.connect(self._on_failed)
        self._eraser = WorkRunner(self)
        self._eraser.finished.connect(self._on_erased)
        self._eraser.failed.connect(self._on_failed)
        self._importer = WorkRunner(self)
        self._importer.finished.connect(self._on_imported)
        self._importer.failed.connect(self._on_import_failed)
        self._importer.cancelled.connect(self.changed.emit)
        self._joiner = WorkRunner(self)
        self._joiner.finished.connect(self._on_joined)
        self._joiner.failed.connect(self._on_failed)
        self._is_demo = False
        self._front = PARTICIPANTS
        self.browser = StimulusBrowser(context)
        self.browser.said.connect(self.banner.show_sentence)
        self.browser.edited.connect(self._on_stimuli_edited)
        self.browser.changed.connect(self.changed.emit)
        self.protocol = ProtocolEditor(context)
        self.protocol.said.connect(self.banner.show_sentence)
        self.protocol.saved.connect(self._on_protocol_saved)
        self.protocol.changed.connect(self.changed.emit)
        self._actions = {a.id: a for a in self._make_actions()}
        self._lay_out()
        context.workspace.listen(focus=self._on_focus, data=self._draw)
        self._draw()

    def page_actions(self) -> tuple[Action, ...]:
        """Rows of the actions table that belong to this page."""
        return tuple(self._actions.values())

    def on_shown(self) -> None:
        """Read the study's files again: a run may have ended since."""
        self._draw()
        fronts = {STIMULI: self.browser.grid, PROTOCOL: self.protocol}
        fronts.get(self._front, self._table).setFocus()

    def on_hidden(self) -> None:
        """What was just done is old news when one comes back."""
        self.banner.clear()
        self.protocol.finish()

    def shut_down(self) -> None:
        """Stop creating; an erasing under way goes on to its end."""
        self.runner.close()
        self._joiner.close()
        self._eraser.close()
        self._relabeller.close()
        self._importer.close()
        self.browser.close_files()
        self.protocol.finish()

    # Acts -------------------------------------------------------------------------------------------
    def open_study(self, folder: Path) -> None:
        """Open a study folder; a problem is shown in the banner."""
        try:
            study = self.context.lab.open_study(folder)
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            return
        self._take(study)

    def create_study(self, title: str, folder: Path, is_short: bool, template: str = DEFAULT_TEMPLATE) -> None:
        """Make a study off the Qt thread and open it."""
        settings = replace(demo_settings() if is_short else template_settings(template), title=title)
        self._start_creating(folder, settings, is_demo=False)

    def create_demo(self, parent: Path) -> None:
        """Make the demo study in a new folder with one participant."""
        self._start_creating(unused_folder(parent, "veridical-demo"), demo_settings(), is_demo=True)

    def add_participant(self, participant_id: str, group: str) -> None:
        """Add a participant and take them into focus; a problem is shown in the panel."""
        study = self.context.workspace.focus.study
        if study is None:
            return
        try:
            study.add_participant(participant_id, group)
        except VeridicalError as error:
            self.participant_panel.show_problem(str(error))
            return
        self.participant_panel.hide()
        self.context.workspace.set_focus(Focus(study, participant_id, "01"))
        self.context.workspace.tell_data_changed()

    # Inside -----------------------------------------------------------------------------------------
    def _make_actions(self) -> tuple[Action, ...]:
        return (
            Action(
                "study.create", "Create a study", "Ctrl+N", self._open_create, self._is_idle,
                "Make a new study from the affective-pictures template.", "study",
            ),
            Action(
                "study.open", "Open a study", "Ctrl+O", self._choose_study, self._is_idle,
                "Open a study folder (it holds study.toml).", "study",
            ),
            Action(
                "study.demo", "Try the demo study", "Ctrl+D", self._choose_demo, self._is_idle,
                "Make a short study with drawn pictures, to be run without any hardware.", "study",
            ),
            Action(
                "study.add", "Add participant", "Ctrl+P", self._open_participant, self._has_study,
                "Add a participant by code.", "study",
            ),
            Action(
                "study.import", "Import a recording", "Ctrl+Shift+I", self._open_import, self._can_import,
                "Take in a recording made with another program, with its pictures and ratings.", "study",
            ),
            Action(
                "study.next", "Do the next step", "Return", self._next_step, self._has_row,
                "Go where the selected participant's next step is done.", "study",
            ),
            Action(
                "study.report", "Open report", "Ctrl+R", self._open_report, self._has_report,
                "Open the selected participant's newest report in the browser.", "study",
            ),
            Action(
                "study.joint_report", "Report on all participants", "Ctrl+Shift+R", self._join_participants,
                self._can_join, "Every participant's score, how many people show it, and own against pooled models.",
                "study",
            ),
            Action(
                "study.withdraw", "Withdraw participant", "Ctrl+Shift+W", self._ask_withdraw, self._can_withdraw,
                "Erase everything recorded from and computed for the selected participant.", "study",
            ),
            Action(
                "study.relabel", "Correct a wrong id", "Ctrl+Shift+C", self._open_relabel, self._can_relabel,
                "Give the selected participant's session the right participant or session id, everywhere.", "study",
            ),
            Action(
                "study.fallback", "Choose the fallback folder", "Ctrl+Shift+F", self._choose_fallback, self._has_study,
                "Where a recording goes on, without losing a sample, when its disk fails: another disk.", "study",
            ),
            Action(
                "study.no_fallback", "Record without a fallback folder", "Ctrl+Alt+F",
                lambda: self._set_fallback(None), self._has_fallback, "A disk that fails then ends the recording.",
                "study",
            ),
            Action(
                "study.stimuli", "Stimuli", "Ctrl+B", self.show_stimuli, self._has_study,
                "Look through the study's pictures, videos and sounds, import sets and choose what is used.", "study",
            ),
            Action(
                "study.protocol", "Protocol", "Ctrl+Shift+E", self.show_protocol, self._has_study,
                "Edit blocks, timing, questions and words, and see what the session amounts to.", "study",
            ),
            Action(
                "study.participants", "Participants", "Ctrl+Shift+B", self.show_participants, self._has_study,
                "Go back to the participants.", "study",
            ),
            Action(
                "study.stimuli.import", "Import stimuli", "Ctrl+I", self.browser.open_import, self._in_stimuli,
                "Import OASIS or any other set.", "study",
            ),
            Action(
                "study.stimuli.match", "Draw a matched subset", "Ctrl+M", self.browser.open_match, self._in_stimuli,
                "Classes that differ in valence, and as little as possible in arousal and pixels.", "study",
            ),
            Action(
                "study.stimuli.use", "Leave out or use again", "Ctrl+U", self.browser.toggle_use,
                self._has_stimuli_selected, "Decide whether the protocol may draw the selected stimuli.", "study",
            ),
            Action(
                "study.stimuli.flag", "Flag as sensitive or not", "Ctrl+G", self.browser.toggle_sensitive,
                self._has_stimuli_selected, "Flag the selected stimuli as sensitive, or take the flag off.", "study",
            ),
            Action(
                "study.stimuli.check", "Check files", "Ctrl+Shift+K", self.browser.check_files, self._in_stimuli,
                "Compare every stimulus file with its hash.", "study",
            ),
            Action(
                "study.undo", "Undo", "Ctrl+Z", self._undo,
                lambda: self._front != PARTICIPANTS and self._editor.can_undo(), "Take the last change back.", "study",
            ),
            Action(
                "study.redo", "Redo", "Ctrl+Shift+Z", self._redo,
                lambda: self._front != PARTICIPANTS and self._editor.can_redo(), "Do it again.", "study", "Ctrl+Y",
            ),
        )  # fmt: skip

    def _lay_out(self) -> None:
        appearance = self.context.appearance
        self._header_buttons: list[ActionButton] = []
        self._button_views: dict[ActionButton, int] = {}
        heads: tuple[tuple[str, str, ButtonKind, int], ...] = (
            ("study.open", "folder", "plain", PARTICIPANTS),
            ("study.protocol", "note", "plain", PARTICIPANTS),
            ("study.stimuli", "picture", "plain", PARTICIPANTS),
            ("study.import", "import", "plain", PARTICIPANTS),
            ("study.relabel", "person", "plain", PARTICIPANTS),
            ("study.withdraw", "cross", "plain", PARTICIPANTS),
            ("study.add", "plus", "primary", PARTICIPANTS),
            ("study.participants", "left", "plain", STIMULI),
            ("study.undo", "undo", "plain", STIMULI),
            ("study.redo", "redo", "plain", STIMULI),
            ("study.stimuli.use", "cross", "plain", STIMULI),
            ("study.stimuli.flag", "caution", "plain", STIMULI),
            ("study.stimuli.check", "check", "plain", STIMULI),
            ("study.stimuli.match", "balance", "plain", STIMULI),
            ("study.stimuli.import", "import", "primary", STIMULI),
            ("study.participants", "left", "plain", PROTOCOL),
            ("study.undo", "undo", "plain", PROTOCOL),
            ("study.redo", "redo", "plain", PROTOCOL),
        )
        short = {
            "study.import": "Import", "study.relabel": "Correct id", "study.withdraw": "Withdraw",
            "study.undo": "", "study.redo": "", "study.stimuli.use": "Leave out", "study.stimuli.flag": "Sensitive",
            "study.stimuli.match": "Match", "study.stimuli.import": "Import",
        }  # fmt: skip
        for action_id, icon, kind, view in heads:
            action = self._actions[action_id]
            button = ActionButton(appearance, action, icon, kind, short.get(action_id) or action.text)
            if short.get(action_id) == "":
                button.setText("")
            self.header.add(button)
            self.changed.connect(button.refresh)
            self._header_buttons.append(button)
            self._button_views[button] = view
        self._empty = EmptyState(
            appearance,
            "study",
            "Start with a study",
            "A study holds your protocol, pictures, participants and everything recorded and computed for them. "
            "The demo study needs no hardware: a simulated participant answers and is recorded.",
        )
        for action_id, icon in (("study.demo", "demo"), ("study.create", "plus"), ("study.open", "folder")):
            step: ButtonKind = "primary" if action_id == "study.demo" else "plain"
            self._empty.add_step(ActionButton(appearance, self._actions[action_id], icon, step))
        self._strip = ProgressStrip(appearance, self.runner)
        self._import_strip = ProgressStrip(appearance, self._importer)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._filled())
        self._stack.addWidget(self.browser)
        self._stack.addWidget(self.protocol)
        self.participant_panel = ParticipantPanel(self.context, self.add_participant)
        self._study_panel = NewStudyPanel(self.context, self.create_study)
        self.import_panel = ImportRecordingPanel(self.context, self._start_import)
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        row.addLayout(self._stack, 1)
        row.addWidget(self.participant_panel)
        self.relabel_panel = RelabelPanel(self.context, self._relabel)
        row.addWidget(self.relabel_panel)
        row.addWidget(self.import_panel)
        row.addWidget(self._study_panel)
        self.column.addWidget(self._strip)
        self.column.addWidget(self._import_strip)
        self.column.addLayout(row, 1)

    def _filled(self) -> QWidget:
        self.table_model = ParticipantTable(self.context.appearance)
        self._table = QTableView()
        self._table.setModel(self.table_model)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setShowGrid(False)
        self._table.setAccessibleName("Participants")
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(6 * GRID)
        heads = self._table.horizontalHeader()
        heads.setHighlightSections(False)
        heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((128, 128, 128, 136, 0, 136)):
            mode = QHeaderView.ResizeMode.Stretch if not width else QHeaderView.ResizeMode.Fixed
            heads.setSectionResizeMode(column, mode)
            if width:
                heads.resizeSection(column, width)
        self._table.selectionModel().currentRowChanged.connect(self._on_row)
        self._table.doubleClicked.connect(self._on_double_clicked)
        widget = QWidget()
        table_card, table_column = card(margin=GRID, spacing=0)
        self._nobody = EmptyState(
            self.context.appearance,
            "person",
            "No participants yet",
            "Add one by a code such as 001. What happens to them is listed here: recorded, annotated, model trained.",
        )
        first = ActionButton(self.context.appearance, self._actions["study.add"], "plus", "primary")
        self.changed.connect(first.refresh)
        self._nobody.add_step(first)
        table_column.addWidget(self._table, 1)
        table_column.addWidget(self._nobody, 1)
        facts_card, facts_column = card(margin=3 * GRID, spacing=GRID)
        facts_head = QHBoxLayout()
        facts_head.addWidget(label("About this study", "sectionTitle"))
        facts_head.addStretch(1)
        fallback = ActionButton(
            self.context.appearance, self._actions["study.fallback"], "folder", "quiet", "Fallback folder"
        )
        self.changed.connect(fallback.refresh)
        joint = ActionButton(self.context.appearance, self._actions["study.joint_report"], "report", "quiet")
        self.changed.connect(joint.refresh)
        facts_head.addWidget(joint)
        facts_head.addWidget(fallback)
        facts_column.addLayout(facts_head)
        facts_column.addWidget(line())
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(3 * GRID)
        self._facts.setVerticalSpacing(GRID)
        self._facts.setColumnStretch(1, 1)
        facts_column.addLayout(self._facts)
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2 * GRID)
        grid.addWidget(table_card, 0, 0)
        grid.addWidget(facts_card, 1, 0)
        grid.setRowStretch(0, 1)
        return widget

    def _start_creating(self, folder: Path, settings: StudySettings, *, is_demo: bool) -> None:
        self.banner.clear()
        self._is_demo = is_demo
        self._strip.show_start("Copying the pictures")
        create = self.context.lab.create_study

        def make() -> Study:
            study = create(folder, settings)
            if is_demo:
                study.add_participant("001")
            return study

        self.runner.start_call(make, "Copying the pictures")
        self.changed.emit()

    def _on_created(self, study: Study) -> None:
        self._study_panel.hide()
        self._take(study)
        if self._is_demo:
            self.banner.show_sentence(
                "good", "The demo study is ready. Next: the Run page, where you start the simulated amplifier."
            )

    def _on_failed(self, sentence: str) -> None:
        self.banner.show_sentence("fail", sentence)
        self._study_panel.show_problem(sentence)
        self.changed.emit()

    def _take(self, study: Study) -> None:
        self.banner.clear()
        self._front = PARTICIPANTS
        active = [p.id for p in study.participants() if p.status == "active"]
        self.context.workspace.set_focus(Focus(study, active[0] if active else "", "01"))
        self._draw()

    def _on_focus(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None and study.root != self._opened:
            self._opened = study.root
            self._finish_relabelling(study)
        self._draw()

    def _finish_relabelling(self, study: Study) -> None:
        """What a crash interrupted goes on when the study is opened: half of the files have the new id already."""
        try:
            planned = self.context.lab.find_interrupted(study)
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            return
        if planned is not None:
            self._relabel(planned.source, planned.target)
            words = f"Correcting {planned.source} to {planned.target} was interrupted; it is being finished."
            self.banner.show_sentence("caution", words)

    def _draw(self) -> None:
        study = self.context.workspace.focus.study
        self._stack.setCurrentIndex(0 if study is None else self._front)
        for button in self._header_buttons:
            button.setVisible(study is not None and self._button_views[button] == self._front)
        if study is not None and self._front == STIMULI:
            self.header.show_words("Stimuli")
            self.browser.open(study)
        elif study is not None and self._front == PROTOCOL:
            self.header.show_words("Protocol")
            self.protocol.open(study)
        elif study is not None:
            try:
                rows = tuple(resolve_row(p) for p in study.progress())
            except VeridicalError as error:
                self.banner.show_sentence("fail", str(error))
                rows = ()
            self.table_model.show_rows(rows)
            self._table.setVisible(bool(rows))
            self._nobody.setVisible(not rows)
            self.header.show_words(wording.count(len(rows), "participant") if rows else "")
            self._show_facts(study)
            self._select(self.context.workspace.focus.participant)
        self.changed.emit()

    def _show_facts(self, study: Study) -> None:
        clear_layout(self._facts)
        for row, fact in enumerate(resolve_facts(study)):
            self._facts.addWidget(label(fact.name, "quiet"), row, 0)
            self._facts.addWidget(label(fact.words, wraps=True), row, 1)

    def _select(self, participant: str) -> None:
        for row, shown in enumerate(self.table_model.rows):
            if shown.id == participant and self._table.currentIndex().row() != row:
                self._table.selectRow(row)

    def _on_row(self, index: QModelIndex) -> None:
        focus = self.context.workspace.focus
        if index.isValid() and not self.table_model.rows[index.row()].is_withdrawn:
            chosen = self.table_model.rows[index.row()].id
            if chosen != focus.participant:
                self.context.workspace.set_focus(Focus(focus.study, chosen, focus.session))
        self.changed.emit()

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self._next_step()

    def _is_idle(self) -> bool:
        return not self.runner.is_running

    def _has_study(self) -> bool:
        return self.context.workspace.focus.study is not None

    def _in_stimuli(self) -> bool:
        return self._has_study() and self._front == STIMULI and self.browser.is_idle()

    def _has_stimuli_selected(self) -> bool:
        return self._front == STIMULI and self.browser.has_selection()

    def show_stimuli(self) -> None:
        """Show the stimulus browser."""
        self._show(STIMULI)

    def show_protocol(self) -> None:
        """Show the protocol editor."""
        self._show(PROTOCOL)

    def show_participants(self) -> None:
        """Show the participants."""
        self._show(PARTICIPANTS)

    def _show(self, view: int) -> None:
        self.participant_panel.hide()
        self.import_panel.hide()
        self._study_panel.hide()
        self.protocol.finish()
        self.banner.clear()
        self._front = view
        self.on_shown()

    @property
    def _editor(self) -> StimulusBrowser | ProtocolEditor:
        return self.protocol if self._front == PROTOCOL else self.browser

    def _undo(self) -> None:
        self._editor.undo()

    def _redo(self) -> None:
        self._editor.redo()

    def _on_protocol_saved(self, study: Study) -> None:
        self.banner.clear()
        self.context.workspace.set_focus(replace(self.context.workspace.focus, study=study))

    def _on_stimuli_edited(self) -> None:
        focus = self.context.workspace.focus
        if focus.study is not None:
            # What is shown next, the preview and the pre-flight gate must know the new table.
            self.context.workspace.set_focus(replace(focus, study=self.context.lab.open_study(focus.study.root)))

    def _has_row(self) -> bool:
        return self._has_study() and self._front == PARTICIPANTS and self._table.currentIndex().isValid()

    def _can_withdraw(self) -> bool:
        if not self._has_row() or self._eraser.is_running:
            return False
        row = self.table_model.rows[self._table.currentIndex().row()]
        # An erasing that was interrupted leaves a withdrawn participant with files: the same act finishes it.
        return not row.is_withdrawn or bool(row.recorded or row.annotated or row.report)

    def _ask_withdraw(self) -> None:
        study = self.context.workspace.focus.study
        if study is None:
            return
        chosen = self.table_model.rows[self._table.currentIndex().row()].id
        try:
            held = self.context.lab.find_holdings(study, chosen)
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            return
        consequence = (
            f"This erases {held.words}. It cannot be undone. The code {chosen} stays taken. Copies made elsewhere, "
            f"such as backups and exports, are not reached: erase them too. {held.absent_words}".rstrip()
        )
        if self.context.prompt.confirm(f"Withdraw participant {chosen}?", consequence, "Erase everything"):
            # The other pages let go of the recording first.
            self.context.workspace.set_focus(Focus(study, "", "01"))
            self._eraser.start(lambda: self.context.lab.withdraw(study, chosen))
            self.changed.emit()

    def _on_erased(self, held: Holdings) -> None:
        self.context.workspace.tell_data_changed()
        words = f"Participant {held.participant} withdrew: {held.words} were erased. {held.absent_words}".rstrip()
        self.banner.show_sentence("caution" if held.absent else "good", words)

    def _can_relabel(self) -> bool:
        if not self._has_row() or self._eraser.is_running:
            return False
        return bool(self.table_model.rows[self._table.currentIndex().row()].recorded)

    def _open_relabel(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None:
            chosen = self.table_model.rows[self._table.currentIndex().row()].id
            self.participant_panel.hide()
            self.relabel_panel.open_for(chosen, study.runs(chosen))

    def _relabel(self, source: Place, target: Place) -> None:
        study = self.context.workspace.focus.study
        if study is None or self._relabeller.is_running:
            return
        # The other pages let go of the recording first.
        self.context.workspace.set_focus(Focus(study, "", "01"))
        self._relabeller.start(lambda: self.context.lab.relabel(study, source, target))
        self.changed.emit()

    def _on_relabelled(self, done: Relabelling) -> None:
        self.context.workspace.tell_data_changed()
        self.banner.show_sentence("good", f"{done.source} is {done.target} now. {done.stays}".strip())

    def _has_report(self) -> bool:
        return self._has_row() and self.table_model.rows[self._table.currentIndex().row()].report is not None

    def _can_join(self) -> bool:
        has_model = any(row.report is not None for row in self.table_model.rows)
        return self._has_study() and has_model and not self._joiner.is_running

    def _join_participants(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None and not self._joiner.is_running:
            self.banner.clear()
            self._joiner.start(lambda: self.context.lab.join_participants(study))
            self.changed.emit()

    def _on_joined(self, joined: "StudyReport") -> None:
        self.banner.show_sentence("good", f"The report on all participants is {joined.report}.")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(joined.report)))
        self.changed.emit()

    def _can_import(self) -> bool:
        return self._has_study() and self._front == PARTICIPANTS and not self._importer.is_running

    def _open_import(self) -> None:
        self.participant_panel.hide()
        self._study_panel.hide()
        self.import_panel.open(self.context.workspace.focus.participant)

    def _start_import(self, request: ImportRequest) -> None:
        study = self.context.workspace.focus.study
        if study is None or self._importer.is_running:
            return
        self.banner.clear()
        self._import_strip.show_start("Reading the recording")
        self._importer.start(lambda: self.context.lab.import_recording(study, request))
        self.changed.emit()

    def _on_imported(self, result: ImportResult) -> None:
        self.import_panel.show_result(result)
        study = self.context.workspace.focus.study
        self.context.workspace.set_focus(Focus(study, result.key.participant, result.key.session))
        self.context.workspace.tell_data_changed()
        self.banner.show_sentence("good", "The recording is in the study. Next: the Annotate page, or train a model.")

    def _on_import_failed(self, sentence: str) -> None:
        self.import_panel.show_problem(sentence)
        self.changed.emit()

    def _open_create(self) -> None:
        self.participant_panel.hide()
        self.import_panel.hide()
        self._study_panel.open()

    def _open_participant(self) -> None:
        self._study_panel.hide()
        self.import_panel.hide()
        self.participant_panel.open(suggest_participant_id(tuple(r.id for r in self.table_model.rows)))

    def _choose_study(self) -> None:
        folder = self.context.prompt.choose_folder("Open a study", Path.home())
        if folder is not None:
            self.open_study(folder)

    def _has_fallback(self) -> bool:
        study = self.context.workspace.focus.study
        return study is not None and bool(study.settings.recording.fallback)

    def _choose_fallback(self) -> None:
        folder = self.context.prompt.choose_folder("Where shall a recording go on when its disk fails?", Path.home())
        if folder is not None:
            self._set_fallback(folder)

    def _set_fallback(self, folder: Path | None) -> None:
        focus = self.context.workspace.focus
        if focus.study is None:
            return
        try:
            study = self.context.lab.set_fallback(focus.study, folder)
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            return
        self.banner.clear()
        self.context.workspace.set_focus(replace(focus, study=study))

    def _choose_demo(self) -> None:
        folder = self.context.prompt.choose_folder("Where shall the demo study lie?", Path.home())
        if folder is not None:
            self.create_demo(folder)

    def _next_step(self) -> None:
        if not self._has_row():
            return
        step = self.table_model.rows[self._table.currentIndex().row()].next_step
        if step == "report":
            self._open_report()
        elif step:
            self.asked_for.emit(step)

    def _open_report(self) -> None:
        report = self.table_model.rows[self._table.currentIndex().row()].report
        if report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(report)))
