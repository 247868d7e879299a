"""What the Annotate page shows and does, without Qt."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from veridical.domain.annotation import LABELS, Annotation, AnnotationSet, Suggestion
from veridical.domain.event import Event
from veridical.domain.participant import RunKey
from veridical.domain.viewing import ViewedRecording, ViewedSignal
from veridical.gui.common import wording
from veridical.gui.common.scaling import fitting_span, step_span

if TYPE_CHECKING:
    from veridical.services.annotating import AnnotationDesk, AnnotationState

SHORTEST_S = 0.5
# A click that moves less is no drag.
_LEAST_MARK_S = 0.02
# Roles that a rater looks at, in the order of the lanes.
_ROLE_ORDER = ("EEG", "EOG", "EDA", "ECG", "respiration", "PPG", "accelerometer")
LABEL_KEYS: dict[str, str] = dict(
    zip(LABELS, ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "E", "H", "O"), strict=True)
)


@dataclass(frozen=True)
class Stretch:
    """A dragged stretch that has no label yet; no channels means all of them."""

    start_s: float
    stop_s: float
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnnotateScreen:
    """Everything that is drawn.

    Parameters
    ----------
    spans : tuple of (role, float)
        Value range of one lane.
    chosen : Suggestion or None
        The suggestion that A and R decide on.
    words : str
        "12 marks, saved".
    """

    start_s: float = 0.0
    seconds: float = 10.0
    length_s: float = 0.0
    spans: tuple[tuple[str, float], ...] = ()
    annotations: AnnotationSet = AnnotationSet()
    suggestions: tuple[Suggestion, ...] = ()
    events: tuple[tuple[float, str], ...] = ()
    selected: Annotation | None = None
    pending: Stretch | None = None
    chosen: Suggestion | None = None
    words: str = ""
    undo_text: str | None = None
    redo_text: str | None = None

    @property
    def stop_s(self) -> float:
        """Right edge of the window."""
        return self.start_s + self.seconds


def blind_events(events: tuple[Event, ...]) -> tuple[tuple[float, str], ...]:
    """Events as a rater may see them: a picture is a picture, whatever its class; ratings have no value."""
    words = {"picture": "picture", "rating": "rating", "block": "block", "baseline": "baseline", "note": "note"}
    shown: list[tuple[float, str]] = []
    for event in events:
        name = event.marker.name.removeprefix("practice/")
        head, _, tail = name.partition("/")
        if head in words and tail not in ("off", "end"):
            text = event.marker.details.get("text", "note") if head == "note" else words[head]
            shown.append((event.onset_s, text))
    return tuple(shown)


def label_words(label: str) -> str:
    """A label as the rater reads it."""
    return LABELS.get(label, label)


def suggestion_words(suggestion: Suggestion) -> str:
    """One line for the list: what, when, where."""
    where = ", ".join(suggestion.channels[:3]) if suggestion.channels else "all channels"
    if len(suggestion.channels) > 3:
        where += f" and {len(suggestion.channels) - 3} more"
    return f"{label_words(suggestion.label)} · {wording.clock(suggestion.onset_s)} · {where}"


class AnnotateModel:
    """One rater at one recording: window, selection and acts; every act is saved before it is shown."""

    def __init__(self) -> None:
        self.desk: AnnotationDesk | None = None
        self.key: RunKey | None = None
        self.signals: tuple[ViewedSignal, ...] = ()
        self.last_label = "blink"
        self.screen = AnnotateScreen()

    @property
    def recording(self) -> ViewedRecording | None:
        """The recording that is open."""
        return self.desk.recording if self.desk is not None else None

    @property
    def is_open(self) -> bool:
        """Whether a recording is open."""
        return self.desk is not None

    def take(self, desk: "AnnotationDesk", key: RunKey) -> None:
        """Show a recording from its beginning."""
        self.close()
        self.desk, self.key = desk, key
        recording = desk.recording
        known = [s for s in recording.signals if s.role in _ROLE_ORDER and s.n_samples]
        self.signals = tuple(sorted(known, key=lambda s: _ROLE_ORDER.index(s.role)))
        self.screen = AnnotateScreen(
            length_s=max(recording.stop_s, SHORTEST_S),
            seconds=min(10.0, max(recording.stop_s, SHORTEST_S)),
            spans=tuple((s.role, _first_span(s)) for s in self.signals),
            events=blind_events(recording.events),
        )
        self._show(desk.state)

    def refresh(self) -> None:
        """Take what has become known of the recording: times of all of it, envelopes."""
        if self.desk is not None:
            recording = self.desk.recording
            known = {(s.role, s.stream, s.labels): s for s in recording.signals}
            self.signals = tuple(known[s.role, s.stream, s.labels] for s in self.signals)
            length_s = max(recording.stop_s, SHORTEST_S)
            self.screen = replace(self.screen, length_s=length_s, events=blind_events(recording.events))

    def close(self) -> None:
        """Let go of the recording; its table is written."""
        if self.desk is not None:
            self.desk.close()
        self.desk, self.key, self.signals, self.screen = None, None, (), AnnotateScreen()

    # Where one looks --------------------------------------------------------------------------------
    def scroll(self, by_s: float) -> None:
        """Move the window in time."""
        self.go_to(self.screen.start_s + by_s)

    def go_to(self, start_s: float) -> None:
        """Put the window's left edge, inside the recording."""
        latest = max(0.0, self.screen.length_s - self.screen.seconds)
        self.screen = replace(self.screen, start_s=min(max(0.0, start_s), latest))

    def zoom(self, factor: float, around_s: float | None = None) -> None:
        """Show more (factor above 1) or less time, keeping ``around_s`` where it is."""
        screen = self.screen
        middle = screen.start_s + screen.seconds / 2 if around_s is None else around_s
        seconds = min(max(screen.seconds * factor, SHORTEST_S), screen.length_s)
        share = (middle - screen.start_s) / screen.seconds
        self.screen = replace(screen, seconds=seconds)
        self.go_to(middle - share * seconds)

    def scale(self, role: str, direction: int) -> None:
        """Make a role's traces larger (-1 halves the span) or smaller (+1)."""
        spans = tuple((r, step_span(s, direction) if r == role else s) for r, s in self.screen.spans)
        self.screen = replace(self.screen, spans=spans)

    def reveal(self, onset_s: float, duration_s: float) -> None:
        """Move the window only if the stretch is not in it, then put it in the middle."""
        if onset_s < self.screen.start_s or onset_s + duration_s > self.screen.stop_s:
            self.go_to(onset_s + duration_s / 2 - self.screen.seconds / 2)

    # What one does ----------------------------------------------------------------------------------
    def drag(self, start_s: float, stop_s: float, channels: tuple[str, ...] = ()) -> None:
        """Mark out a stretch that waits for its label."""
        low, high = max(0.0, min(start_s, stop_s)), min(self.screen.length_s, max(start_s, stop_s))
        pending = Stretch(low, high, channels) if high - low >= _LEAST_MARK_S else None
        self.screen = replace(self.screen, pending=pending, selected=None)

    def select_at(self, time_s: float, channel: str) -> None:
        """Select the shortest mark under a point; nothing if there is none."""
        hits = [
            a
            for a in self.screen.annotations.annotations
            if a.onset_s <= time_s < a.stop_s and (not a.channels or channel in a.channels)
        ]
        selected = min(hits, key=lambda a: a.duration_s) if hits else None
        self.screen = replace(self.screen, selected=selected, pending=None)

    def clear(self) -> None:
        """Forget stretch and selection."""
        self.screen = replace(self.screen, selected=None, pending=None)

    def put_label(self, label: str) -> None:
        """Label the waiting stretch, or give the selected mark this label; remember it for the next."""
        self.last_label = label
        if self.desk is None:
            return
        pending, selected = self.screen.pending, self.screen.selected
        if pending is not None:
            mark = Annotation(pending.start_s, pending.stop_s - pending.start_s, label, pending.channels)
            self._show(self.desk.mark(mark))
            self.select_at((pending.start_s + pending.stop_s) / 2, pending.channels[0] if pending.channels else "")
        elif selected is not None and selected.label != label:
            self._show(self.desk.relabel(selected, label))
            changed = replace(selected, label=label)
            if changed in self.screen.annotations.annotations:
                self.screen = replace(self.screen, selected=changed)

    def delete(self) -> None:
        """Remove the selected mark."""
        if self.desk is not None and self.screen.selected is not None:
            self._show(self.desk.remove(self.screen.selected))

    def undo(self) -> None:
        """Take back the last act."""
        if self.desk is not None:
            self._show(self.desk.undo())

    def redo(self) -> None:
        """Do again what was taken back."""
        if self.desk is not None:
            self._show(self.desk.redo())

    # Suggestions ------------------------------------------------------------------------------------
    def choose(self, suggestion: Suggestion | None) -> None:
        """Take a suggestion for the next decision and look at it."""
        self.screen = replace(self.screen, chosen=suggestion)
        if suggestion is not None:
            self.reveal(suggestion.onset_s, suggestion.duration_s)

    def step_suggestion(self, by: int) -> None:
        """Go to the next or previous suggestion; from none, to the first in or after the window."""
        open_ones = self.screen.suggestions
        if not open_ones:
            return
        if self.screen.chosen in open_ones:
            place = (open_ones.index(self.screen.chosen) + by) % len(open_ones)
        else:
            place = next((k for k, s in enumerate(open_ones) if s.onset_s >= self.screen.start_s), 0)
        self.choose(open_ones[place])

    def decide(self, is_accepted: bool) -> None:
        """Accept or reject the chosen suggestion and go on to the next."""
        chosen = self.screen.chosen
        if self.desk is None or chosen is None:
            return
        place = self.screen.suggestions.index(chosen) if chosen in self.screen.suggestions else 0
        self._show(self.desk.accept(chosen) if is_accepted else self.desk.reject(chosen))
        left = self.screen.suggestions
        self.choose(left[min(place, len(left) - 1)] if left else None)

    def take_suggestions(self, suggestions: tuple[Suggestion, ...]) -> None:
        """Show suggestions that were computed just now."""
        if self.desk is not None:
            self._show(self.desk.load_suggestions(suggestions))

    def _show(self, state: "AnnotationState") -> None:
        marks = state.annotations.annotations
        suggestions = tuple(sorted(state.suggestions, key=lambda s: s.onset_s))
        chosen = self.screen.chosen if self.screen.chosen in suggestions else None
        self.screen = replace(
            self.screen,
            annotations=state.annotations,
            suggestions=suggestions,
            selected=self.screen.selected if self.screen.selected in marks else None,
            pending=None,
            chosen=chosen,
            words=f"{wording.count(len(marks), 'mark')}, saved",
            undo_text=state.undo_text,
            redo_text=state.redo_text,
        )


def _first_span(signal: ViewedSignal) -> float:
    """Span that fits a thin sample of the whole recording, each channel's slow drift taken off in 10-s pieces."""
    # What is timed by now: all of it, or the first minute.
    n = min(signal.timeline.n_samples, signal.n_samples)
    piece = max(2, round(10 * signal.sampling_hz)) if signal.sampling_hz > 0 else n
    starts = np.linspace(0, max(0, n - piece), 5).astype(int).tolist()
    step = max(1, piece // 400)
    spans = [
        fitting_span(signal.source.read(s, min(n, s + piece))[:, ::step].astype(np.float64), signal.role)
        for s in starts
    ]
    # The largest for slow signals, whose responses are rare; the usual one for EEG, where blinks would decide.
    return float(np.median(spans) if signal.role == "EEG" else np.max(spans))
