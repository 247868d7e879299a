"""Where the electrodes sit, and how sources reach them."""

import numpy as np

from veridical.domain.arrays import FloatArray

# Inclination from Cz and azimuth from the right ear, degrees: the published electrode coordinates of the
# 32-channel BioSemi cap (biosemi.com/headcap.htm), which are those of the extended 10-20 system.
_SPHERICAL_DEG: dict[str, tuple[float, float]] = {
    "Fp1": (-92, -72), "Fp2": (92, 72), "AF3": (-74, -65), "AF4": (74, 65), "F7": (-92, -36), "F3": (-60, -51),
    "Fz": (46, 90), "F4": (60, 51), "F8": (92, 36), "FC5": (-72, -21), "FC1": (-32, -45), "FC2": (32, 45),
    "FC6": (72, 21), "T7": (-92, 0), "C3": (-46, 0), "Cz": (0, 0), "C4": (46, 0), "T8": (92, 0), "CP5": (-72, 21),
    "CP1": (-32, 45), "CP2": (32, -45), "CP6": (72, -21), "P7": (-92, 36), "P3": (-60, 51), "Pz": (46, -90),
    "P4": (60, -51), "P8": (92, -36), "PO3": (-74, 65), "PO4": (74, -65), "O1": (-92, 72), "Oz": (92, -90),
    "O2": (92, -72),
}  # fmt: skip

LABELS: tuple[str, ...] = tuple(_SPHERICAL_DEG)

# Centres of the eyeballs on the same unit sphere: below and before Fp1 and Fp2.
EYES: FloatArray = np.array([(-0.30, 0.88, -0.37), (0.30, 0.88, -0.37)])


def positions(labels: tuple[str, ...] = LABELS) -> FloatArray:
    """Return unit vectors (right, front, up) of electrodes, shape (n_channels, 3)."""
    inclination, azimuth = np.deg2rad(np.array([_SPHERICAL_DEG[label] for label in labels])).T
    return np.column_stack(
        (np.sin(inclination) * np.cos(azimuth), np.sin(inclination) * np.sin(azimuth), np.cos(inclination))
    )


def bump(electrodes: FloatArray, centre: FloatArray, width: float) -> FloatArray:
    """Return the potential of a radial source under ``centre``: 1 there, falling as a Gaussian.

    Parameters
    ----------
    electrodes : ndarray, shape (n_channels, 3)
    centre : ndarray, shape (3,)
    width : float
        Standard deviation as a distance on the unit sphere; volume conduction through the skull
        smears cortical sources to about 0.5 (Nunez & Srinivasan 2006).

    Returns
    -------
    ndarray, shape (n_channels,)
    """
    distance = np.linalg.norm(electrodes - centre, axis=1)
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2))


def bump_at(electrodes: FloatArray, *labels: str, width: float) -> FloatArray:
    """Return the mean bump of sources under the named electrodes, shape (n_channels,)."""
    return np.asarray(np.mean([bump(electrodes, centre, width) for centre in positions(labels)], axis=0))


def spread(electrodes: FloatArray, *sources: FloatArray, length: float) -> FloatArray:
    """Return how a superficial source (eyes, muscle) fades with distance: the sum of exp(-d / length).

    Returns
    -------
    ndarray, shape (n_channels,)
        Scaled so that the nearest electrode of a whole cap reads 1.
    """

    def reach(where: FloatArray) -> FloatArray:
        fading = [np.exp(-np.linalg.norm(where - s, axis=1) / length) for s in sources]
        return np.asarray(np.sum(fading, axis=0))

    return np.asarray(reach(electrodes) / reach(positions()).max())


def cortical_sources(electrodes: FloatArray, n_sources: int, rng: np.random.Generator) -> FloatArray:
    """Return patterns of scattered cortical sources, half radial and half tangential.

    Returns
    -------
    ndarray, shape (n_sources, n_channels)
        Every channel's patterns have a root sum of squares of about 1.
    """
    patterns = np.empty((n_sources, len(electrodes)))
    for k in range(n_sources):
        centre = rng.standard_normal(3)
        centre[2] = abs(centre[2]) - 0.3
        centre /= np.linalg.norm(centre)
        sideways = np.cross(centre, rng.standard_normal(3))
        sideways /= np.linalg.norm(sideways)
        tilt = rng.uniform(0, np.pi)
        orientation = np.cos(tilt) + 2.0 * np.sin(tilt) * (electrodes - centre) @ sideways
        patterns[k] = orientation * bump(electrodes, centre, 0.55)
    scaled: FloatArray = patterns / np.sqrt((patterns**2).sum(0).mean())
    return scaled
