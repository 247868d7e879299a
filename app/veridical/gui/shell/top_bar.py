"""The top bar: study, participant, session, and the way to every action."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from veridical.domain.errors import VeridicalError
from veridical.domain.participant import check_label
from veridical.gui.common.actions import ActionTable
from veridical.gui.common.page import Context
from veridical.gui.common.tokens import GRID, TOP_HEIGHT
from veridical.gui.common.widgets import ActionButton, label
from veridical.gui.common.workspace import Focus


class TopBar(QWidget):
    """Shows and changes the focus."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.setObjectName("top")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(TOP_HEIGHT)
        self._context = context
        self._study = label("No study open", "sectionTitle")
        self._participant_words = label("Participant", "quiet")
        self._participant = QComboBox()
        self._participant.setAccessibleName("Participant")
        self._participant.setMinimumWidth(112)
        self._session_words = label("Session", "quiet")
        self._session = QComboBox()
        self._session.setAccessibleName("Session")
        self._session.setEditable(True)
        self._session.setMinimumWidth(80)
        self._session.addItems(["01", "02", "03"])
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(3 * GRID, 0, 2 * GRID, 0)
        self._row.setSpacing(GRID)
        self._row.addWidget(self._study)
        self._row.addSpacing(3 * GRID)
        for widget in (self._participant_words, self._participant):
            self._row.addWidget(widget)
        self._row.addSpacing(2 * GRID)
        for widget in (self._session_words, self._session):
            self._row.addWidget(widget)
        self._row.addStretch(1)
        self._participant.activated.connect(self._on_participant)
        self._session.currentTextChanged.connect(self._on_session)
        context.workspace.listen(focus=self._draw, data=self._draw)
        self._draw()

    def add_actions(self, table: ActionTable) -> None:
        """Add the buttons of the search field, theme and help."""
        appearance = self._context.appearance
        search = ActionButton(appearance, table.get("window.palette"), "search", "field", "Search actions      Ctrl+K")
        search.setMinimumWidth(220)
        theme = ActionButton(appearance, table.get("window.theme"), "theme", "quiet", " ")
        keys = ActionButton(appearance, table.get("window.shortcuts"), "help", "quiet", " ")
        for button, name in ((theme, "Light or dark"), (keys, "Keyboard shortcuts")):
            button.setText("")
            button.setAccessibleName(name)
        for button in (search, theme, keys):
            self._row.addWidget(button)

    def _draw(self) -> None:
        focus = self._context.workspace.focus
        has_study = focus.study is not None
        self._study.setText(focus.study.settings.title if focus.study is not None else "No study open")
        self._study.setToolTip(str(focus.study.root) if focus.study is not None else "")
        for widget in (self._participant_words, self._participant, self._session_words, self._session):
            widget.setVisible(has_study)
        if focus.study is None:
            return
        try:
            ids = [p.id for p in focus.study.participants() if p.status == "active"]
        except VeridicalError:
            ids = []
        self._participant.blockSignals(True)
        self._participant.clear()
        self._participant.addItems(ids or ["none yet"])
        self._participant.setEnabled(bool(ids))
        if focus.participant in ids:
            self._participant.setCurrentText(focus.participant)
        self._participant.blockSignals(False)
        self._session.blockSignals(True)
        self._session.setCurrentText(focus.session)
        self._session.blockSignals(False)

    def _on_participant(self) -> None:
        focus = self._context.workspace.focus
        self._context.workspace.set_focus(Focus(focus.study, self._participant.currentText(), focus.session))

    def _on_session(self, text: str) -> None:
        focus = self._context.workspace.focus
        try:
            check_label(text, "session id")
        except VeridicalError:
            return  # still being typed
        self._context.workspace.set_focus(Focus(focus.study, focus.participant, text))
