"""What the simulated body has been shown: rebuilt from the markers it hears."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np

from veridical.domain.event import Marker
from veridical.domain.simulation import NOTHING_FELT, PLAIN, Disposition, Feeling, brightness_of, feelings_of
from veridical.domain.stimulus import CONDITIONS, Stimulus

# After this time nothing answers a picture any more (the skin's recovery, Boucsein 2012).
FORGOTTEN_AFTER_S = 30.0
# What the body is told when the participant is asked for a deep breath; it never stands in a recording.
DEEP_BREATH = "breath/deep"
# Nothing answers sooner. A marker that is heard as late as this, plus the lag of a live amplifier, changes nothing.
REACTION_S = 0.04


@dataclass(frozen=True)
class Chances:
    """What differs between two showings of one picture: standard normal numbers, ``laughs`` uniform in 0 to 1."""

    evoked_size: float
    evoked_latency: float
    late_size: float
    late_latency: float
    laughs: float
    laugh_onset: float
    laugh_length: float
    laugh_size: float
    heart_size: float
    skin_latency: float
    skin_size: float

    @classmethod
    def draw(cls, seed: int, ordinal: int) -> "Chances":
        """Draw the chances of the picture shown at this place; the same on every call."""
        rng = np.random.default_rng([abs(seed), 4, ordinal])
        normal = iter(rng.standard_normal(10).tolist())
        return cls(**{f.name: rng.random() if f.name == "laughs" else next(normal) for f in fields(cls)})


@dataclass(frozen=True)
class Shown:
    """One picture as the body meets it.

    Parameters
    ----------
    ordinal : int
        Counts all pictures from 0, practice included.
    onset_s : float
        Seconds from the first sample.
    off_s : float
        When it went away; infinite as long as it stays.
    brightness : float
        Luminance in standard deviations from the mean of the set.
    """

    ordinal: int
    onset_s: float
    feeling: Feeling
    chances: Chances
    off_s: float = np.inf
    brightness: float = 0.0


class Course:
    """Pictures shown and eyes closed, in the order of their markers."""

    def __init__(
        self,
        seed: int,
        stimuli: Iterable[Stimulus],
        disposition: Disposition = PLAIN,
        chance_seed: int | None = None,
    ) -> None:
        known = tuple(stimuli)
        self._seed = seed if chance_seed is None else chance_seed
        self._feelings = feelings_of(seed, known, disposition)
        self._brightness = brightness_of(known)
        self._shown: list[Shown] = []
        self._n_shown = 0
        self._closed_s: list[tuple[float, float]] = []
        self._breaths_s: list[float] = []

    def hear(self, at_s: float, marker: Marker) -> None:
        """Take a marker that happened ``at_s`` seconds after the first sample.

        Call it before samples of ``at_s + REACTION_S`` are taken, and at most 30 s sooner.
        """
        name = marker.name.removeprefix("practice/")
        if marker.is_off:
            self._end_picture(at_s)
        elif marker.shown_kind is not None and name.partition("/")[2] in CONDITIONS:
            stimulus = marker.details.get("id", "")
            feeling = self._feelings.get(stimulus, NOTHING_FELT)
            brightness = self._brightness.get(stimulus, 0.0)
            self._shown = [s for s in self._shown if at_s - s.onset_s < 2 * FORGOTTEN_AFTER_S]
            chances = Chances.draw(self._seed, self._n_shown)
            self._shown.append(Shown(self._n_shown, at_s, feeling, chances, brightness=brightness))
            self._n_shown += 1
        elif name == DEEP_BREATH:
            self._breaths_s.append(at_s)
        elif name == "baseline/eyes-closed/start":
            self._closed_s.append((at_s, np.inf))
        elif name in ("baseline/eyes-closed/end", "session/end") and self._closed_s:
            start_s, stop_s = self._closed_s[-1]
            self._closed_s[-1] = (start_s, min(stop_s, at_s))

    def shown_within(self, last_s: float, now_s: float) -> tuple[Shown, ...]:
        """Pictures that were on during the last seconds, as the body knows them now.

        A picture of which nobody says that it went away is forgotten after 12 s.
        """
        earliest_s, latest_s = now_s - last_s, now_s - REACTION_S
        return tuple(
            s if s.off_s < latest_s else replace(s, off_s=np.inf)
            for s in self._shown
            if s.onset_s < latest_s and min(s.off_s, s.onset_s + 12) > earliest_s
        )

    def begun_within(self, last_s: float, now_s: float) -> tuple[Shown, ...]:
        """Pictures that came during the last seconds."""
        return tuple(s for s in self._shown if now_s - last_s < s.onset_s < now_s - REACTION_S)

    def breaths_within(self, last_s: float, now_s: float) -> tuple[tuple[int, float], ...]:
        """Deep breaths of the last seconds: their number from 0, and when they began."""
        return tuple((k, at_s) for k, at_s in enumerate(self._breaths_s) if now_s - last_s < at_s < now_s)

    def are_eyes_closed(self, at_s: float) -> bool:
        """Whether the eyes are closed (the rest with eyes closed)."""
        return any(start_s + 0.3 <= at_s < stop_s + 0.3 for start_s, stop_s in self._closed_s)

    def _end_picture(self, at_s: float) -> None:
        if self._shown and self._shown[-1].off_s == np.inf:
            self._shown[-1] = replace(self._shown[-1], off_s=at_s)
