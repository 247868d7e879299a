"""The Annotate page: choose a run, mark artifacts, decide on suggestions."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QListView, QStackedWidget, QWidget

from veridical.domain.agreement import LabelAgreement
from veridical.domain.annotation import Suggestion
from veridical.domain.errors import VeridicalError
from veridical.domain.landmarks import Landmarks
from veridical.domain.participant import RunKey
from veridical.gui.annotate.canvas import TraceCanvas
from veridical.gui.annotate.label_bar import LabelBar
from veridical.gui.annotate.marking_actions import make_marking_actions
from veridical.gui.annotate.mend_offer import MendOffer
from veridical.gui.annotate.overview import Overview
from veridical.gui.annotate.review_panel import (
    TrialList,
    again_words,
    agreement_words,
    method_words,
    queue_words,
    review_words,
    trial_summary,
)
from veridical.gui.annotate.suggestion_list import SuggestionDelegate, SuggestionList
from veridical.gui.annotate.view_loader import ViewLoader
from veridical.gui.annotate.view_model import AnnotateModel
from veridical.gui.annotate.view_panel import ViewPanel
from veridical.gui.common import wording
from veridical.gui.common.actions import Action
from veridical.gui.common.page import Context, Page
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton, EmptyState, StatusLight, card, label
from veridical.gui.common.work_runner import WorkRunner

if TYPE_CHECKING:
    from veridical.services.annotating import AnnotationDesk
    from veridical.signals.similar import Swings

RATER = "rater1"
# Under this name agreed and resolved marks are kept (services.consensus).
CONSENSUS = "consensus"
_ONE_RATER = "Fewer than two raters have marked this recording; each marks under a name of their own (Ctrl+Shift+R)."
# What stays on screen for so long has been looked at.
_LOOK_MS = 300
_SAVE_MS = 2000
_LIST_WIDTH = 36 * GRID


class AnnotatePage(Page):
    """All signals on one time axis, marks with undo, suggestions."""

    name = "annotate"
    title = "Annotate"
    icon = "annotate"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.model = AnnotateModel()
        self.open_runner = WorkRunner(self)
        self.suggest_runner = WorkRunner(self)
        self.open_runner.finished.connect(self._on_opened)
        self.open_runner.failed.connect(self._on_open_failed)
        self.suggest_runner.finished.connect(self._on_suggested)
        self.suggest_runner.failed.connect(self._on_failed)
        self.loader = ViewLoader(context.appearance, self)
        self.loader.failed.connect(self._on_failed)
        self.loader.remarked.connect(lambda words: self.banner.show_sentence("caution", words))
        self._runs: tuple[RunKey, ...] = ()
        self._opening: RunKey | None = None
        self._marks_one_channel = False
        self._rater = RATER
        self._mismatch = ""
        self._looking = QTimer(self)
        self._looking.setSingleShot(True)
        self._looking.setInterval(_LOOK_MS)
        self._looking.timeout.connect(self._on_looked)
        self._saving = QTimer(self)
        self._saving.setInterval(_SAVE_MS)
        self._saving.timeout.connect(self._on_idle)
        self._saving.start()
        self._searcher = WorkRunner(self)
        self._searcher.finished.connect(self._on_similar)
        self._swings: tuple[int, Swings] | None = None
        self.offer = MendOffer(context)
        self.offer.mended.connect(self._on_mended)
        self.offer.failed.connect(self._on_failed)
        self.offer.changed.connect(self.changed.emit)
        self.canvas = TraceCanvas(context.appearance, self.model, lambda: self._marks_one_channel)
        self.view_panel = ViewPanel(context.appearance, self.canvas, self.model)
        own = (*self._make_actions(), *self.view_panel.actions_of_view, self.offer.make_action())
        self._actions = {a.id: a for a in own}
        self._lay_out()
        context.workspace.listen(focus=self._on_focus, data=self._on_data)
        self._draw()

    def page_actions(self) -> tuple[Action, ...]:
        """Rows of the actions table that belong to this page."""
        return tuple(self._actions.values())

    def on_shown(self) -> None:
        """Open the newest run if none is open."""
        self._list_runs()
        if not self.model.is_open and self._runs:
            self.open_run(self._runs[-1])
        self.canvas.setFocus()

    def on_hidden(self) -> None:
        """Other pages see the marks that were made."""
        if self.model.is_open:
            self.context.workspace.tell_data_changed()

    def shut_down(self) -> None:
        """Write the table and stop the threads."""
        self._looking.stop()
        self._saving.stop()
        self.open_runner.close()
        self.suggest_runner.close()
        self._searcher.close()
        self.loader.close()
        self.offer.close_threads()
        self.model.close()
        self.canvas.close_renderer()

    def open_run(self, key: RunKey) -> None:
        """Open a recording off the Qt thread."""
        study = self.context.workspace.focus.study
        if study is None or self.open_runner.is_running:
            return
        self._opening = key
        self.banner.clear()
        rater = self._rater
        if self.model.key == key:
            # The file can be open once only; what was on screen and undone is in it.
            self.loader.load(None)
            self.model.close()
        open_desk = self.context.lab.open_desk
        self._open_strip.show_start("Opening the recording")
        self.open_runner.start_call(lambda: open_desk(study, key, rater), "Opening the recording")

    # Inside -----------------------------------------------------------------------------------------
    def _make_actions(self) -> tuple[Action, ...]:
        model = self.model
        moves = (
            ("annotate.left", "Scroll left", "Left", lambda: model.scroll(-model.screen.seconds / 5)),
            ("annotate.right", "Scroll right", "Right", lambda: model.scroll(model.screen.seconds / 5)),
            ("annotate.page_left", "Page left", "PgUp", lambda: model.scroll(-model.screen.seconds)),
            ("annotate.page_right", "Page right", "PgDown", lambda: model.scroll(model.screen.seconds)),
            ("annotate.first", "Go to the beginning", "Home", lambda: model.go_to(0.0)),
            ("annotate.last", "Go to the end", "End", lambda: model.go_to(model.screen.length_s)),
            ("annotate.longer", "Show more time", "Ctrl+-", lambda: model.zoom(2.0)),
            ("annotate.shorter", "Show less time", "Ctrl++", lambda: model.zoom(0.5)),
            ("annotate.larger", "Larger traces", "Up", lambda: model.scale(self.canvas.active_role, -1)),
            ("annotate.smaller", "Smaller traces", "Down", lambda: model.scale(self.canvas.active_role, 1)),
        )
        acts = (
            ("annotate.delete", "Delete the mark", "Del", model.delete, lambda: model.screen.selected is not None),
            ("annotate.clear", "Clear the selection", "Esc", model.clear, self._has_selection),
            ("annotate.undo", "Undo", "Ctrl+Z", model.undo, lambda: model.screen.undo_text is not None),
            ("annotate.redo", "Redo", "Ctrl+Shift+Z", model.redo, lambda: model.screen.redo_text is not None),
            ("annotate.again", "Mark with the last label", "Return", self._put_last_label, self._has_stretch),
            ("annotate.next", "Next suggestion", "]", partial(model.step_suggestion, 1), self._has_suggestions),
            (
                "annotate.previous",
                "Previous suggestion",
                "[",
                partial(model.step_suggestion, -1),
                self._has_suggestions,
            ),
            ("annotate.accept", "Accept", "A", partial(model.decide, True), self._has_chosen),
            ("annotate.reject", "Reject", "R", partial(model.decide, False), self._has_chosen),
            ("annotate.one", "Mark one channel or all", "C", self._toggle_one, self._is_open),
        )
        helps = {
            "annotate.larger": "Of the role under the last click; Ctrl+wheel does it under the pointer.",
            "annotate.next": "Tab does it too while the signals have the keyboard.",
            "annotate.accept": "Turn the chosen suggestion into a mark and go to the next.",
            "annotate.reject": "Drop the chosen suggestion and go to the next; the decision is kept.",
            "annotate.one": "Holding Shift while dragging marks one channel as well.",
            "annotate.undo": "Every act can be taken back, also tomorrow.",
        }
        made = [
            Action(i, text, key, partial(self._do, run), self._is_open, helps.get(i, ""), "annotate")
            for i, text, key, run in moves
        ]
        made += [
            Action(i, text, key, partial(self._do, run), when, helps.get(i, ""), "annotate")
            for i, text, key, run, when in acts
        ]
        made.append(
            Action(
                "annotate.suggest", "Find suggestions", "Ctrl+F", self._find_suggestions, self._may_suggest,
                "Look through the recording for blinks, muscle, flat channels and the like; you decide on each.",
                "annotate",
            )
        )  # fmt: skip
        return (*made, *make_marking_actions(self))

    # What the actions table asks of the page --------------------------------------------------------
    def do(self, act: Callable[[], object]) -> None:
        """Run one act of the model, show a problem in words, draw."""
        self._do(act)

    def put_key(self, key: str) -> None:
        """Put the label that has this key in the study."""
        label = next((known for known in self.model.labels if known.key == key), None)
        if label is not None:
            self._do(partial(self.model.put_label, label.id))

    def has_key(self, key: str) -> bool:
        """Whether a label of the study has this key and there is something to label."""
        return self._can_label() and any(known.key == key for known in self.model.labels)

    def ask_comment(self) -> None:
        """Ask for a comment to the selected mark."""
        mark = self.model.screen.selected
        if mark is None:
            return
        now = f"It says now: {mark.comment}" if mark.comment else "It is kept with the mark."
        text = self.context.prompt.ask_text("Comment on the mark", now, "Keep")
        if text is not None:
            self._do(partial(self.model.comment, text))

    def toggle_again(self) -> None:
        """Begin or end the second judgement of a tenth."""
        if not self.model.screen.again:
            self._do(self.model.start_again)
            return
        found: list[LabelAgreement] = []
        self._do(lambda: found.extend(self.model.end_again()))
        if found:
            self.banner.show_sentence("good", again_words(found))

    def unblind(self) -> None:
        """Ask, then show classes and ratings."""
        consequence = (
            "From then on this rater knows the classes. It is logged and counts as an analysis of this participant."
        )
        if self.context.prompt.confirm("Show classes and ratings?", consequence, "Show them"):
            self._do(self.model.unblind)

    def add_rater(self) -> None:
        """Ask for a name and mark under it."""
        name = self.context.prompt.ask_text(
            "Mark as another rater", "A short name, letters and digits. Nobody sees another rater's marks.", "Mark"
        )
        if name:
            self._open_as(name)

    def resolve(self) -> None:
        """Open the consensus of all raters."""
        study, key = self.context.workspace.focus.study, self.model.key
        if study is not None and key is not None:
            if len(self.context.lab.rated_sets(study, key)) < 2:
                self.banner.show_sentence("unknown", _ONE_RATER)
                return
            self._open_as(CONSENSUS)

    def show_agreement(self) -> None:
        """Say how far the raters agree."""
        study, key = self.context.workspace.focus.study, self.model.key
        if study is None or key is None:
            return
        try:
            raters = self.context.lab.rated_sets(study, key)
            if len(raters) < 2:
                self.banner.show_sentence("unknown", _ONE_RATER)
                return
            found = self.context.lab.compare_raters(raters, self.model.screen.length_s)
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            return
        self.banner.show_sentence("good", agreement_words(found))

    def bring_in(self) -> None:
        """Ask for a file of marks and add them."""
        study, key, desk = self.context.workspace.focus.study, self.model.key, self.model.desk
        if study is None or key is None or desk is None:
            return
        file = self.context.prompt.choose_file("Import marks", study.root)
        if file is None:
            return
        words: list[str] = []

        def act() -> None:
            words.append(self.context.lab.import_marks(study, key, desk, file))
            self.model.show_state()

        self._do(act)
        if words:
            self.banner.show_sentence("good", words[0])

    def carry_out(self) -> None:
        """Ask for a name and write the marks for another program."""
        study, key, desk = self.context.workspace.focus.study, self.model.key, self.model.desk
        if study is None or key is None or desk is None:
            return
        file = self.context.prompt.choose_new_file("Export marks", study.root / f"{key.stem}-annot.fif")
        if file is None:
            return
        try:
            n = self.context.lab.export_marks(study, key, desk, file)
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            return
        self.banner.show_sentence("good", f"{file.name} holds {wording.count(n, 'mark')}.")

    def toggle_trials(self) -> None:
        """List trials in place of suggestions, or suggestions again."""
        self._lists.setCurrentIndex(1 - self._lists.currentIndex())
        self._draw()

    def _open_as(self, rater: str) -> None:
        if self.model.key is not None:
            self._rater = rater
            self.open_run(self.model.key)

    def _lay_out(self) -> None:
        appearance, actions = self.context.appearance, self._actions
        self._saved = StatusLight(appearance)
        self._choice = QComboBox()
        self._choice.setAccessibleName("Recording")
        self._choice.setMinimumWidth(200)
        self._choice.activated.connect(self._on_choice)
        self.header.add(self._saved)
        self._undo = ActionButton(appearance, actions["annotate.undo"], "undo", "quiet")
        self._redo = ActionButton(appearance, actions["annotate.redo"], "redo", "quiet")
        self._view = ActionButton(appearance, actions["annotate.view_panel"], "screen", "quiet", text="View")
        self._who = QComboBox()
        self._who.setAccessibleName("Rater")
        self._who.setMinimumWidth(120)
        self._who.activated.connect(self._on_rater)
        for widget in (self._view, self._undo, self._redo, self._who, self._choice):
            self.header.add(widget)
        # In the header, so that the signals do not move when it comes and goes.
        self.loader.strip.setFixedWidth(34 * GRID)
        self.header.add(self.loader.strip)
        self._open_strip = ProgressStrip(appearance, self.open_runner)
        self._suggest_strip = ProgressStrip(appearance, self.suggest_runner)
        self._empty = EmptyState(appearance, "annotate", "Mark what is not brain, skin or heart", "")
        self.overview = Overview(appearance, self.model)
        self._labels = LabelBar(lambda name: self._do(partial(self.model.put_label, name)))
        self._hint = label("", "quiet")
        signals, column = card(margin=2 * GRID, spacing=GRID)
        column.addWidget(self.overview)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._hint)
        column.addWidget(self._labels)
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        row.addWidget(signals, 1)
        row.addWidget(self.view_panel)
        row.addWidget(self._suggestion_panel())
        self._faces = QStackedWidget()
        self._faces.addWidget(self._empty)
        self._faces.addWidget(work)
        self.column.addWidget(self.offer)
        self.column.addWidget(self._open_strip)
        self.column.addWidget(self._suggest_strip)
        self.column.addWidget(self._faces, 1)
        self.canvas.acted.connect(self._draw)
        self.canvas.refused.connect(self._on_failed)
        self.loader.grown.connect(self._on_grown)
        self.canvas.problem_changed.connect(self._on_problem)
        self.loader.landmarks_found.connect(self.canvas.show_landmarks)
        self.canvas.next_wanted.connect(lambda: self._do(partial(self.model.step_suggestion, 1)))
        self.overview.acted.connect(lambda: self._do(_nothing))

    def _suggestion_panel(self) -> QWidget:
        appearance, actions = self.context.appearance, self._actions
        panel, column = card(margin=2 * GRID, spacing=GRID)
        panel.setFixedWidth(_LIST_WIDTH)
        self._panel_title = label("Suggestions", "sectionTitle")
        column.addWidget(self._panel_title)
        self._suggestion_words = label("", "quiet", wraps=True)
        column.addWidget(self._suggestion_words)
        self._rows = SuggestionList()
        self._list = QListView()
        self._list.setModel(self._rows)
        self._delegate = SuggestionDelegate(appearance, self._rows, self.model.label_colour)
        self._list.setItemDelegate(self._delegate)
        self._list.setAccessibleName("Suggestions")
        self._list.clicked.connect(self._on_suggestion_clicked)
        self._trials = TrialList()
        self._trial_list = QListView()
        self._trial_list.setModel(self._trials)
        self._trial_list.setAccessibleName("Trials")
        self._trial_list.setWordWrap(True)
        self._trial_list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._trial_list.clicked.connect(self._on_trial_clicked)
        self._lists = QStackedWidget()
        self._lists.addWidget(self._list)
        self._lists.addWidget(self._trial_list)
        column.addWidget(self._lists, 1)
        decide = QHBoxLayout()
        self._buttons = [
            ActionButton(appearance, actions["annotate.accept"], "check", text="Accept  A"),
            ActionButton(appearance, actions["annotate.reject"], "cross", text="Reject  R"),
        ]
        for button in self._buttons:
            decide.addWidget(button)
        decide.addStretch(1)
        column.addLayout(decide)
        self._buttons.append(ActionButton(appearance, actions["annotate.suggest"], "search"))
        column.addWidget(self._buttons[-1])
        self._method_words = label("", "quiet", wraps=True)
        column.addWidget(self._method_words)
        self._review_words = label("", "quiet", wraps=True)
        column.addWidget(self._review_words)
        more = QHBoxLayout()
        for name, text in (("annotate.trials", "Trials  Ctrl+T"), ("annotate.lock", "Lock  Ctrl+L")):
            self._buttons.append(ActionButton(appearance, actions[name], text=text))
            more.addWidget(self._buttons[-1])
        more.addStretch(1)
        column.addLayout(more)
        return panel

    def _do(self, act: Callable[[], object]) -> None:
        """Run one act of the model, show a problem in words, draw."""
        try:
            act()
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
        self.canvas.redraw()
        self._draw()

    def _draw(self) -> None:
        screen, is_open = self.model.screen, self.model.is_open
        self._faces.setCurrentIndex(1 if is_open else 0)
        for widget in (self._saved, self._view, self._undo, self._redo, self._who):
            widget.setVisible(is_open)
        self._choice.setVisible(bool(self._runs))
        if not is_open:
            self._show_empty()
        else:
            self._saved.show_state("caution" if screen.problem else "good", screen.words)
            self._hint.setText(self._hint_words())
            self._undo.setToolTip(f"Undo: {screen.undo_text} (Ctrl+Z)" if screen.undo_text else "Nothing to undo")
            self._redo.setToolTip(f"Redo: {screen.redo_text} (Ctrl+Shift+Z)" if screen.redo_text else "Nothing to redo")
            self._rows.show_rows(screen.suggestions)
            self._draw_panel()
            if screen.chosen in screen.suggestions:
                self._list.setCurrentIndex(self._rows.index(screen.suggestions.index(screen.chosen), 0))
            else:
                self._list.clearSelection()
        self._labels.show_labels(self.model.labels)
        self._labels.refresh(self._can_label())
        # What stays on screen for a moment has been looked at; pages that only fly by have not.
        self._looking.start()
        for button in (*self._buttons, self._view, self._undo, self._redo):
            button.refresh()
        self.overview.update()
        self.changed.emit()

    def _draw_panel(self) -> None:
        """Suggestions or trials, how the methods did, and the review."""
        screen = self.model.screen
        is_trials = self._lists.currentIndex() == 1
        self._panel_title.setText("Trials" if is_trials else "Suggestions")
        if is_trials:
            self._trials.show_rows(self.model.trials)
            self._suggestion_words.setText(trial_summary(self.model.trials))
        else:
            self._suggestion_words.setText(queue_words(screen))
        desk = self.model.desk
        words = method_words(desk.methods) if desk is not None and not screen.again else ""
        self._method_words.setText(words)
        self._method_words.setVisible(bool(words))
        self._review_words.setText(review_words(screen))

    def _hint_words(self) -> str:
        screen = self.model.screen
        bad = screen.annotations.bad_channels
        if bad and screen.pending is None and screen.selected is None:
            return (
                f"Bad: {', '.join(bad[:6])}{'…' if len(bad) > 6 else ''} (B with a stretch on a channel takes it back)"
            )
        if screen.pending is not None:
            where = ", ".join(screen.pending.channels[:4]) if screen.pending.channels else "all channels"
            seconds = wording.number(screen.pending.stop_s - screen.pending.start_s, 2)
            return f"{seconds} s on {where}: press a label's key"
        if screen.selected is not None:
            comment = f"“{wording.shortened(screen.selected.comment, 60)}” · " if screen.selected.comment else ""
            return f"{comment}Press a label's key to change the mark, drag its edges, T to comment, Delete to remove it"
        if screen.chosen is not None:
            return "A accepts the suggestion, R rejects it, a label's key accepts it as that"
        if self._marks_one_channel:
            return "Drag over a channel to mark it alone (C: all channels)"
        return "Drag over the signals to mark all channels (C: one channel), then press a label's key"

    def _show_empty(self) -> None:
        focus = self.context.workspace.focus
        sentence = "Open a study and record a session; then the recording can be marked here."
        if focus.study is not None:
            sentence = (
                f"Participant {focus.participant or '?'} has no recording yet. Record one on the Run page; "
                "then its signals can be marked here: blinks, muscle, movement, laughter."
            )
        self._empty.show_words("Mark what is not brain, skin or heart", sentence)

    def _list_runs(self) -> None:
        focus = self.context.workspace.focus
        try:
            runs = focus.study.runs(focus.participant) if focus.study is not None and focus.participant else ()
        except VeridicalError as error:
            self.banner.show_sentence("fail", str(error))
            runs = ()
        if runs != self._runs:
            self._runs = runs
            self._choice.clear()
            self._choice.addItems([f"Session {k.session}, run {k.run}" for k in runs])
        self.header.show_words(f"Participant {focus.participant}" if focus.participant else "")
        if self.model.key in runs:
            self._choice.setCurrentIndex(runs.index(self.model.key))
        self._draw()

    def _on_focus(self) -> None:
        key = self.model.key
        if key is not None and key.participant != self.context.workspace.focus.participant:
            self.loader.load(None)
            self.model.close()
            self.offer.put_off()
            self.canvas.redraw()
        self._list_runs()
        if self.isVisible():
            self.on_shown()

    def _on_data(self) -> None:
        self._list_runs()

    def _on_choice(self, row: int) -> None:
        if self._runs[row] != self.model.key:
            self.open_run(self._runs[row])

    def _on_opened(self, desk: "AnnotationDesk") -> None:
        if self._opening is None or self._opening.participant != self.context.workspace.focus.participant:
            desk.close()
            return
        self.loader.load(None)
        self.model.take(desk, self._opening)
        self._mismatch, self._swings = "", None
        self._list_raters()
        if desk.state.problem:
            self.banner.show_sentence("caution", desk.state.problem)
        self.canvas.show_landmarks(Landmarks())
        self.view_panel.refresh()
        self.loader.load(desk.viewing)
        self._list_runs()
        self.canvas.redraw()
        self._look_for_damage()
        if not self.model.screen.suggestions and not self.model.screen.annotations.annotations:
            self._find_suggestions()

    def _on_problem(self, sentence: str) -> None:
        if sentence:
            self.banner.show_sentence("caution", sentence)
        else:
            self.banner.clear()

    def _on_grown(self) -> None:
        self.model.refresh()
        self.canvas.redraw()
        self.overview.update()

    def _list_raters(self) -> None:
        """Raters of the open recording; the one who marks now is chosen."""
        study, key, desk = self.context.workspace.focus.study, self.model.key, self.model.desk
        self._who.clear()
        if study is None or key is None or desk is None:
            return
        names = list(dict.fromkeys((*study.raters(key), RATER, desk.rater)))
        self._who.addItems([*names, "Another rater…"])
        self._who.setCurrentIndex(names.index(desk.rater))

    def _on_rater(self, row: int) -> None:
        if row == self._who.count() - 1:
            self._list_raters()
            self.add_rater()
        elif self.model.desk is not None and self._who.itemText(row) != self.model.desk.rater:
            self._open_as(self._who.itemText(row))

    def _on_looked(self) -> None:
        if not self.model.is_open or not self.isVisible():
            return
        if not self.canvas.is_current:
            # A slow machine is still drawing: what comes on screen later is looked at later.
            self._looking.start()
        else:
            self.model.note_seen()
            self._review_words.setText(review_words(self.model.screen))
            self.overview.update()
            self._actions_changed()

    def _on_idle(self) -> None:
        """Write what was on screen, check whose recording it is, look for others like the newest mark."""
        desk = self.model.desk
        if desk is None:
            return
        try:
            desk.save_seen()
            mismatch = desk.find_mismatch()
        except VeridicalError as error:
            self._on_failed(str(error))
            return
        if mismatch and mismatch != self._mismatch:
            self._mismatch = mismatch
            self.banner.show_sentence("caution", mismatch)
        self._look_for_similar()

    def _look_for_similar(self) -> None:
        mark, recording = self.model.confirmed, self.model.recording
        eeg = next((s for s in self.model.signals if s.role == "EEG"), None)
        if mark is None or recording is None or eeg is None or self._searcher.is_running:
            return
        self.model.confirmed = None
        known = self._swings[1] if self._swings is not None and self._swings[0] == id(eeg.envelope) else None

        find = self.context.lab.find_similar
        self._searcher.start_call(lambda: (id(eeg.envelope), recording.file, find(eeg, mark, known)))

    def _on_similar(self, found: "tuple[int, str, tuple[Swings | None, tuple[Suggestion, ...]]]") -> None:
        place, file, (swings, suggestions) = found
        self._swings = (place, swings) if swings is not None else None
        if suggestions and self.model.recording is not None and self.model.recording.file == file:
            self._do(partial(self.model.propose_similar, suggestions))

    def _on_trial_clicked(self, index: QModelIndex) -> None:
        self._do(partial(self.model.go_to_time, self._trials.rows[index.row()].onset_s))

    def _actions_changed(self) -> None:
        for button in self._buttons:
            button.refresh()
        self.changed.emit()

    def _on_open_failed(self, sentence: str) -> None:
        self._on_failed(sentence)
        self._look_for_damage()

    def _look_for_damage(self) -> None:
        study = self.context.workspace.focus.study
        if study is not None and self._opening is not None:
            self.offer.look(study, self._opening)

    def _on_mended(self, key: RunKey, sentence: str) -> None:
        if key in self._runs:
            self.open_run(key)
        self.banner.show_sentence("good", sentence)

    def _on_failed(self, sentence: str) -> None:
        self.banner.show_sentence("fail", sentence)
        self._draw()

    def _on_suggested(self, found: tuple[Suggestion, ...]) -> None:
        self._do(partial(self.model.take_suggestions, found))

    def _on_suggestion_clicked(self, index: QModelIndex) -> None:
        self._do(partial(self.model.choose, self._rows.rows[index.row()]))

    def _find_suggestions(self) -> None:
        study, key = self.context.workspace.focus.study, self.model.key
        if study is None or key is None or self.suggest_runner.is_running:
            return
        suggest = self.context.lab.suggest
        self._suggest_strip.show_start("Looking for artifacts")
        self.suggest_runner.start(lambda: suggest(study, key))
        self._draw()

    def _put_last_label(self) -> None:
        self.model.put_label(self.model.last_label)

    def _toggle_one(self) -> None:
        self._marks_one_channel = not self._marks_one_channel

    def _is_open(self) -> bool:
        return self.model.is_open

    def _has_stretch(self) -> bool:
        return self.model.screen.pending is not None

    def _has_selection(self) -> bool:
        return self._has_stretch() or self.model.screen.selected is not None

    def _can_label(self) -> bool:
        return self._has_selection() or self._has_chosen()

    def _has_suggestions(self) -> bool:
        return bool(self.model.screen.suggestions)

    def _has_chosen(self) -> bool:
        return self.model.screen.chosen is not None

    def _may_suggest(self) -> bool:
        return self.model.is_open and not self.suggest_runner.is_running


def _nothing() -> None:
    """Change nothing; the overview has moved the window already."""
