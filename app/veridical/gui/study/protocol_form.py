"""The form of the protocol editor: one row for every setting, made from the table of fields."""

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from veridical.domain.stimulus import CONDITIONS
from veridical.domain.study import StudySettings
from veridical.gui.common.fields import ChoiceField, DecimalField, NumberField
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import label
from veridical.gui.study.protocol_view_model import Field, Section, get_setting

_TITLE_WIDTH = 22 * GRID


class FieldEditor(QWidget):
    """Edits one setting; ``edited`` carries its name and the new value."""

    edited = Signal(str, object)

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        self.setToolTip(field.help)

    def show_value(self, value: object) -> None:
        """Show a value without telling of it."""
        raise NotImplementedError

    def _tell(self, value: object) -> None:
        self.edited.emit(self.field.name, value)

    def _end(self, *, says_help: bool = False) -> None:
        """Close the row, with the field's help beside it if there is room."""
        if says_help and self.field.help:
            self._row.addWidget(label(self.field.help, "quiet", wraps=True), 1)
        else:
            self._row.addStretch(1)


class CountEditor(FieldEditor):
    """A whole number."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = NumberField()
        self.box.setRange(int(field.minimum), int(field.maximum))
        self.box.setAccessibleName(field.title)
        self.box.setFixedWidth(13 * GRID)
        self.box.valueChanged.connect(self._tell)
        self._row.addWidget(self.box)
        self._end(says_help=True)

    def show_value(self, value: object) -> None:
        """Show a number."""
        assert isinstance(value, int)
        with QSignalBlocker(self.box):
            self.box.setValue(value)


class ShareEditor(FieldEditor):
    """A share, shown in percent."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = DecimalField()
        self.box.setRange(field.minimum, field.maximum)
        self.box.setDecimals(3)
        self.box.setSuffix(" %")
        self.box.setFixedWidth(13 * GRID)
        self.box.setAccessibleName(field.title)
        self.box.valueChanged.connect(lambda percent: self._tell(round(percent / 100, 5)))
        self._row.addWidget(self.box)
        self._end(says_help=True)

    def show_value(self, value: object) -> None:
        """Show a share."""
        assert isinstance(value, (int, float))
        with QSignalBlocker(self.box):
            self.box.setValue(100 * value)


class SecondsEditor(FieldEditor):
    """A duration, or two: the shortest and the longest."""

    def __init__(self, field: Field, n_boxes: int = 1) -> None:
        super().__init__(field)
        places = ("shortest", "longest") if n_boxes == 2 else ("",)
        self.boxes = [_seconds_box(field, place) for place in places]
        for k, box in enumerate(self.boxes):
            if k:
                self._row.addWidget(label("to", "quiet"))
            self._row.addWidget(box)
            box.valueChanged.connect(self._on_changed)
        self._end(says_help=n_boxes == 1)

    def show_value(self, value: object) -> None:
        """Show one duration, or two."""
        values = value if isinstance(value, tuple) else (value,)
        for box, seconds in zip(self.boxes, values, strict=True):
            with QSignalBlocker(box):
                box.setValue(float(seconds))

    def _on_changed(self) -> None:
        values = tuple(round(box.value(), 3) for box in self.boxes)
        self._tell(values if len(values) > 1 else values[0])


class WordsEditor(FieldEditor):
    """A line of text."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = QLineEdit()
        self.box.setAccessibleName(field.title)
        self.box.setPlaceholderText(field.help)
        self.box.editingFinished.connect(lambda: self._tell(self.box.text().strip()))
        self._row.addWidget(self.box, 1)

    def show_value(self, value: object) -> None:
        """Show a text."""
        self.box.setText(str(value))


class ChoiceEditor(FieldEditor):
    """One of a few words."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = ChoiceField()
        self.box.setAccessibleName(field.title)
        for value, words in field.options:
            self.box.addItem(words, value)
        self.box.activated.connect(lambda _: self._tell(self.box.currentData()))
        self._row.addWidget(self.box)
        self._end()

    def show_value(self, value: object) -> None:
        """Show the chosen one."""
        self.box.setCurrentIndex(self.box.findData(value))


class CheckEditor(FieldEditor):
    """Yes or no."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = QCheckBox(field.help)
        # Long words must not widen the form.
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.box.setAccessibleName(field.title)
        self.box.clicked.connect(lambda is_on: self._tell(bool(is_on)))
        self._row.addWidget(self.box, 1)

    def show_value(self, value: object) -> None:
        """Show whether it is on."""
        self.box.setChecked(bool(value))


class ClassesEditor(FieldEditor):
    """Which classes of pictures are shown."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.boxes = {condition: QCheckBox(condition.capitalize()) for condition in CONDITIONS}
        for box in self.boxes.values():
            box.clicked.connect(self._on_clicked)
            self._row.addWidget(box)
        self._end()

    def show_value(self, value: object) -> None:
        """Show the classes in use."""
        assert isinstance(value, tuple)
        for condition, box in self.boxes.items():
            box.setChecked(condition in value)

    def _on_clicked(self) -> None:
        self._tell(tuple(c for c, box in self.boxes.items() if box.isChecked()))


def _seconds_box(field: Field, place: str) -> DecimalField:
    box = DecimalField()
    box.setRange(field.minimum, 3600)
    box.setDecimals(3)
    box.setSingleStep(0.5)
    box.setSuffix(" s")
    box.setFixedWidth(13 * GRID)
    box.setAccessibleName(f"{field.title} {place}".strip())
    return box


def make_editor(field: Field) -> FieldEditor:
    """Make the editor of a field."""
    if field.kind == "seconds":
        return SecondsEditor(field)
    if field.kind == "span":
        return SecondsEditor(field, n_boxes=2)
    kinds: dict[str, type[FieldEditor]] = {
        "count": CountEditor, "share": ShareEditor, "choice": ChoiceEditor, "check": CheckEditor,
        "classes": ClassesEditor, "words": WordsEditor,
    }  # fmt: skip
    return kinds[field.kind](field)


class SectionForm(QWidget):
    """A titled group of rows."""

    edited = Signal(str, object)

    def __init__(self, section: Section) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(label(section.title, "sectionTitle"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        grid.setColumnMinimumWidth(0, _TITLE_WIDTH)
        grid.setColumnStretch(1, 1)
        self.editors: dict[str, FieldEditor] = {}
        for row, field in enumerate(section.fields):
            editor = make_editor(field)
            editor.edited.connect(self.edited)
            self.editors[field.name] = editor
            title = label(field.title)
            title.setToolTip(field.help)
            grid.addWidget(title, row, 0)
            grid.addWidget(editor, row, 1)
        column.addLayout(grid)

    def show_settings(self, settings: StudySettings) -> None:
        """Fill every row."""
        for name, editor in self.editors.items():
            editor.show_value(get_setting(settings, name))
