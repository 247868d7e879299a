"""Picture files as they are shown: upright, in sRGB's three colours, checked against their hash."""

import hashlib
from pathlib import Path

from PIL import Image

from veridical.domain.errors import StimulusError
from veridical.domain.stimulus import Stimulus
from veridical.storage.picture_decoding import GREY, decode_picture

__all__ = ["GREY", "load_picture"]


def load_picture(stimulus: Stimulus) -> Image.Image:
    """Read a picture.

    Parameters
    ----------
    stimulus : Stimulus
        Its ``file`` is an absolute path.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, sRGB (an embedded colour profile was applied), turned upright as its EXIF says, transparency over
        mid grey.

    Raises
    ------
    StimulusError
        If the file is missing, differs from its hash, is no picture or is damaged.
    """
    file = Path(stimulus.file)
    what = f"The picture {stimulus.id} ({file})"
    if stimulus.kind != "image":
        raise StimulusError(
            f"{what} is of kind {stimulus.kind!r} and only pictures can be shown; take it out of the set."
        )
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise StimulusError(f"{what} is missing; put the file back or import the set again.") from error
    except OSError as error:
        raise StimulusError(f"{what} cannot be read ({error.strerror}); check the file's permissions.") from error
    if stimulus.sha256 and hashlib.sha256(data).hexdigest() != stimulus.sha256:
        raise StimulusError(f"{what} has changed since it was imported; restore the file or import the set again.")
    # The importer's decoder: what is shown is what was measured.
    return decode_picture(data, what).image
