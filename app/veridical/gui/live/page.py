"""The Live page: says in words what is needed before a model may run on live streams."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from veridical.gui.common.page import Context, Page
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, StepButton, card, clear_layout, label, line
from veridical.gui.live.view_model import Need, resolve_needs

_GO_WORDS = {"study": "Go to Study", "run": "Go to Run", "model": "Go to Model"}


class LivePage(Page):
    """A checklist; nothing on it pretends to run."""

    name = "live"
    title = "Live"
    icon = "live"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.needs: tuple[Need, ...] = ()
        self._card, self._inside = card(margin=4 * GRID)
        self._card.setMaximumWidth(880)
        self._inside.addWidget(label("Before a model can run live", "sectionTitle"))
        self._inside.addWidget(
            label(
                "Live runs a participant's own model on streams as they arrive and gives a probability or abstains. "
                "It is worth no more than the model behind it, so these come first.",
                "quiet",
                wraps=True,
            )
        )
        self._inside.addWidget(line())
        self._rows = QWidget()
        self._inside.addWidget(self._rows)
        self._grid = QVBoxLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.column.addWidget(self._card)
        self.column.addStretch(1)
        context.workspace.listen(focus=self.on_shown, data=self.on_shown)
        self.on_shown()

    def on_shown(self) -> None:
        """Answer the checklist again."""
        needs = resolve_needs(self.context.workspace.focus)
        if needs == self.needs:
            return
        self.needs = needs
        focus = self.context.workspace.focus
        self.header.show_words(f"Participant {focus.participant}" if focus.participant else "")
        clear_layout(self._grid)
        for need in needs:
            self._grid.addWidget(self._row(need))

    def _row(self, need: Need) -> QWidget:
        row = QWidget()
        grid = QGridLayout(row)
        grid.setContentsMargins(0, GRID // 2, 0, GRID // 2)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setColumnMinimumWidth(0, 24)
        light = StatusLight(self.context.appearance)
        light.show_state(need.level, "")
        title = label(need.title)
        title.setObjectName("sectionTitle")
        grid.addWidget(light, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(title, 0, 1)
        grid.addWidget(label(need.words, "quiet", wraps=True), 1, 1)
        grid.setColumnStretch(1, 1)
        if need.page:
            go = StepButton(
                self.context.appearance, _GO_WORDS[need.page], lambda: self.asked_for.emit(need.page), kind="plain"
            )
            grid.addWidget(go, 0, 2, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        return row
