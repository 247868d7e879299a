"""Side panels of the Study page: a new study, a new participant."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from veridical.gui.common.page import Context
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, label
from veridical.services.protocol import DEFAULT_TEMPLATE, templates

PANEL_WIDTH = 45 * GRID


class SidePanel(QWidget):
    """A form at the right of the page; closes without asking, for nothing is lost."""

    def __init__(self, context: Context, title: str, sentence: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(PANEL_WIDTH)
        self.form = QVBoxLayout(self)
        self.form.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        self.form.setSpacing(GRID)
        self.form.addWidget(label(title, "sectionTitle"))
        self.form.addWidget(label(sentence, "quiet", wraps=True))
        self.form.addSpacing(GRID)
        self.problem = label("", "", wraps=True)
        self.problem.setVisible(False)
        self.hide()

    def add_field(self, words: str, field: QWidget) -> None:
        """Add a field under its name."""
        name = label(words)
        name.setBuddy(field)
        self.form.addWidget(name)
        self.form.addWidget(field)
        self.form.addSpacing(GRID)

    def add_buttons(self, *buttons: StepButton) -> None:
        """End the form with its buttons."""
        self.form.addWidget(self.problem)
        row = QHBoxLayout()
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)
        self.form.addLayout(row)
        self.form.addStretch(1)

    def show_problem(self, sentence: str) -> None:
        """Say beside the fields what is wrong; empty takes it away."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))


class ParticipantPanel(SidePanel):
    """Adds a participant."""

    def __init__(self, context: Context, add: Callable[[str, str], None]) -> None:
        super().__init__(context, "Add a participant", "Use a code, never a name: it stands in every file.")
        self._add = add
        self.id_field = QLineEdit()
        self.id_field.setPlaceholderText("001")
        self.group_field = QLineEdit()
        self.group_field.setPlaceholderText("for example control")
        self.add_field("Participant id", self.id_field)
        self.add_field("Group (optional)", self.group_field)
        self.add_buttons(
            StepButton(context.appearance, "Cancel", self.hide),
            StepButton(context.appearance, "Add participant", self.submit, kind="primary"),
        )
        self.id_field.returnPressed.connect(self.submit)
        self.group_field.returnPressed.connect(self.submit)

    def open(self, suggested_id: str) -> None:
        """Show the form with the next free id."""
        self.show_problem("")
        self.id_field.setText(suggested_id)
        self.id_field.selectAll()
        self.group_field.clear()
        self.show()
        self.id_field.setFocus()

    def submit(self) -> None:
        """Add what the fields say."""
        self._add(self.id_field.text().strip(), self.group_field.text().strip())


class NewStudyPanel(SidePanel):
    """Makes a study."""

    def __init__(self, context: Context, create: Callable[[str, Path, bool, str], None]) -> None:
        super().__init__(
            context, "Create a study", "A study is a folder with plain files: protocol, pictures, recordings, results."
        )
        self._context, self._create = context, create
        self.title_field = QLineEdit("Affective pictures")
        self.folder_field = QLineEdit()
        self.folder_field.setPlaceholderText("Choose an empty folder")
        self.length_field = QComboBox()
        for template in templates():
            self.length_field.addItem(template.summary, template.name)
        self.length_field.addItem("Short demonstration (about 5 min)", "")
        self.length_field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        folder_row = QWidget()
        row = QHBoxLayout(folder_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.folder_field, 1)
        row.addWidget(StepButton(context.appearance, "", self._choose, "folder", "plain", "Choose a folder"))
        self.add_field("Title", self.title_field)
        self.add_field("Folder", folder_row)
        self.add_field("Protocol", self.length_field)
        self.add_buttons(
            StepButton(context.appearance, "Cancel", self.hide),
            StepButton(context.appearance, "Create study", self.submit, kind="primary"),
        )

    def open(self) -> None:
        """Show the form."""
        self.show_problem("")
        self.show()
        self.title_field.setFocus()

    def submit(self) -> None:
        """Create what the fields say."""
        if not self.folder_field.text().strip():
            self.show_problem("Choose the folder in which the study will lie.")
            return
        folder = Path(self.folder_field.text().strip()).expanduser()
        template = str(self.length_field.currentData())
        title = self.title_field.text().strip() or "Affective pictures"
        self._create(title, folder, not template, template or DEFAULT_TEMPLATE)

    def _choose(self) -> None:
        folder = self._context.prompt.choose_folder("Folder of the new study", Path.home())
        if folder is not None:
            self.folder_field.setText(str(folder))
