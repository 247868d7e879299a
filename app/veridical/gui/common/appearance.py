"""Fonts, palette and style sheet of the application; follows the system's light or dark unless told."""

import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from veridical.gui.common.icons import draw_icon
from veridical.gui.common.stylesheet import build_stylesheet
from veridical.gui.common.tokens import BODY_PT, THEMES, Theme, ThemeName
from veridical.paths import resources

FONT_FAMILY = "Inter"


def load_fonts() -> str:
    """Load the shipped fonts and return the family to use; the system's own where they are missing."""
    for file in sorted((resources() / "fonts").glob("*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(file))
    return FONT_FAMILY if FONT_FAMILY in QFontDatabase.families() else QFont().family()


def make_font(points: float = BODY_PT, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the interface font with tabular figures, so that live numbers keep their width."""
    font = QFont(QApplication.font().family())
    font.setPointSizeF(points)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


class Appearance(QObject):
    """The theme in use; ``changed`` is emitted after palette and style sheet were applied.

    The style sheet belongs to the window, not to the application: with the latter Qt styles every widget
    anew each time it gets a parent, which made building the window five times slower.
    """

    changed = Signal()

    def __init__(self, app: QApplication, choice: ThemeName | None = None) -> None:
        super().__init__()
        self._app = app
        self._choice: ThemeName | None = choice
        self._dressed: QWidget | None = None
        self._images = tempfile.TemporaryDirectory(prefix="veridical-style-")
        app.setStyle("Fusion")
        family = load_fonts()
        font = QFont(family)
        font.setPointSizeF(BODY_PT)
        font.setFeature(QFont.Tag("tnum"), 1)
        app.setFont(font)
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self._apply()

    @property
    def theme(self) -> Theme:
        """The theme in use."""
        if self._choice is not None:
            return THEMES[self._choice]
        is_dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return THEMES["dark" if is_dark else "light"]

    def dress(self, window: QWidget) -> None:
        """Give the window its style sheet, now and whenever the theme changes."""
        self._dressed = window
        window.setStyleSheet(self._sheet)

    def choose(self, choice: ThemeName | None) -> None:
        """Take a theme; None follows the system."""
        self._choice = choice
        self._apply()
        self.changed.emit()

    def toggle(self) -> None:
        """Change between light and dark."""
        self.choose("light" if self.theme.name == "dark" else "dark")

    def close(self) -> None:
        """Let go of the application and remove the style's temporary images."""
        self._dressed = None
        self._app.styleHints().colorSchemeChanged.disconnect(self._on_system_changed)
        self._images.cleanup()

    def _on_system_changed(self) -> None:
        if self._choice is None:
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        theme = self.theme
        folder = Path(self._images.name)
        chevron, check = folder / f"down-{theme.name}.png", folder / f"check-{theme.name}.png"
        draw_icon("down", theme.quiet, 14, 2.0).save(str(chevron))
        draw_icon("check", theme.on_accent, 16, 2.0).save(str(check))
        self._app.setPalette(_palette(theme))
        self._sheet = build_stylesheet(theme, chevron.as_posix(), check.as_posix())
        if self._dressed is not None:
            self._dressed.setStyleSheet(self._sheet)


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.ground,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.ground,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.surface,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.ToolTipBase: theme.text,
        QPalette.ColorRole.ToolTipText: theme.ground,
        QPalette.ColorRole.PlaceholderText: theme.quiet,
        QPalette.ColorRole.Link: theme.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.disabled))
    return palette
