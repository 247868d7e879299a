"""The Model page."""

from veridical.gui.common.page import Page


class ModelPage(Page):
    """Placeholder."""

    name = "model"
    title = "Model"
    icon = "model"
