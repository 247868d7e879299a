"""Whether numbers can be what their unit says: raw counts passed off as volts, volts as microvolts, and the like."""

from dataclasses import dataclass

import numpy as np

from veridical.domain.arrays import FloatArray
from veridical.domain.stream import UNIT_TO_SI, Role
from veridical.signals.power import band_power

# What a body gives, in SI units, smallest and largest of what is measured below. Scalp EEG of 1-40 Hz has an RMS of
# 5-30 uV (Niedermeyer & da Silva 2011, ch. 9); quiet amplifiers stay above 0.3 uV and movement below 1 mV. The R wave
# is 0.3-3 mV at the chest, smaller between the wrists (AHA/Kligfield 2007). Skin conducts 0.05-60 uS (Kleckner et al.
# 2018). Limits are wide: a poor electrode has a light of its own, here only the order of magnitude is in question.
_RANGE: dict[Role, tuple[float, float]] = {
    "EEG": (0.3e-6, 500e-6),
    "EOG": (0.3e-6, 3e-3),
    "ECG": (10e-6, 20e-3),
    "EDA": (0.02e-6, 100e-6),
}
_NAMES: dict[Role, tuple[str, ...]] = {
    "EEG": ("V", "mV", "µV", "nV"),
    "EOG": ("V", "mV", "µV", "nV"),
    "ECG": ("V", "mV", "µV", "nV"),
    "EDA": ("S", "µS"),
}
# Where most of these signals lie: of several units that would do, the one nearest to it is meant.
_USUAL: dict[Role, float] = {"EEG": 12e-6, "EOG": 40e-6, "ECG": 600e-6, "EDA": 4e-6}
_DEAD_SHARE = 1e-9


@dataclass(frozen=True)
class UnitDoubt:
    """Numbers that cannot be what they are said to be.

    Parameters
    ----------
    words : str
        What was found, with numbers.
    unit : str
        The unit that would make them plausible; empty if none would.
    is_counts : bool
        They are whole numbers and no unit fits: an amplifier's raw counts.
    """

    words: str
    unit: str = ""
    is_counts: bool = False


def find_unit_doubt(
    raw: FloatArray, sampling_hz: float, role: Role, gain: float, unit: str = "", offset: float = 0.0
) -> UnitDoubt | None:
    """Say whether a role's numbers are out of any body's range, and which unit would bring them into it.

    Parameters
    ----------
    raw : ndarray, shape (n_channels, n_times)
        As the device sends them (bipolar differences taken), some seconds; NaN counts as missing.
    gain, offset : float
        To SI units, as assigned.
    unit : str
        As assigned, for the words.

    Returns
    -------
    UnitDoubt or None
        None if the numbers are plausible, too few (below 2 s), flat, or of a role without a known range.
    """
    if role not in _RANGE or raw.shape[1] < 2 * sampling_hz:
        return None
    size = _size(raw, sampling_hz, role, offset / gain)
    if size is None:
        return None
    low, high = _RANGE[role]
    if low <= size * gain <= high:
        return None
    fits = [n for n in _NAMES[role] if low <= size * UNIT_TO_SI[n.lower()] <= high]
    finite = raw[np.isfinite(raw)]
    is_whole = bool(np.all(finite == np.round(finite))) and np.ptp(finite) > 20
    said = f"As {_unit_words(unit, gain)}, {role} would {_magnitude(role, size * gain)}"
    if is_whole:
        # Whole numbers: whatever unit happens to fit, an amplifier's own steps are likelier.
        return UnitDoubt(f"{said}; the numbers are whole, so they look like an amplifier's raw counts", "", True)
    if not fits and size * gain < low:
        # Too little in any unit: an electrode without contact, which quality names.
        return None
    if not fits:
        return UnitDoubt(f"{said}; in no usual unit would it be a signal of a body")
    best = min(fits, key=lambda n: abs(np.log(size * UNIT_TO_SI[n.lower()] / _USUAL[role])))
    return UnitDoubt(f"{said}; in {best} it would {_magnitude(role, size * UNIT_TO_SI[best.lower()])}", best)


def _size(raw: FloatArray, sampling_hz: float, role: Role, offset: float) -> float | None:
    """Size in raw units: RMS of 1-40 Hz (EEG, EOG), R wave above the median (ECG), level (EDA); None if dead."""
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(raw).all(axis=1)
    rows = raw[whole]
    if rows.size == 0:
        return None
    spread = np.ptp(rows, axis=1)
    if role == "EDA":
        level = float(np.median(np.abs(rows + offset)))
        return level if level > 0 else None
    # A flat channel on a large offset is no evidence about units.
    alive = spread > _DEAD_SHARE * (1 + np.abs(rows).max(axis=1)) if np.abs(rows).max() > 1 else spread > 0
    rows = rows[alive]
    if rows.size == 0:
        return None
    if role == "ECG":
        middle = np.median(rows, axis=1, keepdims=True)
        return float(np.median(np.quantile(np.abs(rows - middle), 0.995, axis=1)))
    top_hz = min(40.0, 0.45 * sampling_hz)
    density = band_power(rows, sampling_hz, [(1.0, top_hz)], window_s=2.0)[:, 0]
    return float(np.median(np.sqrt(density * (top_hz - 1))))


def _unit_words(unit: str, gain: float) -> str:
    if unit.strip():
        return unit.strip()
    return {1.0: "SI units (none is announced)", 1e-3: "mV", 1e-6: "µV or µS", 1e-9: "nV"}.get(gain, "assigned")


def _magnitude(role: Role, value: float) -> str:
    if role == "EDA":
        return f"be {_with_unit(value, 'S')}"
    return f"{'peak at' if role == 'ECG' else 'vary by'} {_with_unit(value, 'V')}"


def _with_unit(value: float, unit: str) -> str:
    for power, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")):
        if value >= power:
            return f"{value / power:.3g} {prefix}{unit}" if value < 1e4 else f"{value:.0e} {unit}"
    return f"{value / 1e-9:.2g} n{unit}" if value >= 1e-11 else f"less than 0.01 n{unit}"
