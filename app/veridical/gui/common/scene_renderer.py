"""Paints scenes in a thread of its own; the newest request wins, older ones are dropped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from veridical.gui.common.trace_painter import Scene, TracePainter


@dataclass(frozen=True, eq=False)
class RenderedScene:
    """A finished picture and what it shows."""

    image: QImage
    scene: Scene


class SceneRenderer(QObject):
    """``request`` returns at once; ``ready`` tells that ``take`` has a newer picture."""

    ready = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._condition = threading.Condition()
        self._wanted: Callable[[], Scene] | None = None
        self._newest: RenderedScene | None = None
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="veridical-traces", daemon=True)
        self._thread.start()

    def request(self, build: Callable[[], Scene]) -> None:
        """Ask for a picture; ``build`` runs in the thread."""
        with self._condition:
            self._wanted = build
            self._condition.notify()

    def take(self) -> RenderedScene | None:
        """The newest picture, None before the first."""
        return self._newest

    def close(self) -> None:
        """Stop the thread."""
        with self._condition:
            self._is_open = False
            self._condition.notify()
        self._thread.join(10)

    def _run(self) -> None:
        painter = TracePainter()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted is not None or not self._is_open)
                if not self._is_open:
                    return
                build, self._wanted = self._wanted, None
            if build is None:
                continue
            scene = build()
            self._newest = RenderedScene(painter.paint(scene), scene)
            self.ready.emit()
