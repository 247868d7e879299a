"""The Qt style sheet, built from a theme."""

from veridical.gui.common.tokens import BODY_PT, HEADLINE_PT, PAGE_PT, RADIUS, SECTION_PT, SMALL_PT, Theme

# Chevron of combo boxes; a data URI is not allowed in Qt style sheets, so the icon's path is handed in.
_SHEET = """
* {{ font-size: {body}pt; color: {t.text}; }}
QMainWindow, QWidget#page, QWidget#shell, QStackedWidget {{ background: {t.ground}; }}
QWidget#card {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: {radius}px; }}
QWidget#panel {{ background: {t.surface}; border-left: 1px solid {t.border}; }}
QWidget#rail {{ background: {t.rail}; border-right: 1px solid {t.border}; }}
QWidget#top {{ background: {t.surface}; border-bottom: 1px solid {t.border}; }}
QWidget#status {{ background: {t.rail}; border-top: 1px solid {t.border}; }}
QLabel {{ background: transparent; border: none; }}
QLabel#pageTitle {{ font-size: {page}pt; font-weight: 600; }}
QLabel#sectionTitle {{ font-size: {section}pt; font-weight: 600; }}
QLabel#headline {{ font-size: {headline}pt; font-weight: 600; }}
QLabel#verdict {{ font-size: {page}pt; font-weight: 600; }}
QLabel#quiet {{ color: {t.quiet}; }}
QLabel#small {{ color: {t.quiet}; font-size: {small}pt; }}
QLabel#key {{ color: {t.quiet}; background: {t.hover}; border: 1px solid {t.border}; border-radius: 4px;
    padding: 1px 6px; font-size: {small}pt; }}

QPushButton {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: {radius}px;
    padding: 7px 16px; min-height: 18px; }}
QPushButton:hover {{ background: {t.hover}; }}
QPushButton:pressed {{ background: {t.selection}; }}
QPushButton:focus {{ border: 2px solid {t.accent}; padding: 6px 15px; }}
QPushButton:disabled {{ color: {t.disabled}; background: {t.ground}; }}
QPushButton[kind="primary"] {{ background: {t.accent}; color: {t.on_accent}; border: 1px solid {t.accent};
    font-weight: 600; }}
QPushButton[kind="primary"]:hover {{ background: {t.accent_hover}; }}
QPushButton[kind="primary"]:focus {{ border: 2px solid {t.text}; padding: 6px 15px; }}
QPushButton[kind="primary"]:disabled {{ background: {t.hover}; color: {t.disabled}; border: 1px solid {t.border}; }}
QPushButton[kind="quiet"] {{ background: transparent; border: 1px solid transparent; color: {t.text};
    padding: 7px 10px; }}
QPushButton[kind="quiet"]:hover {{ background: {t.hover}; }}
QPushButton[kind="quiet"]:focus {{ border: 2px solid {t.accent}; padding: 6px 9px; }}
QPushButton[kind="quiet"]:disabled {{ color: {t.disabled}; }}
QPushButton[kind="field"] {{ background: {t.ground}; border: 1px solid {t.border}; color: {t.quiet};
    text-align: left; }}
QPushButton[kind="field"]:hover {{ border: 1px solid {t.quiet}; }}
QPushButton[kind="field"]:focus {{ border: 2px solid {t.accent}; padding: 6px 15px; }}

QLabel#question {{ font-weight: 600; }}
QToolButton#disclosure {{ background: transparent; border: none; border-radius: 4px; padding: 3px; }}
QToolButton#disclosure:hover, QToolButton#disclosure:focus {{ background: {t.hover}; }}
QToolButton#railButton {{ background: transparent; border: none; border-left: 3px solid transparent; border-radius: 0px;
    color: {t.quiet}; font-size: {small}pt; padding: 8px 0px 6px 0px; }}
QToolButton#railButton:hover {{ background: {t.hover}; color: {t.text}; }}
QToolButton#railButton:checked {{ color: {t.text}; border-left: 3px solid {t.accent}; background: {t.ground}; }}
QToolButton#railButton:focus {{ background: {t.selection}; }}

QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit {{ background: {t.surface};
    border: 1px solid {t.border}; border-radius: {radius}px; padding: 6px 10px; min-height: 20px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
QLineEdit:hover, QComboBox:hover {{ border: 1px solid {t.quiet}; }}
QLineEdit:focus, QComboBox:focus, QPlainTextEdit:focus {{ border: 2px solid {t.accent}; padding: 5px 9px; }}
QLineEdit:disabled, QComboBox:disabled {{ color: {t.disabled}; background: {t.ground}; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0px; min-height: 0px; background: transparent; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0px; border: none; }}
QAbstractSpinBox:focus {{ border: 2px solid {t.accent}; padding: 5px 9px; }}
QComboBox::drop-down {{ border: none; width: 28px; subcontrol-origin: padding; subcontrol-position: center right; }}
QComboBox::down-arrow {{ image: url("{chevron}"); width: 14px; height: 14px; }}
QComboBox QAbstractItemView {{ background: {t.surface}; border: 1px solid {t.border}; outline: none; padding: 4px;
    selection-background-color: {t.selection}; selection-color: {t.text}; }}
QCheckBox {{ spacing: 8px; background: transparent; padding: 3px 2px; border: 1px solid transparent;
    border-radius: 4px; }}
QCheckBox:focus {{ border: 1px solid {t.accent}; }}
QCheckBox::indicator {{ width: 16px; height: 16px; border: 1px solid {t.quiet}; border-radius: 4px;
    background: {t.surface}; }}
QCheckBox::indicator:checked {{ background: {t.accent}; border: 1px solid {t.accent}; image: url("{check}"); }}
QCheckBox:disabled {{ color: {t.disabled}; }}

QTableView, QListView, QListWidget {{ background: {t.surface}; border: none; outline: none;
    gridline-color: transparent; selection-background-color: {t.selection}; selection-color: {t.text};
    alternate-background-color: {t.surface}; }}
QTableView::item {{ padding: 0px 12px; border-bottom: 1px solid {t.grid}; }}
QTableView::item:selected {{ background: {t.selection}; color: {t.text}; }}
QListView::item, QListWidget::item {{ padding: 6px 8px; border-radius: 4px; }}
QListView::item:selected, QListWidget::item:selected {{ background: {t.selection}; color: {t.text}; }}
QHeaderView {{ background: {t.surface}; border: none; }}
QHeaderView::section {{ background: {t.surface}; color: {t.quiet}; border: none; border-bottom: 1px solid {t.border};
    padding: 8px 12px; font-size: {small}pt; text-align: left; }}
QTableCornerButton::section {{ background: {t.surface}; border: none; }}

QProgressBar {{ background: {t.hover}; border: none; border-radius: 4px; height: 8px; text-align: center; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 4px; }}
QScrollArea {{ border: none; background: transparent; }}
QScrollArea > QWidget > QWidget#scrolled {{ background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {t.border}; border-radius: 4px; min-height: 32px; margin: 1px; }}
QScrollBar::handle:vertical:hover {{ background: {t.disabled}; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {t.border}; border-radius: 4px; min-width: 32px; margin: 1px; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: none;
    border: none; width: 0; height: 0; }}
QSplitter::handle {{ background: transparent; }}
QToolTip {{ background: {t.text}; color: {t.ground}; border: none; padding: 6px 8px; }}
QMenu {{ background: {t.surface}; border: 1px solid {t.border}; padding: 4px; }}
QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.selection}; }}
QDialog {{ background: {t.surface}; }}
QFrame#line {{ background: {t.border}; border: none; max-height: 1px; min-height: 1px; }}
QFrame#overlay {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: 10px; }}
QFrame#banner {{ border-radius: {radius}px; }}
QFrame#banner[level="good"] {{ background: {t.good_ground}; border: 1px solid {t.good}; }}
QFrame#banner[level="caution"] {{ background: {t.caution_ground}; border: 1px solid {t.caution}; }}
QFrame#banner[level="fail"] {{ background: {t.fail_ground}; border: 1px solid {t.fail}; }}
QFrame#banner[level="unknown"] {{ background: {t.hover}; border: 1px solid {t.border}; }}
"""


def build_stylesheet(theme: Theme, chevron: str, check: str) -> str:
    """Build the style sheet.

    Parameters
    ----------
    chevron, check : str
        Paths of PNG files with forward slashes: the arrow of combo boxes and the tick of check boxes.
    """
    return _SHEET.format(
        t=theme,
        body=BODY_PT,
        small=SMALL_PT,
        section=SECTION_PT,
        page=PAGE_PT,
        headline=HEADLINE_PT,
        radius=RADIUS,
        chevron=chevron,
        check=check,
    )
