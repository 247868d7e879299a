"""One check for each way in which a model may fool us, and the verdict that follows from them."""
