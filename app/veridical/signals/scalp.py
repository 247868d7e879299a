"""Potentials between the electrodes of a head seen from above."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import RBFInterpolator

from veridical.domain.arrays import FloatArray
from veridical.domain.electrodes import head_position

# With fewer there is too much guessing between them: the electrodes alone are drawn.
FEWEST = 8
# As far as the head is drawn; the lowest row of electrodes lies a little outside the circle of radius 1.
EDGE = 1.06
# Beyond the outermost electrode nothing is known.
_BEYOND = 0.12


def interpolate_scalp(labels: Sequence[str], values: FloatArray, n_pixels: int = 64) -> FloatArray | None:
    """Interpolate by a thin-plate spline on the flat head (Perrin et al. 1987).

    Parameters
    ----------
    labels : sequence of str
        Electrodes that name no place of the 10-10 system are left out.
    values : ndarray, shape (n_channels,)

    Returns
    -------
    ndarray, shape (n_pixels, n_pixels), or None
        First row in front, first column at the left; NaN outside the head. None with fewer than 8 placed electrodes.
    """
    placed = [(place, value) for label, value in zip(labels, values, strict=True) if (place := head_position(label))]
    points = np.array([place for place, _ in placed]).reshape(-1, 2)
    distinct = np.unique(points, axis=0, return_index=True)[1]
    if len(distinct) < FEWEST or np.linalg.matrix_rank(points[distinct] - points[distinct].mean(axis=0)) < 2:
        return None
    known = np.array([value for _, value in placed])[distinct]
    axis = np.linspace(-EDGE, EDGE, n_pixels)
    right, front = np.meshgrid(axis, -axis)
    inside = np.hypot(right, front) <= min(EDGE, float(np.hypot(*points.T).max()) + _BEYOND)
    grid: FloatArray = np.full((n_pixels, n_pixels), np.nan)
    spline = RBFInterpolator(points[distinct], known, kernel="thin_plate_spline")
    grid[inside] = spline(np.column_stack([right[inside], front[inside]]))
    return grid
