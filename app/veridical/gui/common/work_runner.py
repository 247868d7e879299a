"""Long work off the Qt thread: progress, remaining time, cancel, and one result."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal, Slot

from veridical.domain.errors import VeridicalError
from veridical.domain.progress import Progress, Work
from veridical.gui.common import wording


@dataclass(frozen=True)
class WorkState:
    """What the progress bar shows.

    Parameters
    ----------
    remaining_s : float or None
        Estimate; None until there is something to estimate from.
    """

    share: float
    text: str
    remaining_s: float | None

    @property
    def words(self) -> str:
        """Step and remaining time in one line."""
        return self.text if self.remaining_s is None else f"{self.text} · {wording.remaining(self.remaining_s)}"


def estimate_remaining(share: float, elapsed_s: float) -> float | None:
    """Extrapolate the remaining seconds; None below 2 % or in the first second, where it would only jump."""
    if share < 0.02 or elapsed_s < 1.0:
        return None
    return elapsed_s * (1 - share) / share


class _Courier(QObject):
    """Carries calls from the worker thread to the Qt thread."""

    called = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.called.connect(self._on_called, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def _on_called(self, act: Callable[[], None]) -> None:
        act()


class WorkRunner(QObject):
    """Runs one piece of work at a time in a thread of its own.

    Signals arrive on the Qt thread: ``progressed(WorkState)``, ``finished(result)``, ``failed(sentence)``
    and ``cancelled()``; exactly one of the last three ends every start.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(str)
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._courier = _Courier(self)
        self._thread: threading.Thread | None = None
        self._cancel = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether work is under way."""
        return self._thread is not None

    def start(self, make: Callable[[], Work[object]]) -> None:
        """Begin; ``make`` is called in the thread. RuntimeError if work is under way."""
        if self._thread is not None:
            raise RuntimeError("work is under way already")
        self._cancel = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(make, self._cancel), name="veridical-work", daemon=True
        )
        self._thread.start()

    def start_call(self, call: Callable[[], object], text: str = "") -> None:
        """Begin a single call that reports no progress of its own."""

        def work() -> Work[object]:
            yield Progress(0, 1, text)
            return call()

        self.start(work)

    def cancel(self) -> None:
        """Ask the work to end at its next step; ``cancelled`` follows."""
        self._cancel.set()

    def close(self, timeout_s: float = 10.0) -> None:
        """Cancel and wait for the thread, so that no thread outlives the window."""
        thread = self._thread
        self._cancel.set()
        if thread is not None:
            thread.join(timeout_s)

    def _work(self, make: Callable[[], Work[object]], cancel: threading.Event) -> None:
        started = time.monotonic()
        try:
            work = make()
            while not cancel.is_set():
                step = next(work)
                share = step.share
                state = WorkState(share, step.text, estimate_remaining(share, time.monotonic() - started))
                self._send(partial(self.progressed.emit, state))
            work.close()
            self._send(lambda: self._end(self.cancelled.emit))
        except StopIteration as stop:
            result = stop.value
            self._send(lambda: self._end(lambda: self.finished.emit(result)))
        except VeridicalError as error:
            sentence = str(error)
            self._send(lambda: self._end(lambda: self.failed.emit(sentence)))
        except Exception as error:  # the operator reads a sentence, never a traceback
            sentence = f"Something unexpected happened ({type(error).__name__}: {error}). Your recordings are safe."
            self._send(lambda: self._end(lambda: self.failed.emit(sentence)))

    def _send(self, act: Callable[[], None]) -> None:
        try:
            self._courier.called.emit(act)
        except RuntimeError:  # the window, and with it the courier, is gone; nobody waits for the answer
            return

    def _end(self, tell: Callable[[], None]) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        tell()
