"""During the session: what the participant sees, where the session is, notes."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID, StatusLevel
from veridical.gui.common.widgets import StatusLight, StepButton, card, label
from veridical.gui.run.mirror import PresenterMirror
from veridical.gui.run.observation_bar import ObservationBar
from veridical.gui.run.view_model import SessionScreen

# What an operator can take in; the rest is counted.
_MOST_FAULTS = 4


class SessionPanel(QScrollArea):
    """Left column while a session runs."""

    def __init__(
        self,
        appearance: Appearance,
        note: Callable[[str], None],
        linger: Callable[[bool], None],
        actions: Sequence[Action],
    ) -> None:
        super().__init__()
        self.observations = ObservationBar(appearance, actions)
        self._note = note
        self.mirror = PresenterMirror(appearance)
        self._part = label("", "sectionTitle")
        self._where = label("", "quiet")
        self._remaining = label("", "quiet")
        self._counts = label("", "quiet")
        self._screen = label("", "small")
        self.note_field = QLineEdit()
        self.note_field.setPlaceholderText("A note. Press N to write here")
        self.note_field.setAccessibleName("Note")
        self.note_field.returnPressed.connect(self._on_note)
        mirror_card, mirror_column = card(margin=2 * GRID, spacing=GRID)
        title = QHBoxLayout()
        title.addWidget(label("The participant sees", "sectionTitle"))
        title.addStretch(1)
        title.addWidget(self._screen)
        mirror_column.addLayout(title)
        mirror_column.addWidget(self.mirror, 1)
        where_card, where_column = card(margin=2 * GRID, spacing=GRID // 2)
        head = QHBoxLayout()
        head.addWidget(self._part)
        head.addStretch(1)
        head.addWidget(self._remaining, 0, Qt.AlignmentFlag.AlignBottom)
        where_column.addLayout(head)
        counts = QHBoxLayout()
        counts.addWidget(self._where)
        counts.addStretch(1)
        counts.addWidget(self._counts)
        where_column.addLayout(counts)
        self._faults = [StatusLight(appearance, wraps=True) for _ in range(_MOST_FAULTS)]
        for light in self._faults:
            where_column.addWidget(light)
        self._quality = StatusLight(appearance, wraps=True)
        self._losses = label("", "small", wraps=True)
        where_column.addWidget(self._quality)
        where_column.addWidget(self._losses)
        self.linger = QCheckBox("Rest after the last block, to calibrate")
        self.linger.setToolTip(
            "The participant rests after the last planned picture until you have looked at a provisional verdict."
        )
        self.linger.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.linger.clicked.connect(lambda is_on: linger(bool(is_on)))
        where_column.addWidget(self.linger)
        note_card, note_column = card(margin=2 * GRID, spacing=GRID)
        note_column.addWidget(self.observations)
        row = QHBoxLayout()
        row.addWidget(self.note_field, 1)
        row.addWidget(
            StepButton(appearance, "Add", self._on_note, "", "plain", "Write the note into the recording (Enter)")
        )
        note_column.addLayout(row)
        inside = QWidget()
        inside.setObjectName("scrolled")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inside)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(GRID)
        # It grows and shrinks before anything is scrolled.
        mirror_card.setMaximumHeight(self.mirror.maximumHeight() + 8 * GRID)
        column.addWidget(mirror_card, 100)
        column.addWidget(where_card)
        column.addWidget(note_card)
        column.addStretch(1)
        self._show_faults(())

    def show_screen(self, old: SessionScreen | None, new: SessionScreen) -> None:
        """Draw the difference."""
        self.mirror.show_view(new.view)
        if old == new:
            return
        self._part.setText(new.part)
        self._where.setText(new.where)
        self._remaining.setText(new.remaining)
        self._counts.setText(new.counts)
        self.linger.setVisible(new.can_linger)
        self.linger.setChecked(new.lingers)
        self._screen.setText(new.screen)
        self._losses.setText(new.losses)
        self._losses.setVisible(bool(new.losses))
        self._show_faults(new.faults)

    def show_quality(self, level: StatusLevel, words: str, details: str) -> None:
        """Show how good the signals are now."""
        self._quality.show_state(level, words)
        self._quality.setToolTip(details or words)

    def _show_faults(self, faults: tuple[tuple[str, str], ...]) -> None:
        """Say what is wrong with the streams, worst first; a healthy recording needs no line."""
        shown = faults
        if len(shown) > _MOST_FAULTS:
            more = len(shown) - _MOST_FAULTS + 1
            shown = (*shown[: _MOST_FAULTS - 1], (shown[_MOST_FAULTS - 1][0], f"and {more} more"))
        for k, light in enumerate(self._faults):
            light.setVisible(k < len(shown))
            if k < len(shown):
                light.show_state(shown[k][0], shown[k][1])  # type: ignore[arg-type]

    def focus_note(self) -> None:
        """Put the keyboard into the note field."""
        self.note_field.setFocus()

    def _on_note(self) -> None:
        text = self.note_field.text().strip()
        if text:
            self._note(text)
            self.observations.say(f"Written: {text}")
            self.note_field.clear()
        self.note_field.clearFocus()
