"""How much room a disk has, in words."""

import shutil
from pathlib import Path

_LOTS_H = 1000.0


def room_at(path: Path) -> str:
    """Free space where a file or folder will be made: "73 GB free"; empty if it cannot be told."""
    folder = path.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"{free / 2**30:.0f} GB free" if free >= 10 * 2**30 else f"{free / 2**20:.0f} MB free"


def time_left(hours: float) -> str:
    """For how long the disk lasts: "disk full in 40 min", "room for 130 h"."""
    if hours < 1:
        return f"disk full in {hours * 60:.0f} min"
    return f"room for {hours:.1f} h" if hours < 10 else f"room for {min(hours, _LOTS_H):.0f} h"
