"""What the Annotate page shows and does, without Qt."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from veridical.domain.annotation import LABELS, SHIPPED_LABELS, Annotation, AnnotationSet, ArtifactLabel, Suggestion
from veridical.domain.event import Event
from veridical.domain.participant import RunKey
from veridical.domain.review import LONGEST_LOOK_S, Review
from veridical.domain.spans import Spans
from veridical.domain.viewing import ViewedRecording, ViewedSignal
from veridical.gui.common import wording
from veridical.gui.common.scaling import fitting_span, step_span

if TYPE_CHECKING:
    from veridical.domain.agreement import LabelAgreement
    from veridical.services.annotating import AnnotationDesk, AnnotationState
    from veridical.services.trial_list import TrialLine

SHORTEST_S = 0.5
# A click that moves less is no drag.
_LEAST_MARK_S = 0.02
# Roles that a rater looks at, in the order of the lanes.
_ROLE_ORDER = ("EEG", "EOG", "EDA", "ECG", "respiration", "PPG", "accelerometer")
# Share of the window that a key moves an edge or the cursor by.
_STEP = 1 / 100
_UNKNOWN_COLOUR = "#9a9aa8"
# Nearer than this to a picture's onset or end, an edge snaps to it.
_SNAP = 1 / 20


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
    cursor_s : float or None
        Where keys begin a stretch; None until one was used.
    again : spans
        Stretches that are judged a second time, while that is done.
    problem : str
        Why nothing can be changed; empty if marks are saved.
    """

    start_s: float = 0.0
    seconds: float = 10.0
    length_s: float = 0.0
    spans: tuple[tuple[str, float], ...] = ()
    annotations: AnnotationSet = AnnotationSet()
    suggestions: tuple[Suggestion, ...] = ()
    events: tuple[tuple[float, str], ...] = ()
    selected: Annotation | None = None
    cursor_s: float | None = None
    review: Review = Review()
    again: Spans = ()
    problem: str = ""
    pending: Stretch | None = None
    chosen: Suggestion | None = None
    words: str = ""
    undo_text: str | None = None
    redo_text: str | None = None
    pace_s: float | None = None
    snaps_to_trials: bool = False

    @property
    def is_blind(self) -> bool:
        """Whether class, picture and rating are hidden."""
        return not self.review.is_unblinded

    @property
    def minutes_left(self) -> float | None:
        """How long the suggestions left will take at the rater's own pace; None before it is known."""
        return None if self.pace_s is None else self.pace_s * len(self.suggestions) / 60

    @property
    def stop_s(self) -> float:
        """Right edge of the window."""
        return self.start_s + self.seconds


_EVENT_WORDS = {"picture": "picture", "rating": "rating", "block": "block", "baseline": "baseline", "note": "note"}


def _shown(events: tuple[Event, ...]) -> tuple[Event, ...]:
    names = [e.marker.name.removeprefix("practice/").partition("/") for e in events]
    return tuple(
        e
        for e, (head, _, tail) in zip(events, names, strict=True)
        if head in _EVENT_WORDS and tail not in ("off", "end")
    )


def blind_events(events: tuple[Event, ...]) -> tuple[tuple[float, str], ...]:
    """Events as a rater may see them: a picture is a picture, whatever its class; ratings have no value."""
    shown: list[tuple[float, str]] = []
    for event in _shown(events):
        head = event.marker.name.removeprefix("practice/").partition("/")[0]
        text = event.marker.details.get("text", "note") if head == "note" else _EVENT_WORDS[head]
        shown.append((event.onset_s, text))
    return tuple(shown)


def open_events(events: tuple[Event, ...]) -> tuple[tuple[float, str], ...]:
    """Events with class, picture and rating, for a rater who was unblinded."""
    shown: list[tuple[float, str]] = []
    for event, (onset_s, words) in zip(_shown(events), blind_events(events), strict=True):
        tail, details = event.marker.name.rpartition("/")[2], event.marker.details
        if words == "picture":
            words = " ".join(part for part in (tail, details.get("id", "")) if part)
        elif words == "rating":
            words = f"{tail} {details.get('value', '')}".strip()
        shown.append((onset_s, words))
    return tuple(shown)


