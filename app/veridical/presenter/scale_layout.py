"""Where the parts of a question lie, for drawing and for pointing alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from veridical.domain.rating import Scale
from veridical.domain.view import View

Box = tuple[float, float, float, float]

# Shares of the screen's height.
_QUESTION_Y = 0.30
_STEPS_Y = 0.49
_BUTTON_Y = 0.73
_HINT_Y = 0.83
_SPACING = 0.135
_RADIUS = 0.34  # of the spacing
_BUTTON = (0.30, 0.085)
_MAX_WIDTH = 0.84  # of the screen's width

_TRACK_WIDTH = 0.95
_THUMB_RADIUS = 0.022
_ROW_PITCH = 0.26
_ROW_MIDDLE = 0.45
_QUESTION_ABOVE = 0.085
# Half the height within which a pointer takes a slider; a finger is about 8 mm wide.
_GRASP = 0.055

_OPTION_HEIGHT = 0.075
_OPTION_PITCH = 0.093
_OPTION_WIDTH = 0.44
_COLUMN_GAP = 0.03
_ROWS_OF_ONE_COLUMN = 4

# With a picture above: its middle and its largest size, then question and options in one row.
GLANCE_Y = 0.335
GLANCE_SIZE = (0.80, 0.56)
_GLANCE_QUESTION_Y = 0.68
_GLANCE_OPTIONS_Y = 0.77
_GLANCE_BUTTON_Y = 0.895

_TYPING = (1.15, 0.34, 0.60)


@dataclass(frozen=True)
class Target:
    """What a pointer hits: a scale, and its value, option or step."""

    scale_id: str
    step: int


class Layout(Protocol):
    """What pointing needs of any layout."""

    @property
    def button(self) -> Box:
        """Left, top, right, bottom of the confirm button, in pixels from the top left."""
        ...

    def target_at(self, x: float, y: float) -> Target | None:
        """Return what lies under a pointer that goes down here, or None."""
        ...

    def drag_to(self, scale_id: str, x: float) -> Target | None:
        """Return where a pointer that went down on a slider takes its thumb; None for what cannot be dragged."""
        ...


def is_inside(box: Box, x: float, y: float) -> bool:
    """Whether a point lies in a box."""
    left, top, right, bottom = box
    return left <= x <= right and top <= y <= bottom


@dataclass(frozen=True)
class ScaleLayout:
    """A Likert scale; positions in pixels from the top left.

    Parameters
    ----------
    steps : tuple of (value, x)
        Centres of the steps, from left to right, all at height ``steps_y``.
    radius : float
        Of a step's disc; a step answers to a pointer within ``spacing / 2``.
    button : tuple of float
        Left, top, right, bottom of the confirm button.
    """

    steps: tuple[tuple[int, float], ...]
    spacing: float
    radius: float
    question_y: float
    steps_y: float
    anchors_y: float
    button: Box
    hint_y: float
    scale_id: str = ""

    def step_at(self, x: float, y: float) -> int | None:
        """Return the step under a pointer, or None."""
        for value, centre in self.steps:
            if abs(x - centre) <= self.spacing / 2 and abs(y - self.steps_y) <= self.spacing / 2:
                return value
        return None

    def is_on_button(self, x: float, y: float) -> bool:
        """Whether a pointer is on the confirm button."""
        return is_inside(self.button, x, y)

    def target_at(self, x: float, y: float) -> Target | None:
        """Return the step under a pointer, or None."""
        step = self.step_at(x, y)
        return None if step is None else Target(self.scale_id, step)

    def drag_to(self, scale_id: str, x: float) -> Target | None:
        """Discs are not dragged."""
        return None


@dataclass(frozen=True)
class SliderRow:
    """One slider: its line from ``left`` to ``right`` at height ``track_y``, the question above it."""

    scale_id: str
    left: float
    right: float
    track_y: float
    question_y: float
    anchors_y: float
    last_step: int

    def x_of(self, step: int) -> float:
        """Place of a step on the line."""
        return self.left + step / self.last_step * (self.right - self.left)

    def step_of(self, x: float) -> int:
        """Step nearest to a place; beyond the ends, the last one."""
        return round(min(1.0, max(0.0, (x - self.left) / (self.right - self.left))) * self.last_step)


@dataclass(frozen=True)
class SliderLayout:
    """Sliders one above the other, with one button."""

    rows: tuple[SliderRow, ...]
    thumb_radius: float
    grasp: float
    button: Box
    hint_y: float

    def target_at(self, x: float, y: float) -> Target | None:
        """Return the slider under a pointer and the step there."""
        for row in self.rows:
            if abs(y - row.track_y) <= self.grasp and row.left - self.grasp <= x <= row.right + self.grasp:
                return Target(row.scale_id, row.step_of(x))
        return None

    def drag_to(self, scale_id: str, x: float) -> Target | None:
        """Follow the pointer along the line, whatever its height."""
        return next((Target(scale_id, r.step_of(x)) for r in self.rows if r.scale_id == scale_id), None)


@dataclass(frozen=True)
class ChoiceLayout:
    """Options as pills; ``boxes[k]`` belongs to option ``k + 1``."""

    scale_id: str
    boxes: tuple[Box, ...]
    question_y: float
    button: Box
    hint_y: float | None

    def target_at(self, x: float, y: float) -> Target | None:
        """Return the option under a pointer, or None."""
        for k, box in enumerate(self.boxes, start=1):
            if is_inside(box, x, y):
                return Target(self.scale_id, k)
        return None

    def drag_to(self, scale_id: str, x: float) -> Target | None:
        """Options are not dragged."""
        return None


@dataclass(frozen=True)
class TypingLayout:
    """A box for free text."""

    box: Box
    question_y: float
    button: Box
    hint_y: float

    def target_at(self, x: float, y: float) -> Target | None:
        """Nothing here is pointed at but the button."""
        return None

    def drag_to(self, scale_id: str, x: float) -> Target | None:
        """Nothing here is dragged."""
        return None


def lay_out(scale: Scale, width_px: int, height_px: int) -> ScaleLayout:
    """Lay a Likert scale out on a screen of this size."""
    n = scale.n_points
    spacing = min(_SPACING * height_px, _MAX_WIDTH * width_px / n)
    first = width_px / 2 - spacing * (n - 1) / 2
    radius = _RADIUS * spacing
    steps_y = _STEPS_Y * height_px
    return ScaleLayout(
        steps=tuple((scale.minimum + k, first + k * spacing) for k in range(n)),
        spacing=spacing,
        radius=radius,
        question_y=_QUESTION_Y * height_px,
        steps_y=steps_y,
        anchors_y=steps_y + radius + 0.025 * height_px,
        button=_button(width_px, height_px, _BUTTON_Y),
        hint_y=_HINT_Y * height_px,
        scale_id=scale.id,
    )


def lay_out_sliders(scales: Sequence[Scale], width_px: int, height_px: int) -> SliderLayout:
    """Lay up to three sliders out, from top to bottom."""
    n = len(scales)
    pitch = min(_ROW_PITCH, 0.66 / n)
    first = _ROW_MIDDLE - pitch * (n - 1) / 2
    half = min(_TRACK_WIDTH * height_px, _MAX_WIDTH * width_px) / 2
    last_y = first + pitch * (n - 1)
    button_y = min(0.86, max(_BUTTON_Y, last_y + 0.2))
    rows = tuple(
        SliderRow(
            scale_id=scale.id,
            left=width_px / 2 - half,
            right=width_px / 2 + half,
            track_y=(first + k * pitch) * height_px,
            question_y=(first + k * pitch - _QUESTION_ABOVE) * height_px,
            anchors_y=(first + k * pitch + 0.042) * height_px,
            last_step=scale.last_step,
        )
        for k, scale in enumerate(scales)
    )
    return SliderLayout(
        rows=rows,
        thumb_radius=_THUMB_RADIUS * height_px,
        grasp=_GRASP * height_px,
        button=_button(width_px, height_px, button_y),
        hint_y=(button_y + 0.085) * height_px,
    )


def lay_out_choice(scale: Scale, width_px: int, height_px: int, *, has_picture: bool = False) -> ChoiceLayout:
    """Lay options out: in one column, in two if there are many, in one row under a picture."""
    n = len(scale.options)
    height = _OPTION_HEIGHT * height_px
    if has_picture:
        pitch = min((_OPTION_WIDTH / 1.5 + _COLUMN_GAP) * height_px, _MAX_WIDTH * width_px / n)
        width = pitch - _COLUMN_GAP * height_px
        places = [(width_px / 2 + (k - (n - 1) / 2) * pitch, _GLANCE_OPTIONS_Y * height_px) for k in range(n)]
        question_y, button_y, hint_y = _GLANCE_QUESTION_Y, _GLANCE_BUTTON_Y, None
    else:
        n_columns = 1 if n <= _ROWS_OF_ONE_COLUMN else 2
        n_rows = -(-n // n_columns)
        width = min(_OPTION_WIDTH * height_px, 0.43 * width_px)
        pitch = width + _COLUMN_GAP * height_px
        first = 0.46 - _OPTION_PITCH * (n_rows - 1) / 2
        places = [
            (
                width_px / 2 + (k // n_rows - (n_columns - 1) / 2) * pitch,
                (first + _OPTION_PITCH * (k % n_rows)) * height_px,
            )
            for k in range(n)
        ]
        last = first + _OPTION_PITCH * (n_rows - 1)
        question_y, button_y = first - 0.12, max(_BUTTON_Y, last + 0.14)
        hint_y = (button_y + 0.09) * height_px
    return ChoiceLayout(
        scale_id=scale.id,
        boxes=tuple((x - width / 2, y - height / 2, x + width / 2, y + height / 2) for x, y in places),
        question_y=question_y * height_px,
        button=_button(width_px, height_px, button_y),
        hint_y=hint_y,
    )


def lay_out_typing(width_px: int, height_px: int) -> TypingLayout:
    """Lay out a box for free text."""
    half = min(_TYPING[0] * height_px, _MAX_WIDTH * width_px) / 2
    return TypingLayout(
        box=(width_px / 2 - half, _TYPING[1] * height_px, width_px / 2 + half, _TYPING[2] * height_px),
        question_y=0.25 * height_px,
        button=_button(width_px, height_px, _BUTTON_Y),
        hint_y=_HINT_Y * height_px,
    )


def lay_out_view(view: View, scales: dict[str, Scale], width_px: int, height_px: int) -> Layout:
    """Lay out whatever a rating view asks."""
    if view.kind == "sliders":
        return lay_out_sliders([scales[s.scale_id] for s in view.sliders], width_px, height_px)
    scale = scales[view.scale_id]
    if scale.kind == "choice":
        return lay_out_choice(scale, width_px, height_px, has_picture=bool(view.stimulus_id))
    if scale.kind == "text":
        return lay_out_typing(width_px, height_px)
    return lay_out(scale, width_px, height_px)


def _button(width_px: int, height_px: int, y: float) -> Box:
    half_width, half_height = _BUTTON[0] * height_px / 2, _BUTTON[1] * height_px / 2
    middle = width_px / 2
    return (middle - half_width, y * height_px - half_height, middle + half_width, y * height_px + half_height)
