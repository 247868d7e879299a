"""One scale while it is being answered: a frozen value that every input replaces."""

from dataclasses import dataclass, replace

from veridical.domain.rating import Rating, RatingStatus, Scale
from veridical.presenter.screen import Device, Input

CONFIRM_KEYS = ("return", "space")
# Longer answers belong into an interview; this many still fit into the box.
MAX_CHARACTERS = 280
# Key presses nearer than this are one movement of the thumb.
_MOVEMENT_S = 1.0
_PAGE = 10
_MOVES = {"left": -1, "right": 1, "pagedown": -_PAGE, "pageup": _PAGE}


@dataclass(frozen=True)
class RatingEntry:
    """What the participant has done on one scale so far.

    Parameters
    ----------
    onset_s : float
        LSL time of the scale's first flip.
    order : int
        0 for the first scale after the picture.
    selected : int or None
        What is chosen so far: the value on a Likert scale, the option counted from 1, a slider's step from 0.
    typed : str
        Free text so far.
    n_changes : int
        How often a choice was replaced by another; one movement of a slider counts once.
    moved_s : float
        When a slider's thumb was last moved, LSL seconds.
    """

    scale: Scale
    onset_s: float
    order: int
    selected: int | None = None
    first_touch_s: float | None = None
    submit_s: float | None = None
    n_changes: int = 0
    device: Device = "none"
    typed: str = ""
    moved_s: float = float("-inf")

    @property
    def is_submitted(self) -> bool:
        """Whether the answer was confirmed."""
        return self.submit_s is not None

    @property
    def has_answer(self) -> bool:
        """Whether something is chosen or typed."""
        return bool(self.typed.strip()) if self.scale.kind == "text" else self.selected is not None

    @property
    def can_submit(self) -> bool:
        """Whether confirming would be accepted."""
        return self.has_answer or self.scale.is_optional

    def is_confirm(self, entry: Input) -> bool:
        """Whether an input means "go on" here; in free text a blank is a blank."""
        keys = CONFIRM_KEYS[:1] if self.scale.kind == "text" else CONFIRM_KEYS
        return entry.kind == "confirm" or (entry.kind == "press" and entry.key in keys)

    def take(self, entry: Input) -> "RatingEntry":
        """Return the entry after an input; one that means nothing here changes nothing."""
        # A key pressed at the picture and dispatched by the flip is no answer to a scale not yet seen.
        if self.is_submitted or entry.lsl_s < self.onset_s:
            return self
        if self.is_confirm(entry):
            return self.submit(entry.lsl_s) if self.can_submit else self
        if self.scale.kind == "text":
            return self._type(entry)
        step = self._pointed(entry) if entry.kind == "step" else self._pressed(entry)
        return self if step is None else self._select(step, entry)

    def submit(self, lsl_s: float) -> "RatingEntry":
        """Return the entry as confirmed at this time."""
        return replace(self, submit_s=lsl_s - self.onset_s)

    def rating(self, unanswered: RatingStatus) -> Rating:
        """Return the rating; ``unanswered`` is its status unless it was confirmed."""
        status: RatingStatus = "answered" if self.has_answer else "skipped"
        is_answered = self.is_submitted and self.has_answer
        return Rating(
            scale=self.scale.id,
            value=self._value() if is_answered else None,
            minimum=self.scale.low_value,
            maximum=self.scale.high_value,
            first_touch_s=self.first_touch_s,
            submit_s=self.submit_s,
            n_changes=self.n_changes,
            device=self.device,
            status=status if self.is_submitted else unanswered,
            order=self.order,
            text=self._words() if is_answered else "",
        )

    def timed_out(self) -> Rating:
        """Return the rating of a scale whose time is up: untouched, or touched and never confirmed."""
        return self.rating("untouched" if self.first_touch_s is None else "timed_out")

    def _value(self) -> float | None:
        if self.selected is None:
            return None
        return self.scale.value_at(self.selected) if self.scale.is_slider else float(self.selected)

    def _words(self) -> str:
        if self.scale.kind == "choice" and self.selected is not None:
            return self.scale.options[self.selected - 1]
        return self.typed.strip()

    @property
    def _range(self) -> tuple[int, int]:
        """Smallest and largest ``selected``."""
        if self.scale.is_slider:
            return 0, self.scale.last_step
        return round(self.scale.low_value), round(self.scale.high_value)

    def _pointed(self, entry: Input) -> int | None:
        low, high = self._range
        return entry.step if entry.step is not None and low <= entry.step <= high else None

    def _pressed(self, entry: Input) -> int | None:
        if entry.kind != "press":
            return None
        if self.scale.is_slider:
            return self._slid(entry.key)
        low, high = self._range
        if entry.key.isdigit():
            step = int(entry.key)
        elif self.scale.kind == "choice" and entry.key in ("up", "down", "left", "right"):
            # Options have no middle: the first arrow lands on the first of them.
            step = low if self.selected is None else self.selected + (1 if entry.key in ("down", "right") else -1)
        elif entry.key in ("left", "right"):
            # The first arrow lands on the middle, so that neither arrow favours an end.
            move = -1 if entry.key == "left" else 1
            step = int(self.scale.midpoint) if self.selected is None else self.selected + move
        else:
            return None
        return step if low <= step <= high else None

    def _slid(self, key: str) -> int | None:
        """Where a key takes the thumb: arrows by a step, pages by ten, digits from end to end."""
        last = self.scale.last_step
        at = self.scale.middle_step if self.selected is None else self.selected
        if key in _MOVES:
            return min(last, max(0, at + _MOVES[key]))
        if key in ("home", "end"):
            return 0 if key == "home" else last
        if key.isdigit() and key != "0":
            return round((int(key) - 1) / 8 * last)
        return None

    def _type(self, entry: Input) -> "RatingEntry":
        if entry.kind == "text" and entry.key.isprintable() and len(self.typed) < MAX_CHARACTERS:
            typed = self.typed + entry.key
        elif entry.kind == "press" and entry.key == "backspace":
            typed = self.typed[:-1]
        else:
            return self
        touched_s = entry.lsl_s - self.onset_s if self.first_touch_s is None else self.first_touch_s
        # Taking a letter back is what changing one's mind looks like here.
        n_changes = self.n_changes + (len(typed) < len(self.typed))
        return replace(self, typed=typed, first_touch_s=touched_s, n_changes=n_changes, device=entry.device)

    def _select(self, step: int, entry: Input) -> "RatingEntry":
        if self.selected is None:
            touched_s = entry.lsl_s - self.onset_s
            return replace(self, selected=step, first_touch_s=touched_s, device=entry.device, moved_s=entry.lsl_s)
        if step == self.selected:
            return self
        goes_on = self.scale.is_slider and (
            entry.is_drag or (entry.kind == "press" and entry.lsl_s - self.moved_s < _MOVEMENT_S)
        )
        n_changes = self.n_changes if goes_on else self.n_changes + 1
        return replace(self, selected=step, n_changes=n_changes, device=entry.device, moved_s=entry.lsl_s)
