"""Where the parts of a rating scale lie, for drawing and for pointing alike."""

from dataclasses import dataclass

from veridical.domain.rating import Scale

# Shares of the screen's height.
_QUESTION_Y = 0.30
_STEPS_Y = 0.49
_BUTTON_Y = 0.73
_HINT_Y = 0.83
_SPACING = 0.135
_RADIUS = 0.34  # of the spacing
_BUTTON = (0.30, 0.085)
_MAX_WIDTH = 0.84  # of the screen's width


@dataclass(frozen=True)
class ScaleLayout:
    """Positions in pixels from the top left.

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
    button: tuple[float, float, float, float]
    hint_y: float

    def step_at(self, x: float, y: float) -> int | None:
        """Return the step under a pointer, or None."""
        for value, centre in self.steps:
            if abs(x - centre) <= self.spacing / 2 and abs(y - self.steps_y) <= self.spacing / 2:
                return value
        return None

    def is_on_button(self, x: float, y: float) -> bool:
        """Whether a pointer is on the confirm button."""
        left, top, right, bottom = self.button
        return left <= x <= right and top <= y <= bottom


def lay_out(scale: Scale, width_px: int, height_px: int) -> ScaleLayout:
    """Lay a scale out on a screen of this size."""
    n = scale.n_points
    spacing = min(_SPACING * height_px, _MAX_WIDTH * width_px / n)
    first = width_px / 2 - spacing * (n - 1) / 2
    radius = _RADIUS * spacing
    steps_y = _STEPS_Y * height_px
    half_width, half_height = _BUTTON[0] * height_px / 2, _BUTTON[1] * height_px / 2
    middle, button_y = width_px / 2, _BUTTON_Y * height_px
    return ScaleLayout(
        steps=tuple((scale.minimum + k, first + k * spacing) for k in range(n)),
        spacing=spacing,
        radius=radius,
        question_y=_QUESTION_Y * height_px,
        steps_y=steps_y,
        anchors_y=steps_y + radius + 0.025 * height_px,
        button=(middle - half_width, button_y - half_height, middle + half_width, button_y + half_height),
        hint_y=_HINT_Y * height_px,
    )
