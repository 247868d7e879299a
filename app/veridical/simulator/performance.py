"""A whole session as the presenter would mark it, without a screen: markers with their times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from veridical.domain.event import Marker
from veridical.domain.items import ATTENTION_ID, attention_scale
from veridical.domain.protocol import SessionPlan, Trial
from veridical.domain.rating import Rating, Scale
from veridical.domain.simulation import PLAIN, Answer, Disposition, Feeling, answer_of, feelings_of
from veridical.domain.stimulus import StimulusSet
from veridical.domain.trial_table import check_details, rating_details


@dataclass(frozen=True)
class Pace:
    """How fast the simulated participant goes on and answers, in seconds.

    Parameters
    ----------
    rating_s : tuple of float
        Shortest and longest time from a scale's appearance to the answer.
    break_s : float
        Length of instructions, breaks and debriefing.
    """

    rating_s: tuple[float, float] = (0.6, 2.0)
    break_s: float = 10.0


UNHURRIED = Pace()
SHORTENED = Pace(rating_s=(0.05, 0.15), break_s=0.5)


@dataclass(frozen=True)
class TimedMarker:
    """A marker and its time, seconds from the first sample."""

    at_s: float
    marker: Marker


def perform(
    session: SessionPlan,
    stimuli: StimulusSet,
    scales: Sequence[Scale],
    participant_seed: int,
    seed: int,
    pace: Pace = UNHURRIED,
    disposition: Disposition = PLAIN,
) -> tuple[TimedMarker, ...]:
    """Let the simulated participant go through a session; the same arguments give the same markers.

    Parameters
    ----------
    participant_seed : int
        Of the simulation plan: who feels what.
    seed : int
        Of this session: reporting noise and answering times.
    disposition : Disposition
        Of the simulation plan: how this participant feels and answers.

    Returns
    -------
    tuple of TimedMarker
        From ``session/start`` to ``session/end``, ascending; the first at 2 s.
    """
    feelings = feelings_of(participant_seed, stimuli.stimuli, disposition)
    n_trials = sum(len(block) for block in session.blocks)
    rng = np.random.default_rng([abs(seed), 5])
    actor = _Actor({s.id: s for s in scales}, feelings, disposition, n_trials, rng, pace)
    actor.mark("session/start")
    actor.wait(pace.break_s)
    for baseline in session.baselines:
        actor.mark(f"baseline/{baseline.kind}/start")
        actor.wait(baseline.duration_s)
        actor.mark(f"baseline/{baseline.kind}/end")
        actor.wait(0.5 * pace.break_s)
    for trial in session.practice:
        actor.play(trial)
    for number, block in enumerate(session.blocks, start=1):
        if number > 1:
            actor.mark("break/start")
            actor.wait(pace.break_s)
            actor.mark("break/end")
        actor.mark("block/start", block=str(number))
        for trial in block:
            actor.play(trial)
        actor.mark("block/end", block=str(number))
    actor.wait(pace.break_s)
    actor.mark("session/end", reason="completed")
    return tuple(actor.markers)


class _Actor:
    def __init__(
        self,
        scales: dict[str, Scale],
        feelings: Mapping[str, Feeling],
        disposition: Disposition,
        n_trials: int,
        rng: np.random.Generator,
        pace: Pace,
    ) -> None:
        self._scales = scales
        self._feelings = feelings
        self._disposition = disposition
        self._n_trials = n_trials
        self._rng = rng
        self._pace = pace
        self._now_s = 2.0
        self.markers: list[TimedMarker] = []

    def mark(self, name: str, **details: str) -> None:
        self.markers.append(TimedMarker(self._now_s, Marker(name, details)))

    def wait(self, seconds: float) -> None:
        self._now_s += seconds

    def play(self, trial: Trial) -> None:
        """Fixation, picture, ratings, pause."""
        prefix = "practice/" if trial.is_practice else ""
        number = {"trial": str(trial.number)}
        place = {} if trial.is_practice else {"block": str(trial.block)}
        repeat = {} if trial.repeat_of is None else {"repeat_of": str(trial.repeat_of)}
        self.mark(f"{prefix}fixation", **number)
        self.wait(trial.fixation_s)
        self.mark(f"{prefix}picture/{trial.condition}", id=trial.stimulus_id, **number, **place, **repeat)
        self.wait(trial.picture_s)
        self.mark(f"{prefix}picture/off", id=trial.stimulus_id, **number)
        for order, scale_id in enumerate(trial.scales):
            rating = self._rate(self._scales[scale_id], trial, order)
            self.mark(f"{prefix}rating/{scale_id}", **rating_details(rating, trial.number, trial.repeat_of))
        if trial.check is not None:
            asked = attention_scale(trial.check)
            passed = self._answered(replace(asked, id=ATTENTION_ID), Answer(trial.check), len(trial.scales))
            self.mark(f"check/{ATTENTION_ID}", **check_details(passed, trial.number, trial.check))
        self.wait(trial.iti_s)

    def _rate(self, scale: Scale, trial: Trial, order: int) -> Rating:
        feeling = self._feelings[trial.stimulus_id]
        # Practice is over before it counts.
        progress = 0.5 if trial.is_practice else min(1.0, trial.number / max(1, self._n_trials))
        told = self._disposition.answered(feeling, progress, self._rng)
        return self._answered(scale, answer_of(scale, told, self._rng), order)

    def _answered(self, scale: Scale, answer: Answer, order: int) -> Rating:
        value = None if answer.selected is None else float(answer.selected)
        if answer.selected is not None and scale.is_slider:
            value = scale.value_at(answer.selected)
        submit_s = float(self._rng.uniform(*self._pace.rating_s))
        self.wait(submit_s)
        return Rating(
            scale=scale.id,
            value=value,
            minimum=scale.low_value,
            maximum=scale.high_value,
            first_touch_s=0.7 * submit_s,
            submit_s=submit_s,
            n_changes=0,
            device="keyboard",
            status="answered",
            order=order,
            text=answer.text,
        )
