"""How the signals are shown, for the eye only: filters, reference, channels, time scales, spectrum."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QListView, QVBoxLayout, QWidget

from veridical.gui.annotate.canvas import TraceCanvas
from veridical.gui.annotate.spectrum_view import SpectrumPlot, spectrum_of_canvas
from veridical.gui.annotate.view_model import AnnotateModel
from veridical.gui.annotate.view_settings import OWN_EDA_SECONDS, Channel
from veridical.gui.common.actions import Action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.fields import ChoiceField
from veridical.gui.common.tokens import GRID
from veridical.gui.common.widgets import ActionButton, card, label
from veridical.signals.reference import Reference, ReferenceKind

_WIDTH = 38 * GRID
_HIGH_PASS_HZ = (None, 0.1, 0.3, 0.5, 1.0, 2.0)
_LOW_PASS_HZ = (None, 15.0, 30.0, 40.0, 70.0, 100.0)
_NOTCH_HZ: tuple[tuple[float, ...], ...] = ((), (50.0,), (60.0,))
_REFERENCES: tuple[tuple[ReferenceKind, str], ...] = (
    ("recorded", "As recorded"),
    ("average", "Average of all channels"),
    ("linked", "Linked mastoids or earlobes"),
    ("bipolar", "Bipolar pairs"),
    ("single", "The channel chosen below"),
)
_EDA_S = (None, 30.0, 60.0, 120.0, 300.0)
_Index = QModelIndex | QPersistentModelIndex


class ChannelList(QAbstractListModel):
    """Channels in the order in which they are drawn; ticked ones are shown."""

    def __init__(self, canvas: TraceCanvas, model: AnnotateModel) -> None:
        super().__init__()
        self._canvas, self._model = canvas, model
        self.channels: tuple[Channel, ...] = ()

    def refresh(self) -> None:
        """Take over channels and their order."""
        place = {channel: k for k, channel in enumerate(self._canvas.settings.order)}
        channels = tuple(
            channel
            for signal in self._model.signals
            for channel in sorted(
                ((str(signal.role), name) for name in signal.labels), key=lambda c: place.get(c, len(place))
            )
        )
        if channels != self.channels:
            self.beginResetModel()
            self.channels = channels
            self.endResetModel()
        elif channels:
            self.dataChanged.emit(self.index(0), self.index(len(channels) - 1))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else len(self.channels)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        channel = self.channels[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            factor = self._canvas.settings.factor(channel)
            words = channel[1] if channel[1] == channel[0] else f"{channel[1]}  ({channel[0]})"
            return words if factor == 1 else f"{words}  ×{factor:g}"
        if role == Qt.ItemDataRole.CheckStateRole:
            is_shown = channel not in self._canvas.settings.hidden
            return Qt.CheckState.Checked if is_shown else Qt.CheckState.Unchecked
        return None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        is_shown = Qt.CheckState(value) == Qt.CheckState.Checked
        self._canvas.show_settings(self._canvas.settings.with_visible(self.channels[index.row()], is_shown))
        self.dataChanged.emit(index, index)
        return True


class ViewPanel(QWidget):
    """A card beside the signals; everything in it has a key."""

    def __init__(self, appearance: Appearance, canvas: TraceCanvas, model: AnnotateModel) -> None:
        super().__init__()
        self._canvas, self._model = canvas, model
        self._rows = ChannelList(canvas, model)
        self.actions_of_view = self._make_actions()
        self._is_filling = False
        self._lay_out(appearance)
        self.setFixedWidth(_WIDTH)
        self.setVisible(False)
        canvas.painted.connect(self._on_painted)
        self.refresh()

    def refresh(self) -> None:
        """Show the settings that hold."""
        settings, self._is_filling = self._canvas.settings, True
        filters = settings.filters
        self._filtered.setChecked(settings.is_filtered)
        self._high.setCurrentIndex(_nearest(_HIGH_PASS_HZ, filters.high_pass_hz))
        self._low.setCurrentIndex(_nearest(_LOW_PASS_HZ, filters.low_pass_hz))
        self._notch.setCurrentIndex(_NOTCH_HZ.index(filters.notch_hz) if filters.notch_hz in _NOTCH_HZ else 0)
        self._reference.setCurrentIndex([kind for kind, _ in _REFERENCES].index(settings.reference.kind))
        self._butterfly.setChecked(settings.is_butterfly)
        self._eda.setCurrentIndex(_nearest(_EDA_S, settings.eda_seconds))
        self._rows.refresh()
        self._is_filling = False

    # Acts -------------------------------------------------------------------------------------------
    def _make_actions(self) -> tuple[Action, ...]:
        rows = (
            ("panel", "View settings", "Alt+V", self.toggle, "Filters, reference, channels and spectrum, beside."),
            ("filters", "Filters on or off", "Alt+F", self._toggle_filters, "EEG and EOG, for the eye only."),
            ("reference", "Next reference", "Alt+R", self._next_reference, "Of the EEG, for the eye only."),
            ("butterfly", "All EEG channels on one line", "Alt+B", self._toggle_butterfly, ""),
            ("eda", "Skin conductance in a window of its own", "Alt+T", self._toggle_eda, "A minute beside 10 s."),
            ("up", "Move the channel up", "Alt+Up", partial(self._move, -1), "The channel chosen in the list."),
            ("down", "Move the channel down", "Alt+Down", partial(self._move, 1), "The channel chosen in the list."),
            ("hide", "Hide or show the channel", "Alt+H", self._toggle_channel, "The channel chosen in the list."),
            ("all", "Show all channels as recorded", "Alt+A", self._show_all, ""),
            ("channel_larger", "Channel larger", "Alt++", partial(self._scale, 2.0), "Against the others of its role."),
            ("channel_smaller", "Channel smaller", "Alt+-", partial(self._scale, 0.5), ""),
        )
        return tuple(
            Action(f"annotate.view_{name}", text, key, run, lambda: self._model.is_open, words, "annotate")
            for name, text, key, run, words in rows
        )

    def toggle(self) -> None:
        """Show or hide the panel; it takes the keyboard when it comes."""
        self.setVisible(self.isHidden())
        if self.isVisible():
            self.refresh()
            self._list.setFocus()
            self._on_painted()
        else:
            self._canvas.setFocus()

    def _change(self, **changes: object) -> None:
        self._canvas.show_settings(replace(self._canvas.settings, **changes))  # type: ignore[arg-type]
        self.refresh()

    def _toggle_filters(self) -> None:
        self._change(is_filtered=not self._canvas.settings.is_filtered)

    def _toggle_butterfly(self) -> None:
        self._change(is_butterfly=not self._canvas.settings.is_butterfly)

    def _toggle_eda(self) -> None:
        self._change(eda_seconds=None if self._canvas.settings.eda_seconds else OWN_EDA_SECONDS)

    def _next_reference(self) -> None:
        kinds = [kind for kind, _ in _REFERENCES]
        self._set_reference((kinds.index(self._canvas.settings.reference.kind) + 1) % len(kinds))

    def _set_reference(self, row: int) -> None:
        kind = _REFERENCES[row][0]
        chosen = self._chosen()
        channel = chosen[1] if chosen is not None and chosen[0] == "EEG" else self._first_eeg()
        self._change(reference=Reference(kind, channel if kind == "single" else ""))

    def _first_eeg(self) -> str:
        return next((name for role, name in self._rows.channels if role == "EEG"), "")

    def _chosen(self) -> Channel | None:
        row = self._list.currentIndex().row()
        return self._rows.channels[row] if 0 <= row < len(self._rows.channels) else None

    def _move(self, by: int) -> None:
        chosen = self._chosen()
        if chosen is None:
            return
        own = [c for c in self._rows.channels if c[0] == chosen[0]]
        place = own.index(chosen)
        own.insert(max(0, place + by), own.pop(place))
        others = tuple(c for c in self._canvas.settings.order if c[0] != chosen[0])
        self._change(order=(*others, *own))
        self._list.setCurrentIndex(self._rows.index(self._rows.channels.index(chosen)))

    def _toggle_channel(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            settings = self._canvas.settings
            self._canvas.show_settings(settings.with_visible(chosen, chosen in settings.hidden))
            self.refresh()

    def _show_all(self) -> None:
        self._change(hidden=frozenset(), order=(), factors=())

    def _scale(self, factor: float) -> None:
        chosen = self._chosen()
        if chosen is not None:
            settings = self._canvas.settings
            held = min(16.0, max(1 / 16, settings.factor(chosen) * factor))
            self._canvas.show_settings(settings.with_factor(chosen, held))
            self.refresh()

    def _on_filters(self) -> None:
        if not self._is_filling:
            filters = replace(
                self._canvas.settings.filters,
                high_pass_hz=_HIGH_PASS_HZ[self._high.currentIndex()],
                low_pass_hz=_LOW_PASS_HZ[self._low.currentIndex()],
                notch_hz=_NOTCH_HZ[self._notch.currentIndex()],
            )
            self._change(filters=filters, is_filtered=self._filtered.isChecked())

    def _on_painted(self) -> None:
        if not self.isVisible():
            return
        screen = self._model.screen
        stretch: tuple[float, float, tuple[str, ...]] | None = None
        if screen.pending is not None:
            stretch = (screen.pending.start_s, screen.pending.stop_s, screen.pending.channels)
        elif screen.selected is not None:
            stretch = (screen.selected.onset_s, screen.selected.stop_s, screen.selected.channels)
        spectrum = spectrum_of_canvas(self._canvas, stretch)
        if spectrum is not None:
            self._spectrum.show_spectrum(spectrum)
        self._of_what.setText("Of the selection" if stretch is not None else "Of the window")

    # Layout -----------------------------------------------------------------------------------------
    def _lay_out(self, appearance: Appearance) -> None:
        panel, column = card(margin=2 * GRID, spacing=GRID)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(panel)
        column.addWidget(label("View", "sectionTitle"))
        column.addWidget(label("For the eye only: what is recorded and analysed stays as it is.", "quiet", wraps=True))
        self._filtered = QCheckBox("Filter EEG and EOG")
        self._filtered.toggled.connect(self._on_filters)
        column.addWidget(self._filtered)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * GRID)
        self._high = self._combo(form, "High-pass", [_hz(v) for v in _HIGH_PASS_HZ])
        self._low = self._combo(form, "Low-pass", [_hz(v) for v in _LOW_PASS_HZ])
        self._notch = self._combo(form, "Notch", [_hz(v[0] if v else None) for v in _NOTCH_HZ])
        for field in (self._high, self._low, self._notch):
            field.activated.connect(self._on_filters)
        self._reference = self._combo(form, "Reference", [words for _, words in _REFERENCES])
        self._reference.activated.connect(self._set_reference)
        own = ["With the others", *(f"{round(s or 0)} s of its own" for s in _EDA_S[1:])]
        self._eda = self._combo(form, "EDA window", own)
        self._eda.activated.connect(lambda row: self._change(eda_seconds=_EDA_S[row]))
        column.addLayout(form)
        self._butterfly = QCheckBox("All EEG channels on one line")
        self._butterfly.clicked.connect(lambda is_on: self._change(is_butterfly=is_on))
        column.addWidget(self._butterfly)
        column.addWidget(label("Channels", "sectionTitle"))
        self._list = QListView()
        self._list.setModel(self._rows)
        self._list.setAccessibleName("Channels")
        self._list.setMinimumHeight(16 * GRID)
        column.addWidget(self._list, 1)
        table = {a.id.removeprefix("annotate.view_"): a for a in self.actions_of_view}
        for names in (("up", "down", "hide"), ("channel_larger", "channel_smaller", "all")):
            row = QHBoxLayout()
            row.setSpacing(GRID // 2)
            short = {"up": "Up", "down": "Down", "hide": "Hide", "channel_larger": "Larger",
                     "channel_smaller": "Smaller", "all": "All"}  # fmt: skip
            for name in names:
                row.addWidget(ActionButton(appearance, table[name], text=short[name]))
            row.addStretch(1)
            column.addLayout(row)
        column.addWidget(label("Spectrum", "sectionTitle"))
        self._of_what = label("", "quiet")
        column.addWidget(self._of_what)
        self._spectrum = SpectrumPlot(appearance)
        self._spectrum.setFixedHeight(22 * GRID)
        column.addWidget(self._spectrum)

    @staticmethod
    def _combo(form: QFormLayout, words: str, choices: list[str]) -> QComboBox:
        field = ChoiceField()
        field.addItems(choices)
        field.setAccessibleName(words)
        form.addRow(words, field)
        return field


def _hz(value: float | None) -> str:
    return "Off" if value is None else f"{value:g} Hz"


def _nearest(choices: tuple[float | None, ...], value: float | None) -> int:
    if value is None:
        return 0
    return min(range(1, len(choices)), key=lambda k: abs((choices[k] or 0) - value))
