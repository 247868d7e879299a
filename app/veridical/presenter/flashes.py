"""Flashes of the corner square, for measuring when light really appears."""

import numpy as np

from veridical.domain.event import Marker
from veridical.domain.view import View
from veridical.presenter.stage import BLANK, Stage

_ON_S = 0.15
# Jittered, so that flashes cannot lock to the mains, to the refresh or to another pulse.
_OFF_S = (0.25, 0.45)


def flash(stage: Stage, n_flashes: int, seed: int) -> None:
    """Flash ``n_flashes`` times; each has the markers ``flash/on`` and ``flash/off`` (blocks until then)."""
    rng = np.random.default_rng(seed)
    off_s = stage.show(BLANK)
    for number in range(1, n_flashes + 1):
        stage.hold(off_s + float(rng.uniform(*_OFF_S)))
        on_s = stage.show(View("blank", corner=True), Marker("flash/on", {"trial": str(number)}))
        stage.hold(on_s + _ON_S)
        off_s = stage.show(BLANK, Marker("flash/off", {"trial": str(number)}))
    stage.hold(off_s + _OFF_S[1])
