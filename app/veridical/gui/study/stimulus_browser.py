"""The stimulus browser: grid, plane and details of a study's stimuli, with import and matched subsets."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from veridical.domain.errors import VeridicalError
from veridical.domain.matching import MatchedSubset
from veridical.domain.progress import Work
from veridical.domain.stimulus import Stimulus, StimulusSet
from veridical.gui.common.page import Context
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import EmptyState, StepButton, card, label
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.study.stimulus_details import DetailsView
from veridical.gui.study.stimulus_filters import FilterBar
from veridical.gui.study.stimulus_grid import StimulusGrid
from veridical.gui.study.stimulus_panels import ImportPanel, MatchPanel
from veridical.gui.study.stimulus_plane import StimulusPlane
from veridical.gui.study.stimulus_thumbnails import EDGE_PX, ThumbnailLoader
from veridical.gui.study.stimulus_view_model import (
    FILE_STATE_WORDS,
    categories_of,
    count_words,
    filter_stimuli,
    resolve_details,
)
from veridical.services.stimuli import (
    CheckedFile,
    StimulusDesk,
    SubsetRequest,
    check_work,
    measure_work,
    subset_work,
)
from veridical.services.stimulus_import import ImportReport, ImportRequest, import_work
from veridical.services.study import Study
from veridical.services.thumbnails import read_thumbnail

PLANE_WIDTH = 44 * GRID


class StimulusBrowser(QWidget):
    """Shows and edits what a study uses of its stimuli.

    ``edited`` is emitted when stimuli.tsv changed, ``said`` with a level and a sentence for the page's banner,
    ``changed`` when actions may have become possible or impossible, ``left`` to go back to the participants.
    """

    edited = Signal()
    said = Signal(str, str)
    changed = Signal()
    left = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.desk: StimulusDesk | None = None
        self._study: Study | None = None
        self._checked: dict[str, CheckedFile] = {}
        self._on_done: Callable[[object], None] = lambda result: None
        self.runner = WorkRunner(self)
        self.runner.finished.connect(self._on_finished)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._on_cancelled)
        self.thumbnails = ThumbnailLoader(self)
        self.setAcceptDrops(True)
        self._lay_out()

    # The study ------------------------------------------------------------------------------------------
    def open(self, study: Study) -> None:
        """Show a study's stimuli; a problem with its table is told."""
        if self._study is None or study.root != self._study.root:
            self._checked.clear()
            self.match_panel.show_subset(None)
            self.match_panel.hide()
            self.import_panel.hide()
            self.desk = None
        self._study = study
        try:
            if self.desk is None:
                self.desk = StimulusDesk(study.paths)
                self._show_what_is_used()
                paths = study.paths
                self.thumbnails.open(lambda stimulus: read_thumbnail(paths, stimulus, EDGE_PX))
            else:
                self.desk.reload()
        except VeridicalError as error:
            self.said.emit("fail", str(error))
        self.draw()

    def close_files(self) -> None:
        """Stop threads and work; called once, before the window goes."""
        self.runner.close()
        self.thumbnails.close()

    # Acts -----------------------------------------------------------------------------------------------
    def open_import(self) -> None:
        """Open the import form."""
        self.match_panel.hide()
        self.import_panel.open()

    def open_match(self) -> None:
        """Open the form of matched subsets."""
        if self._study is not None:
            self.import_panel.hide()
            protocol = self._study.settings.protocol
            self.match_panel.open(protocol.n_per_condition, protocol.include_sensitive)

    def import_set(self, request: ImportRequest) -> None:
        """Import a set off the Qt thread."""
        study = self._study
        if study is not None:
            self._begin(lambda: import_work(study, request), "Reading the table", self._on_imported)

    def draw_subset(self, request: SubsetRequest) -> None:
        """Draw a matched subset off the Qt thread; pictures without statistics are measured first."""
        study, desk = self._study, self.desk
        if study is None or desk is None:
            return

        def work() -> Work[MatchedSubset]:
            if any(s.kind == "image" and s.statistics is None for s in desk.state.stimuli.stimuli):
                yield from measure_work(study.paths)
                desk.reload()
            return (yield from subset_work(desk.state.stimuli, request))

        self._begin(work, "Drawing a matched subset", self._on_drawn)

    def use_subset(self, subset: MatchedSubset) -> None:
        """Let the study use a subset only."""
        self._edit(lambda desk: desk.apply_subset(subset))
        self.said.emit("good", f"The study now draws from {len(subset.ids)} matched pictures. Undo takes it back.")

    def check_files(self) -> None:
        """Compare every file with its hash, off the Qt thread."""
        study, desk = self._study, self.desk
        if study is not None and desk is not None:
            stimuli = desk.state.stimuli.stimuli
            self._begin(lambda: check_work(study.paths, stimuli), "Checking files", self._on_checked)

    def toggle_use(self) -> None:
        """Leave the selection out of the protocol, or let it be used again if all of it is left out."""
        chosen = self.selected
        ids = tuple(s.id for s in chosen)
        if chosen and all(s.is_excluded for s in chosen):
            self._edit(lambda desk: desk.include(ids))
        elif chosen:
            self._edit(lambda desk: desk.exclude(ids))

    def toggle_sensitive(self) -> None:
        """Flag the selection as sensitive, or take the flag off if all of it has it."""
        chosen = self.selected
        ids = tuple(s.id for s in chosen)
        if chosen:
            flag = not all(s.sensitive for s in chosen)
            self._edit(lambda desk: desk.set_sensitive(ids, flag))

    def undo(self) -> None:
        """Take the last edit back."""
        self._edit(lambda desk: desk.undo())

    def redo(self) -> None:
        """Do the last edit again that was taken back."""
        self._edit(lambda desk: desk.redo())

    # What is possible -----------------------------------------------------------------------------------
    @property
    def selected(self) -> tuple[Stimulus, ...]:
        """Selected stimuli, in table order."""
        ids = set(self.grid.selected_ids)
        return tuple(s for s in self.grid.rows.rows if s.id in ids)

    def is_idle(self) -> bool:
        """Whether an edit or new work can begin."""
        return self.desk is not None and not self.runner.is_running

    def has_selection(self) -> bool:
        """Whether something is selected and can be edited."""
        return self.is_idle() and bool(self.grid.selected_ids)

    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return self.is_idle() and self.desk is not None and self.desk.state.undo_text is not None

    def can_redo(self) -> bool:
        """Whether there is something to do again."""
        return self.is_idle() and self.desk is not None and self.desk.state.redo_text is not None

    # Screen ---------------------------------------------------------------------------------------------
    def draw(self) -> None:
        """Draw what the desk holds."""
        if self.desk is None:
            return
        stimuli = self.desk.state.stimuli
        self.filters.show_categories(categories_of(stimuli))
        shown = filter_stimuli(stimuli, self.filters.filters)
        self.grid.show_rows(shown)
        self.plane.show_stimuli(shown)
        self.count.setText(count_words(stimuli, shown))
        self.grid.setVisible(bool(shown))
        self._nothing.setVisible(not shown)
        self._draw_details()
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if self.is_idle() and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        places = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if places:
            self.match_panel.hide()
            self.import_panel.open(Path(places[0]))

    def _lay_out(self) -> None:
        appearance = self.context.appearance
        self.filters = FilterBar(appearance)
        self.filters.changed.connect(self.draw)
        self.filters.veil_changed.connect(self._on_veil)
        self.count = label("", "quiet")
        self.grid = StimulusGrid(appearance, self.thumbnails)
        self.grid.chosen.connect(self._on_grid)
        self.plane = StimulusPlane(appearance)
        self.plane.chosen.connect(self.grid.select)
        self.details = DetailsView()
        self.import_panel = ImportPanel(self.context, self.import_set)
        self.match_panel = MatchPanel(self.context, self.draw_subset, self.use_subset)
        self._nothing = EmptyState(
            appearance, "search", "No stimulus passes these filters", "Widen them, or show everything again."
        )
        self._nothing.add_step(StepButton(appearance, "Clear filters", self.filters.reset))
        grid_card, grid_column = card(margin=GRID, spacing=GRID)
        grid_column.addWidget(self.grid, 1)
        grid_column.addWidget(self._nothing, 1)
        side, side_column = card(margin=2 * GRID, spacing=GRID)
        side.setFixedWidth(PLANE_WIDTH)
        self.plane.setMinimumHeight(38 * GRID)
        side_column.addWidget(self.plane, 2)
        side_column.addWidget(self.details, 1)
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addWidget(grid_card, 1)
        body.addWidget(side)
        body.addWidget(self.import_panel)
        body.addWidget(self.match_panel)
        self._strip = ProgressStrip(appearance, self.runner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self._strip)
        column.addWidget(self.filters)
        column.addWidget(self.count)
        column.addLayout(body, 1)

    def _show_what_is_used(self) -> None:
        """Begin with the stimuli in use where some are left out: those come first in many a table."""
        stimuli = self.desk.state.stimuli if self.desk is not None else StimulusSet(())
        if 0 < len(stimuli.in_use) < len(stimuli.stimuli):
            self.filters.use.setCurrentIndex(self.filters.use.findData("used"))

    def _on_veil(self, is_lifted: bool) -> None:
        self.grid.delegate.shows_sensitive = is_lifted
        self.grid.viewport().update()

    def _on_grid(self, ids: tuple[str, ...]) -> None:
        self.plane.show_selection(ids)
        self._draw_details()
        self.changed.emit()

    def _draw_details(self) -> None:
        chosen = self.selected
        words = ""
        if len(chosen) == 1:
            known = self._checked.get(chosen[0].id)
            words = FILE_STATE_WORDS[known.state] if known else "not checked since the study was opened"
        self.details.show_details(resolve_details(chosen, words))

    # Work -----------------------------------------------------------------------------------------------
    def _begin(self, make: Callable[[], Work[object]], text: str, done: Callable[[object], None]) -> None:
        if self.runner.is_running:
            return
        self._on_done = done
        self._strip.show_start(text)
        self.runner.start(make)
        self.changed.emit()

    def _on_finished(self, result: object) -> None:
        self._on_done(result)
        self.changed.emit()

    def _on_imported(self, result: object) -> None:
        assert isinstance(result, ImportReport)
        if self.desk is not None:
            self.desk.reload()
        self.import_panel.show_report(result)
        level = "caution" if result.left_out else "good"
        n_out = f" {len(result.left_out)} files were left out." if result.left_out else ""
        self.said.emit(level, f"{len(result.added)} stimuli were imported.{n_out}")
        self._checked.clear()
        if result.retired:
            self._show_what_is_used()
        self.draw()
        self.edited.emit()

    def _on_drawn(self, result: object) -> None:
        assert isinstance(result, MatchedSubset)
        self.match_panel.show_subset(result)
        self.draw()
        if not {*result.ids} <= {s.id for s in self.grid.rows.rows}:
            self.filters.reset()
        self.grid.select(result.ids)

    def _on_checked(self, result: object) -> None:
        assert isinstance(result, tuple)
        self._checked = {c.stimulus.id: c for c in result if isinstance(c, CheckedFile)}
        bad = tuple(i for i, c in self._checked.items() if c.state in ("missing", "changed"))
        if bad:
            self.said.emit("fail", f"{len(bad)} files are missing or were changed; they are selected. Put them back.")
            self.filters.reset()
            self.grid.select(bad)
        else:
            self.said.emit("good", f"All {len(self._checked)} files are as they were imported.")
        self._draw_details()

    def _on_failed(self, sentence: str) -> None:
        panel = next((p for p in (self.import_panel, self.match_panel) if p.isVisible()), None)
        if panel is not None:
            panel.show_problem(sentence)
        else:
            self.said.emit("fail", sentence)
        self.changed.emit()

    def _on_cancelled(self) -> None:
        self.said.emit("unknown", "Stopped; the study is as it was.")
        self.changed.emit()

    def _edit(self, act: Callable[[StimulusDesk], object]) -> None:
        if self.desk is None or self.runner.is_running:
            return
        try:
            act(self.desk)
        except VeridicalError as error:
            self.said.emit("fail", str(error))
            return
        self.draw()
        self.edited.emit()
