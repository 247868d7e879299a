"""Icons from resources/icons, drawn in the theme's colours."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from veridical.gui.common.tokens import Theme
from veridical.paths import resources


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    return (resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


def draw_icon(name: str, colour: str, size: int, ratio: float = 1.0, ground: str = "#ffffff") -> QPixmap:
    """Draw an icon.

    Parameters
    ----------
    name : str
        File stem in resources/icons.
    size : int
        Edge in logical pixels.
    ratio : float
        Device pixels per logical pixel.
    ground : str
        Colour of what an icon leaves open (the tick inside a filled circle).
    """
    text = _source(name).replace("currentColor", colour).replace("#ground", ground)
    edge = max(1, round(size * ratio))
    pixmap = QPixmap(QSize(edge, edge))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def themed_icon(name: str, theme: Theme, colour: str | None = None) -> QIcon:
    """Return an icon for buttons; greyed when they are disabled."""
    icon = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, colour or theme.text), (QIcon.Mode.Disabled, theme.disabled)):
        for ratio in (1.0, 2.0):
            icon.addPixmap(draw_icon(name, tint, 24, ratio, theme.surface), mode)
    return icon
