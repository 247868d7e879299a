"""Side panels of the stimulus browser: import a set, draw a matched subset."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from veridical.domain.matching import MatchedSubset
from veridical.domain.stimulus import CONDITIONS, Condition
from veridical.gui.common.fields import ChoiceField, NumberField
from veridical.gui.common.page import Context
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, StepButton, clear_layout, label, line
from veridical.gui.study.panels import SidePanel
from veridical.gui.study.stimulus_view_model import resolve_balance
from veridical.services.stimuli import SubsetRequest
from veridical.services.stimulus_import import ImportReport, ImportRequest

AskForFile = Callable[[QWidget, Path], Path | None]


def ask_for_set(parent: QWidget, start: Path) -> Path | None:
    """Ask for a zip archive or a table with the system's own dialog."""
    kinds = "Stimulus sets (*.zip *.csv *.tsv *.txt);;All files (*)"
    chosen, _ = QFileDialog.getOpenFileName(parent, "A zip archive or a table of stimuli", str(start), kinds)
    return Path(chosen) if chosen else None


class ImportPanel(SidePanel):
    """Imports a set, and says what became of its files."""

    def __init__(
        self, context: Context, start: Callable[[ImportRequest], None], ask_for_file: AskForFile = ask_for_set
    ) -> None:
        super().__init__(
            context,
            "Import stimuli",
            "Your own copy of OASIS (folder or zip), or any set with a table: file, valence and arousal norms, scale.",
        )
        self._context, self._start, self._ask_for_file = context, start, ask_for_file
        appearance = context.appearance
        self.source_field = QLineEdit()
        self.source_field.setPlaceholderText("Folder, zip archive or table")
        self.files_field = ChoiceField()
        self.files_field.addItems(["Copy the files into the study", "Leave the files where they are"])
        self.format_field = ChoiceField()
        for words, value in (("Recognise it", None), ("OASIS", "oasis"), ("Table", "table")):
            self.format_field.addItem(words, value)
        self.scale_field = QLineEdit()
        self.scale_field.setPlaceholderText("1 to 9, if not in the table")
        self.prefix_field = QLineEdit()
        self.prefix_field.setPlaceholderText("naps-, if ids clash")
        where = QWidget()
        row = QHBoxLayout(where)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.source_field, 1)
        row.addWidget(StepButton(appearance, "", self._choose_folder, "folder", "plain", "Choose a folder"))
        row.addWidget(StepButton(appearance, "", self._choose_file, "import", "plain", "Choose a zip archive or table"))
        self.add_field("Where it is", where)
        self.add_field("Its files", self.files_field)
        self.options = QWidget()
        grid = QGridLayout(self.options)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        for k, (words, field) in enumerate(
            (
                ("What it is", self.format_field),
                ("Scale of norms", self.scale_field),
                ("Prefix of ids", self.prefix_field),
            )
        ):
            name = label(words)
            name.setBuddy(field)
            grid.addWidget(name, k, 0)
            grid.addWidget(field, k, 1)
        self.form.addWidget(self.options)
        self.report = QPlainTextEdit()
        self.report.setReadOnly(True)
        self.report.setAccessibleName("What the import did")
        self.report.hide()
        self.form.addWidget(self.report, 100)
        self.import_button = StepButton(appearance, "Import", self.submit, kind="primary")
        self.add_buttons(StepButton(appearance, "Close", self.hide), self.import_button)

    def open(self, source: Path | None = None) -> None:
        """Show the form, for a folder or file that was dropped on the page if there is one."""
        self.show_problem("")
        self.report.hide()
        self.options.show()
        if source is not None:
            self.source_field.setText(str(source))
        self.show()
        self.source_field.setFocus()

    def submit(self) -> None:
        """Import what the fields say."""
        self.show_problem("")
        self.report.hide()
        self.options.show()
        source = self.source_field.text().strip()
        if not source:
            self.show_problem("Choose the folder, zip archive or table of the set.")
            return
        try:
            scale = _read_scale(self.scale_field.text())
        except ValueError:
            self.show_problem("Write the scale as two numbers, the smaller first: 1 to 9.")
            return
        self._start(
            ImportRequest(
                Path(source).expanduser(),
                self.format_field.currentData(),
                self.files_field.currentIndex() == 1,
                self.prefix_field.text().strip(),
                scale,
            )
        )

    def show_report(self, report: ImportReport) -> None:
        """Say what was imported, what was odd, and what was left out."""
        left_out = [f"Left out: {o.file} {o.reason}." for o in report.left_out]
        self.report.setPlainText("\n\n".join([*report.sentences(), *left_out]))
        self.report.show()
        self.options.hide()

    def _choose_folder(self) -> None:
        folder = self._context.prompt.choose_folder("Folder of the stimulus set", Path.home())
        if folder is not None:
            self.source_field.setText(str(folder))

    def _choose_file(self) -> None:
        file = self._ask_for_file(self, Path.home())
        if file is not None:
            self.source_field.setText(str(file))


