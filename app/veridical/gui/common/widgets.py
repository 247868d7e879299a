"""Small pieces that every page is made of."""

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from veridical.gui.common.actions import Action, run_action
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.icons import draw_icon, themed_icon
from veridical.gui.common.tokens import GRID, StatusLevel

ButtonKind = Literal["primary", "plain", "quiet", "field"]
STATUS_WORDS: dict[StatusLevel, str] = {"good": "Good", "caution": "Caution", "fail": "Problem", "unknown": "Unknown"}


def label(text: str = "", style: str = "", *, wraps: bool = False) -> QLabel:
    """Make a label; ``style`` is an object name of the style sheet (``quiet``, ``sectionTitle``, ...)."""
    made = QLabel(text)
    made.setObjectName(style)
    made.setWordWrap(wraps)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def card(*, margin: int = 3 * GRID, spacing: int = 2 * GRID) -> tuple[QWidget, QVBoxLayout]:
    """Make a card and the column inside it."""
    widget = QWidget()
    widget.setObjectName("card")
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    column = QVBoxLayout(widget)
    column.setContentsMargins(margin, margin, margin, margin)
    column.setSpacing(spacing)
    return widget, column


def clear_layout(layout: QLayout) -> None:
    """Take every widget out of a layout; hidden at once, deleted when Qt comes to it."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def line() -> QFrame:
    """Make a thin horizontal line."""
    made = QFrame()
    made.setObjectName("line")
    return made


class ThemedButton(QPushButton):
    """A button whose icon follows the theme."""

    def __init__(self, appearance: Appearance, text: str, icon: str = "", kind: ButtonKind = "plain") -> None:
        # Qt's style sheets know no room between icon and words; a blank is it.
        super().__init__(f" {text}" if icon and text else text)
        self.setAccessibleName(text)
        self._appearance, self._icon_name, self._kind = appearance, icon, kind
        self.setProperty("kind", kind)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setIconSize(QSize(18, 18))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self._on_theme)
        self._on_theme()

    def _on_theme(self) -> None:
        if self._icon_name:
            theme = self._appearance.theme
            colour = {"primary": theme.on_accent, "field": theme.quiet}.get(self._kind, theme.text)
            self.setIcon(themed_icon(self._icon_name, theme, colour))


class ActionButton(ThemedButton):
    """A button for one row of the actions table; ``refresh`` asks the table whether it can be pressed."""

    def __init__(
        self, appearance: Appearance, action: Action, icon: str = "", kind: ButtonKind = "plain", text: str = ""
    ) -> None:
        super().__init__(appearance, text or action.text, icon, kind)
        self._action = action
        key = f" ({action.key})" if action.key else ""
        self.setToolTip(f"{action.help or action.text}{key}")
        self.clicked.connect(self._on_clicked)
        self.refresh()

    def refresh(self) -> None:
        """Enable or disable after the table."""
        self.setEnabled(self._action.when())

    def _on_clicked(self) -> None:
        run_action(self._action)


class StatusLight(QWidget):
    """An icon whose shape and colour say the state, and the words beside it."""

    def __init__(self, appearance: Appearance, title: str = "", *, wraps: bool = False) -> None:
        super().__init__()
        self._appearance = appearance
        self._level: StatusLevel = "unknown"
        self._icon = QLabel()
        self._icon.setFixedSize(18, 18)
        self._title = label(title)
        self._words = label("", "quiet", wraps=wraps)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._title)
        row.addWidget(self._words, 1 if wraps else 0)
        self._title.setVisible(bool(title))
        appearance.changed.connect(self._draw)
        self.show_state("unknown", "")

    @property
    def level(self) -> StatusLevel:
        """The level shown."""
        return self._level

    @property
    def words(self) -> str:
        """The words shown."""
        return self._words.text()

    def show_state(self, level: StatusLevel, words: str) -> None:
        """Show a level and its words."""
        self._words.setVisible(bool(words))
        if (level, words) == (self._level, self._words.text()) and not self._icon.pixmap().isNull():
            return
        self._level = level
        self._words.setText(words)
        self.setAccessibleName(f"{self._title.text()} {STATUS_WORDS[level]} {words}".strip())
        self.setToolTip(f"{self._title.text()} {STATUS_WORDS[level].lower()}: {words}".strip(" :"))
        self._draw()

    def _draw(self) -> None:
        theme = self._appearance.theme
        ratio = self.devicePixelRatioF()
        self._icon.setPixmap(draw_icon(self._level, theme.status(self._level), 18, ratio, theme.surface))


class PageHeader(QWidget):
    """Title row: what, for whom, and the page's one primary action at the right."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = label(title, "pageTitle")
        self._for_whom = label("", "quiet")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2 * GRID)
        self._row.addWidget(self._title)
        self._for_whom.setContentsMargins(0, 0, 0, GRID // 2)
        self._row.addWidget(self._for_whom, 0, Qt.AlignmentFlag.AlignBottom)
        self._row.addStretch(1)

    def add(self, widget: QWidget) -> None:
        """Add a control at the right."""
        self._row.addWidget(widget)

    def show_words(self, for_whom: str) -> None:
        """Show for whom or what the page works now."""
        self._for_whom.setText(for_whom)


class EmptyState(QWidget):
    """What this page is for, and the first step."""

    def __init__(self, appearance: Appearance, icon: str, title: str, sentence: str) -> None:
        super().__init__()
        self._appearance, self._icon_name = appearance, icon
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._title = label(title, "verdict", wraps=True)
        self._sentence = label(sentence, "quiet", wraps=True)
        self._sentence.setFixedWidth(70 * GRID)
        for text in (self._title, self._sentence):
            text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._steps = QHBoxLayout()
        self._steps.setSpacing(2 * GRID)
        self._steps.addStretch(1)
        self._steps.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(2 * GRID)
        column.addStretch(2)
        column.addWidget(self._icon)
        column.addWidget(self._title)
        # Between two stretches instead of aligned: an aligned label keeps one line's height.
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._sentence)
        row.addStretch(1)
        column.addLayout(row)
        column.addSpacing(GRID)
        column.addLayout(self._steps)
        column.addStretch(3)
        appearance.changed.connect(self._draw)
        self._draw()

    @property
    def words(self) -> str:
        """Title and sentence."""
        return f"{self._title.text()} {self._sentence.text()}"

    def add_step(self, button: QPushButton) -> None:
        """Add a button for a first step."""
        self._steps.insertWidget(self._steps.count() - 1, button)

    def show_words(self, title: str, sentence: str) -> None:
        """Change title and sentence."""
        self._title.setText(title)
        self._sentence.setText(sentence)

    def _draw(self) -> None:
        theme = self._appearance.theme
        self._icon.setPixmap(draw_icon(self._icon_name, theme.quiet, 56, self.devicePixelRatioF(), theme.ground))


