"""Thumbnails decoded in a thread of their own, the ones asked for last first."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from veridical.domain.stimulus import Stimulus
from veridical.services.thumbnails import Thumbnail

# Twice the grid's thumbnails, so that they are sharp on a dense screen.
EDGE_PX = 264
# A thousand of these take 220 MB at worst; more are decoded again when they come into view.
_MAX_KEPT = 1000
# Requests older than these have long been scrolled past.
_MAX_WAITING = 120


class ThumbnailLoader(QObject):
    """Decodes thumbnails; ``loaded`` is emitted on the Qt thread with the stimulus' id."""

    loaded = Signal(str)
    _decoded = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read: Callable[[Stimulus], Thumbnail | None] | None = None
        self._kept: OrderedDict[tuple[str, str], QImage | None] = OrderedDict()
        self._waiting: deque[Stimulus] = deque(maxlen=_MAX_WAITING)
        self._wake = threading.Condition()
        self._is_closed = False
        self._decoded.connect(self._on_decoded, Qt.ConnectionType.QueuedConnection)
        self._thread: threading.Thread | None = None

    def open(self, read: Callable[[Stimulus], Thumbnail | None]) -> None:
        """Read thumbnails with this from now on, and forget those of another study."""
        with self._wake:
            self._read = read
            self._waiting.clear()
        self._kept.clear()

    def find(self, stimulus: Stimulus) -> QImage | None:
        """Return a thumbnail if it is there, and ask for it otherwise; None also for what cannot be decoded."""
        key = _key(stimulus)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        with self._wake:
            if stimulus not in self._waiting:
                self._waiting.append(stimulus)
                self._wake.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="veridical-thumbnails", daemon=True)
            self._thread.start()
        return None

    def is_known(self, stimulus: Stimulus) -> bool:
        """Whether decoding was tried already."""
        return _key(stimulus) in self._kept

    def close(self) -> None:
        """End the thread (waits for the picture that it is decoding)."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._is_closed:
                    self._wake.wait()
                if self._is_closed:
                    return
                stimulus, read = self._waiting.pop(), self._read
            thumbnail = read(stimulus) if read is not None else None
            if self._is_closed:
                return
            try:
                self._decoded.emit(stimulus, thumbnail)
            except RuntimeError:  # the window, and with it this object, is gone
                return

    def _on_decoded(self, stimulus: Stimulus, thumbnail: Thumbnail | None) -> None:
        self._kept[_key(stimulus)] = None if thumbnail is None else _to_image(thumbnail)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        self.loaded.emit(stimulus.id)


def _key(stimulus: Stimulus) -> tuple[str, str]:
    return stimulus.id, stimulus.file


def _to_image(thumbnail: Thumbnail) -> QImage:
    width, height = thumbnail.width, thumbnail.height
    # copy(): QImage does not keep the bytes alive.
    return QImage(thumbnail.pixels, width, height, 4 * width, QImage.Format.Format_RGBX8888).copy()
