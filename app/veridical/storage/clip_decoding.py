"""One way to decode videos and sounds, so that what is measured at import is what is shown and heard."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veridical.domain.errors import StimulusError

ByteArray = NDArray[np.uint8]
SampleArray = NDArray[np.float32]

# What loudspeakers take everywhere; PortAudio's default on all three systems.
SOUND_HZ = 48_000


@dataclass(frozen=True)
class ClipFacts:
    """What a clip is, from its first frames.

    Parameters
    ----------
    width_px, height_px : int or None
        Of a video as it is shown, upright; None of a sound.
    duration_s : float or None
        None if the file does not say.
    has_sound : bool
        Whether there is anything to hear.
    """

    width_px: int | None
    height_px: int | None
    duration_s: float | None
    has_sound: bool


@dataclass(frozen=True)
class VideoFrame:
    """One frame.

    Parameters
    ----------
    at_s : float
        Seconds from the clip's first frame.
    pixels : ndarray of uint8, shape (height, width, 3)
        sRGB as the decoder gives it.
    """

    at_s: float
    pixels: ByteArray


def look_at_clip(file: Path, what: str) -> ClipFacts:
    """Decode the beginning of a video or sound.

    Parameters
    ----------
    what : str
        The clip in the words of an error ("The video a.mp4").

    Raises
    ------
    StimulusError
        If it is missing or cannot be decoded.
    """
    import av

    try:
        with av.open(str(file)) as container:
            has_sound = bool(container.streams.audio)
            duration_s = None if container.duration is None else container.duration / av.time_base
            if not container.streams.video:
                samples = next(_decoded_sound(container, 1.0), None)
                if samples is None:
                    raise StimulusError(f"{what} holds no sound; replace the file with a sound copy.")
                return ClipFacts(None, None, duration_s, has_sound)
            frame = next(container.decode(video=0), None)
            if frame is None:
                raise StimulusError(f"{what} holds no picture; replace the file with a sound copy.")
            return ClipFacts(frame.width, frame.height, duration_s, has_sound)
    except _errors() as error:
        raise StimulusError(f"{what} cannot be decoded ({error}); replace the file with a sound copy.") from error


def decode_frames(file: Path, what: str, length_s: float, largest: tuple[int, int]) -> Iterator[VideoFrame]:
    """Decode a video's frames, those of the first ``length_s`` seconds.

    Parameters
    ----------
    largest : tuple of int
        Width and height in pixels that a frame is brought down to, at its own aspect, if it is larger.

    Raises
    ------
    StimulusError
        If it is missing or cannot be decoded.
    """
    import av

    try:
        with av.open(str(file)) as container:
            first_s: float | None = None
            for frame in container.decode(video=0):
                time_s = float(frame.time or 0.0)
                first_s = time_s if first_s is None else first_s
                if time_s - first_s >= length_s:
                    return
                factor = min(1.0, largest[0] / frame.width, largest[1] / frame.height)
                # Even sizes fall on whole pixels, and most scalers want them.
                width, height = (max(2, 2 * round(n * factor / 2)) for n in (frame.width, frame.height))
                pixels = frame.to_ndarray(format="rgb24", width=width, height=height)
                yield VideoFrame(time_s - first_s, pixels)
    except _errors() as error:
        raise StimulusError(f"{what} cannot be decoded ({error}); replace the file with a sound copy.") from error


def decode_sound(file: Path, what: str, length_s: float) -> SampleArray | None:
    """Decode what is to be heard of a sound or video; None if there is nothing.

    Returns
    -------
    ndarray of float32, shape (n_samples, 2) or None
        From -1 to 1, at ``SOUND_HZ``, left and right.

    Raises
    ------
    StimulusError
        If it is missing or cannot be decoded.
    """
    import av

    try:
        with av.open(str(file)) as container:
            if not container.streams.audio:
                return None
            pieces = list(_decoded_sound(container, length_s))
    except _errors() as error:
        raise StimulusError(f"{what} cannot be decoded ({error}); replace the file with a sound copy.") from error
    if not pieces:
        return None
    return np.concatenate(pieces)[: round(length_s * SOUND_HZ)]


def _decoded_sound(container: "av.container.InputContainer", length_s: float) -> Iterator[SampleArray]:  # type: ignore[name-defined]  # noqa: F821
    import av

    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND_HZ)
    n_left = round(length_s * SOUND_HZ)
    for frame in container.decode(audio=0):
        for piece in resampler.resample(frame):
            samples = np.ascontiguousarray(piece.to_ndarray().T, dtype=np.float32)
            yield samples
            n_left -= len(samples)
        if n_left <= 0:
            return
    for piece in resampler.resample(None):
        yield np.ascontiguousarray(piece.to_ndarray().T, dtype=np.float32)


def _errors() -> tuple[type[Exception], ...]:
    """What PyAV raises for files that are missing, cut or no media at all."""
    import av

    return (av.FFmpegError, OSError, ValueError, EOFError, IndexError)
