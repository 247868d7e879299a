"""A screen without photons: a simulated refresh clock for machines that have no display."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from veridical.domain.errors import StimulusError
from veridical.domain.rating import Scale
from veridical.domain.run import ScreenChoice
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import View
from veridical.presenter.clip_files import check_clip, clip_words
from veridical.presenter.clock import Clock
from veridical.presenter.picture_files import load_picture
from veridical.presenter.screen import Input, InputQueue, ScreenInfo
from veridical.presenter.texts import Texts
from veridical.presenter.timing import FrameLog, FrameReport
from veridical.storage.clip_decoding import decode_frames, decode_sound

HEADLESS_WORDS = "headless (no display)"
_REFRESH_HZ = 60.0
# Frames that nobody sees are decoded small.
_LOOK_PX = 64


class HeadlessScreen:
    """Flips on a 60-Hz grid of the clock; draws nothing, but refuses what a real screen could not show."""

    def __init__(self, choice: ScreenChoice, clock: Clock) -> None:
        self._clock = clock
        self._origin_s = clock.now()
        self._inputs = InputQueue()
        self._stimuli: dict[str, Stimulus] = {}
        self._log = FrameLog(_REFRESH_HZ, has_vsync=False)
        self.info = ScreenInfo("headless", HEADLESS_WORDS, choice.width_px, choice.height_px, _REFRESH_HZ, False)

    @property
    def n_dropped(self) -> int:
        """Always 0: there are no frames to drop."""
        return self._log.n_dropped

    def preload(
        self, stimuli: Sequence[Stimulus], scales: Sequence[Scale], texts: Texts, glances: Sequence[str] = ()
    ) -> None:
        """Decode every picture and look at every clip, so that a bad file is refused here too."""
        for stimulus in stimuli:
            if stimulus.kind == "image":
                load_picture(stimulus)
            else:
                check_clip(stimulus)
            self._stimuli[stimulus.id] = stimulus

    def prepare(self, stimulus_id: str, length_s: float) -> Iterator[None]:
        """Decode a clip as a real screen would, and forget it."""
        stimulus = self._stimuli[stimulus_id]
        if stimulus.kind == "video":
            for _ in decode_frames(Path(stimulus.file), clip_words(stimulus), length_s, (_LOOK_PX, _LOOK_PX)):
                yield
        decode_sound(Path(stimulus.file), clip_words(stimulus), length_s)

    def arm(self, lsl_s: float) -> None:
        """Nothing is heard."""

    @property
    def sound_started_s(self) -> float | None:
        """Nothing was heard."""
        return None

    @property
    def is_muted(self) -> bool:
        """Nothing was to be heard."""
        return False

    def flip(self, view: View) -> float:
        """Wait for the next refresh of the simulated clock and return its time (LSL s)."""
        if (view.kind == "picture" or view.is_clip) and view.stimulus_id not in self._stimuli:
            raise StimulusError(f"The picture {view.stimulus_id} was not loaded; import the set again.")
        flip_s = self._next_refresh_s()
        self._clock.sleep(flip_s - self._clock.now())
        self._log.add(flip_s)
        return flip_s

    def wait(self, until_s: float) -> bool:
        """Let one refresh pass; False when the next one is the nearest to ``until_s``."""
        refresh_s = self._next_refresh_s()
        if refresh_s >= until_s - 0.5 / _REFRESH_HZ:
            return False
        self._clock.sleep(refresh_s - self._clock.now())
        return True

    def poll(self) -> list[Input]:
        """Take queued inputs."""
        return self._inputs.take()

    def put(self, entry: Input) -> None:
        """Queue an input."""
        self._inputs.put(entry)

    def housekeep(self) -> None:
        """Nothing to tidy."""

    def report(self) -> FrameReport:
        """How regular the flips were: by definition exact."""
        return self._log.report("headless: a simulated refresh clock, no light was shown")

    def cue(self) -> None:
        """No loudspeaker either."""

    def hand_over(self) -> None:
        """Nothing hides anything."""

    def take_back(self) -> None:
        """Nothing was given away."""

    def close(self) -> None:
        """Nothing to give back."""

    def _next_refresh_s(self) -> float:
        """The first time of the grid that lies ahead by more than rounding."""
        elapsed = (self._clock.now() - self._origin_s) * _REFRESH_HZ
        return self._origin_s + (math.floor(elapsed + 1e-6) + 1) / _REFRESH_HZ
