"""A participant who looks at the screen and presses keys, through the same queue as the keyboard."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from veridical.domain.items import ATTENTION_ID
from veridical.domain.rating import Scale
from veridical.domain.simulation import NOTHING_FELT, PLAIN, Disposition, answer_of, feelings_of
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
    disposition : Disposition
        How this participant feels and answers.
    n_trials : int
        Pictures of the whole session, by which answers drift; 0 for none.
    """

    def __init__(
        self,
        screen: Screen,
        seed: int,
        stimuli: Mapping[str, Stimulus],
        scales: Mapping[str, Scale],
        is_hurried: bool,
        disposition: Disposition = PLAIN,
        n_trials: int = 0,
    ) -> None:
        self._screen = screen
        self._disposition = disposition
        self._feelings = feelings_of(seed, stimuli.values(), disposition)
        self._n_trials, self._n_seen = n_trials, 0
        self._scales = scales
        self._latency_s = _SHORTENED_LATENCY_S if is_hurried else _LATENCY_S
        self._rng = np.random.default_rng([seed, 7])
        self._feeling = NOTHING_FELT
        self._planned: list[tuple[float, tuple[Input, ...]]] = []
        self._asked: tuple[str, ...] = ()

    def see(self, view: View, flip_s: float) -> None:
        """Look at a new view, shown at ``flip_s``, and plan the key presses it calls for."""
        if view.stimulus_id:
            if view.kind == "picture" or view.is_clip:
                self._n_seen += 1
            progress = min(1.0, self._n_seen / self._n_trials) if self._n_trials else 0.5
            felt = self._feelings[view.stimulus_id]
            self._feeling = self._disposition.answered(felt, progress, self._rng)
        asked = (view.stimulus_id, view.scale_id, *(s.scale_id for s in view.sliders))
        if view.is_rating and asked == self._asked:
            # The same question, redrawn with what was chosen.
            return
        self._asked, self._planned = asked if view.is_rating else (), []
        if view.kind == "text":
            self._plan(flip_s, [_key("space")])
        elif view.kind == "sliders":
            moves = [move for s in view.sliders for move in self._slide(self._scales[s.scale_id])]
            self._plan(flip_s, [*moves, _key("return")])
        elif view.kind == "rating":
            self._plan(flip_s, self._answers(view.scale_id))

    def act(self, now_s: float) -> None:
        """Do what its time has come for."""
        while self._planned and self._planned[0][0] <= now_s:
            _, inputs = self._planned.pop(0)
            for one in inputs:
                self._screen.put(replace(one, lsl_s=now_s))

    def _answers(self, scale_id: str) -> list[tuple[Input, ...]]:
        name, _, asked = scale_id.partition("-")
        if name == ATTENTION_ID:
            return [_key(asked), _key("return")]
        scale = self._scales[scale_id]
        answer = answer_of(scale, self._feeling, self._rng)
        if scale.kind == "text":
            return [*((Input("text", 0.0, letter),) for letter in answer.text), _key("return")]
        assert answer.selected is not None
        if scale.kind == "choice":
            if answer.selected < 10:
                return [_key(str(answer.selected)), _key("return")]
            return [_key("down")] * answer.selected + [_key("return")]
        return [_key(k) for k in self._keys(scale, answer.selected)]

    def _slide(self, scale: Scale) -> list[tuple[Input, ...]]:
        """Point near the place, then drag the thumb there, as a hand does."""
        selected = answer_of(scale, self._feeling, self._rng).selected
        assert selected is not None
        near = min(scale.last_step, max(0, selected + int(self._rng.integers(-8, 9))))
        down = Input("step", 0.0, step=near, device="mouse", scale_id=scale.id)
        return [(down,), (replace(down, step=selected, is_drag=True),)]

    def _keys(self, scale: Scale, value: int) -> list[str]:
        """Keys that answer a scale: digits where the scale has them, else arrows from the middle."""
        first = value
        if self._rng.random() < _CHANGES_MIND:
            first = value + 1 if value < scale.maximum else value - 1
        if scale.minimum < 0 or scale.maximum > 9:
            moves = value - int(scale.midpoint)
            return ["right", *(["right"] * moves if moves > 0 else ["left"] * -moves), "return"]
        return [str(first), *([str(value)] if value != first else []), "return"]

    def _plan(self, flip_s: float, acts: list[tuple[Input, ...]]) -> None:
        due_s = flip_s
        for act in acts:
            due_s += float(self._rng.uniform(*self._latency_s))
            self._planned.append((due_s, act))


def _key(key: str) -> tuple[Input, ...]:
    """A key that is pressed and let go."""
    return Input("press", 0.0, key), Input("release", 0.0, key)
