"""What is known about the selected stimuli."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import clear_layout, label
from veridical.gui.study.stimulus_view_model import Details

_NAME_WIDTH = 14 * GRID


class DetailsView(QWidget):
    """Title and a list of names and values; long values wrap."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: Details | None = None
        self._title = label("", "sectionTitle", wraps=True)
        self._subtitle = label("", "quiet", wraps=True)
        self._lines = QGridLayout()
        self._lines.setContentsMargins(0, 0, GRID, 0)
        self._lines.setHorizontalSpacing(2 * GRID)
        self._lines.setVerticalSpacing(GRID // 2)
        self._lines.setColumnStretch(1, 1)
        inside = QWidget()
        inside.setObjectName("scrolled")
        inside_column = QVBoxLayout(inside)
        inside_column.setContentsMargins(0, 0, 0, 0)
        inside_column.addLayout(self._lines)
        inside_column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._title)
        column.addWidget(self._subtitle)
        column.addSpacing(GRID // 2)
        column.addWidget(scroll, 1)

    @property
    def words(self) -> str:
        """Everything that is shown, for tests and screen readers."""
        shown = self._shown or Details("", "", ())
        return "\n".join([shown.title, shown.subtitle, *(f"{line.name}: {line.words}" for line in shown.lines)])

    def show_details(self, details: Details) -> None:
        """Show these details."""
        if details == self._shown:
            return
        self._shown = details
        self._title.setText(details.title)
        self._subtitle.setText(details.subtitle)
        self._subtitle.setVisible(bool(details.subtitle))
        clear_layout(self._lines)
        for row, line in enumerate(details.lines):
            name = label(line.name, "quiet", wraps=True)
            name.setFixedWidth(_NAME_WIDTH)
            name.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            # Zero-width spaces let long paths wrap at their slashes.
            words = label(line.words.replace("/", "/\N{ZERO WIDTH SPACE}"), wraps=True)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._lines.addWidget(name, row, 0)
            self._lines.addWidget(words, row, 1)
        self.setAccessibleName(self.words)