def label_words(label: str) -> str:
    """A shipped label as the rater reads it."""
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
        # The newest mark that the rater confirmed, until somebody has looked for others like it.
        self.confirmed: Annotation | None = None
        self._trials: tuple[tuple[object, ...], tuple[TrialLine, ...]] | None = None
        self.screen = AnnotateScreen()

    @property
    def recording(self) -> ViewedRecording | None:
        """The recording that is open."""
        return self.desk.recording if self.desk is not None else None

    @property
    def labels(self) -> tuple[ArtifactLabel, ...]:
        """What marks may say here."""
        return self.desk.settings.artifact_labels if self.desk is not None else SHIPPED_LABELS

    def label_colour(self, label: str) -> str:
        """Colour of a label; grey for one that the study does not know."""
        return next((known.colour for known in self.labels if known.id == label), _UNKNOWN_COLOUR)

    def label_words(self, label: str) -> str:
        """A label as the rater reads it."""
        return next((known.words for known in self.labels if known.id == label), label_words(label))

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
        )
        self._show(desk.state)

    def refresh(self) -> None:
        """Take what has become known of the recording: times of all of it, envelopes."""
        if self.desk is not None:
            recording = self.desk.recording
            known = {(s.role, s.stream, s.labels): s for s in recording.signals}
            self.signals = tuple(known[s.role, s.stream, s.labels] for s in self.signals)
            length_s = max(recording.stop_s, SHORTEST_S)
            self.screen = replace(self.screen, length_s=length_s, events=self._events())

    def close(self) -> None:
        """Let go of the recording; its table is written."""
        if self.desk is not None:
            self.desk.close()
        self.desk, self.key, self.signals, self.screen = None, None, (), AnnotateScreen()
        self.confirmed, self._trials = None, None

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
        start_s, stop_s = self._snap(start_s), self._snap(stop_s)
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
        self.screen = replace(self.screen, selected=selected, pending=None, cursor_s=time_s)

    def select(self, mark: Annotation | None) -> None:
        """Select a mark and look at it."""
        self.screen = replace(self.screen, selected=mark, pending=None)
        if mark is not None:
            self.screen = replace(self.screen, cursor_s=mark.onset_s)
            self.reveal(mark.onset_s, mark.duration_s)

    def show_stretch(self, start_s: float, stop_s: float, mark: Annotation) -> None:
        """Outline where a mark's edge is being dragged to; the mark stays selected and as it is."""
        self.screen = replace(self.screen, pending=Stretch(start_s, stop_s, mark.channels))

    def snapped(self, time_s: float) -> float:
        """The sample, or the picture's edge, that an edge put there snaps to."""
        return self._snap(time_s)

    def clear(self) -> None:
        """Forget stretch and selection."""
        self.screen = replace(self.screen, selected=None, pending=None)

    # With keys ---------------------------------------------------------------------------------------
    @property
    def cursor_s(self) -> float:
        """Where keys begin a stretch: the cursor if it is in the window, else the window's middle."""
        screen = self.screen
        if screen.cursor_s is not None and screen.start_s <= screen.cursor_s <= screen.stop_s:
            return screen.cursor_s
        return screen.start_s + screen.seconds / 2

    def move_start(self, direction: int) -> None:
        """Move the beginning of the stretch or mark in hand; without one, the cursor."""
        step_s = direction * _STEP * self.screen.seconds
        pending, selected = self.screen.pending, self.screen.selected
        if pending is not None:
            self._hold(Stretch(self._snap(pending.start_s + step_s, direction), pending.stop_s, pending.channels))
        elif selected is not None:
            self.move_edge(selected, self._snap(selected.onset_s + step_s, direction), selected.stop_s)
        else:
            cursor_s = min(max(0.0, self.cursor_s + step_s), self.screen.length_s)
            self.screen = replace(self.screen, cursor_s=cursor_s)
            self.reveal(cursor_s, 0.0)

    def move_stop(self, direction: int) -> None:
        """Move the end of the stretch or mark in hand; without one, begin a stretch at the cursor."""
        step_s = direction * _STEP * self.screen.seconds
        pending, selected = self.screen.pending, self.screen.selected
        if pending is not None:
            self._hold(Stretch(pending.start_s, self._snap(pending.stop_s + step_s, direction), pending.channels))
        elif selected is not None:
            self.move_edge(selected, selected.onset_s, self._snap(selected.stop_s + step_s, direction))
        else:
            low, high = sorted((self.cursor_s, self.cursor_s + step_s))
            self._hold(Stretch(low, high))

    def move_edge(self, mark: Annotation, start_s: float, stop_s: float) -> None:
        """Give a mark other edges and keep it selected; nothing happens if nothing would be left of it."""
        start_s, stop_s = max(0.0, start_s), min(self.screen.length_s, stop_s)
        if stop_s - start_s >= _LEAST_MARK_S:
            self._change(mark, replace(mark, onset_s=start_s, duration_s=stop_s - start_s))

    def step_channel(self, by: int) -> None:
        """Put the stretch in hand on the next channel: all, then one after the other."""
        names = [label for signal in self.signals for label in signal.labels]
        if not names:
            return
        pending = self.screen.pending or Stretch(self.cursor_s, min(self.screen.length_s, self.cursor_s + 0.5))
        place = names.index(pending.channels[0]) + 1 if pending.channels and pending.channels[0] in names else 0
        place = (place + by) % (len(names) + 1)
        self._hold(replace(pending, channels=(names[place - 1],) if place else ()))

    def extend_channels(self, by: int) -> None:
        """Take one more channel below the stretch's last one, or give it back."""
        names = [label for signal in self.signals for label in signal.labels]
        pending = self.screen.pending
        if pending is None or not pending.channels:
            self.step_channel(by)
        elif by < 0:
            self._hold(replace(pending, channels=pending.channels[:-1] or pending.channels))
        elif pending.channels[-1] in names[:-1]:
            more = names[names.index(pending.channels[-1]) + 1]
            self._hold(replace(pending, channels=(*pending.channels, more)))

    def jump(self, to: str, direction: int) -> bool:
        """Go to the next or previous trial, event, mark or stretch not seen; returns whether there is one."""
        here = self.cursor_s
        if to == "mark":
            marks = self.screen.annotations.annotations
            if self.screen.selected in marks:
                place = marks.index(self.screen.selected) + direction
                found = marks[place] if 0 <= place < len(marks) else None
            else:
                ahead = [m for m in marks if (m.onset_s - here) * direction > 0]
                found = (ahead[0] if direction > 0 else ahead[-1]) if ahead else None
            if found is not None:
                self.select(found)
            return found is not None
        times = {
            "trial": [t.onset_s for t in self.trials],
            "event": [t for t, _ in self.screen.events],
            "unseen": [start for start, _ in self.screen.review.unseen(self.screen.length_s)],
            "again": [start for start, _ in self.screen.again],
        }[to]
        ahead_s = [t for t in times if (t - here) * direction > 1e-6]
        if not ahead_s and to in ("unseen", "again") and times:
            ahead_s = times
        if not ahead_s:
            return False
        self.go_to_time(min(ahead_s) if direction > 0 else max(ahead_s), at_left=to in ("unseen", "again"))
        return True

    def go_to_time(self, time_s: float, *, at_left: bool = False) -> None:
        """Put the cursor there, and the window so that it is a fifth from the left, or at its left edge."""
        self.screen = replace(self.screen, cursor_s=time_s, selected=None, pending=None)
        self.go_to(time_s if at_left else time_s - self.screen.seconds / 5)

    def toggle_snap(self) -> None:
        """Let edges snap to pictures' onsets and ends, or to samples only."""
        self.screen = replace(self.screen, snaps_to_trials=not self.screen.snaps_to_trials)

    # Marks that are there ----------------------------------------------------------------------------
    def split(self) -> None:
        """Cut the selected mark at the cursor, or in its middle."""
        mark = self.screen.selected
        if self.desk is not None and mark is not None:
            at_s = self.screen.cursor_s
            inside = at_s is not None and mark.onset_s < at_s < mark.stop_s
            place_s = at_s if inside and at_s is not None else mark.onset_s + mark.duration_s / 2
            self._show(self.desk.split(mark, place_s))
            self.select(next((m for m in self.screen.annotations.annotations if m.stop_s == place_s), None))

    def join(self) -> None:
        """Join the selected mark with the next one of its label, or all of one label under the stretch in hand."""
        if self.desk is None:
            return
        marks, pending, selected = self.screen.annotations, self.screen.pending, self.screen.selected
        group: tuple[Annotation, ...] = ()
        if pending is not None:
            touched = marks.touching(pending.start_s, pending.stop_s)
            group = tuple(m for m in touched if m.label == touched[0].label)
        elif selected is not None:
            after = [m for m in marks.annotations if m.label == selected.label and m > selected]
            group = (selected, *after[:1])
        if len(group) > 1:
            self._show(self.desk.merge(group))
            first = min(group)
            joined = [
                m for m in self.screen.annotations.annotations if (m.onset_s, m.label) == (first.onset_s, first.label)
            ]
            self.select(joined[0] if joined else None)

    def comment(self, text: str) -> None:
        """Write a comment to the selected mark."""
        mark = self.screen.selected
        if mark is not None:
            self._change(mark, replace(mark, comment=text))

    def toggle_bad(self) -> None:
        """Take the channels in hand out of the whole recording, or back in."""
        if self.desk is None:
            return
        channels = self.channels_in_hand
        is_bad = not set(channels) <= set(self.screen.annotations.bad_channels)
        if channels:
            self._show(self.desk.set_bad(channels, is_bad))

    @property
    def channels_in_hand(self) -> tuple[str, ...]:
        """Channels of the stretch or the mark in hand; none where it is on all."""
        in_hand = self.screen.pending or self.screen.selected
        return in_hand.channels if in_hand is not None else ()

    @property
    def trials(self) -> "tuple[TrialLine, ...]":
        """The trials, with what the marks do to them."""
        if self.desk is None:
            return ()
        wanted = (self.screen.annotations, self.recording, self.screen.is_blind)
        if self._trials is None or any(a is not b for a, b in zip(self._trials[0], wanted, strict=True)):
            self._trials = wanted, self.desk.trials
        return self._trials[1]

    # Review -----------------------------------------------------------------------------------------
    def note_seen(self) -> None:
        """What is on screen now has been looked at, if the window is short enough to see a blink in."""
        if self.desk is not None and self.screen.seconds <= LONGEST_LOOK_S and not self.screen.again:
            self.screen = replace(self.screen, review=self.desk.see(self.screen.start_s, self.screen.stop_s))

    def lock(self) -> None:
        """Lock the recording as reviewed."""
        if self.desk is not None:
            self._show(self.desk.lock())

    def unblind(self) -> None:
        """Show class, picture and rating; logged and counted."""
        if self.desk is not None:
            self._show(self.desk.unblind())

    def start_again(self) -> None:
        """Judge a tenth of the recording a second time."""
        if self.desk is not None:
            self._show(self.desk.start_again())
            self.jump("again", 1)

    def end_again(self) -> "tuple[LabelAgreement, ...]":
        """Go back to the first marks; returns how far both agree."""
        if self.desk is None:
            return ()
        found = self.desk.end_again()
        self._show(self.desk.state)
        return found

    def propose_similar(self, suggestions: tuple[Suggestion, ...]) -> None:
        """Show stretches that look like one that was confirmed."""
        if self.desk is not None:
            self._show(self.desk.propose_similar(suggestions))

    def put_label(self, label: str) -> None:
        """Label the stretch in hand, or the selected mark, or take the chosen suggestion with this label."""
        self.last_label = label
        if self.desk is None:
            return
        pending, selected = self.screen.pending, self.screen.selected
        if pending is not None:
            mark = Annotation(pending.start_s, pending.stop_s - pending.start_s, label, pending.channels)
            self._show(self.desk.mark(mark))
            self.select_at((pending.start_s + pending.stop_s) / 2, pending.channels[0] if pending.channels else "")
            self.screen = replace(self.screen, cursor_s=pending.start_s)
            self.confirmed = mark
        elif selected is not None:
            if selected.label != label:
                self._change(selected, replace(selected, label=label))
        elif self.screen.chosen is not None:
            self.decide(True, label)

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

    def decide(self, is_accepted: bool, label: str | None = None) -> None:
        """Accept (with another label, if one is given) or reject the chosen suggestion and go on to the next."""
        chosen = self.screen.chosen
        if self.desk is None or chosen is None:
            return
        place = self.screen.suggestions.index(chosen) if chosen in self.screen.suggestions else 0
        self._show(self.desk.accept(chosen, label) if is_accepted else self.desk.reject(chosen))
        if is_accepted:
            self.confirmed = Annotation(chosen.onset_s, chosen.duration_s, label or chosen.label, chosen.channels)
        left = self.screen.suggestions
        self.choose(left[min(place, len(left) - 1)] if left else None)

    def take_suggestions(self, suggestions: tuple[Suggestion, ...]) -> None:
        """Show suggestions that were computed just now."""
        if self.desk is not None:
            self._show(self.desk.load_suggestions(suggestions))

    def show_state(self) -> None:
        """Show what the desk holds now."""
        if self.desk is not None:
            self._show(self.desk.state)

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
            words=f"{wording.count(len(marks), 'mark')}, {'not saved' if state.problem else 'saved'}",
            undo_text=state.undo_text,
            redo_text=state.redo_text,
            review=state.review,
            again=state.again,
            problem=state.problem,
            pace_s=state.pace_s,
        )
        self.screen = replace(self.screen, events=self._events())

    def _change(self, old: Annotation, new: Annotation) -> None:
        """Change a mark and keep what became of it selected."""
        if self.desk is None:
            return
        self._show(self.desk.change(old, new))
        middle_s = new.onset_s + new.duration_s / 2
        became = [
            m
            for m in self.screen.annotations.touching(middle_s, middle_s + 1e-9)
            if (m.label, m.channels, m.comment) == (new.label, new.channels, new.comment)
        ]
        self.screen = replace(self.screen, selected=became[0] if became else None)

    def _hold(self, stretch: Stretch) -> None:
        start_s, stop_s = max(0.0, stretch.start_s), min(self.screen.length_s, stretch.stop_s)
        if stop_s - start_s >= _LEAST_MARK_S:
            pending = Stretch(start_s, stop_s, stretch.channels)
            self.screen = replace(self.screen, pending=pending, selected=None, cursor_s=start_s)
            self.reveal(start_s, min(stop_s - start_s, self.screen.seconds))

    def _snap(self, time_s: float, direction: int = 0) -> float:
        """Move an edge onto a sample, or onto a picture's onset or end near it; keys never stick to what they leave."""
        if self.screen.snaps_to_trials:
            edges = [edge for t in self.trials for edge in (t.onset_s, t.onset_s + t.duration_s)]
            near = [e for e in edges if abs(e - time_s) <= _SNAP * self.screen.seconds]
            near = [e for e in near if direction == 0 or (e - time_s) * direction >= 0]
            if near:
                return min(near, key=lambda e: abs(e - time_s))
        signal = self.signals[0] if self.signals else None
        if signal is not None:
            for segment in signal.timeline.segments_between(time_s, time_s + 1e-9):
                place = np.round(segment.place_at(np.array([time_s])))
                return float(segment.time_at(place)[0])
        return time_s

    def _events(self) -> tuple[tuple[float, str], ...]:
        events = self.desk.recording.events if self.desk is not None else ()
        return blind_events(events) if self.screen.is_blind else open_events(events)


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