class Banner(QFrame):
    """One sentence across the page that stays until it is no longer true or was dismissed."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._appearance = appearance
        self._level: StatusLevel = "unknown"
        self._icon = QLabel()
        self._words = label("", "", wraps=True)
        self._dismiss = ThemedButton(appearance, "", "cross", "quiet")
        self._dismiss.setToolTip("Dismiss")
        self._dismiss.setAccessibleName("Dismiss")
        self._dismiss.clicked.connect(self.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID + GRID // 2)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self._dismiss)
        appearance.changed.connect(self._draw)
        self.clear()

    @property
    def words(self) -> str:
        """The sentence shown; empty if there is none."""
        return self._words.text()

    def show_sentence(self, level: StatusLevel, sentence: str) -> None:
        """Show a sentence; nothing moves if it is shown already."""
        if (level, sentence) == (self._level, self._words.text()) and not self.isHidden():
            return
        self._level = level
        self._words.setText(sentence)
        self.setProperty("level", level)
        self._draw()
        self.setVisible(bool(sentence))

    def clear(self) -> None:
        """Take the banner away."""
        self._words.setText("")
        self.setVisible(False)

    def _draw(self) -> None:
        theme = self._appearance.theme
        self._icon.setPixmap(draw_icon(self._level, theme.status(self._level), 20, 2.0, theme.surface))
        self.style().unpolish(self)
        self.style().polish(self)


class StepButton(ThemedButton):
    """A button that calls a function."""

    def __init__(
        self,
        appearance: Appearance,
        text: str,
        act: Callable[[], None],
        icon: str = "",
        kind: ButtonKind = "plain",
        tip: str = "",
    ) -> None:
        super().__init__(appearance, text, icon, kind)
        self.setToolTip(tip)
        self._act = act
        self.clicked.connect(self._on_step)

    def _on_step(self) -> None:
        self._act()
