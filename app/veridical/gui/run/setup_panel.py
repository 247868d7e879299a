"""Before the session: the gate, the streams, the screen, the simulated amplifier."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from veridical.domain.run import ScreenChoice
from veridical.domain.simulation import PROFILES, Profile
from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID, StatusLevel
from veridical.gui.common.widgets import ActionButton, StatusLight, StepButton, card, clear_layout, label, line
from veridical.gui.common.work_runner import WorkRunner
from veridical.gui.run.intake_card import IntakeCard
from veridical.gui.run.run_desk import RunChoices
from veridical.gui.run.view_model import StreamRow, gate_summary
from veridical.services.gate import GateItem

PROFILE_WORDS: dict[Profile, str] = {
    "responsive": "Responsive: brain and body follow the ratings",
    "null": "Null: nothing follows the ratings",
    "laughing": "Laughing: muscle bursts on pleasant pictures",
    "drifting": "Drifting: electrodes drift, the person tires",
    "picture-driven": "Picture-driven: the brain follows brightness",
    "arousal-driven": "Arousal-driven: the brain follows arousal",
    "time-driven": "Time-driven: brain and ratings drift together",
    "mislabelling": "Mislabelling: four answers in ten are random",
    "changing": "Changing: another state in a later session",
}


# Width of the participant's window: as it is designed, and at most this share of a small screen.
_WINDOW_PX, _WINDOW_SHARE = 1280, 0.75


def screen_choices() -> tuple[tuple[str, ScreenChoice], ...]:
    """Where pictures can be shown on this machine, best first: a second screen, a window, no screen."""
    platform = QGuiApplication.platformName()
    choices: list[tuple[str, ScreenChoice]] = []
    if platform not in ("offscreen", "minimal"):
        screens = QGuiApplication.screens()
        n = len(screens)
        for index, screen in reversed(list(enumerate(screens))):
            size = screen.size() * screen.devicePixelRatio()
            hz = screen.refreshRate()
            where = ScreenChoice(
                "psychopy", index, True, size.width(), size.height(), n_screens=n, announced_hz=max(0.0, hz)
            )
            words = f"Screen {index + 1}, {size.width()} × {size.height()}, full screen"
            if screen is not QGuiApplication.primaryScreen() and len(screens) > 1:
                choices.append((words, where))
                continue
            if len(screens) == 1:
                choices.append(("In a window on this screen", _beside_the_operator(where)))
            choices.append((f"{words}, taking turns with you", replace(where, is_shared=True)))
    choices.append(("No screen (for trying out)", ScreenChoice("headless")))
    return tuple(choices)


def _beside_the_operator(screen: ScreenChoice) -> ScreenChoice:
    """A window that leaves some of the operator's window to see and to reach, also on a small screen."""
    width = round(min(_WINDOW_PX, _WINDOW_SHARE * screen.width_px, _WINDOW_SHARE * screen.height_px * 16 / 10))
    return replace(screen, fullscreen=False, width_px=width, height_px=width * 10 // 16)


class SetupPanel(QWidget):
    """Left column before a session."""

    def __init__(
        self,
        appearance: Appearance,
        simulate: Action,
        stop: Action,
        measure: Action,
        roles: Action,
        refresh: Action,
        choose: Callable[[RunChoices], None],
        answer: Callable[[Mapping[str, str]], None],
        pass_over: Callable[[GateItem], None],
        refresh_runner: WorkRunner,
    ) -> None:
        super().__init__()
        self._appearance, self._choose, self._pass_over = appearance, choose, pass_over
        self._roles = ActionButton(appearance, roles, "amplifier")
        self._refresh_rate = ActionButton(appearance, refresh, "screen")
        self.strip = ProgressStrip(appearance, refresh_runner)
        self._choices = RunChoices()
        self._shown_gate: tuple[GateItem, ...] = ()
        self._shown_rows: tuple[StreamRow, ...] | None = None
        self._start_simulator = ActionButton(appearance, simulate, "amplifier", text="Start simulated amplifier")
        self._stop_simulator = ActionButton(appearance, stop, "stop")
        self._measure = ActionButton(appearance, measure, "screen")
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(2 * GRID)
        column.addWidget(self._gate_card())
        self.intake = IntakeCard(answer)
        column.addWidget(self.intake)
        column.addWidget(self._stream_card())
        column.addWidget(self._screen_card())
        column.addStretch(1)
        inside = QWidget()
        inside.setObjectName("scrolled")
        inside.setLayout(column)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    @property
    def gate_words(self) -> str:
        """The gate's summary line."""
        return self._gate_line.words

    def refresh(self) -> None:
        """Enable and show buttons after the actions table."""
        self._start_simulator.refresh()
        self._stop_simulator.refresh()
        self._measure.refresh()
        self._roles.refresh()
        self._refresh_rate.refresh()
        self._start_simulator.setVisible(not self._stop_simulator.isEnabled())
        self._stop_simulator.setVisible(self._stop_simulator.isEnabled())

    def show_gate(self, gate: tuple[GateItem, ...], is_checking: bool) -> None:
        """Show the pre-flight items; only changed ones are rebuilt."""
        summary = gate_summary(gate)
        blocked = any(i.stops and i.light == "fail" for i in gate)
        waits = any(i.stops for i in gate)
        cautious = any(i.light in ("caution", "fail") for i in gate)
        level: StatusLevel = "caution" if cautious else "good"
        if blocked:
            level = "fail"
        elif waits or not gate:
            level = "unknown"
        self._gate_line.show_state(level, summary)
        if gate == self._shown_gate:
            return
        self._shown_gate = gate
        clear_layout(self._gate_rows)
        for row, item in enumerate(gate):
            light = StatusLight(self._appearance)
            light.show_state("caution" if item.override else item.light, "")
            self._gate_rows.addWidget(light, row, 0, Qt.AlignmentFlag.AlignTop)
            self._gate_rows.addWidget(label(item.title, wraps=True), row, 1, Qt.AlignmentFlag.AlignTop)
            self._gate_rows.addWidget(self._words_of(item), row, 2)

    def _words_of(self, item: GateItem) -> QWidget:
        """What was found and what to do; a failing item that a reason can pass over has a button for it."""
        text = f"{item.words}. {item.remedy}".strip() if item.remedy else item.words
        if item.override:
            text = f"{item.words}. Passed over: {item.override}"
        words = label(text, "quiet", wraps=True)
        if not item.may_be_overridden:
            return words
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(words)
        text = "No longer pass over" if item.override else "Begin all the same"
        tip = "Say why; the reason stands in the session's file and in the report."
        column.addWidget(StepButton(self._appearance, text, partial(self._pass_over, item), "", "plain", tip))
        return widget

    def show_streams(self, rows: tuple[StreamRow, ...]) -> None:
        """Show the streams on the network."""
        if rows == self._shown_rows:
            return
        self._shown_rows = rows
        clear_layout(self._stream_rows)
        if not rows:
            self._stream_rows.addWidget(
                label(
                    "No streams yet. Switch on the amplifier and its LSL output, or start a simulated one.",
                    "quiet",
                    wraps=True,
                )
            )
        for shown in rows:
            row = QWidget()
            inside = QHBoxLayout(row)
            inside.setContentsMargins(0, 0, 0, 0)
            inside.setSpacing(GRID)
            light = StatusLight(self._appearance)
            light.show_state(shown.level, "")
            inside.addWidget(light)
            inside.addWidget(label(shown.name))
            inside.addWidget(label(shown.words, "quiet", wraps=True), 1)
            self._stream_rows.addWidget(row)

    def show_choices(self, choices: RunChoices, has_simulator: bool, has_simulated_streams: bool) -> None:
        """Show choices that changed elsewhere."""
        self._choices = choices
        self._answers.setEnabled(has_simulator or has_simulated_streams)
        self._answers.blockSignals(True)
        self._answers.setChecked(choices.has_simulated_participant and self._answers.isEnabled())
        self._answers.blockSignals(False)
        self._profile.setEnabled(not has_simulator)

    def _gate_card(self) -> QWidget:
        widget, column = card(margin=2 * GRID, spacing=GRID)
        column.addWidget(label("Before the session", "sectionTitle"))
        self._gate_line = StatusLight(self._appearance, wraps=True)
        column.addWidget(self._gate_line)
        column.addWidget(line())
        self._gate_rows = QGridLayout()
        self._gate_rows.setHorizontalSpacing(GRID)
        self._gate_rows.setVerticalSpacing(GRID)
        self._gate_rows.setColumnStretch(2, 1)
        self._gate_rows.setColumnMinimumWidth(1, 64)
        column.addLayout(self._gate_rows)
        return widget

    def _stream_card(self) -> QWidget:
        widget, column = card(margin=2 * GRID, spacing=GRID)
        column.addWidget(label("Streams", "sectionTitle"))
        self._stream_rows = QVBoxLayout()
        self._stream_rows.setSpacing(GRID // 2)
        column.addLayout(self._stream_rows)
        channels = QHBoxLayout()
        channels.addWidget(self._roles)
        channels.addStretch(1)
        column.addLayout(channels)
        column.addWidget(line())
        self._profile = ChoiceField()
        self._profile.setAccessibleName("Simulated participant")
        self._profile.addItems([PROFILE_WORDS[p] for p in PROFILES])
        self._profile.setMinimumContentsLength(20)
        self._profile.setSizeAdjustPolicy(ChoiceField.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._profile.activated.connect(self._on_choice)
        column.addWidget(self._profile)
        self._answers = QCheckBox("The simulated participant answers the scales")
        self._answers.toggled.connect(self._on_choice)
        column.addWidget(self._answers)
        row = QHBoxLayout()
        row.addWidget(self._start_simulator)
        row.addWidget(self._stop_simulator)
        row.addStretch(1)
        column.addLayout(row)
        return widget

    def _screen_card(self) -> QWidget:
        widget, column = card(margin=2 * GRID, spacing=GRID)
        column.addWidget(label("Participant's screen", "sectionTitle"))
        self._screens = screen_choices()
        self._screen = ChoiceField()
        self._screen.setAccessibleName("Participant's screen")
        self._screen.addItems([words for words, _ in self._screens])
        self._screen.setMinimumContentsLength(20)
        self._screen.setSizeAdjustPolicy(ChoiceField.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._screen.activated.connect(self._on_choice)
        column.addWidget(self._screen)
        row = QHBoxLayout()
        row.addWidget(self._refresh_rate)
        row.addStretch(1)
        column.addLayout(row)
        row = QHBoxLayout()
        row.addWidget(self._measure)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.strip)
        return widget

    def show_screens(self) -> None:
        """Offer the screens that are there now; a choice stays if its screen does."""
        screens = screen_choices()
        if screens == self._screens:
            return
        chosen = self._screens[self._screen.currentIndex()][0]
        self._screens = screens
        self._screen.blockSignals(True)
        self._screen.clear()
        self._screen.addItems([words for words, _ in screens])
        self._screen.setCurrentIndex(next((k for k, (words, _) in enumerate(screens) if words == chosen), 0))
        self._screen.blockSignals(False)
        self._on_choice()

    def _on_choice(self) -> None:
        self._choices = replace(
            self._choices,
            profile=PROFILES[self._profile.currentIndex()],
            screen=self._screens[self._screen.currentIndex()][1],
            has_simulated_participant=self._answers.isChecked(),
        )
        self._choose(self._choices)

    def first_choices(self) -> RunChoices:
        """The choices that the fields show at first."""
        return replace(self._choices, screen=self._screens[0][1])
