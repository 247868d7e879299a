"""Signal quality before the session: a head map for EEG, a line for every other role, and the deep-breath check."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from veridical.domain.electrodes import head_position
from veridical.gui.common import wording
from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.head_map import ElectrodeLight, HeadMap
from veridical.gui.common.icons import themed_icon
from veridical.gui.common.tokens import GRID, StatusLevel
from veridical.gui.common.widgets import ActionButton, StatusLight, label
from veridical.services.observer import RoleObservation

_WORST_FIRST: tuple[StatusLevel, ...] = ("fail", "caution", "unknown", "good")


@dataclass(frozen=True)
class ChannelLine:
    """One channel as the panel lists it."""

    role: str
    label: str
    level: StatusLevel
    words: str


class SteadyQuality:
    """Takes over a channel's new light only when it was seen twice: a light that flickers helps nobody."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], ChannelLine] = {}
        self._coming: dict[tuple[str, str], StatusLevel] = {}

    def take(self, roles: Sequence[RoleObservation]) -> tuple[ChannelLine, ...]:
        """Return the lines to show after another observation, in channel order."""
        lines: list[ChannelLine] = []
        for observed in roles:
            for q in observed.qualities:
                key, new = (observed.role, q.label), ChannelLine(observed.role, q.label, q.light, q.words)
                old = self._shown.get(key)
                is_meant = old is None or old.level in (new.level, "unknown") or self._coming.get(key) == new.level
                self._coming[key] = new.level
                if is_meant:
                    self._shown[key] = new
                lines.append(self._shown[key])
        return tuple(lines)


class QualityPanel(QWidget):
    """Shows the newest judgement of every channel; changes at most once a second."""

    def __init__(self, appearance: Appearance, breathe: Action) -> None:
        super().__init__()
        self._appearance = appearance
        self._lines: tuple[ChannelLine, ...] = ()
        self._memory = SteadyQuality()
        self.head = HeadMap(appearance, self._choose)
        self.summary = StatusLight(appearance, wraps=True)
        self.channels = QListWidget()
        self.channels.setAccessibleName("Channels that are not good")
        self.channels.setWordWrap(True)
        self.channels.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bodies = {role: StatusLight(appearance, role, wraps=True) for role in ("ECG", "EDA")}
        self._breathe = ActionButton(appearance, breathe, "person")
        self.breath_words = label("", "quiet", wraps=True)
        right = QVBoxLayout()
        right.setSpacing(GRID)
        right.addWidget(self.summary)
        right.addWidget(self.channels, 1)
        for light in self._bodies.values():
            right.addWidget(light)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self._breathe)
        row.addWidget(self.breath_words, 1)
        right.addLayout(row)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(2 * GRID)
        outer.addWidget(self.head, 2)
        outer.addLayout(right, 3)
        appearance.changed.connect(self._fill)
        self._draw()

    @property
    def lines(self) -> tuple[ChannelLine, ...]:
        """What is shown."""
        return self._lines

    def refresh(self) -> None:
        """Enable the button after the actions table."""
        self._breathe.refresh()

    def show_observed(self, roles: Sequence[RoleObservation]) -> None:
        """Show another observation."""
        lines = self._memory.take(roles)
        if lines != self._lines:
            self._lines = lines
            self._draw()

    def show_breath(self, words: str) -> None:
        """Show what to tell the participant now, or the result."""
        self.breath_words.setText(words)

    def _draw(self) -> None:
        eeg = [line for line in self._lines if line.role == "EEG"]
        self.head.show_electrodes([ElectrodeLight(e.label, e.level, e.words) for e in eeg])
        self.summary.show_state(*summarise(eeg))
        self._fill()
        for role, light in self._bodies.items():
            own = [line for line in self._lines if line.role == role]
            if own:
                worst = min(own, key=lambda x: _WORST_FIRST.index(x.level))
                light.show_state(worst.level, worst.words if worst.words != "good" else "Good")
            else:
                light.show_state("unknown", "no such channel")

    def _fill(self) -> None:
        # Always in channel order, so that nothing changes places while it is read.
        listed = [x for x in self._lines if x.role not in ("ECG", "EDA") and x.level in ("fail", "caution")]
        unmapped = [x.label for x in self._lines if x.role == "EEG" and head_position(x.label) is None]
        first = self.channels.verticalScrollBar().value()
        self.channels.clear()
        theme = self._appearance.theme
        for x in listed:
            item = QListWidgetItem(themed_icon(x.level, theme, theme.status(x.level)), f"{x.label} {x.words}")
            item.setData(Qt.ItemDataRole.UserRole, x.label)
            self.channels.addItem(item)
        if unmapped:
            names = ", ".join(unmapped[:6]) + (" …" if len(unmapped) > 6 else "")
            words = f"Not on the map: {names}. Give 10-20 names in Channels and roles."
            self.channels.addItem(QListWidgetItem(themed_icon("unknown", theme, theme.unknown), words))
        self.channels.verticalScrollBar().setValue(first)

    def _choose(self, electrode: str) -> None:
        for k in range(self.channels.count()):
            if self.channels.item(k).data(Qt.ItemDataRole.UserRole) == electrode:
                self.channels.setCurrentRow(k)


def summarise(eeg: Sequence[ChannelLine]) -> tuple[StatusLevel, str]:
    """Say in one line how the EEG's channels are."""
    known = [line for line in eeg if line.level != "unknown"]
    if not known:
        return "unknown", "No EEG yet" if not eeg else "Judged in a moment"
    n_good = sum(line.level == "good" for line in known)
    level = min((line.level for line in known), key=_WORST_FIRST.index)
    if n_good == len(known):
        return "good", f"All {wording.count(n_good, 'EEG channel')} good"
    return level, f"{n_good} of {wording.count(len(known), 'EEG channel')} good"
