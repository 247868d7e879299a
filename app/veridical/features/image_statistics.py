"""Low-level statistics of a picture: what a model could read instead of a feeling."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps
from scipy import ndimage

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StimulusError

# Bounds of low and high spatial frequency, cycles per image (Vuilleumier et al. 2003).
_LOW_CYCLES, _HIGH_CYCLES = 6.0, 24.0
# A luminance step of a tenth of the range over one pixel counts as an edge.
_EDGE_STEP = 0.1
# Transparent parts show the presenter's mid grey.
_BACKGROUND = (128, 128, 128, 255)


@dataclass(frozen=True)
class ImageStatistics:
    """Statistics of one picture.

    Parameters
    ----------
    luminance : float
        Mean relative luminance of linearised sRGB, 0 to 1 (IEC 61966-2-1).
    rms_contrast : float
        Standard deviation of relative luminance (Peli 1990).
    lab_l, lab_a, lab_b : float
        Means of CIE L*a*b* under D65.
    saturation : float
        Mean HSV saturation, 0 to 1 (Smith 1978).
    colourfulness : float
        M3 of Hasler & Suesstrunk 2003, for 0-255 channels.
    spectral_slope : float
        Slope of log amplitude on log spatial frequency; natural scenes are near -1 (Field 1987).
    low_frequency_share, high_frequency_share : float
        Share of spectral power below 6 and above 24 cycles per image (bounds of Vuilleumier et al. 2003).
    edge_density : float
        Share of pixels whose Sobel gradient exceeds a tenth of the range per pixel (Sobel & Feldman 1968).
    entropy : float
        Of the 256 grey levels, bits (Shannon 1948).
    file_bytes : int
        Size of the file, an index of visual complexity (Donderi 2006).
    """

    luminance: float
    rms_contrast: float
    lab_l: float
    lab_a: float
    lab_b: float
    saturation: float
    colourfulness: float
    spectral_slope: float
    low_frequency_share: float
    high_frequency_share: float
    edge_density: float
    entropy: float
    file_bytes: int


def image_statistics(path: Path) -> ImageStatistics:
    """Decode a picture as the participant sees it (EXIF turned, colour profile applied) and measure it.

    Raises
    ------
    StimulusError
        If the file is missing or cannot be decoded.
    """
    rgb = _decode(path)
    linear = _linearise(rgb)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    lab = _to_lab(linear)
    largest, smallest = rgb.max(axis=2), rgb.min(axis=2)
    grey = rgb @ np.array([0.299, 0.587, 0.114])  # Rec. 601 luma, the usual grey levels
    slope, low_share, high_share = _spectrum(luminance)
    gradient = np.hypot(ndimage.sobel(grey, axis=0), ndimage.sobel(grey, axis=1)) / 8
    counts = np.bincount(np.rint(255 * grey).astype(np.int64).ravel(), minlength=256)
    shares = counts[counts > 0] / counts.sum()
    return ImageStatistics(
        luminance=float(luminance.mean()),
        rms_contrast=float(luminance.std()),
        lab_l=float(lab[0]),
        lab_a=float(lab[1]),
        lab_b=float(lab[2]),
        saturation=float(np.mean((largest - smallest) / np.where(largest > 0, largest, 1))),
        colourfulness=_colourfulness(255 * rgb),
        spectral_slope=slope,
        low_frequency_share=low_share,
        high_frequency_share=high_share,
        edge_density=float(np.mean(gradient > _EDGE_STEP)),
        entropy=float(-np.sum(shares * np.log2(shares))) + 0.0,
        file_bytes=path.stat().st_size,
    )


def _decode(path: Path) -> FloatArray:
    """Return sRGB values of 0 to 1, shape (height, width, 3)."""
    try:
        with Image.open(path) as file:
            profile = file.info.get("icc_profile")
            turned = ImageOps.exif_transpose(file)
            if turned.mode in ("RGBA", "LA", "P", "PA"):
                shown = turned.convert("RGBA")
                turned = Image.alpha_composite(Image.new("RGBA", shown.size, _BACKGROUND), shown)
            picture = _apply_profile(turned, profile).convert("RGB")
    except FileNotFoundError as error:
        raise StimulusError(f"The picture {path} is missing; put it back or import the set anew.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StimulusError(f"The picture {path} cannot be decoded; replace the file with a sound copy.") from error
    return np.asarray(picture, dtype=np.float64) / 255


def _apply_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or picture.mode not in ("RGB", "L", "CMYK"):
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        # A broken profile is common in old files; every viewer then shows the numbers as they are.
        return picture
    return picture if converted is None else converted


def _linearise(rgb: FloatArray) -> FloatArray:
    """Undo the sRGB transfer curve (IEC 61966-2-1)."""
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _to_lab(linear: FloatArray) -> FloatArray:
    """Mean L*, a*, b* (CIE 15:2004) of linear sRGB under D65."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    # White is what (1, 1, 1) becomes, so that greys come out exactly neutral.
    ratio = (linear @ to_xyz.T) / to_xyz.sum(axis=1)
    bent = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = (bent[..., k].mean() for k in range(3))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _colourfulness(rgb: FloatArray) -> float:
    """M3 of Hasler & Suesstrunk 2003."""
    red_green = rgb[..., 0] - rgb[..., 1]
    yellow_blue = 0.5 * (rgb[..., 0] + rgb[..., 1]) - rgb[..., 2]
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def _spectrum(luminance: FloatArray) -> tuple[float, float, float]:
    """Slope of the amplitude spectrum, and power shares of low and high spatial frequencies."""
    height, width = luminance.shape
    if min(height, width) < 8 or luminance.std() == 0:
        return 0.0, 0.0, 0.0
    # A Hann window keeps the picture's borders from passing for edges.
    window = np.outer(np.hanning(height), np.hanning(width))
    weighted_mean = float((luminance * window).sum() / window.sum())
    power = np.abs(np.fft.rfft2((luminance - weighted_mean) * window)) ** 2
    # rfft2 keeps one of two mirrored columns; those in between stand for both.
    power[:, 1 : -1 if width % 2 == 0 else None] *= 2
    cycles = np.hypot(np.fft.fftfreq(height, 1 / height)[:, None], np.fft.rfftfreq(width, 1 / width)[None, :])
    power[0, 0] = 0.0
    total = power.sum()
    low, high = power[cycles < _LOW_CYCLES].sum() / total, power[cycles > _HIGH_CYCLES].sum() / total
    ring = np.rint(cycles).astype(np.int64)
    n_rings = min(height, width) // 2
    inside = (ring >= 2) & (ring < n_rings)
    weights = np.ones_like(power)
    weights[:, 1 : -1 if width % 2 == 0 else None] = 2
    summed = np.bincount(ring[inside], power[inside], minlength=n_rings)
    counted = np.bincount(ring[inside], weights[inside], minlength=n_rings)
    radius = np.flatnonzero((counted > 0) & (summed > 0))
    if len(radius) < 3:
        return 0.0, float(low), float(high)
    amplitude = np.sqrt(summed[radius] / counted[radius])
    slope = np.polyfit(np.log(radius), np.log(amplitude), 1)[0]
    return float(slope), float(low), float(high)
