"""Models side by side: each score with its interval, and the p value that holds for all of them together."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from veridical.domain.chart import score_chart
from veridical.domain.pipeline import PIPELINE_WORDS
from veridical.gui.common import wording
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, card, clear_layout, label
from veridical.gui.model.audit_chart import AuditChart

if TYPE_CHECKING:
    from veridical.services.comparing import ComparedModel, Comparison

_COLUMNS = ("Learned from", "Trials", "Balanced accuracy", "AUC", "p of all together", "p alone", "In the ledger")


class ComparisonView(QScrollArea):
    """Draws one comparison."""

    def __init__(self, appearance: Appearance, go_back: Callable[[], None]) -> None:
        super().__init__()
        self._appearance = appearance
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setObjectName("scrolled")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(2 * GRID)
        head, words = card()
        self._title = label("", "verdict", wraps=True)
        self._about = label("", "quiet", wraps=True)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(StepButton(appearance, "Back to the result", go_back), 0, Qt.AlignmentFlag.AlignTop)
        words.addLayout(top)
        words.addWidget(self._about)
        column.addWidget(head)
        table, inside_table = card(margin=2 * GRID)
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(3 * GRID)
        self._table.setVerticalSpacing(GRID)
        self._table.setColumnStretch(0, 1)
        inside_table.addLayout(self._table)
        column.addWidget(table)
        figure, self._figure = card(margin=2 * GRID)
        column.addWidget(figure)
        column.addStretch(1)
        self.setWidget(inside)

    def show_comparison(self, found: "Comparison") -> None:
        """Show a comparison."""
        targets = list(dict.fromkeys(m.target for m in found.models))
        n = wording.count(found.n_validated, "model")
        self._title.setText(f"{n} of {' and '.join(targets)}, side by side")
        self._about.setText(
            "All were tested on the same blocks and the same shuffles. The more models are tried, the better the best "
            "of them looks by chance: the first p value holds for all of them together (maximum statistic). Each is "
            f"an exploratory analysis of its own; the ledger holds {found.n_analyses} by now. The headline stays the "
            "one that the study fixed."
        )
        clear_layout(self._table)
        for place, title in enumerate(_COLUMNS):
            self._table.addWidget(label(title, "quiet"), 0, place)
        for row, model in enumerate(found.models, start=1):
            self._add_row(row, model, with_target=len(targets) > 1)
        clear_layout(self._figure)
        known = [(m, m.validation) for m in found.models if m.validation is not None]
        chart = score_chart(
            [
                (self._name(m, with_target=len(targets) > 1), v.balanced_accuracy, v.interval95, m.familywise_p < 0.05)
                for m, v in known
            ],
            "Balanced accuracy",
        )
        if chart is not None:
            self._figure.addWidget(label("Scores with their 95 % intervals", "sectionTitle"))
            self._figure.addWidget(AuditChart(self._appearance, chart))

    def _add_row(self, row: int, model: "ComparedModel", *, with_target: bool) -> None:
        self._table.addWidget(label(self._name(model, with_target=with_target), wraps=True), row, 0)
        v = model.validation
        if v is None:
            self._table.addWidget(label(model.problem, "quiet", wraps=True), row, 1, 1, len(_COLUMNS) - 1)
            return
        low, high = v.interval95
        numbers = (
            str(v.n_trials),
            f"{wording.percent(v.balanced_accuracy)} ({wording.percent(low)} to {wording.percent(high)})",
            wording.number(v.auc, 2),
            wording.p_value(model.familywise_p),
            wording.p_value(v.p_value),
            f"analysis {model.analysis}",
        )
        for place, text in enumerate(numbers, start=1):
            self._table.addWidget(label(text, "" if place < 5 else "quiet"), row, place)

    @staticmethod
    def _name(model: "ComparedModel", *, with_target: bool) -> str:
        words = PIPELINE_WORDS[model.pipeline]
        return f"{model.target}: {words}" if with_target else words[:1].upper() + words[1:]
