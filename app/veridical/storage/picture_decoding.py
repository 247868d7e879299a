"""One way to decode a picture, so that what is measured, listed and shown is the same picture."""

import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from veridical.domain.errors import StimulusError

ProfileUse = Literal["none", "converted", "broken"]

# Transparent parts show the presenter's mid grey.
GREY = (128, 128, 128)
# Decoders raise many kinds for damaged bytes; these are the ones seen with Pillow's fuzzing corpus.
_DECODING_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, OverflowError,
    Image.DecompressionBombError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class DecodedPicture:
    """A picture as the participant sees it.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB, sRGB, upright, transparency over mid grey.
    format : str
        What the bytes are ("JPEG", "PNG"), whatever the file is called.
    is_turned : bool
        Whether its EXIF said that it lies on its side.
    is_transparent : bool
        Whether mid grey shows through anywhere in principle (it has an alpha channel).
    profile : str
        Whether an embedded colour profile was converted to sRGB, or could not be read.
    n_frames : int
        More than 1 for an animation, of which the first frame was taken.
    """

    image: Image.Image
    format: str
    is_turned: bool
    is_transparent: bool
    profile: ProfileUse
    n_frames: int


def decode_picture(data: bytes, what: str) -> DecodedPicture:
    """Decode a picture's bytes in full: turned upright, in sRGB, over mid grey.

    Parameters
    ----------
    what : str
        The picture in the words of an error ("The picture a.jpg").

    Raises
    ------
    StimulusError
        If the bytes are no picture or a damaged one.
    """
    try:
        with Image.open(io.BytesIO(data)) as file:
            # The profile belongs to the file: turning and palettes may drop it.
            profile = file.info.get("icc_profile")
            name, n_frames = str(file.format), int(getattr(file, "n_frames", 1))
            orientation = file.getexif().get(0x0112, 1)
            file.load()
            upright = ImageOps.exif_transpose(file)
            is_transparent = upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info
            if is_transparent:
                shown = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", shown.size, (*GREY, 255)), shown).convert("RGB")
            elif upright.mode not in ("RGB", "L", "CMYK"):
                upright = _to_eight_bits(upright)
            image, used = _to_srgb(upright, profile)
    except UnidentifiedImageError as error:
        raise StimulusError(
            f"{what} cannot be decoded (it is no picture); replace the file with a sound copy."
        ) from error
    except _DECODING_ERRORS as error:
        raise StimulusError(f"{what} cannot be decoded ({error}); replace the file with a sound copy.") from error
    return DecodedPicture(image, name, orientation in range(2, 9), is_transparent, used, n_frames)


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    # Pillow clips 16-bit greys to 8 bits instead of scaling them.
    if picture.mode in ("I;16", "I;16B", "I;16L", "I"):
        return picture.convert("I").point(lambda value: value / 257).convert("L")
    return picture.convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, ProfileUse]:
    if not profile:
        return picture.convert("RGB"), "none"
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A broken profile is common in old files; every viewer then shows the numbers as they are.
        return picture.convert("RGB"), "broken"
    return (picture.convert("RGB"), "broken") if converted is None else (converted, "converted")
