"""Numbers as words: units, a real minus sign, no more digits than mean something."""

import math

from veridical.gui.common.tokens import StatusLevel

MINUS = "\N{MINUS SIGN}"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


def number(value: float, digits: int) -> str:
    """Write a number with a fixed count of decimals and a real minus sign."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def percent(share: float, digits: int = 0) -> str:
    """Write a share as percent ("71 %")."""
    return f"{number(100 * share, digits)}{THIN_SPACE}%"


def p_value(p: float) -> str:
    """Write a p value ("p = .012", "p < .001")."""
    if not math.isfinite(p):
        return "p not known"
    if p < 0.001:
        return "p < .001"
    return "p = " + f"{p:.3f}".removeprefix("0")


def clock(seconds: float) -> str:
    """Write a duration that runs ("04:31", "1:02:07")."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes:02d}:{whole % 60:02d}"


def remaining(seconds: float) -> str:
    """Write an estimate so coarsely that it does not flicker ("about 40 s left")."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 60:
        return f"about {math.ceil(seconds / 5) * 5} s left"
    if seconds < 90 * 60:
        return f"about {math.ceil(seconds / 60)} min left"
    return f"about {math.ceil(seconds / 3600)} h left"


def file_size(n_bytes: int) -> str:
    """Write a size in decimal units ("4.2 MB")."""
    if n_bytes < 1e6:
        return f"{n_bytes / 1e3:.0f} kB"
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:.2f} GB"


def disk_hours(hours: float | None) -> str:
    """Write how long the disk lasts ("more than 99 h of disk")."""
    if hours is None:
        return ""
    if hours > 99:
        return "more than 99 h of disk"
    return f"{hours:.0f} h of disk" if hours >= 2 else f"{max(0, round(hours * 60))} min of disk"


def disk_level(hours: float | None) -> StatusLevel:
    """Whether a session of up to an hour still fits on the disk, and whether there is time left to act."""
    if hours is None:
        return "unknown"
    return "good" if hours >= 1 else "caution" if hours >= 1 / 6 else "fail"


def count(n: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun ("1 mark", "12 marks")."""
    return f"{n} {one if n == 1 else many or one + 's'}"


# SI prefixes that physiology uses, from large to small.
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def quantity(value: float, unit: str) -> str:
    """Write a physical value with the prefix that keeps it readable ("50 µV")."""
    size = abs(value)
    factor, prefix = next(((f, p) for f, p in _PREFIXES if size >= f * 0.9995), _PREFIXES[-1])
    return f"{value / factor:.3g}".replace("-", MINUS) + f"{THIN_SPACE}{prefix}{unit}"


def shortened(words: str, most: int) -> str:
    """Cut words to ``most`` letters, with an ellipsis where something is left out."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
