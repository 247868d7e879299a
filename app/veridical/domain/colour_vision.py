"""How far apart colours look to people with and without colour blindness."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from veridical.domain.arrays import FloatArray

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB: normal sight, protanopia, deuteranopia, tritanopia.
_SIGHTS = (
    np.eye(3),
    np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
)
# sRGB to CIE XYZ (D65), IEC 61966-2-1.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def nearest_pair(colours: Sequence[str]) -> tuple[float, str, str]:
    """Find the two colours that some kind of sight can tell apart least.

    Parameters
    ----------
    colours : sequence of str
        ``#rrggbb``, two or more.

    Returns
    -------
    distance : float
        CIE76 units; about 2 is just noticeable side by side.
    one, other : str
        The two colours.
    """
    seen = [_lab(np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colours]) / 255, s) for s in _SIGHTS]
    pairs = [
        (float(min(np.linalg.norm(lab[a] - lab[b]) for lab in seen)), colours[a], colours[b])
        for a, b in combinations(range(len(colours)), 2)
    ]
    return min(pairs)


def _lab(rgb: FloatArray, sight: FloatArray) -> FloatArray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ sight.T, 0, 1) @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
