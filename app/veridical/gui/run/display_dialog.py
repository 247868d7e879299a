"""The display test, led step by step: put the photodiode on, choose its channel, flash, read the delay."""

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from veridical.domain.event_timing import DisplayTiming
from veridical.domain.run import ScreenChoice
from veridical.domain.stream import StreamDescription
from veridical.gui.common.page import Context
from veridical.gui.common.progress_strip import ProgressStrip
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import StatusLight, StepButton, label
from veridical.gui.common.work_runner import WorkRunner
from veridical.services.display_timing import DisplayTest
from veridical.services.study import Study

_STEADY_S = 0.002


def sensors(streams: Sequence[StreamDescription]) -> tuple[tuple[str, StreamDescription, int], ...]:
    """Channels that may see light, likeliest first: photodiode, TTL and AUX before any other."""
    found: list[tuple[bool, str, StreamDescription, int]] = []
    for stream in streams:
        if not stream.is_regular or stream.format == "string":
            continue
        for channel in range(stream.n_channels):
            texts = [t[channel] if channel < len(t) else "" for t in (stream.labels, stream.types)]
            words = " ".join((*texts, stream.type, stream.name)).lower()
            is_likely = any(word in words for word in ("photo", "light", "ttl", "trig", "aux"))
            found.append((not is_likely, f"{stream.name} · {texts[0] or channel + 1}", stream, channel))
    found.sort(key=lambda f: f[0])
    return tuple((words, stream, channel) for _, words, stream, channel in found)


class DisplayDialog(QDialog):
    """Measures one screen of a study."""

    def __init__(
        self,
        parent: QWidget,
        context: Context,
        study: Study,
        streams: Sequence[StreamDescription],
        screen: ScreenChoice,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Measure display timing")
        self.setMinimumWidth(65 * GRID)
        self._context, self._study, self._screen = context, study, screen
        self._sensors = sensors(streams)
        self.runner = WorkRunner(self)
        self.runner.finished.connect(self._on_measured)
        self.runner.failed.connect(lambda sentence: self._show("fail", sentence))
        self.runner.cancelled.connect(lambda: self._show("unknown", "Stopped; nothing was kept."))
        self.channel = QComboBox()
        self.channel.setAccessibleName("Channel of the photodiode")
        self.channel.addItems([words for words, _, _ in self._sensors])
        self.verdict = StatusLight(context.appearance, wraps=True)
        self.start_button = StepButton(context.appearance, "Start flashing", self.start, "play", "primary")
        self._strip = ProgressStrip(context.appearance, self.runner)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(label("How late does light appear?", "sectionTitle"))
        for words in (
            "1. Put the photodiode on the square in the lower left corner of the participant's screen.",
            "2. Choose the channel that it is connected to: an AUX or ECG input serves as well.",
            "3. Start. The square flashes 60 times, for about half a minute.",
        ):
            column.addWidget(label(words, wraps=True))
        column.addWidget(self.channel)
        column.addWidget(self.verdict)
        column.addWidget(self._strip)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(StepButton(context.appearance, "Close", self.reject))
        row.addWidget(self.start_button)
        column.addLayout(row)
        last = context.lab.display_timings(study)
        self._show("unknown", f"Last measured: {last[-1].words}." if last else "Never measured: software timing only.")
        if not self._sensors:
            self._show("caution", "No stream can see light; start the amplifier that the photodiode is connected to.")
        self.start_button.setEnabled(bool(self._sensors))

    def start(self) -> None:
        """Flash and measure."""
        if self.runner.is_running or not self._sensors:
            return
        _, stream, channel = self._sensors[self.channel.currentIndex()]
        test = DisplayTest(stream, channel, self._screen)
        self.start_button.setEnabled(False)
        self._strip.show_start("Getting the screen ready")
        self._show("unknown", "Keep the photodiode where it is.")
        self.runner.start(lambda: self._context.lab.measure_display(self._study, test))

    def done(self, result: int) -> None:
        """End the dialog, and the test with it."""
        self.runner.close()
        super().done(result)

    def _on_measured(self, timing: DisplayTiming) -> None:
        is_steady = timing.jitter_s <= _STEADY_S and timing.n_seen == timing.n_flashes
        advice = (
            "" if is_steady else " Evoked models blur by the jitter: switch on vertical sync, close other programs."
        )
        self._show("good" if is_steady else "caution", f"{timing.words[:1].upper()}{timing.words[1:]}.{advice}")

    def _show(self, level: str, words: str) -> None:
        self.verdict.show_state(level, words)  # type: ignore[arg-type]
        self.start_button.setEnabled(bool(self._sensors) and not self.runner.is_running)
