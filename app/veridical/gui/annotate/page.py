"""The Annotate page."""

from veridical.gui.common.page import Page


class AnnotatePage(Page):
    """Placeholder."""

    name = "annotate"
    title = "Annotate"
    icon = "annotate"
