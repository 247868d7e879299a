"""The main window: puts rail, bars and pages together and binds the actions table to keys."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from veridical.domain.errors import VeridicalError
from veridical.gui.common.actions import PAGES, Action, ActionTable, run_action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.lab import Lab
from veridical.gui.common.page import Context, Page
from veridical.gui.common.prompt import Prompt, QtPrompt
from veridical.gui.common.workspace import Focus, Workspace
from veridical.gui.shell.overlays import CommandPalette, ShortcutPage
from veridical.gui.shell.rail import Rail
from veridical.gui.shell.status_bar import StatusBar
from veridical.gui.shell.top_bar import TopBar

PageMaker = Callable[[Context], Page]


class MainWindow(QMainWindow):
    """The one window."""

    def __init__(
        self,
        appearance: Appearance,
        lab: Lab,
        makers: tuple[PageMaker, ...],
        settings: QSettings,
        prompt: Prompt | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("Veridical")
        self.setMinimumSize(1024, 680)
        self._settings = settings
        self._is_shut_down = False
        self.workspace = Workspace()
        self.context = Context(appearance, self.workspace, lab, prompt or QtPrompt(self))
        self.pages: tuple[Page, ...] = tuple(make(self.context) for make in makers)
        self.table = ActionTable([*self._own_actions(), *(a for page in self.pages for a in page.page_actions())])
        self._qactions: dict[str, QAction] = {}
        self._lay_out()
        self._bind_actions()
        appearance.dress(self)
        self.workspace.listen(focus=self._on_focus)
        self.show_page("study")
        self._stack.setFocus()
        self._restore()

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.pages[self._stack.currentIndex()]

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        new = next(page for page in self.pages if page.name == name)
        old = self.page
        if old is not new:
            old.on_hidden()
        self._stack.setCurrentWidget(new)
        self._rail.show_page(name)
        new.on_shown()
        self.refresh_actions()

    def open_study(self, folder: Path) -> None:
        """Open a study; a problem is shown on the Study page."""
        try:
            study = self.context.lab.open_study(folder)
            active = [p.id for p in study.participants() if p.status == "active"]
        except VeridicalError as error:
            self.show_page("study")
            self.page.banner.show_sentence("fail", str(error))
            return
        self.workspace.set_focus(Focus(study, active[0] if active else ""))

    def refresh_actions(self) -> None:
        """Enable and disable keys after the table."""
        for action in self.table.actions:
            on_page = action.page in ("", self.page.name)
            self._qactions[action.id].setEnabled(on_page and action.when())

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask if something would be lost, keep the geometry, stop every thread."""
        questions = [q for q in (page.closing_question() for page in self.pages) if q]
        if questions and not self.context.prompt.confirm("Close the window?", questions[0], "Close the window"):
            event.ignore()
            return
        self._settings.setValue("geometry", self.saveGeometry())
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """Stop what the pages run in the background; recordings go on by themselves."""
        if not self._is_shut_down:
            self._is_shut_down = True
            for page in self.pages:
                page.shut_down()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Close what lies over the pages; it was laid out for the old size."""
        self.palette_of_commands.hide()
        self.shortcut_page.hide()
        super().resizeEvent(event)

    def _lay_out(self) -> None:
        appearance = self.context.appearance
        self._rail = Rail(appearance, self.pages)
        self._rail.chosen.connect(self.show_page)
        self._top = TopBar(self.context)
        self._top.add_actions(self.table)
        self._stack = QStackedWidget()
        for page in self.pages:
            self._stack.addWidget(page)
            page.changed.connect(self.refresh_actions)
            page.asked_for.connect(self.show_page)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self._top)
        right.addWidget(self._stack, 1)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addLayout(right, 1)
        shell = QWidget()
        shell.setObjectName("shell")
        column = QVBoxLayout(shell)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row, 1)
        column.addWidget(StatusBar(appearance, self.workspace))
        self.setCentralWidget(shell)
        self.palette_of_commands = CommandPalette(shell, appearance, self.table, self._before_palette_run)
        self.shortcut_page = ShortcutPage(shell, appearance, self.table)

    def _own_actions(self) -> tuple[Action, ...]:
        go = tuple(
            Action(
                f"go.{name}", f"Go to {name.capitalize()}", f"Ctrl+{n}", partial(self.show_page, name),
                help=f"Show the {name.capitalize()} page.",
            )
            for n, name in enumerate(PAGES, start=1)
        )  # fmt: skip
        return (
            *go,
            Action("window.palette", "Search actions", "Ctrl+K", self._open_palette, help="Find any action by name."),
            Action(
                "window.shortcuts", "Keyboard shortcuts", "F1", self._open_shortcuts, help="Show every key.", also="?",
            ),
            Action(
                "window.theme", "Change between light and dark", "Ctrl+Shift+L", self.context.appearance.toggle,
                help="Light and dark follow the system until you change them.",
            ),
            Action("window.quit", "Close the window", "Ctrl+Q", self._close, help="A recording goes on by itself."),
        )  # fmt: skip

    def _close(self) -> None:
        self.close()

    def _open_palette(self) -> None:
        self.palette_of_commands.open()

    def _open_shortcuts(self) -> None:
        self.shortcut_page.open()

    def _bind_actions(self) -> None:
        for action in self.table.actions:
            bound = QAction(action.text, self)
            bound.setShortcuts([QKeySequence(key) for key in action.keys])
            bound.setToolTip(action.help)
            bound.triggered.connect(lambda _=False, action=action: self._on_key(action))
            # The window's, not the page's: keys must work wherever the focus is, also when nothing has it.
            # Those of pages that are not in front are disabled.
            bound.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            self.addAction(bound)
            self._qactions[action.id] = bound

    def _on_key(self, action: Action) -> None:
        """Run what a key stands for; a page under an overlay hears nothing."""
        is_covered = self.palette_of_commands.isVisible() or self.shortcut_page.isVisible()
        if not (action.page and is_covered):
            run_action(action)

    def _before_palette_run(self, action: Action) -> None:
        if action.page and action.page != self.page.name:
            self.show_page(action.page)

    def _on_focus(self) -> None:
        study = self.workspace.focus.study
        self.setWindowTitle("Veridical" if study is None else f"{study.settings.title} – Veridical")
        if study is not None:
            self._settings.setValue("study", str(study.root))
        self.refresh_actions()

    def _restore(self) -> None:
        geometry = self._settings.value("geometry")
        if geometry is None or not self.restoreGeometry(geometry):
            # With room for the frame, so that nothing lies outside a small laptop's screen on the first start.
            room = self.screen().availableGeometry().size()
            self.resize(min(1440, room.width() - 16), min(900, room.height() - 48))
