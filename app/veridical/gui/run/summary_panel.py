"""After the session: is it safe on disk, how was the timing, what did the person say, what comes next."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QSizePolicy, QStackedWidget, QWidget

from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.plane import AffectPlane, RatedPoint
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton, StatusLight, card, clear_layout, label, line
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.run.look_panel import LookResult
from veridical.gui.run.look_view_model import LookScreen
from veridical.gui.run.timeline import TrialTimeline
from veridical.gui.run.view_model import SummaryLine, TrialTick

_TITLE_WIDTH = 18 * GRID


class SummaryPanel(QWidget):
    """The page's face when a run is over."""

    def __init__(
        self,
        appearance: Appearance,
        next_steps: Sequence[tuple[Action, str]],
        look_runner: WorkRunner,
        examiner: WorkRunner,
    ) -> None:
        super().__init__()
        self._appearance = appearance
        self._shown: tuple[SummaryLine, ...] = ()
        self._timeline = TrialTimeline(appearance)
        self.plane = AffectPlane(appearance)
        left, left_column = card(margin=3 * GRID, spacing=GRID + GRID // 2)
        left_column.addWidget(label("The session is over", "verdict"))
        left_column.addWidget(line())
        inside = QWidget()
        inside.setObjectName("scrolled")
        self._rows = QGridLayout(inside)
        self._rows.setContentsMargins(0, 0, GRID, 0)
        self._rows.setHorizontalSpacing(2 * GRID)
        self._rows.setVerticalSpacing(GRID)
        self._rows.setColumnStretch(2, 1)
        scrolled = QScrollArea()
        scrolled.setWidgetResizable(True)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scrolled.setWidget(inside)
        left_column.addWidget(scrolled, 1)
        self.examination_strip = ProgressStrip(appearance, examiner)
        left_column.addWidget(self.examination_strip)
        left_column.addWidget(line())
        left_column.addWidget(self._timeline)
        left_column.addWidget(line())
        left_column.addWidget(label("Next", "sectionTitle"))
        self.look = LookResult(appearance)
        self._steps: list[ActionButton] = []
        steps = QGridLayout()
        steps.setSpacing(GRID)
        for k, (action, icon) in enumerate(next_steps):
            self._steps.append(ActionButton(appearance, action, icon, "primary" if k < 2 else "plain"))
            self._steps[-1].setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            steps.addWidget(self._steps[-1], (k + 1) // 2, (k + 1) % 2)
        steps.setColumnStretch(2, 1)
        left_column.addLayout(steps)
        self.strip = ProgressStrip(appearance, look_runner)
        left_column.addWidget(self.strip)
        right, right_column = card(margin=3 * GRID, spacing=GRID)
        right_column.addWidget(label("What the participant said", "sectionTitle"))
        self._plane_words = label("", "quiet", wraps=True)
        right_column.addWidget(self._plane_words)
        right_column.addWidget(self.plane, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * GRID)
        look, look_column = card(margin=3 * GRID, spacing=GRID)
        look_column.addWidget(self.look)
        self._right = QStackedWidget()
        self._right.addWidget(right)
        self._right.addWidget(look)
        row.addWidget(left, 1)
        row.addWidget(self._right, 1)

    def refresh(self) -> None:
        """Enable buttons after the actions table."""
        for button in self._steps:
            button.refresh()
        # Going on is offered only where something is left to go on with.
        self._steps[0].setVisible(self._steps[0].isEnabled())

    def show_look(self, screen: LookScreen | None) -> None:
        """Show a provisional verdict in place of the ratings."""
        self._right.setCurrentIndex(0 if screen is None else 1)
        if screen is not None:
            self.look.show_look(screen)

    def show_summary(
        self, lines: tuple[SummaryLine, ...], ticks: tuple[TrialTick, ...], points: tuple[RatedPoint, ...]
    ) -> None:
        """Show how a run ended."""
        self._timeline.show_ticks(ticks)
        self.plane.show_points(points)
        self._plane_words.setText(
            f"{len(points)} trials rated on both scales; marks show the normative class."
            if points
            else "No trial was rated on both scales."
        )
        if lines == self._shown:
            return
        self._shown = lines
        clear_layout(self._rows)
        for k in range(self._rows.rowCount()):
            # A shorter list may have stood here before, with the room that was left below it.
            self._rows.setRowStretch(k, 0)
        for k, shown in enumerate(lines):
            light = StatusLight(self._appearance)
            light.show_state(shown.level, "")
            title = label(shown.title, "", wraps=True)
            title.setMinimumWidth(_TITLE_WIDTH)
            title.setMaximumWidth(_TITLE_WIDTH)
            words = label(shown.words, "quiet", wraps=True)
            top = Qt.AlignmentFlag.AlignTop
            self._rows.addWidget(light, k, 0, top)
            self._rows.addWidget(title, k, 1, top)
            self._rows.addWidget(words, k, 2)
        self._rows.setRowStretch(len(lines), 1)