def _read_scale(text: str) -> tuple[float, float] | None:
    parts = text.replace("to", " ").replace(",", ".").split()
    if not parts:
        return None
    low, high = (float(p) for p in parts)
    if low >= high:
        raise ValueError(text)
    return low, high


class MatchPanel(SidePanel):
    """Draws matched subsets and shows the imbalance that remains."""

    def __init__(
        self,
        context: Context,
        draw: Callable[[SubsetRequest], None],
        use: Callable[[MatchedSubset], None],
    ) -> None:
        super().__init__(
            context,
            "Draw a matched subset",
            "Pictures of every class that differ in valence, and in arousal and pixels as little as the set allows.",
        )
        self._draw, self._use = draw, use
        appearance = context.appearance
        self.n_field = NumberField()
        self.n_field.setRange(1, 2000)
        self.seed_field = NumberField()
        self.seed_field.setRange(0, 999_999)
        self.seed_field.setValue(1)
        numbers = QHBoxLayout()
        numbers.setSpacing(2 * GRID)
        for words, field in (("Per class", self.n_field), ("Seed", self.seed_field)):
            name = label(words)
            name.setBuddy(field)
            numbers.addWidget(name)
            numbers.addWidget(field, 1)
        self.form.addLayout(numbers)
        classes = QHBoxLayout()
        self.class_fields: dict[Condition, QCheckBox] = {}
        for condition in CONDITIONS:
            box = QCheckBox(condition)
            box.setChecked(True)
            classes.addWidget(box)
            self.class_fields[condition] = box
        classes.addStretch(1)
        self.form.addLayout(classes)
        self.sensitive_field = QCheckBox("Sensitive pictures too")
        self.form.addWidget(self.sensitive_field)
        self.verdict = StatusLight(appearance, wraps=True)
        self.verdict.hide()
        self.form.addWidget(self.verdict)
        self.table = QGridLayout()
        self.table.setHorizontalSpacing(2 * GRID)
        self.table.setVerticalSpacing(2)
        self.table.setColumnStretch(0, 1)
        inside = QWidget()
        inside.setObjectName("scrolled")
        inside.setLayout(self.table)
        self.table.setContentsMargins(0, 0, GRID, 0)
        self.table_area = QScrollArea()
        self.table_area.setWidgetResizable(True)
        self.table_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table_area.setWidget(inside)
        self.table_area.hide()
        self.form.addWidget(self.table_area, 100)
        self.draw_button = StepButton(appearance, "Draw", self.submit, kind="primary")
        self.use_button = StepButton(
            appearance, "Use subset", self._on_use, "check", tip="Leave all other pictures out; can be undone"
        )
        self.add_buttons(StepButton(appearance, "Close", self.hide), self.use_button, self.draw_button)
        self.subset: MatchedSubset | None = None
        self._appearance = appearance
        self.use_button.setEnabled(False)

    def open(self, n_per_class: int, includes_sensitive: bool) -> None:
        """Show the form with what the protocol needs."""
        self.show_problem("")
        if self.subset is None:
            self.n_field.setValue(n_per_class)
            self.sensitive_field.setChecked(includes_sensitive)
        self.show()
        self.n_field.setFocus()
        self.n_field.selectAll()

    def submit(self) -> None:
        """Draw what the fields say."""
        self.show_problem("")
        classes = tuple(c for c in CONDITIONS if self.class_fields[c].isChecked())
        self._draw(
            SubsetRequest(self.n_field.value(), self.seed_field.value(), classes, self.sensitive_field.isChecked())
        )

    def show_subset(self, subset: MatchedSubset | None) -> None:
        """Show how alike the classes of a subset are; None clears it."""
        self.subset = subset
        self.use_button.setEnabled(subset is not None)
        self.verdict.setVisible(subset is not None)
        self.table_area.setVisible(subset is not None)
        clear_layout(self.table)
        if subset is None:
            return
        balance = resolve_balance(subset)
        self.verdict.show_state(balance.level, balance.headline)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        tip = "Largest difference between two classes' means, in standard deviations; below 0.1 counts as balanced"
        for column, words in enumerate(("Standardised difference", "all", "subset")):
            head = label(words, "small")
            head.setToolTip(tip)
            if column:
                head.setAlignment(right)
            self.table.addWidget(head, 0, column)
        self.table.addWidget(line(), 1, 0, 1, 3)
        for k, row in enumerate(balance.rows, start=2):
            before, after = label(row.before, "quiet"), _number(row.after, row.level != "good")
            for cell in (before, after):
                cell.setAlignment(right)
            self.table.addWidget(label(row.name), k, 0)
            self.table.addWidget(before, k, 1)
            self.table.addWidget(after, k, 2)
            self.table.setRowMinimumHeight(k, 20)

    def _on_use(self) -> None:
        if self.subset is not None:
            self._use(self.subset)


def _number(text: str, is_large: bool) -> QLabel:
    made = label(text)
    if is_large:
        font = made.font()
        font.setBold(True)
        made.setFont(font)
    return made
