"""Paints in a thread of its own; the newest request wins, older ones are dropped."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from veridical.domain.errors import VeridicalError

Request = TypeVar("Request")
Picture = TypeVar("Picture")


class _Bell(QObject):
    """Rings in whatever thread it is told to."""

    ready = Signal()
    failed = Signal(str)


class SceneRenderer(Generic[Request, Picture]):
    """``request`` returns at once; ``bell.ready`` tells that ``take`` has a newer picture.

    Parameters
    ----------
    make_painter : callable
        Called in the thread; what it returns paints one request after the other there.
    """

    def __init__(self, make_painter: Callable[[], Callable[[Request], Picture]]) -> None:
        self.bell = _Bell()
        self._make_painter = make_painter
        self._condition = threading.Condition()
        self._wanted: Request | None = None
        self._newest: Picture | None = None
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="veridical-traces", daemon=True)
        self._thread.start()

    def request(self, wanted: Request) -> None:
        """Ask for a picture."""
        with self._condition:
            self._wanted = wanted
            self._condition.notify()

    def forget(self) -> None:
        """Drop what was asked for and what was painted."""
        with self._condition:
            self._wanted, self._newest = None, None

    def take(self) -> Picture | None:
        """The newest picture, None before the first."""
        return self._newest

    def close(self) -> None:
        """Stop the thread."""
        with self._condition:
            self._is_open = False
            self._condition.notify()
        self._thread.join(10)

    def _run(self) -> None:
        paint = self._make_painter()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted is not None or not self._is_open)
                if not self._is_open:
                    return
                wanted, self._wanted = self._wanted, None
            assert wanted is not None
            try:
                self._newest = paint(wanted)
                self.bell.ready.emit()
            except VeridicalError as error:
                self.bell.failed.emit(str(error))
            # A disk that was pulled out, or anything else: the thread must be there for the next window.
            except Exception as error:
                self.bell.failed.emit(f"This part of the recording cannot be drawn ({type(error).__name__}: {error}).")
