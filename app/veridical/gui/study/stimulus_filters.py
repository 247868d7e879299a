"""The row of filters above the grid."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField, DecimalField
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, label
from veridical.gui.study.stimulus_view_model import SCALE, Filters


class FilterBar(QWidget):
    """Edits filters; ``changed`` is emitted with every change."""

    changed = Signal()
    veil_changed = Signal(bool)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search id, theme, file")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search")
        self.condition = _choice(
            "Class", (("All classes", ""), ("Negative", "negative"), ("Neutral", "neutral"), ("Positive", "positive"))
        )
        self.category = _choice("Category", (("All categories", ""),))
        self.kind = _choice(
            "Kind", (("All kinds", ""), ("Pictures", "image"), ("Videos", "video"), ("Sounds", "audio"))
        )
        self.sensitivity = _choice(
            "Sensitive", (("Sensitive or not", ""), ("Not sensitive", "not sensitive"), ("Sensitive", "sensitive"))
        )
        self.use = _choice("Use", (("Used or not", ""), ("In use", "used"), ("Left out", "left out")))
        self.valence = _Range("Valence")
        self.arousal = _Range("Arousal")
        self.veil = QCheckBox("Show sensitive pictures")
        self.clear = StepButton(appearance, "Clear filters", self.reset, "cross", "quiet", "Show everything again")
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(self.search, 1)
        for box in (self.condition, self.category, self.kind, self.sensitivity, self.use):
            first.addWidget(box)
            box.currentIndexChanged.connect(self._on_changed)
        second = QHBoxLayout()
        second.setSpacing(2 * GRID)
        second.addWidget(self.valence)
        second.addWidget(self.arousal)
        second.addWidget(self.veil)
        second.addStretch(1)
        second.addWidget(self.clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(first)
        column.addLayout(second)
        self.search.textChanged.connect(self._on_changed)
        self.valence.changed.connect(self._on_changed)
        self.arousal.changed.connect(self._on_changed)
        self.veil.toggled.connect(self.veil_changed.emit)
        self._refresh()

    @property
    def filters(self) -> Filters:
        """What is chosen now."""
        return Filters(
            text=self.search.text().strip(),
            kind=self.kind.currentData(),
            category=self.category.currentData() or "",
            condition=self.condition.currentData(),
            sensitivity=self.sensitivity.currentData(),
            use=self.use.currentData(),
            valence=self.valence.values,
            arousal=self.arousal.values,
        )

    def show_categories(self, categories: Sequence[str]) -> None:
        """Offer these categories, keeping the choice if it is still there."""
        wanted = ["", *categories]
        if [self.category.itemData(k) for k in range(self.category.count())] == wanted:
            return
        chosen = self.category.currentData()
        with QSignalBlocker(self.category):
            self.category.clear()
            self.category.addItem("All categories", "")
            for category in categories:
                self.category.addItem(category, category)
            self.category.setCurrentIndex(max(0, self.category.findData(chosen)))
        if self.category.currentData() != chosen:
            self._on_changed()

    def reset(self) -> None:
        """Let everything through."""
        for box in (self.condition, self.category, self.kind, self.sensitivity, self.use):
            with QSignalBlocker(box):
                box.setCurrentIndex(0)
        with QSignalBlocker(self.search):
            self.search.clear()
        self.valence.reset()
        self.arousal.reset()
        self._on_changed()

    def _on_changed(self) -> None:
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        self.clear.setEnabled(not self.filters.is_empty)


class _Range(QWidget):
    """Two numbers, the smaller first."""

    changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._low, self._high = _bound(f"{name} from", SCALE[0]), _bound(f"{name} to", SCALE[1])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(label(name, "quiet"))
        row.addWidget(self._low)
        row.addWidget(label("to", "quiet"))
        row.addWidget(self._high)
        self._low.valueChanged.connect(self._on_value)
        self._high.valueChanged.connect(self._on_value)

    @property
    def values(self) -> tuple[float, float]:
        """The range, whichever way round it was typed."""
        low, high = sorted((self._low.value(), self._high.value()))
        return low, high

    def set_values(self, low: float, high: float) -> None:
        """Set the range."""
        self._low.setValue(low)
        self._high.setValue(high)

    def _on_value(self) -> None:
        self.changed.emit()

    def reset(self) -> None:
        """Take the whole scale, without telling."""
        for box, value in ((self._low, SCALE[0]), (self._high, SCALE[1])):
            with QSignalBlocker(box):
                box.setValue(value)


def _bound(name: str, value: float) -> DecimalField:
    box = DecimalField()
    box.setRange(*SCALE)
    box.setDecimals(1)
    box.setSingleStep(0.5)
    box.setValue(value)
    box.setFixedWidth(64)
    box.setAccessibleName(name)
    return box


def _choice(name: str, items: Sequence[tuple[str, str]]) -> ChoiceField:
    box = ChoiceField()
    for words, value in items:
        box.addItem(words, value)
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(ChoiceField.SizeAdjustPolicy.AdjustToContents)
    return box
