"""How the demo pictures are drawn: brushes, and scenes by class."""
