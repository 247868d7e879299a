"""Offers to mend a recording that broke off, in a copy, as soon as it is opened."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from veridical.domain.participant import RunKey
from veridical.gui.common.actions import Action
from veridical.gui.common.icons import draw_icon
from veridical.gui.common.page import Context
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StepButton, label
from veridical.gui.common.work_runner import WorkRunner

if TYPE_CHECKING:
    from veridical.services.recovery import Damage, Mended
    from veridical.services.study import Study

_SAFE = "A mended copy would be used from then on; the original stays as it is."


class MendOffer(QWidget):
    """Looks at a recording off the Qt thread and, if it should be mended, offers it above the signals."""

    # Emitted with the run whose recording has a mended copy now, and a sentence about it.
    mended = Signal(object, str)
    failed = Signal(str)
    # Emitted when mending has become possible or impossible.
    changed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._damage: Damage | None = None
        self._wanted: RunKey | None = None
        self._looker = WorkRunner(self)
        self._looker.finished.connect(self._on_looked)
        self.runner = WorkRunner(self)
        self.runner.finished.connect(self._on_mended)
        self.runner.failed.connect(self._on_failed)
        self.runner.cancelled.connect(self._draw)
        self._strip = ProgressStrip(context.appearance, self.runner)
        self._icon = QLabel()
        self._words = label("", "", wraps=True)
        self._mend = StepButton(context.appearance, "Mend in a copy", self.mend, "check", "primary", _SAFE)
        self._later = StepButton(context.appearance, "Not now", self.put_off, "", "quiet", "It is offered again.")
        self._frame = QFrame()
        self._frame.setObjectName("banner")
        self._frame.setProperty("level", "caution")
        row = QHBoxLayout(self._frame)
        row.setContentsMargins(2 * GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID + GRID // 2)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self._mend)
        row.addWidget(self._later)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self._frame)
        column.addWidget(self._strip)
        context.appearance.changed.connect(self._draw)
        self._draw()

    @property
    def words(self) -> str:
        """The sentence shown; empty if nothing is offered."""
        return self._words.text() if self._damage is not None else ""

    def make_action(self) -> Action:
        """The row of the actions table."""
        return Action(
            "annotate.mend", "Mend the recording in a copy", "Ctrl+Shift+M", self.mend, self.can_mend,
            "For a recording that broke off or is damaged. " + _SAFE, "annotate",
        )  # fmt: skip

    def look(self, study: "Study", key: RunKey) -> None:
        """Look at a run's recording; what was offered before is withdrawn."""
        self.put_off()
        self._wanted = key
        if not self._looker.is_running:
            find = self._context.lab.find_damage
            self._looker.start_call(lambda: (key, find(study, key)))

    def put_off(self) -> None:
        """Take the offer away until the recording is opened again."""
        self._wanted, self._damage = None, None
        self._draw()

    def can_mend(self) -> bool:
        """Whether there is something to mend, and its files are at hand."""
        return self._damage is not None and bool(self._damage.files) and not self.runner.is_running

    def mend(self) -> None:
        """Write the copy off the Qt thread."""
        study, damage = self._context.workspace.focus.study, self._damage
        if study is None or damage is None or not self.can_mend():
            return
        mend = self._context.lab.mend
        self._strip.show_start("Mending the recording")
        self.runner.start(lambda: mend(study, damage))
        self._draw()

    def close_threads(self) -> None:
        """Stop; a copy that is not whole does not stay."""
        self._looker.close()
        self.runner.close()

    def _on_looked(self, found: "tuple[RunKey, Damage | None]") -> None:
        key, damage = found
        study = self._context.workspace.focus.study
        if self._wanted is not None and key != self._wanted and study is not None:
            # Another recording was opened meanwhile.
            self.look(study, self._wanted)
            return
        self._damage = damage if key == self._wanted else None
        self._draw()

    def _on_mended(self, done: "Mended") -> None:
        self.put_off()
        self.mended.emit(done.key, f"The mended copy is in use: {done.words}")

    def _on_failed(self, sentence: str) -> None:
        self._draw()
        self.failed.emit(sentence)

    def _draw(self) -> None:
        theme = self._context.appearance.theme
        damage = self._damage
        self._frame.setVisible(damage is not None and not self.runner.is_running)
        # Nothing may keep room where nothing is offered.
        self.setVisible(damage is not None or self.runner.is_running)
        if damage is not None:
            self._words.setText(f"{damage.words} {_SAFE}" if damage.files else damage.words)
            self._mend.setVisible(bool(damage.files))
            self._icon.setPixmap(draw_icon("caution", theme.status("caution"), 20, 2.0, theme.surface))
        self.changed.emit()
