"""What the participant sees, redrawn for the operator from the presenter's state."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from veridical.domain.items import attention_scale
from veridical.domain.rating import Scale
from veridical.domain.view import View
from veridical.gui.common.appearance import Appearance, make_font
from veridical.gui.common.tokens import PARTICIPANT_GREY, SMALL_PT
from veridical.services.study import Study
from veridical.services.thumbnails import read_thumbnail

_INK = "#0d0d0d"
# As the presenter paints it.
_CORNER = 0.05
# Everything is drawn on a screen of this size, and scaled to the room there is.
_WIDTH, _ASPECT = 352.0, 16 / 10
_EDGE_PX = 480


class PresenterMirror(QWidget):
    """A small copy of the participant's screen; a scale is shown without the choice, unless the study allows it."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._view = View("blank")
        self._study: Study | None = None
        self._scales: dict[str, Scale] = {}
        self._shows_choice = False
        self._thumbnails: dict[str, QPixmap] = {}
        self._appearance = appearance
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(100)
        self.setMaximumHeight(round(_WIDTH / _ASPECT))
        self.setAccessibleName("What the participant sees")
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(352, 130)

    def show_study(self, study: Study) -> None:
        """Learn which pictures there are and what the scales ask."""
        self._study = study
        checks = (attention_scale(step) for step in range(1, 8))
        self._scales = {s.id: s for s in (*study.settings.protocol.all_scales, *checks)}
        self._shows_choice = study.settings.shows_ratings
        self._thumbnails.clear()

    def show_view(self, view: View) -> None:
        """Redraw if the participant's screen changed."""
        if view != self._view:
            self._view = view
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        height = _WIDTH / _ASPECT
        scale = min(self.width() / _WIDTH, self.height() / height)
        painter.translate((self.width() - scale * _WIDTH) / 2, 0)
        painter.scale(scale, scale)
        screen = QRectF(0.5, 0.5, _WIDTH - 1, height - 1)
        painter.setPen(QColor(self._appearance.theme.border))
        painter.setBrush(QColor(PARTICIPANT_GREY))
        painter.drawRoundedRect(screen, 6, 6)
        draw = {
            "text": self._text, "fixation": self._fixation, "picture": self._picture, "video": self._clip,
            "sound": self._clip, "rating": self._rating, "sliders": self._sliders,
        }  # fmt: skip
        if self._view.kind != "blank":
            draw.get(self._view.kind, self._other)(painter, screen)
        # The photodiode's square: bright exactly while a picture is shown.
        side = _CORNER * screen.height()
        corner = QRectF(screen.left(), screen.bottom() - side, side, side)
        painter.fillRect(corner, QColor("#ffffff" if self._view.corner else "#000000"))
        painter.end()

    def _text(self, painter: QPainter, screen: QRectF) -> None:
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(_INK))
        box = screen.adjusted(20, 12, -20, -12)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._view.text)

    def _other(self, painter: QPainter, screen: QRectF) -> None:
        """Say what is shown where it cannot be drawn."""
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(_INK))
        painter.drawText(screen, Qt.AlignmentFlag.AlignCenter, f"{self._view.kind} {self._view.stimulus_id}".strip())

    def _fixation(self, painter: QPainter, screen: QRectF) -> None:
        painter.setPen(QPen(QColor(_INK), 2))
        centre = screen.center()
        painter.drawLine(centre - QPointF(8, 0), centre + QPointF(8, 0))
        painter.drawLine(centre - QPointF(0, 8), centre + QPointF(0, 8))

    def _clip(self, painter: QPainter, screen: QRectF) -> None:
        """A clip is named, a video's first frame shown: nothing is read back from the participant's screen."""
        is_video = self._view.kind == "video"
        (self._picture if is_video else self._fixation)(painter, screen)
        painter.setFont(make_font(SMALL_PT))
        painter.setPen(QColor(_INK))
        top = screen.top() + 0.9 * screen.height() if is_video else screen.center().y() + 16
        below = QRectF(screen.left(), top, screen.width(), 0.1 * screen.height())
        words = f"{'Video' if is_video else 'Sound'} {self._view.stimulus_id}"
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)

    def _picture(self, painter: QPainter, screen: QRectF) -> None:
        thumbnail = self._thumbnail(self._view.stimulus_id)
        if thumbnail is None:
            return
        room = screen.height() * 0.8
        scale = min(room / thumbnail.height(), screen.width() * 0.9 / thumbnail.width())
        width, height = thumbnail.width() * scale, thumbnail.height() * scale
        centre = screen.center()
        painter.drawPixmap(
            QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height),
            thumbnail,
            QRectF(thumbnail.rect()),
        )

    def _rating(self, painter: QPainter, screen: QRectF) -> None:
        scale = self._scales.get(self._view.scale_id)
        if scale is None:
            return
        if self._view.stimulus_id:
            self._picture(painter, screen.adjusted(0, 0, 0, -screen.height() * 0.35))
        question_y = screen.height() * (0.66 if self._view.stimulus_id else 0.2)
        self._question(painter, screen, scale.question, question_y)
        centre = Qt.AlignmentFlag.AlignCenter
        if scale.kind in ("choice", "text"):
            # What is chosen or written is not the operator's to watch, unless the study allows it.
            chosen = self._view.selected if self._shows_choice else None
            options = [f"[{o}]" if k == chosen else o for k, o in enumerate(scale.shown_options, 1)]
            shown = "  ·  ".join(options) if scale.kind == "choice" else self._view.text
            box = QRectF(screen.left() + 20, question_y + 28, screen.width() - 40, screen.height() * 0.3)
            painter.setFont(make_font(SMALL_PT))
            top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(box, int(top | Qt.TextFlag.TextWordWrap), shown)
            return
        n = scale.n_points
        step = min(36.0, screen.width() * 0.84 / n)
        first = screen.center().x() - step * (n - 1) / 2
        y = screen.height() * 0.5
        painter.setFont(make_font(SMALL_PT))
        for k in range(n):
            is_chosen = self._shows_choice and self._view.selected == scale.minimum + k
            painter.setPen(QPen(QColor(_INK), 1.2))
            painter.setBrush(QColor("#ffffff") if is_chosen else QColor(0, 0, 0, 0))
            middle = QPointF(first + k * step, y)
            painter.drawEllipse(middle, step * 0.36, step * 0.36)
            painter.drawText(QRectF(middle.x() - step / 2, y - 12, step, 24), centre, str(scale.minimum + k))
        words = ((0.0, scale.low), ((n - 1) / 2, scale.middle), (n - 1.0, scale.high))
        for place, anchor in words:
            x = first + place * step
            painter.drawText(QRectF(x - 50, y + step * 0.5, 100, 24), centre, anchor)

    def _question(self, painter: QPainter, screen: QRectF, words: str, y: float) -> None:
        painter.setFont(make_font(SMALL_PT, QFont.Weight.Medium))
        painter.setPen(QColor(_INK))
        # A long question becomes smaller rather than cut.
        width = painter.fontMetrics().horizontalAdvance(words)
        if width > 0.96 * screen.width():
            painter.setFont(make_font(SMALL_PT * 0.96 * screen.width() / width, QFont.Weight.Medium))
        painter.drawText(QRectF(screen.left(), y, screen.width(), 24), Qt.AlignmentFlag.AlignCenter, words)

    def _sliders(self, painter: QPainter, screen: QRectF) -> None:
        n = len(self._view.sliders)
        left, right = screen.left() + screen.width() * 0.2, screen.left() + screen.width() * 0.8
        for row, slider in enumerate(self._view.sliders):
            scale = self._scales.get(slider.scale_id)
            if scale is None:
                continue
            y = screen.height() * (0.5 + 0.28 * (row - (n - 1) / 2))
            self._question(painter, screen, scale.question, y - 34)
            painter.setPen(QPen(QColor(_INK), 2))
            painter.drawLine(QPointF(left, y), QPointF(right, y))
            painter.setFont(make_font(SMALL_PT))
            for x, words, side in ((left, scale.low, Qt.AlignmentFlag.AlignLeft),
                                   (right, scale.high, Qt.AlignmentFlag.AlignRight)):  # fmt: skip
                start = x if side == Qt.AlignmentFlag.AlignLeft else x - 140
                painter.drawText(QRectF(start, y + 7, 140, 20), side, words)
            step = slider.step if self._shows_choice else None
            painter.setPen(QPen(QColor(_INK), 1.2))
            painter.setBrush(QColor(PARTICIPANT_GREY) if step is None else QColor("#ffffff"))
            share = 0.5 if step is None else step / scale.last_step
            painter.drawEllipse(QPointF(left + share * (right - left), y), 6, 6)

    def _thumbnail(self, stimulus_id: str) -> QPixmap | None:
        if stimulus_id not in self._thumbnails:
            self._thumbnails[stimulus_id] = self._read_thumbnail(stimulus_id)
        found = self._thumbnails[stimulus_id]
        return None if found.isNull() else found

    def _read_thumbnail(self, stimulus_id: str) -> QPixmap:
        """Decode as the presenter does, so that a picture stands upright here too; null if it cannot be."""
        known = () if self._study is None else self._study.stimuli.stimuli
        stimulus = next((s for s in known if s.id == stimulus_id), None)
        if self._study is None or stimulus is None:
            return QPixmap()
        found = read_thumbnail(self._study.paths, stimulus, _EDGE_PX)
        if found is None:
            return QPixmap()
        image = QImage(found.pixels, found.width, found.height, 4 * found.width, QImage.Format.Format_RGBX8888)
        return QPixmap.fromImage(image)
