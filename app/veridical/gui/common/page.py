"""What a page is to the window."""

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from veridical.gui.common.actions import Action, PageName
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.lab import Lab
from veridical.gui.common.prompt import Prompt
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import Banner, PageHeader
from veridical.gui.common.workspace import Workspace


@dataclass(frozen=True)
class Context:
    """What every page is given."""

    appearance: Appearance
    workspace: Workspace
    lab: Lab
    prompt: Prompt


class Page(QWidget):
    """A page of the window: a title row, a banner, and a body; lays out and forwards."""

    # Emitted when actions may have become possible or impossible.
    changed = Signal()
    # Emitted with a page's name to go there.
    asked_for = Signal(str)

    name: PageName
    title: str
    icon: str

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.context = context
        self.header = PageHeader(self.title)
        self.banner = Banner(context.appearance)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(4 * GRID, 3 * GRID, 4 * GRID, 3 * GRID)
        self.column.setSpacing(2 * GRID)
        self.column.addWidget(self.header)
        self.column.addWidget(self.banner)

    def page_actions(self) -> tuple[Action, ...]:
        """Rows of the actions table that belong to this page."""
        return ()

    def on_shown(self) -> None:
        """Called when the page comes to the front."""

    def on_hidden(self) -> None:
        """Called when another page comes to the front."""

    def closing_question(self) -> str:
        """What to ask before the window closes; empty if nothing is lost by closing."""
        return ""

    def shut_down(self) -> None:
        """Stop threads and let go of files; called once, before the window goes."""
