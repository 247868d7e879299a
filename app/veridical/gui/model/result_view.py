"""A validated model: the verdict in words, the number with its chance band, folds, shuffles, findings."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, card, clear_layout, label
from veridical.gui.model.audit_list import AuditList
from veridical.gui.model.charts import ConfusionTable, FoldChart, NullChart, RocChart, ScoreScale
from veridical.gui.model.pattern_view import PatternCard
from veridical.gui.model.view_model import ResultScreen


class ResultView(QScrollArea):
    """Draws one result."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        inside.setObjectName("scrolled")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(2 * GRID)
        column.addWidget(self._headline_card())
        self._folds, self._null = FoldChart(appearance), NullChart(appearance)
        self._roc, self._confusion = RocChart(appearance), ConfusionTable(appearance)
        first = self._row(("Fold by fold", self._folds), ("Against shuffled labels", self._null))
        first.addWidget(self._facts_card(), 1)
        column.addLayout(first)
        column.addLayout(
            self._row(("Right and wrong answers", self._confusion), ("Caught against false alarms", self._roc))
        )
        self.pattern = PatternCard(appearance)
        column.addWidget(self.pattern)
        self.audit = AuditList(appearance)
        column.addWidget(self.audit)
        self._left_out = QVBoxLayout()
        self._left_out.setSpacing(GRID // 2)
        column.addLayout(self._left_out)
        column.addStretch(1)
        self.setWidget(inside)

    @property
    def words(self) -> str:
        """The verdict and its number as they are shown."""
        return f"{self._headline.text()} {self._score.text()}"

    def show_part(self, part: QWidget) -> None:
        """Scroll until a part of the result stands at the top."""
        self.verticalScrollBar().setValue(part.y() - GRID)

    def show_result(self, screen: ResultScreen) -> None:
        """Show a result."""
        self._headline.setText(screen.headline)
        self._light.show_state(screen.level, "")
        self._score.setText(screen.score_words)
        self._interval.setText(screen.interval_words)
        self._chance.setText(screen.chance_words)
        self._p.setText(screen.p_words)
        self._kind.setText(screen.kind_of_analysis)
        self._scale.show_score(screen.scale)
        self._folds.show_result(screen)
        self._null.show_result(screen)
        self._roc.show_result(screen)
        self._confusion.show_result(screen)
        self.pattern.show_pattern(screen.pattern, screen.confusion.names[1])
        clear_layout(self._facts)
        for row, fact in enumerate(screen.facts):
            self._facts.addWidget(label(fact.name, "quiet"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(label(fact.words, wraps=True), row, 1)
        clear_layout(self._left_out)
        for words in screen.left_out:
            self._left_out.addWidget(label(f"Left out: {words}", "quiet", wraps=True))

    def _row(self, *charts: tuple[str, QWidget]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * GRID)
        for title, chart in charts:
            widget, column = card(margin=2 * GRID, spacing=GRID)
            column.addWidget(label(title, "sectionTitle"))
            column.addWidget(chart, 1)
            widget.setMinimumHeight(260)
            widget.setMaximumHeight(340)
            row.addWidget(widget, 1)
        return row

    def _headline_card(self) -> QWidget:
        widget, column = card(margin=3 * GRID, spacing=2 * GRID)
        top = QHBoxLayout()
        top.setSpacing(GRID + GRID // 2)
        self._light = StatusLight(self._appearance)
        self._headline = label("", "verdict", wraps=True)
        self._kind = label("", "key")
        top.addWidget(self._light, 0, Qt.AlignmentFlag.AlignVCenter)
        top.addWidget(self._headline, 1)
        top.addWidget(self._kind, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(top)
        row = QHBoxLayout()
        row.setSpacing(5 * GRID)
        numbers = QVBoxLayout()
        numbers.setSpacing(2)
        self._score = label("", "headline")
        self._interval = label("")
        self._chance = label("", "quiet")
        self._p = label("", "quiet")
        for text in (self._score, self._interval, self._chance, self._p):
            numbers.addWidget(text)
        numbers.addStretch(1)
        self._scale = ScoreScale(self._appearance)
        row.addLayout(numbers)
        row.addWidget(self._scale, 1, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        return widget

    def _facts_card(self) -> QWidget:
        widget, column = card(margin=2 * GRID, spacing=GRID)
        column.addWidget(label("Behind the number", "sectionTitle"))
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(2 * GRID)
        self._facts.setVerticalSpacing(GRID)
        self._facts.setColumnStretch(1, 1)
        column.addLayout(self._facts)
        column.addStretch(1)
        return widget
