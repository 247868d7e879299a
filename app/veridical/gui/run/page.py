"""The Run page."""

from veridical.gui.common.page import Page


class RunPage(Page):
    """Placeholder."""

    name = "run"
    title = "Run"
    icon = "run"
