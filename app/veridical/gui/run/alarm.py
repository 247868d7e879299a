"""A sound for the operator when a device drops out, or comes back."""

import contextlib
import threading
from typing import Literal

import numpy as np
from PySide6.QtWidgets import QApplication

Tune = Literal["lost", "back"]
# Falling: something is gone; rising: it is back. Hz, and seconds for each tone.
_TONES: dict[Tune, tuple[float, ...]] = {"lost": (880.0, 587.0, 880.0, 587.0), "back": (587.0, 880.0)}
_TONE_S, _RATE_HZ, _VOLUME = 0.18, 44100, 0.25


def sound(tune: Tune) -> None:
    """Play a tune in a thread of its own; the system's bell rings where there is no sound card."""
    QApplication.beep()
    threading.Thread(target=_play, args=(tune,), name="veridical-alarm", daemon=True).start()


def samples_of(tune: Tune) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return a tune's samples at 44.1 kHz, each tone faded in and out."""
    t = np.arange(round(_TONE_S * _RATE_HZ)) / _RATE_HZ
    fade = np.minimum(1, np.minimum(t, _TONE_S - t) / 0.01)
    tones = [np.sin(2 * np.pi * hz * t) * fade for hz in _TONES[tune]]
    return (_VOLUME * np.concatenate(tones)).astype(np.float32)


def _play(tune: Tune) -> None:
    # A machine without sound card, driver or library has rung the bell; nothing else may come of it.
    with contextlib.suppress(Exception):
        import sounddevice

        sounddevice.play(samples_of(tune), _RATE_HZ, blocking=True)
