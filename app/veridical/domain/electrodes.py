"""Scalp electrodes by their 10-20 and 10-10 names, however a device spells them, and where they sit."""

import re

import numpy as np

# Older names of the same places (Klem et al. 1999; ACNS guideline 2, 2016).
_OLD_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
_FRAME = re.compile(
    r"^(?:EEG[\s_:.-]*)|(?:[\s_:.-]+(?:REF|LE|AVG|AR|CZREF|A1|A2|M1|M2|GND))$|(?:[\s_:.]+EEG)$", re.IGNORECASE
)

# Inclination from Cz and azimuth from the right ear, degrees, of the left half and the midline: electrode coordinates
# that BioSemi publishes for its caps (biosemi.com/headcap.htm), which are those of the extended 10-20 system. The
# lowest row (9, 10, mastoids and ear lobes) goes on in the same steps.
_LEFT_DEG: dict[str, tuple[float, float]] = {
    "FP1": (-92, -72), "AF7": (-92, -54), "AF5": (-83, -58), "AF3": (-74, -65), "AF1": (-70, -78), "F9": (-115, -36),
    "F7": (-92, -36), "F5": (-75, -41), "F3": (-60, -51), "F1": (-50, -68), "FT9": (-115, -18), "FT7": (-92, -18),
    "FC5": (-72, -21), "FC3": (-50, -28), "FC1": (-32, -45), "T9": (-115, 0), "T7": (-92, 0), "C5": (-69, 0),
    "C3": (-46, 0), "C1": (-23, 0), "TP9": (-115, 18), "TP7": (-92, 18), "CP5": (-72, 21), "CP3": (-50, 28),
    "CP1": (-32, 45), "P9": (-115, 36), "P7": (-92, 36), "P5": (-75, 41), "P3": (-60, 51), "P1": (-50, 68),
    "PO9": (-115, 54), "PO7": (-92, 54), "PO5": (-83, 58), "PO3": (-74, 65), "PO1": (-70, 78), "O9": (-115, 72),
    "O1": (-92, 72), "A1": (-125, 5), "M1": (-118, 18),
}  # fmt: skip
_MIDLINE_DEG: dict[str, tuple[float, float]] = {
    "FPZ": (92, 90), "AFZ": (69, 90), "FZ": (46, 90), "FCZ": (23, 90), "CZ": (0, 0), "CPZ": (23, -90),
    "PZ": (46, -90), "POZ": (69, -90), "OZ": (92, -90), "IZ": (115, -90),
}  # fmt: skip
_EDGE_DEG = 92.0


def _mirrored(name: str) -> str:
    """Name of the same place on the right: odd numbers become the even one above them."""
    letters = name.rstrip("0123456789")
    return f"{letters}{int(name[len(letters) :]) + 1}"


_SPHERICAL_DEG: dict[str, tuple[float, float]] = {
    **_LEFT_DEG,
    **_MIDLINE_DEG,
    **{_mirrored(name): (-inclination, -azimuth) for name, (inclination, azimuth) in _LEFT_DEG.items()},
}


def canonical_name(label: str) -> str:
    """Return the 10-20 name in capitals without a device's frame ("EEG Fp1-REF" gives "FP1", "T3" gives "T7")."""
    bare = label.strip()
    for _ in range(2):
        bare = _FRAME.sub("", bare).strip()
    bare = bare.upper()
    return _OLD_NAMES.get(bare, bare)


def is_electrode(label: str) -> bool:
    """Whether a label names a place of the 10-20 or 10-10 system, whatever its case, frame or age."""
    return canonical_name(label) in _SPHERICAL_DEG


def usual_name(label: str) -> str:
    """Return an electrode's name as it is usually written ("FP1" gives "Fp1", "FCZ" "FCz"); other labels stay."""
    name = canonical_name(label)
    if name not in _SPHERICAL_DEG:
        return label.strip()
    return name.replace("FP", "Fp").replace("Z", "z")


def head_position(label: str) -> tuple[float, float] | None:
    """Place of an electrode on a flat head seen from above, nose up.

    Returns
    -------
    (right, front) or None
        Azimuthal equidistant projection, as head maps are drawn in the field; the circle through Fpz, T7, Oz and T8
        has radius 1. None for a label that names no place.
    """
    place = _SPHERICAL_DEG.get(canonical_name(label))
    if place is None:
        return None
    radius, azimuth = place[0] / _EDGE_DEG, np.deg2rad(place[1])
    return float(radius * np.cos(azimuth)), float(radius * np.sin(azimuth))


def direction(label: str) -> tuple[float, float, float] | None:
    """Unit vector (right, front, up) from the centre of the head to an electrode; None for an unknown label."""
    place = _SPHERICAL_DEG.get(canonical_name(label))
    if place is None:
        return None
    inclination, azimuth = np.deg2rad(place[0]), np.deg2rad(place[1])
    return (
        float(np.sin(inclination) * np.cos(azimuth)),
        float(np.sin(inclination) * np.sin(azimuth)),
        float(np.cos(inclination)),
    )


ELECTRODES: tuple[str, ...] = tuple(sorted(_SPHERICAL_DEG))
