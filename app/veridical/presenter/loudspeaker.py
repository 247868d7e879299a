"""The loudspeaker: a sound starts at a time told beforehand, to the sample, as far as the device tells the truth."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from veridical.domain.errors import StimulusError
from veridical.storage.clip_decoding import SOUND_HZ, SampleArray

_N_CLOCK_LOOKS = 7


class Loudspeaker:
    """Plays one sound at a time through PortAudio.

    The device is opened when a sound is loaded and runs silently until the sound is due, so that its latency (0.1 s and
    more) does not delay the start. When sound leaves the device is the driver's word: what the air hears may be later.

    Parameters
    ----------
    now : callable
        LSL time in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._stream: Any = None
        self._samples: SampleArray = np.zeros((0, 2), dtype=np.float32)
        self._ahead_s = 0.0
        self._due_s: float | None = None
        self._position = 0
        self.started_s: float | None = None

    def load(self, samples: SampleArray, what: str) -> None:
        """Open the device for a sound of shape (n_samples, 2) at ``SOUND_HZ``.

        Raises
        ------
        StimulusError
            If there is no loudspeaker.
        """
        self.stop()
        try:
            import sounddevice

            self._samples, self._position, self._due_s, self.started_s = samples, 0, None, None
            self._stream = sounddevice.OutputStream(
                samplerate=SOUND_HZ, channels=2, dtype="float32", latency="high", callback=self._fill
            )
            self._stream.start()
        except Exception as error:  # PortAudio's own kind, or OSError without its library
            self._stream = None
            raise StimulusError(
                f"{what} cannot be heard ({error}); connect a loudspeaker or headphones to this computer."
            ) from error
        looks = [(self._now(), self._stream.time, self._now()) for _ in range(_N_CLOCK_LOOKS)]
        before_s, device_s, after_s = min(looks, key=lambda look: look[2] - look[0])
        # What to add to LSL time for the device's own clock.
        self._ahead_s = float(device_s) - (before_s + after_s) / 2

    @property
    def is_loaded(self) -> bool:
        """Whether a sound waits or plays."""
        return self._stream is not None

    def play_at(self, lsl_s: float) -> None:
        """Let the loaded sound begin at an LSL time, at once if that has passed."""
        self._due_s = lsl_s + self._ahead_s

    def stop(self) -> None:
        """Be silent at once and let go of the device."""
        stream, self._stream = self._stream, None
        if stream is not None:
            # A device that was unplugged raises here, and nothing is left to be done.
            with contextlib.suppress(Exception):
                stream.abort()
                stream.close()

    def _fill(self, out: SampleArray, n: int, time: Any, status: Any) -> None:
        """PortAudio's callback, in a thread of its own."""
        out.fill(0)
        if self._due_s is None:
            return
        stream = self._stream
        leaves_s = time.outputBufferDacTime or (stream.time if stream is not None else self._due_s)
        skip = 0
        if self._position == 0:
            skip = round((self._due_s - leaves_s) * SOUND_HZ)
            if skip >= n:
                return
            skip = max(0, skip)
            self.started_s = leaves_s + skip / SOUND_HZ - self._ahead_s
        piece = self._samples[self._position : self._position + n - skip]
        out[skip : skip + len(piece)] = piece
        self._position += len(piece)
