"""Low-level statistics of a picture: what a model could read instead of a feeling."""

from dataclasses import dataclass, fields


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


STATISTIC_NAMES: tuple[str, ...] = tuple(f.name for f in fields(ImageStatistics))
"""Names of the statistics, in the order of their columns in stimuli.tsv."""

STATISTIC_WORDS: dict[str, str] = {
    "luminance": "luminance", "rms_contrast": "contrast", "lab_l": "lightness (L*)", "lab_a": "green to red (a*)",
    "lab_b": "blue to yellow (b*)", "saturation": "saturation", "colourfulness": "colourfulness",
    "spectral_slope": "spectral slope", "low_frequency_share": "low spatial frequencies",
    "high_frequency_share": "high spatial frequencies", "edge_density": "edges", "entropy": "entropy",
    "file_bytes": "file size",
}  # fmt: skip
"""What people call them."""
