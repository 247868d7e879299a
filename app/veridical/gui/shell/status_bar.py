"""The status bar: a light per stream, the recorder, its time and size, and how long the disk lasts."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from veridical.gui.common import wording
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID, STATUS_HEIGHT
from veridical.gui.common.widgets import StatusLight, label
from veridical.gui.common.workspace import STATUS_ROLES, StatusLine, Workspace

# Four lights and the recorder share a window of 1280 pixels; the rest is in the tooltip and on the Run page.
_MOST_LETTERS = 34


class StatusBar(QWidget):
    """Draws the workspace's status line."""

    def __init__(self, appearance: Appearance, workspace: Workspace) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(STATUS_HEIGHT)
        self._workspace = workspace
        self._lights = {name: StatusLight(appearance, name) for name in STATUS_ROLES}
        self._recorder = StatusLight(appearance)
        self._time = label()
        self._size = label()
        self._disk = StatusLight(appearance)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, 0, 2 * GRID, 0)
        row.setSpacing(3 * GRID)
        for light in self._lights.values():
            row.addWidget(light)
        row.addStretch(1)
        divider = QFrame()
        divider.setFixedSize(1, 2 * GRID)
        for widget in (self._recorder, self._time, self._size, self._disk):
            row.addWidget(widget)
        # Numbers that change keep their room, so that nothing beside them moves.
        self._time.setMinimumWidth(56)
        self._size.setMinimumWidth(72)
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._size.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        workspace.listen(status=self._draw)
        self._draw()

    def _draw(self) -> None:
        status: StatusLine = self._workspace.status
        for shown in status.lights:
            if shown.name in self._lights:
                self._lights[shown.name].show_state(shown.level, wording.shortened(shown.words, _MOST_LETTERS))
                self._lights[shown.name].setToolTip(shown.details or shown.words)
        self._recorder.show_state(status.recorder_level, status.recorder)
        self._time.setVisible(status.seconds is not None)
        self._size.setVisible(status.file_bytes is not None)
        self._time.setText("" if status.seconds is None else wording.clock(status.seconds))
        self._size.setText("" if status.file_bytes is None else wording.file_size(status.file_bytes))
        self._disk.show_state(wording.disk_level(status.hours_left), wording.disk_hours(status.hours_left))
        self._disk.setVisible(status.hours_left is not None)
