"""Builds the application: fonts, theme, services, pages, window."""

import os
import sys
import threading
from pathlib import Path

# pyqtgraph takes PyQt6 by default, which breaks PySide6 in the same process.
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from veridical.gui.annotate.page import AnnotatePage
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.lab import Lab, preload
from veridical.gui.common.prompt import Prompt
from veridical.gui.common.raster import warm_up
from veridical.gui.live.page import LivePage
from veridical.gui.model.page import ModelPage
from veridical.gui.run.page import RunPage
from veridical.gui.shell.window import MainWindow
from veridical.gui.study.page import StudyPage
from veridical.paths import user_state

PAGE_MAKERS = (StudyPage, RunPage, AnnotatePage, ModelPage, LivePage)


def build_window(appearance: Appearance, lab: Lab, settings: QSettings, prompt: Prompt | None = None) -> MainWindow:
    """Put the window together without showing it."""
    return MainWindow(appearance, lab, PAGE_MAKERS, settings, prompt)


def _get_ready() -> None:
    """Do what would make the first frame and the first training wait."""
    warm_up()
    preload()


def main(study: Path | None = None) -> int:
    """Open the window and run until it is closed.

    Parameters
    ----------
    study : Path or None
        Study to open; None takes the one that was open last.

    Returns
    -------
    int
        Exit status.
    """
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("veridical")
    app.setApplicationDisplayName("Veridical")
    settings = QSettings(str(user_state() / "window.ini"), QSettings.Format.IniFormat)
    appearance = Appearance(app)
    window = build_window(appearance, Lab(), settings)
    last = settings.value("study")
    folder = study or (Path(str(last)) if last else None)
    if study is not None or (folder is not None and (folder / "study.toml").is_file()):
        window.open_study(folder or Path())
    window.show()
    threading.Thread(target=_get_ready, name="veridical-get-ready", daemon=True).start()
    status = app.exec()
    window.shut_down()
    appearance.close()
    return status
