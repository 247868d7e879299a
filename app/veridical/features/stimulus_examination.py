"""Looks at one stimulus file: its hash, whether it can be decoded, and what is to be known about it.

Runs in worker processes, so that a decoder that dies on a broken file takes nothing else with it.
"""

import hashlib
import queue
import time
from dataclasses import dataclass
from pathlib import Path

from veridical.domain.errors import StimulusError
from veridical.domain.image_statistics import ImageStatistics
from veridical.domain.stimulus import StimulusKind
from veridical.storage.picture_decoding import DecodedPicture, decode_picture
from veridical.storage.stimuli_table import hash_file

# Endings of picture formats that Pillow names; a file whose bytes are another format is reported and accepted.
_ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe"), "MPO": (".jpg", ".jpeg", ".jpe"), "PNG": (".png",), "BMP": (".bmp",),
    "GIF": (".gif",), "TIFF": (".tif", ".tiff"), "WEBP": (".webp",), "PPM": (".ppm",),
}  # fmt: skip
_FIRST_FRAME_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class FileFacts:
    """What one file is.

    Parameters
    ----------
    sha256 : str
        Of its bytes; empty if it cannot be read.
    notes : tuple of str
        What is odd but harmless ("PNG under the name .jpg").
    problem : str
        Why it cannot be used; empty if it can.
    """

    sha256: str = ""
    width_px: int | None = None
    height_px: int | None = None
    duration_s: float | None = None
    statistics: ImageStatistics | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""


def examine_file(path: str, kind: StimulusKind) -> FileFacts:
    """Hash, decode and measure a file; never raises for what a file may hold."""
    file = Path(path)
    try:
        if kind == "image":
            return _examine_picture(file)
        digest = hash_file(file)
        return _examine_video(file, digest) if kind == "video" else _examine_sound(file, digest)
    except OSError as error:
        return FileFacts(problem=f"cannot be read ({error.strerror or error})")
    except StimulusError as error:
        return FileFacts(problem=str(error).partition("; ")[0])


def _examine_picture(file: Path) -> FileFacts:
    # scipy takes a while to import, and the window names this module's types when it starts.
    from veridical.features.image_statistics import measure_picture

    data = file.read_bytes()
    decoded = decode_picture(data, "it")
    if min(decoded.image.size) < 2:
        raise StimulusError("it is smaller than 2 pixels; choose another picture.")
    return FileFacts(
        sha256=hashlib.sha256(data).hexdigest(),
        width_px=decoded.image.width,
        height_px=decoded.image.height,
        statistics=measure_picture(decoded.image, len(data)),
        notes=_picture_notes(file, decoded),
    )


def _picture_notes(file: Path, decoded: DecodedPicture) -> tuple[str, ...]:
    notes: list[str] = []
    if file.suffix.lower() not in _ENDINGS.get(decoded.format, (file.suffix.lower(),)):
        notes.append(f"{decoded.format} under the name {file.suffix}")
    if decoded.is_transparent:
        notes.append("transparent parts shown as mid grey")
    if decoded.is_turned:
        notes.append("turned upright as its EXIF says")
    if decoded.profile == "converted":
        notes.append("converted from its colour profile to sRGB")
    if decoded.profile == "broken":
        notes.append("colour profile that cannot be read, taken for sRGB")
    if decoded.n_frames > 1:
        notes.append("animation, of which the first frame is shown")
    return tuple(notes)


def _examine_sound(file: Path, digest: str) -> FileFacts:
    import soundfile  # type: ignore[import-untyped]

    n_frames, rate = 0, 0
    try:
        with soundfile.SoundFile(str(file)) as sound:
            rate = sound.samplerate
            for block in sound.blocks(blocksize=1 << 16, dtype="float32"):
                n_frames += len(block)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise StimulusError(f"it cannot be decoded ({error}); replace the file with a sound copy.") from error
    if not n_frames:
        raise StimulusError("it holds no sound; replace the file with a sound copy.")
    return FileFacts(sha256=digest, duration_s=n_frames / rate)


def _examine_video(file: Path, digest: str) -> FileFacts:
    """Decode the first frame, which also tells size and length."""
    # ffpyplayer comes with PsychoPy, whose videos it decodes: what it cannot read cannot be shown either.
    from ffpyplayer.player import MediaPlayer  # type: ignore[import-untyped]
    from ffpyplayer.tools import set_loglevel  # type: ignore[import-untyped]

    set_loglevel("quiet")
    events: queue.SimpleQueue[str] = queue.SimpleQueue()
    options = {"an": True, "sn": True, "sync": "video", "out_fmt": "rgb24"}
    player = MediaPlayer(
        str(file), callback=lambda event, value: events.put(str(event)), ff_opts=options, loglevel="quiet"
    )
    try:
        end_s = time.monotonic() + _FIRST_FRAME_TIMEOUT_S
        frame, state = None, None
        while frame is None and state != "eof" and time.monotonic() < end_s:
            frame, state = player.get_frame()
            if frame is None:
                try:
                    event = events.get(timeout=0.01)
                except queue.Empty:
                    continue
                if event.endswith((":error", ":exit")):
                    break
        facts = player.get_metadata()
    finally:
        player.close_player()
    if frame is None:
        raise StimulusError("it cannot be decoded; replace the file with a sound copy.")
    width, height = frame[0].get_size()
    duration = facts.get("duration")
    return FileFacts(
        sha256=digest, width_px=int(width), height_px=int(height), duration_s=float(duration) if duration else None
    )
