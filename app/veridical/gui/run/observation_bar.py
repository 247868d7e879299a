"""One-key observations and the study's own markers, with their keys in sight."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from veridical.domain.observation import OBSERVATIONS
from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton, clear_layout, label

N_OWN = 9


def observation_actions(
    observe: Callable[[str], None], mark: Callable[[int], None], is_live: Callable[[], bool], n_own: Callable[[], int]
) -> tuple[Action, ...]:
    """Rows of the actions table: one for each observation, and nine for markers of the study's own.

    Parameters
    ----------
    observe, mark : callable
        Take an observation's id, and the place of a marker in study.toml from 0.
    n_own : callable
        How many markers the study has.
    """

    def may_mark(place: int) -> bool:
        return is_live() and place < n_own()

    seen = tuple(
        Action(
            f"run.observe.{o.id}", o.words, o.key, partial(observe, o.id), is_live,
            f"Write into the recording that the participant {o.words.lower()}; a rater will be shown the place.", "run",
        )
        for o in OBSERVATIONS
    )  # fmt: skip
    own = tuple(
        Action(
            f"run.marker.{k + 1}", f"Own marker {k + 1}", str(k + 1), partial(mark, k),
            partial(may_mark, k), "Write a marker of the study's own into the recording.", "run",
        )
        for k in range(N_OWN)
    )  # fmt: skip
    return (*seen, *own)


class ObservationBar(QWidget):
    """Buttons that are rarely clicked: they teach the keys."""

    def __init__(self, appearance: Appearance, actions: Sequence[Action]) -> None:
        super().__init__()
        self._appearance, self._actions = appearance, {a.id: a for a in actions}
        self._own: tuple[str, ...] | None = None
        self._buttons: list[ActionButton] = []
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID // 2)
        self._said = label("", "small", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(self._grid)
        column.addWidget(self._said)
        self._said.setVisible(False)
        self.show_own(())

    def show_own(self, names: tuple[str, ...]) -> None:
        """Show the study's own markers below the observations."""
        if names == self._own:
            return
        self._own = names
        clear_layout(self._grid)
        wanted = [(f"run.observe.{o.id}", o.words) for o in OBSERVATIONS]
        wanted += [(f"run.marker.{k + 1}", name) for k, name in enumerate(names)]
        self._buttons = []
        for k, (action_id, words) in enumerate(wanted):
            action = self._actions[action_id]
            button = ActionButton(self._appearance, action, "", "plain", f"{words}  {action.key}")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().Policy.Fixed)
            self._buttons.append(button)
            button.setMinimumHeight(4 * GRID)
            self._grid.addWidget(button, k // 2, k % 2)

    def refresh(self) -> None:
        """Enable buttons after the actions table."""
        for button in self._buttons:
            button.refresh()

    def say(self, words: str) -> None:
        """Say what was written last."""
        self._said.setText(words)
        self._said.setVisible(True)
