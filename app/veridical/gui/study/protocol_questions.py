"""The questions after a picture: add, move, remove, and word them."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from veridical.domain.items import of_kind
from veridical.domain.rating import MIN_SLIDER_STEPS, Scale
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField, NumberField
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, label
from veridical.gui.study.protocol_view_model import KIND_WORDS, OFFERED, describe_scale, unused_scale
from veridical.services.protocol import shown_words

_ROWS_SHOWN = 4


class QuestionEditor(QWidget):
    """Edits a tuple of scales; ``edited`` carries the new one."""

    edited = Signal(object)

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._scales: tuple[Scale, ...] = ()
        self._language = "en"
        self.list = QListWidget()
        self.list.setAccessibleName("Questions after a picture")
        self.list.currentRowChanged.connect(self._show_chosen)
        self.offer = ChoiceField()
        self.offer.setAccessibleName("Add a question")
        self.offer.addItem("Add a question …")
        for words, scale in OFFERED:
            self.offer.addItem(words, scale)
        self.offer.activated.connect(self._on_offer)
        self.offer.setSizeAdjustPolicy(ChoiceField.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.offer.setMinimumContentsLength(14)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.offer, 1)
        for words, step in (("Earlier", -1), ("Later", 1)):
            buttons.addWidget(StepButton(appearance, words, partial(self._move, step), "", "plain"))
        buttons.addWidget(StepButton(appearance, "Remove", self._remove, "cross", "plain"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, GRID)
        column.setSpacing(GRID)
        column.addWidget(self.list)
        column.addLayout(buttons)
        column.addWidget(self._details())

    def show_scales(self, scales: tuple[Scale, ...], language: str = "") -> None:
        """Show other scales, in the participant's ``language`` where it is given; the chosen row stays where it can."""
        self._language = language or self._language
        row = min(max(0, self.list.currentRow()), len(scales) - 1)
        self._scales = scales
        with QSignalBlocker(self.list):
            self.list.clear()
            for scale in scales:
                self.list.addItem(f"{scale.id}   {describe_scale(scale)}")
            self.list.setCurrentRow(row)
        height = self.list.sizeHintForRow(0) if scales else 24
        self.list.setFixedHeight((height + 2) * min(_ROWS_SHOWN, max(2, len(scales))) + 8)
        self._show_chosen()

    # Inside -----------------------------------------------------------------------------------------
    def _details(self) -> QWidget:
        self.id, self.question = QLineEdit(), QLineEdit()
        self.low, self.middle, self.high = QLineEdit(), QLineEdit(), QLineEdit()
        self.options, self.shown_as = QLineEdit(), QLineEdit()
        self.steps = NumberField()
        self.steps.setRange(MIN_SLIDER_STEPS, 10_000)
        self.steps.setFixedWidth(11 * GRID)
        self.steps.valueChanged.connect(self._on_edited)
        self.kind = ChoiceField()
        for kind, words in KIND_WORDS.items():
            self.kind.addItem(words, kind)
        self.kind.activated.connect(self._on_edited)
        self.minimum, self.maximum = NumberField(), NumberField()
        for box in (self.minimum, self.maximum):
            box.setRange(-100, 1000)
            box.setFixedWidth(11 * GRID)
            box.valueChanged.connect(self._on_edited)
        self.optional = QCheckBox("May be left empty")
        self.optional.clicked.connect(self._on_edited)
        anchors, span = QWidget(), QWidget()
        for holder, parts in ((anchors, (self.low, self.middle, self.high)), (span, (self.minimum, self.maximum))):
            # Words need the whole width, numbers do not.
            row = QHBoxLayout(holder) if holder is span else QVBoxLayout(holder)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(GRID)
            for part in parts:
                row.addWidget(part)
            if holder is span:
                row.addStretch(1)
        self.in_language = label("", "quiet", wraps=True)
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}
        widget = QWidget()
        grid = QGridLayout(widget)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        grid.setColumnMinimumWidth(0, 22 * GRID)
        grid.setColumnStretch(1, 1)
        rows = (
            ("id", "Name in the data", self.id), ("question", "Question", self.question),
            ("kind", "Answered on", self.kind),
            ("anchors", "Low, middle, high", anchors), ("span", "From, to", span), ("steps", "Steps", self.steps),
            ("options", "Words", self.options), ("shown", "Shown as", self.shown_as),
            ("optional", "", self.optional), ("shown words", "In their language", self.in_language),
        )  # fmt: skip
        for k, (name, words, field) in enumerate(rows):
            title = label(words)
            grid.addWidget(title, k, 0)
            grid.addWidget(field, k, 1)
            self._rows[name] = (title, field)
            field.setAccessibleName(words or "May be left empty")
        for edit in (self.id, self.question, self.low, self.middle, self.high, self.options, self.shown_as):
            edit.editingFinished.connect(self._on_edited)
        for edit, words in (
            (self.low, "at the low end"),
            (self.middle, "in the middle"),
            (self.high, "at the high end"),
        ):
            edit.setPlaceholderText(words)
            edit.setAccessibleName(f"Words {words}")
        self.options.setPlaceholderText("joy, fear, none")
        self.shown_as.setPlaceholderText("The same words; for example Freude, Angst, nichts")
        return widget

    def _show_chosen(self) -> None:
        row = self.list.currentRow()
        if not 0 <= row < len(self._scales):
            return
        scale = self._scales[row]
        self.id.setText(scale.id)
        self.question.setText(scale.question)
        self.low.setText(scale.low)
        self.middle.setText(scale.middle)
        self.high.setText(scale.high)
        self.options.setText(_listed(scale.options))
        self.shown_as.setText(_listed(scale.option_words))
        with QSignalBlocker(self.steps):
            self.steps.setValue(scale.n_steps)
        self.kind.setCurrentIndex(self.kind.findData(scale.kind))
        for box, value in ((self.minimum, scale.minimum), (self.maximum, scale.maximum)):
            with QSignalBlocker(box):
                box.setValue(value)
        self.optional.setChecked(scale.is_optional)
        has_range = scale.kind not in ("choice", "text")
        self.in_language.setText(shown_words(scale, self._language))
        shown = (
            ("shown words", self._language != "en"), ("anchors", has_range), ("span", has_range),
            ("steps", scale.is_slider),
            ("options", scale.kind == "choice"), ("shown", scale.kind == "choice"),
        )  # fmt: skip
        for name, is_shown in shown:
            for part in self._rows[name]:
                part.setVisible(is_shown)

    def _on_edited(self) -> None:
        row = self.list.currentRow()
        if not 0 <= row < len(self._scales):
            return
        old, kind = self._scales[row], self.kind.currentData()
        words = _read_list(self.options, old.options)
        shown_as = _read_list(self.shown_as, old.option_words)
        if words != old.options and shown_as == old.option_words:
            # The old ones' translation would stand beside the wrong words.
            shown_as = ()
        new = replace(
            old,
            id=self.id.text().strip(),
            question=self.question.text().strip(),
            kind=kind,
            low=self.low.text().strip(),
            middle=self.middle.text().strip(),
            high=self.high.text().strip(),
            minimum=self.minimum.value(),
            maximum=self.maximum.value(),
            options=words,
            option_words=shown_as,
            n_steps=self.steps.value() if old.is_slider else old.n_steps,
            is_optional=self.optional.isChecked(),
        )
        if kind != old.kind and kind == "choice" and not words:
            new = replace(new, options=("yes", "no"))
        if kind != old.kind and new.is_slider != old.is_slider and kind not in ("choice", "text"):
            # Points are numbered, a slider goes from 0 to 1 (Betella & Verschure 2016).
            new = of_kind(new, kind)
        if new != old:
            self._tell((*self._scales[:row], new, *self._scales[row + 1 :]), row)

    def _on_offer(self, index: int) -> None:
        scale = self.offer.itemData(index)
        self.offer.setCurrentIndex(0)
        if scale is not None:
            self._tell((*self._scales, unused_scale(scale, self._scales)), len(self._scales))

    def _move(self, step: int) -> None:
        row, target = self.list.currentRow(), self.list.currentRow() + step
        if row < 0 or not 0 <= target < len(self._scales):
            return
        moved = list(self._scales)
        moved[row], moved[target] = moved[target], moved[row]
        self._tell(tuple(moved), target)

    def _remove(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self._tell((*self._scales[:row], *self._scales[row + 1 :]), max(0, row - 1))

    def _tell(self, scales: tuple[Scale, ...], row: int) -> None:
        self.show_scales(scales)
        self.list.setCurrentRow(row)
        self.edited.emit(scales)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words)


def _read_list(field: QLineEdit, old: tuple[str, ...]) -> tuple[str, ...]:
    """Words between commas; the old ones if nobody touched them, for study.toml may have commas inside a word."""
    if field.text() == _listed(old):
        return old
    return tuple(w.strip() for w in field.text().split(",") if w.strip())
