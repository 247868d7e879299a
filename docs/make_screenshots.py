"""Makes the pictures of the window in docs/images: a real session with a simulated participant, offscreen.

Run it from the checkout; it takes about two minutes and needs no screen::

    python docs/make_screenshots.py [--out DIR]

Look at every picture before you commit it.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from veridical.streaming.scope import private_scope

SIZE = (1440, 900)
IMAGES = Path(__file__).resolve().parent / "images"


def prepare_world(folder: Path) -> None:
    """Give this process a home and an LSL scope of its own, before Qt and liblsl load."""
    (folder / "home").mkdir()
    os.environ.update(
        HOME=str(folder / "home"),
        XDG_STATE_HOME=str(folder / "state"),
        XDG_CACHE_HOME=str(folder / "cache"),
        LSLAPICFG=str(private_scope(folder / "lsl")),
        QT_QPA_PLATFORM="offscreen",
    )


class Photographer:
    """Drives the window by its actions and saves what it shows, in both themes."""

    def __init__(self, folder: Path, out: Path) -> None:
        from PySide6.QtCore import QSettings
        from PySide6.QtWidgets import QApplication

        from veridical.gui.app import build_window
        from veridical.gui.common.appearance import Appearance
        from veridical.gui.common.lab import Lab

        self.folder, self.out = folder, out
        self.app = QApplication(sys.argv[:1])
        self.appearance = Appearance(self.app, "light")
        settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.window = build_window(self.appearance, Lab(), settings)
        self.window.resize(*SIZE)
        self.window.show()

    def wait(self, is_done: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Let the window live until a condition holds."""
        end = time.monotonic() + timeout_s
        while not is_done():
            self.app.processEvents()
            time.sleep(0.01)
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not happen within {timeout_s:g} s")

    def pause(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end, seconds + 5, "time")

    def act(self, action_id: str) -> None:
        """Do what a key would do."""
        from veridical.gui.common.actions import run_action

        action = self.window.table.get(action_id)
        if not run_action(action):
            raise RuntimeError(f"{action.text} cannot be done now")

    def shoot(self, name: str, is_right: Callable[[], bool] = lambda: True) -> None:
        """Save the window in light and dark, each when it shows what it should."""
        for theme in ("light", "dark"):
            self.appearance.choose("light" if theme == "light" else "dark")
            self.pause(0.8)
            self.wait(is_right, 30, name)
            self.pause(0.1)
            path = self.out / f"{name}-{theme}.png"
            self.window.grab().save(str(path))
            sys.stderr.write(f"{path}\n")
        self.appearance.choose("light")


def make_study(folder: Path) -> Path:
    """A study whose session takes about a minute, with three participants."""
    from veridical.gui.study.view_model import DEMO_PROTOCOL, demo_settings
    from veridical.services.study import create_study

    settings = demo_settings()
    protocol = replace(
        DEMO_PROTOCOL,
        n_per_condition=18,
        repeat_share=1 / 9,
        baseline_open_s=2.0,
        baseline_closed_s=2.0,
        fixation_s=(0.2, 0.3),
        picture_s=0.6,
        iti_s=(0.2, 0.3),
    )
    study = create_study(
        folder,
        replace(settings, protocol=protocol, analysis=replace(settings.analysis, embargo_s=2.5)),
    )
    for participant in ("001", "002", "003"):
        study.add_participant(participant, "pilot")
    return study.root


def photograph(camera: Photographer) -> None:
    """Go through the five pages as a newcomer would."""
    from veridical.gui.annotate.page import AnnotatePage
    from veridical.gui.common.raster import warm_up
    from veridical.gui.model.page import ModelPage
    from veridical.gui.run.page import RunPage
    from veridical.gui.study.page import StudyPage

    warm = threading.Thread(target=warm_up)
    warm.start()
    camera.shoot("study-empty")
    warm.join()
    window = camera.window
    window.open_study(make_study(camera.folder / "study"))
    camera.act("go.run")
    run = window.page
    assert isinstance(run, RunPage)
    camera.act("run.simulate")
    camera.wait(lambda: len(run.desk.streams) == 3, 60, "three streams")
    camera.wait(lambda: run.desk.may_start, 60, "the gate")
    camera.pause(11)
    camera.shoot("run-before")
    camera.act("run.start")
    camera.wait(lambda: run.desk.screen.part == "Block 1", 120, "the first block")
    camera.pause(12)
    camera.shoot("run", lambda: run.desk.screen.view.kind == "picture")
    camera.wait(lambda: run.desk.mode == "summary", 300, "the end")
    camera.shoot("run-summary")
    camera.act("run.annotate")
    annotate = window.page
    assert isinstance(annotate, AnnotatePage)
    camera.wait(lambda: annotate.model.is_open, 60, "the recording")
    camera.wait(lambda: bool(annotate.model.screen.suggestions), 60, "suggestions")
    for _ in range(2):
        camera.act("annotate.next")
        camera.act("annotate.accept")
    annotate.model.go_to(annotate.model.screen.start_s)
    annotate.model.drag(annotate.model.screen.start_s + 2.2, annotate.model.screen.start_s + 3.4)
    camera.act("annotate.label.movement")
    camera.shoot("annotate")
    camera.act("go.model")
    model = window.page
    assert isinstance(model, ModelPage)
    camera.act("model.train")
    camera.wait(lambda: not model.runner.is_running, 300, "the model")
    camera.shoot("model")
    model.view.show_part(model.view.pattern)
    camera.shoot("model-pattern")
    camera.act("model.compare")
    camera.wait(lambda: not model.runner.is_running, 300, "the comparison")
    camera.shoot("model-compare")
    camera.act("go.study")
    camera.shoot("study")
    camera.act("study.stimuli")
    page = window.page
    assert isinstance(page, StudyPage)
    camera.act("study.stimuli.match")
    page.browser.match_panel.n_field.setValue(8)
    page.browser.match_panel.submit()
    camera.wait(lambda: page.browser.match_panel.subset is not None, 60, "a matched subset")
    camera.shoot("stimuli")
    camera.act("study.participants")
    camera.act("study.protocol")
    camera.shoot("protocol")
    page.show_participants()
    camera.act("go.live")
    camera.shoot("live")
    camera.act("window.palette")
    camera.shoot("palette")
    run.desk.stop_simulator()


def main() -> None:
    """Make every picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=IMAGES)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="veridical-screenshots-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        prepare_world(folder)
        camera = Photographer(folder, out)
        try:
            photograph(camera)
        finally:
            camera.window.close()
            camera.appearance.close()


if __name__ == "__main__":
    main()
