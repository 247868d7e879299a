"""Small pictures of stimuli for lists and the operator's mirror, decoded like those that participants see."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from veridical.domain.errors import StimulusError
from veridical.domain.stimulus import Stimulus
from veridical.paths import StudyPaths
from veridical.storage.clip_decoding import decode_frames
from veridical.storage.picture_decoding import decode_picture
from veridical.storage.stimuli_table import stimulus_path

# The first frame is wanted.
_FRAME_S = 0.001


@dataclass(frozen=True)
class Thumbnail:
    """Pixels of a small picture.

    Parameters
    ----------
    pixels : bytes
        Rows of red, green, blue, 0; 4 bytes a pixel.
    """

    width: int
    height: int
    pixels: bytes


def read_thumbnail(paths: StudyPaths, stimulus: Stimulus, edge_px: int) -> Thumbnail | None:
    """Decode a picture, or a video's first frame, and make it small (blocks for some milliseconds).

    Returns
    -------
    Thumbnail or None
        None if there is nothing to see or it cannot be decoded.
    """
    if stimulus.kind == "audio":
        return None
    path: Path = stimulus_path(paths.stimuli, stimulus)
    try:
        if stimulus.kind == "video":
            frame = next(decode_frames(path, str(path), _FRAME_S, (edge_px, edge_px)), None)
            if frame is None:
                return None
            picture = Image.fromarray(frame.pixels)
        else:
            picture = decode_picture(path.read_bytes(), str(path)).image
    except (OSError, StimulusError):
        return None
    picture.thumbnail((edge_px, edge_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Thumbnail(picture.width, picture.height, picture.convert("RGBX").tobytes())
