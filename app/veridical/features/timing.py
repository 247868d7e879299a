"""How long pictures really stayed, and which windows that leaves room for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.event import Event
from veridical.domain.trial_table import TrialRow
from veridical.features.table import FeatureDefinition

# Three frames at 60 Hz: a 1-s window fits a picture that was taken away 50 ms early.
TOLERANCE_S = 0.05


@dataclass(frozen=True)
class TrialTiming:
    """True timing of a recording's trials.

    Parameters
    ----------
    onsets_s, durations_s : ndarray, shape (n_trials,)
        Seconds; a duration that is not marked is NaN, unless none is (then the protocol's stands in).
    picture_s : float
        What nine pictures of ten reach, to 0.05 s.
    before_s : float
        Undisturbed seconds before onset that nine trials of ten have.
    spacing_s : float
        Seconds from onset to onset that nine trials of ten have; infinite with one trial.
    is_assumed : bool
        No picture's end was marked, so ``picture_s`` is the protocol's.
    """

    onsets_s: FloatArray
    durations_s: FloatArray
    picture_s: float
    before_s: float
    spacing_s: float
    is_assumed: bool


def measure_timing(trials: Sequence[TrialRow], events: Iterable[Event], planned_s: float) -> TrialTiming:
    """Measure durations, fixation and spacing from the markers.

    Parameters
    ----------
    trials : sequence of TrialRow
        At least one, in presentation order.
    events : iterable of Event
        All of the recording.
    planned_s : float
        The protocol's picture duration, for recordings in which no end is marked.
    """
    onsets = np.array([t.onset_s for t in trials])
    durations = np.array([t.duration_s if t.duration_s > 0 else np.nan for t in trials])
    is_assumed = bool(np.isnan(durations).all())
    if is_assumed:
        durations = np.full(len(trials), planned_s)
    picture_s = _usual(durations)
    fixations = {
        int(number): e.onset_s
        for e in events
        if e.marker.name == "fixation" and (number := e.marker.number("trial")) is not None
    }
    # Without a fixation marker, rest begins when the picture before went away.
    ends = np.concatenate([[-np.inf], (onsets + np.nan_to_num(durations))[:-1]])
    before = np.array([t.onset_s - fixations.get(t.trial, end) for t, end in zip(trials, ends, strict=True)])
    return TrialTiming(
        onsets_s=onsets,
        durations_s=durations,
        picture_s=round(picture_s / TOLERANCE_S) * TOLERANCE_S,
        before_s=_usual(before),
        spacing_s=_usual(np.diff(onsets)) if len(onsets) > 1 else np.inf,
        is_assumed=is_assumed,
    )


def _usual(seconds: FloatArray) -> float:
    """What nine of ten reach; one aborted trial then does not shorten everybody's window."""
    known = seconds[~np.isnan(seconds)]
    return float(np.quantile(known, 0.1, method="lower")) if len(known) else 0.0


def why_not(definition: FeatureDefinition, timing: TrialTiming) -> str:
    """Say why a feature's window does not fit; empty if it does."""
    if definition.needs_picture_s > timing.picture_s + TOLERANCE_S:
        return f"needs {definition.needs_picture_s:g} s of picture and pictures stayed {timing.picture_s:.2f} s"
    if definition.needs_before_s > timing.before_s + TOLERANCE_S:
        return (
            f"needs {definition.needs_before_s:g} s of rest before the picture and there were {timing.before_s:.2f} s"
        )
    if definition.needs_spacing_s > timing.spacing_s + TOLERANCE_S:
        return f"needs {definition.needs_spacing_s:g} s until the next picture and there were {timing.spacing_s:.2f} s"
    return ""


def in_words(refused: Sequence[tuple[FeatureDefinition, str]]) -> tuple[str, ...]:
    """Group refused features by reason: "late positive potential, slow wave: needs ..."."""
    by_reason: dict[str, list[str]] = {}
    for definition, reason in refused:
        by_reason.setdefault(reason, []).append(definition.title)
    return tuple(f"{', '.join(titles)}: {reason}" for reason, titles in by_reason.items())
