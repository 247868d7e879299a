"""The left rail: five pages, icon and word."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from veridical.gui.common.appearance import Appearance
from veridical.gui.common.icons import themed_icon
from veridical.gui.common.page import Page
from veridical.gui.common.tokens import GRID, RAIL_WIDTH


class Rail(QWidget):
    """Buttons of the pages; ``chosen`` carries the page's name."""

    chosen = Signal(str)

    def __init__(self, appearance: Appearance, pages: Sequence[Page]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        # Wide enough for the longest word at 10 pt, a whole number of grid steps.
        self.setFixedWidth(RAIL_WIDTH + 2 * GRID)
        self._appearance = appearance
        self._buttons: dict[str, QToolButton] = {}
        self._icons: dict[str, str] = {page.name: page.icon for page in pages}
        group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, GRID)
        column.setSpacing(GRID // 2)
        for number, page in enumerate(pages, start=1):
            button = QToolButton()
            button.setObjectName("railButton")
            button.setText(page.title)
            button.setToolTip(f"{page.title} (Ctrl+{number})")
            button.setAccessibleName(page.title)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(26, 26))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setFixedHeight(8 * GRID)
            button.clicked.connect(lambda _=False, name=page.name: self.chosen.emit(name))
            group.addButton(button)
            column.addWidget(button)
            self._buttons[page.name] = button
        column.addStretch(1)
        appearance.changed.connect(self._draw)
        self._draw()

    def show_page(self, name: str) -> None:
        """Mark the page in front."""
        self._buttons[name].setChecked(True)
        self._draw()

    def _draw(self) -> None:
        theme = self._appearance.theme
        for name, button in self._buttons.items():
            button.setIcon(themed_icon(self._icons[name], theme, theme.accent if button.isChecked() else theme.quiet))
