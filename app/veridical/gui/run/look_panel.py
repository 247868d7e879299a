"""While the participant rests: look at the data, and decide how to go on."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton, StatusLight, card, label, line
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.run.look_view_model import LookScreen, VerdictColumn


class LookResult(QWidget):
    """Title, plan, and two verdicts side by side."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._title = label("", "verdict", wraps=True)
        self._plan = label("", "quiet", wraps=True)
        self._remark = label("", "quiet", wraps=True)
        self._columns = [_Column(appearance), _Column(appearance)]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self._title)
        column.addWidget(self._plan)
        column.addSpacing(GRID)
        side = QHBoxLayout()
        side.setSpacing(3 * GRID)
        for one in self._columns:
            side.addWidget(one, 1)
        column.addLayout(side)
        column.addSpacing(GRID)
        column.addWidget(self._remark)
        column.addStretch(1)

    @property
    def words(self) -> str:
        """Everything that is shown."""
        shown = [self._title, self._plan, self._remark]
        return " ".join([*(w.text() for w in shown), *(c.words for c in self._columns)])

    def show_plan(self, title: str, plan: str) -> None:
        """Show what a look would be, without one."""
        self._title.setText(title)
        self._plan.setText(plan)
        self._remark.setText("")
        for column in self._columns:
            column.setVisible(False)

    def show_look(self, screen: LookScreen) -> None:
        """Show a look's result."""
        self._title.setText(screen.title)
        self._plan.setText(screen.plan)
        self._remark.setText(screen.remark)
        for widget, column in zip(self._columns, screen.columns, strict=True):
            widget.show_column(column)
            widget.setVisible(True)


class LookPanel(QWidget):
    """Look at the data, and three ways on."""

    def __init__(self, appearance: Appearance, runner: WorkRunner, look: Action, ways: tuple[Action, ...]) -> None:
        super().__init__()
        self._screen: LookScreen | None = None
        self.strip = ProgressStrip(appearance, runner)
        self.result = LookResult(appearance)
        self._what = label("", "quiet", wraps=True)
        self._look = ActionButton(appearance, look, "model", "primary")
        self._ways = [
            ActionButton(appearance, action, icon, "plain")
            for action, icon in zip(ways, ("check", "play", "stop"), strict=True)
        ]
        frame, column = card(margin=3 * GRID, spacing=GRID)
        column.addWidget(self.result, 1)
        column.addWidget(self.strip)
        column.addWidget(line())
        column.addWidget(self._what)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self._look)
        for button in self._ways:
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        row = QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(frame)
        self.show_rest("", "")

    @property
    def words(self) -> str:
        """Everything that is shown."""
        return f"{self.result.words} {self._what.text()}"

    def show_rest(self, plan: str, what: str) -> None:
        """Show that the participant rests.

        Parameters
        ----------
        plan : str
            Which look this would be.
        what : str
            What each way on would mean.
        """
        self._what.setText(what)
        if self._screen is None:
            self.result.show_plan("The participant rests", plan)

    def show_look(self, screen: LookScreen | None) -> None:
        """Show a look's result, or none again."""
        if screen is not None and screen != self._screen:
            self.result.show_look(screen)
        self._screen = screen

    def refresh(self) -> None:
        """Enable buttons after the actions table; the look is taken once."""
        self._look.refresh()
        self._look.setVisible(self._screen is None)
        for button in self._ways:
            button.refresh()


class _Column(QWidget):
    """One verdict."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._title = label("", "sectionTitle")
        self._light = StatusLight(appearance)
        self._headline = label("", "", wraps=True)
        self._score = label("", "headline")
        self._name = label("balanced accuracy", "quiet")
        self._lines = label("", "quiet", wraps=True)
        verdict = QHBoxLayout()
        verdict.setSpacing(GRID)
        verdict.addWidget(self._light, 0, Qt.AlignmentFlag.AlignTop)
        verdict.addWidget(self._headline, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._title)
        column.addWidget(self._score)
        column.addWidget(self._name)
        column.addLayout(verdict)
        column.addWidget(self._lines)
        column.addStretch(1)

    @property
    def words(self) -> str:
        return f"{self._title.text()} {self._score.text()} {self._headline.text()} {self._lines.text()}"

    def show_column(self, column: VerdictColumn) -> None:
        """Show a verdict."""
        self._title.setText(column.title)
        self._score.setText(column.score)
        self._name.setVisible(column.score != "–")
        self._score.setVisible(column.score != "–")
        self._light.show_state(column.level, "")
        self._headline.setText(column.headline)
        self._lines.setText("\n".join(column.lines))
