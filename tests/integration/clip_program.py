"""A program that shows one clip in PsychoPy and prints what was seen and heard: onset, red at moments, sound."""

import json
import sys
import time
from pathlib import Path

import numpy as np

from veridical.domain.run import ScreenChoice
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import View
from veridical.presenter.clock import LslClock
from veridical.presenter.psychopy_screen import PsychopyScreen
from veridical.presenter.texts import load_texts

FIXATION_S = 0.3
MOMENTS_S = (0.1, 0.5, 0.9)


def main(file: str, kind: str) -> None:
    """Show the clip for a second."""
    clock = LslClock()
    screen = PsychopyScreen(ScreenChoice(fullscreen=False, width_px=320, height_px=200), clock)
    clip = Stimulus("clip", file, "video" if kind == "video" else "audio")
    screen.preload((clip,), (), load_texts({}))
    n_steps = sum(1 for _ in screen.prepare("clip", 1.0))
    began_s = time.perf_counter()
    fixation_s = screen.flip(View("fixation"))
    screen.arm(fixation_s + FIXATION_S)
    while screen.wait(fixation_s + FIXATION_S):
        pass
    view = View("video" if kind == "video" else "sound", stimulus_id="clip", corner=True)
    onset_s = screen.flip(view)
    seen = []
    for moment_s in MOMENTS_S:
        while screen.wait(onset_s + moment_s):
            pass
        frame = np.asarray(screen.capture(view))
        middle = frame[80:120, 140:180].reshape(-1, 3).mean(axis=0)
        seen.append([clock.now() - onset_s, *middle.tolist(), *frame[195, 4].tolist()])
    while screen.wait(onset_s + 1.0):
        pass
    sound_s = screen.sound_started_s
    off_s = screen.flip(View("blank"))
    screen.housekeep()
    told = {
        "n_steps": n_steps,
        "fixation_s": onset_s - fixation_s,
        "seen": seen,
        "lasted_s": off_s - onset_s,
        "is_muted": screen.is_muted,
        "sound_lag_s": None if sound_s is None else sound_s - onset_s,
        "took_s": time.perf_counter() - began_s,
    }
    Path(sys.argv[3]).write_text(json.dumps(told), encoding="utf-8")
    screen.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
