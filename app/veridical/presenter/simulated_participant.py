"""A participant who looks at the screen and presses keys, through the same queue as the keyboard."""

from collections.abc import Mapping

import numpy as np

from veridical.domain.rating import Scale
from veridical.domain.simulation import Feeling, latent_feeling, rating_of
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import View
from veridical.presenter.screen import Input, Screen

# Seconds from a scale's first flip to the first key and from there to the next; people take longer than a
# shortened demonstration allows.
_LATENCY_S = (0.3, 1.0)
_SHORTENED_LATENCY_S = (0.02, 0.05)
# One answer in ten is reconsidered before it is confirmed.
_CHANGES_MIND = 0.1


class SimulatedParticipant:
    """Answers every scale from latent feelings that the simulated body shares.

    Parameters
    ----------
    screen : Screen
        Takes the key presses.
    seed : int
        The simulation's seed; feelings are a function of it and the stimulus id.
    stimuli : mapping
        By id.
    """

    def __init__(
        self, screen: Screen, seed: int, stimuli: Mapping[str, Stimulus], scales: Mapping[str, Scale], is_hurried: bool
    ) -> None:
        self._screen = screen
        self._seed = seed
        self._stimuli = stimuli
        self._scales = scales
        self._latency_s = _SHORTENED_LATENCY_S if is_hurried else _LATENCY_S
        self._rng = np.random.default_rng([seed, 7])
        self._feeling = Feeling(0.0, 0.0)
        self._planned: list[tuple[float, str]] = []

    def see(self, view: View, flip_s: float) -> None:
        """Look at a new view, shown at ``flip_s``, and plan the key presses it calls for."""
        if view.kind == "picture":
            self._feeling = latent_feeling(self._seed, self._stimuli[view.stimulus_id])
        if view.kind == "rating" and view.selected is not None:
            return
        self._planned = []
        if view.kind == "text":
            self._plan(flip_s, ["space"])
        elif view.kind == "rating":
            self._plan(flip_s, self._keys(self._scales[view.scale_id]))

    def act(self, now_s: float) -> None:
        """Press the keys whose time has come."""
        while self._planned and self._planned[0][0] <= now_s:
            _, key = self._planned.pop(0)
            self._screen.put(Input("press", now_s, key))
            self._screen.put(Input("release", now_s, key))

    def _keys(self, scale: Scale) -> list[str]:
        """Keys that answer a scale: digits where the scale has them, else arrows from the middle."""
        value = rating_of(scale, self._feeling, self._rng)
        first = value
        if self._rng.random() < _CHANGES_MIND:
            first = value + 1 if value < scale.maximum else value - 1
        if scale.minimum < 0 or scale.maximum > 9:
            moves = value - int(scale.midpoint)
            return ["right", *(["right"] * moves if moves > 0 else ["left"] * -moves), "return"]
        return [str(first), *([str(value)] if value != first else []), "return"]

    def _plan(self, flip_s: float, keys: list[str]) -> None:
        due_s = flip_s
        for key in keys:
            due_s += float(self._rng.uniform(*self._latency_s))
            self._planned.append((due_s, key))
