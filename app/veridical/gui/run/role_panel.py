"""The side panel in which channels get their roles, names, units and partners."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from veridical.domain.electrodes import ELECTRODES, is_electrode, usual_name
from veridical.domain.role_table import UNITS, ChannelUse, label_of, si_of
from veridical.domain.stream import ROLES, RoleAssignment, StreamDescription
from veridical.gui.common import wording
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField, DecimalField
from veridical.gui.common.icons import draw_icon
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, StepButton, clear_layout, label
from veridical.gui.run.role_desk import RoleDesk
from veridical.services.observer import RoleObservation

_COLUMNS = ("Stream", "Channel", "Role", "Name", "Unit", "Scale", "Minus")
_UNUSED = "not used"
_SAME = "–"
_NONE = "none"
AnyIndex = QModelIndex | QPersistentModelIndex


class _RoleTable(QAbstractTableModel):
    """Draws the desk's table."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self.rows: tuple[ChannelUse, ...] = ()

    def show_rows(self, rows: tuple[ChannelUse, ...]) -> None:
        """Draw other rows; the selection stays if they are as many."""
        if len(rows) != len(self.rows):
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        elif rows != self.rows:
            self.rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(_COLUMNS) - 1))

    def rowCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex | None = None) -> int:  # noqa: N802
        return 0 if parent is not None and parent.isValid() else len(_COLUMNS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column, theme = self.rows[index.row()], index.column(), self._appearance.theme
        is_unmapped = row.role == "EEG" and column == 3 and not is_electrode(label_of(row))
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            if is_unmapped:
                return f"{label_of(row)} is no 10-20 name: it is not on the head map, and regions do not count it."
            says = ", ".join(t for t in (row.announced_type, row.announced_unit) if t) or "nothing"
            return f"The device says of {row.announced or f'channel {row.channel + 1}'}: {says}"
        if role == Qt.ItemDataRole.DecorationRole and is_unmapped:
            return draw_icon("unknown", theme.unknown, 14, 2.0, theme.surface)
        if role == Qt.ItemDataRole.ForegroundRole:
            if row.role is None:
                return QColor(theme.quiet)
            if column == 2:
                return QColor(theme.role(row.role))
            if column in (4, 5) and row.is_corrected:
                return QColor(theme.accent)
        return None

    def _words(self, row: ChannelUse) -> tuple[str, ...]:
        channel = row.announced or str(row.channel + 1)
        if row.role is None:
            return (row.stream, channel, _UNUSED, "", "", "", "")
        minus = next((r for r in self.rows if r.stream == row.stream and r.channel == row.minus), None)
        unit = row.unit or "SI, not announced"
        return (
            row.stream, channel, row.role, label_of(row), unit, row.scale, "" if minus is None else label_of(minus),
        )  # fmt: skip


class RolePanel(QWidget):
    """Select channels, say below what they are; every change is kept in the study at once and can be undone."""

    def __init__(
        self, appearance: Appearance, save: Callable[[tuple[RoleAssignment, ...]], None], done: Callable[[], None]
    ) -> None:
        super().__init__()
        self._appearance = appearance
        self.desk = RoleDesk(save)
        self._doubts: tuple[tuple[str, str, str], ...] = ()
        self._model = _RoleTable(appearance)
        self.table = self._make_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        head = QHBoxLayout()
        head.addWidget(label("Channels and roles", "sectionTitle"))
        head.addStretch(1)
        self._undo = StepButton(appearance, "Undo", self._on_undo, "undo")
        self._redo = StepButton(appearance, "Redo", self._on_redo, "redo")
        for button in (self._undo, self._redo):
            head.addWidget(button)
        tip = "Write EEG labels as 10-20 names: EEG Fp1-Ref becomes Fp1, T3 becomes T7."
        head.addWidget(StepButton(appearance, "10-20 names", self._on_usual_names, tip=tip))
        tip = "Forget what was decided for these devices."
        head.addWidget(StepButton(appearance, "Guess again", self._on_guess, tip=tip))
        head.addWidget(StepButton(appearance, "Done", done, "check", "primary", "Back to signal quality"))
        column.addLayout(head)
        self._doubt_rows = QVBoxLayout()
        self._doubt_rows.setSpacing(GRID // 2)
        column.addLayout(self._doubt_rows)
        column.addWidget(self.table, 1)
        column.addLayout(self._make_fields())
        self.problem = StatusLight(appearance, wraps=True)
        self.problem.hide()
        column.addWidget(self.problem)
        self._draw()

    def show_streams(self, streams: Sequence[StreamDescription], decided: Sequence[RoleAssignment]) -> None:
        """Show the channels of these streams."""
        self.desk.show_streams(streams, decided)
        self._draw()

    def show_observed(self, observed: Sequence[RoleObservation]) -> None:
        """Offer corrections of units that cannot be right."""
        doubts = [(o, o.doubt) for o in observed if o.doubt is not None]
        shown = tuple((o.assignment.stream, o.role, d.words) for o, d in doubts)
        if shown == self._doubts:
            return
        self._doubts = shown
        clear_layout(self._doubt_rows)
        for observation, doubt in doubts:
            line = QWidget()
            row = QHBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            light = StatusLight(self._appearance, wraps=True)
            light.show_state("fail", f"{doubt.words}.")
            row.addWidget(light, 1)
            if doubt.unit:
                role, unit = observation.assignment, doubt.unit
                correct = partial(self._correct, role, unit)
                row.addWidget(StepButton(self._appearance, f"Take as {unit}", correct, kind="primary"))
            self._doubt_rows.addWidget(line)

    def select(self, places: Sequence[int]) -> None:
        """Select rows."""
        model = self.table.selectionModel()
        model.clearSelection()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for place in places:
            model.select(self._model.index(place, 0), flags)

    @property
    def selected(self) -> tuple[int, ...]:
        """Places of the selected rows."""
        return tuple(sorted(i.row() for i in self.table.selectionModel().selectedRows()))

    # Inside -----------------------------------------------------------------------------------------
    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._model)
        table.setAccessibleName("Channels and their roles")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(4 * GRID)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        table.setMinimumHeight(15 * GRID)
        table.selectionModel().selectionChanged.connect(self._on_selected)
        return table

    def _make_fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID // 2)
        self._which = label("", "quiet")
        grid.addWidget(self._which, 0, 0, 1, 6)
        self.role, self.unit, self.minus = ChoiceField(), ChoiceField(), ChoiceField()
        self.role.addItems([_SAME, _UNUSED, *ROLES])
        self.unit.addItems([_SAME, *(u or "SI, not announced" for u in UNITS)])
        self.name, self.scale, self.offset = QLineEdit(), QLineEdit(), DecimalField()
        self.name.setCompleter(QCompleter(sorted({usual_name(e) for e in ELECTRODES})))
        self.name.setPlaceholderText("Fp1, or a list")
        self.scale.setPlaceholderText("25 mV/uS")
        self.scale.setToolTip("What a sensor gives for each µS (25 mV/uS), or the amplifier for each count.")
        self.offset.setRange(-1e9, 1e9)
        self.offset.setDecimals(3)
        self.offset.setToolTip("Added after scaling, in µV or µS.")
        fields: tuple[tuple[str, QWidget, int], ...] = (
            ("Role", self.role, 3), ("Name", self.name, 3), ("Unit", self.unit, 3), ("Scale", self.scale, 3),
            ("Offset, µV or µS", self.offset, 2), ("Minus (bipolar)", self.minus, 3),
        )  # fmt: skip
        for column, (title, field, stretch) in enumerate(fields):
            name = label(title, "quiet")
            name.setBuddy(field)
            field.setAccessibleName(title)
            field.setMinimumWidth(9 * GRID)
            grid.addWidget(name, 1, column)
            grid.addWidget(field, 2, column)
            grid.setColumnStretch(column, stretch)
        self.role.activated.connect(self._on_role)
        self.unit.activated.connect(self._on_unit)
        self.minus.activated.connect(self._on_minus)
        self.name.editingFinished.connect(self._on_name)
        self.scale.editingFinished.connect(self._on_scale)
        self.offset.valueChanged.connect(self._on_offset)
        self._fields = tuple(f for _, f, _ in fields)
        return grid

    def _draw(self) -> None:
        self._model.show_rows(self.desk.table)
        for button, text, word in (
            (self._undo, self.desk.undo_text, "Undo"),
            (self._redo, self.desk.redo_text, "Redo"),
        ):
            button.setEnabled(bool(text))
            button.setToolTip(f"{word}: {text}" if text else f"Nothing to {word.lower()}")
        self.problem.setVisible(bool(self.desk.problem))
        self.problem.show_state("fail", self.desk.problem)
        if not self.desk.problem:
            # What was refused stays in the fields until it is completed or another channel is selected.
            self._show_selected()

    def _on_selected(self) -> None:
        self.desk.problem = ""
        self.problem.hide()
        self._show_selected()

    def _show_selected(self) -> None:
        rows = [self.desk.table[k] for k in self.selected if k < len(self.desk.table)]
        words = "Select one or several channels, then say here what they are."
        if len(rows) == 1:
            words = f"Channel {rows[0].announced or rows[0].channel + 1} of {rows[0].stream}"
        elif rows:
            words = f"{wording.count(len(rows), 'channel')} selected"
        self._which.setText(words)
        for field in self._fields:
            field.setEnabled(bool(rows))
            field.blockSignals(True)
        self._show_choice(self.role, {r.role or _UNUSED for r in rows})
        self._show_choice(self.unit, {_unit_word(r.unit) for r in rows})
        self._show_text(self.name, {label_of(r) for r in rows} if len(rows) == 1 else set())
        self._show_text(self.scale, {r.scale for r in rows})
        offsets = {r.offset for r in rows}
        self.offset.setValue(1e6 * offsets.pop() if len(offsets) == 1 else 0.0)
        self._show_partners(rows)
        for field in self._fields:
            field.blockSignals(False)

    def _show_partners(self, rows: Sequence[ChannelUse]) -> None:
        self.minus.clear()
        self.minus.addItem(_NONE, -1)
        streams = {r.stream for r in rows}
        for row in self.desk.table:
            if len(streams) == 1 and row.stream in streams:
                self.minus.addItem(row.announced or str(row.channel + 1), row.channel)
        partners = {r.minus for r in rows}
        self.minus.setCurrentIndex(max(0, self.minus.findData(partners.pop())) if len(partners) == 1 else 0)

    @staticmethod
    def _show_choice(field: ChoiceField, words: set[str]) -> None:
        field.setCurrentIndex(max(0, field.findText(words.pop())) if len(words) == 1 else 0)

    @staticmethod
    def _show_text(field: QLineEdit, words: set[str]) -> None:
        if not field.hasFocus():
            field.setText(words.pop() if len(words) == 1 else "")

    def _on_role(self) -> None:
        word = self.role.currentText()
        if word != _SAME:
            role = None if word == _UNUSED else next(r for r in ROLES if r == word)
            self.desk.change(self.selected, f"Role: {word}", role=role)
        self._draw()

    def _on_unit(self) -> None:
        k = self.unit.currentIndex()
        if k > 0:
            self.desk.change(self.selected, f"Unit: {self.unit.currentText()}", unit=UNITS[k - 1])
        self._draw()

    def _on_minus(self) -> None:
        self.desk.change(self.selected, "Bipolar pair", minus=self.minus.currentData())
        self._draw()

    def _on_name(self) -> None:
        rows, text = self.selected, self.name.text().strip()
        if rows and text:
            self.desk.name(rows, text)
            self._draw()

    def _on_scale(self) -> None:
        rows = self.selected
        text = self.scale.text().strip()
        if rows and any(self.desk.table[k].scale != text for k in rows):
            changes = {"unit": "counts"} if "count" in text.lower() else {}
            self.desk.change(rows, f"Scale: {text or 'none'}", scale=text, **changes)
            self._draw()

    def _on_offset(self, value: float) -> None:
        if self.selected:
            self.desk.change(self.selected, "Offset", offset=1e-6 * value)
            self._draw()

    def _correct(self, role: RoleAssignment, unit: str) -> None:
        self.desk.correct_unit(role, unit)
        self._draw()

    def _on_usual_names(self) -> None:
        self.desk.use_usual_names()
        self._draw()

    def _on_guess(self) -> None:
        self.desk.guess()
        self._draw()

    def _on_undo(self) -> None:
        self.desk.undo()
        self._draw()

    def _on_redo(self) -> None:
        self.desk.redo()
        self._draw()


def _unit_word(unit: str) -> str:
    """The unit as the field lists it: devices write "microvolts" and "uV"."""
    if not unit:
        return "SI, not announced"
    is_siemens = unit.strip().lower() in ("s", "siemens", "us", "µs", "μs", "microsiemens")
    same = [u for u in UNITS if u and si_of(u) == si_of(unit) and (u.endswith("S") == is_siemens)]
    return same[0] if same and si_of(unit) is not None else unit
