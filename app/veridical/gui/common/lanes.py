"""How channels share the height of a trace view."""

from collections.abc import Sequence
from dataclasses import dataclass

# One EDA or ECG lane is worth this many EEG lanes, and never less than a share of the height.
_WEIGHT = {"EEG": 1.0}
_WEIGHT_SINGLE = 4.0
_GAP_PX = 10.0


@dataclass(frozen=True)
class Lane:
    """One channel's strip.

    Parameters
    ----------
    top_px, height_px : float
        In logical pixels from the top of the traces.
    """

    role: str
    label: str
    group: int
    index: int
    top_px: float
    height_px: float

    @property
    def middle_px(self) -> float:
        """Row of the lane's centre."""
        return self.top_px + self.height_px / 2


def lay_out(groups: Sequence[tuple[str, Sequence[str]]], height_px: float) -> tuple[Lane, ...]:
    """Share the height among groups of channels, in their order.

    Parameters
    ----------
    groups : sequence of (role, labels)
    """
    groups = [(role, labels) for role, labels in groups]
    weights = [_WEIGHT.get(role, _WEIGHT_SINGLE) * len(labels) for role, labels in groups]
    total = sum(weights)
    n_shown = sum(1 for _, labels in groups if labels)
    if total <= 0:
        return ()
    free = max(0.0, height_px - _GAP_PX * max(0, n_shown - 1))
    # A single autonomic lane beside many EEG channels would be a hairline; it gets at least a seventh.
    shares = [w / total for w in weights]
    floors = [min(1.0 / max(1, n_shown), 1 / 7) if labels else 0.0 for _, labels in groups]
    shares = [max(s, f) for s, f in zip(shares, floors, strict=True)]
    scale = 1 / sum(shares)
    lanes: list[Lane] = []
    top = 0.0
    for g, ((role, labels), share) in enumerate(zip(groups, shares, strict=True)):
        if not labels:
            continue
        height = free * share * scale / len(labels)
        for i, label in enumerate(labels):
            lanes.append(Lane(role, label, g, i, top, height))
            top += height
        top += _GAP_PX
    return tuple(lanes)


def lane_at(lanes: Sequence[Lane], y_px: float) -> Lane | None:
    """The lane under a row, None between and beyond lanes."""
    return next((lane for lane in lanes if lane.top_px <= y_px < lane.top_px + lane.height_px), None)


def labelled(lanes: Sequence[Lane], text_height_px: float) -> tuple[Lane, ...]:
    """Lanes whose label can be written without touching the one before it."""
    shown: list[Lane] = []
    below = float("-inf")
    for lane in lanes:
        if lane.middle_px - text_height_px / 2 >= below:
            shown.append(lane)
            below = lane.middle_px + text_height_px / 2
    return tuple(shown)
