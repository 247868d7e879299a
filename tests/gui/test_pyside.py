"""PySide6 keeps None, True and False alive: 6.12.0 lost a reference to None at every void call on Python 3.11."""

import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QTransform
from PySide6.QtWidgets import QGraphicsRectItem, QGraphicsScene, QWidget
from pytestqt.qtbot import QtBot

N_CALLS = 400


class Emitter(QObject):
    """Has a signal and a slot."""

    told = Signal()

    def on_told(self) -> None:
        """Do nothing."""


def _calls(widget: QWidget, image: QImage) -> dict[str, Callable[[], object]]:
    item, scene = QGraphicsRectItem(), QGraphicsScene()
    scene.addItem(item)
    emitter = Emitter()
    emitter.told.connect(emitter.on_told)
    painter = QPainter(image)
    rect = QRectF(0, 0, 4, 4)
    return {
        "widget.update": widget.update,
        "widget.setToolTip": lambda: widget.setToolTip("x"),
        "widget.setEnabled": lambda: widget.setEnabled(True),
        "widget.isEnabled": widget.isEnabled,
        "item.setPos": lambda: item.setPos(1, 2),
        "item.parentItem": item.parentItem,
        "object.parent": emitter.parent,
        "signal.emit": emitter.told.emit,
        "painter.setPen": lambda: painter.setPen(QColor("red")),
        "painter.drawLine": lambda: painter.drawLine(0, 0, 1, 1),
        "rect.contains": lambda: rect.contains(0.5, 0.5),
        "transform.isInvertible": QTransform().isInvertible,
        "scene keeps its item": scene.items,
    }


def test_calls_into_qt_do_not_use_up_references_to_none(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    calls = _calls(widget, image)
    lost: list[str] = []
    for name, call in calls.items():
        before = [sys.getrefcount(x) for x in (None, True, False)]
        for _ in range(N_CALLS):
            call()
        after = [sys.getrefcount(x) for x in (None, True, False)]
        # Other threads may hold a few; a faulty call loses one each time.
        if any(a - b < -N_CALLS / 3 for a, b in zip(after, before, strict=True)):
            lost.append(name)
    calls.clear()
    assert not lost


def test_the_release_that_aborts_is_not_installed() -> None:
    import PySide6

    assert not (PySide6.__version__ == "6.12.0" and sys.version_info < (3, 12))
