"""Looks at one stimulus file: its hash, whether it can be decoded, and what is to be known about it.

Runs in worker processes, so that a decoder that dies on a broken file takes nothing else with it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from veridical.domain.errors import StimulusError
from veridical.domain.image_statistics import ImageStatistics
from veridical.domain.stimulus import StimulusKind
from veridical.storage.clip_decoding import look_at_clip
from veridical.storage.picture_decoding import DecodedPicture, decode_picture
from veridical.storage.stimuli_table import hash_file

# Endings of picture formats that Pillow names; a file whose bytes are another format is reported and accepted.
_ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe"), "MPO": (".jpg", ".jpeg", ".jpe"), "PNG": (".png",), "BMP": (".bmp",),
    "GIF": (".gif",), "TIFF": (".tif", ".tiff"), "WEBP": (".webp",), "PPM": (".ppm",),
}  # fmt: skip


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
        return _examine_clip(file, hash_file(file))
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


def _examine_clip(file: Path, digest: str) -> FileFacts:
    """Decode the beginning, with the presenter's own decoder: what cannot be read here cannot be shown either."""
    facts = look_at_clip(file, "it")
    return FileFacts(sha256=digest, width_px=facts.width_px, height_px=facts.height_px, duration_s=facts.duration_s)
