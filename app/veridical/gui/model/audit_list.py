"""The audit on the Model page: every check with its verdict; one opens with figure, numbers and remedy."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from veridical.domain.remedy import Remedy
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, StepButton, card, clear_layout, label, line
from veridical.gui.model.audit_chart import AuditChart
from veridical.gui.model.audit_rows import AuditRow, in_short

_ICONS = {
    "mark trials": "annotate",
    "leave out channels": "cross",
    "record": "run",
    "annotate": "annotate",
    "match pictures": "picture",
}


# Where the words of a check begin: behind the arrow and the verdict.
_WORDS_PX = 24 * GRID


class FindingPanel(QFrame):
    """One check: a line that opens; its figure and numbers are made when it is opened first."""

    remedied = Signal(object)

    def __init__(self, appearance: Appearance, row: AuditRow) -> None:
        super().__init__()
        self._appearance, self.row = appearance, row
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID // 2, 0, GRID // 2)
        column.setSpacing(GRID)
        self.opener = QToolButton()
        self.opener.setObjectName("disclosure")
        self.opener.setCheckable(True)
        self.opener.setAutoRaise(True)
        self.opener.setArrowType(Qt.ArrowType.RightArrow)
        self.opener.setCursor(Qt.CursorShape.PointingHandCursor)
        self.opener.setAccessibleName(f"{row.threat}: {row.verdict}. Show figure and numbers")
        self.opener.setToolTip("Show figure and numbers")
        self.opener.toggled.connect(self._on_toggled)
        light = StatusLight(appearance)
        light.show_state(row.level, row.verdict)
        self.opener.setFixedWidth(3 * GRID)
        light.setFixedWidth(19 * GRID)
        words = QVBoxLayout()
        words.setSpacing(2)
        question = label(row.question, "question", wraps=True)
        words.addWidget(question)
        words.addWidget(label(row.summary, wraps=True))
        if row.remedy:
            words.addWidget(label(row.remedy, "quiet", wraps=True))
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(self.opener, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(light, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        column.addLayout(top)
        self.act: StepButton | None = None
        if row.offer is not None:
            column.addLayout(self._offer(row.offer))
        self._inside = QWidget()
        self._inside.setVisible(False)
        column.addWidget(self._inside)

    @property
    def is_open(self) -> bool:
        """Whether figure and numbers are shown."""
        return self.opener.isChecked()

    def set_enabled(self, is_enabled: bool) -> None:
        """Let the remedy be pressed or not (while something is being computed)."""
        if self.act is not None:
            self.act.setEnabled(is_enabled)

    def _offer(self, offer: Remedy) -> QHBoxLayout:
        line_of = QHBoxLayout()
        line_of.setContentsMargins(_WORDS_PX, 0, 0, 0)
        line_of.setSpacing(2 * GRID)
        self.act = StepButton(
            self._appearance, offer.button, lambda: self.remedied.emit(offer), _ICONS[offer.kind], tip=offer.cost
        )
        line_of.addWidget(self.act, 0, Qt.AlignmentFlag.AlignTop)
        line_of.addWidget(label(offer.cost, "quiet", wraps=True), 1)
        return line_of

    def _on_toggled(self, is_open: bool) -> None:
        self.opener.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        if is_open and self._inside.layout() is None:
            self._fill()
        self._inside.setVisible(is_open)

    def _fill(self) -> None:
        row = QHBoxLayout(self._inside)
        row.setContentsMargins(_WORDS_PX, GRID, 0, GRID)
        row.setSpacing(4 * GRID)
        if self.row.chart is not None:
            row.addWidget(AuditChart(self._appearance, self.row.chart), 3, Qt.AlignmentFlag.AlignTop)
        numbers = QGridLayout()
        numbers.setHorizontalSpacing(2 * GRID)
        numbers.setVerticalSpacing(GRID // 2)
        numbers.setColumnStretch(1, 1)
        for k, (name, value) in enumerate(self.row.evidence):
            numbers.addWidget(label(name, "quiet"), k, 0, Qt.AlignmentFlag.AlignTop)
            numbers.addWidget(label(value), k, 1, Qt.AlignmentFlag.AlignTop)
        numbers.setRowStretch(len(self.row.evidence), 1)
        row.addLayout(numbers, 3)


class AuditList(QWidget):
    """All checks in a card; ``remedied`` carries the remedy whose button was pressed."""

    remedied = Signal(object)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        widget, column = card(margin=3 * GRID, spacing=GRID)
        outer.addWidget(widget)
        head = QHBoxLayout()
        head.addWidget(label("May this model be believed?", "sectionTitle"))
        head.addStretch(1)
        self._short = label("", "quiet")
        head.addWidget(self._short)
        column.addLayout(head)
        lead = "Each check measures one way in which a model can fool us. It can lower the verdict, never raise it."
        column.addWidget(label(lead, "quiet", wraps=True))
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        column.addLayout(self._rows)
        self.panels: list[FindingPanel] = []

    def show_rows(self, rows: Sequence[AuditRow]) -> None:
        """Show the checks; all of them closed."""
        clear_layout(self._rows)
        self.panels = []
        self._short.setText(in_short(rows))
        for row in rows:
            self._rows.addWidget(line())
            panel = FindingPanel(self._appearance, row)
            panel.remedied.connect(self.remedied)
            self._rows.addWidget(panel)
            self.panels.append(panel)

    def set_enabled(self, is_enabled: bool) -> None:
        """Let remedies be pressed or not."""
        for panel in self.panels:
            panel.set_enabled(is_enabled)
