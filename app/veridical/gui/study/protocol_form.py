"""The form of the protocol editor: one row for every setting, made from the table of fields."""

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from veridical.domain.stimulus import CONDITIONS
from veridical.domain.study import StudySettings
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

    def _end(self) -> None:
        self._row.addStretch(1)


class CountEditor(FieldEditor):
    """A whole number."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = QSpinBox()
        self.box.setRange(int(field.minimum), int(field.maximum))
        self.box.setKeyboardTracking(False)
        self.box.setAccessibleName(field.title)
        self.box.setFixedWidth(13 * GRID)
        self.box.valueChanged.connect(self._tell)
        self._row.addWidget(self.box)
        self._end()

    def show_value(self, value: object) -> None:
        """Show a number."""
        assert isinstance(value, int)
        with QSignalBlocker(self.box):
            self.box.setValue(value)


class ShareEditor(CountEditor):
    """A share, shown in percent."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box.setSuffix(" %")

    def show_value(self, value: object) -> None:
        """Show a share."""
        assert isinstance(value, (int, float))
        super().show_value(round(100 * value))

    def _tell(self, value: object) -> None:
        assert isinstance(value, int)
        super()._tell(value / 100)


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
        self._end()

    def show_value(self, value: object) -> None:
        """Show one duration, or two."""
        values = value if isinstance(value, tuple) else (value,)
        for box, seconds in zip(self.boxes, values, strict=True):
            with QSignalBlocker(box):
                box.setValue(float(seconds))

    def _on_changed(self) -> None:
        values = tuple(round(box.value(), 3) for box in self.boxes)
        self._tell(values if len(values) > 1 else values[0])


class ChoiceEditor(FieldEditor):
    """One of a few words."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.box = QComboBox()
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


def _seconds_box(field: Field, place: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(field.minimum, 3600)
    box.setDecimals(2)
    box.setSingleStep(0.5)
    box.setSuffix(" s")
    box.setKeyboardTracking(False)
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
        "classes": ClassesEditor,
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
