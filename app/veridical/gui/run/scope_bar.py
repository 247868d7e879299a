"""Above the scope: how large a role is shown, and through which filters; for the eye only."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QWidget

from veridical.gui.common import wording
from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton
from veridical.gui.run.scope_view import ScopeView
from veridical.signals.filters import FilterChoice

# Edges that recording programs offer: slow drifts, slow waves, muscle. Skin conductance lives below 1 Hz.
_HIGH_PASS_HZ = (0.05, 0.1, 0.5, 1.0, 5.0)
_LOW_PASS_HZ = (5.0, 15.0, 30.0, 40.0, 70.0)
_NOTCH_HZ = (50.0, 60.0)


def scope_actions(view: Callable[[], ScopeView], choose_next: Callable[[], None]) -> tuple[Action, ...]:
    """Rows of the actions table for the live signals."""

    def has_signals() -> bool:
        return bool(view().roles)

    return (
        Action("run.scope.role", "Next signal", "S", choose_next, has_signals,
               "Choose which signal the keys + and − and the filters work on.", "run"),
        Action("run.scope.larger", "Larger", "+", lambda: view().rescale(1), has_signals,
               "Show the chosen signal larger (also the mouse wheel over it).", "run", also="="),
        Action("run.scope.smaller", "Smaller", "-", lambda: view().rescale(-1), has_signals,
               "Show the chosen signal smaller (also the mouse wheel over it).", "run"),
        Action("run.scope.fit", "Fit", "0", lambda: view().fit(), has_signals,
               "Fit the chosen signal's scale to what comes.", "run"),
    )  # fmt: skip


class ScopeBar(QWidget):
    """One row: the signal, its scale, and three filters."""

    def __init__(self, appearance: Appearance, actions: dict[str, Action], view: ScopeView) -> None:
        super().__init__()
        self._view = view
        self._roles: tuple[str, ...] = ()
        self._buttons: list[ActionButton] = []
        self.role = self._choice("Signal")
        self.high_pass = self._choice("High-pass filter")
        self.low_pass = self._choice("Low-pass filter")
        self.notch = self._choice("Notch filter")
        for box, off, edges, words in (
            (self.high_pass, "from 0 Hz", _HIGH_PASS_HZ, "from {:g} Hz"),
            (self.low_pass, "no limit", _LOW_PASS_HZ, "to {:g} Hz"),
            (self.notch, "with mains", _NOTCH_HZ, "without {:g} Hz"),
        ):
            box.addItem(off, None)
            for edge_hz in edges:
                box.addItem(words.format(edge_hz), edge_hz)
            box.setToolTip("For the eye only: the recording is never filtered.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.role)
        for action_id in ("run.scope.smaller", "run.scope.larger", "run.scope.fit"):
            action = actions[action_id]
            words = {"run.scope.smaller": wording.MINUS, "run.scope.larger": "+"}.get(action_id, action.text)
            button = ActionButton(appearance, action, "", "plain", words)
            row.addWidget(button)
            self._buttons.append(button)
        row.addStretch(1)
        for box in (self.high_pass, self.low_pass, self.notch):
            row.addWidget(box)
        self.role.activated.connect(self._on_role)
        for box in (self.high_pass, self.low_pass, self.notch):
            box.activated.connect(self._on_filter)
        view.role_chosen.connect(lambda _: self.refresh())
        view.settings_changed.connect(self.refresh)

    def choose_next(self) -> None:
        """Go on to the next signal from the top."""
        roles = self._view.roles
        if roles:
            self._view.choose_role(roles[(roles.index(self._view.role) + 1) % len(roles)])

    def refresh(self) -> None:
        """Show the chosen signal and its filters."""
        if self._view.roles != self._roles:
            self._roles = self._view.roles
            with QSignalBlocker(self.role):
                self.role.clear()
                self.role.addItems(list(self._roles))
        choice = self._view.settings.filters.get(self._view.role, FilterChoice())
        notch_hz = choice.notch_hz[0] if choice.notch_hz else None
        for box, value in ((self.high_pass, choice.high_pass_hz), (self.low_pass, choice.low_pass_hz),
                           (self.notch, notch_hz)):  # fmt: skip
            with QSignalBlocker(box):
                box.setCurrentIndex(max(0, box.findData(value)))
        with QSignalBlocker(self.role):
            self.role.setCurrentText(self._view.role)
        self.setEnabled(bool(self._roles))
        for button in self._buttons:
            button.refresh()

    def _choice(self, name: str) -> ChoiceField:
        box = ChoiceField()
        box.setAccessibleName(name)
        box.setSizeAdjustPolicy(ChoiceField.SizeAdjustPolicy.AdjustToContents)
        box.setMinimumContentsLength(6)
        return box

    def _on_role(self) -> None:
        self._view.choose_role(self.role.currentText())

    def _on_filter(self) -> None:
        notch_hz = self.notch.currentData()
        choice = FilterChoice(
            self.high_pass.currentData(), self.low_pass.currentData(), () if notch_hz is None else (notch_hz,)
        )
        low, high = choice.high_pass_hz, choice.low_pass_hz
        if low is not None and high is not None and low >= high:
            # Nothing would be left to see: what was just chosen wins.
            other = self.low_pass if self.sender() is self.high_pass else self.high_pass
            other.setCurrentIndex(0)
            self._on_filter()
            return
        self._view.show_settings(
            self._view.settings.with_filter(self._view.role, None if choice == FilterChoice() else choice)
        )
